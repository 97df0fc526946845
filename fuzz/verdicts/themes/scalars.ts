import { lookup, OUT, unknown } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

const u64 = (value: bigint) => BigInt.asUintN(64, value);
const s64 = (value: bigint) => BigInt.asIntN(64, value);
const s32 = (value: bigint) => BigInt.asIntN(32, value);
const u32 = (value: bigint) => BigInt.asUintN(32, value);

type Eval = (a: bigint, b: bigint, bits: 32 | 64) => bigint;
const signed = (value: bigint, bits: 32 | 64) => (bits === 64 ? s64(value) : s32(value));

/** What an instruction does, to know the true range of its result; the arguments come cut to `bits`. */
const OPS: Readonly<Record<string, { readonly of: Eval; readonly operands: readonly number[] }>> = {
	"+=": { of: (a, b) => a + b, operands: [0, 5, 40, -3, 0x7ffffff0] },
	"-=": { of: (a, b) => a - b, operands: [0, 3, 40, -5, 0x7ffffff0] },
	"*=": { of: (a, b) => a * b, operands: [0, 1, 3, -1, 0x10000] },
	"/=": { of: (a, b) => (b === 0n ? 0n : a / b), operands: [1, 2, 3, 7, -1] },
	"%=": { of: (a, b) => (b === 0n ? a : a % b), operands: [1, 2, 5, 16, -1] },
	"s/=": {
		of: (a, b, bits) => (b === 0n ? 0n : signed(a, bits) / signed(b, bits)),
		operands: [1, 2, -2, 7],
	},
	"s%=": {
		of: (a, b, bits) => (b === 0n ? a : signed(a, bits) % signed(b, bits)),
		operands: [1, 2, -5, 16],
	},
	"&=": { of: (a, b) => a & b, operands: [0, 6, 15, 0x28, -8] },
	"|=": { of: (a, b) => a | b, operands: [0, 1, 8, 32, 40] },
	"^=": { of: (a, b) => a ^ b, operands: [0, 1, 12, 40] },
	"<<=": { of: (a, b) => a << b, operands: [0, 1, 2, 28, 31] },
	">>=": { of: (a, b) => a >> b, operands: [0, 1, 3, 28, 31] },
	"s>>=": { of: (a, b, bits) => signed(a, bits) >> b, operands: [0, 1, 3, 31] },
};

/** Instructions of one operand: text with REG for the register's number. */
const UNARY: readonly (readonly [name: string, text: string, of: (a: bigint) => bigint])[] = [
	["neg", "rREG = -rREG", (a) => -a],
	["neg32", "wREG = -wREG", (a) => u32(-a)],
	["sx8", "rREG = (s8)rREG", (a) => BigInt.asIntN(8, a)],
	["sx16", "rREG = (s16)rREG", (a) => BigInt.asIntN(16, a)],
	["sx32", "rREG = (s32)rREG", (a) => BigInt.asIntN(32, a)],
	["sx8-32", "wREG = (s8)wREG", (a) => u32(BigInt.asIntN(8, a))],
	["sx16-32", "wREG = (s16)wREG", (a) => u32(BigInt.asIntN(16, a))],
	["mov32", "wREG = wREG", (a) => u32(a)],
	["le16", "rREG = le16 rREG", (a) => BigInt.asUintN(16, a)],
	["le32", "rREG = le32 rREG", (a) => u32(a)],
	["be16", "rREG = be16 rREG", (a) => ((a & 0xffn) << 8n) | ((a >> 8n) & 0xffn)],
	["bswap16", "rREG = bswap16 rREG", (a) => ((a & 0xffn) << 8n) | ((a >> 8n) & 0xffn)],
];

/** Ranges that r6 comes in: text, and every value. */
const INPUTS: readonly (readonly [name: string, text: string, values: readonly bigint[]])[] = [
	["m7", "r6 &= 7", range(0, 7)],
	["m15", "r6 &= 15", range(0, 15)],
	["signed", "r6 &= 7\nr6 += -4", range(-4, 3)],
	["even", "r6 &= 0x1e", range(0, 15).map((value) => value * 2n)],
];

