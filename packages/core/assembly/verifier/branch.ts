// Conditional jumps: is the outcome known, and what does it say of the operands.

import { boundsSync } from "./bounds";
import { add } from "./alu";
import { zext32 } from "./extend";
import {
	BPF_ADD_CONST, BPF_ADD_CONST32, ID, OFF, OWN_SCRATCH, S32_MAX, S32_MIN, SCALAR, SMAX, SMIN, SUBREG_DEF, TYPE, U32_MAX, U32_MIN, UMAX,
	UMIN,
} from "./layout";
import {
	copyReg, intersectS32, intersectS64, intersectU32, intersectU64, isConst, isConst32, lowerS32max, lowerSmax,
	lowerU32max, lowerUmax, markKnown64, markUnbounded, mask, mask32, raiseS32min, raiseSmin, raiseU32min, raiseUmin,
	s32max, s32min, setS32, setS64, setSubTnum, setTnum, setU32, setU64, smax, smin, typeOf, u32max, u32min, umax, umin, value, value32,
} from "./reg";
import { tm, tnum, tnumAnd, tnumIntersect, tnumOr, tnumOverlap, tv } from "./tnum";
import { loadI32, loadU32, storeI32, storeI64, storeU32, storeU64 } from "./words";

const DELTA: usize = OWN_SCRATCH;

export const JEQ: u32 = 0x10;
export const JGT: u32 = 0x20;
export const JGE: u32 = 0x30;
export const JSET: u32 = 0x40;
export const JNE: u32 = 0x50;
export const JSGT: u32 = 0x60;
export const JSGE: u32 = 0x70;
export const JLT: u32 = 0xa0;
export const JLE: u32 = 0xb0;
export const JSLT: u32 = 0xc0;
export const JSLE: u32 = 0xd0;
/** No jump of the instruction set: none of these bits is set. */
const JNSET: u32 = 0x48;

/** The value is known in the jump's width: its ranges are not asked. */
function isKnown(r: usize, jmp32: bool): bool {
	return jmp32 ? isConst32(r) : isConst(r);
}
function knownValue(r: usize, jmp32: bool): u64 {
	return jmp32 ? value32(r) : value(r);
}

// compares in the jump's width

function unsignedMin(r: usize, jmp32: bool): u64 { return jmp32 ? u64(u32min(r)) : umin(r); }
function unsignedMax(r: usize, jmp32: bool): u64 { return jmp32 ? u64(u32max(r)) : umax(r); }
function signedMin(r: usize, jmp32: bool): i64 { return jmp32 ? i64(s32min(r)) : smin(r); }
function signedMax(r: usize, jmp32: bool): i64 { return jmp32 ? i64(s32max(r)) : smax(r); }

/** No number is in both. */
function disjoint(a: usize, b: usize, jmp32: bool): bool {
	const overlap = jmp32
		? tnumOverlap(value32(a), mask32(a), value32(b), mask32(b))
		: tnumOverlap(value(a), mask(a), value(b), mask(b));
	if (!overlap) return true;
	if (u32min(a) > u32max(b) || u32max(a) < u32min(b)) return true;
	if (s32min(a) > s32max(b) || s32max(a) < s32min(b)) return true;
	if (jmp32) return false;
	return umin(a) > umax(b) || umax(a) < umin(b) || smin(a) > smax(b) || smax(a) < smin(b);
}

/** a > b (or a >= b): 1, 0 or -1. */
function above(a: usize, b: usize, orEqual: bool, jmp32: bool): i32 {
	const low = unsignedMin(a, jmp32);
	const high = unsignedMax(a, jmp32);
	const otherLow = unsignedMin(b, jmp32);
	const otherHigh = unsignedMax(b, jmp32);
	if (orEqual ? low >= otherHigh : low > otherHigh) return 1;
	return (orEqual ? high < otherLow : high <= otherLow) ? 0 : -1;
}

function signedAbove(a: usize, b: usize, orEqual: bool, jmp32: bool): i32 {
	const low = signedMin(a, jmp32);
	const high = signedMax(a, jmp32);
	const otherLow = signedMin(b, jmp32);
	const otherHigh = signedMax(b, jmp32);
	if (orEqual ? low >= otherHigh : low > otherHigh) return 1;
	return (orEqual ? high < otherLow : high <= otherLow) ? 0 : -1;
}

