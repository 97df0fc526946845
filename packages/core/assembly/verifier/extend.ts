// Truncation and extension of scalars: narrow loads, moves into w registers, movsx.

import { boundsSync } from "./bounds";
import {
	isConst, mask, mask32, s32max, s32min, setKnown, setS32, setS64, setTnum, setU32, setU64, setVarOff,
	smax, smin, u32max, u32min, umax, umin, unbound32, unboundU32, unboundU64, value, value32,
} from "./reg";
import { LOW32, U64_MAX, tm, tnumRange, tv } from "./tnum";

/** The upper half becomes 0: the 64-bit ranges are the 32-bit ones. No sync. */
export function zext32(r: usize): void {
	setVarOff(r, value32(r), mask32(r));
	setU64(r, u64(u32min(r)), u64(u32max(r)));
	// a signed 32-bit range with negative numbers in it says nothing of the zero-extended number
	if (s32min(r) >= 0 && s32max(r) >= 0) setS64(r, i64(s32min(r)), i64(s32max(r)));
	else setS64(r, i64(0), i64(LOW32));
}

/** The low `size` (1, 2, 4) bytes, zero-extended. */
export function coerceToSize(r: usize, size: u32): void {
	const low = u64(u64(u64(1) << u64(size * 8)) - u64(1));
	const high = u64(~low);
	setVarOff(r, u64(value(r) & low), u64(mask(r) & low));
	if (u64(umin(r) & high) == u64(umax(r) & high)) setU64(r, u64(umin(r) & low), u64(umax(r) & low));
	else setU64(r, u64(0), low);
	setS64(r, i64(umin(r)), i64(umax(r)));
	if (size < 4) unbound32(r);
	boundsSync(r);
}

function signExtend(value: i64, size: u32): i64 {
	if (size == 1) return i64(i8(value));
	if (size == 2) return i64(i16(value));
	return i64(i32(value));
}

/** The low `size` (1, 2, 4) bytes, sign-extended to 64 bits; all bounds are set, no sync. */
export function coerceToSizeSx(r: usize, size: u32): void {
	if (isConst(r)) {
		setKnown(r, u64(signExtend(i64(value(r)), size)));
		return;
	}
	const bits = u64(size * 8);
	if (u64(u64(smin(r)) >> bits) == u64(u64(smax(r)) >> bits)) {
		const a = signExtend(smin(r), size);
		const b = signExtend(smax(r), size);
		const min = a < b ? a : b;
		const max = a < b ? b : a;
		if (max >= 0 == min >= 0) {
			setS64(r, min, max);
			setU64(r, u64(min), u64(max));
			setS32(r, i32(min), i32(max));
			setU32(r, u32(min), u32(max));
			tnumRange(u64(min), u64(max));
			setTnum(r);
			return;
		}
	}
	const limit = i64(i64(1) << i64(bits - u64(1)));
	setS64(r, i64(-limit), i64(limit - i64(1)));
	setS32(r, i32(-limit), i32(i64(limit - i64(1))));
	unboundU64(r);
	unboundU32(r);
	setVarOff(r, u64(0), U64_MAX);
}

/** The low `size` (1, 2) bytes, sign-extended to 32 bits; the 64-bit ranges are left to zext32. */
export function coerceSubregToSizeSx(r: usize, size: u32): void {
	// a known lower half alone is left to the ranges, which may not know it on a dead branch
	if (isConst(r)) {
		const extended = i32(signExtend(i64(value(r)), size));
		setVarOff(r, u64(u32(extended)), u64(0));
		setS32(r, extended, extended);
		setU32(r, u32(extended), u32(extended));
		return;
	}
	const bits = i32(size * 8);
	if (u32(s32min(r)) >>> bits == u32(s32max(r)) >>> bits) {
		const a = i32(signExtend(i64(s32min(r)), size));
		const b = i32(signExtend(i64(s32max(r)), size));
		const min = a < b ? a : b;
		const max = a < b ? b : a;
		if (max >= 0 == min >= 0) {
			setS32(r, min, max);
			setU32(r, u32(min), u32(max));
			tnumRange(u64(i64(min)), u64(i64(max)));
			setVarOff(r, u64(tv & LOW32), u64(tm & LOW32));
			return;
		}
	}
	const limit = i32(1 << i32(bits - 1));
	setS32(r, i32(-limit), i32(limit - 1));
	unboundU32(r);
	setVarOff(r, u64(0), LOW32);
}
