import type { StateCore } from "./core.ts";
import { BPF_ADD_CONST, REG_STATE } from "./layout.ts";

const U64_MAX = (1n << 64n) - 1n;
const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

/** A signed number as the log has it: decimal if it fits in 16 bits, else hexadecimal. */
export function signedNumber(value: bigint): string {
	return value >= -0x8000n && value <= 0x7fffn ? `${value}` : hex(value);
}

export function unsignedNumber(value: bigint): string {
	return value <= 0xffffn ? `${value}` : hex(value);
}

/** A signed 32-bit bound: what is printed in hexadecimal is printed without its sign's extension. */
const signed32 = (value: number): bigint =>
	value >= -0x8000 && value <= 0x7fff ? BigInt(value) : BigInt(value >>> 0);

/** `(0x0; 0xff)`. */
export function tnumText(value: bigint, mask: bigint): string {
	return `(${hex(value)}; ${hex(mask)})`;
}

/**
 * print_scalar_ranges and var_off: `smin=smin32=0`, `smax=umax=255`, `var_off=(0x0; 0xff)`. Bounds that say nothing
 * are left out; lower (and upper) bounds of one value and sign are one entry, at the place of the first.
 */
export function scalarRanges(core: StateCore, reg: number): string[] {
	const s32min = core.getSigned(reg, REG_STATE.S32_MIN);
	const s32max = core.getSigned(reg, REG_STATE.S32_MAX);
	const u32min = core.get(reg, REG_STATE.U32_MIN);
	const u32max = core.get(reg, REG_STATE.U32_MAX);
	const smin = core.smin(reg);
	const smax = core.smax(reg);
	const umin = core.umin(reg);
	const umax = core.umax(reg);
	// lower and upper bounds alternate
	const bounds: [name: string, value: bigint, omit: boolean][] = [
		["smin", smin, smin === S64_MIN],
		["smax", smax, smax === S64_MAX],
		["umin", umin, umin === 0n],
		["umax", umax, umax === U64_MAX],
		["smin32", signed32(s32min), s32min === -0x8000_0000],
		["smax32", signed32(s32max), s32max === 0x7fff_ffff],
		["umin32", BigInt(u32min), u32min === 0],
		["umax32", BigInt(u32max), u32max === 0xffff_ffff],
	];
	const parts: string[] = [];
	for (let i = 0; i < bounds.length; i++) {
		const [name, value, omit] = bounds[i]!;
		if (omit) continue;
		let names = `${name}=`;
		// the kernel compares the 64-bit words, and mixes no negative number with a large positive one
		for (let j = i + 2; j < bounds.length; j += 2) {
			const other = bounds[j]!;
			const same = BigInt.asUintN(64, other[1]) === BigInt.asUintN(64, value) && other[1] < 0n === value < 0n;
			if (other[2] || !same) continue;
			other[2] = true;
			names += `${other[0]}=`;
		}
		parts.push(names + (name.startsWith("s") ? signedNumber(value) : unsignedNumber(value)));
	}
	const mask = core.tnumMask(reg);
	if (mask !== U64_MAX) parts.push(`var_off=${tnumText(core.tnumValue(reg), mask)}`);
	return parts;
}

/** A scalar in a state of the log: `0`, `scalar()`, `scalar(id=1+4,umax=10,…)`, with `P` before it if it is precise. */
export function printScalar(core: StateCore, reg: number): string {
	const precise = core.get(reg, REG_STATE.PRECISE) ? "P" : "";
	if (core.isConst(reg)) return precise + signedNumber(BigInt.asIntN(64, core.tnumValue(reg)));
	const id = core.get(reg, REG_STATE.ID);
	const parts = scalarRanges(core, reg);
	if (id !== 0) {
		const off = core.getSigned(reg, REG_STATE.OFF);
		const delta = (id & BPF_ADD_CONST) === 0 ? "" : off < 0 ? `${off}` : `+${off}`;
		parts.unshift(`id=${id & ~BPF_ADD_CONST}${delta}`);
	}
	return `${precise}scalar(${parts.join(",")})`;
}

/** What boundsViolation found, by its number. */
const VIOLATIONS = [
	"",
	"range bounds violation",
	"const tnum out of sync with range bounds",
	"const subreg tnum out of sync with range bounds",
];

/** The log's line about a register whose bounds contradict each other; `which` is "true_reg1" and the like. */
export function violationLine(core: StateCore, reg: number, which: string): string {
	const range = (low: bigint, high: bigint) => `[${hex(low)}, ${hex(high)}]`;
	const range32 = (low: number, high: number) =>
		range(BigInt(core.get(reg, low)), BigInt(core.get(reg, high)));
	return [
		`verifier bug: REG INVARIANTS VIOLATION (${which}): ${VIOLATIONS[core.boundsViolation(reg)]}`,
		`u64=${range(core.umin(reg), core.umax(reg))}`,
		`s64=${range(core.smin(reg), core.smax(reg))}`,
		`u32=${range32(REG_STATE.U32_MIN, REG_STATE.U32_MAX)}`,
		`s32=${range32(REG_STATE.S32_MIN, REG_STATE.S32_MAX)}`,
		`var_off=(${hex(core.tnumValue(reg))}, ${hex(core.tnumMask(reg))})`,
	].join(" ");
}
