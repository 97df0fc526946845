import type { Insn } from "../../isa/index.ts";
import type { InsnAux } from "./aux.ts";
import { type Subprogram, successors } from "./subprograms.ts";

/**
 * Numbers the loops: strongly connected components of more than one instruction, or of one that jumps to itself
 * (kernel: compute_scc; Tarjan's algorithm without recursion). Returns the highest number + 1.
 */
export function computeLoops(
	insns: readonly Insn[],
	subprograms: readonly Subprogram[],
	aux: InsnAux,
): number {
	const count = insns.length;
	const order = new Int32Array(count);
	const low = new Int32Array(count);
	const onStack = new Uint8Array(count);
	const stack: number[] = [];
	let next = 1;
	let sccs = 1;
	const roots = [...subprograms.map(({ start }) => start)];
	for (const root of roots) {
		if (order[root] !== 0) continue;
		const path: { at: number; edge: number; targets: readonly number[] }[] = [];
		const enter = (at: number) => {
			order[at] = low[at] = next++;
			onStack[at] = 1;
			stack.push(at);
			path.push({ at, edge: 0, targets: successors(insns, at) });
		};
		enter(root);
		while (path.length > 0) {
			const top = path.at(-1)!;
			if (top.edge < top.targets.length) {
				const to = top.targets[top.edge++]!;
				if (order[to] === 0) enter(to);
				else if (onStack[to]) low[top.at] = Math.min(low[top.at]!, order[to]!);
				continue;
			}
			path.pop();
			const parent = path.at(-1);
			if (parent !== undefined) low[parent.at] = Math.min(low[parent.at]!, low[top.at]!);
			if (low[top.at] !== order[top.at]) continue;
			const members: number[] = [];
			for (;;) {
				const member = stack.pop()!;
				onStack[member] = 0;
				members.push(member);
				if (member === top.at) break;
			}
			const loops = members.length > 1 || top.targets.includes(top.at);
			if (!loops) continue;
			for (const member of members) aux.scc[member] = sccs;
			sccs++;
		}
	}
	return sccs;
}
