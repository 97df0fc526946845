import { expect, test } from "vitest";
import { E2BIG, EINVAL, ENOENT, ENOTSUPP, EPERM } from "./errno.ts";
import { hex, le, newMap, newRuntime } from "./test-kit.ts";

const PROG_ARRAY = 3;
const PERF_EVENT_ARRAY = 4;

test("prog_array answers the host as the kernel does", () => {
	const map = newMap(newRuntime(), PROG_ARRAY, 4, 4, 4);
	expect(map.hostLookup(le(0))).toBe(ENOENT);
	expect(map.hostUpdate(le(0), le(9), 1n)).toBe(EINVAL);
	expect(map.hostUpdate(le(0), le(9), 2n)).toBe(EINVAL);
	expect(map.hostUpdate(le(4), le(9), 0n)).toBe(E2BIG);
	expect(map.hostUpdate(le(0), le(9), 0n)).toBe(0);
	expect(hex(map.hostLookup(le(0)))).toBe("09000000");
	expect(map.hostLookup(le(4))).toBe(ENOENT);
	expect(map.hostDelete(le(1))).toBe(ENOENT);
	expect(map.hostDelete(le(4))).toBe(E2BIG);
	expect(map.hostDelete(le(0))).toBe(0);
	expect(map.hostLookupAndDelete(le(0))).toBe(ENOTSUPP);
	expect(map.freeze()).toBe(0);
	expect(map.hostDelete(le(0))).toBe(EPERM);
});

test("words are read and replaced by one store each, or all at once", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, PROG_ARRAY, 4, 4, 3);
	const slots = map.slots!;
	expect(slots.setWord(1, 7)).toBe(0);
	expect(slots.setWord(1, 8)).toBe(7);
	expect(slots.setWord(3, 8)).toBe(E2BIG);
	expect([slots.word(1), slots.word(0), slots.word(3), slots.word(0xffffffff)]).toEqual([8, 0, 0, 0]);
	expect(runtime.memory.u32(slots.words + 4)).toBe(8);
	const words = runtime.allocControl(12);
	runtime.memory.setU32(words, 1);
	const before = slots.words;
	expect(slots.swapWords(words)).toBe(before);
	expect([slots.word(0), slots.word(1)]).toEqual([1, 0]);
});

test("perf_event_array: no lookups, empty slots are ENOENT to delete", () => {
	const map = newMap(newRuntime(), PERF_EVENT_ARRAY, 4, 4, 2);
	expect(map.hostLookup(le(0))).toBe(ENOTSUPP);
	expect(map.hostDelete(le(0))).toBe(ENOENT);
	expect(map.slots!.setWord(0, 1)).toBe(0);
	expect(map.slots!.word(0)).toBe(1);
});
