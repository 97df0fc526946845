import { TailhopError } from "@tailhop/core";
import { openKernel } from "@tailhop/kernel";
import { expect, test } from "vitest";
import { compareSeed } from "./compare.ts";
import { Follower, registersOf } from "./programs.ts";

const kernel = await openKernel().catch((error: unknown) => {
	if (error instanceof TailhopError && error.code === "kernel/unavailable") return undefined;
	throw error;
});

test.skipIf(kernel === undefined)("every register that 6.18 prints of 200 programs is ours", () => {
	const follower = new Follower();
	for (let seed = 1; seed <= 200; seed++) compareSeed(kernel!, follower, seed);
	expect(follower.differences).toEqual([]);
	expect(follower.compared).toBeGreaterThan(20_000);
});

test("registers of a state in a log", () => {
	const line = "R0=1 R3=scalar(id=4,var_off=(0x0; 0xff)) R6_w=fp-8 R10=fp0";
	expect([...registersOf(line)]).toEqual([
		[0, "1"],
		[3, "scalar(id=4,var_off=(0x0; 0xff))"],
		[6, "fp-8"],
		[10, "fp0"],
	]);
});
