import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble } from "../asm/index.ts";
import { type Cfg, controlFlow } from "./cfg.ts";
import { type FlowNode, reducible } from "./reducible.ts";
import { structure } from "./structure.ts";

/** The structure as text: "B" block, "L" loop, "?" if, ":" else, ")" end, numbers are blocks. */
function sketch(cfg: Cfg): string {
	const out: string[] = [];
	const name = (node: FlowNode) =>
		node.kind === "block" ? String(node.block) : `${node.kind}${node.dispatch}`;
	structure(reducible(cfg), {
		block: () => out.push("(B"),
		loop: () => out.push("(L"),
		ifBranch: () => out.push("(?"),
		otherwise: () => out.push(":"),
		end: () => out.push(")"),
		body: (node) => out.push(name(node)),
		br: (depth) => out.push(`br${depth}`),
		brIf: (_node, depth, negated) => out.push(`${negated ? "unless" : "if"}${depth}`),
		brTable: (_node, depths) => out.push(`table${depths.join(",")}`),
		leave: () => out.push("exit"),
	});
	return out.join(" ");
}

const of = (text: string) => sketch(controlFlow(assemble(text).insns));

/** A graph from successor lists; block 0 is the entry, a block without successors exits. */
function graph(successors: readonly (readonly number[])[]): Cfg {
	const predecessors: number[][] = successors.map(() => []);
	successors.forEach((list, from) => {
		for (const to of new Set(list)) predecessors[to]!.push(from);
	});
	const blocks = successors.map((to, index) => ({
		index,
		start: index,
		end: index + 1,
		last: index,
		terminator:
			to.length === 0 ? ("exit" as const) : to.length === 1 ? ("jump" as const) : ("branch" as const),
		successors: to,
		predecessors: predecessors[index]!,
	}));
	return { start: 0, end: blocks.length, blocks, order: [], reachable: [], problems: [] };
}

describe("structure", () => {
	it("a straight line is a straight line", () => {
		expect(of("r0 = 0; exit")).toBe("0 exit");
	});
	it("a triangle is one block, left by br_if", () => {
		expect(of("r0 = 0\n if r1 == 0 goto l\n r0 = 1\nl: exit")).toBe("(B 0 if0 1 br0 ) 2 exit");
	});
	it("two ways out are an if", () => {
		expect(of("if r1 == 0 goto l\n r0 = 1\n exit\nl: r0 = 2\n exit")).toBe("0 (? 2 exit : 1 exit )");
	});
	it("a loop", () => {
		expect(of("r0 = 0\nl: r0 += 1\n if r0 < 5 goto l\n exit")).toBe("0 (L 1 if0 2 exit )");
	});
	it("a loop that is entered in two places goes through a dispatch", () => {
		const text = of("if r1 == 0 goto b\na: r0 += 1\nb: r0 += 2\n if r0 < 9 goto a\n exit");
		expect(text).toContain("switch0");
		expect(text.match(/\d+(?= )/g)).toBeTruthy();
	});
});

/** Runs the structured form over choices, and the graph over the same ones: the blocks visited must be equal. */
function walks(cfg: Cfg, choices: readonly number[]): [number[], number[]] {
	const limit = 60;
	const plain: number[] = [];
	let at = 0;
	for (let i = 0; i < limit; i++) {
		plain.push(at);
		const { successors } = cfg.blocks[at]!;
		if (successors.length === 0) break;
		at = successors[choices[i % choices.length]! % successors.length]!;
	}
	type Op =
		| { op: "block" | "loop" | "end" | "else" | "exit" }
		| { op: "then"; node: FlowNode }
		| { op: "body"; node: FlowNode }
		| { op: "br"; depth: number }
		| { op: "brIf"; depth: number; negated: boolean }
		| { op: "table"; node: FlowNode; depths: readonly number[] };
	const ops: Op[] = [];
	structure(reducible(cfg), {
		block: () => ops.push({ op: "block" }),
		loop: () => ops.push({ op: "loop" }),
		ifBranch: (node) => ops.push({ op: "then", node }),
		otherwise: () => ops.push({ op: "else" }),
		end: () => ops.push({ op: "end" }),
		body: (node) => ops.push({ op: "body", node }),
		br: (depth) => ops.push({ op: "br", depth }),
		brIf: (_node, depth, negated) => ops.push({ op: "brIf", depth, negated }),
		brTable: (node, depths) => ops.push({ op: "table", node, depths }),
		leave: () => ops.push({ op: "exit" }),
	});
	// the construct that each opener closes with, and the else of each if
	const ends = new Map<number, number>();
	const elses = new Map<number, number>();
	const open: number[] = [];
	ops.forEach((op, i) => {
		if (op.op === "block" || op.op === "loop" || op.op === "then") open.push(i);
		if (op.op === "else") elses.set(open[open.length - 1]!, i);
		if (op.op === "end") ends.set(open.pop()!, i);
	});
	const visited: number[] = [];
	const stack: number[] = [];
	const dispatch: number[] = [];
	let step = 0;
	let choice = 0;
	const br = (depth: number) => {
		const opener = stack[stack.length - 1 - depth]!;
		stack.length -= depth;
		if (ops[opener]!.op === "loop") return opener + 1;
		stack.pop();
		return ends.get(opener)! + 1;
	};
	for (let pc = 0, guard = 0; pc < ops.length && visited.length < limit + 1 && guard < 10_000; guard++) {
		const op = ops[pc]!;
		switch (op.op) {
			case "block":
			case "loop":
				stack.push(pc++);
				break;
			case "then":
				stack.push(pc);
				pc = choice % 2 === 1 ? pc + 1 : elses.get(pc)! + 1;
				break;
			case "else":
				pc = ends.get(stack[stack.length - 1]!)!;
				break;
			case "end":
				stack.pop();
				pc++;
				break;
			case "exit":
				pc = ops.length;
				break;
			case "br":
				pc = br(op.depth);
				break;
			case "brIf":
				pc = (choice % 2 === 1) !== op.negated ? br(op.depth) : pc + 1;
				break;
			case "table":
				pc = br(
					op.depths[op.node.kind === "switch" ? dispatch[op.node.dispatch]! : choice % op.depths.length]!,
				);
				break;
			case "body":
				if (op.node.kind === "block") {
					visited.push(op.node.block);
					choice = choices[step % choices.length]!;
					step++;
				} else if (op.node.kind === "set") dispatch[op.node.dispatch] = op.node.value;
				pc++;
				break;
		}
	}
	return [plain, visited.slice(0, plain.length)];
}

describe("any graph, reducible or not", () => {
	it("is walked as it is", () => {
		const graphs = fc
			.integer({ min: 1, max: 12 })
			.chain((n) => fc.array(fc.array(fc.nat(n - 1), { maxLength: 5 }), { minLength: n, maxLength: n }));
		fc.assert(
			fc.property(graphs, fc.array(fc.nat(59), { minLength: 1, maxLength: 17 }), (successors, choices) => {
				const [plain, structured] = walks(graph(successors), choices);
				expect(structured).toEqual(plain);
			}),
			{ numRuns: 2000 },
		);
	});
	it("nests ten thousand deep without recursion", () => {
		const count = 10_000;
		const successors = Array.from({ length: count }, (_, i) => (i === count - 1 ? [] : [i + 1, count - 1]));
		expect(sketch(graph(successors)).length).toBeGreaterThan(count);
	});
});
