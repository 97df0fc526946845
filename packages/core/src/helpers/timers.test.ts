import { describe, expect, it } from "vitest";
import { DATA, testRuntime } from "./test-runtime.ts";

const [INIT, SET_CALLBACK, START, CANCEL] = [169, 170, 171, 172];
const [EBUSY, EINVAL] = [-16n, -22n];

describe("timers keep what was done to them", () => {
	it("in the kernel's order", () => {
		const rt = testRuntime();
		const call = (id: number, ...rest: (number | bigint)[]) => rt.call(id, DATA, ...rest);
		expect(call(SET_CALLBACK, 0)).toBe(EINVAL);
		expect(call(START, 1, 0)).toBe(EINVAL);
		expect(call(CANCEL)).toBe(EINVAL);
		expect([2, 16, 1n << 32n].map((flags) => call(INIT, 0, flags))).toEqual([EINVAL, EINVAL, EINVAL]);
		expect(call(INIT, 0, 1)).toBe(0n);
		expect(call(INIT, 0, 1)).toBe(EBUSY);
		expect(call(START, 1, 0)).toBe(EINVAL);
		expect(call(SET_CALLBACK, 0)).toBe(0n);
		expect(call(START, 1, 4)).toBe(EINVAL);
		expect(call(CANCEL)).toBe(0n);
		expect(call(START, 1, 0)).toBe(EINVAL);
		expect(call(SET_CALLBACK, 0)).toBe(0n);
		expect(call(START, 1, 3)).toBe(0n);
		expect(call(CANCEL)).toBe(1n);
	});
});
