// A register's fields, and registers as a whole.

import {
	AUX, ID, OFF, PRECISE, REG_SIZE, S32_MAX, S32_MIN, SCALAR, SMAX, SMIN, TNUM_MASK, TNUM_VALUE, TYPE, U32_MAX,
	U32_MIN, UMAX, UMIN, UNKNOWN_IS_PRECISE, FRAMENO, NOT_INIT,
} from "./layout";
import { LOW32, U64_MAX, tm, tnumIntersect, tnumOr, tv } from "./tnum";
import { loadI32, loadI64, loadU32, loadU64, storeI32, storeI64, storeU32, storeU64 } from "./words";

export const I64_MIN: i64 = i64(u64(u64(1) << u64(63)));
export const I64_MAX: i64 = i64(u64(u64(-1) >> u64(1)));
export const I32_MIN: i32 = -0x80000000;
export const I32_MAX: i32 = 0x7fffffff;

export function typeOf(r: usize): u32 { return loadU32(r + TYPE); }
export function value(r: usize): u64 { return loadU64(r + TNUM_VALUE); }
export function mask(r: usize): u64 { return loadU64(r + TNUM_MASK); }
export function smin(r: usize): i64 { return loadI64(r + SMIN); }
export function smax(r: usize): i64 { return loadI64(r + SMAX); }
export function umin(r: usize): u64 { return loadU64(r + UMIN); }
export function umax(r: usize): u64 { return loadU64(r + UMAX); }
export function s32min(r: usize): i32 { return loadI32(r + S32_MIN); }
export function s32max(r: usize): i32 { return loadI32(r + S32_MAX); }
export function u32min(r: usize): u32 { return loadU32(r + U32_MIN); }
export function u32max(r: usize): u32 { return loadU32(r + U32_MAX); }

/** The low half of var_off. */
export function value32(r: usize): u64 { return u64(value(r) & LOW32); }
export function mask32(r: usize): u64 { return u64(mask(r) & LOW32); }

export function setS64(r: usize, min: i64, max: i64): void {
	storeI64(r + SMIN, min);
	storeI64(r + SMAX, max);
}
export function setU64(r: usize, min: u64, max: u64): void {
	storeU64(r + UMIN, min);
	storeU64(r + UMAX, max);
}
export function setS32(r: usize, min: i32, max: i32): void {
	storeI32(r + S32_MIN, min);
	storeI32(r + S32_MAX, max);
}
export function setU32(r: usize, min: u32, max: u32): void {
	storeU32(r + U32_MIN, min);
	storeU32(r + U32_MAX, max);
}
export function setVarOff(r: usize, value: u64, mask: u64): void {
	storeU64(r + TNUM_VALUE, value);
	storeU64(r + TNUM_MASK, mask);
}
/** var_off = the result of the last tnum operation. */
export function setTnum(r: usize): void {
	setVarOff(r, tv, tm);
}
/** var_off &= the result of the last tnum operation. */
export function intersectTnum(r: usize): void {
	tnumIntersect(value(r), mask(r), tv, tm);
	setTnum(r);
}
/** The low half of var_off = that of the last tnum operation. */
export function setSubTnum(r: usize): void {
	const high = u64(~LOW32);
	tnumOr(u64(value(r) & high), u64(mask(r) & high), u64(tv & LOW32), u64(tm & LOW32));
	setTnum(r);
}

export function unboundS64(r: usize): void { setS64(r, I64_MIN, I64_MAX); }
export function unboundU64(r: usize): void { setU64(r, u64(0), U64_MAX); }
export function unboundS32(r: usize): void { setS32(r, I32_MIN, I32_MAX); }
export function unboundU32(r: usize): void { setU32(r, 0, u32(0xffffffff)); }
export function unbound64(r: usize): void { unboundS64(r); unboundU64(r); }
export function unbound32(r: usize): void { unboundS32(r); unboundU32(r); }
export function markUnbounded(r: usize): void { unbound64(r); unbound32(r); }

