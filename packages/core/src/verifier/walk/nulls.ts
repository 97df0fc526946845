import { LOOKUP_GIVES } from "../data/index.ts";
import { REF_STATE, REF_TYPE_PTR, REG_STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG } from "../state/types.ts";
import { maybeNull, regAt, type Walk } from "./walk.ts";

/** mark_ptr_not_null_reg: the pointer is one; what it points to may be known better now. */
export function markNotNull(w: Walk, reg: number): void {
	const { core } = w;
	const type = core.type(reg);
	if (kindOf(type) !== REG.MAP_VALUE) {
		core.set(reg, REG_STATE.TYPE, type & ~FLAG.MAYBE_NULL);
		return;
	}
	const { map, index } = w.mapOf(reg);
	const inner = w.env.innerOf(index);
	if (inner !== undefined) {
		core.set(reg, REG_STATE.TYPE, REG.MAP_PTR);
		core.set(reg, REG_STATE.AUX, inner.index);
		if (inner.fields.some(({ name }) => name === "bpf_timer" || name === "bpf_wq"))
			core.set(reg, REG_STATE.RANGE, core.get(reg, REG_STATE.ID));
	} else core.set(reg, REG_STATE.TYPE, LOOKUP_GIVES[map.type] ?? REG.MAP_VALUE);
}

/** Pointers to values with a spin lock keep their id: it says which lock. */
export function mayPointToSpinLock(w: Walk, reg: number): boolean {
	if (kindOf(w.core.type(reg)) !== REG.MAP_VALUE) return false;
	return w.mapOf(reg).fields.some(({ name }) => name === "bpf_spin_lock" || name === "bpf_res_spin_lock");
}

/** All registers that share r`regno`'s id are null, or are not (mark_ptr_or_null_regs). */
export function markPtrOrNull(w: Walk, state: number, regno: number, isNull: boolean): void {
	const { core } = w;
	const reg = regAt(core.frame(state), regno);
	const id = core.get(reg, REG_STATE.ID);
	const refId = core.get(reg, REG_STATE.REF_OBJ_ID);
	if (refId !== 0 && refId === id && isNull) releaseReference(w, state, id);
	const count = core.collect(state, REG_STATE.ID, id);
	for (let i = 0; i < count; i++) {
		const each = core.found(i);
		const type = core.type(each);
		if (!maybeNull(type)) continue;
		if (isNull) {
			core.markKnownZero(each);
			continue;
		}
		markNotNull(w, each);
		if (!mayPointToSpinLock(w, each)) core.set(each, REG_STATE.ID, 0);
	}
}

/** The reference of that id is gone; false: there is none. Registers stay as they are (release_reference_nomark). */
export function releaseReference(w: Walk, state: number, id: number): boolean {
	const { core } = w;
	for (let i = 0; i < core.refCount(state); i++) {
		const ref = core.ref(state, i);
		if (core.get(ref, REF_STATE.TYPE) !== REF_TYPE_PTR || core.get(ref, REF_STATE.ID) !== id) continue;
		core.removeRef(state, i);
		return true;
	}
	return false;
}
