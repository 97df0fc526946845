/**
 * What Linux 6.18 does with tail calls, rule by rule; every case runs on the kernel too, where bpf(2) is allowed.
 * The counter and the frames are what implementers get wrong most often.
 */
import { buildObject, check, checkObject, type ObjectCase } from "@tailhop/testing";
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

describe("transfer", () => {
	it("in a subprogram the target returns to the subprogram's caller, whose registers and stack are intact (rule 6)", async () => {
		const main = `
			${keepContext}
			r7 = 100
			r1 = 1000
			*(u64 *)(r10 - 8) = r1
			r1 = r6
			call leap
			r0 += r7
			r1 = *(u64 *)(r10 - 8)
			r0 += r1
			exit
		leap:
			r6 = r1
			r7 = 5
			*(u64 *)(r10 - 8) = r7
			${jump(0)}
			r0 = 50
			exit`;
		const target = "r7 = 9; *(u64 *)(r10 - 8) = r7; r0 = 2; exit";
		const object = { maps: [jumps(1)], programs: { main, target } };
		await run({ ...object, slots: { jumps: { 0: "target" } } }, 1102, ["0 target"]);
		await run(object, 1150, ["0 empty"]);
	});

	it("all 64 bits of the target's r0 come back", async () => {
		const main = `
			${keepContext}
			call leap
			r0 >>= 32
			exit
		leap:
			r6 = r1
			${jump(0)}
			r0 = 0
			exit`;
		await run(
			{
				maps: [jumps(1)],
				programs: { main, target: "r0 = 0x700000001 ll; exit" },
				slots: { jumps: { 0: "target" } },
			},
			7,
		);
	});

	it("through a tail call and a subprogram the result goes to the tail-called program (rule 6)", async () => {
		await run(
			{
				maps: [jumps(2)],
				programs: {
					main: `${keepContext}; ${jump(0)}; r0 = 1; exit`,
					a: `${keepContext}\n call leap\n r0 += 10\n exit\nleap:\n r6 = r1\n ${jump(1)}\n r0 = 0\n exit`,
					b: "r0 = 5; exit",
				},
				slots: { jumps: { 0: "a", 1: "b" } },
			},
			15,
			["0 a", "1 b"],
		);
	});

	it("the index is r3's low 32 bits (rule 7)", async () => {
		const programs = (index: string) => ({
			main: `${keepContext}; r1 = r6; r2 = jumps ll; r3 = ${index} ll; call bpf_tail_call; r0 = 9; exit`,
			target: "r0 = 1; exit",
		});
		const slots = { jumps: { 1: "target" } };
		await run({ maps: [jumps(2)], programs: programs("0x100000001"), slots }, 1, ["1 target"]);
		await run({ maps: [jumps(2)], programs: programs("0x500000001"), slots }, 1);
		await run({ maps: [jumps(2)], programs: programs("0xffffffff"), slots }, 9, ["4294967295 out-of-range"]);
		await run({ maps: [jumps(2)], programs: programs("2"), slots }, 9, ["2 out-of-range"]);
	});

	it("what was done to packet and context stays done (rule 7)", async () => {
		await check({
			type: "tc",
			maps: [jumps(1)],
			asm: `${keepContext}; r2 = 42; *(u32 *)(r1 + 48) = r2; ${jump(0)}; r0 = 9; exit`,
			programs: { target: "r0 = *(u32 *)(r1 + 48); exit" },
			slots: { jumps: { 0: "target" } },
			expect: { verdict: 42 },
		});
	});

	it("the target gets r1 and nothing else (rule 7)", async () => {
		const target = (register: string) => ({
			maps: [jumps(1)],
			programs: {
				main: `${keepContext}; r7 = 5; ${jump(0)}; r0 = 9; exit`,
				target: `r0 = ${register}; exit`,
			},
			slots: { jumps: { 0: "target" } },
		});
		for (const register of ["r2", "r6", "r7"]) {
			await checkObject(
				buildObject(target(register)),
				[{ run: "main", expect: { fault: "fault/uninitialized" } }],
				{
					kernel: { rejects: "!read_ok" },
				},
			);
		}
	});

	it("after a failed call r0 to r5 are gone, r6 to r9 and packet pointers stay (rule 8)", async () => {
		for (const register of ["r0", "r1", "r2", "r3"]) {
			await checkObject(
				buildObject({
					maps: [jumps(1)],
					programs: { main: `${keepContext}; ${jump(0)}; r0 = ${register}; exit` },
				}),
				[{ run: "main", expect: { fault: "fault/uninitialized" } }],
				{ kernel: { rejects: "!read_ok" } },
			);
		}
		await run(
			{
				maps: [jumps(1)],
				programs: {
					main: `
						${keepContext}
						r7 = *(u32 *)(r1 + 0)
						r8 = *(u32 *)(r1 + 4)
						r9 = r7
						r9 += 1
						if r9 > r8 goto out
						${jump(0)}
						r0 = *(u8 *)(r7 + 0)
						exit
					out:
						r0 = 1
						exit`,
				},
			},
			0,
		);
	});
});

