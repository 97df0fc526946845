import { describe, expect, test } from "vitest";
import { DATA, testRuntime } from "./test-runtime.ts";

const [PID_TGID, UID_GID, COMM, CGROUP_ID, ANCESTOR] = [14, 15, 16, 80, 123];

describe("the current task", () => {
	const rt = testRuntime({
		task: { pid: 7, tgid: 6, uid: 1000, gid: 0xffff_ffff, comm: "a-name-of-17-char" },
	});

	test("ids in two halves", () => {
		expect(rt.call(PID_TGID)).toBe((6n << 32n) | 7n);
		expect(BigInt.asUintN(64, rt.call(UID_GID))).toBe((0xffff_ffffn << 32n) | 1000n);
	});

	test.each([
		[16, "a-name-of-17-ch\0"],
		[4, "a-n\0"],
		[1, "\0"],
		[20, "a-name-of-17-ch\0\0\0\0\0"],
	])("comm in %d bytes", (size, expected) => {
		rt.memory.u8.fill(0xff, DATA, DATA + 32);
		expect(rt.call(COMM, DATA, size)).toBe(0n);
		expect(new TextDecoder().decode(rt.memory.read(DATA, size))).toBe(expected);
		expect(rt.memory.u8[DATA + size]).toBe(0xff);
	});

	test("the root is the only cgroup", () => {
		expect([rt.call(CGROUP_ID), ...[0, 1, -1].map((level) => rt.call(ANCESTOR, level))]).toEqual([
			1n,
			1n,
			0n,
			0n,
		]);
	});
});
