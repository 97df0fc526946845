import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOTSUPP, EPERM } from "./errno.ts";
import { FLAVOURS, hex, inMemory, le, newMap, newRuntime } from "./test-kit.ts";

const ARRAY = 2;
const PERCPU_ARRAY = 6;

describe("array", () => {
	test("errnos are the kernel's", () => {
		const map = newMap(newRuntime(), ARRAY, 4, 8, 4);
		const value = le(5, 8);
		expect(hex(map.hostLookup(le(0)))).toBe("0000000000000000");
		expect(map.hostLookup(le(4))).toBe(ENOENT);
		expect(map.hostUpdate(le(0), value, 0n)).toBe(0);
		expect(map.hostUpdate(le(0), value, 1n)).toBe(EEXIST);
		expect(map.hostUpdate(le(1), value, 2n)).toBe(0);
		expect(map.hostUpdate(le(4), value, 1n)).toBe(E2BIG);
		for (const flags of [3n, 4n, 8n, 1n << 32n]) expect(map.hostUpdate(le(0), value, flags)).toBe(EINVAL);
		expect(map.hostDelete(le(0))).toBe(EINVAL);
		expect(map.hostLookupAndDelete(le(0))).toBe(ENOTSUPP);
		expect([null, le(0), le(3), le(9)].map((key) => hex(map.hostNextKey(key)))).toEqual([
			"00000000",
			"01000000",
			ENOENT,
			"00000000",
		]);
	});

	test("frozen, read-only and write-only maps answer EPERM", () => {
		const runtime = newRuntime();
		const map = newMap(runtime, ARRAY, 4, 4, 1);
		expect(map.freeze()).toBe(0);
		expect(map.freeze()).toBe(EPERM);
		expect(map.hostUpdate(le(0), le(1), 99n)).toBe(EPERM);
		expect(map.hostDelete(le(0))).toBe(EPERM);
		expect(map.hostLookupAndDelete(le(0))).toBe(EPERM);
		expect(hex(map.hostLookup(le(0)))).toBe("00000000");
		const readOnly = newMap(runtime, ARRAY, 4, 4, 1, MAP_FLAG.RDONLY);
		expect(readOnly.hostUpdate(le(0), le(1), 0n)).toBe(EPERM);
		expect(readOnly.freeze()).toBe(EPERM);
		const writeOnly = newMap(runtime, ARRAY, 4, 4, 1, MAP_FLAG.WRONLY);
		expect(writeOnly.hostLookup(le(0))).toBe(EPERM);
		expect(writeOnly.hostNextKey(null)).toBe(EPERM);
		expect(writeOnly.hostUpdate(le(0), le(1), 0n)).toBe(0);
	});

	test.each(FLAVOURS)("programs reach values by address (shared: %s)", (shared) => {
		const runtime = newRuntime(shared);
		const map = newMap(runtime, ARRAY, 4, 3, 5);
		const key = inMemory(runtime, le(2));
		const value = map.lookup(key, 0);
		expect(value % 8).toBe(0);
		expect(map.update(key, inMemory(runtime, Uint8Array.of(1, 2, 3)), 0, 0)).toBe(0);
		expect(hex(map.hostLookup(le(2)))).toBe("010203");
		expect(map.lookup(inMemory(runtime, le(5)), 0)).toBe(0);
		expect(map.lookup(inMemory(runtime, le(0xffffffff)), 0)).toBe(0);
	});

	test("lddw's value address is that of a one-entry array", () => {
		const runtime = newRuntime();
		const map = newMap(runtime, ARRAY, 4, 100, 1);
		const first = map.lookup(inMemory(runtime, le(0)), 0);
		expect(map.valueAddress(99)).toBe(first + 99);
		expect(map.valueAddress(100)).toBe(EINVAL);
		expect([-1, 2 ** 29].map((offset) => map.valueAddress(offset))).toEqual([EINVAL, EINVAL]);
		expect(newMap(runtime, ARRAY, 4, 100, 2).valueAddress(0)).toBe(ENOTSUPP);
		expect(newMap(runtime, PERCPU_ARRAY, 4, 100, 1).valueAddress(0)).toBe(EINVAL);
		expect(newMap(runtime, 1, 4, 100, 1).valueAddress(0)).toBe(EINVAL);
	});

	test("a walk hands out keys that stay while walks nest", () => {
		const runtime = newRuntime();
		const map = newMap(runtime, ARRAY, 4, 8, 3);
		const keys: number[] = [];
		for (let at = map.next!(0); at !== 0; at = map.next!(at)) keys.push(map.cursorKey!(at));
		expect(keys.map((address) => runtime.memory.u32(address))).toEqual([0, 1, 2]);
		expect(keys.every((address) => address >= runtime.dataBase)).toBe(true);
	});
});

test("percpu_array: values of all CPUs, 8 bytes each, on the host side", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, PERCPU_ARRAY, 4, 4, 2, 0, 2);
	const key = inMemory(runtime, le(1));
	expect(map.update(key, inMemory(runtime, le(3)), 0, 1)).toBe(0);
	expect(hex(map.hostLookup(le(1)))).toBe("00000000000000000300000000000000");
	expect(
		map.hostUpdate(
			le(1),
			Uint8Array.from({ length: 16 }, (_, i) => i),
			0n,
		),
	).toBe(0);
	expect(runtime.memory.u32(map.lookup(key, 0))).toBe(0x03020100);
	expect(runtime.memory.u32(map.lookup(key, 1))).toBe(0x0b0a0908);
	expect(map.lookup(key, 2)).toBe(0);
});
