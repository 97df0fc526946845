import { EINVAL, ERANGE } from "./errno.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Text and numbers (kernel/bpf/helpers.c, lib/kstrtox.c). */
export const stringPrototypes = [
	{ id: 105, name: "strtol", args: ["mem_in", "size", "anything", "long_out"], returns: "int" },
	{ id: 106, name: "strtoul", args: ["mem_in", "size", "anything", "long_out"], returns: "int" },
	{ id: 182, name: "strncmp", args: ["mem_in", "size", "const_str"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [strtol, strtoul, strncmp] = stringPrototypes;

/** No more than this much is looked at behind white space and sign. */
const MAX_DIGITS = 63;

export const stringHelpers: readonly Helper[] = [
	{
		prototype: strtol,
		run(rt, text, length, flags, result) {
			return store(rt, result, parse(rt, text, length, flags), -(2n ** 63n), 2n ** 63n - 1n);
		},
	},
	{
		prototype: strtoul,
		run(rt, text, length, flags, result) {
			const parsed = parse(rt, text, length, flags);
			// a sign is refused, even before zero; but a number too long is ERANGE first
			if (typeof parsed !== "number" && parsed.negative) return store(rt, result, EINVAL, 0n, 0n);
			return store(rt, result, parsed, 0n, 2n ** 64n - 1n);
		},
	},
	{
		prototype: strncmp,
		run(rt, a, size, b) {
			const { u8 } = rt.memory;
			for (let i = 0; i < size >>> 0; i++) {
				const left = u8[(a >>> 0) + i] ?? 0;
				const right = u8[(b >>> 0) + i] ?? 0;
				if (left !== right) return left < right ? -1 : 1;
				if (left === 0) break;
			}
			return 0;
		},
	},
];

/** The result, 0 on an error, goes to memory; r0 is the number of bytes used or a negative errno. */
function store(
	rt: HelperRuntime,
	address: number,
	parsed: Parsed | number,
	min: bigint,
	max: bigint,
): number {
	let value = 0n;
	let r0 = parsed as number;
	if (typeof parsed !== "number") {
		value = parsed.negative ? -parsed.magnitude : parsed.magnitude;
		r0 = value < min || value > max ? ERANGE : parsed.used;
	}
	rt.memory.setU64(address >>> 0, r0 < 0 ? 0n : value);
	return r0;
}

interface Parsed {
	readonly negative: boolean;
	readonly magnitude: bigint;
	readonly used: number;
}

/** White space, a minus, a prefix (0x, 0), digits. Flags: the base (0, 8, 10, 16) and nothing else. */
function parse(rt: HelperRuntime, address: number, length: number, flags: number): Parsed | number {
	let base = flags;
	if (rt.argHi[2] !== 0 || ![0, 8, 10, 16].includes(base)) return EINVAL;
	const { u8 } = rt.memory;
	const start = address >>> 0;
	let at = start;
	let end = start + (length >>> 0);
	const peek = (offset = 0) => (at + offset < end ? (u8[at + offset] ?? 0) : 0);
	while (at < end && isSpace(peek())) at++;
	const negative = peek() === MINUS;
	if (negative) at++;
	end = Math.min(end, at + MAX_DIGITS);

	const hexPrefix = peek() === ZERO && (peek(1) | 0x20) === LOWER_X;
	if (base === 0) base = hexPrefix && digit(peek(2)) < 16 ? 16 : peek() === ZERO ? 8 : 10;
	if (base === 16 && hexPrefix) at += 2;

	const first = at;
	let magnitude = 0n;
	while (digit(peek()) < base) magnitude = magnitude * BigInt(base) + BigInt(digit(u8[at++]!));
	if (magnitude >= 2n ** 64n) return ERANGE;
	return at === first ? EINVAL : { negative, magnitude, used: at - start };
}

const MINUS = 0x2d;
const ZERO = 0x30;
const LOWER_X = 0x78;

/** lib/ctype.c's: Latin-1's no-break space is one. */
function isSpace(c: number): boolean {
	return c === 0x20 || (c >= 9 && c <= 13) || c === 0xa0;
}

/** Value of a hexadecimal digit; 16 for anything else. */
function digit(c: number): number {
	if (c >= ZERO && c <= 0x39) return c - ZERO;
	const lower = c | 0x20;
	return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 16;
}
