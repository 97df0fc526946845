// ringbuf (kernel/bpf/ringbuf.c). Positions only grow and are u64; a record is {u32 length and two state bits,
// u32 page offset} and its bytes, rounded up to 8. The ring lies in the data area, made by the first reservation.
//
// The kernel maps its ring twice so that a record that wraps is contiguous. Here such a record lies in a block of
// its own, the overhang: at most one record crosses the end at a time, because producer and consumer are never a
// whole ring apart. Its header stands in the ring as well (8 bytes never wrap), where producer and consumer look.
// Programs may spoil headers (they lie in the data area): that loses records, it never leads outside the ring.

import { allocData, freeData } from "./alloc";
import { copyBytes } from "./bytes";
import { EAGAIN, EINVAL, KIND, LOCK, MAX_ENTRIES, RINGBUFS, isError } from "./layout";
import { acquire, release } from "./lock";

@inline const CONSUMER: usize = KIND; // u64
@inline const PRODUCER: usize = KIND + 8; // u64
@inline const PENDING: usize = KIND + 16; // u64: up to here everything is committed
@inline const DATA: usize = KIND + 24;
@inline const OVERHANG: usize = KIND + 28;
@inline const OVERHANG_SIZE: usize = KIND + 32;
/** Offset in the ring of the record that lies in the overhang. */
@inline const OVERHANG_AT: usize = KIND + 36;
/** The ring buffer made before this one. */
@inline const CHAIN: usize = KIND + 40;

@inline const BUSY: u32 = 0x80000000;
@inline const DISCARD: u32 = 0x40000000;
@inline const HEADER: u32 = 8;
@inline const MAX_RECORD: u32 = 0x3fffffff;
/** Pages before the data in the kernel's layout: one of its own, consumer and producer positions. */
@inline const DATA_PAGE: u32 = 3;

export function ringbufCreate(map: usize): void {
	let first: u32;
	do {
		first = atomic.load<u32>(RINGBUFS);
		store<u32>(map, first, CHAIN);
	} while (atomic.cmpxchg<u32>(RINGBUFS, first, <u32>map) != first);
}

/** The ring buffer whose record starts at `sample`, or 0. */
export function ringbufOf(sample: usize): usize {
	let map: usize = atomic.load<u32>(RINGBUFS);
	while (map != 0 && headerOf(map, sample) == 0) map = load<u32>(map, CHAIN);
	return map;
}

/** Address in the ring of the header of the record at `sample`, 0 if it is not this ring's. */
function headerOf(map: usize, sample: usize): usize {
	const data = load<u32>(map, DATA);
	if (data == 0) return 0;
	const overhang = load<u32>(map, OVERHANG);
	if (overhang != 0 && sample == overhang + HEADER) return data + load<u32>(map, OVERHANG_AT);
	const offset = <u32>sample - HEADER - data;
	if (offset + HEADER >= load<u32>(map, MAX_ENTRIES) || (offset & 7) != 0) return 0;
	return data + offset;
}

/** Whether a record at this offset lies in the overhang; an empty one whose bytes would start at the end does, too. */
@inline function wraps(offset: u32, length: u32, total: u32): bool {
	return offset + length > total || offset + HEADER == total;
}

@inline function recordSize(length: u32): u32 {
	return ((length & ~(BUSY | DISCARD)) + HEADER + 7) & ~7;
}

/** Address of `size` bytes for a record, or 0. */
export function ringbufReserve(map: usize, size: u32): usize {
	const total = load<u32>(map, MAX_ENTRIES);
	if (size > MAX_RECORD) return 0;
	const length = recordSize(size);
	if (length > total) return 0;
	acquire(map + LOCK);
	const sample = reserve(map, size, length, total);
	release(map + LOCK);
	return sample;
}

