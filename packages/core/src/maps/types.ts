import type { LinkedMap } from "../spec/index.ts";

/**
 * One map in a Machine's memory. Numbers are addresses in linear memory or, where the kernel answers with an
 * errno, the negative errno (-2 = -ENOENT). Keys and values of program-side calls are addresses, of host-side calls
 * bytes.
 *
 * Program side = what a helper does (map_update_elem from a program); host side = what bpf(2) does (checks more,
 * sees every CPU's value of a per-CPU map: `roundUp(valueSize, 8) * cpus` bytes).
 */
export interface MapInstance {
	readonly def: LinkedMap;
	/** Index in the Machine's list of maps: word 0 of the header, so that an address finds its instance. */
	readonly index: number;
	/** Address of the header in the control area: what a program holds as map pointer. */
	readonly address: number;

	// program side; addresses in, address or 0 out, or 0 / -errno; flags: a u64 whose upper half is not 0 as any
	// number above 4, all modes refuse it
	lookup(keyPtr: number, cpu: number): number;
	update(keyPtr: number, valuePtr: number, flags: number, cpu: number): number;
	delete(keyPtr: number): number;
	push?(valuePtr: number, flags: number): number;
	pop?(valuePtr: number): number;
	peek?(valuePtr: number): number;
	/**
	 * Walks like bpf_for_each_map_elem: cursor 0 starts, 0 ends; key and value addresses of a cursor, both in the
	 * data area (the key is a copy that stays as long as the element).
	 */
	next?(cursor: number): number;
	/**
	 * Where the walk goes on after a cursor, whatever the callback does to the element meanwhile: ask `link` before
	 * the callback, `follow` after it (the kernel's hlist_nulls_for_each_entry_safe). `next` is both in one.
	 */
	link?(cursor: number): number;
	follow?(link: number): number;
	cursorKey?(cursor: number): number;
	cursorValue?(cursor: number, cpu: number): number;

	// host side
	hostLookup(key: Uint8Array): Uint8Array | number;
	hostUpdate(key: Uint8Array, value: Uint8Array, flags: bigint): number;
	hostDelete(key: Uint8Array): number;
	/** The key after `key` (null: the first), or -ENOENT at the end. */
	hostNextKey(key: Uint8Array | null): Uint8Array | number;
	hostLookupAndDelete(key: Uint8Array): Uint8Array | number;
	/** Every entry; order as hostNextKey's. */
	hostEntries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
	/**
	 * BPF_MAP_LOOKUP_BATCH, or with `remove` BPF_MAP_LOOKUP_AND_DELETE_BATCH: up to `count` entries, or -errno
	 * (-ENOTSUPP for a kind without batches, -ENOSPC where a hash's bucket holds more than `count`). `from` is the
	 * batch before's `next`: the number of a hash's bucket, the others' last key.
	 */
	hostLookupBatch(count: number, from?: Uint8Array, remove?: boolean): Batch | number;
	/** BPF_MAP_UPDATE_BATCH: one after the other, up to the first that is refused. */
	hostUpdateBatch(
		entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
		flags?: bigint,
	): BatchWrites;
	/** BPF_MAP_DELETE_BATCH. */
	hostDeleteBatch(keys: readonly Uint8Array[]): BatchWrites;
	/** Bytes of a value on the host side: `roundUp(valueSize, 8) * cpus` for per-CPU kinds. */
	readonly hostValueSize: number;
	/** BPF_MAP_FREEZE. */
	freeze(): number;
	readonly frozen: boolean;

	/** Address of the single value of an array map at a byte offset (lddw map value), or -errno. */
	valueAddress(offset: number): number;

	/**
	 * mmap(2) of an array with BPF_F_MMAPABLE: its values, `roundUp(valueSize, 8)` bytes each, and zeros up to a whole
	 * page, as a view of the machine's memory. Take it anew after each run: memory may have grown. `write`: -EPERM of
	 * a frozen map, -EACCES of a BPF_F_RDONLY_PROG one. -EINVAL without the flag; kinds without it cannot be mapped.
	 */
	mmap?(write: boolean): Uint8Array | number;

	/** prog_array and perf_event_array: the words. */
	readonly slots?: Slots;
	/** ringbuf. */
	readonly ring?: Ring;
	/** Local storage: of sockets, cgroups, tasks, inodes. */
	readonly storage?: Storage;
	/** bloom_filter: whether a value may have been pushed. */
	hostContains?(value: Uint8Array): boolean;
}

/** Entries of a batch, and where the next one goes on: undefined at the end. */
export interface Batch {
	readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
	readonly next?: Uint8Array;
}

/** How far a batch of writes came: `result` is 0, or the -errno of the entry after the `done` ones. */
export interface BatchWrites {
	readonly done: number;
	readonly result: number;
}

/** Values that belong to something; owners are addresses, in cgroup storage the CPU. */
export interface Storage {
	/** Address of the owner's value; made from the bytes at `initial` (0: zeros) where `create` says so; else 0. */
	of(owner: number, initial: number, create: boolean): number;
	/** 0 or -ENOENT. */
	remove(owner: number): number;
	/** A test run starts: what belongs to the run before it goes. */
	beginRun(): void;
}

/** bpf_ringbuf_*, and the consumer. Sizes and flags whose upper halves are not 0: pass any number above 2^30. */
export interface Ring {
	/** Address of `size` bytes (in the ring, or in its overhang), 0 without room. */
	reserve(size: number, flags: number): number;
	/** -EINVAL for what is no record being written: only unverified programs can ask for that. */
	submit(sample: number): number;
	discard(sample: number): number;
	/** 0, -EINVAL for unknown flags, -EAGAIN without room. */
	output(dataPtr: number, size: number, flags: number): number;
	/** BPF_RB_AVAIL_DATA 0, RING_SIZE 1, CONS_POS 2, PROD_POS 3; else 0. Up to 2^53. */
	query(what: number): number;
	/** The oldest committed record, taken out; undefined if there is none (or the oldest is still being written). */
	consume(): Uint8Array | undefined;
}

/** Words that the machine fills and understands; 0 is an empty slot. */
export interface Slots {
	/** max_entries. */
	readonly length: number;
	/** Address of the words now. */
	readonly words: number;
	/** 0 past the end, too. */
	word(index: number): number;
	/** One atomic store; the word before, or -E2BIG past the end. */
	setWord(index: number, word: number): number;
	/** Makes other words (an address in the control area, `length` words) the array's, by one store; those before. */
	swapWords(words: number): number;
}
