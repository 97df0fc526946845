import type { Log } from "../log/log.ts";
import { findPrevEntry, widenImprecise } from "../prune/visited.ts";
import {
	REF_STATE,
	REF_TYPE_IRQ,
	REG_STATE,
	STACK_INVALID,
	STACK_IRQ_FLAG,
	STACK_ITER,
	STATE,
} from "../state/layout.ts";
import { REG } from "../state/types.ts";
import { objectSlot } from "./dynptrs.ts";
import { checkMemory } from "./memory.ts";
import { markNotNull } from "./nulls.ts";
import { acquireReference, releaseAndInvalidate } from "./references.ts";
import { ITERATORS, regAt, type VState, type Walk } from "./walk.ts";

/** Open-coded iterators and saved interrupt flags: what kernel functions keep in slots of the stack. */

/** An iterator's state, in AUX2 of its first slot; its depth is in RANGE, its kind in AUX. */
const ACTIVE = 1;
const DRAINED = 2;

/** Slots of the iterators that take more than one. */
const SLOTS: Readonly<Record<string, number>> = { bits: 2, task: 3, css: 3 };

/** Where an iterator is: the frame's number, and its first slot. */
export interface IteratorPlace {
	readonly frameno: number;
	readonly spi: number;
}

const filledWith = (w: Walk, frame: number, spi: number, type: number, some: boolean): boolean => {
	const types = w.core.u8.subarray(w.core.slot(frame, spi), w.core.slot(frame, spi) + 8);
	return some ? types.includes(type) : types.every((each) => each === type);
};

function fill(w: Walk, frameno: number, spi: number, type: number): number {
	const { core } = w;
	const frame = w.frame(frameno);
	const types = core.slot(frame, spi);
	for (let i = 0; i < 8; i++) core.u8[types + i] = type;
	w.scratchSlot(spi);
	w.liveness.write(frameno, spi);
	return core.slotReg(frame, spi);
}

