import { type LinkedObject, Machine, type MachineOptions, TailhopError } from "@tailhop/core";
import type { Side } from "./side.ts";

/** The checked interpreter with an object in it. */
export async function openInterpreterSide(linked: LinkedObject, options: MachineOptions): Promise<Side> {
	const machine = await Machine.create(linked, options);
	return {
		name: "interpreter",
		cpu: machine.environment.cpu,
		run(program, input) {
			const result = machine.attempt(program, input);
			if (result.error !== undefined) {
				const { code, message, detail } = result.error;
				const errno = detail?.errno;
				if (code === "machine/invalid-input" && typeof errno === "number") return { kind: "refused", errno };
				if (!code.startsWith("fault/")) throw result.error;
				return { kind: "fault", code, message, error: result.error };
			}
			return {
				kind: "ran",
				verdict: result.verdict.code,
				r0: result.r0,
				packet: result.packet,
				context: result.context,
				contextBytes: result.contextBytes ?? new Uint8Array(),
				hops: result.hops.map((hop) => `${hop.slot} ${hop.to ?? hop.outcome}`),
				result,
			};
		},
		map: (name) => machine.map(name).instance,
		setSlot(map, slot, program) {
			try {
				if (program === undefined) machine.map(map).clearSlot(slot);
				else machine.map(map).setSlot(slot, program);
				return 0;
			} catch (error) {
				const errno = error instanceof TailhopError ? error.detail?.errno : undefined;
				if (typeof errno !== "number") throw error;
				return -errno;
			}
		},
		slot: (map, slot) => machine.map(map).slot(slot)?.name,
		close: () => machine.close(),
	};
}