function range(from: number, to: number): bigint[] {
	return Array.from({ length: to - from + 1 }, (_, i) => BigInt(from + i));
}

/** r6 through `ops`, then as an offset into 48 bytes: the true range ends at the last byte, or one behind it. */
function* access(name: string, input: string, ops: string, results: readonly bigint[]): Generator<Draft> {
	const values = results.map(s64).sort((a, b) => (a < b ? -1 : 1));
	const low = values[0]!;
	const high = values.at(-1)!;
	if (high - low > 47n || low < -0x7fffffffn || low > 0x7fffffffn) {
		yield made(`${name}-wide`, "xdp", program(input, ops, "", 0));
		return;
	}
	const shift = low === 0n ? "" : `r6 += ${-low}`;
	const room = 47 - Number(high - low);
	yield made(`${name}-fits`, "xdp", program(input, ops, shift, room));
	yield made(`${name}-past`, "xdp", program(input, ops, shift, room + 1));
	if (low !== 0n) yield made(`${name}-below`, "xdp", program(input, ops, `r6 += ${-low - 1n}`, room));
}

const program = (input: string, ops: string, shift: string, offset: number): string => `
	${unknown(6)}
	${lookup("one48")}
	${input}
	${ops}
	${shift}
	r0 += r6
	r1 = *(u8 *)(r0 + ${offset})
	${OUT}`;

