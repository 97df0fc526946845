import { expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { EACCES, EINVAL, EPERM } from "./errno.ts";
import { le, newMap, newRuntime } from "./test-kit.ts";

test("an array's values as mmap(2) shows them", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, 2, 4, 5, 3, MAP_FLAG.MMAPABLE);
	const neighbour = newMap(runtime, 2, 4, 8, 1);
	neighbour.hostUpdate(le(0), new Uint8Array(8).fill(0xff), 0n);
	map.hostUpdate(le(1), Uint8Array.of(1, 2, 3, 4, 5), 0n);
	const view = map.mmap?.(true) as Uint8Array;
	expect(view).toHaveLength(4096);
	expect([...view.subarray(8, 16)]).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
	// the rest of the page belongs to the mapping
	expect(view.subarray(24).every((byte) => byte === 0)).toBe(true);
	view[16] = 9;
	expect(map.hostLookup(le(2))).toEqual(Uint8Array.of(9, 0, 0, 0, 0));
	map.freeze();
	expect(map.mmap?.(true)).toBe(EPERM);
	expect(map.mmap?.(false)).toHaveLength(4096);
});

test("what mmap(2) refuses", () => {
	const runtime = newRuntime();
	expect(newMap(runtime, 2, 4, 8, 1).mmap?.(false)).toBe(EINVAL);
	expect(newMap(runtime, 2, 4, 8, 1, MAP_FLAG.MMAPABLE | MAP_FLAG.RDONLY_PROG).mmap?.(true)).toBe(EACCES);
	expect(newMap(runtime, 1, 4, 8, 1).mmap).toBeUndefined();
});
