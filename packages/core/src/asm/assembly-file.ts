import type { Insn } from "../isa/index.ts";
import type { ValueType } from "./value-types.ts";

/** An assembly file as plain data: what `parseAssemblyFile` reads and `writeAssemblyObject` writes. */
export interface AssemblyFile {
	/** As given: the name that line info carries. */
	readonly file: string;
	readonly license?: string;
	readonly code: readonly AssemblyCode[];
	readonly data: readonly AssemblyData[];
	readonly maps: readonly AssemblyMap[];
}

export type Binding = "global" | "local" | "weak";

/** One section of code. Indexes are slots from its start. */
export interface AssemblyCode {
	readonly section: string;
	readonly functions: readonly AssemblyFunction[];
	/** Local jumps are resolved; what `references` lists is not. */
	readonly insns: readonly Insn[];
	/** Line of each instruction. */
	readonly lines: readonly {
		readonly insn: number;
		readonly line: number;
		readonly column: number;
		readonly text: string;
	}[];
	readonly references: readonly AssemblyReference[];
}

export interface AssemblyFunction {
	readonly name: string;
	readonly binding: Binding;
	readonly start: number;
	readonly end: number;
	/** `.proto`; absent: a program takes its context, a subprogram says nothing. */
	readonly parameters?: readonly Parameter[];
}

/** A parameter: a number, or a pointer to a kernel struct by name (`xdp_md *`). */
export type Parameter =
	| { readonly kind: "value"; readonly type: ValueType }
	| { readonly kind: "pointer"; readonly struct: string };

/** A call of a function, or a lddw of a map, variable or function, by name. The instruction's imm is the addend. */
export interface AssemblyReference {
	readonly insn: number;
	readonly kind: "call" | "address";
	readonly name: string;
}

export interface AssemblyData {
	readonly section: string;
	/** In bytes. */
	readonly size: number;
	/** Contents; absent of a `.bss`, which is all zero. */
	readonly bytes?: Uint8Array;
	readonly align: number;
	readonly variables: readonly AssemblyVariable[];
}

export interface AssemblyVariable {
	readonly name: string;
	readonly binding: Binding;
	readonly offset: number;
	readonly size: number;
	readonly type: ValueType;
}

export interface AssemblyMap {
	readonly name: string;
	/** BPF_MAP_TYPE_*. */
	readonly type: number;
	readonly maxEntries: number;
	readonly key?: ValueType;
	readonly value?: ValueType;
	readonly keySize?: number;
	readonly valueSize?: number;
	readonly flags: number;
	readonly pinning: number;
	readonly mapExtra: number;
	readonly numaNode?: number;
	/** Name of the map whose definition the inner maps have. */
	readonly inner?: string;
	/** Programs (prog array) or maps (map in maps) by slot. */
	readonly values: readonly { readonly index: number; readonly target: string }[];
}
