// Arithmetic on two scalars, and a pointer plus or minus a scalar.
// In each operation the order matters: some take the other ranges or var_off from before, some from after.

import { boundsSync, update32Bounds, updateBounds } from "./bounds";
import { coerceToSize, zext32 } from "./extend";
import {
	BPF_ADD_CONST, BPF_ADD_CONST32, BPF_ADD_CONST64, FRAMENO, ID, OFF, OWN_SCRATCH, PRECISE, REF_OBJ_ID, SUBREG_DEF,
} from "./layout";
import {
	I64_MIN, clearScalarId, copyReg, isConst, isConst32, markKnown64, markUnbounded, markUnknown, mask, mask32, s32max,
	s32min, setKnown32, setS32, setS64, setTnum, setU32, setU64, setVarOff, smax, smin, u32max, u32min,
	umax, umin, unbound32, unbound64, unboundS32, unboundS64, unboundU32, unboundU64, value, value32,
} from "./reg";
import {
	LOW32, tm, tnumAdd, tnumAnd, tnumArshift, tnumArshift32, tnumLshift, tnumMul, tnumOr, tnumRshift, tnumSub,
	tnumXor, tv,
} from "./tnum";
import { bswap64, loadI32, loadU32, storeI32, storeU32 } from "./words";

export const ADD: u32 = 0x00;
export const SUB: u32 = 0x10;
export const MUL: u32 = 0x20;
export const OR: u32 = 0x40;
export const AND: u32 = 0x50;
export const LSH: u32 = 0x60;
export const RSH: u32 = 0x70;
export const NEG: u32 = 0x80;
export const XOR: u32 = 0xa0;
export const ARSH: u32 = 0xc0;

/** What was in `src`, where it may be overwritten. */
const SRC: usize = OWN_SCRATCH;

function addOverflows(a: i64, b: i64): bool {
	const sum = i64(a + b);
	return i64(i64(a ^ sum) & i64(b ^ sum)) < 0;
}

function subOverflows(a: i64, b: i64): bool {
	const difference = i64(a - b);
	return i64(i64(a ^ b) & i64(a ^ difference)) < 0;
}

function mulOverflows(a: i64, b: i64): bool {
	if (a == 0) return false;
	if (a == -1) return b == I64_MIN;
	return i64(i64(a * b) / a) != b;
}

function umulOverflows(a: u64, b: u64): bool {
	return a != 0 && u64(u64(a * b) / a) != b;
}

function fits32(a: i64): bool {
	return a == i64(i32(a));
}

function minI64(a: i64, b: i64): i64 { return a < b ? a : b; }
function maxI64(a: i64, b: i64): i64 { return a > b ? a : b; }
function minU32(a: u32, b: u32): u32 { return a < b ? a : b; }
function maxU32(a: u32, b: u32): u32 { return a > b ? a : b; }
function minU64(a: u64, b: u64): u64 { return a < b ? a : b; }
function maxU64(a: u64, b: u64): u64 { return a > b ? a : b; }

// Sums whose ends both wrap, or neither, are still one range; 32-bit ones are calculated in 64 bits.

function addSigned64(d: usize, s: usize): void {
	if (addOverflows(smin(d), smin(s)) || addOverflows(smax(d), smax(s))) unboundS64(d);
	else setS64(d, i64(smin(d) + smin(s)), i64(smax(d) + smax(s)));
}

function add64(d: usize, s: usize): void {
	addSigned64(d, s);
	const min = u64(umin(d) + umin(s));
	const max = u64(umax(d) + umax(s));
	if (min >= umin(d) && max < umax(d)) unboundU64(d);
	else setU64(d, min, max);
}

function add32(d: usize, s: usize): void {
	const low = i64(i64(s32min(d)) + i64(s32min(s)));
	const high = i64(i64(s32max(d)) + i64(s32max(s)));
	if (fits32(low) && fits32(high)) setS32(d, i32(low), i32(high));
	else unboundS32(d);
	const min = u32(u32min(d) + u32min(s));
	const max = u32(u32max(d) + u32max(s));
	if (min >= u32min(d) && max < u32max(d)) unboundU32(d);
	else setU32(d, min, max);
}

export function add(d: usize, s: usize): void {
	add32(d, s);
	add64(d, s);
	tnumAdd(value(d), mask(d), value(s), mask(s));
	setTnum(d);
}

