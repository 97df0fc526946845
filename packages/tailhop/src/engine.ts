import {
	HOOKS,
	type LinkedObject,
	Machine,
	type MachineOptions,
	type RunInput,
	type RunOutcome,
	TailhopError,
} from "@tailhop/core";
import type { Settable } from "./set.ts";

/** What `run` needs of whatever runs programs. */
export interface Engine extends Settable {
	readonly name: string;
	readonly verified: boolean;
	/** The Machine, where there is one: hops, output and map changes come from it. */
	readonly machine?: Machine;
	attempt(program: string, input: RunInput): RunOutcome;
	close(): void;
}

export const ENGINES = ["interpreter", "kernel"] as const;
export type EngineName = (typeof ENGINES)[number];

export async function openEngine(
	name: EngineName,
	linked: LinkedObject,
	options: MachineOptions,
): Promise<Engine> {
	return name === "kernel" ? openKernel(linked) : openInterpreter(linked, options);
}

async function openInterpreter(linked: LinkedObject, options: MachineOptions): Promise<Engine> {
	const machine = await Machine.create(linked, options);
	return {
		name: "interpreter",
		verified: false,
		machine,
		map: (name) => machine.map(name).instance,
		setSlot: (map, slot, program) => machine.map(map).setSlot(slot, program),
		attempt: (program, input) => machine.attempt(program, input),
		close: () => machine.close(),
	};
}

/** The running kernel: its verifier and its JIT. It shows no hops, only what comes out. */
async function openKernel(linked: LinkedObject): Promise<Engine> {
	let bridge: typeof import("@tailhop/kernel");
	try {
		bridge = await import("@tailhop/kernel");
	} catch (error) {
		throw new TailhopError(
			"kernel/unavailable",
			"@tailhop/kernel is not installed",
			{},
			{ hint: "npm install @tailhop/kernel koffi", cause: error },
		);
	}
	const object = await bridge.KernelObject.load(linked, { hooks: HOOKS });
	return {
		name: "kernel",
		verified: true,
		map: (name) => object.map(name),
		setSlot: (map, slot, program) => object.setSlot(map, slot, program),
		attempt(program, input) {
			try {
				const { verdict, packet, context, contextBytes } = object.run(program, input);
				const { type, expectedAttachType } = linked.programs.find((each) => each.name === program)!;
				const name = HOOKS.find((hook) => hook.programType === type)?.verdictName(
					verdict.code,
					expectedAttachType,
				);
				return {
					verdict: { ...verdict, ...(name === undefined ? {} : { name }) },
					r0: BigInt(verdict.code),
					packet,
					context: context ?? {},
					...(contextBytes === undefined ? {} : { contextBytes }),
					hops: [],
					output: [],
					instructions: 0,
					engine: "kernel",
					verified: true,
				};
			} catch (error) {
				if (!(error instanceof TailhopError)) throw error;
				return { error, hops: [], output: [], engine: "kernel", verified: true };
			}
		},
		close: () => object.close(),
	};
}
