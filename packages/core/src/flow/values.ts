/**
 * What the simple dataflow knows of a register or a stack slot. Two values that differ meet in `other`, or in
 * `any` if one of them may point into the function's own stack frame.
 */
export type Value =
	/** These 64 bits, unsigned. */
	| { readonly kind: "number"; readonly value: bigint }
	/** The map at this index of `LinkedObject.maps`. */
	| { readonly kind: "map"; readonly map: number }
	/** This byte of the map's first value. */
	| { readonly kind: "map_value"; readonly map: number; readonly offset: bigint }
	/** The program's context, unmodified. */
	| { readonly kind: "context" }
	/** r10 of this function plus `offset` (64 bits, signed). */
	| { readonly kind: "stack"; readonly offset: bigint }
	/** A function pointer: the instruction where it starts. */
	| { readonly kind: "function"; readonly start: number }
	/** Unknown, but no pointer into this function's frame. */
	| { readonly kind: "other" }
	/** Unknown. */
	| { readonly kind: "any" };

export const OTHER: Value = { kind: "other" };
export const ANY: Value = { kind: "any" };
export const CONTEXT: Value = { kind: "context" };

export const number = (value: bigint): Value => ({ kind: "number", value: BigInt.asUintN(64, value) });

/** May this be a pointer into the function's own frame? */
export const mayBeStack = (value: Value): boolean => value.kind === "stack" || value.kind === "any";

export function sameValue(a: Value, b: Value): boolean {
	if (a === b) return true;
	switch (a.kind) {
		case "number":
			return b.kind === "number" && a.value === b.value;
		case "map":
			return b.kind === "map" && a.map === b.map;
		case "map_value":
			return b.kind === "map_value" && a.map === b.map && a.offset === b.offset;
		case "stack":
			return b.kind === "stack" && a.offset === b.offset;
		case "function":
			return b.kind === "function" && a.start === b.start;
		default:
			return a.kind === b.kind;
	}
}

/** What is known where two paths meet. */
export function meet(a: Value, b: Value): Value {
	if (sameValue(a, b)) return a;
	return mayBeStack(a) || mayBeStack(b) ? ANY : OTHER;
}

type Alu = (a: bigint, b: bigint, bits: 32 | 64) => bigint;

const signed = (value: bigint, bits: 32 | 64) => BigInt.asIntN(bits, value);
const shift = (by: bigint, bits: 32 | 64) => by & BigInt(bits - 1);

/** RFC 9669 section 4.1; operands and results are cut to `bits` around each. */
export const ALU: Readonly<Record<string, Alu>> = {
	add: (a, b) => a + b,
	sub: (a, b) => a - b,
	mul: (a, b) => a * b,
	div: (a, b) => (b === 0n ? 0n : a / b),
	mod: (a, b) => (b === 0n ? a : a % b),
	sdiv: (a, b, bits) => (b === 0n ? 0n : signed(a, bits) / signed(b, bits)),
	smod: (a, b, bits) => (b === 0n ? a : signed(a, bits) % signed(b, bits)),
	or: (a, b) => a | b,
	and: (a, b) => a & b,
	xor: (a, b) => a ^ b,
	lsh: (a, b, bits) => a << shift(b, bits),
	rsh: (a, b, bits) => a >> shift(b, bits),
	arsh: (a, b, bits) => signed(a, bits) >> shift(b, bits),
	mov: (_, b) => b,
};

/** RFC 9669 section 4.3: whether the branch is taken. */
export const CONDITION: Readonly<Record<string, (a: bigint, b: bigint, bits: 32 | 64) => boolean>> = {
	jeq: (a, b) => a === b,
	jne: (a, b) => a !== b,
	jgt: (a, b) => a > b,
	jge: (a, b) => a >= b,
	jlt: (a, b) => a < b,
	jle: (a, b) => a <= b,
	jset: (a, b) => (a & b) !== 0n,
	jsgt: (a, b, bits) => signed(a, bits) > signed(b, bits),
	jsge: (a, b, bits) => signed(a, bits) >= signed(b, bits),
	jslt: (a, b, bits) => signed(a, bits) < signed(b, bits),
	jsle: (a, b, bits) => signed(a, bits) <= signed(b, bits),
};

/** Byte swaps and truncations of RFC 9669 section 4.2, on a little-endian machine. */
export function endian(value: bigint, order: "le" | "be" | "bswap", bits: number): bigint {
	const cut = BigInt.asUintN(bits, value);
	if (order === "le") return cut;
	let out = 0n;
	for (let i = 0n; i < BigInt(bits); i += 8n) out = (out << 8n) | ((cut >> i) & 0xffn);
	return out;
}