describe("slots", () => {
	it("are refilled and emptied between runs: tailcall_1's sequence", async () => {
		const object = buildObject({
			maps: [jumps(3)],
			programs: {
				main: `${keepContext}; ${jump(0)}; ${jump(1)}; ${jump(2)}; r0 = 3; exit`,
				p0: "r0 = 0; exit",
				p1: "r0 = 1; exit",
				p2: "r0 = 2; exit",
			},
			slots: { jumps: { 0: "p0", 1: "p1", 2: "p2" } },
		});
		await checkObject(object, [
			{ run: "main", expect: { verdict: 0 } },
			{ slot: ["jumps", 0, undefined] },
			{ run: "main", expect: { verdict: 1 } },
			{ slot: ["jumps", 1, undefined] },
			{ run: "main", expect: { verdict: 2 } },
			{ slot: ["jumps", 2, undefined] },
			{ run: "main", expect: { verdict: 3, hops: ["0 empty", "1 empty", "2 empty"] } },
			{ slot: ["jumps", 2, undefined], result: -2 },
			{ slot: ["jumps", 3, undefined], result: -7 },
			{ slot: ["jumps", 3, "p0"], result: -7 },
			{ slot: ["jumps", 0, "p2"] },
			{ slot: ["jumps", 1, "p1"] },
			{ run: "main", expect: { verdict: 2 } },
			{ slot: ["jumps", 0, "p1"] },
			{ run: "main", expect: { verdict: 1 } },
		]);
	});

	it("tailcall_2: a chain, and two that call each other until the limit", async () => {
		const object = buildObject({
			maps: [jumps(5)],
			programs: {
				main: `${keepContext}; ${jump(0)}; ${jump(3)}; r0 = 3; exit`,
				p0: `${keepContext}; ${jump(1)}; r0 = 0; exit`,
				p1: `${keepContext}; ${jump(2)}; r0 = 1; exit`,
				p2: "r0 = 2; exit",
				p3: `${keepContext}; ${jump(4)}; r0 = 3; exit`,
				p4: `${keepContext}; ${jump(3)}; r0 = 4; exit`,
			},
			slots: { jumps: { 0: "p0", 1: "p1", 2: "p2", 3: "p3", 4: "p4" } },
		});
		await checkObject(object, [
			{ run: "main", expect: { verdict: 2 } },
			{ slot: ["jumps", 2, undefined] },
			{ run: "main", expect: { verdict: 1 } },
			{ slot: ["jumps", 0, undefined] },
			{ run: "main", expect: { verdict: 3 } },
		]);
	});

	it("hierarchy_1: a subprogram called twice tail calls the entry: 34 entries in all, 35 runs of it with the slot empty", async () => {
		const object = buildObject({
			maps: [jumps(1), counter],
			programs: {
				main: `
					${keepContext}
					${countOne}
					r1 = r6
					call leap
					r1 = r6
					call leap
					r0 = 1
					exit
				leap:
					r6 = r1
					${jump(0)}
					r0 = 0
					exit`,
			},
			slots: { jumps: { 0: "main" } },
		});
		await checkObject(object, [
			{ run: "main", expect: { verdict: 1, maps: { count: [[0, 34]] } } },
			{ slot: ["jumps", 0, undefined] },
			{ run: "main", expect: { verdict: 1, maps: { count: [[0, 35]] } } },
		]);
	});

	it("hierarchy_2: the first branch spends the whole budget, the second gets nothing", async () => {
		const bump = (offset: number) => `
			r1 = both[0]+${offset} ll
			r2 = *(u64 *)(r1 + 0)
			r2 += 1
			*(u64 *)(r1 + 0) = r2`;
		const branch = (name: string, slot: number) => `
			${keepContext}
			${bump(slot * 8)}
			call ${name}
			r0 = 1
			exit
		${name}:
			r6 = r1
			${jump(slot)}
			r0 = 1
			exit`;
		await checkObject(
			buildObject({
				maps: [jumps(2), { name: "both", type: "array", valueSize: 16 }],
				programs: {
					main: `
						${keepContext}
						call sub0
						r1 = r6
						call sub1
						r1 = both[0]+0 ll
						r0 = *(u64 *)(r1 + 0)
						r2 = *(u64 *)(r1 + 8)
						r2 <<= 16
						r0 |= r2
						exit
					sub0:
						r6 = r1
						${jump(0)}
						r0 = 1
						exit
					sub1:
						r6 = r1
						${jump(1)}
						r0 = 1
						exit`,
					class0: branch("s0", 0).replace(`${bump(0)}\n\t\t\tcall`, `${bump(0)}\n\t\t\tr1 = r6\n\t\t\tcall`),
					class1: branch("s1", 1).replace(`${bump(8)}\n\t\t\tcall`, `${bump(8)}\n\t\t\tr1 = r6\n\t\t\tcall`),
				},
				slots: { jumps: { 0: "class0", 1: "class1" } },
			}),
			[{ run: "main", expect: { verdict: 33 } }],
		);
	});

	it("a dynamic slot: beyond max_entries it falls through", async () => {
		await check({
			maps: [jumps(2)],
			asm: `
				r6 = r1
				r7 = *(u32 *)(r1 + 16)
				r1 = r6
				r2 = jumps ll
				r3 = r7
				call bpf_tail_call
				r0 = 9
				exit`,
			programs: { a: "r0 = 1; exit", b: "r0 = 2; exit" },
			slots: { jumps: { 0: "a", 1: "b" } },
			expect: 1,
		});
	});
});

describe("programs and arrays", () => {
	it("a program of another type is refused, and of another attach type", async () => {
		const xdp = (expectedAttachType: number) => ({ type: "xdp", expectedAttachType }) as const;
		const of = (kind: object) =>
			buildObject({
				...kind,
				maps: [jumps(2)],
				programs: { main: `${keepContext}; ${jump(0)}; r0 = 1; exit` },
			});
		const first = of(xdp(0));
		const second = of(xdp(37));
		const both = { ...first, programs: [...first.programs, { ...second.programs[0]!, name: "other" }] };
		const { Machine } = await import("../index.ts");
		await expect(Machine.create(both)).rejects.toMatchObject({
			code: "machine/owner",
			detail: { errno: 22 },
		});
		await expect(Machine.create(first)).resolves.toBeDefined();
	});
});
