// States: a header, its frames and its references are blocks of their own.

import { alloc, free } from "./alloc";
import {
	ACQUIRED_REFS, CALLSITE, CAPACITY, CURFRAME, FOUND, FRAMES, FRAME_COUNT, FRAME_FRAMENO, MAX_REGS, MAX_SLOTS,
	PRECISE, REFS, REFS_CAPACITY, REF_SIZE, REGS, REG_SIZE, SCALAR, SLOTS, SLOT_REG, SLOT_SIZE, STACK, STACK_SPILL,
	STATE_SIZE,
} from "./layout";
import { markNotInit, typeOf } from "./reg";

function frameSize(slots: u32): usize {
	return STACK + usize(slots) * SLOT_SIZE;
}

function frameWord(state: usize, index: u32): usize {
	return state + FRAMES + usize(index) * 4;
}

function frameOf(state: usize, index: u32): usize {
	return load<u32>(frameWord(state, index));
}

function regOf(frame: usize, n: u32): usize {
	return frame + REGS + usize(n) * REG_SIZE;
}

/** A frame with room for `slots`; nothing in it is set but its capacity. 0 if memory is full. */
function newFrame(slots: u32): usize {
	const frame = alloc(frameSize(slots));
	if (frame != 0) store<u32>(frame + CAPACITY, slots);
	return frame;
}

function freeFrame(frame: usize): void {
	free(frame, frameSize(load<u32>(frame + CAPACITY)));
}

/** Nothing known, no stack; the capacity stays. */
function clearFrame(frame: usize, index: u32): void {
	const capacity = load<u32>(frame + CAPACITY);
	memory.fill(frame, 0, REGS);
	store<u32>(frame + CAPACITY, capacity);
	store<i32>(frame + CALLSITE, -1);
	store<u32>(frame + FRAME_FRAMENO, index);
	for (let n: u32 = 0; n < MAX_REGS; n++) {
		memory.fill(regOf(frame, n), 0, REG_SIZE);
		markNotInit(regOf(frame, n));
	}
}

function copyFrame(dst: usize, src: usize): void {
	const capacity = load<u32>(dst + CAPACITY);
	memory.copy(dst, src, frameSize(load<u32>(src + SLOTS)));
	store<u32>(dst + CAPACITY, capacity);
}

/** Memory for frame `index`, with room for `slots`: what is there, if it is large enough. */
function frameFor(state: usize, index: u32, slots: u32): usize {
	const have = load<u32>(state + FRAME_COUNT);
	if (index < have) {
		const frame = frameOf(state, index);
		if (load<u32>(frame + CAPACITY) >= slots) return frame;
		freeFrame(frame);
	} else {
		store<u32>(state + FRAME_COUNT, index + 1);
	}
	const frame = newFrame(slots);
	store<u32>(frameWord(state, index), <u32>frame);
	// a state that could not get its frame must not be used, but can be freed
	if (frame == 0) store<u32>(state + FRAME_COUNT, index);
	return frame;
}

export function newState(): usize {
	const state = alloc(STATE_SIZE);
	if (state == 0) return 0;
	memory.fill(state, 0, STATE_SIZE);
	const frame = frameFor(state, 0, MAX_SLOTS);
	if (frame == 0) return 0;
	clearFrame(frame, 0);
	return state;
}

/** Room for `count` references; false if memory is full. */
function reserveRefs(state: usize, count: u32): bool {
	const capacity = load<u32>(state + REFS_CAPACITY);
	if (count <= capacity) return true;
	const wanted = count < 4 ? 4 : count + (count >>> 1);
	const refs = alloc(usize(wanted) * REF_SIZE);
	if (refs == 0) return false;
	if (capacity != 0) {
		const old: usize = load<u32>(state + REFS);
		memory.copy(refs, old, usize(capacity) * REF_SIZE);
		free(old, usize(capacity) * REF_SIZE);
	}
	store<u32>(state + REFS, <u32>refs);
	store<u32>(state + REFS_CAPACITY, wanted);
	return true;
}

/** Header, frames and references; `slots` of each new frame at least those it has now. 0 if memory is full. */
function copyParts(dst: usize, src: usize, slots: u32): usize {
	memory.copy(dst + CURFRAME, src + CURFRAME, FRAME_COUNT - CURFRAME);
	memory.copy(dst + REFS_CAPACITY + 4, src + REFS_CAPACITY + 4, STATE_SIZE - REFS_CAPACITY - 4);
	const curframe = load<u32>(src + CURFRAME);
	for (let i: u32 = 0; i <= curframe; i++) {
		const from = frameOf(src, i);
		const has = load<u32>(from + SLOTS);
		const to = frameFor(dst, i, has > slots ? has : slots);
		if (to == 0) return 0;
		copyFrame(to, from);
	}
	const refs = load<u32>(src + ACQUIRED_REFS);
	if (!reserveRefs(dst, refs)) return 0;
	if (refs != 0) memory.copy(load<u32>(dst + REFS), load<u32>(src + REFS), usize(refs) * REF_SIZE);
	store<u32>(dst + ACQUIRED_REFS, refs);
	return dst;
}