function subSigned64(d: usize, s: usize): void {
	if (subOverflows(smin(d), smax(s)) || subOverflows(smax(d), smin(s))) unboundS64(d);
	else setS64(d, i64(smin(d) - smax(s)), i64(smax(d) - smin(s)));
}

function sub64(d: usize, s: usize): void {
	subSigned64(d, s);
	if (umin(d) < umax(s) && umax(d) >= umin(s)) unboundU64(d);
	else setU64(d, u64(umin(d) - umax(s)), u64(umax(d) - umin(s)));
}

function sub32(d: usize, s: usize): void {
	const low = i64(i64(s32min(d)) - i64(s32max(s)));
	const high = i64(i64(s32max(d)) - i64(s32min(s)));
	if (fits32(low) && fits32(high)) setS32(d, i32(low), i32(high));
	else unboundS32(d);
	if (u32min(d) < u32max(s) && u32max(d) >= u32min(s)) unboundU32(d);
	else setU32(d, u32(u32min(d) - u32max(s)), u32(u32max(d) - u32min(s)));
}

function sub(d: usize, s: usize): void {
	sub32(d, s);
	sub64(d, s);
	tnumSub(value(d), mask(d), value(s), mask(s));
	setTnum(d);
}

function mul64(d: usize, s: usize): void {
	if (umulOverflows(umax(d), umax(s)) || umulOverflows(umin(d), umin(s))) unboundU64(d);
	else setU64(d, u64(umin(d) * umin(s)), u64(umax(d) * umax(s)));
	const a = smin(d);
	const b = smax(d);
	const x = smin(s);
	const y = smax(s);
	if (mulOverflows(a, x) || mulOverflows(a, y) || mulOverflows(b, x) || mulOverflows(b, y)) {
		unboundS64(d);
		return;
	}
	const ax = i64(a * x);
	const ay = i64(a * y);
	const bx = i64(b * x);
	const by = i64(b * y);
	setS64(d, minI64(minI64(ax, ay), minI64(bx, by)), maxI64(maxI64(ax, ay), maxI64(bx, by)));
}

function mul32(d: usize, s: usize): void {
	const low = u64(u64(u32min(d)) * u64(u32min(s)));
	const high = u64(u64(u32max(d)) * u64(u32max(s)));
	if (high > u64(0xffffffff)) unboundU32(d);
	else setU32(d, u32(low), u32(high));
	const ax = i64(i64(s32min(d)) * i64(s32min(s)));
	const ay = i64(i64(s32min(d)) * i64(s32max(s)));
	const bx = i64(i64(s32max(d)) * i64(s32min(s)));
	const by = i64(i64(s32max(d)) * i64(s32max(s)));
	const min = minI64(minI64(ax, ay), minI64(bx, by));
	const max = maxI64(maxI64(ax, ay), maxI64(bx, by));
	if (fits32(min) && fits32(max)) setS32(d, i32(min), i32(max));
	else unboundS32(d);
}

function mul(d: usize, s: usize): void {
	tnumMul(value(d), mask(d), value(s), mask(s));
	setTnum(d);
	mul32(d, s);
	mul64(d, s);
}

/**
 * The bitwise operations: var_off is calculated first, and the unsigned range given; a range without a sign's
 * change is the signed one too.
 */
function bits32(d: usize, min: u32, max: u32): void {
	setU32(d, min, max);
	if (i32(min) <= i32(max)) setS32(d, i32(min), i32(max));
	else unboundS32(d);
	update32Bounds(d);
}

function bits64(d: usize, min: u64, max: u64): void {
	setU64(d, min, max);
	if (i64(min) <= i64(max)) setS64(d, i64(min), i64(max));
	else unboundS64(d);
	updateBounds(d);
}

function bitwise(op: u32, d: usize, s: usize): void {
	if (op == AND) tnumAnd(value(d), mask(d), value(s), mask(s));
	else if (op == OR) tnumOr(value(d), mask(d), value(s), mask(s));
	else tnumXor(value(d), mask(d), value(s), mask(s));
	setTnum(d);
	// known results are set apart, because the old ranges say nothing of them
	if (isConst32(s) && isConst32(d)) {
		setKnown32(d, u32(value(d)));
	} else {
		let min = u32(value(d));
		let max = u32(u64(value(d) | mask(d)));
		if (op == AND) max = minU32(u32max(d), u32max(s));
		if (op == OR) min = maxU32(u32min(d), u32min(s));
		bits32(d, min, max);
	}
	if (isConst(s) && isConst(d)) {
		markKnown64(d, value(d));
	} else {
		let min = value(d);
		let max = u64(value(d) | mask(d));
		if (op == AND) max = minU64(umax(d), umax(s));
		if (op == OR) min = maxU64(umin(d), umin(s));
		bits64(d, min, max);
	}
}

