import { printState } from "../log/print-state.ts";
import { INSN } from "../program/aux.ts";
import {
	EXACT,
	FUNC_STATE,
	NOT_EXACT,
	RANGE_WITHIN,
	REG_STATE,
	SLOT,
	STACK_ITER,
	STACK_SPILL,
	STATE,
} from "../state/layout.ts";
import { regAt, type VState, type Walk } from "../walk/walk.ts";
import {
	addBackedge,
	forgetLoops,
	frameInsn,
	incompleteMarks,
	maybeEnterLoop,
	maybeExitLoop,
} from "./loops.ts";
import { propagatePrecision } from "./precision.ts";

/** Kept states by the instruction and the caller that they are of, the latest first. */
const explored = new WeakMap<Walk, Map<number, VState[]>>();
const MAX_HISTORY = 40;
/** Without CAP_BPF no more states than this are kept at a place. */
const MAX_STATES = 64;

/** The kernel's hash table: states of other places may share a list, and count in max_states_per_insn. */
function listAt(w: Walk, insn: number): VState[] {
	let lists = explored.get(w);
	if (lists === undefined) {
		lists = new Map();
		explored.set(w, lists);
	}
	const callsite = w.core.get(w.frame(), FUNC_STATE.CALLSITE);
	const key = ((insn ^ callsite) >>> 0) % w.env.insns.length;
	let list = lists.get(key);
	if (list === undefined) {
		list = [];
		lists.set(key, list);
	}
	return list;
}

/** A subprogram that is verified alone begins with nothing known (free_states). */
export function forgetStates(w: Walk): void {
	explored.delete(w);
	forgetLoops(w);
}

export function sameCallsites(w: Walk, a: VState, b: VState): boolean {
	const { core } = w;
	const frames = core.curframe(a.at);
	if (frames !== core.curframe(b.at)) return false;
	for (let i = 0; i <= frames; i++)
		if (
			core.get(core.frame(a.at, i), FUNC_STATE.CALLSITE) !==
			core.get(core.frame(b.at, i), FUNC_STATE.CALLSITE)
		)
			return false;
	return true;
}

/** states_equal, with the live registers of the old state's places. */
function statesEqual(w: Walk, old: VState, cur: VState, exact: number): boolean {
	const { core, env } = w;
	const frames = core.curframe(old.at);
	if (frames !== core.curframe(cur.at)) return false;
	if (core.get(old.at, STATE.SPECULATIVE) && !core.get(cur.at, STATE.SPECULATIVE)) return false;
	for (let i = 0; i <= frames; i++) core.setLiveRegs(i, env.aux.liveRegs[frameInsn(w, old, i)]!);
	return core.statesEqual(old.at, cur.at, exact, w.idGen);
}

/** Dead registers and slots of states that are done don't matter any more (clean_live_states). */
function cleanStates(w: Walk, insn: number, list: readonly VState[]): void {
	for (const each of list) {
		if (each.branches > 0 || each.insnIdx !== insn || each.cleaned || !sameCallsites(w, each, w.cur))
			continue;
		if (incompleteMarks(w, each)) continue;
		const { core } = w;
		const idxs: number[] = [];
		for (let i = 0; i <= core.curframe(each.at); i++) idxs.push(frameInsn(w, each, i));
		const live = w.liveness.query(core, each.at, idxs);
		each.cleaned = true;
		for (const [i, idx] of idxs.entries())
			core.cleanFrame(
				core.frame(each.at, i),
				w.env.aux.liveRegs[idx]! | (1 << 10),
				live[2 * i]!,
				live[2 * i + 1]!,
			);
	}
}

