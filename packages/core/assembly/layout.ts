// The same numbers as packages/core/src/memory/layout.ts: a test compares the allocator's behaviour with them.
// Raw loads and stores over these layouts; no mutable globals, no classes, no strings (state lives in memory only).

@inline export const MAGIC: usize = 0x10000;
@inline export const DATA_BASE: usize = 0x10004;
@inline export const CONTROL_BRK: usize = 0x10008;
@inline export const DATA_BRK: usize = 0x1000c;
@inline export const ALLOCATOR_LOCK: usize = 0x10010;
/** Header of the ring buffer made last; RING_CHAIN in each header leads on. */
@inline export const RINGBUFS: usize = 0x10014;
/** Whether the memory is shared: there may be other instances, in other workers. */
@inline export const SHARED: usize = 0x10018;
/** Free lists of the control area, one word per size class, then those of the data area. */
@inline export const FREE_LISTS: usize = 0x10800;
@inline export const CONTROL_HEAP: usize = 0x11000;

@inline export const MAGIC_VALUE: u32 = 0x706f6874; // "thop"

// The head of every map: what src/maps/layout.ts calls MAP.
@inline export const INDEX: usize = 0;
@inline export const TYPE: usize = 4;
@inline export const KEY_SIZE: usize = 8;
@inline export const VALUE_SIZE: usize = 12;
@inline export const MAX_ENTRIES: usize = 16;
@inline export const FLAGS: usize = 20;
@inline export const CPUS: usize = 24;
@inline export const STATE: usize = 28;
@inline export const COUNT: usize = 32;
@inline export const LOCK: usize = 36;
/** First word that belongs to the kind. */
@inline export const KIND: usize = 40;

// Errors are negative errnos, as the kernel answers.
@inline export const ENOENT: i32 = -2;
@inline export const E2BIG: i32 = -7;
@inline export const EAGAIN: i32 = -11;
@inline export const ENOMEM: i32 = -12;
@inline export const EBUSY: i32 = -16;
@inline export const EEXIST: i32 = -17;
@inline export const EINVAL: i32 = -22;
@inline export const ENOSPC: i32 = -28;

@inline export const BPF_ANY: u32 = 0;
@inline export const BPF_NOEXIST: u32 = 1;
@inline export const BPF_EXIST: u32 = 2;
@inline export const BPF_F_LOCK: u32 = 4;

/** Allocation results are addresses or negative errnos; the last 64 KiB of 4 GiB are never handed out. */
@inline export function isError(value: usize): bool {
	return value >= 0xfffff000;
}
