// The LRU of lru_hash and lru_percpu_hash, with the kernel's structure, so that on one CPU the same sequence of
// calls evicts the same keys (kernel/bpf/bpf_lru_list.c, 6.18).
//
// Common LRU: three global lists (active, inactive, free) and, for every CPU, a free and a pending list. An insert
// takes from its CPU's free list; when that is empty, pending elements move to the global lists (referenced ones
// to active, others to inactive), the lists are rotated, and a batch of up to `target` elements comes from the free
// list or, if that does not suffice, is evicted from the tail of inactive. When that fails too, an element is
// stolen from a CPU's lists. BPF_F_NO_COMMON_LRU: each CPU has the three lists of its own, and no local ones.
//
// What may be relied on: with one CPU everything is determined. Elements that were never used stand, in
// thought, at the end of the free list: they are cut from slabs when the list runs out.
//
// A list is a circle of {prev, next} through its head. Lock order: LRU lock → bucket lock.

import { allocControl } from "./alloc";
import { copyBytes } from "./bytes";
import {
	BPF_EXIST, CPUS, COUNT, EINVAL, ENOENT, ENOMEM, FLAGS, KEY_SIZE, LOCK, MAX_ENTRIES, VALUE_SIZE, isError,
} from "./layout";
import { acquire, count, release } from "./lock";
import { percpuCopy, percpuInit, presence } from "./hash";
import {
	CARVED, HASH, KEY_OFFSET, LRU, STRIDE, bucketLock, bucketOf, carve, find, findIn, hashOf, linkFirst, makeBucket,
	tableCreate, unlink, valueOf,
} from "./table";

@inline const NO_COMMON_LRU: u32 = 2;

// element fields beyond table.ts's: the list node is {prev, next} at NODE
@inline const NODE: usize = 16;
@inline const KIND_OF: usize = 24; // u8: the list it is on
// u8: looked up by a program since it was last considered; a plain byte, as in the kernel: nothing else hangs on it
@inline const REFERENCED: usize = 25;
@inline const CPU: usize = 26; // u16: whose local list

// KIND_OF
@inline const ACTIVE: u8 = 0;
@inline const INACTIVE: u8 = 1;
@inline const UNUSED: u8 = 2;
@inline const LOCAL_FREE: u8 = 3;
@inline const LOCAL_PENDING: u8 = 4;

// one set of lists: {active, inactive, free} heads of 8 bytes, counts of the first two, the rotation's position
@inline const COUNTS: usize = 24;
@inline const ROTATION: usize = 32;
/** Elements of this set cut so far, and how many there may be. */
@inline const CUT: usize = 36;
@inline const ROOM: usize = 40;
@inline const SET_SIZE: usize = 48;

// one CPU's local lists: {free, pending} heads, where to steal next
@inline const PENDING: usize = 8;
@inline const NEXT_STEAL: usize = 16;
@inline const LOCAL_SIZE: usize = 24;

// the LRU state: {target, scans}, then the common set and the CPUs' local lists, or the CPUs' sets
@inline const TARGET: usize = 0;
@inline const SCANS: usize = 4;
@inline const SETS: usize = 8;

// circles

@inline function prevOf(node: usize): usize {
	return load<u32>(node);
}

@inline function nextOf(node: usize): usize {
	return load<u32>(node, 4);
}

@inline function makeEmpty(head: usize): void {
	store<u32>(head, <u32>head);
	store<u32>(head, <u32>head, 4);
}

@inline function isEmpty(head: usize): bool {
	return nextOf(head) == head;
}

function cutOut(node: usize): void {
	const prev = prevOf(node);
	const next = nextOf(node);
	store<u32>(prev, <u32>next, 4);
	store<u32>(next, <u32>prev);
}

function addFirst(head: usize, node: usize): void {
	const next = nextOf(head);
	store<u32>(node, <u32>head);
	store<u32>(node, <u32>next, 4);
	store<u32>(next, <u32>node);
	store<u32>(head, <u32>node, 4);
}

