import { expect, test } from "vitest";
import { ALLOCATOR, CONTROL_HEAP } from "../memory/index.ts";
import { ARRAY, MAP, QUEUE, RING, SLOTS, TABLE } from "./layout.ts";
import { inMemory, le, newMap, newRuntime } from "./test-kit.ts";

// The numbers here and in packages/core/assembly are the same: each field holds what it should.

test("allocator words", () => {
	const runtime = newRuntime(true, 2 ** 20);
	const { memory } = runtime;
	expect(memory.u32(ALLOCATOR.DATA_BASE)).toBe(2 ** 20);
	expect(memory.u32(ALLOCATOR.CONTROL_BRK)).toBe(CONTROL_HEAP);
	expect(memory.u32(ALLOCATOR.DATA_BRK)).toBe(2 ** 20);
	const block = runtime.allocControl(16);
	runtime.freeControl(block, 16);
	expect(memory.u32(ALLOCATOR.FREE_LISTS)).toBe(block);
	expect(memory.u32(ALLOCATOR.RINGBUFS)).toBe(0);
	const ring = newMap(runtime, 27, 0, 0, 4096);
	expect(memory.u32(ALLOCATOR.RINGBUFS)).toBe(ring.address);
	expect(memory.u32(ALLOCATOR.LOCK)).toBe(0);
});

test("head of every map", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, 1, 5, 9, 100, 1, 3);
	const word = (offset: number) => runtime.memory.u32(map.address + offset);
	const { INDEX, TYPE, KEY_SIZE, VALUE_SIZE, MAX_ENTRIES, FLAGS, CPUS, STATE, COUNT } = MAP;
	map.hostUpdate(Uint8Array.of(1, 2, 3, 4, 5), new Uint8Array(9), 0n);
	map.freeze();
	const fields = [INDEX, TYPE, KEY_SIZE, VALUE_SIZE, MAX_ENTRIES, FLAGS, CPUS, STATE, COUNT];
	expect(fields.map(word)).toEqual([0, 1, 5, 9, 100, 1, 3, 1, 1]);
});

test("arrays: VALUES + (index * CPUS + cpu) * STRIDE", () => {
	const runtime = newRuntime();
	for (const [type, cpus] of [
		[2, 1],
		[6, 3],
	] as const) {
		const map = newMap(runtime, type, 4, 12, 5, 0, cpus);
		const word = (offset: number) => runtime.memory.u32(map.address + offset);
		expect(word(ARRAY.STRIDE)).toBe(16);
		for (let cpu = 0; cpu < cpus; cpu++)
			expect(map.lookup(inMemory(runtime, le(4)), cpu)).toBe(
				word(ARRAY.VALUES) + (4 * cpus + cpu) * word(ARRAY.STRIDE),
			);
	}
});

test("slots, tables and queues", () => {
	const runtime = newRuntime();
	const { memory } = runtime;
	const slots = newMap(runtime, 3, 4, 4, 4);
	slots.slots!.setWord(3, 77);
	expect(memory.u32(memory.u32(slots.address + SLOTS.WORDS) + 12)).toBe(77);

	const table = newMap(runtime, 5, 6, 12, 100, 64, 3);
	const word = (offset: number) => memory.u32(table.address + offset);
	const { SEED, MASK, ELEMENT_SIZE, KEY_OFFSET, STRIDE, VALUES_SIZE } = TABLE;
	expect([SEED, MASK, ELEMENT_SIZE, KEY_OFFSET, STRIDE, VALUES_SIZE].map(word)).toEqual([
		0, 127, 24, 16, 16, 48,
	]);
	expect(word(TABLE.DIRECTORY)).toBeGreaterThanOrEqual(CONTROL_HEAP);
	expect(memory.u32(word(TABLE.DIRECTORY))).toBe(0);

	const queue = newMap(runtime, 22, 0, 4, 3);
	for (const value of [5, 6]) queue.hostUpdate(new Uint8Array(), le(value), 0n);
	queue.hostLookupAndDelete(new Uint8Array());
	const at = (offset: number) => memory.u32(queue.address + offset);
	expect([at(QUEUE.HEAD), at(QUEUE.TAIL), memory.u32(at(QUEUE.DATA) + 4)]).toEqual([2, 1, 6]);
});

test("ring buffers", () => {
	const runtime = newRuntime();
	const { memory } = runtime;
	const [first, second] = [newMap(runtime, 27, 0, 0, 4096), newMap(runtime, 27, 0, 0, 4096)];
	expect(memory.u32(second.address + RING.CHAIN)).toBe(first.address);
	const ring = second.ring!;
	const at = (offset: number) => memory.u32(second.address + offset);
	expect([at(RING.DATA), at(RING.OVERHANG)]).toEqual([0, 0]);
	for (let i = 0; i < 2; i++) {
		const sample = ring.reserve(3000, 0);
		if (i === 0) expect(sample).toBe(at(RING.DATA) + 8);
		// the second one wraps
		else expect(sample).toBe(at(RING.OVERHANG) + 8);
		ring.submit(sample);
		ring.consume();
	}
	ring.reserve(0, 0);
	ring.reserve(0, 0);
	expect([at(RING.CONSUMER), at(RING.PRODUCER), at(RING.PENDING)]).toEqual([6016, 6032, 6016]);
});
