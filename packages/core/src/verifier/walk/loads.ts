import { type Insn, LDDW } from "../../isa/index.ts";
import { PROGRAM_TYPES } from "../data/index.ts";
import { subprogramAt } from "../program/subprograms.ts";
import { REG_STATE } from "../state/layout.ts";
import { kindOf, REG, typeName } from "../state/types.ts";
import { boundsSanity } from "./alu.ts";
import { clearCallerSaved, leave } from "./calls.ts";
import { checkMemory, checkPtrOff } from "./memory.ts";
import { checkLeaks } from "./references.ts";
import type { Walk } from "./walk.ts";

const SIZES = [4, 2, 1, 8];
const sizeOf = (opcode: number): number => SIZES[(opcode >> 3) & 3]!;

/** r`dst` = what 64 bits an lddw stands for (check_ld_imm). */
export function checkLoadImm(w: Walk, insn: Insn): void {
	const { core, env } = w;
	const { log } = env;
	const { dst, src, off, imm } = insn;
	if (off !== 0) log.reject("EINVAL", "BPF_LD_IMM64 uses reserved fields");
	w.write(dst);
	const reg = w.reg(dst);
	if (src === LDDW.IMM) {
		core.markConst(reg, imm, env.insns[w.insnIdx + 1]!.imm);
		w.insnIdx += 2;
		return;
	}
	core.clearReg(reg);
	if (src === LDDW.BTF_ID) env.notModelled("lddw of a kernel variable");
	if (src === LDDW.FUNC) {
		const subprog = subprogramAt(env.subprograms, w.insnIdx + imm + 1);
		const callee = env.subprograms[subprog]!;
		if (callee.typeId === 0) log.reject("EINVAL", "missing btf func_info");
		if (callee.global) log.reject("EINVAL", "callback function not static");
		core.markPointer(reg, REG.FUNC);
		core.set(reg, REG_STATE.AUX, subprog);
	} else {
		const map = env.aux.mapIndex[w.insnIdx]!;
		const value = src === LDDW.MAP_VALUE || src === LDDW.MAP_IDX_VALUE;
		core.markPointer(reg, value ? REG.MAP_VALUE : REG.MAP_PTR);
		core.set(reg, REG_STATE.AUX, map);
		if (value) core.set(reg, REG_STATE.OFF, env.aux.mapOffset[w.insnIdx]!);
	}
	w.insnIdx += 2;
}

