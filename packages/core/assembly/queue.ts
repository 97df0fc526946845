// queue and stack (kernel/bpf/queue_stack_maps.c): a circle of max_entries + 1 values in the data area, made by the
// first push. HEAD is where the next value goes, TAIL the oldest one.

import { allocData } from "./alloc";
import { copyBytes } from "./bytes";
import { BPF_EXIST, BPF_NOEXIST, E2BIG, EINVAL, ENOENT, ENOMEM, KIND, LOCK, MAX_ENTRIES, VALUE_SIZE, isError } from "./layout";
import { acquire, release } from "./lock";

@inline const HEAD: usize = KIND;
@inline const TAIL: usize = KIND + 4;
@inline const DATA: usize = KIND + 8;

@inline function after(map: usize, index: u32): u32 {
	return index == load<u32>(map, MAX_ENTRIES) ? 0 : index + 1;
}

@inline function before(map: usize, index: u32): u32 {
	return index == 0 ? load<u32>(map, MAX_ENTRIES) : index - 1;
}

@inline function at(map: usize, index: u32): usize {
	return load<u32>(map, DATA) + index * load<u32>(map, VALUE_SIZE);
}

/** BPF_EXIST makes room by dropping the oldest value. */
export function queuePush(map: usize, value: usize, flags: u32): i32 {
	if (flags == BPF_NOEXIST || flags > BPF_EXIST) return EINVAL;
	acquire(map + LOCK);
	let result = 0;
	if (load<u32>(map, DATA) == 0) {
		const bytes = (<u64>load<u32>(map, MAX_ENTRIES) + 1) * load<u32>(map, VALUE_SIZE);
		const data = bytes > 0xf0000000 ? <usize>ENOMEM : allocData(<usize>bytes);
		if (isError(data)) result = ENOMEM;
		else store<u32>(map, <u32>data, DATA);
	}
	const head = load<u32>(map, HEAD);
	const next = after(map, head);
	if (result == 0 && next == load<u32>(map, TAIL)) {
		if (flags == BPF_EXIST) store<u32>(map, after(map, next), TAIL);
		else result = E2BIG;
	}
	if (result == 0) {
		copyBytes(at(map, head), value, load<u32>(map, VALUE_SIZE));
		store<u32>(map, next, HEAD);
	}
	release(map + LOCK);
	return result;
}

/** The oldest (queue) or newest (stack) value, taken out or not; zeros and -ENOENT when there is none. */
export function queueGet(map: usize, value: usize, stack: bool, take: bool): i32 {
	const size = load<u32>(map, VALUE_SIZE);
	acquire(map + LOCK);
	const head = load<u32>(map, HEAD);
	const tail = load<u32>(map, TAIL);
	let result = 0;
	if (head == tail) {
		memory.fill(value, 0, size);
		result = ENOENT;
	} else {
		copyBytes(value, at(map, stack ? before(map, head) : tail), size);
		if (take) {
			if (stack) store<u32>(map, before(map, head), HEAD);
			else store<u32>(map, after(map, tail), TAIL);
		}
	}
	release(map + LOCK);
	return result;
}
