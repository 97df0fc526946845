import {
	type EngineOutcome,
	HOOKS,
	type LinkedObject,
	Machine,
	type MachineOptions,
	type RunInput,
	TailhopError,
	type Verdict,
	type WatchedMap,
} from "@tailhop/core";
import type { Settable } from "./set.ts";

/** What commands need of whatever runs programs. */
export interface Engine extends Settable {
	readonly name: EngineName;
	/** Whether a verifier has accepted every program. */
	readonly verified: boolean;
	/** Programs that our verifier doesn't accept, by name. */
	readonly notVerified: ReadonlyMap<string, Verdict>;
	/** Whether outcomes have the tail calls. */
	readonly showsHops: boolean;
	/** Programs that "wasm" leaves to the interpreter, by name, and why. */
	readonly notCompiled: ReadonlyMap<string, TailhopError>;
	readonly linked: LinkedObject;
	/** For MapWatch and comparisons. */
	readonly maps: readonly WatchedMap[];
	attempt(program: string, input: RunInput): EngineOutcome;
	close(): void;
}

export interface EngineOptions {
	/** Of the engines that are a Machine. */
	readonly machine?: MachineOptions;
	/** Programs that will run: the kernel loads them and what they reach through the object's slots. */
	readonly programs: readonly string[];
}

/** How each engine is opened. */
const OPEN = {
	interpreter: (linked, options) => openMachine("interpreter", linked, options),
	wasm: (linked, options) => openMachine("wasm", linked, options),
	kernel: openKernel,
} satisfies Record<string, (linked: LinkedObject, options: EngineOptions) => Promise<Engine>>;

export type EngineName = keyof typeof OPEN;
export const ENGINES = ["interpreter", "wasm", "kernel"] as const satisfies readonly EngineName[];

/** @throws TailhopError kernel/unavailable, kernel/rejected, machine/* */
export function openEngine(name: EngineName, linked: LinkedObject, options: EngineOptions): Promise<Engine> {
	return OPEN[name](linked, options);
}

/**
 * Where nobody names an engine: programs that the verifier accepts run as WebAssembly. Others are interpreted, which
 * checks every pointer and finds what the verifier was afraid of.
 */
export async function openDefault(
	linked: LinkedObject,
	{ machine: options }: EngineOptions,
): Promise<Engine> {
	const compiled = await Machine.create(linked, { ...options, verify: "try", engine: "wasm" });
	if (compiled.verified || options?.checked === false) return engineOf("wasm", compiled, linked);
	// verified once, and nothing compiled in vain
	const notVerified = refusedBy(compiled);
	compiled.close();
	const machine = await Machine.create(linked, { ...options, engine: "interpreter" });
	return { ...engineOf("interpreter", machine, linked), notVerified };
}

async function openMachine(
	name: "interpreter" | "wasm",
	linked: LinkedObject,
	{ machine: options }: EngineOptions,
): Promise<Engine> {
	return engineOf(name, await Machine.create(linked, { verify: "try", ...options, engine: name }), linked);
}

/** Programs that the verifier doesn't accept. */
function refusedBy({ verdicts }: Machine): ReadonlyMap<string, Verdict> {
	return new Map([...verdicts].filter(([, verdict]) => !verdict.accepted));
}

function engineOf(name: "interpreter" | "wasm", machine: Machine, linked: LinkedObject): Engine {
	return {
		name,
		verified: machine.verified,
		notVerified: refusedBy(machine),
		showsHops: true,
		notCompiled: machine.notCompiled,
		linked,
		maps: [...machine.maps],
		map: (name) => machine.map(name).instance,
		setSlot(name, slot, program) {
			const map = machine.map(name);
			if (program !== undefined) map.setSlot(slot, program);
			else if (map.slot(slot) !== undefined) map.clearSlot(slot);
		},
		setInnerMap: (map, key, inner) => machine.map(map).setInnerMap(key, inner),
		attempt: (program, input) => machine.attempt(program, input),
		close: () => machine.close(),
	};
}

/**
 * The running kernel: its verifier and its JIT. It shows no hops, only what comes out. The process stays on one CPU,
 * so that per-CPU values and events are those of the CPU that ran.
 */
async function openKernel(linked: LinkedObject, { programs, machine }: EngineOptions): Promise<Engine> {
	const bridge = await kernelBridge();
	const object = await bridge.KernelObject.load(linked, {
		hooks: HOOKS,
		programs,
		...(machine?.perfReaders === undefined ? {} : { perfReaders: machine.perfReaders }),
	});
	const pin = bridge.pinToCpu(object.kernel, machine?.environment?.cpu);
	return {
		name: "kernel",
		verified: true,
		notVerified: new Map(),
		showsHops: false,
		notCompiled: new Map(),
		linked,
		maps: object.maps,
		map: (name) => object.map(name),
		setSlot: (map, slot, program) => object.setSlot(map, slot, program),
		setInnerMap: (map, key, inner) => object.map(map).setInnerMap(key, inner),
		attempt: (program, input) => object.attempt(program, input),
		close() {
			pin.close();
			object.close();
		},
	};
}

type Bridge = typeof import("@tailhop/kernel");

/** @throws TailhopError kernel/unavailable */
export async function kernelBridge(): Promise<Bridge> {
	try {
		return await import("@tailhop/kernel");
	} catch (error) {
		throw new TailhopError(
			"kernel/unavailable",
			"@tailhop/kernel is not installed",
			{},
			{ hint: "npm install @tailhop/kernel koffi", cause: error },
		);
	}
}

/** How many CPUs the kernel's per-CPU maps have, and one that this process may run on. */
export async function kernelCpus(): Promise<{ readonly cpus: number; readonly cpu: number }> {
	const bridge = await kernelBridge();
	const kernel = await bridge.openKernel();
	const pin = bridge.pinToCpu(kernel);
	pin.close();
	return { cpus: kernel.cpus, cpu: pin.cpu };
}
