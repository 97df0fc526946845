// array and percpu_array. Values lie in one block of the data area, each `stride` bytes; a per-CPU array has its
// CPUs' values of one index side by side: value = VALUES + (index * CPUS + cpu) * STRIDE.

import { allocData, freeData } from "./alloc";
import { align8, copyBytes } from "./bytes";
import {
	BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, CPUS, E2BIG, EEXIST, EINVAL, ENOMEM, FLAGS, KIND, MAX_ENTRIES, VALUE_SIZE, isError,
} from "./layout";

@inline const MMAPABLE: u32 = 1 << 10;

@inline const VALUES: usize = KIND;
@inline const STRIDE: usize = KIND + 4;
/** A u32 per entry in the data area: what for_each_map_elem hands to programs as key. Made by the first walk. */
@inline const KEYS: usize = KIND + 8;

/** Fills in a fresh header whose common words are set. `values` counts the values: entries, or entries * cpus. */
export function arrayCreate(map: usize, perCpu: bool): i32 {
	const stride = align8(load<u32>(map, VALUE_SIZE));
	let bytes = <u64>stride * <u64>load<u32>(map, MAX_ENTRIES);
	if (perCpu) bytes *= <u64>load<u32>(map, CPUS);
	// what is mapped is whole pages
	if (load<u32>(map, FLAGS) & MMAPABLE) bytes = (bytes + 4095) & ~4095;
	if (bytes > 0xf0000000) return ENOMEM;
	const values = allocData(<usize>bytes);
	if (isError(values)) return ENOMEM;
	store<u32>(map, <u32>values, VALUES);
	store<u32>(map, <u32>stride, STRIDE);
	return 0;
}

/** bpf_map_lookup_elem on an array: address of the value, 0 past the end. */
export function arrayLookup(map: usize, key: usize): usize {
	const index = load<u32>(key);
	if (index >= load<u32>(map, MAX_ENTRIES)) return 0;
	return load<u32>(map, VALUES) + index * load<u32>(map, STRIDE);
}

export function percpuArrayLookup(map: usize, key: usize, cpu: u32): usize {
	const index = load<u32>(key);
	if (index >= load<u32>(map, MAX_ENTRIES) || cpu >= load<u32>(map, CPUS)) return 0;
	return load<u32>(map, VALUES) + (index * load<u32>(map, CPUS) + cpu) * load<u32>(map, STRIDE);
}

/** The checks of array_map_update_elem, in its order. */
@inline function refusal(map: usize, key: usize, flags: u32): i32 {
	if ((flags & ~BPF_F_LOCK) > BPF_EXIST) return EINVAL;
	if (load<u32>(key) >= load<u32>(map, MAX_ENTRIES)) return E2BIG;
	if (flags & BPF_NOEXIST) return EEXIST;
	// no value has a spin lock
	return flags & BPF_F_LOCK ? EINVAL : 0;
}

export function arrayUpdate(map: usize, key: usize, value: usize, flags: u32): i32 {
	const refused = refusal(map, key, flags);
	if (refused) return refused;
	copyBytes(arrayLookup(map, key), value, load<u32>(map, VALUE_SIZE));
	return 0;
}

export function percpuArrayUpdate(map: usize, key: usize, value: usize, flags: u32, cpu: u32): i32 {
	const refused = refusal(map, key, flags);
	if (refused) return refused;
	copyBytes(percpuArrayLookup(map, key, cpu), value, load<u32>(map, VALUE_SIZE));
	return 0;
}

/** From bpf(2): `value` holds `stride` bytes for every CPU. */
export function percpuArrayUpdateAll(map: usize, key: usize, value: usize, flags: u32): i32 {
	const refused = refusal(map, key, flags);
	if (refused) return refused;
	copyBytes(percpuArrayLookup(map, key, 0), value, load<u32>(map, CPUS) * load<u32>(map, STRIDE));
	return 0;
}


/** Iteration: a cursor is index + 1. Address of the key in the data area, or -ENOMEM. */
export function arrayCursorKey(map: usize, cursor: u32): usize {
	let keys: usize = atomic.load<u32>(map, KEYS);
	if (keys == 0) {
		const bytes = <usize>load<u32>(map, MAX_ENTRIES) << 2;
		const made = allocData(bytes);
		if (isError(made)) return made;
		keys = atomic.cmpxchg<u32>(map, 0, <u32>made, KEYS);
		if (keys == 0) keys = made;
		else freeData(made, bytes);
	}
	const key = keys + ((cursor - 1) << 2);
	store<u32>(key, cursor - 1);
	return key;
}
