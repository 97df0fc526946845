import type { Insn } from "../../isa/index.ts";
import { printLogInsn } from "../log/print-insn.ts";
import { printState } from "../log/print-state.ts";
import { INSN } from "../program/aux.ts";
import { isLocalCall, subprogramAt } from "../program/subprograms.ts";
import { FUNC_STATE, REG_STATE, SLOT, STACK_SPILL } from "../state/layout.ts";
import { HISTORY, type HistoryEntry, type VState, type Walk } from "../walk/walk.ts";

const ARGS = 0x3e;

/** Registers and stack slots, by frame, whose values must be known exactly (kernel: struct backtrack_state). */
class Marks {
	frame = 0;
	readonly regs = new Int32Array(8);
	readonly low = new Int32Array(8);
	readonly high = new Int32Array(8);

	reset(): void {
		this.regs.fill(0);
		this.low.fill(0);
		this.high.fill(0);
		this.frame = 0;
	}
	get empty(): boolean {
		let any = 0;
		for (let i = 0; i <= this.frame; i++) any |= this.regs[i]! | this.low[i]! | this.high[i]!;
		return any === 0;
	}
	hasReg(n: number, frame = this.frame): boolean {
		return (this.regs[frame]! & (1 << n)) !== 0;
	}
	setReg(n: number, frame = this.frame): void {
		this.regs[frame]! |= 1 << n;
	}
	clearReg(n: number, frame = this.frame): void {
		this.regs[frame]! &= ~(1 << n);
	}
	hasSlot(frame: number, spi: number): boolean {
		return ((spi < 32 ? this.low[frame]! >>> spi : this.high[frame]! >>> (spi - 32)) & 1) !== 0;
	}
	setSlot(frame: number, spi: number): void {
		if (spi < 32) this.low[frame]! |= 1 << spi;
		else this.high[frame]! |= 1 << (spi - 32);
	}
	clearSlot(frame: number, spi: number): void {
		if (spi < 32) this.low[frame]! &= ~(1 << spi);
		else this.high[frame]! &= ~(1 << (spi - 32));
	}
	hasSlots(frame = this.frame): boolean {
		return (this.low[frame]! | this.high[frame]!) !== 0;
	}
	regText(frame = this.frame): string {
		const names: string[] = [];
		for (let i = 0; i < 32; i++) if (this.hasReg(i, frame)) names.push(`r${i}`);
		return names.join(",");
	}
	slotText(frame = this.frame): string {
		const names: string[] = [];
		for (let i = 0; i < 64; i++) if (this.hasSlot(frame, i)) names.push(`${-(i + 1) * 8}`);
		return names.join(",");
	}
}

const marks = new Marks();

/** The number in r`regno` of the current state is relied on: so are the numbers that it came from. */
export function markChainPrecision(w: Walk, regno: number): void {
	if (w.env.privileges.bpf && !w.core.isScalar(w.reg(regno))) bug(w, "backtracking misuse");
	marks.reset();
	markPrecise(w, w.cur, regno);
}

/** The number in a stack slot of the current state is relied on. */
export function markSlotPrecise(w: Walk, frame: number, spi: number): void {
	marks.reset();
	marks.setSlot(frame, spi);
	markPrecise(w, w.cur, -1);
}

/** A state proved equal to `old`: what old relied on, this one relies on too. True: something was marked anew. */
export function propagatePrecision(w: Walk, old: VState, cur: VState): boolean {
	const { core } = w;
	const { log } = w.env;
	marks.reset();
	for (let fr = core.curframe(old.at); fr >= 0; fr--) {
		const frame = core.frame(old.at, fr);
		const found: string[] = [];
		for (let i = 0; i < 10; i++) {
			const reg = core.frameReg(frame, i);
			if (!core.isScalar(reg) || core.get(reg, REG_STATE.PRECISE) === 0) continue;
			found.push(`r${i}`);
			marks.setReg(i, fr);
		}
		for (let i = 0; i < core.slots(frame); i++) {
			if (!isSpilled(w, frame, i)) continue;
			const reg = core.slotReg(frame, i);
			if (!core.isScalar(reg) || core.get(reg, REG_STATE.PRECISE) === 0) continue;
			found.push(`fp${-(i + 1) * 8}`);
			marks.setSlot(fr, i);
		}
		if (found.length > 0 && log.states) log.write(`frame ${fr}: propagating ${found.join(",")}\n`);
	}
	return markPrecise(w, cur, -1);
}

/** is_spilled_reg. */
const isSpilled = (w: Walk, frame: number, spi: number): boolean =>
	w.core.u8[w.core.slot(frame, spi) + SLOT.TYPES + 7] === STACK_SPILL;

/** Gives up finding which: every scalar of this path's kept states. */
export function markAllPrecise(w: Walk, start: VState): void {
	if (w.env.log.states)
		w.env.log.write(
			`mark_precise: frame${w.core.curframe(start.at)}: falling back to forcing all scalars precise\n`,
		);
	for (let st = start.parent; st !== undefined; st = st.parent) w.core.markAllScalars(st.at, 1);
}

