import type { Helper, HelperRuntime } from "../helpers/index.ts";
import { defaultEnvironment } from "../helpers/index.ts";
import type { Insn } from "../isa/index.ts";
import { LinearMemory } from "../memory/index.ts";
import type { LinkedProgram } from "../spec/index.ts";
import { type EngineHost, Execution, STACK_SIZE } from "./execution.ts";
import { ConstantPool, lower } from "./lower.ts";
import { REGION, Regions } from "./regions.ts";

export interface BareOptions {
	/** r1 is its address, r2 its length; changed in place. */
	readonly memory?: Uint8Array;
	readonly checked?: boolean;
	readonly budget?: number;
	readonly helpers?: ReadonlyMap<number, Helper>;
	/** callx is an instruction (the conformance dialect). */
	readonly callx?: boolean;
}

/** First byte of a bare run's memory that a program may touch. */
const AREA = 0x2_0000;

/**
 * Runs instructions without a machine: no maps, no hook, the context is plain memory. For ISA tests.
 * @throws TailhopError fault/* as a machine's run does.
 */
export function runBare(
	insns: readonly Insn[],
	options: BareOptions = {},
): { r0: bigint; instructions: number } {
	const input = options.memory ?? new Uint8Array(0);
	const stackTop = AREA + STACK_SIZE;
	const memory = new LinearMemory(
		new WebAssembly.Memory({ initial: Math.ceil((stackTop + input.length + 0x1_0000) / 0x1_0000) }),
	);
	memory.write(stackTop, input);
	const program: LinkedProgram = {
		name: "bare",
		section: "",
		type: 0,
		expectedAttachType: 0,
		flags: 0,
		insns,
		functions: [{ name: "bare", start: 0, end: insns.length, linkage: "global", typeId: 0 }],
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
	const pool = new ConstantPool();
	const regions = new Regions();
	const functions = regions.add(REGION.FUNCTION, 0, insns.length, "none");
	const none = { address: 0, provenance: 0 };
	const lowered = lower(program, [], 1, pool, {
		map: () => none,
		mapValue: () => none,
		function: (insn) => ({ address: insn, provenance: functions }),
	});
	const environment = defaultEnvironment();
	const runtime: HelperRuntime = {
		memory,
		argHi: new Int32Array(5),
		resultHi: 0,
		environment,
		programType: 0,
		context: stackTop,
		cpu: 0,
		map: () => undefined,
		clock: () => 0n,
		random: () => 0,
		output: () => {},
	};
	const host: EngineHost = {
		runtime,
		environment,
		stackTop,
		registers: pool.size,
		fillConstants: (registers, provenance) => pool.fill(registers, provenance),
		helper: (id) => options.helpers?.get(id),
		program: () => undefined,
		emptySlotCounts: false,
		callx: options.callx ?? false,
	};
	const execution = new Execution(host, regions, options.checked ?? true);
	const contextRegion = regions.add(REGION.MEMORY, stackTop, input.length, "rw", 0, "input");
	execution.begin({
		program: lowered,
		hook: undefined,
		context: stackTop,
		contextRegion,
		second: input.length,
		hops: undefined,
	});
	const budget = options.budget ?? 100_000_000;
	if (!execution.advance(budget)) execution.overBudget(budget);
	input.set(memory.read(stackTop, input.length));
	return { r0: execution.r0, instructions: execution.executed };
}
