import { REG_STATE, STACK_DYNPTR, STACK_INVALID } from "../state/layout.ts";
import { FLAG, REG } from "../state/types.ts";
import type { Walk } from "./walk.ts";

/** Kinds of dynptr, as the AUX word of their slots and registers has them. */
export const DYNPTR = { LOCAL: 1, RINGBUF: 2, SKB: 3, XDP: 4, SKB_META: 5 } as const;

/** Word of a pointer into a dynptr's memory: the dynptr's id. */
export const DYNPTR_ID = REG_STATE.AUX2;
/** Word of a dynptr's slots: 1 in the first. */
export const FIRST_SLOT = REG_STATE.AUX2;

/** A write into one half of a dynptr destroys both (destroy_if_dynptr_stack_slot). */
export function destroyIfDynptr(w: Walk, frameno: number, at: number): void {
	const { core } = w;
	const frame = w.frame(frameno);
	if (core.u8[core.slot(frame, at)] !== STACK_DYNPTR) return;
	const spi = core.get(core.slotReg(frame, at), FIRST_SLOT) === 0 ? at + 1 : at;
	const main = core.slotReg(frame, spi);
	if (core.get(main, REG_STATE.AUX) === DYNPTR.RINGBUF)
		w.env.log.reject("EINVAL", "cannot overwrite referenced dynptr");
	w.scratchSlot(spi);
	w.scratchSlot(spi - 1);
	invalidateSlices(w, core.get(main, REG_STATE.ID));
	clearDynptrSlots(w, frameno, spi);
}

export function clearDynptrSlots(w: Walk, frameno: number, spi: number): void {
	const { core } = w;
	const frame = w.frame(frameno);
	for (const each of [spi, spi - 1]) {
		const types = core.slot(frame, each);
		for (let i = 0; i < 8; i++) core.u8[types + i] = STACK_INVALID;
		core.markNotInit(core.slotReg(frame, each));
		w.liveness.write(frameno, each);
	}
}

/** Pointers into a dynptr that is gone are numbers no more to be used. */
export function invalidateSlices(w: Walk, id: number): void {
	const { core } = w;
	const count = core.collect(w.cur.at, DYNPTR_ID, id);
	for (let i = 0; i < count; i++) {
		const reg = core.found(i);
		const type = core.type(reg);
		if (type !== REG.MEM && type !== (REG.MEM | FLAG.MAYBE_NULL)) continue;
		invalidate(w, reg);
	}
}

/** mark_reg_invalid: with CAP_PERFMON an unknown number, else nothing that can be read. */
export function invalidate(w: Walk, reg: number): void {
	if (w.env.privileges.ptrLeaks) w.core.markUnknown(reg);
	else w.core.markNotInit(reg);
}
