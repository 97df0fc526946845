// lpm_trie: longest prefix match over keys {u32 prefix length, bits in network order}. A path-compressed binary
// trie, as in kernel/bpf/lpm_trie.c: every node has a prefix; a node without an entry stands where two subtrees
// part. That form follows from the set of prefixes alone, so the order of keys is the kernel's.
//
//   node: 0 child of bit 0 · 4 child of bit 1 · 8 prefix length · 12 value (0: no entry) · 16 link · 24 bits
//
// A node has its bits in words of 64, the first bit on top and zeros behind the last, so that one exclusive or and
// a count of leading zeros compare them with a key's.
//
// Readers take no lock: a child pointer is replaced by one store, and a node that was taken out keeps its own.
// Replacing an entry makes a new node; the value under an old pointer stays until the node is used again, oldest
// first (the kernel waits for a grace period).

import { allocControl, allocData, freeControl } from "./alloc";
import { align8, copyBytes } from "./bytes";
import {
	BPF_EXIST, BPF_NOEXIST, COUNT, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, KEY_SIZE, KIND, LOCK, MAX_ENTRIES,
	VALUE_SIZE, isError,
} from "./layout";
import { acquire, publish, release } from "./lock";

@inline const ROOT: usize = KIND;
// Nodes that were taken out, those with a value and those without: {oldest, newest, how many wait}. They stay nodes
// of this map for good, so that a reader who stands on one never reads anything else.
@inline const RETIRED: usize = KIND + 4;
@inline const RETIRED_FORKS: usize = KIND + 16;
@inline const NEWEST: usize = 4;
@inline const WAITING: usize = 8;

@inline const LENGTH: usize = 8;
@inline const VALUE: usize = 12;
@inline const LINK: usize = 16;
@inline const BITS: usize = 24;

/** Retired nodes are not used again before so many wait. */
@inline const QUARANTINE: u32 = 64;

/** Bytes of a key's bits. */
@inline function bitsSize(map: usize): usize {
	return load<u32>(map, KEY_SIZE) - 4;
}

@inline function nodeSize(map: usize): usize {
	return BITS + align8(bitsSize(map));
}

@inline function maxLength(map: usize): u32 {
	return <u32>bitsSize(map) << 3;
}

/** Bit `index` of a key. */
@inline function keyBit(key: usize, index: u32): usize {
	return (load<u8>(key + 4 + (index >> 3)) >> (7 - (<u8>index & 7))) & 1;
}

@inline function nodeBit(node: usize, index: u32): usize {
	return <usize>(load<u64>(node + BITS + ((index >> 6) << 3)) >> (63 - (index & 63))) & 1;
}

/** The next bits of a key, of which `size` bytes are left, as a node has them. */
@inline function wordAt(bits: usize, size: usize): u64 {
	if (size == 4) return <u64>bswap<u32>(load<u32>(bits)) << 32;
	if (size >= 8) return (<u64>bswap<u32>(load<u32>(bits)) << 32) | bswap<u32>(load<u32>(bits, 4));
	let word: u64 = 0;
	for (let i: usize = 0; i < size; i++) word |= <u64>load<u8>(bits + i) << (56 - (i << 3));
	return word;
}

/** Equal leading bits of a node's prefix and a key's. */
function match(map: usize, node: usize, key: usize): u32 {
	const size = bitsSize(map);
	const limit = min<u32>(load<u32>(node, LENGTH), load<u32>(key));
	for (let bits: u32 = 0; bits < limit; bits += 64) {
		const at = bits >> 3;
		const different = load<u64>(node + BITS + at) ^ wordAt(key + 4 + at, size - at);
		if (different) return min(bits + <u32>clz<u64>(different), limit);
	}
	return limit;
}

/** The entry with the longest prefix of the key's bits; 0 if none. */
export function lpmLookup(map: usize, key: usize): usize {
	const most = maxLength(map);
	if (load<u32>(key) > most) return 0;
	if (most <= 64) return lookupWord(map, key);
	let found: usize = 0;
	let node: usize = load<u32>(map, ROOT);
	while (node != 0) {
		const length = load<u32>(node, LENGTH);
		if (match(map, node, key) < length) break;
		const value = load<u32>(node, VALUE);
		if (value != 0) found = value;
		if (length == most) break;
		node = load<u32>(node + (keyBit(key, length) << 2));
	}
	return found;
}

