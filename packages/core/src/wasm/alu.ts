import type { Decoded, RowOf } from "../isa/index.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

type AluRow = RowOf<"alu">;

/** Operations that are one WebAssembly instruction: [32 bit, 64 bit]. Shifts mask their count as eBPF does. */
const SIMPLE: Partial<Record<AluRow["alu"], readonly [number, number]>> = {
	add: [W.i32_add, W.i64_add],
	sub: [W.i32_sub, W.i64_sub],
	mul: [W.i32_mul, W.i64_mul],
	or: [W.i32_or, W.i64_or],
	and: [W.i32_and, W.i64_and],
	xor: [W.i32_xor, W.i64_xor],
	lsh: [W.i32_shl, W.i64_shl],
	rsh: [W.i32_shr_u, W.i64_shr_u],
	arsh: [W.i32_shr_s, W.i64_shr_s],
};

/** dst = dst op operand. */
export function alu(t: Translator, d: Decoded, row: AluRow): void {
	const { dst } = d.insn;
	const wide = row.bits === 64;
	if (row.alu === "mov") {
		operand(t, d, wide);
		if (wide) {
			t.pop(dst);
			if (d.operand === "x" && d.insn.src !== 10) t.same(dst, d.insn.src);
		} else t.pop32(dst);
		return;
	}
	if (wide && rotate(t, d, row)) return;
	const simple = SIMPLE[row.alu];
	if (simple !== undefined) {
		if (wide) t.push(dst);
		else t.push32(dst);
		operand(t, d, wide);
		t.writer.op(simple[wide ? 1 : 0]);
	} else divide(t, d, row, wide);
	if (wide) t.pop(dst);
	else t.pop32(dst);
}

/**
 * Shifts by a constant are remembered, and an or (xor, add) of two that make a rotation is one. Whether the
 * instruction was done here.
 */
function rotate(t: Translator, d: Decoded, row: AluRow): boolean {
	const { dst, src, imm } = d.insn;
	const { writer: w } = t;
	if (!t.context.options.passes) return false;
	if (d.operand === "k" && (row.alu === "lsh" || row.alu === "rsh") && imm > 0 && imm < 64) {
		const from = t.beforeShift(dst);
		t.push(dst);
		w.i64(imm);
		w.op(row.alu === "lsh" ? W.i64_shl : W.i64_shr_u);
		t.pop(dst);
		t.afterShift(dst, from, row.alu === "lsh", imm);
		return true;
	}
	if (d.operand !== "x" || (row.alu !== "or" && row.alu !== "xor" && row.alu !== "add") || src === 10)
		return false;
	const found = t.rotation(dst, src);
	if (found === undefined) return false;
	w.get(found.kept);
	w.i64(found.by);
	w.op(W.i64_rotl);
	t.pop(dst);
	return true;
}

function operand(t: Translator, d: Decoded, wide: boolean): void {
	if (d.operand === "k") {
		if (wide) t.writer.i64(d.insn.imm);
		else t.writer.i32(d.insn.imm);
	} else if (wide) t.push(d.insn.src);
	else t.push32(d.insn.src);
}

const DIVISION: Partial<Record<AluRow["alu"], readonly [number, number]>> = {
	div: [W.i32_div_u, W.i64_div_u],
	mod: [W.i32_rem_u, W.i64_rem_u],
	sdiv: [W.i32_div_s, W.i64_div_s],
	smod: [W.i32_rem_s, W.i64_rem_s],
};

/**
 * Quotient and remainder (RFC 9669 section 4.1): by zero a quotient is 0 and a remainder the dividend; the minimum
 * by -1 is itself. WebAssembly traps on both, so they are told apart before.
 */
function divide(t: Translator, d: Decoded, row: AluRow, wide: boolean): void {
	const { writer: w } = t;
	const { dst, src, imm } = d.insn;
	const op = DIVISION[row.alu]![wide ? 1 : 0];
	const type = wide ? T.i64 : T.i32;
	const dividend = () => (wide ? t.push(dst) : t.push32(dst));
	const number = (n: number) => (wide ? w.i64(n) : w.i32(n));
	const isRemainder = row.alu === "mod" || row.alu === "smod";
	const isSigned = row.alu === "sdiv" || row.alu === "smod";
	if (d.operand === "k") {
		if (imm === 0) {
			if (isRemainder) dividend();
			else number(0);
		} else if (isSigned && imm === -1) {
			number(0);
			if (!isRemainder) {
				dividend();
				w.op(wide ? W.i64_sub : W.i32_sub);
			}
		} else {
			dividend();
			number(imm);
			w.op(op);
		}
		return;
	}
	const divisor = () => (wide ? t.push(src) : t.push32(src));
	divisor();
	w.op(wide ? W.i64_eqz : W.i32_eqz);
	w.op(W.if, type);
	if (isRemainder) dividend();
	else number(0);
	w.op(W.else);
	if (isSigned && !isRemainder) {
		// x / -1 is -x, which wraps where the division would trap
		divisor();
		number(-1);
		w.op(wide ? W.i64_eq : W.i32_eq);
		w.op(W.if, type);
		number(0);
		dividend();
		w.op(wide ? W.i64_sub : W.i32_sub);
		w.op(W.else);
		dividend();
		divisor();
		w.op(op, W.end);
	} else if (wide && !isSigned && t.context.options.passes) {
		// 32-bit division is faster than that of 64 bits (measured: prime 1.01 of the kernel's time without)
		dividend();
		divisor();
		w.op(W.i64_or);
		w.i64(32);
		w.op(W.i64_shr_u, W.i64_eqz, W.if, type);
		t.push32(dst);
		t.push32(src);
		w.op(DIVISION[row.alu]![0], W.i64_extend_i32_u, W.else);
		dividend();
		divisor();
		w.op(op, W.end);
	} else {
		dividend();
		divisor();
		w.op(op);
	}
	w.op(W.end);
}

