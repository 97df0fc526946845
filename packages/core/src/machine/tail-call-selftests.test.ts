/**
 * What the kernel's own tail-call tests (prog_tests/tailcalls.c) assert, as programs of our own; all tc, as there.
 * Not here: the fentry, fexit and freplace variants (TRACING and EXT programs), poke (a stress run without a result),
 * tailcall_failure (four refusals of the verifier) and the cgroup storage tests (no cgroup storage here).
 */
import { buildObject, checkObject, type ObjectCase, type Step } from "@tailhop/testing";
import { expect, test } from "vitest";

/** ctx is in r6. */
const jump = (slot: number | string, map = "jumps") => `
	r1 = r6
	r2 = ${map} ll
	r3 = ${slot}
	call bpf_tail_call`;
const keep = "r6 = r1";
const call = (name: string) => `r1 = r6\n call ${name}`;
/** r0 = skb->len times so much. */
const length = (times: number) => `r0 = *(u32 *)(r6 + 0)\n r0 *= ${times}`;
/** Makes the frame so large: a store at its far end. */
const frame = (size: number) => `*(u64 *)(r10 - ${size}) = ${size}`;
/** Adds 1 to a number in the map `count`. */
const countOne = (offset = 0) => `
	r1 = count[0]+${offset} ll
	r2 = *(u64 *)(r1 + 0)
	r2 += 1
	*(u64 *)(r1 + 0) = r2`;

const jumps = (maxEntries: number) => ({ name: "jumps", type: "prog_array", maxEntries });
const count = { name: "count", type: "array" };
const returns = (value: number) => `r0 = ${value}; exit`;

const packet = new Uint8Array(54);
const runs = (verdict: number, counted?: number): Step => ({
	run: "main",
	packet,
	expect: { verdict, ...(counted === undefined ? {} : { maps: { count: [[0, counted]] } }) },
});
const empty = (slot: number): Step => ({ slot: ["jumps", slot, undefined] });
const fill = (slot: number, program: string): Step => ({ slot: ["jumps", slot, program] });

async function steps(object: ObjectCase, ...list: readonly Step[]) {
	await checkObject(buildObject({ type: "tc", ...object }), list);
}

test("tailcall_1: the first filled slot wins, in whatever order they are filled and emptied", () =>
	steps(
		{
			maps: [jumps(3)],
			programs: {
				main: `${keep}; ${jump(0)}; ${jump(1)}; ${jump(2)}; r0 = 3; exit`,
				p0: returns(0),
				p1: returns(1),
				p2: returns(2),
			},
			slots: { jumps: { 0: "p0", 1: "p1", 2: "p2" } },
		},
		...[runs(0), empty(0), runs(1), empty(1), runs(2), empty(2), runs(3)],
		...[fill(0, "p0"), fill(1, "p1"), fill(2, "p2"), runs(0)],
		...[fill(0, "p2"), fill(1, "p1"), fill(2, "p0")],
		...[runs(2), empty(0), runs(1), empty(1), runs(0), empty(2), runs(3)],
		...[0, 1, 2].flatMap((slot): Step[] => [{ slot: ["jumps", slot, undefined], result: -2 }, runs(3)]),
	));

test("tailcall_2: a chain, and two programs that call each other until the limit", () =>
	steps(
		{
			maps: [jumps(5)],
			programs: {
				main: `${keep}; ${jump(0)}; ${jump(3)}; r0 = 3; exit`,
				p0: `${keep}; ${jump(1)}; r0 = 0; exit`,
				p1: `${keep}; ${jump(2)}; r0 = 1; exit`,
				p2: returns(2),
				p3: `${keep}; ${jump(4)}; r0 = 3; exit`,
				p4: `${keep}; ${jump(3)}; r0 = 4; exit`,
			},
			slots: { jumps: { 0: "p0", 1: "p1", 2: "p2", 3: "p3", 4: "p4" } },
		},
		...[runs(2), empty(2), runs(1), empty(0), runs(3)],
	));

