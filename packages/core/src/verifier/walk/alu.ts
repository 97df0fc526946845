import type { Insn } from "../../isa/index.ts";
import { markChainPrecision } from "../prune/precision.ts";
import { REG_STATE } from "../state/layout.ts";
import { REG } from "../state/types.ts";
import { adjustPointer, sanitizeScalar } from "./pointer-alu.ts";
import { assignScalarId, clearScalarId } from "./stack.ts";
import type { Walk } from "./walk.ts";

const OP = {
	DIV: 0x30,
	LSH: 0x60,
	RSH: 0x70,
	NEG: 0x80,
	MOD: 0x90,
	MOV: 0xb0,
	ARSH: 0xc0,
	END: 0xd0,
	SUB: 0x10,
};
const SYMBOLS = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>="];
export const aluSymbol = (code: number): string => SYMBOLS[code >> 4]!;

/** Arithmetic and moves (check_alu_op). */
export function checkAlu(w: Walk, insn: Insn): void {
	const { opcode, dst } = insn;
	const code = opcode & 0xf0;
	if (code === OP.END || code === OP.NEG) unary(w, insn, code);
	else if (code === OP.MOV) move(w, insn);
	else if (code > OP.END) w.env.log.reject("EINVAL", `invalid BPF_ALU opcode ${code.toString(16)}`);
	else binary(w, insn, code);
	boundsSanity(w, w.reg(dst));
}

/** What the bounds say of each other must hold; where it doesn't, nothing is known (reg_bounds_sanity_check). */
export function boundsSanity(w: Walk, reg: number): void {
	const { core } = w;
	const violation = core.boundsViolation(reg);
	if (violation === 0) return;
	if (w.env.flags.testRegInvariants === true) w.env.log.reject("EFAULT", "REG INVARIANTS VIOLATION");
	core.markUnbounded(reg);
}

function unary(w: Walk, { opcode, dst, src, off, imm }: Insn, code: number): void {
	const { log } = w.env;
	const wide = (opcode & 7) === 7;
	if (code === OP.NEG) {
		if (opcode & 8 || src !== 0 || off !== 0 || imm !== 0)
			log.reject("EINVAL", "BPF_NEG uses reserved fields");
	} else if (src !== 0 || off !== 0 || (imm !== 16 && imm !== 32 && imm !== 64) || (wide && opcode & 8))
		log.reject("EINVAL", "BPF_END uses reserved fields");
	w.read(dst);
	if (w.isPointerValue(dst)) log.reject("EACCES", `R${dst} pointer arithmetic prohibited`);
	w.write(dst);
	const reg = w.reg(dst);
	if (!w.core.isScalar(reg)) w.markUnknown(dst);
	else if (code === OP.NEG) w.core.alu(OP.NEG, !wide, reg, reg, w.env.privileges.bpf ? 1 : 0);
	else w.core.byteSwap(reg, imm / 8, wide || (opcode & 8) !== 0);
}