/** Some iterator of the current frames has been advanced a different number of times. */
function iteratorDepthsDiffer(w: Walk, old: VState, cur: VState): boolean {
	const { core } = w;
	for (let fr = core.curframe(old.at); fr >= 0; fr--) {
		const a = core.frame(old.at, fr);
		const b = core.frame(cur.at, fr);
		for (let i = 0; i < core.slots(a); i++) {
			if (core.u8[core.slot(a, i) + SLOT.TYPES] !== STACK_ITER) continue;
			const slot = core.slotReg(a, i);
			// state 1: active
			if (core.get(slot, REG_STATE.AUX2) !== 1) continue;
			if (core.get(slot, REG_STATE.RANGE) !== core.get(core.slotReg(b, i), REG_STATE.RANGE)) return true;
		}
	}
	return false;
}

/**
 * Has a state like the current one been walked from here (is_state_visited)? True: this path is safe already. Else
 * the state may be kept, for others to come.
 */
export function isStateVisited(w: Walk, insn: number): boolean {
	const { core, env, cur } = w;
	const { aux } = env;
	const forced =
		env.flags.testStateFreq === true || aux.has(insn, INSN.CHECKPOINT) || cur.history.length > MAX_HISTORY;
	let addNew =
		forced || (w.jmpsProcessed - w.prevJmpsProcessed >= 2 && w.insnProcessed - w.prevInsnProcessed >= 8);
	const list = listAt(w, insn);
	cleanStates(w, insn, list);
	let seen = 0;
	for (let i = 0; i < list.length; ) {
		const old = list[i]!;
		seen++;
		if (old.insnIdx !== insn) {
			i++;
			continue;
		}
		const verdict = compare(w, old, insn);
		if (verdict === "equal" || verdict === "loop") {
			old.hits++;
			if (aux.has(w.insnIdx, INSN.JUMP)) w.pushHistory(0);
			propagatePrecision(w, old, cur);
			if (verdict === "loop") {
				const backedge = w.copy(cur);
				backedge.equalState = old;
				backedge.insnIdx = insn;
				addBackedge(w, old, backedge);
			}
			return true;
		}
		if (
			verdict === "walking" &&
			!forced &&
			w.jmpsProcessed - w.prevJmpsProcessed < 20 &&
			w.insnProcessed - w.prevInsnProcessed < 100
		)
			addNew = false;
		if (addNew) old.misses++;
		const patience = aux.has(insn, INSN.CHECKPOINT) && old.branches > 0 ? 64 : 3;
		if (old.misses > old.hits * patience + patience) {
			list.splice(i, 1);
			old.listed = false;
			w.exploredStates--;
			// its memory stays: states of loops may still lead back over it
			if (old.branches > 0) w.freeListStates++;
		} else i++;
	}
	w.maxStatesPerInsn = Math.max(w.maxStatesPerInsn, seen);
	if (!env.privileges.bpf && seen > MAX_STATES) return false;
	if (!addNew) return false;

	w.totalStates++;
	w.exploredStates++;
	w.peakStates = Math.max(w.peakStates, w.exploredStates + w.freeListStates + w.backedges);
	w.prevJmpsProcessed = w.jmpsProcessed;
	w.prevInsnProcessed = w.insnProcessed;
	if (env.privileges.bpf) core.markAllScalars(cur.at, 0);
	const kept = w.copy(cur);
	kept.insnIdx = insn;
	kept.branches = 1;
	kept.listed = true;
	maybeEnterLoop(w, kept);
	cur.parent = kept;
	cur.firstInsnIdx = insn;
	cur.dfsDepth = kept.dfsDepth + 1;
	cur.history = [];
	list.unshift(kept);
	return false;
}

