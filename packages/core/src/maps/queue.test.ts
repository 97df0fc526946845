import { describe, expect, test } from "vitest";
import { E2BIG, EINVAL, ENOENT } from "./errno.ts";
import { FLAVOURS, hex, inMemory, le, newMap, newRuntime } from "./test-kit.ts";

const none = new Uint8Array();

describe.each([
	["queue", 22, ["01000000", "01000000", "02000000", "09000000"]],
	["stack", 23, ["09000000", "09000000", "02000000", "01000000"]],
] as const)("%s", (_name, type, order) => {
	test("the host's calls, as 6.18 answered them", () => {
		const map = newMap(newRuntime(), type, 0, 4, 3);
		const pushed = [0, 1, 2, 3, 4].map((n) => map.hostUpdate(none, le(n), 0n));
		expect(pushed).toEqual([0, 0, 0, E2BIG, E2BIG]);
		// BPF_EXIST drops the oldest
		expect([1n, 2n, 3n, 4n].map((flags) => map.hostUpdate(none, le(9), flags))).toEqual([
			EINVAL,
			0,
			EINVAL,
			EINVAL,
		]);
		expect([...map.hostEntries()].map(([, value]) => value[0])).toEqual([1, 2, 9]);
		const taken = [map.hostLookup(none), ...[0, 0, 0].map(() => map.hostLookupAndDelete(none))];
		expect(taken.map(hex)).toEqual(order);
		expect([map.hostLookupAndDelete(none), map.hostLookup(none)]).toEqual([ENOENT, ENOENT]);
		expect([map.hostDelete(none), map.hostNextKey(null)]).toEqual([EINVAL, EINVAL]);
	});

	test.each(FLAVOURS)("programs push, peek and pop; an empty one gives zeros (shared: %s)", (shared) => {
		const runtime = newRuntime(shared);
		const map = newMap(runtime, type, 0, 6, 2);
		const value = inMemory(runtime, Uint8Array.of(1, 2, 3, 4, 5, 6));
		const into = inMemory(runtime, new Uint8Array(6).fill(7));
		expect(map.push!(value, 0)).toBe(0);
		expect(map.peek!(into)).toBe(0);
		expect(hex(runtime.memory.read(into, 6))).toBe("010203040506");
		expect(map.pop!(into)).toBe(0);
		expect(map.pop!(into)).toBe(ENOENT);
		expect(hex(runtime.memory.read(into, 6))).toBe("000000000000");
		expect(map.push!(value, 0x7fffffff)).toBe(EINVAL);
	});
});
