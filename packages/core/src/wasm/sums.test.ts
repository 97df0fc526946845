import { buildObject, check } from "@tailhop/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../asm/index.ts";
import { analyze, cfgOf, innerLoops } from "../flow/index.ts";
import { runBare } from "../interpreter/index.ts";
import { Machine } from "../machine/index.ts";
import { runBareWasm } from "./bare.ts";
import { nodesOf } from "./nodes.ts";
import { type SumLoop, sumLoops } from "./sums.ts";

/** What is found in a program whose first registers are a pointer, r1, and its end, r2. */
function sumsIn(text: string): readonly SumLoop[] {
	const linked = buildObject({ programs: { main: text } });
	const program = linked.programs[0]!;
	const cfg = cfgOf(program, program.functions[0]!);
	const unit = { program, facts: analyze(program, []), index: 1, maps: [], verified: true };
	const nodes = nodesOf(cfg, unit);
	sumLoops(nodes, innerLoops(nodes));
	return nodes.flatMap(({ sum }) => (sum === undefined ? [] : [sum]));
}

/** r0 += the words from r1 on, `count` times; what stands in the place of parts of it. */
const loop = (parts: { readonly load?: string; readonly add?: string; readonly step?: string } = {}) => `
	r0 = 0; r3 = 0
l:	${parts.load ?? "r4 = *(u16 *)(r1 + 0)"}
	${parts.add ?? "r0 += r4"}
	${parts.step ?? "r1 += 2; r3 += 1; if r3 != 300 goto l"}
	exit`;

describe("a loop that sums", () => {
	test.each([
		["words, 64 bits", loop()],
		["words, 32 bits", loop({ add: "w0 += w4" })],
		[
			"by an index",
			loop({ load: "r4 = r1; r4 += r3; r4 = *(u16 *)(r4 + 0)", step: "r3 += 2; if r3 != 600 goto l" }),
		],
		["bytes", loop({ load: "r4 = *(u8 *)(r1 + 7)", step: "r1 += 1; r3 += 1; if r3 < 300 goto l" })],
		[
			"up to an end",
			loop({ load: "r5 = r1; r5 += 4; if r5 > r2 goto +4; r4 = *(u32 *)(r1 + 0)", step: "r1 = r5; goto l" }),
		],
		["a count that goes down", loop({ step: "r1 += 2; w3 += -1; if w3 != 0 goto l" })],
		[
			"four a round",
			loop({
				load: "r4 = *(u16 *)(r1 + 0); r5 = *(u16 *)(r1 + 2); r6 = *(u16 *)(r1 + 4); r7 = *(u16 *)(r1 + 6)",
				add: "w0 += w4; w0 += w5; w0 += w6; w0 += w7",
				step: "r1 += 8; r3 += 4; if r3 s< 300 goto l",
			}),
		],
	])("%s", (_, text) => {
		expect(sumsIn(text)).toHaveLength(1);
	});

	test.each([
		["has a store", loop({ add: "r0 += r4; *(u64 *)(r10 - 8) = r0" })],
		["uses the sum", loop({ add: "r0 += r4; r5 = r0; r5 += r6; r6 = r5" })],
		["leaves by what it read", loop({ add: "if r4 == 0 goto +4; r0 += r4" })],
		["leaves by the sum", loop({ step: "r1 += 2; r3 += 1; if r0 > 1000 goto +1; if r3 != 300 goto l" })],
		["skips elements", loop({ step: "r1 += 4; r3 += 1; if r3 != 300 goto l" })],
		["reads them twice", loop({ add: "r0 += r4; r0 += r4" })],
		["does not come nearer to its end", loop({ step: "r1 += 2; r3 += 1; if r3 > 300 goto l" })],
		["multiplies", loop({ add: "r0 *= 31; r0 += r4" })],
		["carries a value over", loop({ add: "r0 += r4; r5 ^= r4" })],
		["multiplies its count", loop({ step: "r1 += 2; r3 <<= 1; if r3 != 256 goto l" })],
		["is a count of 32 bits compared in 64", loop({ step: "r1 += 2; w3 += 1; if r3 != r2 goto l" })],
	])("not where it %s", (_, text) => {
		expect(sumsIn(text)).toHaveLength(0);
	});

	const packet = Uint8Array.from({ length: 700 }, (_, i) => 37 * i);

	test.each([0, 1, 15, 16, 17, 32, 33, 300])("%i words of a packet", async (count) => {
		const sum = packet.slice(0, 2 * count).reduce((all, byte, i) => all + byte * 256 ** (i % 2), 0);
		await check({
			asm: `
				r2 = *(u32 *)(r1 + 4); r1 = *(u32 *)(r1 + 0); r3 = 0; r0 = 0
			l:	if r3 == ${count} goto out
				r5 = r1; r5 += 2
				if r5 > r2 goto out
				r4 = *(u16 *)(r1 + 0)
				w0 += w4
				r1 = r5
				r3 += 1
				if r3 < 400 goto l
			out: exit`,
			packet,
			expect: sum,
		});
	});
});

