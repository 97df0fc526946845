/**
 * What Linux 6.18 does with tail calls: counting, rule by rule; every case runs on the kernel too, where bpf(2) is
 * allowed. The counter and the frames are what implementers get wrong most often. Beside this file: what goes along
 * (tail-call-transfer), what a call may be given (tail-call-arguments), the kernel's own tests
 * (tail-call-selftests); and prog-array, owners, references.
 *
 * Not here: PROG_TEST_RUN's repeat (a Machine runs once), how x86 code keeps the counter, and what clang does with a
 * static subprogram's constant return value.
 */
import { buildObject, checkObject, type ObjectCase } from "@tailhop/testing";
import { describe, expect, it } from "vitest";

/** The two lines before every tail call: ctx is kept in r6. */
const jump = (slot: number | string, map = "jumps") => `
	r1 = r6
	r2 = ${map} ll
	r3 = ${slot}
	call bpf_tail_call`;

const keepContext = "r6 = r1";
const jumps = (maxEntries: number) => ({ name: "jumps", type: "prog_array", maxEntries }) as const;
const counter = { name: "count", type: "array", maxEntries: 1 } as const;

/** Adds 1 to the counter map; leaves r6 alone. */
const countOne = `
	r1 = count[0]+0 ll
	r2 = *(u64 *)(r1 + 0)
	r2 += 1
	*(u64 *)(r1 + 0) = r2`;

/** Runs an object's "main" after some steps; r0 is the low 32 bits everywhere. */
async function run(object: ObjectCase, verdict: number, hops?: readonly string[]) {
	await checkObject(buildObject(object), [{ run: "main", expect: { verdict, ...(hops ? { hops } : {}) } }]);
}

