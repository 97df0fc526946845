import type { CoreRelo } from "./ext.ts";
import type { Btf } from "./types.ts";

/** enum bpf_core_relo_kind (linux/bpf.h). */
export const CORE = {
	FIELD_BYTE_OFFSET: 0,
	FIELD_BYTE_SIZE: 1,
	FIELD_EXISTS: 2,
	FIELD_SIGNED: 3,
	FIELD_LSHIFT_U64: 4,
	FIELD_RSHIFT_U64: 5,
	TYPE_ID_LOCAL: 6,
	TYPE_ID_TARGET: 7,
	TYPE_EXISTS: 8,
	TYPE_SIZE: 9,
	ENUMVAL_EXISTS: 10,
	ENUMVAL_VALUE: 11,
	TYPE_MATCHES: 12,
} as const;

/** What a record asks about: its access string means another thing for each. */
export type CoreSubject = "field" | "type" | "enumval";

/** By enum bpf_core_relo_kind: the name as libbpf and bpftool print it, and what it asks about. */
export const CORE_KINDS: readonly { readonly name: string; readonly subject: CoreSubject }[] = [
	{ name: "byte_off", subject: "field" },
	{ name: "byte_sz", subject: "field" },
	{ name: "field_exists", subject: "field" },
	{ name: "signed", subject: "field" },
	{ name: "lshift_u64", subject: "field" },
	{ name: "rshift_u64", subject: "field" },
	{ name: "local_type_id", subject: "type" },
	{ name: "target_type_id", subject: "type" },
	{ name: "type_exists", subject: "type" },
	{ name: "type_size", subject: "type" },
	{ name: "enumval_exists", subject: "enumval" },
	{ name: "enumval_value", subject: "enumval" },
	{ name: "type_matches", subject: "type" },
];

/** What relocations are resolved against. */
export interface CoreTarget {
	/** The kernel's types. Without it only what is the same on every kernel is answered: see resolveCoreRelo. */
	readonly btf?: Btf;
	/** Helper ids that exist, for `enum bpf_func_id` where there is no `btf`. */
	readonly helperIds: ReadonlySet<number>;
}

/** One step into a type. */
export interface CoreAccessor {
	/** Struct, union, enum or element type that the step is made in. */
	readonly typeId: number;
	/** Index of the member, enum value or element. */
	readonly index: number;
	/** Of a member or enum value; undefined for an array index (the first step of a field access is one). */
	readonly name?: string;
}

/** An access string understood, or the same access found in a target. */
export interface CoreSpec {
	readonly btf: Btf;
	readonly rootId: number;
	readonly accessors: readonly CoreAccessor[];
	readonly bitOffset: number;
}

/** What an instruction has to become. */
export interface CoreResolution {
	readonly relo: CoreRelo;
	/** The target has no answer: if the program gets there, the instruction must not run. */
	readonly poison: boolean;
	/** What the compiler put there, and what belongs there. */
	readonly original: bigint;
	readonly value: bigint;
	/** The instruction must hold `original` (not so for bit fields, where compilers differ). */
	readonly validate: boolean;
	/** Bytes of the field in the object's types and in the target's; 0 where it does not matter. */
	readonly originalSize: number;
	readonly size: number;
	/** The sizes differ and a load or store of the other size would mean something else (signed ints, structs). */
	readonly resizable: boolean;
	/** Type in the target's BTF that matched. */
	readonly targetId?: number;
}
