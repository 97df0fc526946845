import { TailhopError, type Where } from "../errors/index.ts";
import { analyze } from "../flow/index.ts";
import { type Helper, PACKET, PROTOTYPES, prototypeFor } from "../helpers/index.ts";
import { fieldAt, type Hook, isSocketOnes, loadedFrom, onesAt, storeField } from "../hooks/index.ts";
import { type HopRecord, OUTCOMES } from "../interpreter/index.ts";
import type { MapRuntime } from "../maps/index.ts";
import { MACHINE } from "../memory/index.ts";
import {
	argsOf,
	type CompiledMap,
	type CompiledModule,
	type CompileOptions,
	type ContextAccess,
	compile,
	isWide,
	type Unit,
} from "../wasm/index.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { MapRecord, ProgramRecord } from "./records.ts";
import type { Runtime } from "./runtime.ts";
import { specialFields } from "./special-fields.ts";

export interface WasmParts {
	readonly allocator: MapRuntime;
	readonly runtime: Runtime;
	readonly lifecycle: Lifecycle;
	readonly hooks: readonly Hook[];
	readonly helper: (id: number) => Helper | undefined;
	readonly regionChecks: boolean;
	readonly fuel: boolean;
	readonly emptySlotCounts: boolean;
	readonly mayGoto: number;
	readonly cpu: number;
	/** Lowest address of the stack area. */
	readonly stackBase: number;
}

type Entry = (context: number, sp: number) => number;
type Callback = (r1: bigint, r2: bigint, r3: bigint, r4: bigint, r5: bigint, sp: number) => bigint;

/** The programs of a machine, compiled one way: a chain stays in the build that it began in, callbacks included. */
interface Build {
	/** Functions by program index. */
	readonly table: WebAssembly.Table;
	/** Entries for the host by program index. */
	readonly entries: (Entry | undefined)[];
	/** By callback id. */
	readonly callbacks: (Callback | undefined)[];
}

const ARRAY = 2;

/**
 * Programs as WebAssembly: one module a collection, one function table a machine. The interpreter's equal in all
 * that can be observed; a trap becomes the fault that it stands for.
 */
export class WasmEngine {
	readonly #parts: WasmParts;
	readonly #plain: Build = emptyBuild();
	/** With calls that report hops. */
	readonly #traced: Build = emptyBuild();
	/** The one that runs. */
	#running: Build = this.#plain;
	readonly #callbackIds = new Map<string, number>();
	#hops: HopRecord[] | undefined;
	#hook: Hook | undefined;

	constructor(parts: WasmParts) {
		this.#parts = parts;
	}