export function negate(t: Translator, d: Decoded, row: RowOf<"neg">): void {
	const { dst } = d.insn;
	if (row.bits === 64) {
		t.writer.i64(0);
		t.push(dst);
		t.writer.op(W.i64_sub);
		t.pop(dst);
	} else {
		t.writer.i32(0);
		t.push32(dst);
		t.writer.op(W.i32_sub);
		t.pop32(dst);
	}
}

/** Sign extension to 64 bits, by the bytes that are there. */
export const SIGN_EXTEND: Readonly<Record<1 | 2 | 4, number>> = {
	1: W.i64_extend8_s,
	2: W.i64_extend16_s,
	4: W.i64_extend32_s,
};

export function movsx(t: Translator, d: Decoded, row: RowOf<"movsx">): void {
	const { dst, src } = d.insn;
	if (row.bits === 64) {
		t.push(src);
		t.writer.op(SIGN_EXTEND[(row.from / 8) as 1 | 2 | 4]);
		t.pop(dst);
	} else {
		t.push32(src);
		t.writer.op({ 8: W.i32_extend8_s, 16: W.i32_extend16_s }[row.from]);
		t.pop32(dst);
	}
}

/** le truncates, be and bswap swap: memory is little-endian. */
export function endian(t: Translator, d: Decoded, row: RowOf<"endian">): void {
	const { writer: w } = t;
	const { dst } = d.insn;
	if (row.order === "le") {
		if (row.bits === 64) return;
		t.push(dst);
		w.i64(row.bits === 16 ? 0xffff : -1, 0);
		w.op(W.i64_and);
		t.pop(dst);
		return;
	}
	if (row.bits === 64) {
		// the halves swapped, each swapped in itself
		t.push32(dst);
		swap32(t);
		w.op(W.i64_extend_i32_u);
		w.i64(32);
		w.op(W.i64_shl);
		t.push(dst);
		w.i64(32);
		w.op(W.i64_shr_u, W.i32_wrap_i64);
		swap32(t);
		w.op(W.i64_extend_i32_u, W.i64_or);
		t.pop(dst);
		return;
	}
	t.push32(dst);
	if (row.bits === 16) swap16(t);
	else swap32(t);
	t.pop32(dst);
}

/** The low half of the i32 on the stack with its bytes reversed. */
function swap16(t: Translator): void {
	const { writer: w } = t;
	w.tee(t.a32);
	w.i32(8);
	w.op(W.i32_shl);
	w.i32(0xff00);
	w.op(W.i32_and);
	w.get(t.a32);
	w.i32(8);
	w.op(W.i32_shr_u);
	w.i32(0xff);
	w.op(W.i32_and, W.i32_or);
}

/** The i32 on the stack with its bytes reversed: two rotations, each right for every other byte. */
function swap32(t: Translator): void {
	const { writer: w } = t;
	w.tee(t.a32);
	w.i32(8);
	w.op(W.i32_rotl);
	w.i32(0x00ff00ff);
	w.op(W.i32_and);
	w.get(t.a32);
	w.i32(24);
	w.op(W.i32_rotl);
	w.i32(0xff00ff00 | 0);
	w.op(W.i32_and, W.i32_or);
}

type Condition = RowOf<"jcond">["cond"];

/** Comparisons: [32 bit, 64 bit], and the one that holds where this doesn't. */
export const COMPARE: Record<
	Exclude<Condition, "jset">,
	readonly [number, number, Exclude<Condition, "jset">]
> = {
	jeq: [W.i32_eq, W.i64_eq, "jne"],
	jne: [W.i32_ne, W.i64_ne, "jeq"],
	jgt: [W.i32_gt_u, W.i64_gt_u, "jle"],
	jge: [W.i32_ge_u, W.i64_ge_u, "jlt"],
	jlt: [W.i32_lt_u, W.i64_lt_u, "jge"],
	jle: [W.i32_le_u, W.i64_le_u, "jgt"],
	jsgt: [W.i32_gt_s, W.i64_gt_s, "jsle"],
	jsge: [W.i32_ge_s, W.i64_ge_s, "jslt"],
	jslt: [W.i32_lt_s, W.i64_lt_s, "jsge"],
	jsle: [W.i32_le_s, W.i64_le_s, "jsgt"],
};

/** Pushes whether a conditional jump is taken, 1 or 0; `negated`: whether it isn't. */
export function condition(t: Translator, d: Decoded, negated = false): void {
	const { row, insn } = d;
	if (row.family !== "jcond") return;
	const wide = row.bits === 64;
	if (wide) t.push(insn.dst);
	else t.push32(insn.dst);
	operand(t, d, wide);
	if (row.cond === "jset") {
		t.writer.op(wide ? W.i64_and : W.i32_and);
		if (negated) t.writer.op(wide ? W.i64_eqz : W.i32_eqz);
		else if (wide) {
			t.writer.i64(0);
			t.writer.op(W.i64_ne);
		} else {
			t.writer.i32(0);
			t.writer.op(W.i32_ne);
		}
		return;
	}
	const cond = negated ? COMPARE[row.cond][2] : row.cond;
	t.writer.op(COMPARE[cond][wide ? 1 : 0]);
}
