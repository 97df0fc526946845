import { FLAG, KIND_MASK } from "../state/types.ts";

/**
 * How 6.18's verifier describes arguments and results, by the kernel's own numbers (include/linux/bpf.h;
 * `scripts/probe-verifier-data.ts` compares them with the running kernel's BTF). A type is a base in the low eight
 * bits, and FLAGs above: `ARG.PTR_TO_MEM | FLAG.MAYBE_NULL | FLAG.RDONLY`.
 */

/** `enum bpf_arg_type`, without ARG_. */
export const ARG = {
	DONTCARE: 0,
	CONST_MAP_PTR: 1,
	PTR_TO_MAP_KEY: 2,
	PTR_TO_MAP_VALUE: 3,
	PTR_TO_MEM: 4,
	PTR_TO_ARENA: 5,
	CONST_SIZE: 6,
	CONST_SIZE_OR_ZERO: 7,
	PTR_TO_CTX: 8,
	ANYTHING: 9,
	PTR_TO_SPIN_LOCK: 10,
	PTR_TO_SOCK_COMMON: 11,
	PTR_TO_SOCKET: 12,
	PTR_TO_BTF_ID: 13,
	PTR_TO_RINGBUF_MEM: 14,
	CONST_ALLOC_SIZE_OR_ZERO: 15,
	PTR_TO_BTF_ID_SOCK_COMMON: 16,
	PTR_TO_PERCPU_BTF_ID: 17,
	PTR_TO_FUNC: 18,
	PTR_TO_STACK: 19,
	PTR_TO_CONST_STR: 20,
	PTR_TO_TIMER: 21,
	KPTR_XCHG_DEST: 22,
	PTR_TO_DYNPTR: 23,
} as const;

/** `enum bpf_return_type`, without RET_. */
export const RET = {
	INTEGER: 0,
	VOID: 1,
	PTR_TO_MAP_VALUE: 2,
	PTR_TO_SOCKET: 3,
	PTR_TO_TCP_SOCK: 4,
	PTR_TO_SOCK_COMMON: 5,
	PTR_TO_MEM: 6,
	PTR_TO_MEM_OR_BTF_ID: 7,
	PTR_TO_BTF_ID: 8,
} as const;

/** The flags of `enum bpf_type_flag` that say of what a dynptr is. */
export const DYNPTR_TYPE = {
	LOCAL: 0x1_0000,
	RINGBUF: 0x2_0000,
	SKB: 0x80_0000,
	XDP: 0x100_0000,
	SKB_META: 0x800_0000,
} as const;

/** The base of an argument's or a result's type, and the flags above it. */
export const baseType = (type: number): number => type & KIND_MASK;
export const typeFlags = (type: number): number => type & ~KIND_MASK;

/** One argument of a helper, as its struct bpf_func_proto has it. */
export interface FuncArg {
	/** A base of ARG and FLAGs. */
	readonly type: number;
	/** Bytes, with FLAG.FIXED_SIZE. */
	readonly size?: number;
	/** The kernel's structure that a PTR_TO_BTF_ID points to. */
	readonly btf?: string;
}

/** What 6.18's verifier knows of a helper (struct bpf_func_proto). */
export interface FuncProto {
	readonly id: number;
	/** Without `bpf_`. */
	readonly name: string;
	readonly args: readonly FuncArg[];
	/** A base of RET and FLAGs; `btf` names the structure of a PTR_TO_BTF_ID. */
	readonly ret: { readonly type: number; readonly btf?: string };
	readonly gplOnly: boolean;
	/** Packet pointers may be given as memory. */
	readonly pktAccess: boolean;
	/** Only where the program may sleep. */
	readonly mightSleep: boolean;
	/** bpf_fastcall: what a program spills and fills around the call takes no stack. */
	readonly allowFastcall: boolean;
}

/** Memory of a fixed size; a pointer to one of the kernel's structures. */
export const fixed = (type: number, size: number): FuncArg => ({ type: type | FLAG.FIXED_SIZE, size });
export const btf = (type: number, name: string): FuncArg => ({ type, btf: name });
