import { check } from "@tailhop/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assemble } from "../asm/index.ts";
import { runBare } from "../interpreter/index.ts";
import { runBareWasm } from "./bare.ts";

const register = fc.constantFrom(0, 2, 3, 4);
const slot = fc.constantFrom(8, 16, 24, 32, 40);
const width = fc.constantFrom(8, 16, 32, 64);

/** The width and place that accesses of a slot mostly have. */
const usual = (at: number) => ({ 8: "u64", 16: "u32", 24: "u16", 32: "u8", 40: "u64" })[at]!;
const place = (at: number) => (at === 24 ? at - 4 : at);

const line = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.tuple(register, slot).map(([r, at]) => `*(${usual(at)} *)(r10 - ${place(at)}) = r${r}`),
	},
	{
		weight: 3,
		arbitrary: fc.tuple(fc.integer(), slot).map(([k, at]) => `*(${usual(at)} *)(r10 - ${place(at)}) = ${k}`),
	},
	{
		weight: 6,
		arbitrary: fc.tuple(register, slot).map(([r, at]) => `r${r} = *(${usual(at)} *)(r10 - ${place(at)})`),
	},
	{
		weight: 3,
		arbitrary: fc
			.tuple(register, fc.constantFrom(16, 24, 32))
			.map(([r, at]) => `r${r} = *(${usual(at).replace("u", "s")} *)(r10 - ${place(at)})`),
	},
	{
		weight: 5,
		arbitrary: fc.tuple(register, register).map(([a, b]) => `r${a} *= r${b}; r${a} ^= 0x5bd1e995`),
	},
	{ weight: 3, arbitrary: fc.tuple(register, register).map(([a, b]) => `if r${a} s> r${b} goto next`) },
	// accesses that make a slot memory again
	{
		weight: 1,
		arbitrary: fc.tuple(register, slot, width).map(([r, at, n]) => `*(u${n} *)(r10 - ${at}) = r${r}`),
	},
	{
		weight: 1,
		arbitrary: fc
			.tuple(register, slot)
			.map(([r, at]) => `r5 = r10; r5 += -${place(at)}; r${r} = *(u8 *)(r5 + 0)`),
	},
	{
		weight: 1,
		arbitrary: fc
			.tuple(register, slot)
			.map(([r, at]) => `r5 = r10; r5 += -48; *(u8 *)(r5 + ${48 - at}) = r${r}`),
	},
);

const program = fc
	.array(line, { minLength: 5, maxLength: 30 })
	.map((lines) =>
		[
			"r0 = *(u64 *)(r1 + 0); r2 = *(u64 *)(r1 + 8); r3 = *(u64 *)(r1 + 16); r4 = *(u64 *)(r1 + 24); r6 = 3",
			...[8, 16, 24, 32, 40].map((at) => `*(${usual(at)} *)(r10 - ${place(at)}) = r${at === 24 ? 2 : 3}`),
			"again:",
			...lines.flatMap((text, i) => [text.replace("next", `l${i}`), `l${i}:`]),
			"r6 += -1; if r6 != 0 goto again",
			...[8, 16, 24, 32, 40].map((at) => `r5 = *(${usual(at)} *)(r10 - ${place(at)}); r0 *= 31; r0 += r5`),
			"r0 *= 31; r0 += r2; r0 *= 31; r0 += r3; r0 *= 31; r0 += r4; exit",
		].join("\n"),
	);

test("spilled registers are what they were, as locals and as memory", () => {
	fc.assert(
		fc.property(program, fc.uint8Array({ minLength: 32, maxLength: 32 }), (text, memory) => {
			const { insns } = assemble(text);
			const expected = runBare(insns, { memory: memory.slice() }).r0;
			for (const checked of [true, false])
				expect(runBareWasm(insns, { memory: memory.slice(), checked }).r0).toBe(expected);
		}),
		{ numRuns: 300 },
	);
});

test("a helper sees a stack slot through a pointer that lies in memory", async () => {
	await check({
		asm: `
			*(u32 *)(r10 - 64) = 0x00636261
			r1 = r10; r1 += -64
			*(u64 *)(r10 - 24) = r1
			*(u32 *)(r10 - 16) = 0x00007325
			r1 = r10; r1 += -16; r2 = 3
			r3 = r10; r3 += -24; r4 = 8
			call bpf_trace_vprintk
			exit`,
		// "abc" by "%s"
		expect: 3,
	});
});
