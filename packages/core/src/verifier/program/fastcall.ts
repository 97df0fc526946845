import type { Insn } from "../../isa/index.ts";
import { INSN, type InsnAux } from "./aux.ts";
import type { Subprogram } from "./subprograms.ts";

const SPILL = 0x7b;
const FILL = 0x79;
const CALL = 0x85;
const FP = 10;
const CALLER_SAVED = 0x3f;

/** What a call of a helper or kernel function may change. */
export interface CallSummary {
	readonly parameters: number;
	readonly isVoid: boolean;
	/** It keeps all registers but its own, and the kernel inlines it. */
	readonly fastcall: boolean;
}

/**
 * Finds the spills and fills that compilers put around calls of bpf_fastcall functions, in the lowest slots of the
 * stack; where nothing else touches those, the kernel removes them (mark_fastcall_patterns).
 */
export function markFastcalls(
	insns: readonly Insn[],
	subprograms: readonly Subprogram[],
	aux: InsnAux,
	summary: (insn: number) => CallSummary | undefined,
): void {
	for (const subprogram of subprograms) {
		let lowest = 0;
		for (let i = subprogram.start; i < subprogram.end; i++) {
			const { opcode, dst, off } = insns[i]!;
			if (opcode === SPILL && dst === FP) lowest = Math.min(lowest, off);
		}
		for (let i = subprogram.start; i < subprogram.end; i++) {
			const call = insns[i]!.opcode === CALL ? summary(i) : undefined;
			if (call !== undefined) markCall(insns, subprogram, aux, i, lowest, call);
		}
	}
}

function markCall(
	insns: readonly Insn[],
	subprogram: Subprogram,
	aux: InsnAux,
	at: number,
	lowest: number,
	{ parameters, isVoid, fastcall }: CallSummary,
): void {
	const clobbered = ((1 << (parameters + 1)) - 1) & (isVoid ? ~1 : ~0);
	let expected = ~clobbered & CALLER_SAVED;
	let off = lowest;
	let pairs = 0;
	for (let i = 1; i <= 6; i++, off += 8) {
		const spill = insns[at - i];
		const fill = insns[at + i];
		if (spill?.opcode !== SPILL || fill?.opcode !== FILL || spill.dst !== FP || fill.src !== FP) break;
		if (spill.src !== fill.dst || (expected & (1 << spill.src)) === 0) break;
		if (spill.off !== off || fill.off !== off) break;
		expected &= ~(1 << spill.src);
		aux.mark(at - i, INSN.FASTCALL);
		aux.mark(at + i, INSN.FASTCALL);
		pairs++;
	}
	if (pairs === 0) return;
	if (!fastcall) subprogram.keepFastcall = true;
	else subprogram.removesSpills = true;
	subprogram.fastcallStackOff = Math.min(subprogram.fastcallStackOff, off);
}

/** Frames without the slots that only such patterns used (remove_fastcall_spills_fills). */
export function removeFastcalls(subprograms: readonly Subprogram[]): void {
	for (const each of subprograms)
		if (each.removesSpills && !each.keepFastcall) each.stackDepth = Math.abs(each.fastcallStackOff);
}
