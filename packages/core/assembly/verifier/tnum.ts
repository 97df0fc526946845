// Tristate numbers: a bit is 0, 1 (in `value`) or unknown (in `mask`). A function leaves its result in tv and tm,
// because AssemblyScript has no pairs.

import { fls64 } from "./words";

export let tv: u64 = u64(0);
export let tm: u64 = u64(0);

export const U64_MAX: u64 = u64(-1);
export const LOW32: u64 = u64(0xffffffff);

export function tnum(value: u64, mask: u64): void {
	tv = value;
	tm = mask;
}

/** The smallest tnum that has every number from min to max: the bits above the highest that differs are known. */
export function tnumRange(min: u64, max: u64): void {
	const bits = fls64(u64(min ^ max));
	const unknown = bits > 63 ? U64_MAX : u64(u64(u64(1) << bits) - u64(1));
	tnum(u64(min & u64(~unknown)), unknown);
}

/** Sum: what carries out of unknown bits can change is where the largest and the smallest sum differ. */
export function tnumAdd(av: u64, am: u64, bv: u64, bm: u64): void {
	const sum = u64(av + bv);
	const largest = u64(sum + u64(am + bm));
	const unknown = u64(u64(largest ^ sum) | u64(am | bm));
	tnum(u64(sum & u64(~unknown)), unknown);
}

export function tnumSub(av: u64, am: u64, bv: u64, bm: u64): void {
	const difference = u64(av - bv);
	const largest = u64(difference + am);
	const smallest = u64(difference - bm);
	const unknown = u64(u64(largest ^ smallest) | u64(am | bm));
	tnum(u64(difference & u64(~unknown)), unknown);
}

export function tnumAnd(av: u64, am: u64, bv: u64, bm: u64): void {
	const ones = u64(av & bv);
	const possible = u64(u64(av | am) & u64(bv | bm));
	tnum(ones, u64(possible & u64(~ones)));
}

export function tnumOr(av: u64, am: u64, bv: u64, bm: u64): void {
	const ones = u64(av | bv);
	tnum(ones, u64(u64(am | bm) & u64(~ones)));
}

export function tnumXor(av: u64, am: u64, bv: u64, bm: u64): void {
	const unknown = u64(am | bm);
	tnum(u64(u64(av ^ bv) & u64(~unknown)), unknown);
}

/** What either may be. */
function tnumUnion(av: u64, am: u64, bv: u64, bm: u64): void {
	const unknown = u64(u64(av ^ bv) | u64(am | bm));
	tnum(u64(u64(av & bv) & u64(~unknown)), unknown);
}

/** What both say: a bit that one of them knows is known. They must not contradict each other. */
export function tnumIntersect(av: u64, am: u64, bv: u64, bm: u64): void {
	const unknown = u64(am & bm);
	tnum(u64(u64(av | bv) & u64(~unknown)), unknown);
}

/** Long multiplication: a bit of `a` that is 1 adds `b`, an unknown one may or may not. */
export function tnumMul(av: u64, am: u64, bv: u64, bm: u64): void {
	let value = u64(0);
	let mask = u64(0);
	while (u64(av | am) != 0) {
		if (u64(av & u64(1)) != 0) {
			tnumAdd(value, mask, bv, bm);
			value = tv;
			mask = tm;
		} else if (u64(am & u64(1)) != 0) {
			tnumAdd(value, mask, bv, bm);
			tnumUnion(value, mask, tv, tm);
			value = tv;
			mask = tm;
		}
		av = u64(av >> u64(1));
		am = u64(am >> u64(1));
		bv = u64(bv << u64(1));
		bm = u64(bm << u64(1));
	}
	tnum(value, mask);
}

export function tnumLshift(av: u64, am: u64, by: u64): void {
	tnum(u64(av << by), u64(am << by));
}

export function tnumRshift(av: u64, am: u64, by: u64): void {
	tnum(u64(av >> by), u64(am >> by));
}

export function tnumArshift(av: u64, am: u64, by: u64): void {
	tnum(u64(i64(av) >> i64(by)), u64(i64(am) >> i64(by)));
}

/** The same of the low halves, whose upper halves are 0 afterwards. */
export function tnumArshift32(av: u64, am: u64, by: u32): void {
	tnum(u64(u32(i32(av) >> i32(by))), u64(u32(i32(am) >> i32(by))));
}

/** The smallest member above z, or the largest if there is none. */
export function tnumStep(av: u64, am: u64, z: u64): u64 {
	const largest = u64(av | am);
	if (z >= largest) return largest;
	if (z < av) return av;
	// members are av plus a choice of am's bits; what z has above av in other bits fills the bits below
	const above = u64(z - av);
	const below = u64(u64(u64(1) << fls64(u64(above & u64(~am)))) - u64(1));
	const filled = u64(u64(above | below) | u64(~am));
	return u64(av | u64(u64(filled + u64(1)) & am));
}

/** Is every number of b one of a? */
export function tnumIn(av: u64, am: u64, bv: u64, bm: u64): bool {
	return u64(bm & u64(~am)) == 0 && av == u64(bv & u64(~am));
}

/** Have they a number in common? */
export function tnumOverlap(av: u64, am: u64, bv: u64, bm: u64): bool {
	const known = u64(u64(~am) & u64(~bm));
	return u64(av & known) == u64(bv & known);
}
