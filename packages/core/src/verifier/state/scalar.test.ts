import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StateCore } from "./core.ts";
import { BPF_ADD_CONST64, REG_STATE } from "./layout.ts";
import { printScalar } from "./print-scalar.ts";
import { anyScalar, excludes, type Scalar, setScalar, u32, u64 } from "./test-scalars.ts";
import { REG } from "./types.ts";

const core = new StateCore();
const [D, S, D2, S2] = [0, 1, 2, 3].map((n) => core.scratch(n)) as [number, number, number, number];
const RUNS = { numRuns: 500 };

/** The operations as 64-bit numbers; 32-bit ones get and give low halves. */
const OPS: Record<string, [op: number, run: (a: bigint, b: bigint, bits: bigint) => bigint]> = {
	add: [0x00, (a, b) => a + b],
	sub: [0x10, (a, b) => a - b],
	mul: [0x20, (a, b) => a * b],
	div: [0x30, (a, b) => (b === 0n ? 0n : a / b)],
	or: [0x40, (a, b) => a | b],
	and: [0x50, (a, b) => a & b],
	lsh: [0x60, (a, b, bits) => a << (b % bits)],
	rsh: [0x70, (a, b, bits) => a >> (b % bits)],
	neg: [0x80, (a) => -a],
	mod: [0x90, (a, b) => (b === 0n ? a : a % b)],
	xor: [0xa0, (a, b) => a ^ b],
	arsh: [0xc0, (a, b, bits) => BigInt.asIntN(Number(bits), a) >> (b % bits)],
};

const COMPARES: Record<string, [op: number, holds: (a: bigint, b: bigint, bits: number) => boolean]> = {
	"==": [0x10, (a, b) => a === b],
	">": [0x20, (a, b) => a > b],
	">=": [0x30, (a, b) => a >= b],
	"&": [0x40, (a, b) => (a & b) !== 0n],
	"!=": [0x50, (a, b) => a !== b],
	"s>": [0x60, (a, b, bits) => BigInt.asIntN(bits, a) > BigInt.asIntN(bits, b)],
	"s>=": [0x70, (a, b, bits) => BigInt.asIntN(bits, a) >= BigInt.asIntN(bits, b)],
	"<": [0xa0, (a, b) => a < b],
	"<=": [0xb0, (a, b) => a <= b],
	"s<": [0xc0, (a, b, bits) => BigInt.asIntN(bits, a) < BigInt.asIntN(bits, b)],
	"s<=": [0xd0, (a, b, bits) => BigInt.asIntN(bits, a) <= BigInt.asIntN(bits, b)],
};

function expectMembers(reg: number, values: readonly bigint[]): void {
	for (const value of values)
		expect(excludes(core, reg, value), `${value} in ${printScalar(core, reg)}`).toBe(undefined);
}

const pairs = (a: Scalar, b: Scalar): [bigint, bigint][] =>
	a.members.flatMap((x) => b.members.map((y) => [x, y] as [bigint, bigint]));

test("sync keeps every member", () => {
	fc.assert(
		fc.property(anyScalar, (scalar) => {
			setScalar(core, D, { ...scalar, sync: true });
			expectMembers(D, scalar.members);
			expect(core.boundsViolation(D)).toBe(0);
		}),
		RUNS,
	);
});

describe("the result of an operation lies in the result's bounds", () => {
	/** Shifts are followed by known amounts only. */
	const amount = (name: string, b: Scalar): Scalar =>
		name.includes("sh") && (b.members[0]! & 1n) === 0n
			? { ...b, members: [b.members[0]! % 64n], unknown: 0n, open: 0 }
			: b;
	for (const [name, [op, run]] of Object.entries(OPS)) {
		test(`${name} 64`, () => {
			fc.assert(
				fc.property(anyScalar, anyScalar, (a, any) => {
					const b = amount(name, any);
					setScalar(core, D, a);
					setScalar(core, S, b);
					core.alu(op, false, D, S);
					expectMembers(
						D,
						pairs(a, b).map(([x, y]) => u64(run(x, y, 64n))),
					);
				}),
				RUNS,
			);
		});
		test(`${name} 32`, () => {
			fc.assert(
				fc.property(anyScalar, anyScalar, (a, any) => {
					const b = amount(name, any);
					setScalar(core, D, a);
					setScalar(core, S, b);
					core.alu(op, true, D, S);
					expectMembers(
						D,
						pairs(a, b).map(([x, y]) => u32(run(u32(x), u32(y), 32n))),
					);
				}),
				RUNS,
			);
		});
	}
	test("one register as both operands", () => {
		fc.assert(
			fc.property(anyScalar, fc.constantFrom(...Object.values(OPS)), (a, [op, run]) => {
				setScalar(core, D, a);
				core.alu(op, false, D, D);
				expectMembers(
					D,
					a.members.map((value) => u64(run(value, value, 64n))),
				);
			}),
			RUNS,
		);
	});
});