/** The same for keys of up to 8 bytes of bits: they stay in a register. */
@inline function lookupWord(map: usize, key: usize): usize {
	const limit = load<u32>(key);
	const bits = wordAt(key + 4, bitsSize(map));
	let found: usize = 0;
	let node: usize = load<u32>(map, ROOT);
	while (node != 0) {
		const length = load<u32>(node, LENGTH);
		const matched = min<u32>(<u32>clz<u64>(load<u64>(node, BITS) ^ bits), limit);
		if (matched < length) break;
		const value = load<u32>(node, VALUE);
		found = select<usize>(value, found, value != 0);
		// bit `length` comes to where 4 is; behind the last bit nodes have no children
		node = load<u32>(node + (<usize>rotl<u64>(bits, length + 3) & 4));
	}
	return found;
}

/** A node without children and bits, or 0. */
function makeNode(map: usize, length: u32, withValue: bool): usize {
	const queue = map + (withValue ? RETIRED : RETIRED_FORKS);
	const waiting = load<u32>(queue, WAITING);
	let node: usize = load<u32>(queue);
	if (waiting >= QUARANTINE) {
		store<u32>(queue, load<u32>(node, LINK));
		store<u32>(queue, waiting - 1, WAITING);
	} else {
		node = allocControl(nodeSize(map));
		if (isError(node)) return 0;
		if (withValue) {
			const value = allocData(align8(load<u32>(map, VALUE_SIZE)));
			if (isError(value)) {
				freeControl(node, nodeSize(map));
				return 0;
			}
			store<u32>(node, <u32>value, VALUE);
		}
	}
	store<u64>(node, 0);
	store<u32>(node, length, LENGTH);
	return node;
}

function setBits(map: usize, node: usize, key: usize): void {
	const size = bitsSize(map);
	for (let at: usize = 0; at < size; at += 8) store<u64>(node + BITS + at, wordAt(key + 4 + at, size - at));
}

function retire(map: usize, node: usize): void {
	const queue = map + (load<u32>(node, VALUE) != 0 ? RETIRED : RETIRED_FORKS);
	const waiting = load<u32>(queue, WAITING);
	store<u32>(node, 0, LINK);
	if (waiting == 0) store<u32>(queue, <u32>node);
	else store<u32>(load<u32>(queue, NEWEST), <u32>node, LINK);
	store<u32>(queue, <u32>node, NEWEST);
	store<u32>(queue, waiting + 1, WAITING);
}

function put(map: usize, key: usize, value: usize, flags: u32): i32 {
	const length = load<u32>(key);
	// the pointer that will lead to the new node, and the node there
	let slot = map + ROOT;
	let node: usize = load<u32>(slot);
	let matched: u32 = 0;
	while (node != 0) {
		matched = match(map, node, key);
		const here = load<u32>(node, LENGTH);
		if (here != matched || here == length) break;
		slot = node + (keyBit(key, here) << 2);
		node = load<u32>(slot);
	}
	const same = node != 0 && matched == length && load<u32>(node, LENGTH) == length;
	const exists = same && load<u32>(node, VALUE) != 0;
	if (exists && flags == BPF_NOEXIST) return EEXIST;
	if (!exists && flags == BPF_EXIST) return ENOENT;
	if (!exists && load<u32>(map, COUNT) == load<u32>(map, MAX_ENTRIES)) return ENOSPC;
	const made = makeNode(map, length, true);
	if (made == 0) return ENOMEM;
	setBits(map, made, key);
	copyBytes(load<u32>(made, VALUE), value, load<u32>(map, VALUE_SIZE));
	if (node == 0) {
		publish<u32>(slot, <u32>made);
	} else if (same) {
		// in place of a node with the same prefix
		store<u64>(made, load<u64>(node));
		publish<u32>(slot, <u32>made);
		retire(map, node);
	} else if (matched == length) {
		// above a node with a longer prefix
		store<u32>(made + (nodeBit(node, matched) << 2), <u32>node);
		publish<u32>(slot, <u32>made);
	} else {
		// beside it, under a new node without an entry
		const fork = makeNode(map, matched, false);
		if (fork == 0) {
			retire(map, made);
			return ENOMEM;
		}
		setBits(map, fork, key);
		store<u32>(fork + (keyBit(key, matched) << 2), <u32>made);
		store<u32>(fork + (nodeBit(node, matched) << 2), <u32>node);
		publish<u32>(slot, <u32>fork);
	}
	if (!exists) store<u32>(map, load<u32>(map, COUNT) + 1, COUNT);
	return 0;
}

