import type { Btf } from "../btf/index.ts";
import type { SourceLine } from "../errors/index.ts";
import type { Insn } from "../isa/index.ts";
import type { SectionKind } from "./section-names.ts";
import type { MapSpec } from "./types.ts";

/** What a relocated instruction refers to; indexes are into the ObjectSpec's own lists. */
export type Reference =
	/** lddw of a map. */
	| { readonly kind: "map"; readonly map: number }
	/** lddw of an address in the single value of a data section's map. */
	| { readonly kind: "data"; readonly map: number; readonly offset: number }
	/** A call, or a lddw of a callback's address. */
	| { readonly kind: "function"; readonly function: number }
	/** A call of a kfunc, or a lddw of a kconfig value or of a kernel symbol. */
	| { readonly kind: "extern"; readonly extern: number };

/** A relocation of one instruction; `insn` counts from the section's start. */
export interface Relocation {
	readonly insn: number;
	readonly to: Reference;
}

/** A CO-RE record (struct bpf_core_relo), still symbolic; `insn` counts from the section's start. */
export interface CoreRecord {
	readonly insn: number;
	/** BTF type id in the object's BTF. */
	readonly typeId: number;
	/** "0:1:2" */
	readonly access: string;
	/** enum bpf_core_relo_kind. */
	readonly kind: number;
}

/** A line of source, at an instruction counted from the section's start. */
export interface SectionLine extends SourceLine {
	readonly insn: number;
}

/** The bytes of an executable section, decoded; functions are ranges of it. */
export interface CodeSection {
	readonly name: string;
	readonly insns: readonly Insn[];
	/** Sorted by insn, at most one each. */
	readonly relocations: readonly Relocation[];
	/** Sorted by insn, at most one each. */
	readonly core: readonly CoreRecord[];
	/** Sorted by insn. */
	readonly lines: readonly SectionLine[];
	/** What the section's name says of its programs. */
	readonly kind?: SectionKind;
}

/** A function of the object; [start, end) are instructions of `code[section]`. */
export interface FunctionSpec {
	readonly name: string;
	/** Index in `ObjectSpec.code`. */
	readonly section: number;
	readonly start: number;
	readonly end: number;
	/** Visible to the verifier as global: not LOCAL and not hidden (libbpf treats hidden and internal as static). */
	readonly linkage: "static" | "global";
	/** BTF FUNC id, 0 where the object has none. */
	readonly typeId: number;
	/** Whether it is loaded on its own, and not only as a subprogram. */
	readonly program: boolean;
	/** Index of the function that the kernel calls when the program throws; it goes with the program. */
	readonly exceptionCallback?: number;
	/** The kind of program; absent where nothing in the object says it. */
	readonly kind?: SectionKind;
}

/** A slot that a declaration tag or a section name fills; those of `.values` are in the maps. */
export interface SlotSpec {
	readonly map: string;
	readonly slot: number;
	/** Name of the program. */
	readonly target: string;
	readonly from: "decl_tag" | "section";
}

/** A symbol that the object does not define. */
export interface ExternSpec {
	readonly name: string;
	readonly weak: boolean;
	/** `kconfig` and `ksym` variables and `kfunc`s are declared in BTF; `unknown` symbols are not. */
	readonly kind: "kconfig" | "ksym" | "kfunc" | "unknown";
	/** BTF id of the VAR or FUNC, 0 if unknown. */
	readonly typeId: number;
}

/**
 * What an object file says, and nothing of the machine that it may run on: the same bytes give the same value
 * everywhere. Deeply frozen (bytes excepted, which JavaScript cannot freeze: don't write to them).
 */
export interface ObjectSpec {
	/** File name, for messages. */
	readonly file: string;
	readonly license: string;
	/** The `version` section; 0 where there is none. */
	readonly version: number;
	readonly maps: readonly MapSpec[];
	readonly code: readonly CodeSection[];
	/** In order of section and start. */
	readonly functions: readonly FunctionSpec[];
	readonly slots: readonly SlotSpec[];
	readonly externs: readonly ExternSpec[];
	/** The object's BTF, its DATASECs fixed up (sizes, offsets, linkage) as the kernel wants them. */
	readonly btf?: Btf;
}
