/**
 * One instruction slot of 8 bytes, fields as RFC 9669 section 3 names them.
 *
 *   byte 0   byte 1         bytes 2-3        bytes 4-7
 *   opcode   src:4 | dst:4  offset (s16)     imm (s32)
 *
 * A program is an array of slots, so that indexes are the kernel's: a 64-bit immediate load (lddw) takes two,
 * and its second slot has opcode 0 and the upper half in `imm`.
 */
export interface Insn {
	readonly opcode: number;
	readonly dst: number;
	readonly src: number;
	/** Signed 16 bit. */
	readonly off: number;
	/** Signed 32 bit. */
	readonly imm: number;
}

/** `src` of a lddw (opcode 0x18): what its 64 bits mean (RFC 9669 section 5.4, linux/bpf.h BPF_PSEUDO_*). */
export const LDDW = {
	IMM: 0,
	MAP_FD: 1,
	MAP_VALUE: 2,
	BTF_ID: 3,
	FUNC: 4,
	MAP_IDX: 5,
	MAP_IDX_VALUE: 6,
} as const;

/** `src` of a call (opcode 0x85): what its imm means. */
export const CALL = { HELPER: 0, LOCAL: 1, KFUNC: 2 } as const;
