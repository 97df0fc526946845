// hash, percpu_hash and hash_of_maps. What the kernel does to the element under an address that a program holds:
// - preallocated: replacing a key takes this CPU's spare element and makes the old one the spare, so the old
//   address keeps the old value until the next replacement; deleted elements are reused last in, first out;
// - BPF_F_NO_PREALLOC: replacing takes a new element and frees the old one;
// - percpu_hash and hash_of_maps: the value is replaced in place.

import { allocControl } from "./alloc";
import { copyBytes } from "./bytes";
import {
	BPF_EXIST, BPF_NOEXIST, COUNT, CPUS, E2BIG, EEXIST, EINVAL, ENOENT, FLAGS, KEY_SIZE, LOCK, MAX_ENTRIES,
	VALUE_SIZE, isError,
} from "./layout";
import { acquire, publish, release } from "./lock";
import {
	CARVED, FREE, HASH, KEY_OFFSET, LINK, SPARES, STRIDE, bucketLock, bucketOf, carve, find, findIn, hashOf,
	linkFirst, makeBucket, tableCreate, unlink, valueOf,
} from "./table";

@inline const NO_PREALLOC: u32 = 1;
/** A CPU's word of SPARES is {element, lock}. */
@inline const SPARE_LOCK: usize = 4;
/** `cpu` of a host's update of a per-CPU map: the value holds every CPU's. */
@inline export const ALL_CPUS: u32 = 0xffffffff;

export function hashCreate(map: usize, seed: u32, perCpu: bool): i32 {
	const made = tableCreate(map, seed, perCpu, false);
	if (made) return made;
	if (!perCpu && !(load<u32>(map, FLAGS) & NO_PREALLOC)) {
		const spares = allocControl(load<u32>(map, CPUS) << 3);
		if (isError(spares)) return <i32>spares;
		store<u32>(map, <u32>spares, SPARES);
	}
	return 0;
}

/** An element for a new key: a freed one, else a new one; -E2BIG when max_entries are in use. */
function take(map: usize): usize {
	acquire(map + LOCK);
	let element: usize = load<u32>(map, FREE);
	if (load<u32>(map, COUNT) >= load<u32>(map, MAX_ENTRIES)) {
		element = <usize>E2BIG;
	} else if (element != 0) {
		store<u32>(map, load<u32>(element, LINK), FREE);
	} else {
		element = carve(map);
		if (!isError(element)) store<u32>(map, load<u32>(map, CARVED) + 1, CARVED);
	}
	if (!isError(element)) store<u32>(map, load<u32>(map, COUNT) + 1, COUNT);
	release(map + LOCK);
	return element;
}

function give(map: usize, element: usize): void {
	acquire(map + LOCK);
	store<u32>(element, load<u32>(map, FREE), LINK);
	store<u32>(map, <u32>element, FREE);
	store<u32>(map, load<u32>(map, COUNT) - 1, COUNT);
	release(map + LOCK);
}

/**
 * An element in place of one that is in use; the count of elements stays. The CPU's spare is locked until `retire`:
 * other workers may run as the same CPU.
 */
function replacement(map: usize, cpu: u32): usize {
	const spares: usize = load<u32>(map, SPARES);
	const spare = spares + (cpu << 3);
	let element: usize = 0;
	if (spares != 0) {
		acquire(spare + SPARE_LOCK);
		element = load<u32>(spare);
		if (element != 0) return element;
	}
	acquire(map + LOCK);
	if (spares == 0) element = load<u32>(map, FREE);
	if (element != 0) store<u32>(map, load<u32>(element, LINK), FREE);
	else element = carve(map);
	release(map + LOCK);
	if (spares != 0 && isError(element)) release(spare + SPARE_LOCK);
	return element;
}

/** The one that was replaced and has left its bucket: the CPU's next spare, or free. */
function retire(map: usize, old: usize, cpu: u32): void {
	const spares: usize = load<u32>(map, SPARES);
	if (spares != 0) {
		// and its lock is free
		publish<u64>(spares + (cpu << 3), <u64>old);
		return;
	}
	acquire(map + LOCK);
	store<u32>(old, load<u32>(map, FREE), LINK);
	store<u32>(map, <u32>old, FREE);
	release(map + LOCK);
}