/** Walks back over the history, state by state, until every mark has found where its value was made. */
function markPrecise(w: Walk, start: VState, regno: number): boolean {
	const { core, env } = w;
	const { log } = env;
	let changed = false;
	if (!env.privileges.bpf) return false;
	let st = start;
	let firstIdx = st.firstInsnIdx;
	let lastIdx = start.insnIdx;
	let subseq = -1;
	let skipFirst = true;
	marks.frame = core.curframe(start.at);
	if (regno >= 0) marks.setReg(regno);
	if (marks.empty) return false;
	for (;;) {
		if (log.states)
			log.write(
				`mark_precise: frame${marks.frame}: last_idx ${lastIdx} first_idx ${firstIdx} subseq_idx ${subseq} \n`,
			);
		if (lastIdx < 0) {
			// the entry of a global subprogram: its arguments come from nowhere
			const frame = core.frame(st.at, 0);
			if (core.curframe(st.at) === 0 && core.get(frame, FUNC_STATE.SUBPROGNO) > 0) {
				for (let i = 0; i < 11; i++) {
					if (!marks.hasReg(i)) continue;
					marks.clearReg(i);
					const reg = core.frameReg(frame, i);
					if (core.isScalar(reg)) {
						core.set(reg, REG_STATE.PRECISE, 1);
						changed = true;
					}
				}
				return changed;
			}
			return bug(
				w,
				`backtracking func entry subprog ${core.get(frame, FUNC_STATE.SUBPROGNO)} reg_mask ${marks.regs[0]!.toString(16)} stack_mask 0`,
			);
		}
		let history = st.history.length;
		for (let i = lastIdx; ; ) {
			let known = true;
			if (skipFirst) skipFirst = false;
			else {
				const last = history > 0 ? st.history[history - 1] : undefined;
				known = backtrack(w, i, subseq, last !== undefined && last.idx === i ? last : undefined);
			}
			if (!known) {
				markAllPrecise(w, start);
				marks.reset();
				return true;
			}
			if (marks.empty) return changed;
			subseq = i;
			// get_prev_insn_idx
			if (i === st.firstInsnIdx && (history === 0 || (history === 1 && st.history[0]!.idx === i))) break;
			if (history > 0 && st.history[history - 1]!.idx === i) i = st.history[--history]!.prev;
			else i--;
			if (i < 0 || i >= env.insns.length) return bug(w, `backtracking idx ${i}`);
		}
		if (st.parent === undefined) break;
		st = st.parent;
		for (let fr = marks.frame; fr >= 0; fr--) {
			if (markFrame(w, st, fr)) changed = true;
			if (log.states) {
				log.write(
					`mark_precise: frame${fr}: parent state regs=${marks.regText(fr)} stack=${marks.slotText(fr)}: `,
				);
				log.write(`${printState(w, st.at, fr)}\n`);
			}
		}
		if (marks.empty) return changed;
		subseq = firstIdx;
		lastIdx = st.lastInsnIdx;
		firstIdx = st.firstInsnIdx;
	}
	markAllPrecise(w, start);
	marks.reset();
	return true;
}

/** Marks what a kept state has of the marks; what is marked already, or is no number, needs no more search. */
function markFrame(w: Walk, st: VState, fr: number): boolean {
	const { core } = w;
	const frame = core.frame(st.at, fr);
	let changed = false;
	const visit = (reg: number): boolean => {
		if (!core.isScalar(reg) || core.get(reg, REG_STATE.PRECISE) !== 0) return false;
		core.set(reg, REG_STATE.PRECISE, 1);
		changed = true;
		return true;
	};
	for (let i = 0; i < 11; i++)
		if (marks.hasReg(i, fr) && !visit(core.frameReg(frame, i))) marks.clearReg(i, fr);
	if (marks.hasSlots(fr))
		for (let i = 0; i < 64; i++) {
			if (!marks.hasSlot(fr, i)) continue;
			if (i >= core.slots(frame)) return bug(w, `backtracking stack slot ${i}`);
			if (!isSpilled(w, frame, i) || !visit(core.slotReg(frame, i))) marks.clearSlot(fr, i);
		}
	return changed;
}

function bug(w: Walk, what: string): never {
	return w.env.log.reject("EFAULT", `verifier bug: ${what}`);
}

/** Registers that gained a range together are relied on together. */
function syncLinked(entry: HistoryEntry | undefined): void {
	const linked = entry?.linked;
	if (linked === undefined) return;
	const marked = linked.some(({ frame, isReg, number }) =>
		isReg ? marks.hasReg(number, frame) : marks.hasSlot(frame, number),
	);
	if (!marked) return;
	for (const { frame, isReg, number } of linked)
		if (isReg) marks.setReg(number, frame);
		else marks.setSlot(frame, number);
}

