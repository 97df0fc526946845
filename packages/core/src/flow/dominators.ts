/** What dominance needs of a graph: node 0 is the entry. A Cfg is one. */
export interface FlowGraph {
	readonly blocks: readonly {
		readonly successors: readonly number[];
		readonly predecessors: readonly number[];
	}[];
	/** Reachable nodes in reverse postorder. */
	readonly order: readonly number[];
}

/** The dominator tree of a function's reachable blocks. */
export interface Dominators {
	/** By block: the immediate dominator's index; -1 for the entry and for unreachable blocks. */
	readonly parent: Int32Array;
	/** By block: its children in the tree, in the order of `Cfg.order`. */
	readonly children: readonly (readonly number[])[];
	/** Whether every path from the entry to block `b` passes block `a`; false for unreachable blocks. */
	dominates(a: number, b: number): boolean;
}

/**
 * Lengauer and Tarjan's algorithm with path compression (1979), O(m log n). The simpler iterative one takes
 * quadratic time on graphs that a hostile program may have.
 */
export function dominators(cfg: FlowGraph): Dominators {
	const { blocks } = cfg;
	const count = blocks.length;
	// most programs of a chain are one block
	if (count === 1)
		return { parent: Int32Array.of(-1), children: [[]], dominates: (a, b) => a === 0 && b === 0 };
	const number = new Int32Array(count).fill(-1); // depth-first number by block
	const vertex: number[] = []; // block by depth-first number
	const treeParent: number[] = []; // by depth-first number
	const work: [block: number, parent: number][] = count === 0 ? [] : [[0, -1]];
	while (work.length > 0) {
		const [block, from] = work.pop()!;
		if (number[block] !== -1) continue;
		number[block] = vertex.length;
		vertex.push(block);
		treeParent.push(from);
		for (const to of blocks[block]!.successors) if (number[to] === -1) work.push([to, number[block]!]);
	}
	const n = vertex.length;
	const semi = Int32Array.from({ length: n }, (_, i) => i);
	const label = Int32Array.from({ length: n }, (_, i) => i);
	const ancestor = new Int32Array(n).fill(-1);
	const idom = new Int32Array(n).fill(-1);
	const buckets: number[][] = Array.from({ length: n }, () => []);
	const path: number[] = [];
	const evaluate = (v: number): number => {
		if (ancestor[v] === -1) return label[v]!;
		let u = v;
		while (ancestor[ancestor[u]!] !== -1) {
			path.push(u);
			u = ancestor[u]!;
		}
		while (path.length > 0) {
			const w = path.pop()!;
			const up = ancestor[w]!;
			if (semi[label[up]!]! < semi[label[w]!]!) label[w] = label[up]!;
			ancestor[w] = ancestor[up]!;
		}
		return label[v]!;
	};
	for (let w = n - 1; w > 0; w--) {
		for (const predecessor of blocks[vertex[w]!]!.predecessors) {
			const v = number[predecessor]!;
			if (v === -1) continue; // unreachable
			const u = evaluate(v);
			if (semi[u]! < semi[w]!) semi[w] = semi[u]!;
		}
		buckets[semi[w]!]!.push(w);
		const parent = treeParent[w]!;
		ancestor[w] = parent;
		for (const v of buckets[parent]!) {
			const u = evaluate(v);
			idom[v] = semi[u]! < semi[v]! ? u : parent;
		}
		buckets[parent] = [];
	}
	for (let w = 1; w < n; w++) if (idom[w] !== semi[w]) idom[w] = idom[idom[w]!]!;

	const parent = new Int32Array(count).fill(-1);
	for (let w = 1; w < n; w++) parent[vertex[w]!] = vertex[idom[w]!]!;
	const children: number[][] = Array.from({ length: count }, () => []);
	for (const block of cfg.order) if (parent[block] !== -1) children[parent[block]!]!.push(block);
	// a dominates b where b's interval in a walk of the tree lies inside a's
	const enter = new Int32Array(count).fill(-1);
	const leave = new Int32Array(count).fill(-1);
	let clock = 0;
	const walk: number[] = n === 0 ? [] : [0];
	while (walk.length > 0) {
		const block = walk.pop()!;
		if (block < 0) {
			leave[~block] = clock++;
			continue;
		}
		enter[block] = clock++;
		walk.push(~block);
		for (const child of children[block]!) walk.push(child);
	}
	return {
		parent,
		children,
		dominates: (a, b) =>
			enter[a]! !== -1 && enter[b]! !== -1 && enter[a]! <= enter[b]! && leave[b]! <= leave[a]!,
	};
}
