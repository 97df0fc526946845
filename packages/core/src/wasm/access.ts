import type { Decoded, RowOf } from "../isa/index.ts";
import { SIGN_EXTEND } from "./alu.ts";
import { A, T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

/** Loads by width: zero-extended, sign-extended. */
const LOAD: Record<1 | 2 | 4 | 8, readonly [number, number]> = {
	1: [W.i64_load8_u, W.i64_load8_s],
	2: [W.i64_load16_u, W.i64_load16_s],
	4: [W.i64_load32_u, W.i64_load32_s],
	8: [W.i64_load, W.i64_load],
};
const STORE: Record<1 | 2 | 4 | 8, number> = {
	1: W.i64_store8,
	2: W.i64_store16,
	4: W.i64_store32,
	8: W.i64_store,
};

/**
 * Pushes the i32 address `base + off` as far as it must be computed; the offset for the memory operand. Below
 * 64 KiB nothing is allocated, so an offset in the operand never turns a bad address into a good one.
 */
export function address(t: Translator, base: number, off: number, exact = false): number {
	const { writer: w } = t;
	if (base === 10 && off >= -t.depth && !exact) {
		w.get(t.frame);
		return t.depth + off;
	}
	t.push32(base);
	if (off >= 0 && !exact) return off;
	if (off !== 0) {
		w.i32(off);
		w.op(W.i32_add);
	}
	return 0;
}

/** The same with the region check where it is asked for: traps below the data area. Stack accesses by r10 are known. */
function checkedAddress(t: Translator, base: number, off: number): number {
	const { regionChecks, dataBase } = t.context.options;
	if (!regionChecks || (base === 10 && off < 0 && off >= -t.depth)) return address(t, base, off);
	const { writer: w } = t;
	address(t, base, off, true);
	w.tee(t.a32);
	w.i32(dataBase);
	w.op(W.i32_lt_u, W.if, T.void, W.unreachable);
	w.op(W.end);
	w.get(t.a32);
	return 0;
}

export function load(t: Translator, d: Decoded, row: RowOf<"ldx" | "ldsx" | "load_acquire">): void {
	const { dst, src, off } = d.insn;
	const { writer: w } = t;
	const slot = t.slot(src, off);
	if (slot !== undefined) {
		w.get(slot.local);
		if (row.family === "ldsx" && slot.size < 8) w.op(SIGN_EXTEND[slot.size as 1 | 2 | 4]);
		t.pop(dst);
		return;
	}
	const op = LOAD[row.size][row.family === "ldsx" ? 1 : 0];
	const elsewhere = t.context.options.contextAccess.load(t.context.unit.program.type, off, row.size);
	if (elsewhere !== 0 && src !== 10) {
		// a narrow part of a context field whose bytes lie in another place, if this is the context
		isContext(t, src);
		w.op(W.if, T.i64);
		t.push32(src);
		w.memory(op, off + elsewhere);
		w.op(W.else);
		w.memory(op, checkedAddress(t, src, off));
		w.op(W.end);
		t.pop(dst);
		return;
	}
	const ones = row.family === "ldx" && src !== 10 && t.context.options.contextAccess.ones(off, row.size);
	if (ones) {
		t.push32(src);
		w.i32(off);
		w.op(W.i32_add);
		w.set(t.b32);
	}
	w.memory(op, checkedAddress(t, src, off));
	t.pop(dst);
	if (ones) widenOnes(t, dst, row.size);
}

/** A register that holds ones only, loaded from the address in b32: 64 of them if that is such a field of a socket. */
function widenOnes(t: Translator, dst: number, size: number): void {
	const { writer: w } = t;
	t.push(dst);
	w.i64(size === 2 ? 0xffff : -1, 0);
	w.op(W.i64_eq, W.if, T.void);
	w.get(t.b32);
	w.call(t.context.imports.named("socketOnes"));
	w.op(W.if, T.void);
	w.i64(-1);
	t.pop(dst);
	w.op(W.end, W.end);
}

/** Pushes whether a register holds the running invocation's context. */
function isContext(t: Translator, register: number): void {
	const { writer: w } = t;
	t.push32(register);
	w.i32(0);
	w.memory(W.i32_load, t.context.options.contextWord, 2);
	w.op(W.i32_eq);
}

export function store(t: Translator, d: Decoded, row: RowOf<"st" | "stx" | "store_release">): void {
	const { dst, src, off, imm } = d.insn;
	const { writer: w } = t;
	const value = () => (row.family === "st" ? w.i64(imm) : t.push(src));
	const slot = t.slot(dst, off);
	if (slot !== undefined) {
		value();
		if (slot.size === 4) w.op(W.i32_wrap_i64, W.i64_extend_i32_u);
		else if (slot.size < 4) {
			w.i64(slot.size === 1 ? 0xff : 0xffff);
			w.op(W.i64_and);
		}
		w.set(slot.local);
		return;
	}
	const converts = dst !== 10 && t.context.options.contextAccess.store(t.context.unit.program.type, off);
	if (converts) {
		isContext(t, dst);
		w.op(W.if, T.void);
		address(t, dst, off, true);
		w.i32(row.size);
		value();
		w.op(W.i32_wrap_i64);
		value();
		w.i64(32);
		w.op(W.i64_shr_u, W.i32_wrap_i64);
		w.i32(row.family === "st" ? 1 : 0);
		w.call(t.context.imports.named("storeContext"));
		w.op(W.else);
	}
	const offset = checkedAddress(t, dst, off);
	value();
	w.memory(STORE[row.size], offset);
	if (converts) w.op(W.end);
}

const RMW: Record<RowOf<"atomic">["atomic"], readonly [number, number]> = {
	add: [A.i32_add, A.i64_add],
	or: [A.i32_or, A.i64_or],
	and: [A.i32_and, A.i64_and],
	xor: [A.i32_xor, A.i64_xor],
	xchg: [A.i32_xchg, A.i64_xchg],
	cmpxchg: [A.i32_cmpxchg, A.i64_cmpxchg],
};

export function atomic(t: Translator, d: Decoded, row: RowOf<"atomic">): void {
	const { dst, src, off } = d.insn;
	const { writer: w } = t;
	const wide = row.bits === 64;
	const push = (register: number) => (wide ? t.push(register) : t.push32(register));
	const offset = checkedAddress(t, dst, off);
	if (row.atomic === "cmpxchg") push(0);
	push(src);
	w.atomic(RMW[row.atomic][wide ? 1 : 0], offset, wide ? 3 : 2);
	if (!row.fetch) {
		w.op(W.drop);
		return;
	}
	const result = row.atomic === "cmpxchg" ? 0 : src;
	if (wide) t.pop(result);
	else t.pop32(result);
}