test.each([
	["tailcall_3: constant", 0],
	["tailcall_6: variable", "r7"],
])("%s slot, a program that calls itself", (_what, slot) =>
	steps(
		{
			maps: [jumps(1), count],
			programs: {
				main: `${keep}; ${jump(0)}; r0 = 0; exit`,
				self: `${keep}; r7 = *(u32 *)(r1 + 0); r7 -= 54; ${countOne()}; ${jump(slot)}; r0 = 1; exit`,
			},
			slots: { jumps: { 0: "self" } },
		},
		...[runs(1, 33), empty(0), runs(0, 33)],
	),
);

const three = { p0: returns(0), p1: returns(1), p2: returns(2) };
const filled = { jumps: { 0: "p0", 1: "p1", 2: "p2" } };

test("tailcall_4: the slot is in a map", () =>
	steps(
		{
			maps: [jumps(3), count],
			programs: {
				main: `${keep}; r1 = count[0]+0 ll; r7 = *(u32 *)(r1 + 0); ${jump("r7")}; r0 = 3; exit`,
				...three,
			},
			slots: filled,
		},
		...[0, 1, 2].flatMap((slot): Step[] => [
			{ update: "count", key: 0, value: slot },
			runs(slot),
			empty(slot),
			runs(3),
		]),
		...[3, 0xffffffff].flatMap((slot): Step[] => [{ update: "count", key: 0, value: slot }, runs(3)]),
	));

test("tailcall_5: constant slots, one a branch", () =>
	steps(
		{
			maps: [jumps(3), count],
			programs: {
				main: `
					${keep}
					r1 = count[0]+0 ll
					r1 = *(u32 *)(r1 + 0)
					if r1 == 11 goto a
					if r1 == 22 goto b
					if r1 == 33 goto c
				out:
					r0 = 3
					exit
				a:
					${jump(0)}
					goto out
				b:
					${jump(1)}
					goto out
				c:
					${jump(2)}
					goto out`,
				...three,
			},
			slots: filled,
		},
		...[11, 22, 33].flatMap((key, slot): Step[] => [
			...[{ update: "count", key: 0, value: key }, runs(slot), empty(slot), runs(3)],
		]),
	));

test("bpf2bpf_1: the entry's tail call, then a subprogram's, whose result becomes the entry's", () =>
	steps(
		{
			maps: [jumps(2)],
			programs: {
				main: `
					${keep}
					${jump(1)}
					${call("sub")}
					exit
				sub:
					${keep}
					${jump(0)}
					${length(2)}
					exit`,
				p0: returns(0),
				p1: returns(1),
			},
			slots: { jumps: { 0: "p0", 1: "p1" } },
		},
		...[runs(1), empty(1), runs(0), empty(0), runs(108)],
	));

test("bpf2bpf_2: a tail-called program whose subprogram calls it again", () =>
	steps(
		{
			maps: [jumps(1), count],
			programs: {
				main: `${keep}; ${jump(0)}; r0 = 0; exit`,
				again: `${keep}\n ${countOne()}\n ${call("sub")}\n exit\nsub:\n ${keep}\n ${jump(0)}\n r0 = 1\n exit`,
			},
			slots: { jumps: { 0: "again" } },
		},
		...[runs(1, 33), empty(0), runs(0, 33)],
	));

test("bpf2bpf_3: large frames around tail calls", () =>
	steps(
		{
			maps: [jumps(2)],
			programs: {
				main: `
					${keep}
					${frame(128)}
					${call("sub")}
					r1 = *(u64 *)(r10 - 128)
					if r1 == 128 goto out
					r0 = 9
				out:
					exit
				sub:
					${keep}
					${frame(256)}
					${jump(0)}
					${length(2)}
					exit`,
				p0: `
					${keep}
					${frame(128)}
					${call("sub2")}
					r1 = *(u64 *)(r10 - 128)
					if r1 == 128 goto out
					r0 = 10
				out:
					exit
				sub2:
					${keep}
					${frame(256)}
					${jump(1)}
					${length(1)}
					exit`,
				p1: `${keep}; ${frame(512)}; ${length(3)}; exit`,
			},
			slots: { jumps: { 0: "p0", 1: "p1" } },
		},
		...[runs(162), empty(1), runs(54), empty(0), runs(108)],
	));