function reserve(map: usize, size: u32, length: u32, total: u32): usize {
	const mask = <u64>(total - 1);
	const consumer = atomic.load<u64>(map, CONSUMER);
	const producer = load<u64>(map, PRODUCER);
	let data: usize = load<u32>(map, DATA);
	if (data == 0) {
		data = allocData(total);
		if (isError(data)) return 0;
		store<u32>(map, <u32>data, DATA);
	}
	let pending = load<u64>(map, PENDING);
	while (pending < producer) {
		const word = atomic.load<u32>(data + <u32>(pending & mask));
		if (word & BUSY) break;
		pending += recordSize(word);
	}
	store<u64>(map, pending, PENDING);
	const end = producer + length;
	if (end - consumer > mask || end - pending > mask) return 0;

	const offset = <u32>(producer & mask);
	const header = data + offset;
	let record = header;
	if (wraps(offset, length, total)) {
		record = overhangFor(map, length);
		if (record == 0) return 0;
		store<u32>(map, offset, OVERHANG_AT);
		store<u32>(record, DATA_PAGE + (offset >> 12), 4);
		store<u32>(record, size | BUSY);
	}
	store<u32>(header, DATA_PAGE + (offset >> 12), 4);
	atomic.store<u32>(header, size | BUSY);
	atomic.store<u64>(map, end, PRODUCER);
	return record + HEADER;
}

/** The record before in the overhang has been consumed: see above. */
function overhangFor(map: usize, length: u32): usize {
	const size = load<u32>(map, OVERHANG_SIZE);
	const block: usize = load<u32>(map, OVERHANG);
	if (length <= size) return block;
	const made = allocData(length);
	if (isError(made)) return 0;
	if (block != 0) freeData(block, size);
	store<u32>(map, <u32>made, OVERHANG);
	store<u32>(map, length, OVERHANG_SIZE);
	return made;
}

/** Commits a record. 0, or -EINVAL for what is no record of this ring that is being written. */
export function ringbufSubmit(map: usize, sample: usize, discard: bool): i32 {
	const header = headerOf(map, sample);
	if (header == 0) return EINVAL;
	const word = atomic.load<u32>(header);
	if (!(word & BUSY)) return EINVAL;
	const committed = (word & ~BUSY) | (discard ? DISCARD : 0);
	store<u32>(sample - HEADER, committed);
	atomic.store<u32>(header, committed);
	return 0;
}

export function ringbufOutput(map: usize, from: usize, size: u32): i32 {
	const sample = ringbufReserve(map, size);
	if (sample == 0) return EAGAIN;
	copyBytes(sample, from, size);
	return ringbufSubmit(map, sample, false);
}

/** bpf_ringbuf_query; a position may pass 2^32 and is exact to 2^53. */
export function ringbufQuery(map: usize, what: u32): f64 {
	const consumer = atomic.load<u64>(map, CONSUMER);
	const producer = atomic.load<u64>(map, PRODUCER);
	switch (what) {
		case 0: return <f64>(producer - consumer);
		case 1: return <f64>load<u32>(map, MAX_ENTRIES);
		case 2: return <f64>consumer;
		case 3: return <f64>producer;
		default: return 0;
	}
}

/** The consumer's side: address of the oldest committed record (its length stands 8 before), 0 if there is none. */
export function ringbufPeek(map: usize): usize {
	const total = load<u32>(map, MAX_ENTRIES);
	const data = load<u32>(map, DATA);
	while (true) {
		const consumer = load<u64>(map, CONSUMER);
		if (consumer >= atomic.load<u64>(map, PRODUCER)) return 0;
		const offset = <u32>(consumer & <u64>(total - 1));
		const word = atomic.load<u32>(data + offset);
		if (word & BUSY) return 0;
		if (!(word & DISCARD)) {
			const overhang = load<u32>(map, OVERHANG);
			const there = wraps(offset, recordSize(word), total) && overhang != 0 && load<u32>(map, OVERHANG_AT) == offset;
			return (there ? overhang : data + offset) + HEADER;
		}
		ringbufAdvance(map);
	}
}

/** Gives the oldest record's room back to the producers. */
export function ringbufAdvance(map: usize): void {
	const consumer = load<u64>(map, CONSUMER);
	const offset = <u32>(consumer & <u64>(load<u32>(map, MAX_ENTRIES) - 1));
	const next = consumer + recordSize(load<u32>(load<u32>(map, DATA) + offset));
	atomic.store<u64>(map, min(next, load<u64>(map, PRODUCER)), CONSUMER);
}