describe("counting", () => {
	it("a chain of 40: 33 tail calls, then the call falls through (rule 1)", async () => {
		const programs: Record<string, string> = {};
		const slots: Record<number, string> = {};
		for (let i = 0; i <= 40; i++) {
			const name = i === 0 ? "main" : `p${i}`;
			programs[name] = `${keepContext}; ${jump(i)}; r0 = ${i}; exit`;
			slots[i] = `p${i + 1}`;
		}
		programs.p41 = "r0 = 99; exit";
		await run({ maps: [jumps(41)], programs, slots: { jumps: slots } }, 33);
	});

	it("two programs that call each other: 17 entries each (rule 1)", async () => {
		const bump = (offset: number) => `
			r1 = both[0]+${offset} ll
			r2 = *(u64 *)(r1 + 0)
			r2 += 1
			*(u64 *)(r1 + 0) = r2`;
		await checkObject(
			buildObject({
				maps: [jumps(2), { name: "both", type: "array", valueSize: 16 }],
				programs: {
					main: `${keepContext}; ${bump(0)}; ${jump(1)}; r0 = 1; exit`,
					other: `${keepContext}; ${bump(8)}; ${jump(0)}; r0 = 2; exit`,
				},
				slots: { jumps: { 0: "main", 1: "other" } },
			}),
			[{ run: "main", expect: { verdict: 2, maps: { both: [[0, "1100000000000000 1100000000000000"]] } } }],
		);
	});

	it("the counter only grows: calls made in subprograms that have returned stay spent (rule 2)", async () => {
		const loop = `
			${keepContext}
			r7 = 0
			r8 = 0
		again:
			r1 = r6
			call leap
			r8 += r0
			r7 += 1
			if r7 < 50 goto again
			r0 = r8
			exit
		leap:
			r6 = r1
			${jump(0)}
			r0 = 0
			exit`;
		const leaf = "r0 = 1; exit";
		await run({ maps: [jumps(2)], programs: { main: loop, leaf }, slots: { jumps: { 0: "leaf" } } }, 33);
		await run(
			{
				maps: [jumps(2)],
				programs: { main: `${keepContext}; ${jump(1)}; r0 = 77; exit`, loop, leaf },
				slots: { jumps: { 0: "leaf", 1: "loop" } },
			},
			32,
		);
	});

	it("failed calls are free: ten that fail, then 33 (rule 3)", async () => {
		const failing = Array.from({ length: 10 }, (_, i) => jump(i % 2 === 0 ? 1 : 1000)).join("\n");
		await checkObject(
			buildObject({
				maps: [jumps(2), counter],
				programs: {
					main: `${keepContext}; ${failing}; ${jump(0)}; r0 = 1; exit`,
					self: `${keepContext}; ${countOne}; ${jump(0)}; r0 = 2; exit`,
				},
				slots: { jumps: { 0: "self" } },
			}),
			[{ run: "main", expect: { verdict: 2, maps: { count: [[0, 33]] } } }],
		);
	});

	it("once 33 are spent a call falls through, says limit, and counts no further (rule 3)", async () => {
		const self = `${keepContext}; ${jump(0)}; ${jump(0)}; ${jump(1)}; ${jump(2)}; r0 = 4; exit`;
		const object = buildObject({
			maps: [jumps(2)],
			programs: { main: self },
			slots: { jumps: { 0: "main" } },
		});
		const [outcome] = await checkObject(object, [{ run: "main", expect: 4 }]);
		const hops = outcome?.kind === "ran" ? (outcome.result?.hops ?? []) : [];
		expect(hops.slice(0, 33).map((hop) => hop.count)).toEqual(Array.from({ length: 33 }, (_, i) => i));
		// an index out of range is seen before the limit, an empty slot after it
		expect(hops.slice(33).map((hop) => `${hop.slot} ${hop.outcome} ${hop.count}`)).toEqual([
			"0 limit 33",
			"0 limit 33",
			"1 limit 33",
			"2 out-of-range 33",
		]);
	});

	it("failing calls with a variable index are free too (rule 3)", async () => {
		const failing = Array.from({ length: 10 }, () => jump("r7")).join("\n");
		for (const index of [1, 1000]) {
			await checkObject(
				buildObject({
					maps: [jumps(2), counter, { name: "index", type: "array" }],
					programs: {
						main: `
							${keepContext}
							r1 = index[0]+0 ll
							r7 = *(u64 *)(r1 + 0)
							${failing}
							${jump(0)}
							r0 = 1
							exit`,
						self: `${keepContext}; ${countOne}; ${jump(0)}; r0 = 2; exit`,
					},
					slots: { jumps: { 0: "self" } },
				}),
				[
					{ update: "index", key: 0, value: index },
					{ run: "main", expect: { verdict: 2, maps: { count: [[0, 33]] } } },
				],
			);
		}
	});

	it("a tail-called program's subprograms count on the same counter (rule 2)", async () => {
		const loop = `
			${keepContext}
			r7 = 0
			r8 = 0
		again:
			r1 = r6
			call leap
			r8 += r0
			r7 += 1
			if r7 < 20 goto again
			r0 = r8
			exit
		leap:
			r6 = r1
			${jump(0)}
			r0 = 0
			exit`;
		const twice = `
			${keepContext}
			call enter
			r7 = r0
			r1 = r6
			call enter
			r0 <<= 16
			r0 |= r7
			exit
		enter:
			r6 = r1
			${jump(1)}
			r0 = 0
			exit`;
		// each entry into the loop is one: 1 + 20 and 1 + 11
		await run(
			{
				maps: [jumps(2)],
				programs: { main: twice, loop, leaf: "r0 = 1; exit" },
				slots: { jumps: { 0: "leaf", 1: "loop" } },
			},
			(11 << 16) | 20,
		);
	});

	it("the kernel's own interpreter spends a call on an empty slot (rule 3, an option)", async () => {
		const object = buildObject({
			maps: [jumps(2), counter],
			programs: {
				main: `${keepContext}; ${jump(1)}; ${jump(0)}; r0 = 1; exit`,
				self: `${keepContext}; ${countOne}; ${jump(0)}; r0 = 2; exit`,
			},
			slots: { jumps: { 0: "self" } },
		});
		await checkObject(object, [{ run: "main", expect: { maps: { count: [[0, 32]] } } }], {
			machine: { emptySlotCounts: true },
			kernel: { cannot: "this kernel has its JIT always on" },
		});
	});

	it("starts at 0 for each run (rule 4)", async () => {
		const object = buildObject({
			maps: [jumps(1), counter],
			programs: { main: `${keepContext}; ${countOne}; ${jump(0)}; r0 = 1; exit` },
			slots: { jumps: { 0: "main" } },
		});
		await checkObject(object, [
			{ run: "main", expect: { maps: { count: [[0, 34]] } } },
			{ run: "main", expect: { maps: { count: [[0, 68]] } } },
		]);
	});
});