export function hashLookup(map: usize, key: usize): usize {
	const element = find(map, key);
	return element == 0 ? 0 : valueOf(element);
}

export function percpuHashLookup(map: usize, key: usize, cpu: u32): usize {
	const element = find(map, key);
	return element == 0 || cpu >= load<u32>(map, CPUS) ? 0 : valueOf(element) + cpu * load<u32>(map, STRIDE);
}

@inline export function presence(found: usize, flags: u32): i32 {
	if (found != 0 && flags == BPF_NOEXIST) return EEXIST;
	if (found == 0 && flags == BPF_EXIST) return ENOENT;
	return 0;
}

export function hashUpdate(map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
	if (flags > BPF_EXIST) return EINVAL;
	const hash = hashOf(map, key);
	const bucket = makeBucket(map, hash);
	if (isError(bucket)) return <i32>bucket;
	acquire(bucketLock(bucket));
	const old = findIn(map, bucket, hash, key);
	const refused = presence(old, flags);
	const element = refused ? <usize>refused : old == 0 ? take(map) : replacement(map, cpu);
	if (isError(element)) {
		release(bucketLock(bucket));
		return <i32>element;
	}
	copyBytes(element + load<u32>(map, KEY_OFFSET), key, load<u32>(map, KEY_SIZE));
	copyBytes(valueOf(element), value, load<u32>(map, VALUE_SIZE));
	store<u32>(element, hash, HASH);
	linkFirst(bucket, element, old);
	if (old != 0) retire(map, old, cpu);
	return 0;
}

/** Copies into one CPU's value, or every CPU's (ALL_CPUS: `value` holds STRIDE bytes for each). */
export function percpuCopy(map: usize, values: usize, value: usize, cpu: u32): void {
	const stride = load<u32>(map, STRIDE);
	if (cpu == ALL_CPUS) copyBytes(values, value, stride * load<u32>(map, CPUS));
	else copyBytes(values + cpu * stride, value, load<u32>(map, VALUE_SIZE));
}

/** A new element's values: the other CPUs' are zero when a program inserts (pcpu_init_value). */
export function percpuInit(map: usize, values: usize, value: usize, cpu: u32): void {
	if (cpu == ALL_CPUS) return percpuCopy(map, values, value, cpu);
	const stride = load<u32>(map, STRIDE);
	const cpus = load<u32>(map, CPUS);
	for (let other: u32 = 0; other < cpus; other++) if (other != cpu) memory.fill(values + other * stride, 0, stride);
	// the program's value may be this very memory, which an LRU map took from another key
	const own = values + cpu * stride;
	const size = load<u32>(map, VALUE_SIZE);
	copyBytes(own, value, size);
	memory.fill(own + size, 0, stride - size);
}

export function percpuHashUpdate(map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
	if (flags > BPF_EXIST) return EINVAL;
	const hash = hashOf(map, key);
	const bucket = makeBucket(map, hash);
	if (isError(bucket)) return <i32>bucket;
	acquire(bucketLock(bucket));
	const old = findIn(map, bucket, hash, key);
	const refused = presence(old, flags);
	const element = refused ? <usize>refused : old == 0 ? take(map) : 0;
	if (element == 0) percpuCopy(map, valueOf(old), value, cpu);
	if (element == 0 || isError(element)) {
		release(bucketLock(bucket));
		return <i32>element;
	}
	copyBytes(element + load<u32>(map, KEY_OFFSET), key, load<u32>(map, KEY_SIZE));
	percpuInit(map, valueOf(element), value, cpu);
	store<u32>(element, hash, HASH);
	linkFirst(bucket, element, 0);
	return 0;
}

/** Deletes a key. `value` != 0: copies the value (every CPU's, STRIDE bytes each) there first. */
export function hashDelete(map: usize, key: usize, value: usize, valueBytes: usize): i32 {
	const hash = hashOf(map, key);
	const bucket = bucketOf(map, hash);
	if (bucket == 0) return ENOENT;
	acquire(bucketLock(bucket));
	const element = findIn(map, bucket, hash, key);
	if (element != 0) {
		if (value != 0) copyBytes(value, valueOf(element), valueBytes);
		unlink(bucket, element);
	}
	release(bucketLock(bucket));
	if (element == 0) return ENOENT;
	give(map, element);
	return 0;
}