export function copyState(src: usize): usize {
	const dst = alloc(STATE_SIZE);
	if (dst == 0) return 0;
	memory.fill(dst, 0, STATE_SIZE);
	return copyParts(dst, src, 0);
}

export function copyInto(dst: usize, src: usize): usize {
	return copyParts(dst, src, MAX_SLOTS);
}

export function freeState(state: usize): void {
	const count = load<u32>(state + FRAME_COUNT);
	for (let i: u32 = 0; i < count; i++) freeFrame(frameOf(state, i));
	const refs = load<u32>(state + REFS_CAPACITY);
	if (refs != 0) free(load<u32>(state + REFS), usize(refs) * REF_SIZE);
	free(state, STATE_SIZE);
}

export function pushFrame(state: usize): usize {
	const index = load<u32>(state + CURFRAME) + 1;
	const frame = frameFor(state, index, MAX_SLOTS);
	if (frame == 0) return 0;
	clearFrame(frame, index);
	store<u32>(state + CURFRAME, index);
	return frame;
}

export function popFrame(state: usize): void {
	store<u32>(state + CURFRAME, load<u32>(state + CURFRAME) - 1);
}

export function growStack(state: usize, index: u32, slots: u32): usize {
	let frame = frameOf(state, index);
	const has = load<u32>(frame + SLOTS);
	if (slots <= has) return frame;
	if (slots > load<u32>(frame + CAPACITY)) {
		const larger = newFrame(MAX_SLOTS);
		if (larger == 0) return 0;
		copyFrame(larger, frame);
		freeFrame(frame);
		store<u32>(frameWord(state, index), <u32>larger);
		frame = larger;
	}
	memory.fill(frame + STACK + usize(has) * SLOT_SIZE, 0, usize(slots - has) * SLOT_SIZE);
	store<u32>(frame + SLOTS, slots);
	return frame;
}

export function addRef(state: usize): usize {
	const count = load<u32>(state + ACQUIRED_REFS);
	if (!reserveRefs(state, count + 1)) return 0;
	const ref = usize(load<u32>(state + REFS)) + usize(count) * REF_SIZE;
	memory.fill(ref, 0, REF_SIZE);
	store<u32>(state + ACQUIRED_REFS, count + 1);
	return ref;
}

export function removeRef(state: usize, index: u32): void {
	const last = load<u32>(state + ACQUIRED_REFS) - 1;
	const ref = usize(load<u32>(state + REFS)) + usize(index) * REF_SIZE;
	memory.copy(ref, ref + REF_SIZE, usize(last - index) * REF_SIZE);
	store<u32>(state + ACQUIRED_REFS, last);
}

// Walks over all registers: those of a frame, then those that its slots hold, frame by frame from the first.

/** The register that slot `spi` holds, or 0. */
function spilledReg(frame: usize, spi: u32): usize {
	const slot = frame + STACK + usize(spi) * SLOT_SIZE;
	return load<u8>(slot + 7) == STACK_SPILL ? slot + SLOT_REG : 0;
}

export function collect(state: usize, field: usize, value: u32, mask: u32): u32 {
	let end = FOUND;
	const curframe = load<u32>(state + CURFRAME);
	for (let i: u32 = 0; i <= curframe; i++) {
		const frame = frameOf(state, i);
		for (let n: u32 = 0; n < MAX_REGS; n++) {
			const reg = regOf(frame, n);
			if ((load<u32>(reg + field) & mask) == value) {
				store<u32>(end, <u32>reg);
				end += 4;
			}
		}
		const slots = load<u32>(frame + SLOTS);
		for (let spi: u32 = 0; spi < slots; spi++) {
			const reg = spilledReg(frame, spi);
			if (reg != 0 && (load<u32>(reg + field) & mask) == value) {
				store<u32>(end, <u32>reg);
				end += 4;
			}
		}
	}
	return <u32>((end - FOUND) >>> 2);
}

export function markAllScalars(state: usize, precise: u32): void {
	const curframe = load<u32>(state + CURFRAME);
	for (let i: u32 = 0; i <= curframe; i++) {
		const frame = frameOf(state, i);
		for (let n: u32 = 0; n < MAX_REGS; n++) {
			if (typeOf(regOf(frame, n)) == SCALAR) store<u32>(regOf(frame, n) + PRECISE, precise);
		}
		const slots = load<u32>(frame + SLOTS);
		for (let spi: u32 = 0; spi < slots; spi++) {
			const reg = spilledReg(frame, spi);
			if (reg != 0 && typeOf(reg) == SCALAR) store<u32>(reg + PRECISE, precise);
		}
	}
}

export function cleanFrame(frame: usize, liveRegs: u32, liveSlots: u64): void {
	// r10 is always live
	for (let n: u32 = 0; n < MAX_REGS - 1; n++) {
		if (((liveRegs >>> n) & 1) == 0) markNotInit(regOf(frame, n));
	}
	const slots = load<u32>(frame + SLOTS);
	for (let spi: u32 = 0; spi < slots; spi++) {
		if (((liveSlots >> u64(spi)) & 1) != 0) continue;
		const slot = frame + STACK + usize(spi) * SLOT_SIZE;
		store<u64>(slot, 0);
		markNotInit(slot + SLOT_REG);
	}
}