function addLast(head: usize, node: usize): void {
	addFirst(prevOf(head), node);
}

// elements by their node

@inline function kindOf(node: usize): u8 {
	return load<u8>(node, KIND_OF - NODE);
}

@inline function referenced(node: usize): bool {
	return load<u8>(node, REFERENCED - NODE) != 0;
}

@inline function setKind(node: usize, kind: u8): void {
	store<u8>(node, kind, KIND_OF - NODE);
}

@inline function clearReference(node: usize): void {
	store<u8>(node, 0, REFERENCED - NODE);
}

@inline function listOf(set: usize, kind: u8): usize {
	return set + (<usize>kind << 3);
}

@inline function countBy(set: usize, kind: u8, by: i32): void {
	if (kind > INACTIVE) return;
	const count = set + COUNTS + (<usize>kind << 2);
	store<i32>(count, load<i32>(count) + by);
}

/** The rotation must not stand on a node that leaves its list. */
@inline function stepBack(set: usize, node: usize): void {
	if (load<u32>(set, ROTATION) == <u32>node) store<u32>(set, <u32>prevOf(node), ROTATION);
}

/** Between the lists of a set, or to the front of its own. */
function move(set: usize, node: usize, kind: u8): void {
	if (kindOf(node) != kind) {
		countBy(set, kindOf(node), -1);
		countBy(set, kind, 1);
		setKind(node, kind);
	}
	clearReference(node);
	stepBack(set, node);
	cutOut(node);
	addFirst(listOf(set, kind), node);
}

/** To a free list: the set's own or a CPU's. */
function moveToFree(set: usize, node: usize, list: usize, kind: u8): void {
	stepBack(set, node);
	countBy(set, kindOf(node), -1);
	setKind(node, kind);
	cutOut(node);
	// a CPU's batch is used up in the order in which it was taken; a set's own free list last in, first out
	if (kind == LOCAL_FREE) addLast(list, node);
	else addFirst(list, node);
}

function rotate(lru: usize, set: usize): void {
	const scans = load<u32>(lru, SCANS);
	// active: while inactive has fewer, up to `scans` from the tail: referenced ones stay, the others are demoted
	if (load<u32>(set, COUNTS + 4) < load<u32>(set, COUNTS)) {
		const active = listOf(set, ACTIVE);
		const first = nextOf(active);
		let node = prevOf(active);
		for (let i: u32 = 1; node != active; i++) {
			const before = prevOf(node);
			move(set, node, referenced(node) ? ACTIVE : INACTIVE);
			if (i == scans || node == first) break;
			node = before;
		}
	}
	// inactive: from where the last rotation stopped, referenced ones are promoted
	const inactive = listOf(set, INACTIVE);
	if (isEmpty(inactive)) return;
	let last = nextOf(load<u32>(set, ROTATION));
	if (last == inactive) last = nextOf(last);
	let at: usize = load<u32>(set, ROTATION);
	let next = inactive;
	let i: u32 = 0;
	while (i < scans) {
		if (at == inactive) {
			at = prevOf(at);
			continue;
		}
		next = prevOf(at);
		if (referenced(at)) move(set, at, ACTIVE);
		if (at == last) break;
		at = next;
		i++;
	}
	store<u32>(set, <u32>next, ROTATION);
}

/** Takes an element's key out of the table; false while it is not in yet (another instance is inserting it). */
function removeKey(map: usize, node: usize): bool {
	const element = node - NODE;
	const bucket = bucketOf(map, load<u32>(element, HASH));
	if (bucket == 0) return false;
	acquire(bucketLock(bucket));
	const removed = unlink(bucket, element);
	release(bucketLock(bucket));
	if (removed) count(map + COUNT, -1);
	return removed;
}