function move(w: Walk, { opcode, dst, src, off, imm }: Insn): void {
	const { core } = w;
	const { log } = w.env;
	const wide = (opcode & 7) === 7;
	const reserved = () => log.reject("EINVAL", "BPF_MOV uses reserved fields");
	if (opcode & 8) {
		if (wide && off === 1) {
			if (imm !== 1 && imm !== 1 << 16)
				log.reject("EINVAL", "addr_space_cast insn can only convert between address space 1 and 0");
			log.reject("EINVAL", "addr_space_cast insn can only be used in a program that has an associated arena");
		}
		if ((off !== 0 && off !== 8 && off !== 16 && !(wide && off === 32)) || imm !== 0) reserved();
		w.read(src);
	} else if (src !== 0 || off !== 0) reserved();
	w.write(dst);
	const to = w.reg(dst);
	if (!(opcode & 8)) {
		core.markConst(to, imm, wide ? imm >> 31 : 0);
		return;
	}
	const from = w.reg(src);
	if (wide && off === 0) {
		assignScalarId(w, from);
		core.copyReg(to, from);
		core.set(to, REG_STATE.SUBREG_DEF, 0);
		return;
	}
	if (w.isPointerValue(src))
		log.reject("EACCES", `R${src} ${wide ? "sign-extension part" : "partial copy"} of pointer`);
	if (!core.isScalar(from)) {
		w.markUnknown(dst);
		if (!wide) core.assignInto32(to);
		return;
	}
	// a move that changes nothing keeps the two alike
	const bits = off === 0 ? 32 : off - 1;
	const same = core.unsignedNumber(from, REG_STATE.UMAX) < 2 ** bits;
	if (same) assignScalarId(w, from);
	core.copyReg(to, from);
	if (!same) clearScalarId(w, to);
	core.set(to, REG_STATE.SUBREG_DEF, wide ? 0 : w.insnIdx + 1);
	if (off === 0) core.assignInto32(to);
	else if (wide) core.coerceToSizeSx(to, off >> 3);
	else core.coerceSubregToSizeSx(to, off >> 3);
}

function binary(w: Walk, insn: Insn, code: number): void {
	const { opcode, dst, src, off, imm } = insn;
	const { log } = w.env;
	const wide = (opcode & 7) === 7;
	const divides = code === OP.DIV || code === OP.MOD;
	const x = (opcode & 8) !== 0;
	if ((x ? imm !== 0 : src !== 0) || (off !== 0 && off !== 1) || (off === 1 && !divides))
		log.reject("EINVAL", "BPF_ALU uses reserved fields");
	if (x) w.read(src);
	w.read(dst);
	if (divides && !x && imm === 0) log.reject("EINVAL", "div by zero");
	if ((code === OP.LSH || code === OP.RSH || code === OP.ARSH) && !x && (imm < 0 || imm >= (wide ? 64 : 32)))
		log.reject("EINVAL", `invalid shift ${imm}`);
	w.write(dst);
	adjust(w, insn, code, wide, x);
}

/** `&` and `|` with a constant: of a number that is 0 or -1, each is followed by itself (maybe_fork_scalars). */
function fork(w: Walk, code: number, dst: number, operand: number): void {
	const { core } = w;
	const reg = w.reg(dst);
	const width = core.forkWidth(code, reg, operand);
	if (width === 0) return;
	const other = w.push(w.insnIdx, w.insnIdx);
	core.setForked(core.reg(other.at, dst), width, 0);
	core.setForked(reg, width, -1);
}

/** adjust_reg_min_max_vals. */
function adjust(w: Walk, insn: Insn, code: number, wide: boolean, x: boolean): void {
	const { core } = w;
	const { dst, src, imm } = insn;
	const to = w.reg(dst);
	if (core.type(to) === REG.ARENA) {
		w.env.notModelled("arena");
	}
	const pointer = !core.isScalar(to);
	let operand: number;
	if (x) {
		operand = w.reg(src);
		if (!core.isScalar(operand)) {
			if (pointer) {
				if (code === OP.SUB && w.env.privileges.ptrLeaks) {
					w.markUnknown(dst);
					return;
				}
				w.env.log.reject("EACCES", `R${dst} pointer ${aluSymbol(code)} pointer prohibited`);
			}
			markChainPrecision(w, dst);
			adjustPointer(w, insn, code, operand, to);
			return;
		}
		if (pointer) {
			markChainPrecision(w, src);
			adjustPointer(w, insn, code, to, operand);
			return;
		}
		if (core.get(to, REG_STATE.PRECISE)) markChainPrecision(w, src);
	} else {
		operand = core.scratch(0);
		core.markConst(operand, imm);
		if (pointer) {
			adjustPointer(w, insn, code, to, operand);
			return;
		}
	}
	sanitizeScalar(w, insn, code);
	fork(w, code, dst, operand);
	core.alu(code, !wide, to, operand, w.env.privileges.bpf ? 1 : 0);
}
