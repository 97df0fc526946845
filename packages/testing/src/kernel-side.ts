import { HOOKS, type HookInput, hookFor, type LinkedObject, TailhopError } from "@tailhop/core";
import { type Kernel, KernelObject, openKernel, pinToCpu } from "@tailhop/kernel";
import { bytes } from "./bytes.ts";
import type { Side } from "./side.ts";
import { R0_MAP, withWholeR0 } from "./whole-r0.ts";

/** The oracle, or why there is none here. */
export type Oracle = { readonly kernel: Kernel } | { readonly kernel?: undefined; readonly why: string };

let opening: Promise<Oracle> | undefined;

/** In a browser, without root, or without koffi there is none: @tailhop/kernel says why. */
export function oracle(): Promise<Oracle> {
	opening ??= openKernel().then(
		(kernel) => ({ kernel }),
		(error: unknown) => {
			if (error instanceof TailhopError && error.code === "kernel/unavailable") return { why: error.message };
			throw error;
		},
	);
	return opening;
}

/** CPU that per-CPU values are compared on. */
export const CPU = 0;

const NO_KEY = new Uint8Array(4);

/** Throws "kernel/rejected" where the kernel refuses a map or a program. */
export async function openKernelSide(linked: LinkedObject, kernel: Kernel): Promise<Side> {
	const object = await KernelObject.load(withWholeR0(linked), { hooks: HOOKS });
	const types = new Map(linked.programs.map((program) => [program.name, program.type]));
	return {
		name: "kernel",
		cpu: CPU,
		run(program, input) {
			const r0 = object.map(R0_MAP);
			r0.hostUpdate(NO_KEY, new Uint8Array(8));
			const pin = pinToCpu(kernel, CPU);
			try {
				const result = object.run(program, withContext(types.get(program) ?? 0, input));
				const whole = r0.hostLookup(NO_KEY);
				return {
					kind: "ran",
					verdict: result.verdict.code,
					r0: typeof whole === "number" ? 0n : new DataView(whole.buffer).getBigUint64(0, true),
					packet: result.packet,
					context: result.context,
					contextBytes: result.contextBytes ?? new Uint8Array(),
				};
			} catch (error) {
				return { kind: "refused", errno: errnoOf(error) };
			} finally {
				pin.close();
			}
		},
		map: (name) => object.map(name),
		setSlot(map, slot, program) {
			const key = bytes(slot, 4);
			if (program === undefined) return object.map(map).hostDelete(key);
			return object.map(map).hostUpdate(key, bytes(object.program(program).fd, 4));
		},
		slot: (map, slot) => object.map(map).slot(slot)?.name,
		close: () => object.close(),
	};
}

/** With a context in, so that there is a context out to compare; xdp_md's data_end must be the packet's length then. */
function withContext(type: number, input: HookInput): HookInput {
	if (input.context !== undefined || input.contextBytes !== undefined || hookFor(type) === undefined)
		return input;
	return { ...input, context: {} };
}

/** The errno in an error of the kernel bridge; anything else is not for here. */
function errnoOf(error: unknown): number {
	const errno = error instanceof TailhopError ? error.detail?.errno : undefined;
	if (typeof errno !== "number") throw error;
	return errno;
}
