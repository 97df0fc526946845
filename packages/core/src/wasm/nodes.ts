import type { Cfg, InnerLoop, Terminator } from "../flow/index.ts";
import { type Insn, opOf, type Row, slotsOf, TABLE } from "../isa/index.ts";
import type { Unit } from "./context.ts";
import type { Dispatch } from "./dispatch.ts";
import type { SumLoop } from "./sums.ts";

/** A stretch of code to emit: a block of the function, or a copy of one. The passes below rewrite the graph of them. */
export interface Node {
	/** Whose instructions these are: another program's where a tail call was turned into its code. */
	readonly unit: Unit;
	/** Instructions [start, end); a branch that ends them is `branch`, at or behind `end`. */
	readonly start: number;
	end: number;
	/** Whose registers and stack these instructions mean: an index of the translator's frames, 0 = the function's own. */
	readonly frame: number;
	/** Behind the code a call of an inlined function begins in this frame (arguments are copied), … */
	enter: number | undefined;
	/** … or one ends, and its r0 goes to this frame. */
	leave: number | undefined;
	/**
	 * What tail calls became (hits.ts): "hit" is taken if the slot still holds the program whose code stands there;
	 * "site" goes to a "switch" if there is a program to go on with, that to an "expected" for each program, which is
	 * taken if the slot still holds it; "elsewhere" leaves for any other.
	 */
	terminator: Terminator | "hit" | "site" | "switch" | "expected" | "elsewhere";
	/** The conditional jump, may_goto or tail call, -1 without. */
	branch: number;
	successors: number[];
	/**
	 * Arms that were turned into selects, in order: the branch whose condition skips the arm, then the arm's code.
	 * They stand behind [start, end).
	 */
	readonly arms: Arm[];
	/** What stands in front of a loop that sums: many of its rounds at once. */
	readonly sum?: SumLoop;
	/** Begins with a tail call whose target's code stands elsewhere: the slot has another, or the limit is reached. */
	readonly missed?: boolean;
	/** Of a "site", "switch", "expected" or "elsewhere", and of no other. */
	dispatch?: Dispatch | undefined;
	/** Index of the program that an "expected" asks for, and that an "elsewhere" leaves for; absent: any. */
	readonly expected?: number;
	/** Enters a target whose call has been counted already. */
	readonly counted?: boolean;
}

export interface Arm {
	readonly branch: number;
	readonly start: number;
	readonly end: number;
	/** What stands between this arm and the next. */
	readonly behind: { readonly start: number; readonly end: number };
}

/** The blocks of a function as nodes. */
export function nodesOf(cfg: Cfg, unit: Unit, frame = 0, base = 0): Node[] {
	const { dead } = unit.facts;
	return cfg.blocks.map((block) => {
		const ends = block.terminator !== "fall" && block.terminator !== "escape";
		// a branch that always goes one way is none (kernel: opt_hard_wire_dead_code_branches)
		const living = block.successors.filter((to) => dead?.has(cfg.blocks[to]!.start) !== true);
		const decided = block.terminator === "branch" && living.length === 1;
		const branches = !decided && (block.terminator === "branch" || block.terminator === "may_goto");
		return {
			unit,
			start: block.start,
			end: ends ? block.last : block.end,
			frame,
			enter: undefined,
			leave: undefined,
			terminator: decided ? "fall" : block.terminator,
			branch: branches ? block.last : -1,
			successors: (decided ? living : block.successors).map((to) => base + to),
			arms: [],
		};
	});
}

/** A function as inlining sees it. */
export interface Callee {
	readonly start: number;
	readonly cfg: Cfg;
	/** Bytes of its stack. */
	readonly depth: number;
}

/** Most instructions of a function that is inlined, and what a whole function may grow to. */
const INLINE_INSNS = 48;
const INLINE_TOTAL = 1500;
export const INLINE_LEVELS = 4;

/**
 * Calls of small functions become their code, with registers of its own (measured: b2b 0.41 of the kernel's time
 * with calls, 2.7 of native code's; a call costs V8 about 2.6 ns). A function that tail calls stays one: its jump
 * must return to its caller. `addFrame` makes registers for a callee of `parent`'s and says their index.
 */
