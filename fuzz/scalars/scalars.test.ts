import { TailhopError } from "@tailhop/core";
import { openKernel } from "@tailhop/kernel";
import { describe, expect, test } from "vitest";
import { compareSeed } from "./compare.ts";
import { compareDiamond } from "./diamonds.ts";
import { Follower, registersOf } from "./programs.ts";

const kernel = await openKernel().catch((error: unknown) => {
	if (error instanceof TailhopError && error.code === "kernel/unavailable") return undefined;
	throw error;
});

describe.skipIf(kernel === undefined)("6.18 says the same", () => {
	test("of every register that it prints in 200 programs", () => {
		const follower = new Follower();
		for (let seed = 1; seed <= 200; seed++) compareSeed(kernel!, follower, seed);
		expect(follower.differences).toEqual([]);
		expect(follower.compared).toBeGreaterThan(20_000);
	});

	test("of every arrival where arms meet in 200 programs", () => {
		const follower = new Follower();
		const arrivals = { pruned: 0, walked: 0, differ: [] };
		for (let seed = 1; seed <= 200; seed++) compareDiamond(kernel!, follower, seed, arrivals);
		expect(arrivals.differ).toEqual([]);
		expect(arrivals.pruned).toBeGreaterThan(100);
		expect(arrivals.walked).toBeGreaterThan(100);
	});
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