/** How a kept state and the current one stand to each other; an endless loop ends the verification. */
function compare(w: Walk, old: VState, insn: number): "equal" | "loop" | "walking" | "other" {
	const { core, cur } = w;
	const { aux, log } = w.env;
	if (old.branches === 0) {
		const loop = incompleteMarks(w, old);
		if (!statesEqual(w, old, cur, loop ? RANGE_WITHIN : NOT_EXACT)) return "other";
		return loop ? "loop" : "equal";
	}
	const frame = core.frame(old.at);
	if (
		core.get(frame, FUNC_STATE.IN_ASYNC_CALLBACK_FN) &&
		core.get(frame, FUNC_STATE.ASYNC_ENTRY_CNT) !== core.get(w.frame(), FUNC_STATE.ASYNC_ENTRY_CNT)
	)
		return "walking";
	if (w.env.isIteratorNext(insn)) {
		if (statesEqual(w, old, cur, RANGE_WITHIN)) {
			const reg = w.reg(1);
			const spi = ((-(core.getSigned(reg, REG_STATE.OFF) + core.constLow(reg)) - 1) / 8) | 0;
			const slot = core.slotReg(w.frame(w.frameOf(reg)), spi);
			if (core.get(slot, REG_STATE.AUX2) === 1) return "loop";
		}
		return "walking";
	}
	if (w.env.insns[insn]!.opcode === 0xe5) {
		if (
			core.get(old.at, STATE.MAY_GOTO_DEPTH) !== w.word(STATE.MAY_GOTO_DEPTH) &&
			statesEqual(w, old, cur, RANGE_WITHIN)
		)
			return "loop";
	}
	if (aux.has(insn, INSN.CALLBACK)) return statesEqual(w, old, cur, RANGE_WITHIN) ? "loop" : "walking";
	if (
		core.maybeLooping(old.at, cur.at) &&
		statesEqual(w, old, cur, EXACT) &&
		!iteratorDepthsDiffer(w, old, cur) &&
		core.get(old.at, STATE.MAY_GOTO_DEPTH) === w.word(STATE.MAY_GOTO_DEPTH) &&
		core.get(old.at, STATE.CALLBACK_UNROLL_DEPTH) === w.word(STATE.CALLBACK_UNROLL_DEPTH)
	) {
		w.env.linfo(insn);
		log.write(`infinite loop detected at insn ${insn}\n`);
		log.write(`cur state:${printState(w, cur.at, w.curframe)}\n`);
		log.reject("EINVAL", `old state:${printState(w, old.at, w.curframe)}`);
	}
	return "walking";
}

/** A path has ended: states all of whose ways are walked are done (update_branch_counts). */
export function updateBranchCounts(w: Walk): void {
	for (let st: VState | undefined = w.cur; st !== undefined; st = st.parent) {
		st.branches--;
		if (st.branches > 0) return;
		if (st === w.cur) continue;
		maybeExitLoop(w, st);
		if (!st.listed) w.freeListStates--;
	}
}

/** The last kept state at this place that the current path came through (find_prev_entry). */
export function findPrevEntry(w: Walk, from: VState, insn: number): VState | undefined {
	return listAt(w, insn).find(
		(each) =>
			each.insnIdx === insn &&
			each.branches > 0 &&
			sameCallsites(w, each, from) &&
			each.dfsDepth < from.dfsDepth,
	);
}

/** Numbers that differ from the last round, and that nothing relies on, may be anything (widen_imprecise_scalars). */
export function widenImprecise(w: Walk, old: VState, cur: VState): void {
	const { core } = w;
	const widen = (a: number, b: number) => {
		if (!core.isScalar(a) || !core.isScalar(b)) return;
		if (core.get(a, REG_STATE.PRECISE) || core.get(b, REG_STATE.PRECISE) || core.sameBounds(a, b)) return;
		core.markUnknown(b);
	};
	for (let fr = core.curframe(old.at); fr >= 0; fr--) {
		const a = core.frame(old.at, fr);
		const b = core.frame(cur.at, fr);
		for (let i = 0; i < 11; i++) widen(regAt(a, i), regAt(b, i));
		const slots = Math.min(core.slots(a), core.slots(b));
		for (let i = 0; i < slots; i++) {
			const spilled = (frame: number) => core.u8[core.slot(frame, i) + 7] === STACK_SPILL;
			if (spilled(a) && spilled(b)) widen(core.slotReg(a, i), core.slotReg(b, i));
		}
	}
}
