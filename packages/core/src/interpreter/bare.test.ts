import { describe, expect, it } from "vitest";
import { assemble } from "../asm/index.ts";
import { TailhopError } from "../errors/index.ts";
import { runBare } from "./index.ts";

const r0 = (text: string, memory?: Uint8Array) => runBare(assemble(text).insns, memory ? { memory } : {}).r0;

/** The code of the error that a program ends in. */
function faultOf(text: string, memory?: Uint8Array): string {
	try {
		r0(text, memory);
	} catch (error) {
		if (error instanceof TailhopError) return error.code;
		throw error;
	}
	return "none";
}

describe("arithmetic over int32 halves", () => {
	it.each<[string, bigint]>([
		["r0 = -1; r0 += 1; exit", 0n],
		["w0 = -1; w0 += 1; exit", 0n],
		["w0 = -1; exit", 0xffffffffn],
		["r0 = 0x100000000 ll; r0 -= 1; exit", 0xffffffffn],
		["r0 = 0xffffffffffffffff ll; r1 = r0; r0 *= r1; exit", 1n],
		[
			"r0 = 0x123456789abcdef0 ll; r0 *= 0x7fffffff; exit",
			BigInt.asUintN(64, 0x123456789abcdef0n * 0x7fffffffn),
		],
		["r0 = 0x8000000000000000 ll; r1 = -1; r0 s/= r1; exit", 0x8000000000000000n],
		["r0 = 0x8000000000000000 ll; r1 = -1; r0 s%= r1; exit", 0n],
		["r0 = 7; r1 = 0; r0 /= r1; exit", 0n],
		["r0 = 7; r1 = 0; r0 %= r1; exit", 7n],
		["r0 = 0xfffffffffffffffe ll; r0 /= 10; exit", 0xfffffffffffffffen / 10n],
		["r0 = 0x1fffffffffffff ll; r0 %= 0x10000; exit", 0x1fffffffffffffn % 0x10000n],
		["r0 = 1; r0 <<= 63; r0 s>>= 63; exit", 0xffffffffffffffffn],
		["r0 = 1; r0 <<= 32; exit", 0x100000000n],
		["r0 = 0x1122334455667788 ll; r0 >>= 36; exit", 0x1122334455667788n >> 36n],
		["r0 = 1; r0 = -r0; exit", 0xffffffffffffffffn],
		["r0 = 0x1122334455667788 ll; r0 = bswap64 r0; exit", 0x8877665544332211n],
		["r0 = 0x80; r0 = (s8)r0; exit", 0xffffffffffffff80n],
	])("%s", (text, expected) => {
		expect(r0(text)).toBe(expected);
	});
});

describe("what the checks see", () => {
	it("a register that was never written", () => {
		expect(faultOf("r0 = r3; exit")).toBe("fault/uninitialized");
		expect(faultOf("exit")).toBe("fault/uninitialized");
		expect(faultOf("r0 += 1; exit")).toBe("fault/uninitialized");
	});
	it("an access past the end of the memory that r1 points to", () => {
		const memory = new Uint8Array(8);
		expect(faultOf("r0 = *(u64 *)(r1 + 0); exit", memory)).toBe("none");
		expect(faultOf("r0 = *(u64 *)(r1 + 1); exit", memory)).toBe("fault/access");
		expect(faultOf("r0 = *(u8 *)(r1 - 1); exit", memory)).toBe("fault/access");
	});
	it("an access below the frame, and above it", () => {
		expect(faultOf("r0 = 0; *(u64 *)(r10 - 512) = r0; exit")).toBe("none");
		expect(faultOf("r0 = 0; *(u64 *)(r10 - 520) = r0; exit")).toBe("fault/access");
		expect(faultOf("r0 = *(u8 *)(r10 + 0); exit")).toBe("fault/access");
	});
	it("a pointer made of numbers", () => {
		expect(faultOf("r1 = 0x20000; r0 = *(u8 *)(r1 + 0); exit")).toBe("fault/access");
	});
	it("a pointer that was spilled whole comes back a pointer, one that was not does not", () => {
		expect(
			faultOf(
				"*(u64 *)(r10 - 8) = r1; r2 = *(u64 *)(r10 - 8); r0 = *(u8 *)(r2 + 0); exit",
				new Uint8Array(1),
			),
		).toBe("none");
		expect(
			faultOf(
				"*(u64 *)(r10 - 8) = r1; *(u8 *)(r10 - 8) = 0; r2 = *(u64 *)(r10 - 8); r0 = *(u8 *)(r2 + 0); exit",
				new Uint8Array(1),
			),
		).toBe("fault/access");
	});
	it("a frame pointer that left its function", () => {
		expect(faultOf("call f; r0 = *(u8 *)(r0 - 1); exit; f: r0 = r10; exit")).toBe("fault/access");
	});
	it("the end of the program, and endless loops", () => {
		expect(faultOf("r0 = 0")).toBe("fault/jump");
		expect(() => runBare(assemble("l: goto l").insns, { budget: 1000 })).toThrow(/budget of 1000/);
		expect(faultOf("f: call f; exit")).toBe("fault/stack");
	});
});

describe("calls", () => {
	it("keep r6-r9 and the frame of the caller", () => {
		expect(
			r0(
				"r6 = 5; *(u64 *)(r10 - 8) = r6; call f; r0 += r6; r1 = *(u64 *)(r10 - 8); r0 += r1; exit; f: r6 = 9; *(u64 *)(r10 - 8) = r6; r0 = 1; exit",
			),
		).toBe(11n);
	});
});

describe("atomics", () => {
	it.each<[string, bigint]>([
		[
			"r1 = 5; *(u64 *)(r10 - 8) = r1; r2 = 3; r2 = atomic_fetch_add((u64 *)(r10 - 8), r2); r0 = *(u64 *)(r10 - 8); r0 <<= 8; r0 |= r2; exit",
			0x805n,
		],
		[
			"r1 = 5; *(u64 *)(r10 - 8) = r1; r0 = 5; r2 = 9; r0 = cmpxchg_64(r10 - 8, r0, r2); r1 = *(u64 *)(r10 - 8); r1 <<= 8; r0 |= r1; exit",
			0x905n,
		],
	])("%s", (text, expected) => {
		expect(r0(text)).toBe(expected);
	});
});
