import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Insn, make } from "../isa/index.ts";
import { blockOf, controlFlow } from "./cfg.ts";
import { dominators } from "./dominators.ts";

const goto = (off: number) => make("ja", { off });
const when = (off: number) => make("jeq64", { dst: 1, imm: 0, off });
const exit = make("exit");
const mov = make("mov64", { dst: 0, imm: 1 });
const wide = [make("lddw", { dst: 1, imm: 5 }), { opcode: 0, dst: 0, src: 0, off: 0, imm: 0 }];

/** "0 [0,2) branch → 1 2" a block. */
const text = (insns: readonly Insn[], start?: number, end?: number) =>
	controlFlow(insns, start, end).blocks.map((b) =>
		`${b.index} [${b.start},${b.end}) ${b.terminator} → ${b.successors.join(" ")}`.trimEnd(),
	);

describe("controlFlow", () => {
	test("a diamond", () => {
		expect(text([mov, when(2), mov, goto(1), mov, exit])).toEqual([
			"0 [0,2) branch → 1 2",
			"1 [2,4) jump → 3",
			"2 [4,5) fall → 3",
			"3 [5,6) exit →",
		]);
	});

	test("a loop over a lddw, whose second slot is no instruction", () => {
		expect(text([...wide, mov, when(-4), exit])).toEqual(["0 [0,4) branch → 1 0", "1 [4,5) exit →"]);
		expect(controlFlow([...wide, mov, when(-3), exit]).problems).toEqual([
			{ insn: 3, kind: "jump-into-lddw" },
		]);
	});

	test("a function in the middle of a program keeps the program's numbers", () => {
		expect(text([exit, when(1), mov, exit], 1, 4)).toEqual([
			"0 [1,2) branch → 1 2",
			"1 [2,3) fall → 2",
			"2 [3,4) exit →",
		]);
		expect(controlFlow([exit, goto(-2), exit], 1, 3).problems).toEqual([{ insn: 1, kind: "jump-out" }]);
	});

	test.each<[string, Insn[], number, string]>([
		["an end without exit", [mov, mov], 1, "falls-off"],
		["a branch as the last instruction", [mov, when(-2)], 1, "falls-off"],
		["a jump past the end", [goto(5), exit], 0, "jump-out"],
		["a lddw cut in half", [mov, wide[0]!], 1, "half-lddw"],
		["an opcode that nothing has", [{ ...mov, opcode: 0xff }, exit], 0, "unknown-opcode"],
	])("%s is a problem and escapes", (_, insns, insn, kind) => {
		const cfg = controlFlow(insns);
		expect(cfg.problems).toEqual([{ insn, kind }]);
		expect(blockOf(cfg, insn).terminator).toBe("escape");
	});

	test("unreachable blocks are there, and are said to be unreachable", () => {
		const cfg = controlFlow([goto(2), mov, exit, exit]);
		expect(cfg.reachable).toEqual([true, false, true]);
		expect(cfg.order).toEqual([0, 2]);
	});

	test("nothing at all", () => {
		expect(controlFlow([])).toMatchObject({ blocks: [], order: [], problems: [] });
	});
});

const program = fc.array(
	fc.oneof(
		{ weight: 3, arbitrary: fc.constant(mov) },
		{ weight: 3, arbitrary: fc.integer({ min: -8, max: 8 }).map(when) },
		fc.integer({ min: -8, max: 8 }).map(goto),
		fc.constant(exit),
		fc.constant(wide[0]!),
	),
	{ minLength: 1, maxLength: 40 },
);

test("blocks cover the function without overlap, and edges agree in both directions", () => {
	fc.assert(
		fc.property(program, (insns) => {
			const { blocks } = controlFlow(insns);
			expect(blocks.map((b) => b.start)).toEqual([0, ...blocks.map((b) => b.end).slice(0, -1)]);
			expect(blocks.at(-1)!.end).toBe(insns.length);
			for (const b of blocks) {
				for (const to of b.successors) expect(blocks[to]!.predecessors).toContain(b.index);
				for (const from of b.predecessors) expect(blocks[from]!.successors).toContain(b.index);
			}
		}),
	);
});

test("a dominates b exactly if b cannot be reached without a", () => {
	fc.assert(
		fc.property(program, (insns) => {
			const cfg = controlFlow(insns);
			const { dominates, parent } = dominators(cfg);
			const without = (cut: number) => {
				const seen = new Set<number>();
				const work = cut === 0 ? [] : [0];
				for (let b = work.pop(); b !== undefined; b = work.pop()) {
					if (seen.has(b) || b === cut) continue;
					seen.add(b);
					work.push(...cfg.blocks[b]!.successors);
				}
				return seen;
			};
			for (const a of cfg.order) {
				const seen = without(a);
				for (const b of cfg.order) expect(dominates(a, b)).toBe(!seen.has(b));
			}
			for (const b of cfg.order) if (b !== 0) expect(dominates(parent[b]!, b)).toBe(true);
			for (const b of cfg.blocks) if (!cfg.reachable[b.index]) expect(dominates(0, b.index)).toBe(false);
		}),
	);
});

test("a hostile ladder of 100,000 blocks takes no quadratic time", () => {
	const count = 30_000; // a jump reaches 32,767 slots
	const insns = [...Array.from({ length: count }, (_, i) => when(count - i - 1)), mov, exit];
	const cfg = controlFlow(insns);
	expect(dominators(cfg).parent[cfg.blocks.length - 1]).toBe(0);
	expect(cfg.blocks.length).toBe(count + 1);
});
