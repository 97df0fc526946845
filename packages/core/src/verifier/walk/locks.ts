import type { UsedMap } from "../program/map-references.ts";
import { REF_STATE, REF_TYPE_LOCK, REG_STATE, STATE } from "../state/layout.ts";
import { REG } from "../state/types.ts";
import type { Walk } from "./walk.ts";

/** The map whose value's one field of that name r`regno` points to (check_map_field_pointer). */
export function specialFieldAt(w: Walk, regno: number, name: string): UsedMap {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	if (!core.isConst(reg))
		log.reject("EINVAL", `R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
	if (core.type(reg) !== REG.MAP_VALUE) w.env.notModelled("a spin lock outside of map values");
	const used = w.mapOf(reg);
	const { map, fields } = used;
	if (map.valueTypeId === 0)
		log.reject("EINVAL", `map '${map.name}' has to have BTF in order to use ${name}`);
	const field =
		fields.find((each) => each.name === name) ??
		log.reject("EINVAL", `map '${map.name}' has no valid ${name}`);
	const off = core.getSigned(reg, REG_STATE.OFF) + core.constLow(reg);
	if (off !== field.offset)
		log.reject("EINVAL", `off ${off} doesn't point to 'struct ${name}' that is at ${field.offset}`);
	return used;
}

/** bpf_spin_lock and bpf_spin_unlock of the lock that r`regno` points to (process_spin_lock). */
export function processSpinLock(w: Walk, regno: number, lock: boolean): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const { index } = specialFieldAt(w, regno, "bpf_spin_lock");
	const id = core.get(reg, REG_STATE.ID);
	if (lock) {
		if (w.word(STATE.ACTIVE_LOCKS)) log.reject("EINVAL", "Locking two bpf_spin_locks are not allowed");
		const ref = core.addRef(w.cur.at);
		core.set(ref, REF_STATE.TYPE, REF_TYPE_LOCK);
		core.set(ref, REF_STATE.ID, id);
		core.set(ref, REF_STATE.INSN_IDX, w.insnIdx);
		core.set(ref, REF_STATE.PTR, index + 1);
		setLock(w, 1, id, index + 1);
		return;
	}
	if (w.word(STATE.ACTIVE_LOCKS) === 0) log.reject("EINVAL", "bpf_spin_unlock without taking a lock");
	for (let i = 0; i < core.refCount(w.cur.at); i++) {
		const ref = core.ref(w.cur.at, i);
		if (core.get(ref, REF_STATE.TYPE) !== REF_TYPE_LOCK) continue;
		if (core.get(ref, REF_STATE.ID) !== id || core.get(ref, REF_STATE.PTR) !== index + 1) continue;
		core.removeRef(w.cur.at, i);
		setLock(w, 0, 0, 0);
		return;
	}
	log.reject("EINVAL", "bpf_spin_unlock of different lock");
}

function setLock(w: Walk, count: number, id: number, ptr: number): void {
	w.setWord(STATE.ACTIVE_LOCKS, count);
	w.setWord(STATE.ACTIVE_LOCK_ID, id);
	w.setWord(STATE.ACTIVE_LOCK_PTR, ptr);
}
