import { DYNPTR_TYPE } from "../data/index.ts";
import { REG_STATE, STACK_DYNPTR } from "../state/layout.ts";
import { FLAG, REG } from "../state/types.ts";
import { clearDynptrSlots, DYNPTR, destroyIfDynptr, FIRST_SLOT, invalidateSlices } from "./dynptr-slots.ts";
import { checkMemory } from "./memory.ts";
import { acquireReference, releaseAndInvalidate } from "./references.ts";
import type { Walk } from "./walk.ts";

const KINDS: readonly (readonly [flag: number, kind: number, name: string])[] = [
	[DYNPTR_TYPE.LOCAL, DYNPTR.LOCAL, "local"],
	[DYNPTR_TYPE.RINGBUF, DYNPTR.RINGBUF, "ringbuf"],
	[DYNPTR_TYPE.SKB, DYNPTR.SKB, "skb"],
	[DYNPTR_TYPE.XDP, DYNPTR.XDP, "xdp"],
	[DYNPTR_TYPE.SKB_META, DYNPTR.SKB_META, "skb_meta"],
];

/** The first slot of an object on the stack; "outside": the stack isn't that deep yet (stack_slot_obj_get_spi). */
export function objectSlot(w: Walk, reg: number, what: string, slots: number): number | "outside" | "bad" {
	const { core } = w;
	const { log } = w.env;
	if (!core.isConst(reg)) {
		log.write(`${what} has to be at a constant offset\n`);
		return "bad";
	}
	const off = core.getSigned(reg, REG_STATE.OFF) + core.constLow(reg);
	// towards zero, as C divides: an iterator at fp0 is taken for the one at fp-8
	const spi = ((-off - 1) / 8) | 0;
	if (off % 8 !== 0 || spi + 1 < slots) {
		log.write(`cannot pass in ${what} at an offset=${off}\n`);
		return "bad";
	}
	if (spi - slots + 1 < 0 || spi >= core.slots(w.frame(w.frameOf(reg)))) return "outside";
	return spi;
}

const isDynptr = (w: Walk, frame: number, spi: number): boolean => {
	const types = w.core.slot(frame, spi);
	for (let i = 0; i < 8; i++) if (w.core.u8[types + i] !== STACK_DYNPTR) return false;
	return true;
};

/** The register or stack slot that holds the dynptr which r`regno` points to. */
export function dynptrState(w: Walk, regno: number): number {
	const reg = w.reg(regno);
	if (w.core.type(reg) === REG.DYNPTR) return reg;
	const spi = objectSlot(w, reg, "dynptr", 2);
	return typeof spi === "number" ? w.core.slotReg(w.frame(w.frameOf(reg)), spi) : reg;
}

/** A dynptr as argument: to be made, or made already (process_dynptr_func). */
export function checkDynptr(w: Walk, regno: number, argType: number, cloneOf = 0): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const type = core.type(reg);
	if (type !== REG.STACK && type !== REG.DYNPTR)
		log.reject("EINVAL", `arg#${regno - 1} expected pointer to stack or const struct bpf_dynptr`);
	const expected = KINDS.find(([flag]) => argType & flag);
	if (argType & FLAG.UNINIT) {
		if (type === REG.DYNPTR || objectSlot(w, reg, "dynptr", 2) === "bad")
			log.reject("EINVAL", "Dynptr has to be an uninitialized dynptr");
		for (let i = 0; i < 16; i += 8) checkMemory(w, regno, i, 8, "write", -1);
		make(w, w.reg(regno), expected?.[1] ?? DYNPTR.LOCAL, cloneOf);
		return;
	}
	if (type === REG.DYNPTR && !(argType & FLAG.RDONLY))
		log.reject("EINVAL", "cannot pass pointer to const bpf_dynptr, the helper mutates it");
	const state =
		initialized(w, reg) ?? log.reject("EINVAL", `Expected an initialized dynptr as arg #${regno - 1}`);
	if (expected !== undefined && core.get(state, REG_STATE.AUX) !== expected[1])
		log.reject("EINVAL", `Expected a dynptr of type ${expected[2]} as arg #${regno - 1}`);
	if (type === REG.STACK) {
		const spi = objectSlot(w, reg, "dynptr", 2) as number;
		for (const each of [spi, spi - 1]) {
			w.liveness.read(w, w.frameOf(reg), each);
			w.scratchSlot(each);
		}
	}
}

