import type { Insn } from "../isa/index.ts";
import { opOf, type Row, slotsOf, TABLE, targetOf } from "../isa/index.ts";
import type { LinkedProgram } from "../spec/index.ts";

/** How control leaves a block. */
export type Terminator =
	/** The next block starts here because something jumps to it; one successor. */
	| "fall"
	/** ja, gotol: one successor. */
	| "jump"
	/** A conditional jump: successors are [the next instruction, the target]. */
	| "branch"
	/** may_goto: like a branch whose condition is the loop budget. */
	| "may_goto"
	/** exit: none. */
	| "exit"
	/** Control would leave the function, or reach something that is no instruction; see `Cfg.problems`. */
	| "escape";

/** Instructions [start, end) that run one after the other; indexes count slots, as the kernel does. */
export interface Block {
	readonly index: number;
	readonly start: number;
	readonly end: number;
	/** The last instruction; `end - 1`, or `end - 2` where that is a lddw. */
	readonly last: number;
	readonly terminator: Terminator;
	/** Indexes of blocks, in the order that `terminator` says; an edge that escapes is left out. */
	readonly successors: readonly number[];
	/** Sorted. Edges from unreachable blocks included. */
	readonly predecessors: readonly number[];
}

/** Why a function has no sound control flow; the kernel's verifier refuses each of these. */
export interface FlowProblem {
	readonly insn: number;
	readonly kind: "jump-out" | "jump-into-lddw" | "falls-off" | "unknown-opcode" | "half-lddw";
}

/** The control-flow graph of one function. Calls and tail calls end no block: they come back, or leave for good. */
export interface Cfg {
	readonly start: number;
	readonly end: number;
	/** Sorted by start; `blocks[0]` is the entry. Unreachable blocks are here too. */
	readonly blocks: readonly Block[];
	/** Reachable blocks in reverse postorder; an index of `blocks` each. */
	readonly order: readonly number[];
	/** By block: whether it can be reached from the entry. */
	readonly reachable: readonly boolean[];
	readonly problems: readonly FlowProblem[];
}

const END_KIND: Readonly<Partial<Record<Row["family"], Terminator>>> = {
	ja: "jump",
	ja32: "jump",
	jcond: "branch",
	may_goto: "may_goto",
	exit: "exit",
};

/**
 * The graph of the function [start, end) of a program. Any bytes give a graph: what is wrong with them is in
 * `problems`. Time and memory are linear in the number of instructions.
 */
export function controlFlow(insns: readonly Insn[], start = 0, end = insns.length): Cfg {
	const problems: FlowProblem[] = [];
	const length = end - start;
	// 1 = an instruction starts here, 2 = a block starts here; a lddw's second slot stays 0
	const marks = new Uint8Array(length);
	const escapes = new Set<number>();
	const problem = (insn: number, kind: FlowProblem["kind"]) => {
		problems.push({ insn, kind });
		escapes.add(insn);
	};
	for (let at = start; at < end; ) {
		marks[at - start] = marks[at - start]! | 1;
		const insn = insns[at]!;
		const slots = slotsOf(insn);
		if (at + slots > end) problem(at, "half-lddw");
		else if (opOf(insn) === undefined) problem(at, "unknown-opcode");
		at += slots;
	}
	if (length > 0) marks[0] = marks[0]! | 2;
	for (let at = start; at < end; at++) {
		if (!(marks[at - start]! & 1)) continue;
		const insn = insns[at]!;
		const op = opOf(insn);
		const row: Row | undefined = op === undefined ? undefined : TABLE[op];
		const kind = row === undefined ? undefined : END_KIND[row.family];
		const next = at + slotsOf(insn);
		if ((kind !== undefined || escapes.has(at)) && next < end) marks[next - start] = marks[next - start]! | 2;
		if (row === undefined || kind === undefined || kind === "exit") continue;
		const to = targetOf(insn, at)!;
		if (to < start || to >= end) problem(at, "jump-out");
		else if (!(marks[to - start]! & 1)) problem(at, "jump-into-lddw");
		else marks[to - start] = marks[to - start]! | 2;
	}

	const starts: number[] = [];
	for (let i = 0; i < length; i++) if (marks[i]! & 2) starts.push(start + i);
	const blockAt = new Int32Array(length).fill(-1);
	for (const [index, at] of starts.entries()) blockAt[at - start] = index;
	const predecessors: number[][] = starts.map(() => []);
	const blocks: Block[] = starts.map((from, index) => {
		const to = starts[index + 1] ?? end;
		let last = to - 1;
		while (!(marks[last - start]! & 1)) last--;
		const insn = insns[last]!;
		const op = opOf(insn);
		const row: Row | undefined = op === undefined ? undefined : TABLE[op];
		const kind = row === undefined ? undefined : END_KIND[row.family];
		const successors: number[] = [];
		let terminator: Terminator = kind ?? "fall";
		const broken = escapes.has(last) && (kind === undefined || kind === "exit");
		if (!broken && (kind === undefined || kind === "branch" || kind === "may_goto")) {
			if (to < end) successors.push(index + 1);
			else {
				problems.push({ insn: last, kind: "falls-off" });
				terminator = "escape";
			}
		}
		if (row !== undefined && kind !== undefined && kind !== "exit") {
			if (escapes.has(last)) terminator = "escape";
			else successors.push(blockAt[targetOf(insn, last)! - start]!);
		}
		if (broken) terminator = "escape";
		for (const successor of successors) {
			const list = predecessors[successor]!;
			if (list[list.length - 1] !== index) list.push(index);
		}
		return { index, start: from, end: to, last, terminator, successors, predecessors: predecessors[index]! };
	});
	const order = reversePostorder(blocks);
	const reachable = new Array<boolean>(blocks.length).fill(false);
	for (const index of order) reachable[index] = true;
	return { start, end, blocks, order, reachable, problems };
}

const graphs = new WeakMap<LinkedProgram, Map<number, Cfg>>();

/** `controlFlow` of a program's function, found once. */
export function cfgOf(
	program: LinkedProgram,
	{ start, end }: { readonly start: number; readonly end: number },
): Cfg {
	let known = graphs.get(program);
	if (known === undefined) {
		known = new Map();
		graphs.set(program, known);
	}
	let cfg = known.get(start);
	if (cfg?.end !== end) {
		cfg = controlFlow(program.insns, start, end);
		known.set(start, cfg);
	}
	return cfg;
}

/** The block that holds an instruction of the function. */
export function blockOf(cfg: Cfg, insn: number): Block {
	let low = 0;
	let high = cfg.blocks.length - 1;
	while (low < high) {
		const middle = (low + high + 1) >> 1;
		if (cfg.blocks[middle]!.start <= insn) low = middle;
		else high = middle - 1;
	}
	return cfg.blocks[low]!;
}

/** Nodes that 0 reaches, in reverse postorder. */
export function reversePostorder(blocks: readonly { readonly successors: readonly number[] }[]): number[] {
	if (blocks.length === 0) return [];
	const seen = new Uint8Array(blocks.length);
	const next = new Int32Array(blocks.length);
	const stack = [0];
	const order: number[] = [];
	seen[0] = 1;
	while (stack.length > 0) {
		const top = stack[stack.length - 1]!;
		const successors = blocks[top]!.successors;
		const i = next[top]!;
		if (i < successors.length) {
			next[top] = i + 1;
			const to = successors[i]!;
			if (!seen[to]) {
				seen[to] = 1;
				stack.push(to);
			}
		} else {
			order.push(top);
			stack.pop();
		}
	}
	return order.reverse();
}