describe("jumps", () => {
	for (const [name, [op, holds]] of Object.entries(COMPARES)) {
		for (const bits of [64, 32]) {
			test(`${name} ${bits}`, () => {
				const half = (value: bigint) => BigInt.asUintN(bits, value);
				fc.assert(
					fc.property(anyScalar, anyScalar, (a, b) => {
						for (const reg of [D, D2]) setScalar(core, reg, a);
						for (const reg of [S, S2]) setScalar(core, reg, b);
						const taken = core.branchTaken(op, bits === 32, D, S);
						core.refine(op, bits === 32, D, S, D2, S2);
						for (const [x, y] of pairs(a, b)) {
							const jumps = holds(half(x), half(y), bits);
							if (taken >= 0) expect(taken).toBe(jumps ? 1 : 0);
							expectMembers(jumps ? D : D2, [x]);
							expectMembers(jumps ? S : S2, [y]);
						}
					}),
					RUNS,
				);
			});
		}
	}
});

describe("truncation and extension", () => {
	const SIZES: fc.Arbitrary<number> = fc.constantFrom(1, 2, 4);
	const check = (run: (size: number) => void, of: (value: bigint, bits: number) => bigint, sizes = SIZES) =>
		fc.assert(
			fc.property(anyScalar, sizes, (scalar, size) => {
				setScalar(core, D, scalar);
				run(size);
				expectMembers(
					D,
					scalar.members.map((value) => of(value, 8 * size)),
				);
			}),
			RUNS,
		);
	test("coerceToSize", () =>
		check(
			(size) => core.coerceToSize(D, size),
			(value, bits) => BigInt.asUintN(bits, value),
		));
	test("coerceToSizeSx", () =>
		check(
			(size) => core.coerceToSizeSx(D, size),
			(value, bits) => u64(BigInt.asIntN(bits, value)),
		));
	test("coerceSubregToSizeSx", () =>
		check(
			(size) => core.coerceSubregToSizeSx(D, size),
			(value, bits) => u32(BigInt.asIntN(bits, value)),
			fc.constantFrom(1, 2),
		));
	test("assignInto32", () =>
		check(
			() => core.assignInto32(D),
			(value) => u32(value),
		));
	test("byteSwap", () => {
		const swapped = (value: bigint, bits: number) => {
			let result = 0n;
			for (let i = 0n; i < bits; i += 8n) result = (result << 8n) | ((value >> i) & 0xffn);
			return result;
		};
		check((size) => core.byteSwap(D, size, true), swapped, fc.constantFrom(2, 4, 8));
		check(
			(size) => core.byteSwap(D, size, false),
			(value, bits) => BigInt.asUintN(bits, value),
			fc.constantFrom(2, 4, 8),
		);
	});
});

test("a pointer's offset moves with the scalar", () => {
	fc.assert(
		fc.property(anyScalar, anyScalar, fc.boolean(), (a, b, add) => {
			setScalar(core, D, a);
			setScalar(core, S, b);
			core.set(D, REG_STATE.TYPE, REG.MAP_VALUE);
			core.ptrAlu(add ? 0x00 : 0x10, D, D, S);
			const off = BigInt(core.getSigned(D, REG_STATE.OFF));
			// pointers carry no 32-bit bounds of their own, but what follows from the others
			expectMembers(
				D,
				pairs(a, b).map(([x, y]) => u64((add ? x + y : x - y) - off)),
			);
		}),
		RUNS,
	);
});

test("a linked scalar follows at its distance", () => {
	const DELTA = fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff });
	fc.assert(
		fc.property(anyScalar, DELTA, (scalar, delta) => {
			core.markUnknown(S);
			core.set(S, REG_STATE.ID, 7);
			core.copyReg(D, S);
			core.markConst(D2, delta);
			core.alu(0x00, false, D, D2);
			expect(core.get(D, REG_STATE.ID)).toBe((7 | BPF_ADD_CONST64) >>> 0);
			setScalar(core, S, { ...scalar, sync: true });
			core.set(S, REG_STATE.ID, 7);
			core.syncLinked(D, S);
			expectMembers(
				D,
				scalar.members.map((value) => u64(value + BigInt(delta))),
			);
		}),
		RUNS,
	);
});
