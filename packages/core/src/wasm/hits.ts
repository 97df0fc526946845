import type { Cfg } from "../flow/index.ts";
import { opOf, slotsOf } from "../isa/index.ts";
import type { Unit } from "./context.ts";
import { TAIL_CALL_ID } from "./convention.ts";
import { type Node, nodesOf } from "./nodes.ts";

/** A program whose code may take the place of a tail call. */
export interface Target {
	readonly unit: Unit;
	/** Of its main function. */
	readonly cfg: Cfg;
}

/** Most instructions of a target, and of all targets in one function. */
const TARGET_INSNS = 256;
const TOTAL_INSNS = 1500;

/**
 * A tail call with a constant slot becomes the code of the program that the slot holds now, behind a test that it
 * still does and that the limit isn't reached; else the tail call itself follows (measured: a hop of 1.9 ns as a
 * jump between functions). The target takes over registers and stack, as it does by a jump: what the caller had in
 * them is lost to both. `addFrame` makes its frame over those of `frame` and says its index.
 */
export function inlineTargets(
	nodes: Node[],
	target: (unit: Unit, insn: number) => Target | undefined,
	addFrame: (frame: number, unit: Unit) => number,
): void {
	/** Programs that a frame has come through, against loops. */
	const chains = new Map<number, readonly Unit[]>();
	let total = 0;
	for (let index = 0; index < nodes.length; index++) {
		const node = nodes[index]!;
		const { insns } = node.unit.program;
		const chain = chains.get(node.frame) ?? [node.unit];
		for (let i = node.start + (node.missed ? 1 : 0); i < node.end; i += slotsOf(insns[i]!)) {
			if (opOf(insns[i]!) !== "call" || insns[i]!.imm !== TAIL_CALL_ID) continue;
			const found = target(node.unit, i);
			if (found === undefined || chain.includes(found.unit)) continue;
			const size = found.cfg.end - found.cfg.start;
			if (size > TARGET_INSNS || total + size > TOTAL_INSNS || found.cfg.problems.length > 0) continue;
			total += size;
			const frame = addFrame(node.frame, found.unit);
			chains.set(frame, [...chain, found.unit]);
			const blank = { arms: [], leave: undefined, enter: undefined, branch: -1 };
			const first = nodes.length;
			// the tail call itself and what follows it
			nodes.push({ ...node, start: i, arms: [], missed: true });
			nodes.push({
				...blank,
				unit: node.unit,
				frame: node.frame,
				start: i,
				end: i,
				enter: frame,
				terminator: "fall",
				successors: [first + 2],
			});
			nodes.push(...nodesOf(found.cfg, found.unit, frame, first + 2));
			node.end = i;
			node.enter = undefined;
			node.leave = undefined;
			node.terminator = "hit";
			node.branch = i;
			node.successors = [first, first + 1];
			break;
		}
	}
}