// Shifts come here with a known amount below the width only.

function lsh32Ranges(d: usize, by: u32): void {
	unboundS32(d);
	// a bit that is shifted out leaves no range
	if (u64(u32max(d)) > u64(u64(1) << u64(u32(31 - by)))) unboundU32(d);
	else setU32(d, u32(u32min(d) << by), u32(u32max(d) << by));
}

function lsh32(d: usize, by: u32): void {
	lsh32Ranges(d, by);
	tnumLshift(value32(d), mask32(d), u64(by));
	setVarOff(d, u64(tv & LOW32), u64(tm & LOW32));
	unbound64(d);
	update32Bounds(d);
}

function lsh64(d: usize, by: u32): void {
	// compilers sign-extend by << 32 and s>> 32
	if (by == 32) setS64(d, i64(i64(s32min(d)) << i64(32)), i64(i64(s32max(d)) << i64(32)));
	else unboundS64(d);
	if (umax(d) > u64(u64(1) << u64(63 - by))) unboundU64(d);
	else setU64(d, u64(umin(d) << u64(by)), u64(umax(d) << u64(by)));
	if (by > 31) {
		unbound32(d);
	} else {
		lsh32Ranges(d, by);
	}
	tnumLshift(value(d), mask(d), u64(by));
	setTnum(d);
	updateBounds(d);
}

function rsh32(d: usize, by: u32): void {
	unboundS32(d);
	tnumRshift(value32(d), mask32(d), u64(by));
	setTnum(d);
	setU32(d, u32(u32min(d) >>> by), u32(u32max(d) >>> by));
	unbound64(d);
	update32Bounds(d);
}

function rsh64(d: usize, by: u32): void {
	unboundS64(d);
	tnumRshift(value(d), mask(d), u64(by));
	setTnum(d);
	setU64(d, u64(umin(d) >> u64(by)), u64(umax(d) >> u64(by)));
	unbound32(d);
	updateBounds(d);
}

function arsh32(d: usize, by: u32): void {
	setS32(d, i32(s32min(d) >> i32(by)), i32(s32max(d) >> i32(by)));
	tnumArshift32(value(d), mask(d), by);
	setTnum(d);
	unboundU32(d);
	unbound64(d);
	update32Bounds(d);
}

function arsh64(d: usize, by: u32): void {
	setS64(d, i64(smin(d) >> i64(by)), i64(smax(d) >> i64(by)));
	tnumArshift(value(d), mask(d), u64(by));
	setTnum(d);
	unboundU64(d);
	unbound32(d);
	updateBounds(d);
}

function shift32(op: u32, d: usize, by: u32): void {
	if (op == LSH) lsh32(d, by);
	else if (op == RSH) rsh32(d, by);
	else arsh32(d, by);
}

function shift64(op: u32, d: usize, by: u32): void {
	if (op == LSH) lsh64(d, by);
	else if (op == RSH) rsh64(d, by);
	else arsh64(d, by);
}

/** The register's value is known, and its ranges say so too (they may not, on a dead branch). */
function isConstAndRanges(r: usize): bool {
	return isConst(r) && smin(r) == smax(r) && umin(r) == umax(r);
}
function isConst32AndRanges(r: usize): bool {
	return isConst32(r) && s32min(r) == s32max(r) && u32min(r) == u32max(r);
}

/** In 32 bits too, the limit is compared with the 64-bit range. */
function shiftAmountIsKnown(s: usize, alu32: bool): bool {
	return alu32 ? isConst32AndRanges(s) && umax(s) < 32 : isConstAndRanges(s) && umax(s) < 64;
}

/** dst = dst op src in the kernel's bounds; false where it gives up. */
function compute(op: u32, alu32: bool, d: usize, s: usize): bool {
	if (op == ADD) add(d, s);
	else if (op == SUB) sub(d, s);
	else if (op == MUL) mul(d, s);
	else if (op == AND || op == OR || op == XOR) bitwise(op, d, s);
	else if (op == NEG) {
		copyReg(SRC, d);
		markKnown64(d, u64(0));
		sub(d, SRC);
	} else {
		if (op != LSH && op != RSH && op != ARSH) return false;
		if (!shiftAmountIsKnown(s, alu32)) return false;
		const by = alu32 ? u32min(s) : u32(umin(s));
		if (alu32) shift32(op, d, by);
		else shift64(op, d, by);
	}
	return true;
}

