import fc from "fast-check";
import type { StateCore } from "./core.ts";
import { REG_STATE } from "./layout.ts";

export const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
export const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);
export const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
export const s32 = (value: bigint): bigint => BigInt.asIntN(32, value);

const EDGES = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n].concat(
	[0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_8000_0000n],
	[0xffff_ffff_7fff_ffffn, 0xffff_ffff_ffff_ffffn],
);

/** 64-bit numbers near the edges of ranges, small ones, and any. */
export const anyValue = fc.oneof(
	fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -2, max: 2 })).map(([a, b]) => u64(a + BigInt(b))),
	fc.integer({ min: 0, max: 300 }).map(BigInt),
	fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);

/** A scalar: some of the numbers that it may be, and how much wider than these its bounds are. */
export interface Scalar {
	/** Up to four of its values. */
	readonly members: readonly bigint[];
	/** Bits of var_off that are unknown besides. */
	readonly unknown: bigint;
	/** One bit for each of the eight bounds: wide open. */
	readonly open: number;
	readonly sync: boolean;
}

export const anyScalar: fc.Arbitrary<Scalar> = fc.record({
	members: fc.array(anyValue, { minLength: 1, maxLength: 4 }),
	unknown: fc.oneof(fc.constant(0n), anyValue, fc.constant((1n << 64n) - 1n)),
	open: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })),
	sync: fc.boolean(),
});

const inOrder = (values: readonly bigint[]): bigint[] =>
	[...values].sort((a, b) => (a < b ? -1 : Number(a > b)));
const least = (values: readonly bigint[]): bigint => inOrder(values)[0]!;
const most = (values: readonly bigint[]): bigint => inOrder(values).at(-1)!;

/** The register with the tightest bounds around the members, opened as the scalar says. */
export function setScalar(core: StateCore, reg: number, { members, unknown, open, sync }: Scalar): void {
	core.markUnknown(reg);
	const bound = (bit: number, tight: bigint, wide: bigint) => (open & (1 << bit) ? wide : tight);
	const signed = members.map(s64);
	const low = members.map(u32);
	const signedLow = members.map(s32);
	core.setSignedRange(reg, bound(0, least(signed), -(1n << 63n)), bound(1, most(signed), (1n << 63n) - 1n));
	core.setUnsignedRange(reg, bound(2, least(members), 0n), bound(3, most(members), (1n << 64n) - 1n));
	core.setSigned32Range(
		reg,
		Number(bound(4, least(signedLow), -0x8000_0000n)),
		Number(bound(5, most(signedLow), 0x7fff_ffffn)),
	);
	core.setUnsigned32Range(reg, Number(bound(6, least(low), 0n)), Number(bound(7, most(low), 0xffff_ffffn)));
	const first = members[0]!;
	const mask = members.reduce((bits, value) => bits | (value ^ first), unknown);
	core.setTnum(reg, first & u64(~mask), mask);
	if (sync) core.boundsSync(reg);
}

/** What of the register excludes the number, or undefined. */
export function excludes(core: StateCore, reg: number, value: bigint): string | undefined {
	const get32 = (field: number) => BigInt(core.getSigned(reg, field));
	if ((value & u64(~core.tnumMask(reg))) !== core.tnumValue(reg)) return "var_off";
	if (s64(value) < core.smin(reg) || s64(value) > core.smax(reg)) return "signed range";
	if (value < core.umin(reg) || value > core.umax(reg)) return "unsigned range";
	if (s32(value) < get32(REG_STATE.S32_MIN) || s32(value) > get32(REG_STATE.S32_MAX))
		return "signed 32-bit range";
	if (u32(value) < u32(get32(REG_STATE.U32_MIN)) || u32(value) > u32(get32(REG_STATE.U32_MAX)))
		return "unsigned 32-bit range";
	return undefined;
}
