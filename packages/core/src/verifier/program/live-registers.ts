import type { Insn } from "../../isa/index.ts";
import { slotsOf } from "../../isa/index.ts";
import type { InsnAux } from "./aux.ts";
import { successors } from "./subprograms.ts";

const CALLER_SAVED = 0x3f;
const ALL = 0xffff;

/** How many of r1 to r5 a helper or kernel function takes; undefined: unknown, or a subprogram. */
export type ParameterCount = (insn: Insn) => number | undefined;

/**
 * Which registers are live before each instruction, subprogram by subprogram (kernel: compute_live_registers). Dead
 * ones don't matter when two states are compared.
 */
export function computeLiveRegisters(insns: readonly Insn[], aux: InsnAux, parameters: ParameterCount): void {
	const use = new Uint16Array(insns.length);
	const def = new Uint16Array(insns.length);
	const targets: (readonly number[])[] = [];
	for (let i = 0; i < insns.length; i++) {
		const insn = insns[i]!;
		[use[i], def[i]] = effects(insn, parameters);
		targets.push(successors(insns, i));
		if (slotsOf(insn) === 2) {
			targets.push([]);
			i++;
		}
	}
	const live = aux.liveRegs;
	for (let changed = true; changed; ) {
		changed = false;
		for (let i = insns.length - 1; i >= 0; i--) {
			let out = 0;
			for (const next of targets[i]!) out |= live[next]!;
			const before = (out & ~def[i]!) | use[i]!;
			if (before === live[i]) continue;
			live[i] = before;
			changed = true;
		}
	}
}

function effects(insn: Insn, parameters: ParameterCount): [use: number, def: number] {
	const { opcode, dst, src, imm } = insn;
	const d = 1 << dst;
	const s = 1 << src;
	const mode = opcode & 0xe0;
	const code = opcode & 0xf0;
	const x = (opcode & 8) !== 0;
	switch (opcode & 7) {
		case 0:
			return opcode === 0x18 ? [0, d] : opcode === 0 ? [0, 0] : [ALL, 0];
		case 1:
			return [s, d];
		case 2:
			return [d, 0];
		case 3:
			if (mode !== 0xc0) return [d | s, 0];
			if (imm === 0xf1) return [1 | d | s, 1];
			if (imm === 0x100) return [s, d];
			if (imm === 0x110) return [d | s, 0];
			return [d | s, imm & 1 ? s : 0];
		case 4:
		case 7:
			if (code === 0xd0) return [d, d];
			if (code === 0xb0) return [x ? s : 0, d];
			return [x ? d | s : d, d];
		default:
			if (code === 0x00 || code === 0xe0) return [0, 0];
			if (code === 0x90) return [1, 0];
			if (code === 0x80) {
				const count = parameters(insn);
				return [count === undefined ? CALLER_SAVED & ~1 : ((1 << count) - 1) << 1, CALLER_SAVED];
			}
			return [x ? d | s : d, 0];
	}
}
