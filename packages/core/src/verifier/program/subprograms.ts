import { CALL, type Insn, LDDW, slotsOf } from "../../isa/index.ts";
import type { FunctionInfo } from "../../spec/index.ts";
import type { Log } from "../log/log.ts";
import type { Privileges } from "../options.ts";

const MAX_SUBPROGRAMS = 256;
const TAIL_CALL = 12;

export interface Subprogram {
	readonly start: number;
	/** Behind the last instruction. */
	end: number;
	readonly name: string;
	/** BTF id of the FUNC; 0: none. */
	readonly typeId: number;
	readonly global: boolean;
	hasTailCall: boolean;
	tailCallReachable: boolean;
	hasLdAbs: boolean;
	changesPacket: boolean;
	mightSleep: boolean;
	/** Bytes of stack that its code touches. */
	stackDepth: number;
	isCallback: boolean;
	/** Made by the verifier itself: not in the statistics. */
	isHidden: boolean;
	isAsyncCallback: boolean;
	/** Of a global one: something calls it. */
	called: boolean;
	/** Bytes of stack kept for fastcall patterns: below it there are none. */
	fastcallStackOff: number;
	keepFastcall: boolean;
	removesSpills: boolean;
}

export const isLocalCall = ({ opcode, src }: Insn): boolean => opcode === 0x85 && src === CALL.LOCAL;
export const isHelperCall = ({ opcode, src }: Insn): boolean => opcode === 0x85 && src === CALL.HELPER;
export const isKfuncCall = ({ opcode, src }: Insn): boolean => opcode === 0x85 && src === CALL.KFUNC;
export const isFunctionPointer = ({ opcode, src }: Insn): boolean => opcode === 0x18 && src === LDDW.FUNC;

/** Where subprograms start: at 0, and where calls and function pointers lead (kernel: add_subprog_and_kfunc). */
export function findSubprograms(
	insns: readonly Insn[],
	functions: readonly FunctionInfo[],
	privileges: Privileges,
	log: Log,
): Subprogram[] {
	const starts = [0];
	for (let i = 0; i < insns.length; i++) {
		const insn = insns[i]!;
		if (!isLocalCall(insn) && !isFunctionPointer(insn) && !isKfuncCall(insn)) continue;
		if (!privileges.bpf)
			log.reject(
				"EPERM",
				"loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
			);
		if (isKfuncCall(insn)) continue;
		const target = i + insn.imm + 1;
		if (target < 0 || target >= insns.length) log.reject("EINVAL", "call to invalid destination");
		if (starts.includes(target)) continue;
		if (starts.length >= MAX_SUBPROGRAMS) log.reject("E2BIG", "too many subprograms");
		starts.push(target);
	}
	starts.sort((a, b) => a - b);
	if (log.states) for (const [i, start] of starts.entries()) log.write(`func#${i} @${start}\n`);
	return starts.map((start, i) => {
		const known = functions.find((each) => each.start === start);
		return {
			start,
			end: starts[i + 1] ?? insns.length,
			name: known?.name ?? "",
			typeId: known?.typeId ?? 0,
			global: i > 0 && known !== undefined && known.typeId !== 0 && known.linkage === "global",
			hasTailCall: false,
			tailCallReachable: false,
			hasLdAbs: false,
			changesPacket: false,
			mightSleep: false,
			stackDepth: 0,
			isCallback: false,
			isHidden: false,
			isAsyncCallback: false,
			called: false,
			fastcallStackOff: 0,
			keepFastcall: false,
			removesSpills: false,
		};
	});
}

/** Jumps stay in their subprogram, and no subprogram runs into the next one (kernel: check_subprogs). */
export function checkSubprograms(insns: readonly Insn[], subprograms: readonly Subprogram[], log: Log): void {
	let current = 0;
	for (let i = 0; i < insns.length; i++) {
		const { opcode, src, off, imm } = insns[i]!;
		const subprogram = subprograms[current]!;
		const kind = opcode & 7;
		if (opcode === 0x85 && src === 0 && imm === TAIL_CALL) {
			subprogram.hasTailCall = true;
			subprogram.tailCallReachable = true;
		}
		const mode = opcode & 0xe0;
		if (kind === 0 && (mode === 0x20 || mode === 0x40)) subprogram.hasLdAbs = true;
		const code = opcode & 0xf0;
		if ((kind === 5 || kind === 6) && code !== 0x90 && code !== 0x80) {
			const target = i + 1 + (opcode === 0x06 ? imm : off);
			if (target < subprogram.start || target >= subprogram.end)
				log.reject("EINVAL", `jump out of range from insn ${i} to ${target}`);
		}
		if (i === subprogram.end - 1) {
			if (opcode !== 0x95 && opcode !== 0x05 && opcode !== 0x06)
				log.reject("EINVAL", "last insn is not an exit or jmp");
			current++;
		}
	}
}

/** Index of the subprogram that starts there; -1: none. */
export function subprogramAt(subprograms: readonly Subprogram[], start: number): number {
	return subprograms.findIndex((each) => each.start === start);
}

/** The subprogram that an instruction belongs to. */
export function subprogramOf(subprograms: readonly Subprogram[], insn: number): number {
	let low = 0;
	let high = subprograms.length - 1;
	while (low < high) {
		const middle = (low + high + 1) >> 1;
		if (subprograms[middle]!.start <= insn) low = middle;
		else high = middle - 1;
	}
	return low;
}

/** Where control may go from here, calls apart: at most two places. */
export function successors(insns: readonly Insn[], index: number): readonly number[] {
	const insn = insns[index]!;
	const kind = insn.opcode & 7;
	const next = index + slotsOf(insn);
	if (kind !== 5 && kind !== 6) return [next];
	const code = insn.opcode & 0xf0;
	if (code === 0x90) return [];
	if (code === 0x80) return [next];
	if (code === 0x00) return [index + 1 + (kind === 6 ? insn.imm : insn.off)];
	const target = index + 1 + insn.off;
	return target === next ? [next] : [next, target];
}
