import type { Cfg } from "../flow/index.ts";
import { opOf, slotsOf } from "../isa/index.ts";
import type { CompiledMap, Unit } from "./context.ts";
import { TAIL_CALL_ID } from "./convention.ts";
import type { Dispatch } from "./dispatch.ts";
import { type Node, nodesOf } from "./nodes.ts";

/** A program whose code may take the place of a tail call. */
export interface Target {
	readonly unit: Unit;
	/** Of its main function. */
	readonly cfg: Cfg;
}

/** What tail calls reach now, and room for it. */
export interface Targets {
	/** Of a call with a constant slot. */
	one(unit: Unit, insn: number): Target | undefined;
	/** Of a call with a variable slot of a known array, by slot. */
	many(unit: Unit, insn: number): ManyTargets | undefined;
	/** Whether so many instructions may be added; if so, they are taken off. */
	room(insns: number): boolean;
	/** A frame for a target over those of `frame`; its index. */
	addFrame(frame: number, unit: Unit): number;
	/** Locals for a place that calls with variable slots go on from. */
	addDispatch(map: CompiledMap): Dispatch;
}

export interface ManyTargets {
	readonly map: CompiledMap;
	/** Their code may stand here, if there is room. */
	readonly mayInline: boolean;
	bySlot(): readonly (Target | undefined)[];
}

/** Most instructions of a target, and of all targets in one function. */
const TARGET_INSNS = 256;
const TOTAL_INSNS = 1500;

/** Calls with variable slots for which a place is made though the programs are not inlined. */
const MANY_CALLS = 4;

/**
 * A tail call becomes code of this function. The target takes over registers and stack, as it does by a jump: what the
 * caller had in them is lost to both.
 *
 * With a constant slot, the code of the program that the slot holds now stands behind a test that it still does and
 * that the limit isn't reached; else the tail call itself follows (measured: a hop of 1.9 ns as a jump between functions,
 * 0.4 so).
 *
 * With a variable one, all calls of the function with that array come to one place, a br_table on the slot; each of the
 * array's programs has its code behind it once, after a test that the slot still holds it (measured: hop-dynamic 1.6 ns
 * and hop-random 12.5 with a br_table at each call and functions behind it, 1.15 and 8.2 so; a random hop is a mispredicted
 * jump, and functions make it find code in three more places).
 */
export function inlineTargets(nodes: Node[], targets: Targets): void {
	/** Programs that a frame has come through, against loops. */
	const chains = new Map<number, readonly Unit[]>();
	/** Place to go on from, by address of the array. */
	const places = new Map<number, number>();
	let total = 0;
	const fits = (all: readonly Target[]): boolean => {
		const sizes = all.map(({ cfg }) => cfg.end - cfg.start);
		const sum = sizes.reduce((a, b) => a + b, 0);
		if (sizes.some((size) => size > TARGET_INSNS) || total + sum > TOTAL_INSNS) return false;
		if (all.some(({ cfg }) => cfg.problems.length > 0) || !targets.room(sum)) return false;
		total += sum;
		return true;
	};
	/** The code of a target, entered from `from`. */
	const push = ({ unit, cfg }: Target, from: Node, more: Partial<Node>): void => {
		const frame = targets.addFrame(from.frame, unit);
		chains.set(frame, [...(chains.get(from.frame) ?? [from.unit]), unit]);
		const first = nodes.length;
		nodes.push({ ...blank(from), enter: frame, successors: [first + 1], ...more });
		nodes.push(...nodesOf(cfg, unit, frame, first + 1));
	};
	/** The place for an array, with the code of all that it holds, or jumps to them where that is too much. */
	const placeOf = ({ map, mayInline, bySlot }: ManyTargets, from: Node): number | undefined => {
		const known = places.get(map.address);
		if (known !== undefined) return known;
		// few calls have a br_table each at less expense (tail-call.ts)
		const isWorth = variableCalls(from.unit) >= MANY_CALLS;
		if (!mayInline && !isWorth) return undefined;
		const all = new Map<Unit, Target>();
		const slots = bySlot();
		for (const each of slots) if (each !== undefined) all.set(each.unit, each);
		if (all.size === 0) return undefined;
		const inlines = mayInline && fits([...all.values()]);
		if (!inlines && !isWorth) return undefined;
		const dispatch = targets.addDispatch(map);
		const place = nodes.length;
		const elsewhere = place + 1;
		places.set(map.address, place);
		const successors: number[] = [];
		nodes.push({ ...blank(from), terminator: "switch", dispatch, successors });
		nodes.push({ ...blank(from), terminator: "elsewhere", dispatch, successors: [] });
		const at = new Map<Unit, number>();
		for (const target of all.values()) {
			const expected = nodes.length;
			at.set(target.unit, expected);
			nodes.push({
				...blank(from),
				terminator: "expected",
				dispatch,
				expected: target.unit.index,
				successors: [elsewhere, expected + 1],
			});
			if (inlines) push(target, from, { counted: true });
			else {
				const { index } = target.unit;
				nodes.push({ ...blank(from), terminator: "elsewhere", dispatch, expected: index, successors: [] });
			}
		}
		for (const each of slots) successors.push(each === undefined ? elsewhere : at.get(each.unit)!);
		// two ways would be a branch
		do successors.push(elsewhere);
		while (successors.length < 3);
		return place;
	};

	for (let index = 0; index < nodes.length; index++) {
		const node = nodes[index]!;
		const { insns } = node.unit.program;
		const chain = chains.get(node.frame) ?? [node.unit];
		for (let i = node.start + (node.missed ? 1 : 0); i < node.end; i += slotsOf(insns[i]!)) {
			if (opOf(insns[i]!) !== "call" || insns[i]!.imm !== TAIL_CALL_ID) continue;
			const one = targets.one(node.unit, i);
			const many = one === undefined ? targets.many(node.unit, i) : undefined;
			if (one !== undefined) {
				if (chain.includes(one.unit) || !fits([one])) continue;
				// the tail call itself and what follows it
				const rest = nodes.length;
				nodes.push({ ...node, start: i, arms: [], missed: true });
				push(one, node, {});
				node.terminator = "hit";
				node.successors = [rest, rest + 1];
			} else if (many !== undefined) {
				const place = placeOf(many, node);
				if (place === undefined) continue;
				const rest = nodes.length;
				nodes.push({ ...node, start: i + 1, arms: [], missed: false });
				node.terminator = "site";
				node.dispatch = nodes[place]!.dispatch;
				node.successors = [rest, place];
			} else continue;
			node.end = i;
			node.enter = undefined;
			node.leave = undefined;
			node.branch = i;
			break;
		}
	}
}

function variableCalls({ facts }: Unit): number {
	let count = 0;
	for (const { slot } of facts.tailCalls.values()) if (slot === undefined) count++;
	return count;
}

/** A node without instructions. */
function blank({ unit, frame, start }: Node): Node {
	return {
		unit,
		frame,
		start,
		end: start,
		enter: undefined,
		leave: undefined,
		terminator: "fall",
		branch: -1,
		successors: [],
		arms: [],
	};
}
