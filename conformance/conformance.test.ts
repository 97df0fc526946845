import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { count, outcomeOf } from "./outcome.ts";
import { runFolder, runSuite } from "./suite.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe("our own cases", () => {
	test("are right", () => {
		const outcomes = runFolder(here("cases"));
		expect(outcomes.size).toBe(6);
		for (const [name, outcome] of outcomes)
			expect([name, outcome]).toEqual([name, expect.objectContaining({ kind: "right" })]);
	});

	test("the bad ones are refused by whoever should", () => {
		const kinds = Object.fromEntries(
			[...runFolder(here("cases/negative"))].map(([name, { kind }]) => [name, kind]),
		);
		expect(kinds).toEqual({
			"fault.data": "fault",
			"mismatch.data": "mismatch",
			"nothing.data": "unreadable",
			"register.data": "unassembled",
			"reserved.data": "reserved",
		});
	});

	test("a mismatch says what r0 was, all 64 bits", () => {
		expect(outcomeOf("-- asm\nmov %r0, -1\nexit\n-- result\n0xffffffff\n")).toEqual({
			kind: "mismatch",
			detail: "r0 = 0xffffffffffffffff",
		});
	});
});

/** A checkout of bpf_conformance, which is not ours to commit. */
const suite = [process.env.TAILHOP_CONFORMANCE, here("../../shared/bpf_conformance")].find(
	(dir) => dir !== undefined && existsSync(dir),
);

test("bpf_conformance, whole", ({ skip }) => {
	if (suite === undefined) skip("no checkout of bpf_conformance (373 files): TAILHOP_CONFORMANCE says where");
	const { tests, negative } = runSuite(suite as string);
	const wrong = [...tests].filter(([, { kind }]) => kind !== "right");
	expect(wrong).toEqual([]);
	expect(count(tests.values()).right).toBe(313);
	expect(count(negative.values())).toEqual({
		right: 0,
		reserved: 45,
		unassembled: 10,
		unreadable: 3,
		fault: 1,
		mismatch: 1,
		invalid: 0,
	});
	const bad = (name: string) => negative.get(`${name}.data`)?.kind;
	expect([bad("empty"), bad("empty_instructions"), bad("invalid_unknown_directive")]).toEqual(
		Array(3).fill("unreadable"),
	);
	expect([bad("error"), bad("incorrect_return_value_high_bits")]).toEqual(["fault", "mismatch"]);
});
