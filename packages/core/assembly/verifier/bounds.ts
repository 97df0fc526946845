// What each kind of bounds says of the others: reg_bounds_sync of 6.18. A register has seven of them: var_off, and
// the signed and unsigned ranges of all 64 bits and of the low 32.

import {
	I32_MAX, I32_MIN, intersectS32, intersectS64, intersectTnum, intersectU32, intersectU64, isConst, isConst32,
	lowerU32max, lowerUmax, mask, mask32, raiseU32min, raiseUmin, s32max, s32min, setKnown, setS64, setSubTnum, setU64, setVarOff, smax, smin, u32max,
	u32min, umax, umin, value, value32,
} from "./reg";
import { S32_MAX, S32_MIN, SMAX, SMIN } from "./layout";
import { LOW32, tm, tnumIntersect, tnumRange, tnumStep, tv } from "./tnum";
import { storeI32, storeI64 } from "./words";

const HIGH32: u64 = u64(~u64(0xffffffff));
const SIGN64: u64 = u64(u64(1) << u64(63));

/** Ranges from the known bits: the smallest has every unknown bit 0 (but a sign), the largest has them all 1. */
export function update32Bounds(r: usize): void {
	const v = value32(r);
	const m = mask32(r);
	intersectS32(r, i32(u64(v | u64(m & u64(0x80000000)))), i32(u64(v | u64(m & u64(0x7fffffff)))));
	intersectU32(r, u32(v), u32(u64(v | m)));
}

function update64Bounds(r: usize): void {
	const v = value(r);
	const m = mask(r);
	intersectS64(r, i64(u64(v | u64(m & SIGN64))), i64(u64(v | u64(m & u64(~SIGN64)))));
	intersectU64(r, v, u64(v | m));
	findOnlyValue(r, v, m);
}

/** Where the unsigned range has one member of var_off alone, that is the value. */
function findOnlyValue(r: usize, v: u64, m: u64): void {
	const next = tnumStep(v, m, umin(r));
	if (u64(umin(r) & u64(~m)) == v) {
		if (next > umax(r)) setKnown(r, umin(r));
	} else if (next == u64(v | m) || (next <= umax(r) && tnumStep(v, m, next) > umax(r))) {
		setKnown(r, next);
	}
}

export function updateBounds(r: usize): void {
	update32Bounds(r);
	update64Bounds(r);
}

/** Numbers that share their upper half: the range of the lower half, also as a signed one if that is still a range. */
function deduce32From(r: usize, low: u32, high: u32): void {
	intersectU32(r, low, high);
	if (i32(low) <= i32(high)) intersectS32(r, i32(low), i32(high));
}

/** Upper halves that follow each other: the lower half goes up to 0xffffffff and on from 0, one range if signed. */
function deduceS32From(r: usize, min: u64, max: u64): void {
	const next = u32(u32(u64(min >> u64(32))) + 1);
	if (next == u32(u64(max >> u64(32))) && i32(min) < 0 && i32(max) >= 0) intersectS32(r, i32(min), i32(max));
}

function deduce32(r: usize): void {
	if (u64(umin(r) >> u64(32)) == u64(umax(r) >> u64(32))) deduce32From(r, u32(umin(r)), u32(umax(r)));
	if (i64(smin(r) >> i64(32)) == i64(smax(r) >> i64(32)) && u32(smin(r)) <= u32(smax(r))) {
		deduce32From(r, u32(smin(r)), u32(smax(r)));
	}
	deduceS32From(r, umin(r), umax(r));
	deduceS32From(r, u64(smin(r)), u64(smax(r)));
	if (i32(u32min(r)) <= i32(u32max(r))) intersectS32(r, i32(u32min(r)), i32(u32max(r)));
	if (u32(s32min(r)) <= u32(s32max(r))) {
		intersectU32(r, u32(s32min(r)), u32(s32max(r)));
	} else if (u32max(r) < u32(s32min(r))) {
		storeI32(r + S32_MIN, i32(u32min(r)));
		lowerU32max(r, u32(s32max(r)));
	} else if (u32(s32max(r)) < u32min(r)) {
		storeI32(r + S32_MAX, i32(u32max(r)));
		raiseU32min(r, u32(s32min(r)));
	}
}

/** A range that does not cross the other one's seam is a range there too. */
function deduce64(r: usize): void {
	if (i64(umin(r)) <= i64(umax(r))) intersectS64(r, i64(umin(r)), i64(umax(r)));
	if (u64(smin(r)) <= u64(smax(r))) {
		intersectU64(r, u64(smin(r)), u64(smax(r)));
	} else if (umax(r) < u64(smin(r))) {
		// smin … -1 … 0 … smax as unsigned numbers are two pieces; umin … umax meets only the lower one
		storeI64(r + SMIN, i64(umin(r)));
		lowerUmax(r, u64(smax(r)));
	} else if (u64(smax(r)) < umin(r)) {
		// only the upper one
		storeI64(r + SMAX, i64(umax(r)));
		raiseUmin(r, u64(smin(r)));
	}
}

/** The ends of the 64-bit ranges with the limits of the lower half put in their place. */
function deduceMixed(r: usize): void {
	const low = u64(u32min(r));
	const high = u64(u32max(r));
	intersectU64(r, u64(u64(umin(r) & HIGH32) | low), u64(u64(umax(r) & HIGH32) | high));
	intersectS64(r, i64(u64(u64(u64(smin(r)) & HIGH32) | low)), i64(u64(u64(u64(smax(r)) & HIGH32) | high)));
	// Upper halves are all ones or all zeroes, and of the negative numbers only those with bit 31 are in: with
	// bit 31 known 0, the number is its lower half.
	if (s32min(r) >= 0 && smin(r) >= i64(I32_MIN) && smax(r) <= i64(I32_MAX)) {
		setS64(r, i64(s32min(r)), i64(s32max(r)));
		setU64(r, u64(s32min(r)), u64(s32max(r)));
		tnumRange(umin(r), umax(r));
		intersectTnum(r);
	}
}

function deduce(r: usize): void {
	deduce32(r);
	deduce64(r);
	deduceMixed(r);
}

/** Bits that the unsigned ranges know. */
function updateVarOff(r: usize): void {
	tnumRange(umin(r), umax(r));
	tnumIntersect(value(r), mask(r), tv, tm);
	const v = tv;
	const m = tm;
	tnumRange(u64(u32min(r)), u64(u32max(r)));
	tnumIntersect(u64(v & LOW32), u64(m & LOW32), tv, tm);
	setVarOff(r, v, m);
	setSubTnum(r);
}

/** Three rounds are what 6.18 does, and so it is what we do. */
export function boundsSync(r: usize): void {
	updateBounds(r);
	deduce(r);
	deduce(r);
	deduce(r);
	updateVarOff(r);
	updateBounds(r);
}

/** 0, or what is wrong: 1 a range is empty, 2 a known number is not its ranges', 3 the same of the lower half. */
export function boundsViolation(r: usize): i32 {
	if (umin(r) > umax(r) || smin(r) > smax(r) || u32min(r) > u32max(r) || s32min(r) > s32max(r)) return 1;
	if (isConst(r)) {
		const v = value(r);
		if (umin(r) != v || umax(r) != v || smin(r) != i64(v) || smax(r) != i64(v)) return 2;
	}
	if (isConst32(r)) {
		const v = u32(value(r));
		if (u32min(r) != v || u32max(r) != v || s32min(r) != i32(v) || s32max(r) != i32(v)) return 3;
	}
	return 0;
}
