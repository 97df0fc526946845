import type { TailhopError } from "../errors/index.ts";
import type { HelperPrototype } from "../helpers/index.ts";
import { MACHINE } from "../memory/index.ts";
import type { FunctionInfo } from "../spec/index.ts";
import { argsOf, isWide, MAP_CODE } from "./calls.ts";
import type { CompileOptions, Imports, ModuleContext, Unit, UnitsBySlot } from "./context.ts";
import { callsItself, ENTRY, PROGRAM, SUBPROGRAM, tailCallers } from "./convention.ts";
import {
	type FunctionBody,
	type FunctionIndex,
	FunctionWriter,
	ModuleWriter,
	type WrittenModule,
} from "./module.ts";
import { depthOf } from "./nodes.ts";
import { T, W } from "./opcodes.ts";
import { TABLE_TARGETS } from "./tail-call.ts";
import { Translator, Unsupported } from "./translate.ts";

/** Signatures of the imports that are no helper, in i32: [parameters, results]. */
const NAMED: Readonly<Record<string, readonly [number, number]>> = {
	...MAP_CODE,
	/** (address, width, low, high, whether it is an immediate): a store into the context */
	storeContext: [5, 0],
	/** (offset, width): the value; RESULT_HIGH says whether the packet has it */
	loadAbsolute: [2, 1],
	/** (address): whether that is a field of a socket whose ones are 64 */
	socketOnes: [1, 1],
	/** (program, context, r10, tail calls spent): r0's low half; the high one in RESULT_HIGH */
	interpret: [4, 1],
	/** (program, insn, map, slot, outcome, word) */
	hop: [6, 0],
};

/**
 * The parameters of a helper's import: the low half of each argument, and the high half where it
 * matters; behind them, of a helper that calls back, where the callback's frame begins.
 */
export function helperParams(prototype: HelperPrototype): number[] {
	const params = argsOf(prototype).flatMap((kind) => (isWide(kind) ? [T.i32, T.i32] : [T.i32]));
	return prototype.args.includes("func") ? [...params, T.i32] : params;
}

export interface HelperImport {
	readonly name: string;
	/** 0 for a kfunc. */
	readonly id: number;
	readonly kfunc?: string;
}

export interface CompiledModule extends WrittenModule {
	readonly helpers: readonly HelperImport[];
	/** Why programs are not compiled, by index: what stands in their place asks the host to go on. */
	readonly unsupported: ReadonlyMap<number, TailhopError>;
	/** Names of the other imports, `NAMED`'s. */
	readonly named: readonly string[];
	/** Exports: `p<index>` a program, `e<index>` its entry for the host, `f<id>` a callback's. */
	readonly callbacks: readonly { readonly name: string; readonly tableIndex: number }[];
}

/**
 * Compiles programs into one module, so that tail calls between them are jumps inside it.
 * `wordOf` says what is in a prog array's slot now; `callback` hands out table indexes for functions whose address is taken.
 * A program with something in it that isn't compiled becomes a call of the host's, and the error says what.
 */
