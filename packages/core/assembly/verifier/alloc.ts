// The allocator: sizes are rounded up to a class, each class has a list of free blocks. Up to 10,240 bytes (a frame
// with all its slots) a class is a multiple of 64 bytes, above it a power of two.

import { BRK, FREE_LISTS, HEAP, IN_USE } from "./layout";

const SMALL: usize = 10240;

function roundUp(size: usize): usize {
	if (size <= SMALL) return (size + 63) & ~63;
	return 1 << (32 - clz<u32>(<u32>(size - 1)));
}

function listOf(rounded: usize): usize {
	if (rounded <= SMALL) return FREE_LISTS + ((rounded >> 6) << 2);
	return FREE_LISTS + ((160 + usize(ctz<u32>(<u32>rounded)) - 13) << 2);
}

/** Uninitialised bytes, 64-aligned; 0 if there are none. */
export function alloc(size: usize): usize {
	const rounded = roundUp(size);
	const list = listOf(rounded);
	const block: usize = load<u32>(list);
	if (block != 0) {
		store<u32>(list, load<u32>(block));
		store<u32>(IN_USE, load<u32>(IN_USE) + <u32>rounded);
		return block;
	}
	let brk: usize = load<u32>(BRK);
	if (brk == 0) brk = HEAP;
	const end = brk + rounded;
	const have: usize = usize(memory.size()) << 16;
	// the views in TypeScript must be made anew after each growth, so grow by a quarter
	if (end > have) {
		const pages = <i32>((end - have + (have >> 2) + 0xffff) >> 16);
		if (memory.grow(pages) < 0 && memory.grow(<i32>((end - have + 0xffff) >> 16)) < 0) return 0;
	}
	store<u32>(BRK, <u32>end);
	store<u32>(IN_USE, load<u32>(IN_USE) + <u32>rounded);
	return brk;
}

export function free(block: usize, size: usize): void {
	const rounded = roundUp(size);
	const list = listOf(rounded);
	store<u32>(block, load<u32>(list));
	store<u32>(list, <u32>block);
	store<u32>(IN_USE, load<u32>(IN_USE) - <u32>rounded);
}
