/**
 * The layout of a Machine's one linear memory. An eBPF pointer is an offset into it.
 *
 *   0         64 KiB        CONTROL_BASE                    dataBase                      4 GiB
 *   | zero    |              | control area →               | data area →                 |
 *   | never   |              | allocator, map headers,      | what programs may touch:    |
 *   | mapped  |              | buckets, keys, prog-array    | stacks, contexts, packets,  |
 *   |         |              | words, counters              | map values, ring buffers    |
 *
 * Page 0 is never allocated, so a null pointer with any folded offset stays outside every region.
 * Both areas grow upwards; the control area may not pass `dataBase`, a power of two chosen when the machine is
 * made from what its maps may need (untouched pages cost nothing). Whether programs may touch an address is one
 * compare: `addr - dataBase < dataBrk - dataBase`, unsigned.
 *
 * Everything that a run can change lies in memory, so that a snapshot is a copy of [CONTROL_BASE, controlBrk)
 * and [dataBase, dataBrk). `packages/core/assembly/layout.ts` has the same numbers.
 */
export const CONTROL_BASE = 0x1_0000;

/** The allocator's own words; written by the map code only. */
export const ALLOCATOR = {
	MAGIC: 0x1_0000,
	DATA_BASE: 0x1_0004,
	CONTROL_BRK: 0x1_0008,
	DATA_BRK: 0x1_000c,
	LOCK: 0x1_0010,
	/** Header of the ring buffer made last; a word in each header leads on. */
	RINGBUFS: 0x1_0014,
	/** 1: the memory is shared. */
	SHARED: 0x1_0018,
	/** A word per size class of the control area, then those of the data area. */
	FREE_LISTS: 0x1_0800,
} as const;

/** The machine's words. */
export const MACHINE = {
	/** Tail calls spent in the running invocation: 33 at most. */
	TAIL_CALLS: 0x1_0400,
	/** Helper ktime's next answer in ns, u64. */
	CLOCK: 0x1_0408,
	/** State of the pseudo-random generator, u64. */
	PRANDOM: 0x1_0410,
	/** CPU that the program runs on. */
	CPU: 0x1_0418,
	/** The packet of the running invocation: helpers/packet.ts has its fields. 256 bytes. */
	PACKET: 0x1_0480,
	/** Instructions left to the running invocation, u64; all ones = no limit. */
	BUDGET: 0x1_0420,
	/** Upper half of what a helper or a program returned to compiled code's caller. */
	RESULT_HIGH: 0x1_0428,
	/** Why compiled code trapped: 1 = its stack is used up; 0 = the budget, or a bad access. */
	TRAP: 0x1_042c,
	/** A u32 key that a helper was given as a number (redirect_map), for a lookup that takes an address. */
	KEY: 0x1_0430,
	/** The ticket of a batch that runs, and whether the batch is to stop behind it. */
	BATCH_AT: 0x1_0434,
	BATCH_STOP: 0x1_0438,
} as const;

/** First byte that the allocator hands out. */
export const CONTROL_HEAP = 0x1_1000;