/** Evicts up to `wanted` elements to `list`; how many. */
function shrink(map: usize, lru: usize, set: usize, wanted: u32, list: usize, kind: u8): u32 {
	const scans = load<u32>(lru, SCANS);
	const inactive = listOf(set, INACTIVE);
	let freed: u32 = 0;
	let i: u32 = 0;
	let node = prevOf(inactive);
	while (node != inactive) {
		const before = prevOf(node);
		if (referenced(node)) {
			move(set, node, ACTIVE);
		} else if (removeKey(map, node)) {
			moveToFree(set, node, list, kind);
			if (++freed == wanted) break;
		}
		if (++i == scans) break;
		node = before;
	}
	if (freed) return freed;
	// nothing: one element goes whether it was referenced or not
	const force = isEmpty(inactive) ? listOf(set, ACTIVE) : inactive;
	node = prevOf(force);
	while (node != force) {
		if (removeKey(map, node)) {
			moveToFree(set, node, list, kind);
			return 1;
		}
		node = prevOf(node);
	}
	return 0;
}

/** A never used element of a set, or 0. */
function cut(map: usize, set: usize, cpu: u32): usize {
	const done = load<u32>(set, CUT);
	if (done >= load<u32>(set, ROOM)) return 0;
	const element = carve(map);
	if (isError(element)) return 0;
	store<u32>(set, done + 1, CUT);
	store<u32>(map, load<u32>(map, CARVED) + 1, CARVED);
	store<u16>(element, <u16>cpu, CPU);
	return element + NODE;
}

@inline function localOf(lru: usize, cpu: u32): usize {
	return lru + SETS + SET_SIZE + <usize>cpu * LOCAL_SIZE;
}

/** A batch for a CPU's free list. */
function refill(map: usize, lru: usize, local: usize, cpu: u32): void {
	const set = lru + SETS;
	const pending = local + PENDING;
	let node = prevOf(pending);
	while (node != pending) {
		const before = prevOf(node);
		const kind = referenced(node) ? ACTIVE : INACTIVE;
		countBy(set, kind, 1);
		setKind(node, kind);
		clearReference(node);
		cutOut(node);
		addFirst(listOf(set, kind), node);
		node = before;
	}
	rotate(lru, set);
	const target = load<u32>(lru, TARGET);
	const unused = listOf(set, UNUSED);
	let taken: u32 = 0;
	while (taken < target) {
		node = nextOf(unused);
		if (node != unused) {
			moveToFree(set, node, local, LOCAL_FREE);
		} else {
			node = cut(map, set, cpu);
			if (node == 0) break;
			setKind(node, LOCAL_FREE);
			addLast(local, node);
		}
		taken++;
	}
	if (taken < target) shrink(map, lru, set, target - taken, local, LOCAL_FREE);
}

@inline function popFirst(list: usize): usize {
	const node = nextOf(list);
	if (node == list) return 0;
	cutOut(node);
	return node;
}

/** The oldest pending element of a CPU, preferably one that was not referenced; 0 if none. */
function popPending(map: usize, local: usize): usize {
	const pending = local + PENDING;
	for (let force = 0; force < 2; force++) {
		for (let node = prevOf(pending); node != pending; node = prevOf(node)) {
			if ((force || !referenced(node)) && removeKey(map, node)) {
				cutOut(node);
				return node;
			}
		}
	}
	return 0;
}

/** An element for a key with this hash: bpf_common_lru_pop_free. */
function popCommon(map: usize, lru: usize, hash: u32, cpu: u32): usize {
	const local = localOf(lru, cpu);
	let node = popFirst(local);
	if (node == 0) {
		refill(map, lru, local, cpu);
		node = popFirst(local);
	}
	if (node == 0) {
		const cpus = load<u32>(map, CPUS);
		const first = load<u32>(local, NEXT_STEAL);
		let from = first;
		do {
			const other = localOf(lru, from);
			node = popFirst(other);
			if (node == 0) node = popPending(map, other);
			from = from + 1 == cpus ? 0 : from + 1;
		} while (node == 0 && from != first);
		store<u32>(local, from, NEXT_STEAL);
		if (node == 0) return 0;
	}
	store<u32>(node - NODE, hash, HASH);
	store<u16>(node, <u16>cpu, CPU - NODE);
	setKind(node, LOCAL_PENDING);
	clearReference(node);
	addFirst(local + PENDING, node);
	return node - NODE;
}