/** The iterator that r`regno` points to, as argument of its _new, _next or _destroy (process_iter_arg). */
export function checkIterator(
	w: Walk,
	regno: number,
	struct: string,
	use: "new" | "next" | "destroy",
): { readonly place: IteratorPlace; readonly refObjId: number } {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	if (core.type(reg) !== REG.STACK)
		log.reject("EINVAL", `arg#${regno - 1} expected pointer to an iterator on stack`);
	const name = struct.replace(/^bpf_iter_/, "");
	const slots = SLOTS[name] ?? 1;
	const frameno = w.frameOf(reg);
	const found = objectSlot(w, reg, "iter", slots);
	if (use === "new") {
		const used =
			typeof found === "number" &&
			range(slots).some((i) => filledWith(w, w.frame(frameno), found - i, STACK_ITER, true));
		if (found === "bad" || used)
			log.reject("EINVAL", `expected uninitialized iter_${name} as arg #${regno - 1}`);
		for (const i of range(slots)) checkMemory(w, regno, 8 * i, 8, "write", -1);
		return make(w, regno, ITERATORS.indexOf(name), slots);
	}
	const main = typeof found === "number" ? core.slotReg(w.frame(frameno), found) : 0;
	const valid =
		typeof found === "number" &&
		range(slots).every((i) => filledWith(w, w.frame(frameno), found - i, STACK_ITER, false)) &&
		core.get(main, REG_STATE.AUX) === ITERATORS.indexOf(name) &&
		core.get(main, REG_STATE.REF_OBJ_ID) !== 0;
	if (!valid) return log.reject("EINVAL", `expected an initialized iter_${name} as arg #${regno - 1}`);
	for (const i of range(slots)) {
		w.liveness.read(w, frameno, found - i);
		w.scratchSlot(found - i);
	}
	const refObjId = core.get(main, REG_STATE.REF_OBJ_ID);
	if (use === "destroy") {
		releaseAndInvalidate(w, refObjId);
		for (const i of range(slots)) core.markNotInit(fill(w, frameno, found - i, STACK_INVALID));
	}
	return { place: { frameno, spi: found }, refObjId };
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** mark_stack_slots_iter. */
function make(w: Walk, regno: number, kind: number, slots: number) {
	const { core } = w;
	const reg = w.reg(regno);
	const frameno = w.frameOf(reg);
	const spi = objectSlot(w, reg, "iter", slots) as number;
	const ref = acquireReference(w);
	for (const i of range(slots)) {
		const slot = fill(w, frameno, spi - i, STACK_ITER);
		core.clearReg(slot);
		core.markPointer(slot, REG.STACK);
		core.set(slot, REG_STATE.REF_OBJ_ID, i === 0 ? ref : 0);
		core.set(slot, REG_STATE.AUX, kind);
		core.set(slot, REG_STATE.AUX2, ACTIVE);
		core.set(slot, REG_STATE.RANGE, 0);
	}
	return { place: { frameno, spi }, refObjId: 0 };
}

/**
 * Two ways go on from a call of _next: with an element, and the iterator one deeper; and with none, the iterator
 * drained (process_iter_next_call).
 */
export function iterate(w: Walk, { frameno, spi }: IteratorPlace): void {
	const { core } = w;
	const slotIn = (state: VState) => core.slotReg(core.frame(state.at, frameno), spi);
	if (core.get(slotIn(w.cur), REG_STATE.AUX2) === ACTIVE) {
		const previous = w.cur.parent === undefined ? undefined : findPrevEntry(w, w.cur.parent, w.insnIdx);
		const more = w.push(w.insnIdx + 1, w.insnIdx);
		const iterator = slotIn(more);
		core.set(iterator, REG_STATE.AUX2, ACTIVE);
		core.set(iterator, REG_STATE.RANGE, core.get(iterator, REG_STATE.RANGE) + 1);
		if (previous !== undefined) widenImprecise(w, previous, more);
		markNotNull(w, regAt(core.frame(more.at), 0));
	}
	core.set(slotIn(w.cur), REG_STATE.AUX2, DRAINED);
	core.markKnownZero(w.reg(0));
}

/** Saved interrupt flags, by the functions that saved them: AUX of their slot. */
const CLASSES = ["", "native", "lock"];
export const NATIVE = 1;

/** The word on the stack that keeps what bpf_local_irq_save saved (process_irq_flag). */
export function checkIrqFlag(w: Walk, regno: number, save: boolean): void {
	const { core } = w;
	const log: Log = w.env.log;
	const reg = w.reg(regno);
	if (core.type(reg) !== REG.STACK)
		log.reject("EINVAL", `arg#${regno - 1} doesn't point to an irq flag on stack`);
	const frameno = w.frameOf(reg);
	const found = objectSlot(w, reg, "irq_flag", 1);
	if (save) {
		if (
			found === "bad" ||
			(typeof found === "number" && filledWith(w, w.frame(frameno), found, STACK_IRQ_FLAG, true))
		)
			log.reject("EINVAL", `expected uninitialized irq flag as arg#${regno - 1}`);
		checkMemory(w, regno, 0, 8, "write", -1);
		const id = acquireReference(w, REF_TYPE_IRQ);
		w.setWord(STATE.ACTIVE_IRQ_ID, id);
		const slot = fill(w, frameno, objectSlot(w, w.reg(regno), "irq_flag", 1) as number, STACK_IRQ_FLAG);
		core.clearReg(slot);
		core.markPointer(slot, REG.STACK);
		core.set(slot, REG_STATE.REF_OBJ_ID, id);
		core.set(slot, REG_STATE.AUX, NATIVE);
		return;
	}
	if (typeof found !== "number" || !filledWith(w, w.frame(frameno), found, STACK_IRQ_FLAG, false))
		log.reject("EINVAL", `expected an initialized irq flag as arg#${regno - 1}`);
	w.liveness.read(w, frameno, found);
	w.scratchSlot(found);
	const slot = core.slotReg(w.frame(frameno), found);
	const of = core.get(slot, REG_STATE.AUX);
	if (of !== NATIVE)
		log.reject(
			"EINVAL",
			`irq flag acquired by ${CLASSES[of]} kfuncs cannot be restored with ${CLASSES[NATIVE]} kfuncs`,
		);
	restore(w, core.get(slot, REG_STATE.REF_OBJ_ID));
	core.markNotInit(fill(w, frameno, found, STACK_INVALID));
}

/** release_irq_state: the last that was saved is the first that is restored. */
function restore(w: Walk, id: number): void {
	const { core, cur } = w;
	const { log } = w.env;
	const active = w.word(STATE.ACTIVE_IRQ_ID);
	let previous = 0;
	for (let i = 0; i < core.refCount(cur.at); i++) {
		const ref = core.ref(cur.at, i);
		if (core.get(ref, REF_STATE.TYPE) !== REF_TYPE_IRQ) continue;
		const each = core.get(ref, REF_STATE.ID);
		if (each !== active) {
			previous = each;
			continue;
		}
		if (id !== active)
			log.reject(
				"EACCES",
				`cannot restore irq state out of order, expected id=${active} acquired at insn_idx=${core.get(ref, REF_STATE.INSN_IDX)}`,
			);
		core.removeRef(cur.at, i);
		w.setWord(STATE.ACTIVE_IRQ_ID, previous);
		return;
	}
}
