import { dominance } from "./reducible.ts";

/** A loop without another in it, and with one edge back. */
export interface InnerLoop {
	/** The node that it is entered by. */
	readonly header: number;
	/** Nodes of the loop, the header among them. */
	readonly body: ReadonlySet<number>;
}

/** Most nodes of a loop that is found: passes are for small ones, and a hostile graph has many large ones. */
const MOST_NODES = 64;

/** The innermost small loops of a graph that are entered in one place. Node 0 is the entry. */
export function innerLoops(
	nodes: readonly { readonly successors: readonly number[] }[],
): readonly InnerLoop[] {
	if (!hasCycle(nodes)) return [];
	const { blocks, order, dominators } = dominance({ blocks: nodes });
	const latches = new Map<number, number[]>();
	for (const latch of order) {
		for (const header of nodes[latch]!.successors) {
			if (!dominators.dominates(header, latch)) continue;
			const known = latches.get(header);
			if (known === undefined) latches.set(header, [latch]);
			else known.push(latch);
		}
	}
	const loops: InnerLoop[] = [];
	for (const [header, [latch, ...others]] of latches) {
		if (others.length > 0) continue;
		const body = new Set([header, latch!]);
		// all that comes to the latch without the header; a set's iteration sees what is added to it
		for (const node of body) {
			if (node === header) continue;
			if (latches.has(node) || body.size > MOST_NODES) break;
			for (const from of blocks[node]!.predecessors) body.add(from);
		}
		if (body.size <= MOST_NODES && [...body].every((node) => node === header || !latches.has(node)))
			loops.push({ header, body });
	}
	return loops;
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