/** LD_ABS and LD_IND: r0 = bytes of the packet; outside of it the program ends (check_ld_abs). */
export function checkLoadAbs(w: Walk, { opcode, dst, src, off }: Insn): void {
	const { core, env } = w;
	const { log } = env;
	const indirect = (opcode & 0xe0) === 0x40;
	if (PROGRAM_TYPES[env.type]?.ldAbs !== true)
		log.reject("EINVAL", "BPF_LD_[ABS|IND] instructions not allowed for this program type");
	if (dst !== 0 || off !== 0 || sizeOf(opcode) === 8 || (!indirect && src !== 0))
		log.reject("EINVAL", "BPF_LD_[ABS|IND] uses reserved fields");
	w.read(6);
	checkLeaks(w, "BPF_LD_[ABS|IND]", false, true);
	if (w.type(6) !== REG.CTX) log.reject("EINVAL", "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
	if (indirect) w.read(src);
	checkPtrOff(w, w.reg(6), 6);
	clearCallerSaved(w, w.frame());
	w.markUnknown(0);
	core.set(w.reg(0), REG_STATE.SUBREG_DEF, w.insnIdx + 1);
	if (w.curframe > 0) {
		// outside of the packet a subprogram returns 0
		w.push(w.insnIdx + 1, w.insnIdx);
		core.markKnownZero(w.reg(0));
		leave(w);
		return;
	}
	w.insnIdx++;
}

/** One instruction reaches memory through one kind of pointer, where kinds are converted differently (save_aux_ptr_type). */
export function saveType(w: Walk, type: number): void {
	const before = w.env.aux.ptrType[w.insnIdx]!;
	if (before === 0) {
		w.env.aux.ptrType[w.insnIdx] = type;
		return;
	}
	if (before === type || (!unlike(before) && !unlike(type))) return;
	w.env.log.reject("EINVAL", "same insn cannot be used with different pointers");
}

/** Kinds whose accesses the kernel rewrites (reg_type_mismatch_ok is false). */
const unlike = (type: number): boolean => {
	switch (kindOf(type)) {
		case REG.CTX:
		case REG.SOCKET:
		case REG.SOCK_COMMON:
		case REG.TCP_SOCK:
		case REG.XDP_SOCK:
		case REG.BTF_ID:
		case REG.ARENA:
			return true;
		default:
			return false;
	}
};

export function checkLoad(w: Walk, insn: Insn, strictOnce = false): void {
	const signed = (insn.opcode & 0xe7) === 0x81;
	w.read(insn.src);
	w.write(insn.dst);
	const type = w.type(insn.src);
	checkMemory(w, insn.src, insn.off, sizeOf(insn.opcode), "read", insn.dst, strictOnce, signed);
	saveType(w, type);
	boundsSanity(w, w.reg(insn.dst));
}

export function checkStoreReg(w: Walk, insn: Insn, strictOnce = false): void {
	w.read(insn.src);
	w.read(insn.dst);
	const type = w.type(insn.dst);
	checkMemory(w, insn.dst, insn.off, sizeOf(insn.opcode), "write", insn.src, strictOnce);
	saveType(w, type);
}

export function checkStoreImm(w: Walk, insn: Insn): void {
	if ((insn.opcode & 0xe0) !== 0x60 || insn.src !== 0)
		w.env.log.reject("EINVAL", "BPF_ST uses reserved fields");
	w.read(insn.dst);
	const type = w.type(insn.dst);
	checkMemory(w, insn.dst, insn.off, sizeOf(insn.opcode), "write", -1);
	saveType(w, type);
}

/** Kinds of memory that have no atomic operations. */
const noAtomics = (type: number): boolean => {
	switch (type) {
		case REG.CTX:
		case REG.PACKET:
		case REG.PACKET_META:
		case REG.FLOW_KEYS:
		case REG.SOCKET:
		case REG.SOCK_COMMON:
		case REG.TCP_SOCK:
		case REG.XDP_SOCK:
			return true;
		default:
			return false;
	}
};

/** Atomic operations, load-acquire and store-release (check_atomic). */
export function checkAtomic(w: Walk, insn: Insn): void {
	const { log } = w.env;
	const { imm, dst, src } = insn;
	switch (imm) {
		case 0x00:
		case 0x40:
		case 0x50:
		case 0xa0:
		case 0x01:
		case 0x41:
		case 0x51:
		case 0xa1:
		case 0xe1:
		case 0xf1:
			atomicUpdate(w, insn);
			return;
		case 0x100:
			checkLoad(w, insn, true);
			if (noAtomics(w.type(src)))
				log.reject("EACCES", `BPF_ATOMIC loads from R${src} ${typeName(w.type(src))} is not allowed`);
			return;
		case 0x110:
			checkStoreReg(w, insn, true);
			if (noAtomics(w.type(dst)))
				log.reject("EACCES", `BPF_ATOMIC stores into R${dst} ${typeName(w.type(dst))} is not allowed`);
			return;
		default:
			log.reject(
				"EINVAL",
				`BPF_ATOMIC uses invalid atomic opcode ${(imm >>> 0).toString(16).padStart(2, "0")}`,
			);
	}
}

function atomicUpdate(w: Walk, { opcode, dst, src, off, imm }: Insn): void {
	const { log } = w.env;
	const size = sizeOf(opcode);
	if (size !== 4 && size !== 8) log.reject("EINVAL", "invalid atomic operand size");
	w.read(src);
	w.read(dst);
	const exchange = imm === 0xf1;
	if (exchange) {
		w.read(0);
		if (w.isPointerValue(0)) log.reject("EACCES", "R0 leaks addr into mem");
	}
	if (w.isPointerValue(src)) log.reject("EACCES", `R${src} leaks addr into mem`);
	if (noAtomics(w.type(dst)))
		log.reject("EACCES", `BPF_ATOMIC stores into R${dst} ${typeName(w.type(dst))} is not allowed`);
	let loaded = -1;
	if (imm & 1) {
		loaded = exchange ? 0 : src;
		w.write(loaded);
		w.markUnknown(loaded);
	}
	// the value must be readable as a number even where nothing is loaded
	checkMemory(w, dst, off, size, "read", -1, true);
	if (loaded >= 0) checkMemory(w, dst, off, size, "read", loaded, true);
	checkMemory(w, dst, off, size, "write", -1, true);
}