/** How the loop ends: which way its count goes, in which registers, and what it is compared by. */
const EXITS = [
	"up !=",
	"up <",
	"up <=",
	"up s<",
	"w up <",
	"low up s<",
	"down !=",
	"w down !=",
	"down >",
	"down s>=",
	"end",
] as const;

/** A loop over bytes that r1 points to, whose last words mix all registers into r0. */
interface Shape {
	readonly size: 1 | 2 | 4 | 8;
	readonly perRound: 1 | 2 | 4;
	readonly bits: 32 | 64;
	readonly indexed: boolean;
	readonly count: number;
	readonly begin: number;
	readonly exit: (typeof EXITS)[number];
	readonly first: boolean;
	readonly temp: boolean;
	readonly start: bigint;
	readonly seed: number;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
	size: fc.constantFrom(1, 2, 4, 8),
	perRound: fc.constantFrom(1, 2, 4),
	bits: fc.constantFrom(32, 64),
	indexed: fc.boolean(),
	count: fc.integer({ min: 1, max: 70 }),
	begin: fc.integer({ min: 0, max: 9 }),
	exit: fc.constantFrom(...EXITS),
	first: fc.boolean(),
	temp: fc.boolean(),
	start: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
	seed: fc.integer({ min: 0, max: 255 }),
});

function textOf({ size, perRound, bits, indexed, count, begin, exit, first, temp, start }: Shape): string {
	const stride = size * perRound;
	const base = indexed ? "r5 = r1; r5 += r3; " : "r5 = r1; ";
	const loads = Array.from(
		{ length: perRound },
		(_, i) =>
			`r${6 + (i % 2)} = *(u${8 * size} *)(r5 + ${begin + i * size}); ${bits === 32 && size < 8 ? "w" : "r"}0 += ${bits === 32 && size < 8 ? "w" : "r"}${6 + (i % 2)}`,
	).join("; ");
	const next = indexed ? `r3 += ${stride}` : `r1 += ${stride}`;
	// r4 counts rounds, up or down
	const [from, step, stays] = {
		"up !=": [0, "r4 += 1", `if r4 != ${count} goto l`],
		"up <": [0, "r4 += 3", `if r4 < ${3 * count} goto l`],
		"up <=": [7, "r4 += 2", `if r4 <= ${2 * count} goto l`],
		"up s<": [-20, "r4 += 1", `if r4 s< ${count - 20} goto l`],
		"w up <": [0, "w4 += 1", `if w4 < ${count} goto l`],
		"low up s<": [-20, "r4 += 1", `if w4 s< ${count - 20} goto l`],
		"down !=": [count, "r4 += -1", "if r4 != 0 goto l"],
		"w down !=": [count, "w4 -= 1", "if w4 != 0 goto l"],
		"down >": [5 * count, "r4 -= 5", "if r4 > 4 goto l"],
		"down s>=": [count - 30, "r4 += -1", "if r4 s>= -30 goto l"],
		end: [0, "r4 += 1", `r8 = r1; ${indexed ? "r8 += r3; " : ""}if r8 < r9 goto l`],
	}[exit] as [number, string, string];
	const body = `${base}${loads}; ${next}; ${step}${temp ? "; r2 = r4; r2 ^= 85; r2 *= r0" : ""}`;
	// what a comparison of 32 bits does not see
	const high = /^(w|low) /.test(exit) ? "r6 = 0x700000000 ll; r4 += r6; " : "";
	const low = Number(BigInt.asIntN(64, start) & 0x7fff_ffffn);
	return `
		r9 = r1; r9 += ${stride * count}; r3 = 0; r4 = ${from}; r5 = 0; r7 = 0; r8 = r1; r2 = 0
		${high}r0 = ${low}; r0 <<= 33; r0 += ${low}
		*(u64 *)(r10 - 8) = r1; r6 = 0
	l:	${first ? `${stays.replace(" goto l", " goto go")}; goto out; go: ${body}; goto l` : `${body}; ${stays}`}
	out: r9 = *(u64 *)(r10 - 8)
		r1 -= r9; r5 -= r9; r8 -= r9
		${[1, 2, 3, 4, 5, 6, 7, 8].map((r) => `r0 *= 31; r0 += r${r}`).join("; ")}
		exit`;
}

