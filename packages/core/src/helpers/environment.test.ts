import { describe, expect, test } from "vitest";
import { MACHINE } from "../memory/index.ts";
import { defaultEnvironment } from "./environment.ts";
import { testRuntime } from "./test-runtime.ts";

describe("environment", () => {
	test("the default is complete and the caller's part wins", () => {
		expect(defaultEnvironment({ cpus: 4, cpu: 3 })).toMatchObject({
			cpus: 4,
			cpu: 3,
			fillByte: 0xa5,
			routes: [],
		});
	});

	test.each([
		[{ cpus: 0 }, "cpus"],
		[{ cpus: 2, cpu: 2 }, "cpu"],
		[{ fillByte: 256 }, "fillByte"],
		[{ clockStart: -1n }, "clockStart"],
	])("%o is refused by name", (partial, field) => {
		expect(() => defaultEnvironment(partial)).toThrow(
			expect.objectContaining({
				code: "machine/invalid-input",
				message: expect.stringContaining(`environment.${field} `),
			}),
		);
	});

	test("the clock starts where it is told and every reading moves it", () => {
		const rt = testRuntime({ clockStart: 2n ** 32n + 5n, clockStep: 7n });
		expect([rt.call(5), rt.call(5), rt.call(125)]).toEqual([
			2n ** 32n + 5n,
			2n ** 32n + 12n,
			2n ** 32n + 19n,
		]);
		expect(rt.memory.u64(MACHINE.CLOCK)).toBe(2n ** 32n + 26n);
	});

	test("the clock wraps at 2^64", () => {
		const rt = testRuntime({ clockStart: 2n ** 64n - 1n, clockStep: 2n });
		expect([rt.call(5), rt.call(5)]).toEqual([-1n, 1n]);
	});

	test("coarse time stands still within a tick, TAI follows real time, jiffies count ticks", () => {
		const rt = testRuntime({ clockStart: 9_999_999n, clockStep: 0n, realtimeOffset: 10n ** 18n });
		expect(rt.call(160)).toBe(8_000_000n);
		expect(rt.call(208)).toBe(10n ** 18n + 9_999_999n);
		expect(rt.call(118)).toBe(0xfffedb08n + 2n);
	});

	test("prandom: same seed, same numbers; a snapshot of its word continues them; upper half is zero", () => {
		const a = testRuntime({ seed: 1n });
		const numbers = [a.call(7), a.call(7)];
		const state = a.memory.u64(MACHINE.PRANDOM);
		const next = [a.call(7), a.call(7)];
		a.memory.setU64(MACHINE.PRANDOM, state);
		expect([a.call(7), a.call(7)]).toEqual(next);
		const again = testRuntime({ seed: 1n });
		expect([again.call(7), again.call(7)]).toEqual(numbers);
		expect(testRuntime({ seed: 2n }).call(7)).not.toBe(numbers[0]);
		for (let i = 0; i < 64; i++) expect(a.call(7) >> 32n).toBe(0n);
	});

	test("prandom is the published xoroshiro64**", () => {
		// s0 = 1, s1 = 0: first output is rotl(0x9e3779bb, 5) * 5, as the definition gives it
		const rt = testRuntime();
		rt.memory.setU64(MACHINE.PRANDOM, 1n);
		const rotated = ((0x9e3779bbn << 5n) | (0x9e3779bbn >> 27n)) & 0xffffffffn;
		expect(rt.call(7)).toBe((rotated * 5n) & 0xffffffffn);
	});

	test("CPU and node", () => {
		const rt = testRuntime({ cpus: 8, cpu: 5 });
		expect([rt.call(8), rt.call(42)]).toEqual([5n, 0n]);
	});
});