export function compile(
	units: readonly Unit[],
	options: CompileOptions,
	wordOf: SlotWord,
	callback: (unit: Unit, start: number) => number,
): CompiledModule {
	const module = new ModuleWriter();
	const slots = remembered(wordOf);
	const helpers = new Map<string, HelperImport>();
	const importHelper = (name: string, prototype: HelperPrototype): FunctionIndex =>
		module.importFunction(name, helperParams(prototype), prototype.returns === "void" ? [] : [T.i32]);
	const imports: Imports = {
		helper(id, programType) {
			const prototype = options.prototype(id, programType)!;
			const name = `h${id}_${programType}`;
			helpers.set(name, { name, id });
			return importHelper(name, prototype);
		},
		kfunc(called, programType) {
			const name = `k_${called}_${programType}`;
			helpers.set(name, { name, id: 0, kfunc: called });
			return importHelper(name, options.kfunc(called)!);
		},
		named(name) {
			const [params, results] = NAMED[name]!;
			const words = (count: number) => new Array<number>(count).fill(T.i32);
			return module.importFunction(name, words(params), words(results));
		},
	};
	const programs = new Map<number, FunctionIndex>();
	const perUnit = units.map((unit) => {
		const program = module.declare(PROGRAM);
		programs.set(unit.index, program);
		const functions = new Map<number, FunctionIndex>();
		const callees = subprograms(unit);
		for (const { start } of callees) functions.set(start, module.declare(SUBPROGRAM));
		const entry = module.declare(ENTRY);
		return { unit, program, functions, entry, callees };
	});
	const callbacks: { name: string; tableIndex: number }[] = [];
	const targets = new TargetFinder(units, options, slots);
	const contexts = new Map<Unit, ModuleContext>();
	for (const { unit, functions } of perUnit) {
		contexts.set(unit, {
			module,
			options: unit.verified
				? { ...options, regionChecks: false, fuel: options.fuel && options.fuelForVerified }
				: options,
			unit,
			functions,
			tailCallers: tailCallers(unit.program),
			programs,
			slots,
			imports,
			of: (other) => contexts.get(other)!,
			target: (from, insn) => (targets.mayInline ? targets.one(from, insn) : undefined),
			targets: (from, insn) => targets.many(from, insn),
			room: (insns) => targets.room(insns),
			inlined: () => targets.inlined.add(unit),
			callback(start) {
				const tableIndex = callback(unit, start);
				const name = `f${tableIndex}`;
				if (!callbacks.some((each) => each.name === name)) {
					callbacks.push({ name, tableIndex });
					const index = functions.get(start);
					if (index !== undefined) module.export(name, callbackEntry(module, index));
				}
				return tableIndex;
			},
		});
	}
	const unsupported = new Map<number, TailhopError>();
	const translated = (unit: Unit, { start, end }: Range, isProgram: boolean): FunctionBody =>
		new Translator(contexts.get(unit)!, start, end, isProgram, depthOf(unit, start)).translate();
	/** Of a program that the host goes on with. */
	const leave = ({ unit, program, functions }: (typeof perUnit)[number], error: TailhopError): void => {
		unsupported.set(unit.index, error);
		targets.exclude(unit);
		module.body(program, interpreted(unit, imports));
		for (const index of functions.values()) module.body(index, absent());
	};
	// what is called comes first: a program whose subprogram isn't compiled stands nowhere
	for (const each of perUnit) {
		try {
			for (const range of each.callees)
				module.body(each.functions.get(range.start)!, translated(each.unit, range, false));
		} catch (error) {
			if (!(error instanceof Unsupported)) throw error;
			leave(each, error);
		}
	}
	for (const each of targets.firstFirst(perUnit)) {
		const { unit, program } = each;
		const main = { start: 0, end: unit.program.functions[0]?.end ?? 0 };
		while (!unsupported.has(unit.index)) {
			const before = targets.begin(unit);
			try {
				module.body(program, translated(unit, main, true));
				break;
			} catch (error) {
				if (!(error instanceof Unsupported)) throw error;
				targets.back(before);
				// another program's code, in the place of a tail call: without it, then
				if (error.unit === unit) leave(each, error);
				else targets.exclude(error.unit);
			}
		}
	}
	for (const { unit, program, entry } of perUnit) {
		module.body(entry, entryBody(program));
		module.export(`p${unit.index}`, program);
		module.export(`e${unit.index}`, entry);
	}
	return {
		...module.write(options.name),
		helpers: [...helpers.values()],
		named: module.imported.filter((name) => name in NAMED),
		callbacks,
		unsupported,
	};
}

type SlotWord = (mapAddress: number, slot: number) => number;

/** Each slot is asked for once: thirty programs that share an array would ask thirty times. */
function remembered(wordOf: SlotWord): SlotWord {
	const words = new Map<number, number[]>();
	return (address, slot) => {
		let array = words.get(address);
		if (array === undefined) {
			array = [];
			words.set(address, array);
		}
		array[slot] ??= wordOf(address, slot);
		return array[slot];
	};
}

type Range = Pick<FunctionInfo, "start" | "end">;

/** Instructions of inlined targets for each that the module has anyway, and for any module. */
const GROWTH = 4;
const GROWTH_AT_LEAST = 1500;

/**
 * What tail calls reach as the arrays are now. Programs whose code stands in others' need no targets of their own,
 * unless somebody begins with them.
 */
class TargetFinder {
	readonly #byIndex: Map<number, Unit>;
	readonly #slots: SlotWord;
	readonly #trace: boolean;
	/** Instructions that may still be added. */
	#left: number;
	/** Whose code stands in others'. */
	readonly inlined = new Set<Unit>();
	/** Whether the function that is being translated may have others' code. */
	mayInline = false;
	/** By address of the array. */
	readonly #many = new Map<number, UnitsBySlot>();

	constructor(units: readonly Unit[], { trace }: CompileOptions, slots: SlotWord) {
		this.#byIndex = new Map(units.map((unit) => [unit.index, unit]));
		this.#slots = slots;
		this.#trace = trace;
		const insns = units.reduce((sum, { program }) => sum + program.insns.length, 0);
		this.#left = Math.max(GROWTH * insns, GROWTH_AT_LEAST);
	}

