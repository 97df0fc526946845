/** Instructions for the probes of the kernel, a call each. */
import type { Insn } from "@tailhop/core";

export const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({
	opcode,
	dst,
	src,
	off,
	imm,
});
export const move = (dst: number, imm: number) => insn(0xb7, dst, 0, 0, imm);
export const copy = (dst: number, src: number) => insn(0xbf, dst, src);
export const add = (dst: number, imm: number) => insn(0x07, dst, 0, 0, imm);
export const call = (id: number) => insn(0x85, 0, 0, 0, id);
export const lddw = (dst: number, src: number, imm: number) => [insn(0x18, dst, src, 0, imm), insn(0)];
export const EXIT = insn(0x95);