/** Numbers whose knowledge decides whether a byte of 48 is read. */
const BY_HAND: readonly (readonly [name: string, ops: string])[] = [
	["unbounded", ""],
	["32bit-unbounded", "w6 = w6"],
	["upper-cut", "w6 &= 31"],
	["upper-stays", "r7 = 31\nw7 = w7\nr6 &= r7"],
	["shift-pair-zero-extends", "r6 <<= 59\nr6 >>= 59"],
	["shift-pair-sign-extends", "r6 <<= 59\nr6 s>>= 59"],
	["shift-pair-sign-extends-plus", "r6 <<= 59\nr6 s>>= 59\nr6 += 16"],
	["shift-pair-32", "r6 <<= 32\nr6 s>>= 32"],
	["shift-32-by-27", "w6 >>= 27"],
	["shift-32-by-26", "w6 >>= 26"],
	["shift-64-by-59", "r6 >>= 59"],
	["shift-64-by-58", "r6 >>= 58"],
	["byte-load-size", "*(u64 *)(r10 - 16) = r6\nr6 = *(u8 *)(r10 - 16)\nr6 >>= 3"],
	["byte-load-too-far", "*(u64 *)(r10 - 16) = r6\nr6 = *(u8 *)(r10 - 16)\nr6 >>= 2"],
	["sign-load", "*(u64 *)(r10 - 16) = r6\nr6 = *(s8 *)(r10 - 16)\nr6 s>>= 3\nr6 += 16"],
	["sign-load-negative", "*(u64 *)(r10 - 16) = r6\nr6 = *(s8 *)(r10 - 16)\nr6 s>>= 3"],
	["mul-overflow", "r6 *= 2\nr6 &= 31"],
	["mul-two-ranges", "r7 = r6\nr7 &= 3\nr6 &= 7\nr6 *= r7"],
	["mul-two-ranges-past", "r7 = r6\nr7 &= 7\nr6 &= 7\nr6 *= r7"],
	["mul-negative", "r6 &= 7\nr6 *= -1\nr6 += 7"],
	["add-two-ranges", "r7 = r6\nr7 &= 31\nr6 &= 15\nr6 += r7"],
	["add-two-ranges-past", "r7 = r6\nr7 &= 31\nr6 &= 31\nr6 += r7"],
	["sub-two-ranges", "r7 = r6\nr7 &= 15\nr6 &= 15\nr6 -= r7\nr6 += 15"],
	["sub-self", "r6 -= r6"],
	["xor-self", "r6 ^= r6"],
	["and-self", "r6 &= r6"],
	["and-zero", "r6 &= 0"],
	["mod-zero-imm", "r6 %= 0"],
	["div-zero-imm", "r6 /= 0"],
	["sdiv-zero-imm", "r6 s/= 0"],
	["mod32-zero-imm", "w6 %= 0"],
	["div-zero-reg", "r7 = 0\nr6 /= r7"],
	["mod-zero-reg", "r7 = 0\nr6 &= 15\nr6 %= r7"],
	["div-unbounded", "r6 /= 1000"],
	["mod-48", "r6 %= 48"],
	["mod-49", "r6 %= 49"],
	["mod32-48", "w6 %= 48"],
	["mod-reg-48", "r7 = 48\nr6 %= r7"],
	["smod-48", "r6 s%= 48"],
	["or-keeps-low-bound", "r6 &= 15\nr6 |= 32"],
	["or-past", "r6 &= 31\nr6 |= 32"],
	["xor-sign", "r6 &= 15\nr6 ^= -1\nr6 += 16"],
	["xor-known-bits", "r6 &= 0x28\nr6 ^= 0x28"],
	["lsh-too-far-imm", "r6 <<= 64"],
	["lsh-too-far-imm32", "w6 <<= 32"],
	["rsh-too-far-imm", "r6 >>= 64"],
	["arsh-too-far-imm32", "w6 s>>= 32"],
	["lsh-negative", "r6 <<= -1"],
	["lsh-too-far-reg", "r7 = 64\nr6 <<= r7"],
	["lsh-63-reg", "r7 = 63\nr6 <<= r7\nr6 >>= 63"],
	["lsh-unknown", "r7 = r6\nr7 &= 3\nr6 &= 3\nr6 <<= r7"],
	["lsh-unknown-past", "r7 = r6\nr7 &= 3\nr6 &= 7\nr6 <<= r7"],
	["rsh-unknown", "r7 = r6\nr6 &= 31\nr6 >>= r7"],
	["rsh-unknown-bounded", "r7 = r6\nr7 &= 31\nr6 &= 31\nr6 >>= r7"],
	["neg", "r6 &= 31\nr6 = -r6\nr6 += 31"],
	["neg-past", "r6 &= 31\nr6 = -r6"],
	["neg32", "w6 &= 31\nw6 = -w6\nw6 += 31"],
	["bswap-bounded", "r6 = bswap16 r6\nr6 >>= 11"],
	["bswap-known", "r6 = 0x2000\nr6 = bswap16 r6"],
	["be16-known", "r6 = 0x2000\nr6 = be16 r6"],
	["le32-cuts", "r6 = le32 r6\nr6 >>= 27"],
	["bswap64-of-masked", "r6 &= 31\nr6 = bswap64 r6"],
	["mov32-drops-sign", "r6 = -1\nw6 = w6\nr6 >>= 27"],
	["movsx-known", "r6 = 255\nr6 = (s8)r6\nr6 += 1"],
	["movsx-range", "r6 &= 127\nr6 = (s8)r6\nr6 >>= 2"],
	["movsx-range-past", "r6 &= 255\nr6 = (s8)r6\nr6 >>= 2"],
	["movsx-keeps-small", "r6 &= 31\nr6 = (s8)r6"],
	["movsx32-keeps-small", "r6 &= 31\nr6 = (s32)r6"],
	["add32-overflow", "w6 &= 31\nw6 += 0x7fffffff\nw6 -= 0x7fffffff"],
	["add64-overflow", "r6 &= 31\nr7 = 0x7fffffffffffffff ll\nr6 += r7\nr6 -= r7"],
	["add64-wrap-to-zero", "r6 &= 1\nr6 += -1\nr6 += 1"],
	["lddw-offset", "r6 = 47 ll"],
	["lddw-offset-past", "r6 = 48 ll"],
	["negative-constant", "r6 = -1"],
	["negative-32", "w6 = -1"],
	["spilled-bounds", "r6 &= 31\n*(u64 *)(r10 - 16) = r6\nr6 = *(u64 *)(r10 - 16)"],
	["spilled-32-bounds", "w6 &= 31\n*(u32 *)(r10 - 16) = w6\nr6 = *(u32 *)(r10 - 16)"],
	["spilled-64-read-32", "r6 &= 31\n*(u64 *)(r10 - 16) = r6\nr6 = *(u32 *)(r10 - 16)"],
	[
		"spilled-32-read-64",
		"w6 &= 31\n*(u64 *)(r10 - 16) = 0\n*(u32 *)(r10 - 16) = w6\nr6 = *(u64 *)(r10 - 16)",
	],
	["spilled-upper-half", "r6 &= 31\n*(u64 *)(r10 - 16) = r6\nr6 = *(u32 *)(r10 - 12)"],
	["spilled-narrow-cuts", "r6 &= 0x11f\n*(u8 *)(r10 - 16) = w6\nr6 = *(u8 *)(r10 - 16)"],
	["zero-store-read", "*(u64 *)(r10 - 16) = 0\nr6 = *(u8 *)(r10 - 13)"],
	["imm-store-read", "*(u64 *)(r10 - 16) = 40\nr6 = *(u64 *)(r10 - 16)"],
	["imm-store-read-past", "*(u64 *)(r10 - 16) = 48\nr6 = *(u64 *)(r10 - 16)"],
	["imm32-store-read", "*(u32 *)(r10 - 16) = 40\nr6 = *(u32 *)(r10 - 16)"],
	["copy-then-bound", "r7 = r6\nif r7 > 47 goto out"],
	["copy-then-change", "r7 = r6\nr7 += 1\nif r7 > 47 goto out"],
	["copy-32-then-bound", "w7 = w6\nif w7 > 47 goto out"],
	["copy-32-of-zext", "w6 = w6\nw7 = w6\nif w7 > 47 goto out"],
	["copy-plus-const", "w6 = w6\nr7 = r6\nr7 += 4\nif r7 > 51 goto out"],
	["copy-minus-const", "w6 = w6\nr7 = r6\nr7 += -4\nif r7 > 40 goto out"],
	["copy-plus-const-both", "w6 = w6\nr7 = r6\nr7 += 4\nr6 += 2\nif r7 > 49 goto out"],
	[
		"cmpxchg-result",
		"*(u64 *)(r10 - 16) = 5\nr7 = r0\nr0 = 5\nr0 = cmpxchg_64(r10 - 16, r0, r6)\nr6 = r0\nr0 = r7",
	],
	["fetch-add-result", "*(u64 *)(r10 - 16) = 5\nr6 = 1\nr6 = atomic_fetch_add((u64 *)(r10 - 16), r6)"],
];