/** Bytes of var_off in reverse order, the ranges forgotten. */
export function byteSwap(d: usize, size: u32, swap: bool): void {
	if (swap) {
		const by = u64(64 - size * 8);
		setVarOff(d, u64(bswap64(value(d)) >> by), u64(bswap64(mask(d)) >> by));
		markUnbounded(d);
	}
	if (size < 8) coerceToSize(d, size);
	boundsSync(d);
	if (swap || size < 8) clearScalarId(d);
}

/**
 * A linked scalar (one with an id) plus a constant stays linked, once, where the whole register moves and the
 * constant fits. Any other operation ends the link. `wide`: the upper half was not known to be 0 before.
 */
function relink(op: u32, alu32: bool, d: usize, s: usize, wide: bool): void {
	const id = loadU32(d + ID);
	clearScalarId(d);
	if (id == 0 || (op != ADD && op != SUB)) return;
	if (alu32 ? !isConst32(s) : !isConst(s)) return;
	const amount = alu32 ? i64(i32(value(s))) : i64(value(s));
	const delta = op == ADD ? amount : i64(-amount);
	if (!fits32(amount) || !fits32(delta)) return;
	if (u32(id & BPF_ADD_CONST) != 0 || (alu32 && wide)) return;
	storeU32(d + ID, u32(id | (alu32 ? BPF_ADD_CONST32 : BPF_ADD_CONST64)));
	storeI32(d + OFF, i32(delta));
}

/** d = d op s; `deltas`: links survive the addition of a constant. */
export function alu(op: u32, alu32: bool, d: usize, src: usize, deltas: bool): void {
	let s = src;
	if (src == d) {
		copyReg(SRC, src);
		s = SRC;
	}
	const wide = umax(d) > LOW32;
	if (compute(op, alu32, d, s)) {
		if (alu32) zext32(d);
		boundsSync(d);
	} else {
		markUnknown(d);
	}
	if (deltas && src != d) relink(op, alu32, d, s, wide);
	else clearScalarId(d);
}

// A pointer's offset that may wrap is unbounded, also where both ends wrap.

function addToPointer(d: usize, s: usize): void {
	addSigned64(d, s);
	const min = u64(umin(d) + umin(s));
	const max = u64(umax(d) + umax(s));
	if (min < umin(d) || max < umax(d)) unboundU64(d);
	else setU64(d, min, max);
	tnumAdd(value(d), mask(d), value(s), mask(s));
	setTnum(d);
}

function subFromPointer(d: usize, s: usize): void {
	subSigned64(d, s);
	if (umin(d) < umax(s)) unboundU64(d);
	else setU64(d, u64(umin(d) - umax(s)), u64(umax(d) - umin(s)));
	tnumSub(value(d), mask(d), value(s), mask(s));
	setTnum(d);
}

/** d = ptr ± scalar, where d may be either of them; true where the variable part of the offset changed. */
export function ptrAlu(op: u32, d: usize, ptr: usize, scalar: usize): bool {
	copyReg(SRC, scalar);
	if (d != ptr) takePointer(d, ptr);
	unbound32(d);
	const off = i64(loadI32(d + OFF));
	const moved = op == ADD ? i64(off + smin(SRC)) : i64(off - smin(SRC));
	const known = isConst(SRC) && fits32(moved);
	if (known) storeI32(d + OFF, i32(moved));
	else if (op == ADD) addToPointer(d, SRC);
	else subFromPointer(d, SRC);
	boundsSync(d);
	return !known;
}

/** Type, offset, id, the union and the bounds; the rest stays d's, as in the kernel. */
function takePointer(d: usize, ptr: usize): void {
	const refObjId = loadU32(d + REF_OBJ_ID);
	const frameno = loadU32(d + FRAMENO);
	const subregDef = loadU32(d + SUBREG_DEF);
	const precise = loadU32(d + PRECISE);
	copyReg(d, ptr);
	storeU32(d + REF_OBJ_ID, refObjId);
	storeU32(d + FRAMENO, frameno);
	storeU32(d + SUBREG_DEF, subregDef);
	storeU32(d + PRECISE, precise);
}
