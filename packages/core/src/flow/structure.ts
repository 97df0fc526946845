import type { FlowNode, ReducibleGraph } from "./reducible.ts";

/**
 * Gets a function as structured control flow. Depths count enclosing constructs from the inside, as br does.
 * `block`, `loop` and `ifBranch` open a construct, `end` closes the innermost.
 */
export interface StructureVisitor {
	block(): void;
	loop(node: FlowNode): void;
	/** Opens an `if` over the condition of the branch that ends `node`. */
	ifBranch(node: FlowNode): void;
	otherwise(): void;
	end(): void;
	/** Everything of a node but how it leaves. */
	body(node: FlowNode): void;
	br(depth: number): void;
	/** Leaves if the branch of `node` is taken (or, negated, if it isn't). */
	brIf(node: FlowNode, depth: number, negated: boolean): void;
	/** A switch node, or a block with more than two successors: the depth for each. */
	brTable(node: FlowNode, depths: readonly number[]): void;
	/** A node without successors: exit, or what the graph says of escapes. */
	leave(node: FlowNode): void;
}

/**
 * Walks the dominator tree and nests what each node dominates (Norman Ramsey, "Beyond Relooper", ICFP 2022): a
 * node with several forward predecessors is placed behind a block that its predecessors leave, a loop header opens
 * a loop, everything else is inlined where its one predecessor branches. Each node is emitted once.
 */
export function structure(graph: ReducibleGraph, visitor: StructureVisitor): void {
	const { blocks, order, dominators } = graph;
	const position = new Int32Array(blocks.length).fill(-1);
	order.forEach((node, i) => {
		position[node] = i;
	});
	const forward = new Int32Array(blocks.length);
	const isLoop = new Uint8Array(blocks.length);
	for (const from of order) {
		// br_table reaches nothing that stands at its own place
		const many = isSwitch(blocks[from]!) ? 2 : 1;
		for (const to of blocks[from]!.successors) {
			if (position[to]! > position[from]!) forward[to] = forward[to]! + many;
			else isLoop[to] = 1;
		}
	}
	/** Height of the construct that reaches a node by br: its block, or its loop for edges that go back. */
	const blockAt = new Int32Array(blocks.length).fill(-1);
	const loopAt = new Int32Array(blocks.length).fill(-1);
	let height = 0;
	// what is still to do, last first: the nesting may be too deep for recursion
	const work: (() => void)[] = [];
	const later = (...steps: (() => void)[]) => {
		for (let i = steps.length - 1; i >= 0; i--) work.push(steps[i]!);
	};
	const end = () => {
		height--;
		visitor.end();
	};
	/** Depth of a br from `from` to `to`, or undefined where `to` is inlined at its only predecessor. */
	const depth = (from: number, to: number): number | undefined => {
		if (position[to]! <= position[from]!) return height - 1 - loopAt[to]!;
		return forward[to]! > 1 ? height - 1 - blockAt[to]! : undefined;
	};

	const tree = (node: number) => {
		if (isLoop[node]) {
			visitor.loop(blocks[node]!);
			loopAt[node] = height++;
			later(() => within(node), end);
		} else within(node);
	};

	const within = (node: number) => {
		// the merge nodes that this node dominates at once; the last in the order is the outermost block
		const merges = dominators.children[node]!.filter((child) => forward[child]! > 1);
		for (let i = merges.length - 1; i >= 0; i--) {
			visitor.block();
			blockAt[merges[i]!] = height++;
		}
		later(() => leave(node), ...merges.flatMap((merge) => [end, () => tree(merge)]));
	};

	const leave = (node: number) => {
		const it = blocks[node]!;
		const { successors } = it;
		visitor.body(it);
		if (isSwitch(it)) {
			visitor.brTable(
				it,
				successors.map((to) => depth(node, to)!),
			);
			return;
		}
		if (successors.length === 0) {
			visitor.leave(it);
			return;
		}
		const [next, target] = successors as [number, number | undefined];
		if (target === undefined) {
			go(node, next);
			return;
		}
		const toTarget = depth(node, target);
		const toNext = depth(node, next);
		if (toTarget !== undefined) {
			visitor.brIf(it, toTarget, false);
			go(node, next);
		} else if (toNext !== undefined) {
			visitor.brIf(it, toNext, true);
			go(node, target);
		} else {
			visitor.ifBranch(it);
			height++;
			later(
				() => tree(target),
				() => visitor.otherwise(),
				() => tree(next),
				end,
			);
		}
	};

	const go = (from: number, to: number) => {
		const at = depth(from, to);
		if (at === undefined) tree(to);
		else visitor.br(at);
	};

	if (order.length === 0) return;
	work.push(() => tree(0));
	while (work.length > 0) work.pop()!();
}

function isSwitch({ kind, successors }: FlowNode): boolean {
	return kind === "switch" || successors.length > 2;
}
