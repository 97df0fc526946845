import { describe, expect, test } from "vitest";
import { MAX_LOOPS } from "./loop.ts";
import { testRuntime } from "./test-runtime.ts";

const LOOP = 181;

describe("bpf_loop", () => {
	test("gives the index and the caller's context, returns the count", () => {
		const seen: unknown[] = [];
		const r0 = testRuntime().iterate(LOOP, [3, 0, 0x1_0000_0002n, 0], (...args) => {
			seen.push(args);
			return 0;
		});
		expect(r0).toBe(3n);
		expect(seen).toEqual([
			[0, [2, 1]],
			[1, [2, 1]],
			[2, [2, 1]],
		]);
	});

	test("helpers called in between don't reach into the result", () => {
		const rt = testRuntime({ clockStart: 2n ** 40n });
		expect(rt.iterate(LOOP, [3, 0, 0, 0], () => Number(rt.call(5) & 0n))).toBe(3n);
	});

	test("stops after the iteration that says so, and counts it", () => {
		expect(testRuntime().iterate(LOOP, [10, 0, 0, 0], (i) => (i === 4 ? 1 : 0))).toBe(5n);
	});

	test.each([
		["none", 0, 0, 0n],
		["flags", 1, 1, -22n],
		["flags in the upper half", 1, 2n ** 32n, -22n],
		["too many", MAX_LOOPS + 1, 0, 0xffff_fff9n],
		["too many, flags first", MAX_LOOPS + 1, 1, -22n],
		["the count in 64 bits", 2n ** 32n + 1n, 0, 0xffff_fff9n],
		["a negative count", -1, 0, 0xffff_fff9n],
	])("%s", (_name, count, flags, expected) => {
		expect(testRuntime().iterate(LOOP, [count, 0, 0, flags], () => 1)).toBe(expected);
	});
});
