import { FUNC_STATE } from "../state/layout.ts";
import type { VState, Walk } from "../walk/walk.ts";
import { propagatePrecision } from "./precision.ts";

/** A loop that is being walked, in one chain of callers (kernel: struct bpf_scc_visit). */
interface Visit {
	/** The first kept state in it. */
	entry: VState | undefined;
	/** States that were found equal to ones of the loop whose ways aren't all walked yet. */
	backedges: VState[];
}

const MAX_ROUNDS = 64;
const visits = new WeakMap<Walk, Map<string, Visit>>();

/** Where the frames of a state stand: calls, and its own instruction. */
export function frameInsn(w: Walk, state: VState, frame: number): number {
	return frame === w.core.curframe(state.at)
		? state.insnIdx
		: w.core.get(w.core.frame(state.at, frame + 1), FUNC_STATE.CALLSITE);
}

/** The outermost loop that a state is in, with the calls that lead there; undefined: none. */
function chain(w: Walk, state: VState): string | undefined {
	let key = "";
	for (let i = 0; i <= w.core.curframe(state.at); i++) {
		const insn = frameInsn(w, state, i);
		const scc = w.env.aux.scc[insn]!;
		if (scc !== 0) return `${key}${scc}`;
		key += `${insn},`;
	}
	return undefined;
}

function visitsOf(w: Walk): Map<string, Visit> {
	let known = visits.get(w);
	if (known === undefined) {
		known = new Map();
		visits.set(w, known);
	}
	return known;
}

export function maybeEnterLoop(w: Walk, state: VState): void {
	const key = chain(w, state);
	if (key === undefined) return;
	const visit = visitsOf(w).get(key);
	if (visit === undefined) visitsOf(w).set(key, { entry: state, backedges: [] });
	else if (visit.entry !== undefined) return;
	else visit.entry = state;
	if (w.env.log.states) w.env.log.write(`SCC enter (${key})\n`);
}

/** All ways from the loop's first state are walked: what was relied on behind is known, and goes round the loop. */
export function maybeExitLoop(w: Walk, state: VState): void {
	const key = chain(w, state);
	if (key === undefined) return;
	const visit = visitsOf(w).get(key);
	if (visit === undefined || visit.entry !== state) return;
	if (w.env.log.states) w.env.log.write(`SCC exit (${key})\n`);
	for (let round = 0, changed = true; changed; round++) {
		if (round >= MAX_ROUNDS) {
			if (w.env.log.states) w.env.log.write("propagate_backedges: too many iterations\n");
			for (const each of visit.backedges)
				for (let st = each.parent; st !== undefined; st = st.parent) w.core.markAllScalars(st.at, 1);
			break;
		}
		changed = false;
		for (const each of visit.backedges) if (propagatePrecision(w, each.equalState!, each)) changed = true;
	}
	w.backedges -= visit.backedges.length;
	for (const each of visit.backedges) w.core.freeState(each.at);
	visit.entry = undefined;
	visit.backedges = [];
}

export function addBackedge(w: Walk, old: VState, backedge: VState): void {
	const key = chain(w, old);
	const visit = key === undefined ? undefined : visitsOf(w).get(key);
	if (visit === undefined) return;
	if (w.env.log.states) w.env.log.write(`SCC backedge (${key})\n`);
	visit.backedges.push(backedge);
	w.backedges++;
}

/** States of a loop whose marks may still grow (kernel: incomplete_read_marks). */
export function incompleteMarks(w: Walk, state: VState): boolean {
	if (w.backedges === 0) return false;
	const key = chain(w, state);
	const visit = key === undefined ? undefined : visitsOf(w).get(key);
	return visit !== undefined && visit.backedges.length > 0;
}

export function forgetLoops(w: Walk): void {
	visits.delete(w);
}