test.each([
	["bpf2bpf_4", ""],
	["bpf2bpf_5, with a helper call that makes the verifier rewrite code", "call bpf_get_prandom_u32"],
])("%s: two tail calls in subprograms, then a loop of 31", (_what, noise) => {
	const subprogram = (slot: number) =>
		`sub:\n ${keep}\n ${noise}\n ${jump(slot)}\n ${length(slot + 1)}\n exit`;
	const through = (slot: number, work = "") =>
		`${keep}\n ${work}\n ${call("sub")}\n exit\n${subprogram(slot)}`;
	return steps(
		{
			maps: [jumps(3), count],
			programs: { main: through(0), p0: through(1), p1: through(2), p2: through(2, countOne()) },
			slots: { jumps: { 0: "p0", 1: "p1", 2: "p2" } },
		},
		...[runs(162, 31), empty(2), runs(162, 31), empty(1), runs(108, 31), empty(0), runs(54, 31)],
	);
});

test("bpf2bpf_6: one byte on the stack before a subprogram's tail call", () =>
	steps(
		{
			maps: [jumps(1), count],
			programs: {
				main: `
					${keep}
					*(u8 *)(r10 - 1) = 1
					${call("sub")}
					exit
				sub:
					${keep}
					*(u8 *)(r10 - 1) = 2
					${jump(0)}
					r0 = 1
					exit`,
				p0: `${countOne()}; r0 = 0; exit`,
			},
			slots: { jumps: { 0: "p0" } },
		},
		...[runs(0, 1), empty(0), runs(1, 1)],
	));

/** A subprogram that tail calls slot 0 of the array that it is given in r2. */
const through = `sub:\n r3 = 0\n call bpf_tail_call\n r0 = 0\n exit`;
const branch = (map: string) => `r1 = r6\n r2 = ${map} ll\n call sub`;

test("hierarchy_1: a subprogram called twice tail calls the entry: 34 entries in all, one more without the slot", () =>
	steps(
		{
			maps: [jumps(1), count],
			programs: {
				main: `${keep}\n ${countOne()}\n ${branch("jumps")}\n ${branch("jumps")}\n r0 = 1\n exit\n${through}`,
			},
			slots: { jumps: { 0: "main" } },
		},
		...[runs(1, 34), empty(0), runs(1, 35)],
	));

test("hierarchy_2: the first branch spends the whole budget, the second gets nothing", async () => {
	const level = (map: string, offset: number) =>
		`${keep}\n ${countOne(offset)}\n ${branch(map)}\n r0 = 1\n exit\n${through}`;
	const object = buildObject({
		type: "tc",
		maps: [jumps(1), { ...jumps(1), name: "second" }, { ...count, valueSize: 16 }],
		programs: {
			main: `
				${keep}
				${branch("jumps")}
				${branch("second")}
				r1 = count[0]+0 ll
				r0 = *(u64 *)(r1 + 8)
				r0 <<= 16
				r2 = *(u64 *)(r1 + 0)
				r0 |= r2
				exit
			${through}`,
			first: level("jumps", 0),
			other: level("second", 8),
		},
		slots: { jumps: { 0: "first" }, second: { 0: "other" } },
	});
	const [outcome] = await checkObject(object, [{ run: "main", expect: { verdict: 33 } }]);
	expect(outcome).toMatchObject({ hops: [...Array<string>(33).fill("0 first"), ...["0 limit", "0 limit"]] });
});

test("hierarchy_3: a tail-called program calls a subprogram with one array, then with another", () =>
	steps(
		{
			maps: [jumps(1), { ...jumps(1), name: "second" }, count],
			programs: {
				main: `${keep}; ${jump(0)}; r0 = 0; exit`,
				p0: `
					${keep}
					${countOne()}
					${branch("jumps")}
					${branch("second")}
					r1 = count[0]+0 ll
					r0 = *(u64 *)(r1 + 0)
					exit
				${through}`,
			},
			slots: { jumps: { 0: "p0" }, second: { 0: "p0" } },
		},
		runs(33, 33),
	));
