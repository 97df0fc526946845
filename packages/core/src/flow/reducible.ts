import { reversePostorder } from "./cfg.ts";
import { type Dominators, dominators } from "./dominators.ts";

/** A node of a reducible graph. */
export type FlowNode = { readonly successors: number[]; readonly predecessors: number[] } & (
	| { readonly kind: "block"; readonly block: number }
	/** Says where the next switch of `dispatch` goes, then goes there. */
	| { readonly kind: "set"; readonly dispatch: number; readonly value: number }
	/** Goes to the successor of the index that was set. */
	| { readonly kind: "switch"; readonly dispatch: number }
);

/** A control-flow graph in which every loop has one entry. */
export interface ReducibleGraph {
	readonly blocks: readonly FlowNode[];
	readonly order: readonly number[];
	readonly dominators: Dominators;
	/** Dispatch variables in use. */
	readonly dispatches: number;
}

/**
 * The graph of a function with every loop made single-entry: a loop that can be entered in several places gets a
 * dispatch node in front, through which all edges to its entries go. clang makes no such loops, so this changes
 * nothing for its code; only the irreducible region pays.
 */
export function reducible(graph: Successors): ReducibleGraph {
	const nodes = nodesOf(graph);
	let dispatches = 0;
	let result = finish(nodes, dispatches);
	// each round gives every outermost multi-entry loop its dispatch node; nested ones follow in later rounds
	while (!isReducible(result)) {
		dispatches = splitEntries(nodes, result.order, dispatches);
		result = finish(nodes, dispatches);
	}
	return result;
}

interface Successors {
	readonly blocks: readonly { readonly successors: readonly number[] }[];
}

/** The graph as it is: nodes with predecessors, their order and dominators. */
export function dominance(graph: Successors): Omit<ReducibleGraph, "dispatches"> {
	return finish(nodesOf(graph), 0);
}

function nodesOf({ blocks }: Successors): FlowNode[] {
	return blocks.map(({ successors }, block) => ({
		kind: "block",
		block,
		successors: [...successors],
		predecessors: [],
	}));
}

function finish(nodes: FlowNode[], dispatches: number): ReducibleGraph {
	const order = reversePostorder(nodes);
	for (const node of nodes) node.predecessors.length = 0;
	for (const index of order) {
		for (const to of nodes[index]!.successors) {
			const list = nodes[to]!.predecessors;
			if (list[list.length - 1] !== index) list.push(index);
		}
	}
	const graph = { blocks: nodes, order };
	return { ...graph, dominators: dominators(graph), dispatches };
}

/** Whether every edge that goes back in the order goes back to a dominator. */
function isReducible({ blocks, order, dominators: { dominates } }: ReducibleGraph): boolean {
	const position = positions(blocks.length, order);
	return order.every((from) =>
		blocks[from]!.successors.every((to) => position[to]! > position[from]! || dominates(to, from)),
	);
}

function positions(count: number, order: readonly number[]): Int32Array {
	const position = new Int32Array(count).fill(-1);
	order.forEach((node, i) => {
		position[node] = i;
	});
	return position;
}

/**
 * Finds the loops with several entries, outermost first, and gives each a dispatch node. Loops with one entry are
 * opened (their back edges ignored) to see what lies inside.
 */
function splitEntries(nodes: FlowNode[], order: readonly number[], dispatches: number): number {
	let count = dispatches;
	const work: number[][] = [[...order]];
	while (work.length > 0) {
		const region = work.pop()!;
		for (const component of components(nodes, region)) {
			const inside = new Set(component);
			const entries = component.filter(
				(node) => node === 0 || nodes[node]!.predecessors.some((from) => !inside.has(from)),
			);
			if (entries.length > 1) dispatch(nodes, entries, inside, count++);
			else work.push(component.filter((node) => node !== entries[0]));
		}
	}
	return count;
}

/**
 * Sends every edge to one of `entries` through a new switch. Edges from inside the loop and from outside have set
 * nodes of their own: a shared one would be an entry itself.
 */
function dispatch(
	nodes: FlowNode[],
	entries: readonly number[],
	inside: ReadonlySet<number>,
	number: number,
): void {
	const sources = nodes.length;
	nodes.push({ kind: "switch", dispatch: number, successors: [...entries], predecessors: [] });
	for (const within of [true, false]) {
		entries.forEach((entry, value) => {
			const set = nodes.length;
			nodes.push({ kind: "set", dispatch: number, value, successors: [sources], predecessors: [] });
			for (let source = 0; source < sources; source++) {
				if (inside.has(source) !== within) continue;
				const { successors } = nodes[source]!;
				for (let i = 0; i < successors.length; i++) if (successors[i] === entry) successors[i] = set;
			}
		});
	}
}

/** Strongly connected components with a cycle, of the graph restricted to `region` (Tarjan 1972, without recursion). */
function components(nodes: readonly FlowNode[], region: readonly number[]): number[][] {
	const inside = new Set(region);
	const index = new Map<number, number>();
	const low = new Map<number, number>();
	const onStack = new Set<number>();
	const stack: number[] = [];
	const found: number[][] = [];
	for (const root of region) {
		if (index.has(root)) continue;
		const work: { node: number; next: number }[] = [{ node: root, next: 0 }];
		while (work.length > 0) {
			const top = work[work.length - 1]!;
			const { node } = top;
			if (top.next === 0) {
				index.set(node, index.size);
				low.set(node, index.get(node)!);
				stack.push(node);
				onStack.add(node);
			}
			const { successors } = nodes[node]!;
			let descended = false;
			while (top.next < successors.length) {
				const to = successors[top.next++]!;
				if (!inside.has(to)) continue;
				if (!index.has(to)) {
					work.push({ node: to, next: 0 });
					descended = true;
					break;
				}
				if (onStack.has(to)) low.set(node, Math.min(low.get(node)!, index.get(to)!));
			}
			if (descended) continue;
			// a node whose successors are used up stays above 0, so that it isn't entered again
			if (top.next === 0) top.next = 1;
			work.pop();
			const parent = work[work.length - 1];
			if (parent) low.set(parent.node, Math.min(low.get(parent.node)!, low.get(node)!));
			if (low.get(node) !== index.get(node)) continue;
			const component: number[] = [];
			let member: number;
			do {
				member = stack.pop()!;
				onStack.delete(member);
				component.push(member);
			} while (member !== node);
			if (component.length > 1 || successors.includes(node)) found.push(component);
		}
	}
	return found;
}