function anyBit(a: usize, b: usize, jmp32: bool): i32 {
	const known = isKnown(b, jmp32) ? b : a;
	const other = isKnown(b, jmp32) ? a : b;
	if (!isKnown(known, jmp32)) return -1;
	const bits = knownValue(known, jmp32);
	const v = jmp32 ? value32(other) : value(other);
	const m = jmp32 ? mask32(other) : mask(other);
	if (u64(v & bits) != 0) return 1;
	return u64(u64(v | m) & bits) == 0 ? 0 : -1;
}

/** 1 the jump is taken, 0 it never is, -1 it may be. */
export function branchTaken(op: u32, jmp32: bool, a: usize, b: usize): i32 {
	switch (op) {
		case JEQ:
			if (isKnown(a, jmp32) && isKnown(b, jmp32)) return knownValue(a, jmp32) == knownValue(b, jmp32) ? 1 : 0;
			return disjoint(a, b, jmp32) ? 0 : -1;
		case JNE:
			if (isKnown(a, jmp32) && isKnown(b, jmp32)) return knownValue(a, jmp32) != knownValue(b, jmp32) ? 1 : 0;
			return disjoint(a, b, jmp32) ? 1 : -1;
		case JSET: return anyBit(a, b, jmp32);
		case JGT: return above(a, b, false, jmp32);
		case JGE: return above(a, b, true, jmp32);
		case JLT: return above(b, a, false, jmp32);
		case JLE: return above(b, a, true, jmp32);
		case JSGT: return signedAbove(a, b, false, jmp32);
		case JSGE: return signedAbove(a, b, true, jmp32);
		case JSLT: return signedAbove(b, a, false, jmp32);
		case JSLE: return signedAbove(b, a, true, jmp32);
	}
	return -1;
}

// What a condition says of its operands. They may be one register (r1 < r1): the order of reads and writes is the
// kernel's, and so is what comes out then.

function refineEqual(a: usize, b: usize, jmp32: bool): void {
	if (jmp32) {
		intersectU32(a, u32min(b), u32max(b));
		intersectS32(a, s32min(b), s32max(b));
		setU32(b, u32min(a), u32max(a));
		setS32(b, s32min(a), s32max(a));
		tnumIntersect(value32(a), mask32(a), value32(b), mask32(b));
		const v = tv;
		const m = tm;
		setSubTnum(a);
		tnum(v, m);
		setSubTnum(b);
	} else {
		intersectU64(a, umin(b), umax(b));
		intersectS64(a, smin(b), smax(b));
		setU64(b, umin(a), umax(a));
		setS64(b, smin(a), smax(a));
		tnumIntersect(value(a), mask(a), value(b), mask(b));
		setTnum(a);
		setTnum(b);
	}
}

/** Only a known number at the very end of a range says something. */
function refineNotEqual(a: usize, known: usize, jmp32: bool): void {
	const v = knownValue(known, jmp32);
	if (jmp32) {
		const low = u32(v);
		if (u32min(a) == low) storeU32(a + U32_MIN, u32(low + 1));
		if (u32max(a) == low) storeU32(a + U32_MAX, u32(low - 1));
		if (s32min(a) == i32(low)) storeI32(a + S32_MIN, i32(i32(low) + 1));
		if (s32max(a) == i32(low)) storeI32(a + S32_MAX, i32(i32(low) - 1));
	} else {
		if (umin(a) == v) storeU64(a + UMIN, u64(v + u64(1)));
		if (umax(a) == v) storeU64(a + UMAX, u64(v - u64(1)));
		if (smin(a) == i64(v)) storeI64(a + SMIN, i64(i64(v) + i64(1)));
		if (smax(a) == i64(v)) storeI64(a + SMAX, i64(i64(v) - i64(1)));
	}
}

function refineSet(a: usize, bits: u64, jmp32: bool): void {
	// of several bits any may be the one
	if (bits == 0 || u64(bits & u64(bits - u64(1))) != 0) return;
	tnumOr(value(a), mask(a), bits, u64(0));
	if (jmp32) setSubTnum(a);
	else setTnum(a);
}

function refineNotSet(a: usize, bits: u64, jmp32: bool): void {
	// on a dead branch the ranges could contradict the bits
	markUnbounded(a);
	tnumAnd(value(a), mask(a), u64(~bits), u64(0));
	if (jmp32) setSubTnum(a);
	else setTnum(a);
}