export function inlineCalls(
	nodes: Node[],
	callee: (unit: Unit, start: number) => Callee | undefined,
	addFrame: (parent: number, callee: Callee) => number | undefined,
): void {
	const levels = new Map<number, number>();
	/** Functions that a frame is inside of, against recursion. */
	const chains = new Map<number, readonly number[]>();
	let total = 0;
	for (let index = 0; index < nodes.length; index++) {
		const node = nodes[index]!;
		const { insns } = node.unit.program;
		const level = levels.get(node.frame) ?? 0;
		if (level >= INLINE_LEVELS) continue;
		for (let i = node.start; i < node.end; i += slotsOf(insns[i]!)) {
			if (opOf(insns[i]!) !== "call_local") continue;
			const target = callee(node.unit, i + 1 + insns[i]!.imm);
			const chain = chains.get(node.frame) ?? [];
			if (target === undefined || chain.includes(target.start)) continue;
			const size = target.cfg.end - target.cfg.start;
			if (size > INLINE_INSNS || total + size > INLINE_TOTAL || target.cfg.problems.length > 0) continue;
			const frame = addFrame(node.frame, target);
			if (frame === undefined) continue;
			total += size;
			levels.set(frame, level + 1);
			chains.set(frame, [...chain, target.start]);
			// what follows the call is a node of its own, to which the callee's exits lead
			const rest: Node = { ...node, start: i + 1, arms: [], missed: false };
			const restAt = nodes.length;
			nodes.push(rest);
			const body = nodesOf(target.cfg, node.unit, frame, nodes.length);
			for (const inner of body) {
				if (inner.terminator !== "exit") continue;
				inner.terminator = "fall";
				inner.leave = node.frame;
				inner.successors = [restAt];
			}
			node.end = i;
			node.enter = frame;
			node.leave = undefined;
			node.terminator = "fall";
			node.dispatch = undefined;
			node.branch = -1;
			node.successors = [nodes.length];
			nodes.push(...body);
			break;
		}
	}
}

/**
 * Most instructions of an arm that both sides of a branch execute (measured: collatz, whose arm has three with a
 * multiplication, 0.76 of the kernel's time as a branch and 1.13 as a select).
 */
const ARM_LIMIT = 2;

/**
 * `if (c) goto T; arm; T:` with a short arm of plain arithmetic becomes arm and select: no branch to mispredict.
 * Measured on log2 (eight such triangles a round): 1.20 of the kernel's time before, see bench/README.md for now.
 */
export function selectTriangles(nodes: Node[]): void {
	const predecessors = countPredecessors(nodes);
	for (let changed = true; changed; ) {
		changed = false;
		for (const node of nodes) {
			if (node.terminator !== "branch" || node.successors.length !== 2) continue;
			const [next, target] = node.successors as [number, number];
			const arm = nodes[next]!;
			if (next === target || arm === node || arm.successors.length !== 1 || arm.successors[0] !== target)
				continue;
			if (predecessors[next] !== 1 || arm.arms.length > 0 || arm.frame !== node.frame) continue;
			if (arm.enter !== undefined || arm.leave !== undefined || node.enter !== undefined) continue;
			if (!isPlain(arm.unit.program.insns, arm.start, arm.end)) continue;
			node.arms.push({ branch: node.branch, start: arm.start, end: arm.end, behind: { start: 0, end: 0 } });
			node.terminator = "fall";
			node.branch = -1;
			node.successors = [target];
			// the arm's edge is gone with the arm
			arm.successors = [];
			predecessors[next] = 0;
			predecessors[target] = predecessors[target]! - 1;
			changed = true;
		}
		// a target that only this node reaches now goes on in it, so that a row of triangles is one node
		for (const [index, node] of nodes.entries()) {
			if (node.terminator !== "fall" || node.arms.length === 0 || node.successors.length !== 1) continue;
			const to = node.successors[0]!;
			const target = nodes[to]!;
			if (to === 0 || to === index || predecessors[to] !== 1 || target.arms.length > 0) continue;
			if (node.enter !== undefined || node.leave !== undefined || target.frame !== node.frame) continue;
			if (target.dispatch !== undefined) continue;
			const last = node.arms.length - 1;
			if (node.arms[last]!.behind.end > node.arms[last]!.behind.start) continue;
			node.arms[last] = { ...node.arms[last]!, behind: { start: target.start, end: target.end } };
			node.terminator = target.terminator;
			node.branch = target.branch;
			node.successors = target.successors;
			node.enter = target.enter;
			node.leave = target.leave;
			target.successors = [];
			predecessors[to] = 0;
			changed = true;
		}
	}
}