test("any such loop leaves all registers as the interpreter's does", () => {
	let vectors = 0;
	fc.assert(
		fc.property(shapes, (shape) => {
			const { insns } = assemble(textOf(shape));
			const memory = Uint8Array.from({ length: 32 * 80 + 16 }, (_, i) => (shape.seed + 151 * i) & 0xff);
			const expected = runBare(insns, { memory: memory.slice() }).r0;
			const found = runBareWasm(insns, { memory: memory.slice(), checked: false }).r0;
			expect(found).toBe(expected);
			vectors += sumsIn(textOf(shape)).length;
		}),
		{ numRuns: 400 },
	);
	expect(vectors).toBeGreaterThan(250);
});

/** The packet's first bytes are there, r1 points to them. */
const overPacket = (rest: string) => `
	r2 = *(u32 *)(r1 + 4); r1 = *(u32 *)(r1 + 0)
	r3 = r1; r3 += 600; r0 = 0
	if r3 > r2 goto out
	${rest}
out: exit`;
const ones = Uint8Array.from({ length: 1000 }, () => 1);

describe("a sum loop whose induction goes on by a large step", () => {
	test("is left with the right value", async () => {
		await check({
			asm: overPacket(`
				r3 = 0; r5 = 0; r0 = 0
			l:	r4 = *(u8 *)(r1 + 0); r0 += r4; r1 += 1
				r5 += 0x10000000; r3 += 1
				if r3 != 300 goto l
				r0 += r5`),
			packet: ones,
			expect: 300n * 0x10000000n + 300n,
		});
	});

	test("ends after as many rounds as the verifier has seen", async () => {
		await check({
			asm: overPacket(`
				r5 = 0; r6 = 0x1000000000 ll; r0 = 0
			l:	r4 = *(u8 *)(r1 + 0); r0 += r4; r1 += 1
				r5 += 0x10000000
				if r5 < r6 goto l`),
			packet: ones,
			expect: 256,
		});
	});
});

test("a trap in a sum loop names the load", async () => {
	const object = buildObject({
		programs: {
			main: `
				r1 = 0x90000000 ll; r3 = 0; r0 = 0; r9 = 1; r9 ^= 5
			l:	r4 = *(u16 *)(r1 + 0); r0 += r4; r1 += 2; r3 += 1
				if r3 != 200 goto l
				exit`,
		},
	});
	using machine = await Machine.create(object, { engine: "wasm", verify: "off", checked: false });
	const { error } = machine.attempt("main", { packet: new Uint8Array(64), trace: false });
	expect(error?.code).toBe("fault/access");
	expect(error?.where.insn).toBe(6);
});
