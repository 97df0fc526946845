import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { checkMap } from "./create.ts";
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOTSUPP } from "./errno.ts";
import { hex, inMemory, le, mapDef, newMap, newRuntime } from "./test-kit.ts";

const [ARRAY_OF_MAPS, HASH_OF_MAPS] = [12, 13];

test("array_of_maps: a program's lookup gives the inner map", () => {
	const runtime = newRuntime();
	const inner = newMap(runtime, 2, 4, 8, 1);
	const map = newMap(runtime, ARRAY_OF_MAPS, 4, 4, 2);
	const key = inMemory(runtime, le(1));
	expect(map.lookup(key, 0)).toBe(0);
	expect(map.hostUpdate(le(1), le(inner.address), 0n)).toBe(0);
	expect(map.lookup(key, 0)).toBe(inner.address);
	expect(map.lookup(inMemory(runtime, le(2)), 0)).toBe(0);
	expect(hex(map.hostLookup(le(1)))).toBe(hex(le(inner.address)));
	expect(map.hostUpdate(le(1), le(inner.address), 1n)).toBe(EINVAL);
	expect(map.hostUpdate(le(2), le(inner.address), 0n)).toBe(E2BIG);
	expect(map.hostDelete(le(1))).toBe(0);
	expect(map.hostLookupAndDelete(le(1))).toBe(ENOTSUPP);
});

test("hash_of_maps: the same by key, and replacing keeps the order", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, HASH_OF_MAPS, 4, 4, 3, MAP_FLAG.ZERO_SEED, 2);
	const order = () => [...map.hostEntries()].map(([key, value]) => [key[0], value[0]]);
	for (const n of [1, 2, 3]) expect(map.hostUpdate(le(n), le(n * 8), 1n)).toBe(0);
	const before = order();
	expect(map.hostUpdate(le(9), le(8), 0n)).toBe(E2BIG);
	expect(map.hostUpdate(le(1), le(8), 1n)).toBe(EEXIST);
	for (const n of [1, 2, 3]) expect(map.hostUpdate(le(n), le(n * 8 + 1), 2n)).toBe(0);
	expect(order()).toEqual(before.map(([key, value]) => [key, value! + 1]));
	expect(map.lookup(inMemory(runtime, le(2)), 1)).toBe(17);
	expect(map.lookup(inMemory(runtime, le(7)), 0)).toBe(0);
	expect(map.hostLookupAndDelete(le(2))).toBe(ENOTSUPP);
	expect(map.hostDelete(le(2))).toBe(0);
	expect(map.hostLookup(le(2))).toBe(ENOENT);
});

describe("what an inner map may be", () => {
	test.each([
		[2, 0],
		[3, ENOTSUPP],
		[12, EINVAL],
		[13, EINVAL],
	])("type %i: %i", (inner, errno) => {
		for (const type of [ARRAY_OF_MAPS, HASH_OF_MAPS])
			expect(checkMap({ ...mapDef(type, 4, 4, 2), inner: mapDef(inner, 4, 4, 1) }, 1)).toBe(errno);
	});
});
