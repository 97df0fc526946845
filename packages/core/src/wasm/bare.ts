import { TailhopError } from "../errors/index.ts";
import { analyze } from "../flow/index.ts";
import { defaultEnvironment, type Helper, type HelperRuntime } from "../helpers/index.ts";
import { CALL, type Insn } from "../isa/index.ts";
import { LinearMemory, MACHINE } from "../memory/index.ts";
import type { FunctionInfo, LinkedProgram } from "../spec/index.ts";
import { argsOf, isWide } from "./calls.ts";
import { type CompiledModule, compile } from "./compile.ts";

export interface BareWasmOptions {
	/** r1 is its address, r2 its length; changed in place. */
	readonly memory?: Uint8Array;
	/** Region checks and fuel; default true. */
	readonly checked?: boolean;
	/** Loop rounds. */
	readonly budget?: number;
	readonly helpers?: ReadonlyMap<number, Helper>;
	/** The passes that make code faster; default true. */
	readonly passes?: boolean;
}

/** First byte of a bare run's memory that a program may touch. */
const AREA = 0x2_0000;
/** Room for the frames: 239 of 512 bytes. */
const STACK = 239 * 512;
const UNIT = 1;

/**
 * Compiles instructions and runs them without a machine: no maps, no hook, the context is plain memory. For ISA
 * tests; the interpreter's `runBare` is the same.
 * @throws TailhopError fault/* where it traps, machine/unsupported for what isn't compiled
 */
export function runBareWasm(insns: readonly Insn[], options: BareWasmOptions = {}): { r0: bigint } {
	const { checked = true, helpers = new Map(), budget = 100_000_000 } = options;
	const input = options.memory ?? new Uint8Array(0);
	const top = AREA + STACK;
	const initial = Math.ceil((top + input.length + 0x1_0000) / 0x1_0000);
	const memory = new LinearMemory(new WebAssembly.Memory({ initial, maximum: 0x1_0000 }));
	memory.write(top, input);
	const module = compileBare(insns, input.length, {
		regionChecks: checked,
		fuel: checked,
		passes: options.passes ?? true,
		helpers,
	});
	for (const error of module.unsupported.values()) throw error;
	const runtime = bareRuntime(memory, top);
	const imports: Record<string, WebAssembly.ImportValue> = {
		memory: memory.memory,
		table: new WebAssembly.Table({ element: "anyfunc", initial: UNIT + 1 }),
	};
	for (const { name, id } of module.helpers) imports[name] = importOf(helpers.get(id)!, runtime);
	const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { env: imports });
	memory.setU32(MACHINE.BUDGET, budget);
	try {
		const low = (exports[`e${UNIT}`] as (context: number, sp: number) => number)(top, top);
		input.set(memory.read(top, input.length));
		return { r0: (BigInt(memory.u32(MACHINE.RESULT_HIGH)) << 32n) | BigInt(low >>> 0) };
	} catch (error) {
		if (error instanceof TailhopError) throw error;
		if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
		const code = error instanceof RangeError ? "fault/stack" : "fault/access";
		throw new TailhopError(code, error.message, {}, { cause: error });
	}
}

function compileBare(
	insns: readonly Insn[],
	length: number,
	how: {
		readonly regionChecks: boolean;
		readonly fuel: boolean;
		readonly passes: boolean;
		readonly helpers: ReadonlyMap<number, Helper>;
	},
): CompiledModule {
	// a compiled program gets r1 alone; r2 is set by an instruction before its first
	const setR2: Insn = { opcode: 0xb7, dst: 2, src: 0, off: 0, imm: length };
	const all = [setR2, ...insns];
	const program: LinkedProgram = {
		name: "bare",
		section: "",
		type: 0,
		expectedAttachType: 0,
		flags: 0,
		insns: all,
		functions: functionsOf(all),
		lines: [],
		entry: true,
		helpers: [],
		kfuncs: [],
	};
	return compile(
		[{ program, facts: analyze(program, []), index: UNIT, maps: [], verified: false }],
		{
			name: "",
			regionChecks: how.regionChecks,
			fuel: how.fuel,
			fuelForVerified: false,
			passes: how.passes,
			stackBase: AREA,
			trace: false,
			emptySlotCounts: false,
			dataBase: AREA,
			cpu: 0,
			mayGoto: defaultEnvironment().mayGoto,
			contextWord: 0,
			contextAccess: { store: () => false, load: () => 0, ones: () => false },
			prototype: (id) => how.helpers.get(id)?.prototype,
			kfunc: () => undefined,
			isOwn: () => false,
		},
		() => 0,
		() => 0,
	);
}

/** The program itself, and what is called in it: each function ends where the next begins. */
function functionsOf(insns: readonly Insn[]): FunctionInfo[] {
	const starts = new Set([0]);
	insns.forEach(({ opcode, src, imm }, i) => {
		if (opcode === 0x85 && src === CALL.LOCAL) starts.add(i + 1 + imm);
	});
	const sorted = [...starts].sort((a, b) => a - b);
	return sorted.map((start, i) => ({
		name: i === 0 ? "bare" : `f${start}`,
		start,
		end: sorted[i + 1] ?? insns.length,
		linkage: i === 0 ? "global" : "static",
		typeId: 0,
	}));
}

function bareRuntime(memory: LinearMemory, context: number): HelperRuntime {
	return {
		memory,
		argHi: new Int32Array(5),
		resultHi: 0,
		environment: defaultEnvironment(),
		programType: 0,
		context,
		cpu: 0,
		map: () => undefined,
		clock: () => 0n,
		random: () => 0,
		output: () => {},
	};
}

function importOf(helper: Helper, runtime: HelperRuntime): (...given: number[]) => number | undefined {
	const { prototype } = helper;
	const wide = argsOf(prototype).map(isWide);
	return (...given) => {
		if (!("run" in helper))
			throw new TailhopError("fault/unimplemented", `${prototype.name} calls back: not without a machine`);
		const r = [0, 0, 0, 0, 0];
		let at = 0;
		wide.forEach((both, i) => {
			r[i] = given[at++]!;
			runtime.argHi[i] = both ? given[at++]! : 0;
		});
		const result = helper.run(runtime, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!);
		if (prototype.returns === "u64") runtime.memory.setU32(MACHINE.RESULT_HIGH, runtime.resultHi);
		return prototype.returns === "void" ? undefined : result;
	};
}