	/** The function of a program is next; what `back` needs if it comes to nothing. */
	begin(unit: Unit): { readonly left: number; readonly inlined: number } {
		this.mayInline = unit.program.entry || !this.inlined.has(unit);
		return { left: this.#left, inlined: this.inlined.size };
	}

	/** As it was before the function. */
	back({ left, inlined }: ReturnType<TargetFinder["begin"]>): void {
		this.#left = left;
		for (const unit of [...this.inlined].slice(inlined)) this.inlined.delete(unit);
	}

	one(unit: Unit, insn: number): Unit | undefined {
		const { map, slot } = unit.facts.tailCalls.get(insn) ?? {};
		const array = map === undefined ? undefined : unit.maps[map];
		// hops of a traced build are reported at the call
		if (this.#trace || array === undefined || slot === undefined || slot >= array.def.maxEntries)
			return undefined;
		return this.#byIndex.get(this.#slots(array.address, slot));
	}

	many(unit: Unit, insn: number): UnitsBySlot | undefined {
		const { map: index, slot } = unit.facts.tailCalls.get(insn) ?? {};
		const map = index === undefined ? undefined : unit.maps[index];
		if (this.#trace || map === undefined || slot !== undefined || map.def.maxEntries > TABLE_TARGETS)
			return undefined;
		let many = this.#many.get(map.address);
		if (many === undefined) {
			const at = (i: number) => this.#byIndex.get(this.#slots(map.address, i));
			const bySlot = Array.from({ length: map.def.maxEntries }, (_, i) => at(i));
			many = { map, mayInline: true, bySlot };
			this.#many.set(map.address, many);
		}
		return this.mayInline ? many : { ...many, mayInline: false };
	}

	room(insns: number): boolean {
		if (insns > this.#left) return false;
		this.#left -= insns;
		return true;
	}

	/** This program's code stands nowhere from now on. */
	exclude({ index }: Unit): void {
		this.#byIndex.delete(index);
		this.#many.clear();
	}

	/** Programs that no other reaches, then the rest: which may find its code in those. */
	firstFirst<Each extends { readonly unit: Unit }>(all: readonly Each[]): readonly Each[] {
		const reached = new Set<Unit | undefined>();
		for (const { unit } of all) {
			for (const insn of unit.facts.tailCalls.keys()) {
				reached.add(this.one(unit, insn));
				for (const each of this.many(unit, insn)?.bySlot ?? []) reached.add(each);
			}
		}
		return [...all.filter(({ unit }) => !reached.has(unit)), ...all.filter(({ unit }) => reached.has(unit))];
	}
}

/** The functions that are called; the program's own only where it calls itself. */
function subprograms({ program: { insns, functions } }: Unit): readonly FunctionInfo[] {
	return callsItself(insns) ? functions : functions.slice(1);
}

/** In the place of a program that isn't compiled: the host goes on with it, and gives its r0. */
function interpreted({ index }: Unit, imports: Imports): FunctionBody {
	const w = new FunctionWriter(PROGRAM.params.length);
	w.i32(index);
	for (let i = 0; i < PROGRAM.params.length; i++) w.get(i);
	w.call(imports.named("interpret"));
	w.op(W.i64_extend_i32_u);
	w.i32(0);
	w.memory(W.i64_load32_u, MACHINE.RESULT_HIGH, 2);
	w.i64(32);
	w.op(W.i64_shl, W.i64_or);
	return w.finish();
}

/** A function of such a program: its main function, which would call it, stands nowhere. */
function absent(): FunctionBody {
	const w = new FunctionWriter(SUBPROGRAM.params.length);
	w.op(W.unreachable);
	return w.finish();
}

/** A callback for the host: halves of r1 to r5, and its r10, in i32; r0's low half comes back. */
function callbackEntry(module: ModuleWriter, callback: FunctionIndex): FunctionIndex {
	const entry = module.declare({ params: new Array<number>(11).fill(T.i32), results: [T.i32] });
	const w = new FunctionWriter(11);
	for (let i = 0; i < 10; i += 2) {
		w.get(i);
		w.op(W.i64_extend_i32_u);
		w.get(i + 1);
		w.op(W.i64_extend_i32_u);
		w.i64(32);
		w.op(W.i64_shl, W.i64_or);
	}
	w.get(10);
	w.call(callback);
	w.op(W.i32_wrap_i64);
	module.body(entry, w.finish());
	return entry;
}

/** The host's entry: r0's low half comes back, the high half is left in memory. JavaScript then needs no BigInt. */
function entryBody(program: FunctionIndex): FunctionBody {
	const w = new FunctionWriter(2);
	const r0 = w.local(T.i64);
	w.get(0);
	w.get(1);
	w.i32(0);
	w.call(program);
	w.set(r0);
	w.i32(0);
	w.get(r0);
	w.i64(32);
	w.op(W.i64_shr_u, W.i32_wrap_i64);
	w.memory(W.i32_store, MACHINE.RESULT_HIGH, 2);
	w.get(r0);
	w.op(W.i32_wrap_i64);
	return w.finish();
}