// a range made smaller from below or from above

export function raiseSmin(r: usize, to: i64): void { if (to > smin(r)) storeI64(r + SMIN, to); }
export function lowerSmax(r: usize, to: i64): void { if (to < smax(r)) storeI64(r + SMAX, to); }
export function raiseUmin(r: usize, to: u64): void { if (to > umin(r)) storeU64(r + UMIN, to); }
export function lowerUmax(r: usize, to: u64): void { if (to < umax(r)) storeU64(r + UMAX, to); }
export function raiseS32min(r: usize, to: i32): void { if (to > s32min(r)) storeI32(r + S32_MIN, to); }
export function lowerS32max(r: usize, to: i32): void { if (to < s32max(r)) storeI32(r + S32_MAX, to); }
export function raiseU32min(r: usize, to: u32): void { if (to > u32min(r)) storeU32(r + U32_MIN, to); }
export function lowerU32max(r: usize, to: u32): void { if (to < u32max(r)) storeU32(r + U32_MAX, to); }

export function intersectS64(r: usize, min: i64, max: i64): void { raiseSmin(r, min); lowerSmax(r, max); }
export function intersectU64(r: usize, min: u64, max: u64): void { raiseUmin(r, min); lowerUmax(r, max); }
export function intersectS32(r: usize, min: i32, max: i32): void { raiseS32min(r, min); lowerS32max(r, max); }
export function intersectU32(r: usize, min: u32, max: u32): void { raiseU32min(r, min); lowerU32max(r, max); }

export function isConst(r: usize): bool { return mask(r) == 0; }
export function isConst32(r: usize): bool { return mask32(r) == 0; }

export function clearReg(r: usize): void {
	for (let at: usize = 0; at < REG_SIZE; at += 8) storeU64(r + at, u64(0));
}
export function copyReg(dst: usize, src: usize): void {
	for (let at: usize = 0; at < REG_SIZE; at += 8) storeU64(dst + at, loadU64(src + at));
}

/** off, ids and the union: what belongs to the value that was there. */
function clearIdentity(r: usize): void {
	storeU32(r + OFF, 0);
	storeU64(r + ID, u64(0)); // and ref_obj_id
	storeU32(r + AUX, 0);
	for (let at: usize = AUX + 4; at < REG_SIZE; at += 8) storeU64(r + at, u64(0));
}

/** The end of a link, and of the distance that goes with it. */
export function clearScalarId(r: usize): void {
	storeU32(r + ID, 0);
	storeU32(r + OFF, 0);
}

export function markUnknown(r: usize): void {
	clearIdentity(r);
	storeU32(r + TYPE, SCALAR);
	storeU32(r + FRAMENO, 0);
	storeU32(r + PRECISE, loadU32(UNKNOWN_IS_PRECISE));
	setVarOff(r, u64(0), U64_MAX);
	markUnbounded(r);
}

export function markNotInit(r: usize): void {
	markUnknown(r);
	storeU32(r + TYPE, NOT_INIT);
}

/** All bounds are `value`. */
export function setKnown(r: usize, value: u64): void {
	setVarOff(r, value, u64(0));
	setS64(r, i64(value), i64(value));
	setU64(r, value, value);
	setS32(r, i32(value), i32(value));
	setU32(r, u32(value), u32(value));
}

export function markKnown64(r: usize, value: u64): void {
	clearIdentity(r);
	setKnown(r, value);
}

export function markKnown(r: usize, low: u32, high: u32): void {
	markKnown64(r, u64(u64(u64(high) << u64(32)) | u64(low)));
}

/** The lower half is `value`; the 64-bit ranges are left as they are. */
export function setKnown32(r: usize, value: u32): void {
	const high = u64(~LOW32);
	setVarOff(r, u64(u64(loadU64(r + TNUM_VALUE) & high) | u64(value)), u64(mask(r) & high));
	setS32(r, i32(value), i32(value));
	setU32(r, value, value);
}
