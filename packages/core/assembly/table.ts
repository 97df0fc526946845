// The hash table that hash, percpu_hash, the LRU kinds and hash_of_maps share.
//
// Buckets come in pages of 1,024, made when first written to; the directory has a word per page. A bucket is
// {head, lock}; a list ends in the marker `bucket << 1 | 1`, so that a reader who walked into another bucket's
// list (its element was freed and reused under it) sees the wrong marker and starts again: readers take no lock.
// An element lies in the control area for good, and so does its value in the data area: an address that a program
// holds stays valid memory. Elements are cut from slabs on demand.
//
//   element: 0 next · 4 hash · 8 value · 12 link (free list) · [LRU: 16 prev · 20 next · 24 type · 25 ref · 26 cpu] · key
//   value block: value (STRIDE bytes for each CPU of a per-CPU kind), then room for a copy of the key, which
//   iteration hands to programs

import { allocControl, allocData, freeControl } from "./alloc";
import { align8, equalBytes } from "./bytes";
import { jhash } from "./jhash";
import { CPUS, ENOMEM, KEY_SIZE, KIND, MAX_ENTRIES, VALUE_SIZE, isError } from "./layout";
import { publish, release } from "./lock";
import { mix, mixBytes, mixed } from "./mix";

@inline export const SEED: usize = KIND;
@inline export const MASK: usize = KIND + 4;
@inline export const DIRECTORY: usize = KIND + 8;
@inline export const ELEMENT_SIZE: usize = KIND + 12;
@inline export const KEY_OFFSET: usize = KIND + 16;
/** Bytes between the values of two CPUs. */
@inline export const STRIDE: usize = KIND + 20;
/** Bytes of data area that an element has: its values. The copy of the key follows. */
@inline export const VALUES_SIZE: usize = KIND + 24;
/** Deleted elements, last in first out; under LOCK. */
@inline export const FREE: usize = KIND + 28;
/** Elements cut from slabs so far, without the spares. */
@inline export const CARVED: usize = KIND + 32;
@inline const SLAB_NEXT: usize = KIND + 36;
@inline const SLAB_VALUE: usize = KIND + 40;
@inline const SLAB_LEFT: usize = KIND + 44;
/** A spare element for each CPU: what replaces an existing one in a preallocated map. */
@inline export const SPARES: usize = KIND + 48;
/** Address of the LRU state; 0 where the kind has none. */
@inline export const LRU: usize = KIND + 52;
@inline export const TABLE_HEADER: usize = KIND + 56;

@inline export const NEXT: usize = 0;
@inline export const HASH: usize = 4;
@inline export const VALUE: usize = 8;
@inline export const LINK: usize = 12;
@inline export const PLAIN_KEY: usize = 16;
@inline export const LRU_KEY: usize = 32;

@inline const PAGE_BITS: u32 = 10;
@inline const PAGE_BUCKETS: u32 = 1 << PAGE_BITS;

export function tableCreate(map: usize, seed: u32, perCpu: bool, lru: bool): i32 {
	const entries = load<u32>(map, MAX_ENTRIES);
	const buckets: u32 = entries == 1 ? 1 : 1 << (32 - clz<u32>(entries - 1));
	const pages = ((buckets - 1) >> PAGE_BITS) + 1;
	const directory = allocControl(<usize>pages << 2);
	if (isError(directory)) return ENOMEM;
	const keyOffset = lru ? LRU_KEY : PLAIN_KEY;
	const stride = align8(load<u32>(map, VALUE_SIZE));
	store<u32>(map, seed, SEED);
	store<u32>(map, buckets - 1, MASK);
	store<u32>(map, <u32>directory, DIRECTORY);
	store<u32>(map, <u32>(keyOffset + align8(load<u32>(map, KEY_SIZE))), ELEMENT_SIZE);
	store<u32>(map, <u32>keyOffset, KEY_OFFSET);
	store<u32>(map, <u32>stride, STRIDE);
	store<u32>(map, <u32>(perCpu ? stride * load<u32>(map, CPUS) : stride), VALUES_SIZE);
	return 0;
}

/** With seed 0 (BPF_F_ZERO_SEED) buckets are the kernel's, and so is the order of keys. */
export function hashOf(map: usize, key: usize): u32 {
	const seed = load<u32>(map, SEED);
	const size = load<u32>(map, KEY_SIZE);
	return seed == 0 ? jhash(key, size, 0) : mixBytes(key, size, seed);
}

/** The bucket of a hash, 0 while its page does not exist. */
@inline export function bucketOf(map: usize, hash: u32): usize {
	const index = hash & load<u32>(map, MASK);
	const page = load<u32>(load<u32>(map, DIRECTORY) + ((index >> PAGE_BITS) << 2));
	return page == 0 ? 0 : page + ((index & (PAGE_BUCKETS - 1)) << 3);
}

/** The bucket of a hash, its page made if need be; or -ENOMEM. */
@inline export function makeBucket(map: usize, hash: u32): usize {
	const found = bucketOf(map, hash);
	return found != 0 ? found : makePage(map, hash);
}