export function lpmUpdate(map: usize, key: usize, value: usize, flags: u32): i32 {
	if (flags > BPF_EXIST || load<u32>(key) > maxLength(map)) return EINVAL;
	acquire(map + LOCK);
	const result = put(map, key, value, flags);
	release(map + LOCK);
	return result;
}

function remove(map: usize, key: usize): i32 {
	const length = load<u32>(key);
	let above: usize = 0; // pointer to the parent
	let slot = map + ROOT;
	let node: usize = load<u32>(slot);
	while (node != 0) {
		const here = load<u32>(node, LENGTH);
		if (match(map, node, key) != here) return ENOENT;
		if (here == length) break;
		above = slot;
		slot = node + (keyBit(key, here) << 2);
		node = load<u32>(slot);
	}
	if (node == 0 || load<u32>(node, VALUE) == 0) return ENOENT;
	store<u32>(map, load<u32>(map, COUNT) - 1, COUNT);
	const zero = load<u32>(node);
	const one = load<u32>(node, 4);
	if (zero != 0 && one != 0) {
		// it parts two subtrees: a node without an entry takes its place
		const fork = makeNode(map, length, false);
		if (fork == 0) {
			store<u32>(map, load<u32>(map, COUNT) + 1, COUNT);
			return ENOMEM;
		}
		copyBytes(fork + BITS, node + BITS, align8(bitsSize(map)));
		store<u32>(fork, zero);
		store<u32>(fork, one, 4);
		publish<u32>(slot, <u32>fork);
	} else if (zero == 0 && one == 0 && above != 0 && load<u32>(load<u32>(above), VALUE) == 0) {
		// the last but one below a node without an entry: the other child takes that node's place
		const parent: usize = load<u32>(above);
		const other = load<u32>(slot == parent ? parent + 4 : parent);
		publish<u32>(above, other);
		retire(map, parent);
	} else {
		publish<u32>(slot, zero | one);
	}
	retire(map, node);
	return 0;
}

export function lpmDelete(map: usize, key: usize): i32 {
	if (load<u32>(key) > maxLength(map)) return EINVAL;
	acquire(map + LOCK);
	const result = remove(map, key);
	release(map + LOCK);
	return result;
}

/** The first entry in postorder below a node. */
function leftmost(node: usize): usize {
	let found: usize = 0;
	while (node != 0) {
		const zero = load<u32>(node);
		if (load<u32>(node, VALUE) == 0) {
			node = zero;
		} else {
			found = node;
			node = zero != 0 ? zero : load<u32>(node, 4);
		}
	}
	return found;
}

/** trie_get_next_key: postorder, so that longer prefixes come first; an unknown key (or 0) starts over. 0 at the end. */
export function lpmNextKey(map: usize, key: usize): usize {
	acquire(map + LOCK);
	const node = nextNode(map, key);
	release(map + LOCK);
	return node;
}

function nextNode(map: usize, key: usize): usize {
	const root: usize = load<u32>(map, ROOT);
	if (key == 0 || load<u32>(key) > maxLength(map)) return leftmost(root);
	const length = load<u32>(key);
	// walk down to the key's node; what follows it lies right of the path or is the nearest entry above
	let after: usize = 0;
	let subtree = false;
	let node = root;
	while (node != 0) {
		const here = load<u32>(node, LENGTH);
		if (match(map, node, key) != here) return leftmost(root);
		if (here == length) break;
		const bit = keyBit(key, here);
		if (bit == 0 && load<u32>(node, 4) != 0) {
			after = load<u32>(node, 4);
			subtree = true;
		} else if (load<u32>(node, VALUE) != 0) {
			after = node;
			subtree = false;
		}
		node = load<u32>(node + (bit << 2));
	}
	if (node == 0 || load<u32>(node, VALUE) == 0) return leftmost(root);
	return subtree ? leftmost(after) : after;
}

/** Writes a node's key {prefix length, bits} to `into`. */
export function lpmKey(map: usize, node: usize, into: usize): void {
	const size = bitsSize(map);
	store<u32>(into, load<u32>(node, LENGTH));
	for (let at: usize = 0; at < size; at++)
		store<u8>(into + 4 + at, <u8>(load<u64>(node + BITS + (at & ~7)) >> (56 - ((at & 7) << 3))));
}