function countPredecessors(nodes: readonly Node[]): number[] {
	const count = new Array<number>(nodes.length).fill(0);
	for (const { successors } of nodes) for (const to of successors) count[to] = count[to]! + 1;
	return count;
}

/** Arithmetic that cannot trap, fault or be seen: what may run though its result is thrown away. */
function isPlain(insns: readonly Insn[], start: number, end: number): boolean {
	let count = 0;
	for (let i = start; i < end; i += slotsOf(insns[i]!)) {
		const op = opOf(insns[i]!);
		const row: Row | undefined = op === undefined ? undefined : TABLE[op];
		if (row === undefined || ++count > ARM_LIMIT) return false;
		const plain =
			row.family === "alu" || row.family === "neg" || row.family === "movsx" || row.family === "endian";
		if (!plain || (row.family === "alu" && /div|mod/.test(row.alu))) return false;
	}
	return count > 0;
}

/** Registers that instructions [start, end) write; plain arithmetic only. */
export function written(insns: readonly Insn[], start: number, end: number): readonly number[] {
	const registers = new Set<number>();
	for (let i = start; i < end; i += slotsOf(insns[i]!)) registers.add(insns[i]!.dst);
	return [...registers];
}

/** Copies of an unrolled loop, and the most instructions that it may have. */
const UNROLL = 4;
const UNROLL_INSNS = 32;
const UNROLL_NODES = 10;

/**
 * Innermost small loops, four rounds a turn: V8 checks for interrupts at each loop's head (measured in csum: a
 * third of the time). Every copy keeps its own exits, so any number of rounds is right.
 */
export function unrollLoops(nodes: Node[], loops: readonly InnerLoop[]): void {
	for (const { header, body } of loops) {
		if (body.size > UNROLL_NODES) continue;
		if ([...body].some((node) => nodes[node]!.dispatch !== undefined)) continue;
		if (sizeOf(nodes, body) > UNROLL_INSNS || callsSomething(nodes, body)) continue;
		copyLoop(nodes, header, [...body]);
	}
}

function sizeOf(nodes: readonly Node[], body: ReadonlySet<number>): number {
	let size = 0;
	for (const index of body) {
		const node = nodes[index]!;
		size += node.end - node.start + 1;
		for (const arm of node.arms) size += arm.end - arm.start + arm.behind.end - arm.behind.start + 1;
	}
	return size;
}

/** A call costs more than a loop's head. */
function callsSomething(nodes: readonly Node[], body: ReadonlySet<number>): boolean {
	for (const index of body) {
		const { start, end, unit } = nodes[index]!;
		const { insns } = unit.program;
		for (let i = start; i < end; i += slotsOf(insns[i]!))
			if (insns[i]!.opcode === TABLE.call.opcode) return true;
	}
	return false;
}

function copyLoop(nodes: Node[], header: number, body: readonly number[]): void {
	const first = nodes.length;
	/** Index of a body node in a copy; copy 0 is the loop itself. */
	const inCopy = (copy: number, node: number) =>
		copy === 0 ? node : first + (copy - 1) * body.length + body.indexOf(node);
	const edges = body.map((node) => [...nodes[node]!.successors]);
	for (let copy = 0; copy < UNROLL; copy++) {
		const next = (copy + 1) % UNROLL;
		body.forEach((node, i) => {
			const successors = edges[i]!.map((to) =>
				to === header ? inCopy(next, header) : body.includes(to) ? inCopy(copy, to) : to,
			);
			if (copy === 0) nodes[node]!.successors = successors;
			else nodes.push({ ...nodes[node]!, arms: [...nodes[node]!.arms], successors });
		});
	}
}

/** Bytes of stack that a function of a program uses: its frame. */
export function depthOf({ facts }: Pick<Unit, "facts">, start: number): number {
	return Math.max(8, facts.functions.find((each) => each.start === start)?.stackDepth ?? 512);
}