function makePage(map: usize, hash: u32): usize {
	const mask = load<u32>(map, MASK);
	const first = (hash & mask) & ~(PAGE_BUCKETS - 1);
	const count = min(mask + 1 - first, PAGE_BUCKETS);
	const page = allocControl(<usize>count << 3);
	if (isError(page)) return page;
	for (let i: u32 = 0; i < count; i++) store<u32>(page + (i << 3), ((first + i) << 1) | 1);
	const word = load<u32>(map, DIRECTORY) + ((first >> PAGE_BITS) << 2);
	// another instance may have been quicker: then its page holds
	if (atomic.cmpxchg<u32>(word, 0, <u32>page) != 0) freeControl(page, <usize>count << 3);
	return bucketOf(map, hash);
}

@inline export function bucketLock(bucket: usize): usize {
	return bucket + 4;
}

/** Walks a bucket; 0 where the key is not there. With or without the bucket's lock. */
export function findIn(map: usize, bucket: usize, hash: u32, key: usize): usize {
	const keySize = load<u32>(map, KEY_SIZE);
	const keyOffset = load<u32>(map, KEY_OFFSET);
	const marker = markerOf(map, hash);
	while (true) {
		let element = atomic.load<u32>(bucket);
		while (!(element & 1)) {
			if (load<u32>(element, HASH) == hash && equalBytes(element + keyOffset, key, keySize)) return element;
			element = atomic.load<u32>(element, NEXT);
		}
		if (element == marker) return 0;
	}
}

@inline function markerOf(map: usize, hash: u32): u32 {
	return ((hash & load<u32>(map, MASK)) << 1) | 1;
}

/** bpf's __htab_map_lookup_elem: the element of a key, or 0. */
export function find(map: usize, key: usize): usize {
	const hash = hashOf(map, key);
	const bucket = bucketOf(map, hash);
	return bucket == 0 ? 0 : findIn(map, bucket, hash, key);
}

// The same for the sizes that most keys have: what compiled programs call. The key is read once, in words of 4
// bytes: a program has just written it, perhaps so, and a wider load would wait for the stores. Links are plain
// loads, as rcu_dereference's are: what stands behind one is read through it, and so after it.

export function find4(map: usize, key: usize): usize {
	const k0 = load<u32>(key);
	const seed = load<u32>(map, SEED);
	const hash = seed == 0 ? jhash(key, 4, 0) : mixed(mix(seed, k0));
	const bucket = bucketOf(map, hash);
	if (bucket == 0) return 0;
	const keyOffset = load<u32>(map, KEY_OFFSET);
	let element = load<u32>(bucket);
	while (!(element & 1)) {
		if (load<u32>(element + keyOffset) == k0) return element;
		element = load<u32>(element, NEXT);
	}
	return element == markerOf(map, hash) ? 0 : findIn(map, bucket, hash, key);
}

export function find8(map: usize, key: usize): usize {
	const k0 = load<u32>(key);
	const k1 = load<u32>(key, 4);
	const word = pair(k0, k1);
	const seed = load<u32>(map, SEED);
	const hash = seed == 0 ? jhash(key, 8, 0) : mixed(mix(seed, word));
	const bucket = bucketOf(map, hash);
	if (bucket == 0) return 0;
	const keyOffset = load<u32>(map, KEY_OFFSET);
	let element = load<u32>(bucket);
	while (!(element & 1)) {
		if (load<u64>(element + keyOffset) == word) return element;
		element = load<u32>(element, NEXT);
	}
	return element == markerOf(map, hash) ? 0 : findIn(map, bucket, hash, key);
}

export function find16(map: usize, key: usize): usize {
	const k0 = load<u32>(key);
	const k1 = load<u32>(key, 4);
	const k2 = load<u32>(key, 8);
	const k3 = load<u32>(key, 12);
	const low = pair(k0, k1);
	const high = pair(k2, k3);
	const seed = load<u32>(map, SEED);
	const hash = seed == 0 ? jhash(key, 16, 0) : mixed(mix(mix(seed, low), high));
	const bucket = bucketOf(map, hash);
	if (bucket == 0) return 0;
	const keyOffset = load<u32>(map, KEY_OFFSET);
	let element = load<u32>(bucket);
	while (!(element & 1)) {
		const at = element + keyOffset;
		if (((load<u64>(at) ^ low) | (load<u64>(at, 8) ^ high)) == 0) return element;
		element = load<u32>(element, NEXT);
	}
	return element == markerOf(map, hash) ? 0 : findIn(map, bucket, hash, key);
}

@inline function pair(low: u32, high: u32): u64 {
	return <u64>low | (<u64>high << 32);
}

/**
 * Puts an element first in its bucket, as the kernel does, and takes out the one with the same key (0: there is none).
 * Under the bucket's lock, which it gives up: the word beside the head, so that one store does both.
 */
