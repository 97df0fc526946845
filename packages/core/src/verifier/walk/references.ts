import { REF_STATE, REF_TYPE_PTR, REG_STATE, STATE } from "../state/layout.ts";
import { kindOf, REG } from "../state/types.ts";
import { invalidate } from "./dynptr-slots.ts";
import { releaseReference } from "./nulls.ts";
import { isPacketAny, type Walk } from "./walk.ts";

/** A new reference, which this instruction acquired; its id. */
export function acquireReference(w: Walk, type: number = REF_TYPE_PTR): number {
	const ref = w.core.addRef(w.cur.at);
	const id = w.newId();
	w.core.set(ref, REF_STATE.TYPE, type);
	w.core.set(ref, REF_STATE.ID, id);
	w.core.set(ref, REF_STATE.INSN_IDX, w.insnIdx);
	return id;
}

/** release_reference: it is given back, and what refers to it is of no use any more. False: there is none. */
export function releaseAndInvalidate(w: Walk, id: number, keepsDynptrs = false): boolean {
	const { core } = w;
	if (!releaseReference(w, w.cur.at, id)) return false;
	const count = core.collect(w.cur.at, REG_STATE.REF_OBJ_ID, id);
	for (let i = 0; i < count; i++) {
		const reg = core.found(i);
		if (!keepsDynptrs || core.type(reg) !== REG.DYNPTR) invalidate(w, reg);
	}
	return true;
}

/** Nothing may be left at an exit, or before what may end the program (check_resource_leak). */
export function checkLeaks(w: Walk, prefix: string, exceptional: boolean, locks: boolean): void {
	const { log } = w.env;
	if (locks && w.word(STATE.ACTIVE_LOCKS))
		log.reject("EINVAL", `${prefix} cannot be used inside bpf_spin_lock-ed region`);
	if (leaks(w, exceptional)) log.reject("EINVAL", `${prefix} would lead to reference leak`);
	if (!locks) return;
	if (w.word(STATE.ACTIVE_IRQ_ID))
		log.reject("EINVAL", `${prefix} cannot be used inside bpf_local_irq_save-ed region`);
	if (w.word(STATE.ACTIVE_RCU_LOCKS))
		log.reject("EINVAL", `${prefix} cannot be used inside bpf_rcu_read_lock-ed region`);
	if (w.word(STATE.ACTIVE_PREEMPT_LOCKS))
		log.reject("EINVAL", `${prefix} cannot be used inside bpf_preempt_disable-ed region`);
}

function leaks(w: Walk, exceptional: boolean): boolean {
	const { core, cur } = w;
	if (!exceptional && w.curframe > 0) return false;
	let found = false;
	for (let i = 0; i < core.refCount(cur.at); i++) {
		const ref = core.ref(cur.at, i);
		if (core.get(ref, REF_STATE.TYPE) !== REF_TYPE_PTR) continue;
		w.env.log.write(
			`Unreleased reference id=${core.get(ref, REF_STATE.ID)} alloc_insn=${core.get(ref, REF_STATE.INSN_IDX)}\n`,
		);
		found = true;
	}
	return found;
}

/** The packet may have moved: pointers into it are numbers no more to be used (clear_all_pkt_pointers). */
export function clearPacketPointers(w: Walk): void {
	const { core } = w;
	for (const kind of [REG.PACKET, REG.PACKET_META, REG.PACKET_END]) {
		const count = core.collect(w.cur.at, REG_STATE.TYPE, kind);
		for (let i = 0; i < count; i++) if (isPacketAny(core.type(core.found(i)))) invalidate(w, core.found(i));
	}
	clearPacketSlices(w);
}

/** Slices of a packet's dynptr are of the packet too. */
function clearPacketSlices(w: Walk): void {
	const { core } = w;
	const count = core.collect(w.cur.at, REG_STATE.AUX3, PACKET_SLICE);
	for (let i = 0; i < count; i++) {
		const reg = core.found(i);
		if (kindOf(core.type(reg)) === REG.MEM) invalidate(w, reg);
	}
}
/** AUX3 of memory that lies in a packet. */
export const PACKET_SLICE = 0x706b74;
