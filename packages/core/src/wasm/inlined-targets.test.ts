import { buildObject } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import { Machine } from "../index.ts";

const input = { packet: new Uint8Array(64), trace: false };
const jumps = { name: "jumps", type: "prog_array", maxEntries: 2 } as const;

describe("a loop around a tail call with a variable slot that always fails", () => {
	const object = buildObject({
		maps: [jumps],
		programs: {
			main: `
				r6 = r1; r7 = *(u32 *)(r1 + 16); r7 += 99; r8 = 0
			l:	r8 += 1
				r1 = r6; r2 = jumps ll; r3 = r7; call 12
				if r8 < 100000 goto l
				r0 = r8; exit`,
			target: "r0 = 1; exit",
			// the same behind an inlined call: its node is the header
			behind: `
				r6 = r1; r7 = *(u32 *)(r1 + 16); r7 += 99; r8 = 0
			l:	call one
				r8 += r0
				r1 = r6; r2 = jumps ll; r3 = r7; call 12
				if r8 < 100000 goto l
				r0 = r8; exit
			one: r0 = 1; exit`,
		},
		slots: { jumps: { 0: "target" } },
	});

	test.each([
		["main", true],
		["main", false],
		["behind", true],
		["behind", false],
	])("%s burns fuel, traced: %s", async (program, trace) => {
		using machine = await Machine.create(object, { engine: "wasm", verify: "off", budget: 1000 });
		expect(() => machine.run(program, { ...input, trace })).toThrow(/budget of 1000/);
	});
});

describe.each(["r3 = 0", "r3 = *(u32 *)(r1 + 16)"])(
	"a target, %s, whose subprogram is not compiled",
	(slot) => {
		// more than is inlined, so that it is called
		const long = Array.from({ length: 50 }, (_, i) => `r7 ^= ${i}`).join("; ");
		const object = buildObject({
			maps: [jumps],
			programs: {
				main: `r2 = jumps ll; ${slot}; call 12; r0 = 7; exit`,
				target: `
				call f
				exit
			f:	r7 = 0; r8 = 1
				if r8 == 1 goto known
				call 9999
			known: ${long}
				r0 = 5; exit`,
			},
			slots: { jumps: { 0: "target" } },
		});

		test.each([true, false])("runs in the interpreter, checked: %s", async (checked) => {
			using machine = await Machine.create(object, { engine: "wasm", verify: "off", checked });
			expect([...machine.notCompiled.keys()]).toEqual(["target"]);
			expect(machine.run("main", input).r0).toBe(5n);
		});
	},
);

test("with emptySlotCounts, hops have the interpreter's counts", async () => {
	const object = buildObject({
		maps: [jumps],
		programs: {
			main: "r6 = r1; r2 = jumps ll; r3 = 1; call 12; r1 = r6; r2 = jumps ll; r3 = 0; call 12; r0 = 7; exit",
			target: "r0 = 1; exit",
		},
		slots: { jumps: { 0: "target" } },
	});
	const counts = await Promise.all(
		(["interpreter", "wasm"] as const).map(async (engine) => {
			using machine = await Machine.create(object, { engine, emptySlotCounts: true });
			return machine.run("main", { ...input, trace: true }).hops.map(({ count }) => count);
		}),
	);
	expect(counts[1]).toEqual(counts[0]);
});

/** Accepted by no verifier: a load below the frame where r9 is 77, which it isn't. */
const unverified = (loop: string) => `
	r6 = r1; r9 = *(u32 *)(r1 + 16); r8 = 0
	${loop}
out: if r9 != 77 goto fine
	r5 = *(u64 *)(r10 - 600)
fine: r0 = r8; exit`;

test.each([
	["with one entry", "a: r8 += 1; if r8 < 100000 goto a"],
	["with two entries", "if r9 == 77 goto b; a: r8 += 1; if r8 > 100000 goto out; b: r8 += 1; goto a"],
])("a loop %s of an unverified target burns fuel in a verified caller", async (_, loop) => {
	const object = buildObject({
		maps: [jumps],
		programs: { main: "r2 = jumps ll; r3 = 0; call 12; r0 = 7; exit", target: unverified(loop) },
		slots: { jumps: { 0: "target" } },
	});
	using machine = await Machine.create(object, { engine: "wasm", verify: "try" });
	expect(() => machine.run("main", { ...input, budget: 1000 })).toThrow(/budget of 1000/);
});

test("programs too large to stand in their caller are jumped to from one place, as the slots are now", async () => {
	const long = Array.from({ length: 300 }, (_, i) => `r7 ^= ${i}`).join("; ");
	const call = (slot: string) => `r1 = r6; r2 = jumps ll; r3 = ${slot}; call 12`;
	const object = buildObject({
		maps: [jumps],
		programs: {
			// four calls that miss, and one that does not
			main: `r6 = r1; r7 = *(u32 *)(r1 + 16); r8 = r7; r8 += 9; ${[1, 2, 3, 4].map(() => call("r8")).join("; ")}; ${call("r7")}; r0 = 7; exit`,
			first: `r7 = 0; ${long}; r0 = 1; exit`,
			second: `r7 = 0; ${long}; r0 = 2; exit`,
		},
		slots: { jumps: { 0: "first" } },
	});
	using machine = await Machine.create(object, { engine: "wasm" });
	const run = () => machine.run("main", input).r0;
	expect(run()).toBe(1n);
	machine.map("jumps").setSlot(0, "second");
	expect(run()).toBe(2n);
	machine.map("jumps").clearSlot(0);
	expect(run()).toBe(7n);
});
