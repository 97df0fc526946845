import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { count, ENGINES, outcomeOf } from "./outcome.ts";
import { runFolder, runSuite } from "./suite.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What becomes of a program that only the interpreter's checks stop. */
const FAULT = { interpreter: "fault", wasm: "mismatch" } as const;

describe.each(ENGINES)("our own cases, %s", (engine) => {
	test("are right", () => {
		const outcomes = runFolder(here("cases"), engine);
		expect(outcomes.size).toBe(6);
		for (const [name, outcome] of outcomes)
			expect([name, outcome]).toEqual([name, expect.objectContaining({ kind: "right" })]);
	});

	test("the bad ones are refused by whoever should", () => {
		const kinds = Object.fromEntries(
			[...runFolder(here("cases/negative"), engine)].map(([name, { kind }]) => [name, kind]),
		);
		expect(kinds).toEqual({
			// what no register holds is a fault of the checked interpreter; compiled code reads 0
			"fault.data": FAULT[engine],
			"mismatch.data": "mismatch",
			"nothing.data": "unreadable",
			"register.data": "unassembled",
			"reserved.data": "reserved",
		});
	});

	test("a mismatch says what r0 was, all 64 bits", () => {
		expect(outcomeOf("-- asm\nmov %r0, -1\nexit\n-- result\n0xffffffff\n", engine)).toEqual({
			kind: "mismatch",
			detail: "r0 = 0xffffffffffffffff",
		});
	});
});

/** A checkout of bpf_conformance, which is not ours to commit. */
const suite = [process.env.TAILHOP_CONFORMANCE, here("../../shared/bpf_conformance")].find(
	(dir) => dir !== undefined && existsSync(dir),
);

/** Tests right and not run, and what became of the negative files, on each engine. */
const COUNTS = {
	interpreter: { right: 313, unsupported: 0, fault: 1, mismatch: 1 },
	// callx, a call by register, is no instruction of 6.18; and a register that was never written reads as 0
	wasm: { right: 312, unsupported: 1, fault: 0, mismatch: 2 },
};

test.for(ENGINES)("bpf_conformance, whole, %s", (engine, { skip }) => {
	if (suite === undefined) skip("no checkout of bpf_conformance (373 files): TAILHOP_CONFORMANCE says where");
	const { tests, negative } = runSuite(suite as string, engine);
	const { right, unsupported, fault, mismatch } = COUNTS[engine];
	const wrong = [...tests].filter(([, { kind }]) => kind !== "right");
	expect(wrong.map(([name, { kind }]) => [name, kind])).toEqual(
		unsupported === 0 ? [] : [["callx.data", "unsupported"]],
	);
	expect(count(tests.values()).right).toBe(right);
	expect(count(negative.values())).toEqual({
		right: 0,
		reserved: 45,
		unassembled: 10,
		unreadable: 3,
		fault,
		mismatch,
		invalid: 0,
		unsupported: 0,
	});
	const bad = (name: string) => negative.get(`${name}.data`)?.kind;
	expect([bad("empty"), bad("empty_instructions"), bad("invalid_unknown_directive")]).toEqual(
		Array(3).fill("unreadable"),
	);
	expect([bad("error"), bad("incorrect_return_value_high_bits")]).toEqual([FAULT[engine], "mismatch"]);
});
