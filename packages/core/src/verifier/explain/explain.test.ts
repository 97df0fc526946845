import { buildObject } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { explain } from "./explain.ts";
import { conditionOf } from "./path.ts";
import { rangeWords } from "./words.ts";

const explained = (code: string, lines = true) => {
	const object = buildObject({ programs: { main: code } });
	const program = object.programs[0]!;
	return explain(object, lines ? program : { ...program, lines: [] });
};

describe("explain", () => {
	it("counts each instruction that the verifier walks", () => {
		const { verdict, heat, explanation } = explained("r6 = 0; l: r6 += 1; if r6 < 5 goto l; r0 = 2; exit");
		expect(verdict.accepted).toBe(true);
		expect(explanation).toBeUndefined();
		expect([...heat.visits]).toEqual([1, 5, 5, 1, 1]);
		expect(heat).toMatchObject({ total: verdict.stats.insnsProcessed, unknown: 0 });
	});

	it("knows the path that it was on, not those that were found safe before", () => {
		const { explanation } = explained(
			"r6 = *(u32 *)(r1 + 16); if r6 == 1 goto bad; r0 = 2; exit; bad: r0 = r7; exit",
		);
		expect(explanation).toMatchObject({ rule: "unreadable-register", at: { insn: 4 } });
		expect(explanation?.path.map(({ insn, to }) => [insn, to.insn])).toEqual([[1, 4]]);
	});

	it("explains a program without line info by its instructions", () => {
		const { explanation } = explained("r0 = 1; r0 /= 0; exit", false);
		expect(explanation).toMatchObject({ rule: "division", message: "div by zero", at: { insn: 1 } });
		expect(explanation?.at?.source).toBeUndefined();
	});
});

describe("words", () => {
	it.each([
		["if (a > b)", "a > b"],
		["} else if (f(a, b) && (c)) {", "f(a, b) && (c)"],
		["for (i = 0; i < 5; i++)", "i < 5"],
		["while (x", "x"],
		["return a ? b : c;", "return a ? b : c;"],
	])("the condition of %s", (text, condition) => expect(conditionOf(text)).toBe(condition));

	const S64 = 1n << 63n;
	const U64 = (1n << 64n) - 1n;
	it.each([
		[[7n, 7n, 7n, 7n], "7"],
		[[-1n, -1n, U64, U64], "-1"],
		[[0n, 255n, 0n, 255n], "0 to 255"],
		[[0n, 0xffff_ffffn, 0n, 0xffff_ffffn], "any 32-bit number"],
		[[-S64, S64 - 1n, 0n, U64], "any number"],
		[[-8n, 15n, 0n, U64], "-8 to 15"],
		[[-S64, 15n, 0n, U64], "at most 15, perhaps negative"],
		[[4n, S64 - 1n, 4n, S64 - 1n], "4 or more"],
	] as const)("bounds %s", ([smin, smax, umin, umax], words) => {
		const view = { text: "", kind: "scalar", off: 0, id: 0, range: 0, frame: 0, low: "" };
		expect(rangeWords({ ...view, smin, smax, umin, umax })).toBe(words);
	});
});
