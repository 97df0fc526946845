import type { ProgramFacts } from "../flow/index.ts";
import type { HelperPrototype } from "../helpers/index.ts";
import type { LinkedMap, LinkedProgram } from "../spec/index.ts";
import type { FunctionIndex, ModuleWriter } from "./module.ts";

/** A map as compiled code refers to it. */
export interface CompiledMap {
	readonly def: LinkedMap;
	/** Header; 0 for a map that the machine doesn't have. */
	readonly address: number;
	/** Address of an array's first value; 0 for other kinds. */
	readonly values: number;
	/** Its values have fields that an update must not touch (locks, timers). */
	readonly guarded: boolean;
}

/** A program to compile: one of the functions that prog arrays may hold. */
export interface Unit {
	readonly program: LinkedProgram;
	readonly facts: ProgramFacts;
	/** Index in the machine's function table. */
	readonly index: number;
	/** In the order of the object's maps. */
	readonly maps: readonly CompiledMap[];
	/** The verifier has accepted it: no region checks, and no fuel unless it is asked for. */
	readonly verified: boolean;
}

/** What of a context isn't plain memory. Verified programs reach a field from the unmoved context only. */
export interface ContextAccess {
	/** Whether the host converts what is stored at this offset. */
	store(programType: number, offset: number): boolean;
	/** Where the bytes of a load are, if not there: the distance. */
	load(programType: number, offset: number, size: number): number;
	/** Whether such a load from a socket may give 64 ones for a field of fewer (SockField.minusOne). */
	ones(offset: number, size: number): boolean;
}

export interface CompileOptions {
	/** The module's, in stack traces; empty: none. */
	readonly name: string;
	/** Every access must lie in the data area: for programs that no verifier has passed. */
	readonly regionChecks: boolean;
	/** Count loop rounds and calls down from the budget word; trap at 0. */
	readonly fuel: boolean;
	/** The same in programs that are verified. */
	readonly fuelForVerified: boolean;
	/** Report tail calls to the host. */
	readonly trace: boolean;
	readonly emptySlotCounts: boolean;
	/** The passes that make code faster, and nothing else: off only to measure what they are worth. */
	readonly passes: boolean;
	/** Start of what programs may touch. */
	readonly dataBase: number;
	/** Lowest address of the stack area. */
	readonly stackBase: number;
	readonly cpu: number;
	readonly mayGoto: number;
	/** Address of the word that holds the running invocation's context. */
	readonly contextWord: number;
	/** The context's fields that are not plain memory. */
	readonly contextAccess: ContextAccess;
	readonly prototype: (id: number, programType: number) => HelperPrototype | undefined;
	readonly kfunc: (name: string) => HelperPrototype | undefined;
	/** Whether a helper is the one of Linux, and no other in its place: what may be done without a call. */
	readonly isOwn: (id: number) => boolean;
}

export interface UnitsBySlot {
	readonly map: CompiledMap;
	readonly mayInline: boolean;
	readonly bySlot: readonly (Unit | undefined)[];
}

/** What the translation of one function needs to know of the module. */
export interface ModuleContext {
	readonly module: ModuleWriter;
	readonly options: CompileOptions;
	readonly unit: Unit;
	/** Function in the module by first instruction of the program's functions. */
	readonly functions: ReadonlyMap<number, FunctionIndex>;
	/** First instructions of the unit's functions that may tail call. */
	readonly tailCallers: ReadonlySet<number>;
	/** Programs of the collection by index in the machine's table. */
	readonly programs: ReadonlyMap<number, FunctionIndex>;
	/** Slot → program index, as the arrays are now: what static sites jump to at once. */
	readonly slots: (mapAddress: number, slot: number) => number;
	readonly imports: Imports;
	/** The same for another program of the module. */
	of(unit: Unit): ModuleContext;
	/** The program that a tail call with a constant slot reaches now, if its code may stand in the caller's. */
	target(unit: Unit, insn: number): Unit | undefined;
	/** The same for one with a variable slot of a known array: the programs by slot. */
	targets(unit: Unit, insn: number): UnitsBySlot | undefined;
	/** Whether the module has room for so many instructions more; if so, they are taken off. */
	readonly room: (insns: number) => boolean;
	/** The unit's code stands in another's. */
	inlined(): void;
	/** Index in the machine's table of a function whose address the program takes. */
	readonly callback: (start: number) => number;
}

/** Imported functions, all with i32 in and out. */
export interface Imports {
	helper(id: number, programType: number): FunctionIndex;
	kfunc(name: string, programType: number): FunctionIndex;
	/** An export of the map code, or one of the host's own. */
	named(name: string): FunctionIndex;
}