/** is_dynptr_reg_valid_init. */
function initialized(w: Walk, reg: number): number | undefined {
	const { core } = w;
	if (core.type(reg) === REG.DYNPTR) return reg;
	const spi = objectSlot(w, reg, "dynptr", 2);
	if (typeof spi !== "number") return undefined;
	const frame = w.frame(w.frameOf(reg));
	const main = core.slotReg(frame, spi);
	if (!isDynptr(w, frame, spi) || !isDynptr(w, frame, spi - 1)) return undefined;
	return core.get(main, FIRST_SLOT) === 0 ? undefined : main;
}

/** mark_stack_slots_dynptr. */
function make(w: Walk, reg: number, kind: number, cloneOf: number): void {
	const { core } = w;
	const frameno = w.frameOf(reg);
	const spi = objectSlot(w, reg, "dynptr", 2) as number;
	destroyIfDynptr(w, frameno, spi);
	destroyIfDynptr(w, frameno, spi - 1);
	const id = w.newId();
	const frame = w.frame(frameno);
	for (const each of [spi, spi - 1]) {
		const types = core.slot(frame, each);
		for (let i = 0; i < 8; i++) core.u8[types + i] = STACK_DYNPTR;
		markDynptr(w, core.slotReg(frame, each), kind, each === spi, id);
		w.scratchSlot(each);
		w.liveness.write(frameno, each);
	}
	if (kind !== DYNPTR.RINGBUF) return;
	const ref = cloneOf || acquireReference(w);
	for (const each of [spi, spi - 1])
		core.set(core.slotReg(w.frame(frameno), each), REG_STATE.REF_OBJ_ID, ref);
}

/** __mark_dynptr_reg. */
export function markDynptr(w: Walk, reg: number, kind: number, first: boolean, id: number): void {
	const { core } = w;
	core.markPointer(reg, REG.DYNPTR);
	core.set(reg, REG_STATE.REF_OBJ_ID, 0);
	core.set(reg, REG_STATE.ID, id);
	core.set(reg, REG_STATE.AUX, kind);
	core.set(reg, FIRST_SLOT, first ? 1 : 0);
}

/** Whether r`regno` points to a dynptr that must be given back. */
export function dynptrReference(w: Walk, regno: number): number {
	const { core } = w;
	const reg = w.reg(regno);
	const spi = objectSlot(w, reg, "dynptr", 2);
	return typeof spi === "number"
		? core.get(core.slotReg(w.frame(w.frameOf(reg)), spi), REG_STATE.REF_OBJ_ID)
		: 0;
}

/** The dynptr is gone, with its clones and all that points into it (unmark_stack_slots_dynptr). */
export function releaseDynptr(w: Walk, regno: number): void {
	const { core } = w;
	const reg = w.reg(regno);
	const frameno = w.frameOf(reg);
	const spi = objectSlot(w, reg, "dynptr", 2) as number;
	const main = core.slotReg(w.frame(frameno), spi);
	const drop = (at: number) => {
		invalidateSlices(w, core.get(core.slotReg(w.frame(frameno), at), REG_STATE.ID));
		clearDynptrSlots(w, frameno, at);
	};
	const ref = core.get(main, REG_STATE.REF_OBJ_ID);
	if (ref === 0) {
		drop(spi);
		return;
	}
	releaseAndInvalidate(w, ref, true);
	for (let i = 1; i < core.slots(w.frame(frameno)); i++) {
		const slot = core.slotReg(w.frame(frameno), i);
		if (core.u8[core.slot(w.frame(frameno), i)] !== STACK_DYNPTR) continue;
		if (core.get(slot, REG_STATE.REF_OBJ_ID) === ref && core.get(slot, FIRST_SLOT)) drop(i);
	}
}
