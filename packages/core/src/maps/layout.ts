/**
 * Offsets of fields in map headers, as `packages/core/assembly` writes them (its layout.ts, array.ts, slots.ts,
 * table.ts, ringbuf.ts). Compiled programs read some of them directly. All are u32 words unless said otherwise.
 */

/** First words of every header. */
export const MAP = {
	/** Index in the machine's list of maps. */
	INDEX: 0,
	/** BPF_MAP_TYPE_*. */
	TYPE: 4,
	KEY_SIZE: 8,
	VALUE_SIZE: 12,
	MAX_ENTRIES: 16,
	/** BPF_F_* of creation. */
	FLAGS: 20,
	/** Possible CPUs: how many values a per-CPU map has for a key. */
	CPUS: 24,
	/** Bit 0: frozen. */
	STATE: 28,
	/** Elements in use, where the kind counts them. */
	COUNT: 32,
	LOCK: 36,
	/** First word of the kind. */
	KIND: 40,
} as const;

/** Bytes of any header. */
export const HEADER_SIZE = 128;

/** array, percpu_array: the value of an index is at VALUES + (index * CPUS + cpu) * STRIDE (array: CPUS = 1, cpu = 0). */
export const ARRAY = { VALUES: MAP.KIND, STRIDE: MAP.KIND + 4 } as const;

/** prog_array, perf_event_array: WORDS points at max_entries words; 0 is an empty slot. */
export const SLOTS = { WORDS: MAP.KIND } as const;

/** queue, stack: values at DATA + index * VALUE_SIZE, the next one goes to HEAD, TAIL is the oldest. */
export const QUEUE = { HEAD: MAP.KIND, TAIL: MAP.KIND + 4, DATA: MAP.KIND + 8 } as const;

/** ringbuf: positions are u64; DATA and OVERHANG are 0 until they are needed; CHAIN is the ring made before. */
export const RING = {
	CONSUMER: MAP.KIND,
	PRODUCER: MAP.KIND + 8,
	PENDING: MAP.KIND + 16,
	DATA: MAP.KIND + 24,
	OVERHANG: MAP.KIND + 28,
	CHAIN: MAP.KIND + 40,
} as const;

/** bloom_filter: MASK + 1 bits at DATA, in the control area. */
export const BLOOM = { DATA: MAP.KIND, MASK: MAP.KIND + 4, SEED: MAP.KIND + 8 } as const;

/** An element of the hash kinds (assembly/table.ts): its hash, its value's address, of an LRU whether it was used. */
export const ELEMENT = { HASH: 4, VALUE: 8, REFERENCED: 25 } as const;

/** hash kinds: assembly/table.ts describes elements and buckets. */
export const TABLE = {
	SEED: MAP.KIND,
	MASK: MAP.KIND + 4,
	DIRECTORY: MAP.KIND + 8,
	ELEMENT_SIZE: MAP.KIND + 12,
	KEY_OFFSET: MAP.KIND + 16,
	STRIDE: MAP.KIND + 20,
	VALUES_SIZE: MAP.KIND + 24,
} as const;
