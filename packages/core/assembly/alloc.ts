// The allocator of both areas. Sizes are rounded up to a class, freed blocks go to their class's list, and new
// ones come from the area's brk, growing the memory when it must. Callers pass the size again when they free, so
// blocks carry no header; free blocks of the data area are listed in nodes in the control area, because programs
// may write wherever they like in the data area and must not be able to bend a list.
// Blocks are 8-aligned and zero.

import {
	ALLOCATOR_LOCK, CONTROL_BRK, CONTROL_HEAP, DATA_BASE, DATA_BRK, ENOMEM, FREE_LISTS, MAGIC, MAGIC_VALUE, SHARED, isError,
} from "./layout";
import { acquire, release } from "./lock";

/** Up to 1,024 bytes a class per 16 bytes; above, four classes per doubling: at most a quarter is lost. */
@inline const SMALL: usize = 1024;
@inline const CLASSES: usize = 64 + 4 * 22;
/** A node of a data free list: {next, address}. */
@inline const NODE: usize = 16;
@inline const LIMIT: u64 = 0xffff0000;

function classOf(size: usize): usize {
	if (size <= SMALL) return size == 0 ? 0 : ((size + 15) >> 4) - 1;
	// size - 1 in [2^e, 2^(e+1)) with e >= 10; the two bits below the top pick the quarter
	const top = size - 1;
	const e: usize = 31 - clz<u32>(<u32>top);
	return 64 + ((e - 10) << 2) + ((top >> (e - 2)) & 3);
}

function sizeOf(index: usize): u64 {
	if (index < 64) return <u64>((index + 1) << 4);
	const e = <u64>(10 + ((index - 64) >> 2));
	return (<u64>(5 + ((index - 64) & 3))) << (e - 2);
}

/** Moves an area's brk up by `size`; the old brk, or -ENOMEM. Under the allocator's lock. */
function extend(brkWord: usize, size: u64, limit: u64): usize {
	const brk = load<u32>(brkWord);
	const end = <u64>brk + size;
	if (end > limit) return <usize>ENOMEM;
	const have = (<u64>memory.size()) << 16;
	if (end > have) {
		if (memory.grow(<i32>((end - have + 0xffff) >> 16)) < 0) return <usize>ENOMEM;
	}
	store<u32>(brkWord, <u32>end);
	return brk;
}

/** A block from a control list or the brk. Under the lock. */
function takeControl(size: usize): usize {
	const index = classOf(size);
	const list = FREE_LISTS + (index << 2);
	const block = load<u32>(list);
	if (block != 0) {
		store<u32>(list, load<u32>(block));
		memory.fill(block, 0, <usize>sizeOf(index));
		return block;
	}
	return extend(CONTROL_BRK, sizeOf(index), load<u32>(DATA_BASE));
}

function putControl(block: usize, size: usize): void {
	const list = FREE_LISTS + (classOf(size) << 2);
	store<u32>(block, load<u32>(list));
	store<u32>(list, <u32>block);
}

/** Once per memory: later instances find the magic and change nothing. */
export function initMemory(dataBase: usize, shared: bool): i32 {
	if (atomic.load<u32>(MAGIC) == MAGIC_VALUE) return load<u32>(DATA_BASE) == <u32>dataBase ? 0 : ENOMEM;
	store<u32>(DATA_BASE, <u32>dataBase);
	store<u32>(SHARED, shared);
	store<u32>(CONTROL_BRK, <u32>CONTROL_HEAP);
	store<u32>(DATA_BRK, <u32>dataBase);
	atomic.store<u32>(MAGIC, MAGIC_VALUE);
	return 0;
}

/** Address of a zeroed block in the control area, or -ENOMEM. */
export function allocControl(size: usize): usize {
	if (size > 0x80000000) return <usize>ENOMEM;
	acquire(ALLOCATOR_LOCK);
	const block = takeControl(size);
	release(ALLOCATOR_LOCK);
	return block;
}

export function freeControl(block: usize, size: usize): void {
	acquire(ALLOCATOR_LOCK);
	putControl(block, size);
	release(ALLOCATOR_LOCK);
}

/** Address of a zeroed block in the data area, or -ENOMEM. */
export function allocData(size: usize): usize {
	if (size > 0xf0000000) return <usize>ENOMEM;
	acquire(ALLOCATOR_LOCK);
	const index = classOf(size);
	const list = FREE_LISTS + ((CLASSES + index) << 2);
	const node = load<u32>(list);
	let block: usize;
	if (node != 0) {
		block = load<u32>(node, 4);
		store<u32>(list, load<u32>(node));
		putControl(node, NODE);
		memory.fill(block, 0, <usize>sizeOf(index));
	} else {
		block = extend(DATA_BRK, sizeOf(index), LIMIT);
	}
	release(ALLOCATOR_LOCK);
	return block;
}

/** Without control memory for the list's node the block is lost, not corrupted. */
export function freeData(block: usize, size: usize): void {
	acquire(ALLOCATOR_LOCK);
	const node = takeControl(NODE);
	if (!isError(node)) {
		const list = FREE_LISTS + ((CLASSES + classOf(size)) << 2);
		store<u32>(node, load<u32>(list));
		store<u32>(node, <u32>block, 4);
		store<u32>(list, <u32>node);
	}
	release(ALLOCATOR_LOCK);
}

/** Bytes that a request of `size` really takes. */
export function blockSize(size: usize): f64 {
	return <f64>sizeOf(classOf(size));
}