/** bpf_percpu_lru_pop_free. */
function popOwn(map: usize, lru: usize, hash: u32, cpu: u32): usize {
	const set = lru + SETS + <usize>cpu * SET_SIZE;
	const unused = listOf(set, UNUSED);
	rotate(lru, set);
	if (isEmpty(unused)) {
		const node = cut(map, set, cpu);
		if (node != 0) {
			setKind(node, UNUSED);
			addFirst(unused, node);
		} else {
			shrink(map, lru, set, load<u32>(lru, TARGET), unused, UNUSED);
		}
	}
	const node = nextOf(unused);
	if (node == unused) return 0;
	store<u32>(node - NODE, hash, HASH);
	move(set, node, INACTIVE);
	return node - NODE;
}

function pop(map: usize, hash: u32, cpu: u32): usize {
	const lru: usize = load<u32>(map, LRU);
	acquire(map + LOCK);
	const element =
		load<u32>(map, FLAGS) & NO_COMMON_LRU ? popOwn(map, lru, hash, cpu) : popCommon(map, lru, hash, cpu);
	release(map + LOCK);
	return element;
}

/** Gives an element back that is not in the table (any more): bpf_lru_push_free. */
function push(map: usize, element: usize): void {
	const lru: usize = load<u32>(map, LRU);
	const node = element + NODE;
	const cpu = load<u16>(element, CPU);
	acquire(map + LOCK);
	if (kindOf(node) == LOCAL_PENDING) {
		const local = localOf(lru, cpu);
		setKind(node, LOCAL_FREE);
		clearReference(node);
		cutOut(node);
		addFirst(local, node);
	} else {
		let set = lru + SETS;
		if (load<u32>(map, FLAGS) & NO_COMMON_LRU) set += <usize>cpu * SET_SIZE;
		move(set, node, UNUSED);
	}
	release(map + LOCK);
}

function makeSet(set: usize, room: u32): void {
	for (let kind: u8 = ACTIVE; kind <= UNUSED; kind++) makeEmpty(listOf(set, kind));
	store<u32>(set, <u32>listOf(set, INACTIVE), ROTATION);
	store<u32>(set, room, ROOM);
}

/** Rounds max_entries up to a multiple of the CPUs under BPF_F_NO_COMMON_LRU, as the kernel does. */
export function lruCreate(map: usize, seed: u32, perCpu: bool): i32 {
	const cpus = load<u32>(map, CPUS);
	const own = load<u32>(map, FLAGS) & NO_COMMON_LRU;
	if (own) store<u32>(map, (load<u32>(map, MAX_ENTRIES) + cpus - 1) / cpus * cpus, MAX_ENTRIES);
	const made = tableCreate(map, seed, perCpu, true);
	if (made) return made;
	const entries = load<u32>(map, MAX_ENTRIES);
	const lru = allocControl(SETS + (own ? <usize>cpus * SET_SIZE : SET_SIZE + <usize>cpus * LOCAL_SIZE));
	if (isError(lru)) return ENOMEM;
	store<u32>(map, <u32>lru, LRU);
	if (own) {
		store<u32>(lru, 4, TARGET);
		store<u32>(lru, 4, SCANS);
		for (let cpu: u32 = 0; cpu < cpus; cpu++) makeSet(lru + SETS + <usize>cpu * SET_SIZE, entries / cpus);
	} else {
		store<u32>(lru, max<u32>(1, min<u32>(128, entries / cpus / 2)), TARGET);
		store<u32>(lru, 128, SCANS);
		makeSet(lru + SETS, entries);
		for (let cpu: u32 = 0; cpu < cpus; cpu++) {
			const local = localOf(lru, cpu);
			makeEmpty(local);
			makeEmpty(local + PENDING);
			store<u32>(local, cpu, NEXT_STEAL);
		}
	}
	return 0;
}

