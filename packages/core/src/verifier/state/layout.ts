/**
 * Where things lie in the verifier's memory. `packages/core/assembly/verifier/layout.ts` has the same numbers, and
 * a test compares them. Every field is a 32-bit word unless it says 64; every record is aligned to 8.
 */

/** A register, 128 bytes: the kernel's `bpf_reg_state`. The fields of RAW to RAW_END are its union "raw". */
export const REG_STATE = {
	TYPE: 0,
	/** Fixed part of a pointer's offset; of a scalar whose id has BPF_ADD_CONST: the distance to its base. */
	OFF: 4,
	ID: 8,
	REF_OBJ_ID: 12,
	/** 64 bits each, to UMAX. */
	TNUM_VALUE: 16,
	TNUM_MASK: 24,
	SMIN: 32,
	SMAX: 40,
	UMIN: 48,
	UMAX: 56,
	S32_MIN: 64,
	S32_MAX: 68,
	U32_MIN: 72,
	U32_MAX: 76,
	FRAMENO: 80,
	SUBREG_DEF: 84,
	PRECISE: 88,
	/** Map index, size of mem, BTF id; dynptr, iter and irq slots: what must be equal (kind, BTF id, class). */
	AUX: 92,
	/** Packet range; map_uid. In dynptr, iter and irq slots it is not compared (an iterator's depth). */
	RANGE: 96,
	/** Compared like AUX: BTF's owner, an iterator's state, a dynptr's first_slot. */
	AUX2: 100,
	AUX3: 104,
	/** Copied and cleared with the register, never compared. */
	FREE: 108,
	SIZE: 128,
} as const;

/** Bits of the `id` of a scalar that is another one plus OFF: by 64-bit arithmetic, by 32-bit, either. */
export const BPF_ADD_CONST64 = 0x8000_0000;
export const BPF_ADD_CONST32 = 0x4000_0000;
export const BPF_ADD_CONST = 0xc000_0000;

/** A slot of the stack: 8 slot types, then the register that was spilled (or a dynptr, iterator, irq flag). */
export const SLOT = { TYPES: 0, REG: 8, SIZE: 136 } as const;

/** Slot types, the kernel's numbers. */
export const STACK_INVALID = 0;
export const STACK_SPILL = 1;
export const STACK_MISC = 2;
export const STACK_ZERO = 3;
export const STACK_DYNPTR = 4;
export const STACK_ITER = 5;
export const STACK_IRQ_FLAG = 6;

export const MAX_FRAMES = 8;
export const MAX_REGS = 11;
/** MAX_BPF_STACK / BPF_REG_SIZE. */
export const MAX_SLOTS = 64;

/** A frame: the kernel's `bpf_func_state`. Slot `spi` is fp-8*(spi+1). */
export const FUNC_STATE = {
	CALLSITE: 0,
	FRAMENO: 4,
	SUBPROGNO: 8,
	/** An explored state with more callbacks done is not equal. */
	CALLBACK_DEPTH: 12,
	/** allocated_stack / 8. */
	SLOTS: 16,
	/** Slots that fit before the frame must move. */
	CAPACITY: 20,
	IN_CALLBACK_FN: 24,
	IN_ASYNC_CALLBACK_FN: 28,
	IN_EXCEPTION_CALLBACK_FN: 32,
	ASYNC_ENTRY_CNT: 36,
	CALLBACK_RET_MIN: 40,
	CALLBACK_RET_MAX: 44,
	/** Four words for the walk; copied, not compared. */
	FREE: 48,
	REGS: 64,
	STACK: 64 + 11 * 128,
} as const;

/** A state: the kernel's `bpf_verifier_state`. CURFRAME to SPECULATIVE are compared. */
export const STATE = {
	CURFRAME: 0,
	/** Number of frames that have memory: a working state keeps those that it left. */
	FRAME_COUNT: 4,
	/** Eight addresses. */
	FRAMES: 8,
	REFS: 40,
	ACQUIRED_REFS: 44,
	REFS_CAPACITY: 48,
	ACTIVE_LOCKS: 52,
	ACTIVE_LOCK_ID: 56,
	ACTIVE_LOCK_PTR: 60,
	ACTIVE_IRQ_ID: 64,
	ACTIVE_PREEMPT_LOCKS: 68,
	ACTIVE_RCU_LOCKS: 72,
	IN_SLEEPABLE: 76,
	SPECULATIVE: 80,
	/** To SIZE: words of the walk; copied, not compared. */
	INSN_IDX: 84,
	FIRST_INSN_IDX: 88,
	LAST_INSN_IDX: 92,
	BRANCHES: 96,
	PARENT: 100,
	DFS_DEPTH: 104,
	CALLBACK_UNROLL_DEPTH: 108,
	MAY_GOTO_DEPTH: 112,
	FREE: 116,
	SIZE: 160,
} as const;

/** An acquired reference: the kernel's `bpf_reference_state`. */
export const REF_STATE = { TYPE: 0, ID: 4, INSN_IDX: 8, PTR: 12, SIZE: 16 } as const;

/** Reference types, the kernel's bits: those with REF_COMPARES_PTR must agree in `ptr` too. */
export const REF_TYPE_PTR = 1 << 1;
export const REF_TYPE_IRQ = 1 << 2;
export const REF_TYPE_LOCK = 1 << 3;
export const REF_TYPE_RES_LOCK = 1 << 4;
export const REF_TYPE_RES_LOCK_IRQ = 1 << 5;

/** How two pointers of one kind (the low byte of their type) are compared. */
export const COMPARE = {
	/** Everything is equal but ids, which correspond. */
	EXACT: 0,
	/** New bounds lie within the old: map values, memory, buffers. */
	WITHIN: 1,
	/** The same, and the new range is at least the old: packets. */
	PACKET: 2,
	/** EXACT, and in the same frame. */
	STACK: 3,
	/** Any two are equal: arenas. */
	ALWAYS: 4,
} as const;

/** Exactness of a compare, the kernel's `enum exact_level`. */
export const NOT_EXACT = 0;
export const EXACT = 1;
export const RANGE_WITHIN = 2;

/** The fixed part of the memory. */
export const MEMORY = {
	/** A compare class for each base type: 256 bytes. */
	TYPE_CLASSES: 1024,
	/** Live registers of each frame for `statesEqual`: eight words. */
	LIVE_REGS: 1280,
	/** Allocator and settings of the code. */
	WORDS: 1312,
	/** Addresses that `collect` found. */
	FOUND: 2048,
	/** Registers for the walk (the kernel's fake_reg and the like): `scratch(n)`, n < 16; the code has 4 after them. */
	SCRATCH: 4608,
	SCRATCH_COUNT: 16,
	/** Pairs of ids of the compare that runs: 600 of 8 bytes. */
	ID_MAP: 8192,
	HEAP: 16384,
} as const;