/** One instruction back: who gave the marked registers their values. False: the kernel doesn't follow this. */
function backtrack(w: Walk, idx: number, subseq: number, entry: HistoryEntry | undefined): boolean {
	const { log, insns } = w.env;
	const insn = insns[idx]!;
	if (insn.opcode === 0) return true;
	if (log.states) {
		log.write(
			`mark_precise: frame${marks.frame}: regs=${marks.regText()} stack=${marks.slotText()} before ${idx}: ${printLogInsn(insns, idx, w.env.kfuncText)}\n`,
		);
	}
	syncLinked(entry);
	if (!backtrackInsn(w, insn, idx, subseq, entry)) return false;
	syncLinked(entry);
	return true;
}

function backtrackInsn(
	w: Walk,
	insn: Insn,
	idx: number,
	subseq: number,
	entry: HistoryEntry | undefined,
): boolean {
	const { opcode, dst, src, imm } = insn;
	const code = opcode & 0xf0;
	const x = (opcode & 8) !== 0;
	const mode = opcode & 0xe0;
	const stackAccess = entry !== undefined && (entry.flags & HISTORY.STACK_ACCESS) !== 0;
	const spi = ((entry?.flags ?? 0) >> HISTORY.SPI_SHIFT) & HISTORY.SPI_MASK;
	const fr = (entry?.flags ?? 0) & HISTORY.FRAME_MASK;
	const kind = opcode & 7;
	if (kind === 4 || kind === 7) {
		if (!marks.hasReg(dst) || code === 0xd0 || code === 0x80) return true;
		if (code === 0xb0) marks.clearReg(dst);
		if (x && src !== 10) marks.setReg(src);
		return true;
	}
	if (kind === 1 || (kind === 3 && mode === 0xc0 && imm === 0x100)) {
		if (!marks.hasReg(dst)) return true;
		marks.clearReg(dst);
		if (stackAccess) marks.setSlot(fr, spi);
		return true;
	}
	if (kind === 2 || kind === 3) {
		if (marks.hasReg(dst)) return false;
		if (!stackAccess || !marks.hasSlot(fr, spi)) return true;
		marks.clearSlot(fr, spi);
		if (kind === 3) marks.setReg(src);
		return true;
	}
	if (kind === 0) {
		if (!marks.hasReg(dst)) return true;
		marks.clearReg(dst);
		return mode !== 0x20 && mode !== 0x40;
	}
	if (isLocalCall(insn)) return backtrackLocalCall(w, idx, imm, subseq);
	if (code === 0x80) {
		if (w.env.aux.has(idx, INSN.CALLBACK) && idx !== subseq - 1) {
			leaveCallee(w, "callback");
			for (let i = 1; i <= 5; i++) marks.clearReg(i);
			marks.frame--;
			return true;
		}
		if (src === 2 && imm === 0) return false;
		marks.clearReg(0);
		if (marks.regs[marks.frame]! & ARGS)
			bug(w, `backtracking call unexpected regs ${marks.regs[marks.frame]!.toString(16)}`);
		// a tail call in a subprogram: the walk had returned from it
		if (src === 0 && imm === 12 && subseq - idx !== 1) marks.frame++;
		return true;
	}
	if (code === 0x90) {
		if (subseq >= 0 && w.env.aux.has(subseq, INSN.CALLBACK)) for (let i = 1; i <= 5; i++) marks.clearReg(i);
		if (marks.regs[marks.frame]! & ARGS)
			bug(w, `backtracking exit unexpected regs ${marks.regs[marks.frame]!.toString(16)}`);
		const before = subseq - 1 >= 0 ? w.env.insns[subseq - 1]! : undefined;
		const r0 = before !== undefined && isLocalCall(before) && marks.hasReg(0);
		marks.clearReg(0);
		marks.frame++;
		if (r0) marks.setReg(0);
		return true;
	}
	if (x && code !== 0 && code !== 0xe0) {
		if (!marks.hasReg(dst) && !marks.hasReg(src)) return true;
		if (entry === undefined || (entry.flags & HISTORY.SRC_REG_STACK) === 0) marks.setReg(src);
		if (entry === undefined || (entry.flags & HISTORY.DST_REG_STACK) === 0) marks.setReg(dst);
	}
	return true;
}

function leaveCallee(w: Walk, what: string): void {
	const regs = marks.regs[marks.frame]!;
	if (regs & ~ARGS) bug(w, `${what} unexpected regs ${regs.toString(16)}`);
	if (marks.hasSlots()) bug(w, `${what} leftover stack slots`);
}

function backtrackLocalCall(w: Walk, idx: number, imm: number, subseq: number): boolean {
	const callee = w.env.subprograms[subprogramAt(w.env.subprograms, idx + imm + 1)];
	if (callee?.global) {
		if (idx + 1 !== subseq) bug(w, "extra insn from subprog");
		if (marks.regs[marks.frame]! & ARGS)
			bug(w, `global subprog unexpected regs ${marks.regs[marks.frame]!.toString(16)}`);
		marks.clearReg(0);
		return true;
	}
	leaveCallee(w, "static subprog");
	for (let i = 1; i <= 5; i++) {
		if (!marks.hasReg(i)) continue;
		marks.clearReg(i);
		marks.setReg(i, marks.frame - 1);
	}
	marks.frame--;
	return true;
}
