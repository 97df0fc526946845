import type { Btf } from "../btf/index.ts";
import type { SourceLine } from "../errors/index.ts";
import type { Insn } from "../isa/index.ts";

/** What a section name says of its programs: linux/bpf.h numbers. */
export interface ProgramKind {
	/** BPF_PROG_TYPE_*. */
	readonly type: number;
	/** BPF_XDP, BPF_TCX_INGRESS, …; 0 where the type has none. */
	readonly expectedAttachType: number;
	/** BPF_F_* of BPF_PROG_LOAD (xdp.frags, sleepable). */
	readonly flags: number;
}

/** A map as an object declares it; sizes that depend on the machine's CPUs stay symbolic until `link`. */
export interface MapSpec {
	readonly name: string;
	/** BPF_MAP_TYPE_*. */
	readonly type: number;
	readonly keySize: number;
	readonly valueSize: number;
	/** "cpus": as many as the Target has (perf event arrays that say 0). */
	readonly maxEntries: number | "cpus";
	/** BPF_F_* of BPF_MAP_CREATE. */
	readonly flags: number;
	readonly mapExtra: bigint;
	readonly numaNode?: number;
	/** LIBBPF_PIN_BY_NAME = 1; Cilium's own 16 is kept as it is. */
	readonly pinning: number;
	/** BTF type ids of key and value, 0 where unknown. */
	readonly keyTypeId: number;
	readonly valueTypeId: number;
	/** Template of the inner maps of a map in maps. */
	readonly inner?: MapSpec;
	/** What the object puts in: programs by name (prog array) or maps by name (map in maps); key is the index. */
	readonly values: readonly { readonly index: number; readonly target: string }[];
	/** How it was declared: BTF (`.maps`), legacy (`maps`), or a data section (`.rodata`, `.bss`, …). */
	readonly origin: "btf" | "legacy" | "data";
	readonly section: string;
	/** Contents of a data section's single value; absent: all zero (`.bss`, which may be as large as 4 GiB). */
	readonly initial?: Uint8Array;
	/** User space freezes it once filled (`.rodata*`, `.kconfig`). */
	readonly frozen: boolean;
	/** Variables of a data section; `typeId` is the type itself, not the VAR. */
	readonly variables: readonly {
		readonly name: string;
		readonly offset: number;
		readonly size: number;
		readonly typeId: number;
	}[];
}

/** A map with every number known. Its index in `LinkedObject.maps` is what instructions refer to. */
export interface LinkedMap extends Omit<MapSpec, "maxEntries" | "inner"> {
	readonly maxEntries: number;
	readonly inner?: LinkedMap;
}

/** A line of source and the first instruction that came from it. */
export interface LineInfo extends SourceLine {
	readonly insn: number;
}

/** A function inside a program: the main one is `functions[0]` and starts at 0. */
export interface FunctionInfo {
	readonly name: string;
	/** First instruction, and the one after the last. */
	readonly start: number;
	readonly end: number;
	readonly linkage: "static" | "global";
	/** BTF FUNC id, 0 where the object has none. */
	readonly typeId: number;
}

/**
 * One program, whole: main function first, then every subprogram that it reaches, relocated.
 * Maps are referred to by BPF_PSEUDO_MAP_IDX and BPF_PSEUDO_MAP_IDX_VALUE (src 5 and 6), imm = index in
 * `LinkedObject.maps`; local calls and function pointers by relative offsets, as the kernel wants them.
 */
export interface LinkedProgram extends ProgramKind {
	readonly name: string;
	readonly section: string;
	/** What the section's name says it is for: a function, a tracepoint (`fentry/<this>`). */
	readonly attachTo?: string;
	readonly insns: readonly Insn[];
	readonly functions: readonly FunctionInfo[];
	/** Sorted by insn. */
	readonly lines: readonly LineInfo[];
	/** False for a tail-call target or a function that another program entry calls: not offered as entry point. */
	readonly entry: boolean;
	/** Ids of the helpers called, sorted. */
	readonly helpers: readonly number[];
	/** kfuncs called: the call's insn and the name. */
	readonly kfuncs: readonly { readonly insn: number; readonly name: string }[];
}

/** A slot that the object itself fills. */
export interface SlotInit {
	/** Index in `LinkedObject.maps`. */
	readonly map: number;
	readonly slot: number;
	/** Name of a program (prog array) or of a map (map in maps). */
	readonly target: string;
	/** `.values`, a `tail:<map>/<slot>` declaration tag, or an old `<map id>/<slot>` section. */
	readonly from: "values" | "decl_tag" | "section";
}

/** What `link` makes; pure data, frozen. Machine, kernel bridge, verifier and analyses start from it. */
export interface LinkedObject {
	/** File name, for messages. */
	readonly file: string;
	readonly license: string;
	readonly kernelVersion: number;
	readonly maps: readonly LinkedMap[];
	readonly programs: readonly LinkedProgram[];
	readonly slots: readonly SlotInit[];
	/** The object's own BTF, fixed up for the kernel (DATASEC sizes and offsets). */
	readonly btf?: Btf;
	/** The Target that it was linked for. */
	readonly target: ResolvedTarget;
}

/** What `link` needs to know of the machine that the object is for; all optional for the caller. */
export interface Target {
	/** Possible CPUs; default 1. */
	readonly cpus?: number;
	/** The kernel's BTF, for CO-RE; without it, `enum bpf_func_id` is answered from 6.18's table. */
	readonly btf?: Btf;
	/** Helper ids that `enumval_exists` on `enum bpf_func_id` says exist; default: 6.18's. */
	readonly helperIds?: ReadonlySet<number>;
	/** CONFIG_* values; strings, numbers, and "y" | "m" | "n". */
	readonly kconfig?: Readonly<Record<string, string | number | bigint>>;
	/** Values for variables of read-only data, by name. */
	readonly rodata?: Readonly<Record<string, number | bigint | boolean | Uint8Array>>;
	/** max_entries by map name. */
	readonly maxEntries?: Readonly<Record<string, number>>;
	/** Link only these programs; slots that the others would fill stay empty. Default: all. */
	readonly programs?: readonly string[];
	/** Kinds of programs, by program or section name, as a section name that says it ("xdp", "tcx/egress"). */
	readonly programTypes?: Readonly<Record<string, string>>;
	/** Addresses of kernel symbols for `extern … __ksym` variables without a type. */
	readonly ksyms?: Readonly<Record<string, bigint>>;
}

export interface ResolvedTarget extends Target {
	readonly cpus: number;
	readonly helperIds: ReadonlySet<number>;
}