export function linkFirst(bucket: usize, element: usize, old: usize): void {
	const first: usize = load<u32>(bucket);
	if (old != 0 && old != first) {
		// a reader finds the key at any time
		store<u32>(element, <u32>first, NEXT);
		publish<u32>(bucket, <u32>element);
		unlink(bucket, old);
		release(bucketLock(bucket));
	} else {
		store<u32>(element, old == 0 ? <u32>first : load<u32>(old, NEXT), NEXT);
		publish<u64>(bucket, <u64>element);
	}
}

/** Takes an element out; its own next stays for readers that stand on it. False if it is not there. Under the lock. */
export function unlink(bucket: usize, element: usize): bool {
	let at: usize = bucket;
	while (true) {
		const next = load<u32>(at);
		if (next & 1) return false;
		if (<usize>next == element) {
			publish<u32>(at, load<u32>(element, NEXT));
			return true;
		}
		at = next;
	}
}

/** A new element from the slab, its value attached; or -ENOMEM. Under the map's (or the LRU's) lock. */
export function carve(map: usize): usize {
	const size = load<u32>(map, ELEMENT_SIZE);
	const block = <u64>load<u32>(map, VALUES_SIZE) + <u64>align8(load<u32>(map, KEY_SIZE));
	let left = load<u32>(map, SLAB_LEFT);
	if (left == 0) {
		// slabs grow with the map, within 64 KiB of either area, and not past what the map can ever use
		const carved = load<u32>(map, CARVED);
		const room = <u32>min<u64>(65536 / block, 65536 / size);
		left = max<u32>(1, min<u32>(max<u32>(8, carved), room));
		if (carved < load<u32>(map, MAX_ENTRIES)) left = min(left, load<u32>(map, MAX_ENTRIES) - carved);
		else left = 1;
		if (block * left > 0xf0000000) return <usize>ENOMEM;
		const slab = allocControl(size * left);
		if (isError(slab)) return slab;
		const values = allocData(<usize>block * left);
		if (isError(values)) {
			freeControl(slab, size * left);
			return values;
		}
		store<u32>(map, <u32>slab, SLAB_NEXT);
		store<u32>(map, <u32>values, SLAB_VALUE);
	}
	const element = load<u32>(map, SLAB_NEXT);
	const value = load<u32>(map, SLAB_VALUE);
	store<u32>(map, element + size, SLAB_NEXT);
	store<u32>(map, value + <u32>block, SLAB_VALUE);
	store<u32>(map, left - 1, SLAB_LEFT);
	store<u32>(element, value, VALUE);
	return element;
}

// Iteration: a cursor is an element. The kernel's for_each walks buckets in order and each bucket's list.

@inline function firstFrom(map: usize, start: u32): usize {
	const mask = load<u32>(map, MASK);
	const directory = load<u32>(map, DIRECTORY);
	let index = start;
	while (index <= mask) {
		const page = atomic.load<u32>(directory + ((index >> PAGE_BITS) << 2));
		if (page == 0) {
			index = (index | (PAGE_BUCKETS - 1)) + 1;
			if (index == 0) return 0;
			continue;
		}
		const head = atomic.load<u32>(page + ((index & (PAGE_BUCKETS - 1)) << 3));
		if (!(head & 1)) return head;
		index++;
	}
	return 0;
}

/** The element after a cursor (0: the first), 0 at the end. */
export function tableNext(map: usize, cursor: usize): usize {
	if (cursor == 0) return firstFrom(map, 0);
	return tableFollow(map, tableLink(map, cursor));
}

/**
 * What stands behind an element now. The kernel's for_each reads it before it calls back, and goes on from there
 * although the callback may have deleted the element and used it again elsewhere.
 */
export function tableLink(map: usize, cursor: usize): u32 {
	return atomic.load<u32>(cursor, NEXT);
}

/** The element that a link leads to, 0 at the end. */
export function tableFollow(map: usize, link: u32): usize {
	return link & 1 ? firstFrom(map, (link >> 1) + 1) : link;
}

/** htab_map_get_next_key: the element after a key's, the first one where the key is unknown. */
export function tableNextKey(map: usize, key: usize): usize {
	const element = find(map, key);
	return tableNext(map, element);
}

/** Address of an element's key in the control area: for the host. */
export function tableKey(map: usize, element: usize): usize {
	return element + load<u32>(map, KEY_OFFSET);
}

/** Address of a copy of the key that programs may read: it stands behind the value. */
export function tableKeyCopy(map: usize, element: usize): usize {
	const copy = load<u32>(element, VALUE) + load<u32>(map, VALUES_SIZE);
	memory.copy(copy, element + load<u32>(map, KEY_OFFSET), load<u32>(map, KEY_SIZE));
	return copy;
}

@inline export function valueOf(element: usize): usize {
	return load<u32>(element, VALUE);
}

export function tableValue(map: usize, element: usize, cpu: u32): usize {
	return valueOf(element) + cpu * load<u32>(map, STRIDE);
}