	/**
	 * Compiles programs into one module, and once more with calls that report hops.
	 * @throws TailhopError machine/unsupported: the interpreter must run them
	 */
	build(records: readonly ProgramRecord[]): void {
		const units: Unit[] = records.map((record) => ({
			program: record.program,
			facts: analyze(record.program, record.linked.maps),
			index: record.index,
			maps: record.objectMaps.map((map) => this.#compiledMap(map)),
		}));
		const options = this.#compileOptions();
		this.#build(units, options, this.#plain);
		this.#build(units, { ...options, trace: true }, this.#traced);
	}

	#build(units: readonly Unit[], options: CompileOptions, { table, entries, callbacks }: Build): void {
		const { runtime, allocator } = this.#parts;
		const module = compile(
			units,
			options,
			(address, slot) => runtime.map(address)?.slots?.word(slot) ?? 0,
			(unit, start) => this.#callbackId(unit.index, start),
		);
		const { bytes } = module;
		bytes[module.memoryFlagAt] = allocator.memory.shared ? 3 : 1;
		const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
			env: this.#imports(module, table),
		});
		for (const { index } of units) {
			if (table.length <= index) table.grow(index + 1);
			table.set(index, instance.exports[`p${index}`]);
			entries[index] = instance.exports[`e${index}`] as Entry;
		}
		for (const { name, tableIndex } of module.callbacks)
			callbacks[tableIndex] = instance.exports[name] as Callback;
	}

	#compileOptions(): CompileOptions {
		const parts = this.#parts;
		return {
			regionChecks: parts.regionChecks,
			fuel: parts.fuel,
			trace: false,
			emptySlotCounts: parts.emptySlotCounts,
			passes: true,
			dataBase: parts.allocator.dataBase,
			cpu: parts.cpu,
			stackBase: parts.stackBase,
			mayGoto: parts.mayGoto,
			contextWord: PACKET.CONTEXT,
			contextAccess: contextAccess(parts.hooks),
			prototype: (id, type) => {
				const helper = parts.helper(id);
				if (helper === undefined) return undefined;
				return helper.prototype === PROTOTYPES.get(id) ? prototypeFor(id, type) : helper.prototype;
			},
		};
	}

	#compiledMap(record: MapRecord | undefined): CompiledMap {
		const instance = record?.instance;
		if (record === undefined || instance === undefined) {
			throw new TailhopError("machine/unsupported", `map ${record?.name ?? "?"} is not implemented`, {
				map: record?.name ?? "?",
			});
		}
		const values = record.def.type === ARRAY ? instance.valueAddress(0) : 0;
		const guarded = specialFields(record.linked.btf, record.def.valueTypeId).length > 0;
		return { def: record.def, address: record.address, values: Math.max(values, 0), guarded };
	}

	#callbackId(program: number, start: number): number {
		const key = `${program},${start}`;
		let id = this.#callbackIds.get(key);
		if (id === undefined) {
			id = this.#callbackIds.size + 1;
			this.#callbackIds.set(key, id);
		}
		return id;
	}

	#imports(module: CompiledModule, table: WebAssembly.Table): Record<string, WebAssembly.ImportValue> {
		const { allocator, runtime } = this.#parts;
		const { memory } = allocator;
		const code: Readonly<Record<string, unknown>> = { ...allocator.code };
		const own: Record<string, (...args: number[]) => number | undefined> = {
			storeContext: (given, size, low, high, immediate) => {
				const address = given! >>> 0;
				const field = fieldAt(this.#hook!.fields, address - memory.u32(PACKET.CONTEXT));
				storeField(memory, field, address, size!, low!, high!, immediate !== 0);
				return undefined;
			},
			loadAbsolute: (offset, size) => {
				const value = this.#hook?.loadAbsolute?.(memory, offset!, size as 1 | 2 | 4);
				memory.setU32(MACHINE.RESULT_HIGH, value === undefined ? 1 : 0);
				return value ?? 0;
			},
			socketOnes: (address) => (isSocketOnes(runtime, address! >>> 0) ? 1 : 0),
			hop: (program, insn, map, slot, outcome, word) => {
				const { lifecycle } = this.#parts;
				const from = lifecycle.programs[program!];
				if (from === undefined || this.#hops === undefined) return undefined;
				const spent = memory.u32(MACHINE.TAIL_CALLS);
				this.#hops.push({
					program: from.lowered,
					insn: insn!,
					map: runtime.map(map! >>> 0)?.def.name ?? "?",
					slot: slot! >>> 0,
					outcome: OUTCOMES[outcome!]!,
					target: lifecycle.programs[word!]?.lowered,
					count: spent,
				});
				return undefined;
			},
		};
		const imports: Record<string, WebAssembly.ImportValue> = { memory: memory.memory, table };
		for (const name of module.named) imports[name] = own[name] ?? (code[name] as WebAssembly.ImportValue);
		for (const { name, id } of module.helpers) imports[name] = this.#helper(id);
		return imports;
	}

	/** A helper's import: halves of arguments in, low half out, the high half in memory. */
	#helper(id: number): (...args: number[]) => number | undefined {
		const { runtime, helper: find, allocator } = this.#parts;
		const helper = find(id)!;
		const { prototype } = helper;
		const { returns } = prototype;
		const args = argsOf(prototype);
		const wide = args.map(isWide);
		const { memory } = allocator;
		return (...given) => {
			const r = [0, 0, 0, 0, 0];
			let at = 0;
			for (let i = 0; i < args.length; i++) {
				r[i] = given[at++]!;
				runtime.argHi[i] = wide[i] ? given[at++]! : 0;
			}
			let result: number;
			if ("run" in helper) result = helper.run(runtime, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!);
			else {
				const iteration = helper.iterate(runtime, r[0]!, r[1]!, r[2]!, r[3]!, r[4]!);
				result =
					typeof iteration === "number"
						? iteration
						: this.#iterate(iteration, r[helper.callback - 1]!, given[at]!);
			}
			if (returns === "u64") memory.setU32(MACHINE.RESULT_HIGH, runtime.resultHi);
			return returns === "void" ? undefined : result;
		};
	}

	#iterate(
		iteration: {
			next(previous: number | undefined): readonly (number | readonly [number, number])[] | undefined;
			result(): number;
		},
		id: number,
		sp: number,
	): number {
		const callback = this.#running.callbacks[id];
		if (callback === undefined)
			throw new TailhopError("fault/argument", "a callback that is no function of the program");
		let previous: number | undefined;
		for (;;) {
			const args = iteration.next(previous);
			if (args === undefined) return iteration.result();
			const r = [0n, 0n, 0n, 0n, 0n];
			args.forEach((value, i) => {
				r[i] =
					typeof value === "number"
						? BigInt(value >>> 0)
						: (BigInt(value[1] >>> 0) << 32n) | BigInt(value[0] >>> 0);
			});
			previous = Number(BigInt.asIntN(32, callback(r[0]!, r[1]!, r[2]!, r[3]!, r[4]!, sp)));
		}
	}

	/**
	 * Runs a program `times` times over what lies in memory; the last r0. `budget` counts loop rounds of one run, not
	 * instructions; `between` is called before each further run. @throws TailhopError fault/*
	 */
	run(
		record: ProgramRecord,
		hook: Hook,
		context: number,
		sp: number,
		budget: number,
		hops: HopRecord[] | undefined,
		times = 1,
		between?: () => void,
	): bigint {
		const { memory } = this.#parts.allocator;
		this.#running = hops === undefined ? this.#plain : this.#traced;
		const entry = this.#running.entries[record.index];
		if (entry === undefined)
			throw new TailhopError("machine/unsupported", `program ${record.name} is not compiled`, {
				program: record.name,
			});
		this.#hook = hook;
		this.#hops = hops;
		const rounds = Math.min(budget, 0xffff_ffff);
		try {
			// asking for the memory's buffer costs more than a short program: only when growth has detached the view
			let words = memory.i32;
			for (let left = times; ; ) {
				if (words.length === 0) words = memory.i32;
				words[MACHINE.BUDGET >> 2] = rounds;
				const low = entry(context, sp);
				if (--left <= 0) return (BigInt(memory.u32(MACHINE.RESULT_HIGH)) << 32n) | BigInt(low >>> 0);
				between?.();
			}
		} catch (error) {
			throw this.#fault(error, record, budget);
		} finally {
			this.#hops = undefined;
		}
	}

	#fault(error: unknown, record: ProgramRecord, budget: number): unknown {
		const { memory } = this.#parts.allocator;
		if (error instanceof TailhopError) return error;
		// a trap does not say which instruction, nor which program of a chain: only where the run began
		const where: Where = { program: record.name, section: record.program.section };
		if (error instanceof WebAssembly.RuntimeError) {
			if (memory.u32(MACHINE.TRAP) === 1) return stackFault(where, error);
			if (this.#parts.fuel && memory.u32(MACHINE.BUDGET) === 0) {
				return new TailhopError("fault/budget", `the budget of ${budget} is spent`, where, {
					hint: "An endless loop? Otherwise give a larger budget.",
				});
			}
			return new TailhopError("fault/access", "an access outside what programs may touch", where, {
				hint: "Run with the interpreter to see where the pointer came from.",
				cause: error,
			});
		}
		if (error instanceof RangeError) {
			return stackFault(where, error);
		}
		return error;
	}
}

function emptyBuild(): Build {
	return {
		table: new WebAssembly.Table({ element: "anyfunc", initial: 64 }),
		entries: [],
		callbacks: [],
	};
}

/** What the hooks' tables say of contexts, as the compiler asks it. */
function contextAccess(hooks: readonly Hook[]): ContextAccess {
	const field = (type: number, offset: number) => {
		const hook = hooks.find((each) => each.programType === type);
		return hook === undefined ? undefined : fieldAt(hook.fields, offset);
	};
	return {
		store: (type, offset) => field(type, offset)?.store !== undefined,
		load(type, offset, size) {
			const found = field(type, offset);
			return found === undefined ? 0 : loadedFrom(found, offset, size) - offset;
		},
		ones: onesAt,
	};
}

function stackFault(where: Where, cause: Error): TailhopError {
	return new TailhopError("fault/stack", "calls are nested too deep", where, { hint: "Recursion?", cause });
}