@inline function reference(element: usize): void {
	if (load<u8>(element, REFERENCED) == 0) store<u8>(element, 1, REFERENCED);
}

/** From a program: the element counts as referenced. */
export function lruLookup(map: usize, key: usize): usize {
	const element = find(map, key);
	if (element == 0) return 0;
	reference(element);
	return valueOf(element);
}

export function lruPercpuLookup(map: usize, key: usize, cpu: u32): usize {
	const element = find(map, key);
	if (element == 0 || cpu >= load<u32>(map, CPUS)) return 0;
	reference(element);
	return valueOf(element) + cpu * load<u32>(map, STRIDE);
}

/** Replacing a key takes a new element, too, and the new one counts as referenced. */
export function lruUpdate(map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
	if (flags > BPF_EXIST) return EINVAL;
	const hash = hashOf(map, key);
	const bucket = makeBucket(map, hash);
	if (isError(bucket)) return <i32>bucket;
	const element = pop(map, hash, cpu);
	if (element == 0) return ENOMEM;
	copyBytes(element + load<u32>(map, KEY_OFFSET), key, load<u32>(map, KEY_SIZE));
	copyBytes(valueOf(element), value, load<u32>(map, VALUE_SIZE));
	acquire(bucketLock(bucket));
	const old = findIn(map, bucket, hash, key);
	const refused = presence(old, flags);
	if (refused) {
		release(bucketLock(bucket));
		push(map, element);
		return refused;
	}
	if (old != 0) reference(element);
	else count(map + COUNT, 1);
	linkFirst(bucket, element, old);
	if (old != 0) push(map, old);
	return 0;
}

/** `cpu` is where the element is taken from; `which` the CPU whose value it is, or ALL_CPUS. In place. */
export function lruPercpuUpdate(map: usize, key: usize, value: usize, flags: u32, cpu: u32, which: u32): i32 {
	if (flags > BPF_EXIST) return EINVAL;
	const hash = hashOf(map, key);
	const bucket = makeBucket(map, hash);
	if (isError(bucket)) return <i32>bucket;
	let element: usize = 0;
	if (flags != BPF_EXIST) {
		element = pop(map, hash, cpu);
		if (element == 0) return ENOMEM;
		// at once, also where the element goes unused: a walk that stands behind it sees this key (prealloc_lru_pop)
		copyBytes(element + load<u32>(map, KEY_OFFSET), key, load<u32>(map, KEY_SIZE));
	}
	acquire(bucketLock(bucket));
	const old = findIn(map, bucket, hash, key);
	const refused = presence(old, flags);
	if (refused == 0 && old == 0) {
		percpuInit(map, valueOf(element), value, which);
		count(map + COUNT, 1);
		linkFirst(bucket, element, 0);
		return 0;
	}
	if (refused == 0) {
		reference(old);
		percpuCopy(map, valueOf(old), value, which);
	}
	release(bucketLock(bucket));
	if (element != 0) push(map, element);
	return refused;
}

export function lruDelete(map: usize, key: usize, value: usize, valueBytes: usize): i32 {
	const hash = hashOf(map, key);
	const bucket = bucketOf(map, hash);
	if (bucket == 0) return ENOENT;
	acquire(bucketLock(bucket));
	const element = findIn(map, bucket, hash, key);
	if (element != 0) {
		if (value != 0) copyBytes(value, valueOf(element), valueBytes);
		unlink(bucket, element);
		count(map + COUNT, -1);
	}
	release(bucketLock(bucket));
	if (element == 0) return ENOENT;
	push(map, element);
	return 0;
}