/** a <= b, or a < b. */
function refineBelow(a: usize, b: usize, less: bool, jmp32: bool): void {
	if (jmp32) {
		const one = less ? 1 : 0;
		lowerU32max(a, u32(u32max(b) - u32(one)));
		raiseU32min(b, u32(u32min(a) + u32(one)));
	} else {
		const one = less ? u64(1) : u64(0);
		lowerUmax(a, u64(umax(b) - one));
		raiseUmin(b, u64(umin(a) + one));
	}
}

function refineSignedBelow(a: usize, b: usize, less: bool, jmp32: bool): void {
	if (jmp32) {
		const one = less ? 1 : 0;
		lowerS32max(a, i32(s32max(b) - i32(one)));
		raiseS32min(b, i32(s32min(a) + i32(one)));
	} else {
		const one = less ? i64(1) : i64(0);
		lowerSmax(a, i64(smax(b) - one));
		raiseSmin(b, i64(smin(a) + one));
	}
}

/** `a op b` is true. */
function refineOne(op: u32, jmp32: bool, a: usize, b: usize): void {
	switch (op) {
		case JEQ: refineEqual(a, b, jmp32); return;
		case JLE: refineBelow(a, b, false, jmp32); return;
		case JLT: refineBelow(a, b, true, jmp32); return;
		case JGE: refineBelow(b, a, false, jmp32); return;
		case JGT: refineBelow(b, a, true, jmp32); return;
		case JSLE: refineSignedBelow(a, b, false, jmp32); return;
		case JSLT: refineSignedBelow(a, b, true, jmp32); return;
		case JSGE: refineSignedBelow(b, a, false, jmp32); return;
		case JSGT: refineSignedBelow(b, a, true, jmp32); return;
	}
	// the rest learn from a known operand only
	const known = isKnown(b, jmp32) ? b : a;
	const other = isKnown(b, jmp32) ? a : b;
	if (!isKnown(known, jmp32)) return;
	if (op == JNE) refineNotEqual(other, known, jmp32);
	else if (op == JSET) refineSet(other, knownValue(known, jmp32), jmp32);
	else if (op == JNSET) refineNotSet(other, knownValue(known, jmp32), jmp32);
}

/** The condition that holds where the jump is not taken. */
function negated(op: u32): u32 {
	switch (op) {
		case JEQ: return JNE;
		case JNE: return JEQ;
		case JSET: return JNSET;
		case JGT: return JLE;
		case JGE: return JLT;
		case JLT: return JGE;
		case JLE: return JGT;
		case JSGT: return JSLE;
		case JSGE: return JSLT;
		case JSLT: return JSGE;
		case JSLE: return JSGT;
	}
	return op;
}

export function refine(op: u32, jmp32: bool, trueA: usize, trueB: usize, falseA: usize, falseB: usize): void {
	if (typeOf(falseA) != SCALAR || typeOf(falseB) != SCALAR) return;
	refineOne(negated(op), jmp32, falseA, falseB);
	boundsSync(falseA);
	boundsSync(falseB);
	refineOne(op, jmp32, trueA, trueB);
	boundsSync(trueA);
	boundsSync(trueB);
}

/** `r` is linked with `known`: it takes its bounds, moved by the difference of their deltas. */
export function syncLinked(r: usize, known: usize): void {
	const id = loadU32(r + ID);
	const knownId = loadU32(known + ID);
	// deltas of different widths say nothing of each other
	if (u32(u32(id ^ knownId) & BPF_ADD_CONST) == BPF_ADD_CONST) return;
	const off = loadI32(r + OFF);
	const subregDef = loadU32(r + SUBREG_DEF);
	const delta = i64(i64(off) - i64(loadI32(known + OFF)));
	copyReg(r, known);
	storeU32(r + SUBREG_DEF, subregDef);
	if (u32(u32(id | knownId) & BPF_ADD_CONST) == 0 || delta == 0) return;
	storeU32(r + ID, id);
	storeI32(r + OFF, off);
	markKnown64(DELTA, u64(delta));
	storeU32(DELTA + TYPE, SCALAR);
	add(r, DELTA);
	if (u32(u32(id | knownId) & BPF_ADD_CONST32) != 0) zext32(r);
	boundsSync(r);
}
