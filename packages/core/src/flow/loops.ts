import { dominators } from "./dominators.ts";
import { reducible } from "./reducible.ts";

/** A loop without another in it, and with one edge back. */
export interface InnerLoop {
	/** The node that it is entered by. */
	readonly header: number;
	/** Nodes of the loop, the header among them. */
	readonly body: ReadonlySet<number>;
}

/** The innermost loops of a graph; none where it has loops with several entries. Node 0 is the entry. */
export function innerLoops(
	nodes: readonly { readonly successors: readonly number[] }[],
): readonly InnerLoop[] {
	if (!hasCycle(nodes)) return [];
	const graph = reducible({ blocks: nodes });
	if (graph.dispatches > 0) return [];
	const { dominates } = dominators(graph);
	const reached = new Set(graph.order);
	const loops: { header: number; body: Set<number> }[] = [];
	for (const latch of graph.order) {
		for (const header of nodes[latch]!.successors) {
			if (!dominates(header, latch)) continue;
			const body = new Set([header, latch]);
			const work = [latch];
			while (work.length > 0) {
				const node = work.pop()!;
				if (node === header) continue;
				for (const from of graph.blocks[node]!.predecessors) {
					if (!reached.has(from) || body.has(from)) continue;
					body.add(from);
					work.push(from);
				}
			}
			loops.push({ header, body });
		}
	}
	return loops.filter(({ header, body }) =>
		loops.every((other) => (other.header === header ? other.body === body : !body.has(other.header))),
	);
}

/** Whether anything that node 0 reaches leads back: most programs have no loop, and need no dominators here. */
function hasCycle(nodes: readonly { readonly successors: readonly number[] }[]): boolean {
	/** 0 not seen, 1 on the path, 2 done. */
	const state = new Uint8Array(nodes.length);
	const path = [0];
	const next = [0];
	state[0] = 1;
	while (path.length > 0) {
		const top = path.length - 1;
		const { successors } = nodes[path[top]!]!;
		const to = successors[next[top]!];
		if (to === undefined) {
			state[path.pop()!] = 2;
			next.pop();
			continue;
		}
		next[top] = next[top]! + 1;
		if (state[to] === 1) return true;
		if (state[to] === 2) continue;
		state[to] = 1;
		path.push(to);
		next.push(0);
	}
	return false;
}
