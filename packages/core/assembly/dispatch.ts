// The element operations by the type in the header, for callers that do not know the kind when they are compiled:
// a map that a program found in a map of maps. Kinds without the operation answer 0 or -EINVAL.

import { arrayLookup, arrayUpdate, percpuArrayLookup, percpuArrayUpdate } from "./array";
import { hashDelete, hashLookup, hashUpdate, percpuHashLookup, percpuHashUpdate } from "./hash";
import { EINVAL, TYPE } from "./layout";
import { lpmDelete, lpmLookup, lpmUpdate } from "./lpm";
import { lruDelete, lruLookup, lruPercpuLookup, lruPercpuUpdate, lruUpdate } from "./lru";
import { arrayOfMapsLookup, hashOfMapsLookup } from "./maps";

// BPF_MAP_TYPE_*
@inline const HASH: u32 = 1;
@inline const ARRAY: u32 = 2;
@inline const PERCPU_HASH: u32 = 5;
@inline const PERCPU_ARRAY: u32 = 6;
@inline const LRU_HASH: u32 = 9;
@inline const LRU_PERCPU_HASH: u32 = 10;
@inline const LPM_TRIE: u32 = 11;
@inline const ARRAY_OF_MAPS: u32 = 12;
@inline const HASH_OF_MAPS: u32 = 13;
@inline const DEVMAP: u32 = 14;
@inline const SOCKMAP: u32 = 15;
@inline const XSKMAP: u32 = 17;
@inline const SOCKHASH: u32 = 18;
@inline const DEVMAP_HASH: u32 = 25;

/** Arrays of what a value names: one that begins with a zero word is an empty entry. */
function referenceLookup(map: usize, key: usize): usize {
	const value = arrayLookup(map, key);
	return value == 0 || load<u32>(value) == 0 ? 0 : value;
}

export function mapLookup(map: usize, key: usize, cpu: u32): usize {
	switch (load<u32>(map, TYPE)) {
		case HASH: return hashLookup(map, key);
		case ARRAY: return arrayLookup(map, key);
		case PERCPU_HASH: return percpuHashLookup(map, key, cpu);
		case PERCPU_ARRAY: return percpuArrayLookup(map, key, cpu);
		case LRU_HASH: return lruLookup(map, key);
		case LRU_PERCPU_HASH: return lruPercpuLookup(map, key, cpu);
		case LPM_TRIE: return lpmLookup(map, key);
		case ARRAY_OF_MAPS: return arrayOfMapsLookup(map, key);
		case HASH_OF_MAPS: return hashOfMapsLookup(map, key);
		case DEVMAP:
		case SOCKMAP:
		case XSKMAP: return referenceLookup(map, key);
		case SOCKHASH:
		case DEVMAP_HASH: return hashLookup(map, key);
		default: return 0;
	}
}

export function mapUpdate(map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
	switch (load<u32>(map, TYPE)) {
		case HASH: return hashUpdate(map, key, value, flags, cpu);
		case ARRAY: return arrayUpdate(map, key, value, flags);
		case PERCPU_HASH: return percpuHashUpdate(map, key, value, flags, cpu);
		case PERCPU_ARRAY: return percpuArrayUpdate(map, key, value, flags, cpu);
		case LRU_HASH: return lruUpdate(map, key, value, flags, cpu);
		case LRU_PERCPU_HASH: return lruPercpuUpdate(map, key, value, flags, cpu, cpu);
		case LPM_TRIE: return lpmUpdate(map, key, value, flags);
		default: return EINVAL;
	}
}

export function mapDelete(map: usize, key: usize): i32 {
	switch (load<u32>(map, TYPE)) {
		case HASH:
		case PERCPU_HASH: return hashDelete(map, key, 0, 0);
		case LRU_HASH:
		case LRU_PERCPU_HASH: return lruDelete(map, key, 0, 0);
		case LPM_TRIE: return lpmDelete(map, key);
		default: return EINVAL;
	}
}
