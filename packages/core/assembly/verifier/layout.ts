// The same numbers as packages/core/src/verifier/state/layout.ts, which says what they mean; a test compares them.

// bpf_reg_state
export const TYPE: usize = 0;
export const OFF: usize = 4;
export const ID: usize = 8;
export const REF_OBJ_ID: usize = 12;
export const TNUM_VALUE: usize = 16;
export const TNUM_MASK: usize = 24;
export const SMIN: usize = 32;
export const SMAX: usize = 40;
export const UMIN: usize = 48;
export const UMAX: usize = 56;
export const S32_MIN: usize = 64;
export const S32_MAX: usize = 68;
export const U32_MIN: usize = 72;
export const U32_MAX: usize = 76;
export const FRAMENO: usize = 80;
export const SUBREG_DEF: usize = 84;
export const PRECISE: usize = 88;
export const AUX: usize = 92;
export const RANGE: usize = 96;
export const AUX2: usize = 100;
export const AUX3: usize = 104;
export const REG_SIZE: usize = 128;

export const NOT_INIT: u32 = 0;
export const SCALAR: u32 = 1;
export const BPF_ADD_CONST64: u32 = 0x80000000;
export const BPF_ADD_CONST32: u32 = 0x40000000;
export const BPF_ADD_CONST: u32 = 0xc0000000;

// a slot of the stack
export const SLOT_REG: usize = 8;
export const SLOT_SIZE: usize = 136;
export const STACK_INVALID: u32 = 0;
export const STACK_SPILL: u32 = 1;
export const STACK_MISC: u32 = 2;
export const STACK_ZERO: u32 = 3;
export const STACK_DYNPTR: u32 = 4;
export const STACK_ITER: u32 = 5;
export const STACK_IRQ_FLAG: u32 = 6;

export const MAX_REGS: u32 = 11;
export const MAX_SLOTS: u32 = 64;

// bpf_func_state
export const CALLSITE: usize = 0;
export const FRAME_FRAMENO: usize = 4;
export const CALLBACK_DEPTH: usize = 12;
export const SLOTS: usize = 16;
export const CAPACITY: usize = 20;
export const REGS: usize = 64;
export const STACK: usize = 1472;

// bpf_verifier_state
export const CURFRAME: usize = 0;
export const FRAME_COUNT: usize = 4;
export const FRAMES: usize = 8;
export const REFS: usize = 40;
export const ACQUIRED_REFS: usize = 44;
export const REFS_CAPACITY: usize = 48;
export const ACTIVE_LOCKS: usize = 52;
export const ACTIVE_LOCK_ID: usize = 56;
export const ACTIVE_LOCK_PTR: usize = 60;
export const ACTIVE_IRQ_ID: usize = 64;
export const ACTIVE_PREEMPT_LOCKS: usize = 68;
export const ACTIVE_RCU_LOCKS: usize = 72;
export const IN_SLEEPABLE: usize = 76;
export const SPECULATIVE: usize = 80;
export const STATE_SIZE: usize = 160;

// bpf_reference_state
export const REF_TYPE: usize = 0;
export const REF_ID: usize = 4;
export const REF_PTR: usize = 12;
export const REF_SIZE: usize = 16;
/** REF_TYPE_LOCK and the two of resilient locks. */
export const REF_TYPES_WITH_PTR: u32 = 0x38;

// how registers of a kind are compared
export const COMPARE_EXACT: u32 = 0;
export const COMPARE_WITHIN: u32 = 1;
export const COMPARE_PACKET: u32 = 2;
export const COMPARE_STACK: u32 = 3;
export const COMPARE_ALWAYS: u32 = 4;

// enum exact_level
export const NOT_EXACT: i32 = 0;
export const EXACT: i32 = 1;
export const RANGE_WITHIN: i32 = 2;

// the fixed part of the memory
export const TYPE_CLASSES: usize = 1024;
export const LIVE_REGS: usize = 1280;
export const BRK: usize = 1312;
export const IN_USE: usize = 1316;
export const ALLOW_UNINIT_STACK: usize = 1320;
export const EXPLORE_ALU_LIMITS: usize = 1324;
/** `precise` of a register that becomes unknown: 1 without CAP_BPF. */
export const UNKNOWN_IS_PRECISE: usize = 1328;
export const ID_COUNT: usize = 1332;
/** Above the ids of the walk: what the compare that runs gives to scalars without one. */
export const TMP_ID: usize = 1336;
export const FREE_LISTS: usize = 1344;
export const FOUND: usize = 2048;
/** After the 16 scratch registers of the walk. */
export const OWN_SCRATCH: usize = 4608 + 16 * 128;
export const UNBOUND_REG: usize = OWN_SCRATCH + 3 * 128;
export const ID_MAP: usize = 8192;
/** BPF_ID_MAP_SIZE. */
export const ID_MAP_SIZE: u32 = 600;
export const HEAP: usize = 16384;
