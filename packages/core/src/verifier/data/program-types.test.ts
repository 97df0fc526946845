import { describe, expect, test } from "vitest";
import { HOOKS } from "../../hooks/index.ts";
import { PROG_TYPE } from "../../isa/index.ts";
import { exitRange, mayBeSleepable, needsPerfmon, PROGRAM_TYPES } from "./program-types.ts";

describe("program types", () => {
	test("have the kernel's names", () => {
		for (const [type, { name }] of Object.entries(PROGRAM_TYPES))
			expect(PROG_TYPE[name.toUpperCase() as keyof typeof PROG_TYPE]).toBe(Number(type));
	});

	test("agree with the hooks on who may write packets", () => {
		for (const hook of HOOKS) {
			const rules = PROGRAM_TYPES[hook.programType];
			if (hook.name !== "socket_filter") expect(rules?.packet).toBe(hook.packetAccess ?? "rw");
			if (rules?.ldAbs) expect(hook.loadAbsolute).toBeDefined();
		}
	});

	test("return what their expected attach type takes", () => {
		const ranges = [0, 1].map((attachType) => exitRange(PROG_TYPE.CGROUP_SKB, attachType));
		expect(ranges).toMatchObject([
			{ min: 0, max: 1 },
			{ min: 0, max: 3 },
		]);
		expect(exitRange(PROG_TYPE.CGROUP_SOCK_ADDR, 19)).toMatchObject({ min: 1, max: 1 });
		expect(exitRange(PROG_TYPE.XDP, 0)).toBeUndefined();
	});

	test("sleep where they may", () => {
		expect([PROG_TYPE.XDP, PROG_TYPE.SYSCALL].map((type) => mayBeSleepable(type, 0))).toEqual([false, true]);
		expect([23, 28].map((attachType) => mayBeSleepable(PROG_TYPE.TRACING, attachType))).toEqual([
			false,
			true,
		]);
	});

	test("syscall programs cast sockets without CAP_PERFMON", () => {
		expect([PROG_TYPE.XDP, PROG_TYPE.SYSCALL].map((type) => needsPerfmon(137, type))).toEqual([true, false]);
	});
});