export const scalars: ThemeScript = {
	about: `
	What the verifier knows of a number after arithmetic: r6, changed, is the offset of a byte in 48.
	"fits" is the largest true result on the last byte, "past" one more, "below" one less than the first.`,
	*programs() {
		for (const [name, ops] of BY_HAND) yield hand(name, "xdp", program("", ops, "", 0));
		for (const [input, text, values] of INPUTS) {
			for (const [op, { of, operands }] of Object.entries(OPS)) {
				for (const bits of [64, 32] as const) {
					const cut = bits === 64 ? u64 : u32;
					for (const operand of operands.slice(0, input === "m15" || input === "signed" ? 5 : 2)) {
						const results = values.map((value) => cut(of(cut(value), cut(BigInt(operand)), bits)));
						const register = bits === 64 ? "r6" : "w6";
						yield* access(`${input}${op}${operand}-${bits}`, text, `${register} ${op} ${operand}`, results);
					}
				}
			}
			for (const [name, ops, of] of UNARY)
				yield* access(
					`${input}-${name}`,
					text,
					ops.replaceAll("REG", "6"),
					values.map((value) => u64(of(value))),
				);
		}
		// a range as the right operand: shifts and divisors that are not constants
		for (const [op, { of }] of Object.entries(OPS)) {
			const pairs = range(0, 7).flatMap((a) => range(1, 4).map((b) => [a, b] as const));
			for (const bits of [64, 32] as const) {
				const cut = bits === 64 ? u64 : u32;
				const [left, right] = bits === 64 ? ["r6", "r7"] : ["w6", "w7"];
				yield* access(
					`ranges${op}${bits}`,
					"r7 = r6\nr7 >>= 8\nr7 &= 3\nr7 += 1\nr6 &= 7",
					`${left} ${op} ${right}`,
					pairs.map(([a, b]) => cut(of(cut(a), cut(b), bits))),
				);
			}
		}
	},
};
