/**
 * What a tail call may be given, what is left after one that fell through, and whole programs (Linux 6.18). Where
 * the kernel's verifier refuses a program, the checked interpreter faults at the instruction.
 *
 * Not here, since only a verifier can refuse it: callers' frames of 256 bytes and more, a subprogram without BTF,
 * a callback or a section with references, locks, RCU or preemption off around the call, sleepable programs, and the
 * packet pointers of a caller of which the run shows that nothing happened to them.
 */
import { buildObject, check, checkObject, type ObjectCase } from "@tailhop/testing";
import { describe, it, test } from "vitest";
import type { ErrorCode } from "../index.ts";

const keep = "r6 = r1";
const jump = (slot: number | string = 0) => `r1 = r6; r2 = jumps ll; r3 = ${slot}; call bpf_tail_call`;
const jumps = { name: "jumps", type: "prog_array", maxEntries: 2 };
const target = "r0 = 2; exit";
/** r7 = the packet; 64 bytes of it may be read. */
const packet = `
	r7 = *(u32 *)(r6 + 0)
	r2 = *(u32 *)(r6 + 4)
	r3 = r7
	r3 += 32
	if r3 > r2 goto out`;

/** With a filled slot 0; `out:` is a way out. */
async function accepted(asm: string, r0: number, maps: ObjectCase["maps"] = []) {
	const programs = { target };
	await check({
		asm: `${asm}\nout:\n r0 = 9; exit`,
		maps: [jumps, ...maps],
		programs,
		slots: { jumps: { 0: "target" } },
		expect: r0,
	});
}

async function refused(asm: string, text: string, code: ErrorCode = "fault/argument") {
	await check({
		asm,
		maps: [jumps, { name: "plain", type: "array" }],
		expect: { fault: code },
		kernel: { rejects: text },
	});
}

describe("arguments (rule 10)", () => {
	test.each<[string, string, string]>([
		[
			"another kind of map",
			`r2 = plain ll; r3 = 0; call bpf_tail_call; r0 = 0; exit`,
			"expected prog array map for tail call",
		],
		["r2 a scalar", `r2 = 5; r3 = 0; call bpf_tail_call; r0 = 0; exit`, "R2 type=scalar expected=map_ptr"],
		[
			"r1 a scalar",
			`r1 = 5; r2 = jumps ll; r3 = 0; call bpf_tail_call; r0 = 0; exit`,
			"R1 type=scalar expected=ctx",
		],
		[
			"ctx + 4",
			`r1 += 4; r2 = jumps ll; r3 = 0; call bpf_tail_call; r0 = 0; exit`,
			"dereference of modified ctx ptr R1 off=4 disallowed",
		],
	])("%s is refused", (_what, asm, text) => refused(asm, text));

	it("r3 must be written", () =>
		refused("r2 = jumps ll; call bpf_tail_call; r0 = 0; exit", "R3 !read_ok", "fault/uninitialized"));

	it("a map pointer with an offset is refused", () =>
		refused(
			"r2 = jumps ll; r2 += 8; r3 = 0; call bpf_tail_call; r0 = 0; exit",
			"R2 pointer arithmetic on map_ptr prohibited",
			"fault/pointer",
		));

	it("the map may come through the stack", () =>
		accepted(
			`${keep}; r2 = jumps ll; *(u64 *)(r10 - 8) = r2; r2 = 0; r2 = *(u64 *)(r10 - 8); r3 = 0; call bpf_tail_call; goto out`,
			2,
		));

	it("the map may be chosen by a branch", async () => {
		const asm = (length: number) => `
			r4 = *(u32 *)(r1 + 4)
			r5 = *(u32 *)(r1 + 0)
			r4 -= r5
			r2 = jumps ll
			if r4 == ${length} goto go
			r2 = others ll
		go:
			r3 = 0
			call bpf_tail_call
			goto out`;
		await accepted(asm(64), 2, [{ ...jumps, name: "others" }]);
		await accepted(asm(63), 9, [{ ...jumps, name: "others" }]);
	});

	it("r3 may be a pointer: its low 32 bits are no slot", () =>
		accepted("r2 = jumps ll; r3 = r10; call bpf_tail_call; goto out", 9));

	it("a constant slot out of range is accepted", () => accepted(`${keep}; ${jump(2)}; goto out`, 9));
});

describe("a prog array is for tail calls only (rule 15)", () => {
	test.each([
		["bpf_map_lookup_elem", "#1"],
		["bpf_map_update_elem", "#2"],
		["bpf_map_delete_elem", "#3"],
	])("%s", (helper, number) =>
		refused(
			`*(u64 *)(r10 - 8) = 0; r1 = jumps ll; r2 = r10; r2 += -8; r3 = r2; r4 = 0; call ${helper}; r0 = 0; exit`,
			`cannot pass map_type 3 into func ${helper}${number}`,
		),
	);

	it("its words are no values", () =>
		refused(
			"r1 = jumps[0]+0 ll; r0 = *(u32 *)(r1 + 0); exit",
			"no direct value access support for this map type",
			"fault/access",
		));
});

describe("after a call that fell through (rule 8)", () => {
	test.each(["r0", "r1", "r2", "r3", "r4", "r5"])("%s is gone", (register) =>
		refused(`${keep}; r4 = 1; r5 = 1; ${jump()}; r0 = ${register}; exit`, "!read_ok", "fault/uninitialized"),
	);

	it("r6 to r9, the stack and packet pointers of the frame stay", () =>
		check({
			maps: [jumps],
			asm: `
				${keep}
				${packet}
				r8 = 20
				r9 = 300
				*(u64 *)(r10 - 8) = 4000
				${jump()}
				r0 = *(u8 *)(r7 + 5)
				r0 += r8
				r0 += r9
				r1 = *(u64 *)(r10 - 8)
				r0 += r1
				r1 = *(u32 *)(r6 + 16)
				exit
			out:
				r0 = 0
				exit`,
			packet: Uint8Array.from({ length: 64 }, (_, i) => i),
			expect: 4325,
		}));
});

it("a caller's packet pointer is stale when the target moved the packet (rule 8)", () =>
	check({
		maps: [jumps],
		asm: `
			${keep}
			${packet}
			r1 = r6
			call leap
			r0 = *(u8 *)(r7 + 0)
			exit
		out:
			r0 = 0
			exit
		leap:
			${keep}
			${jump()}
			r0 = 0
			exit`,
		programs: { target: "r2 = 14; call bpf_xdp_adjust_head; r0 = 0; exit" },
		slots: { jumps: { 0: "target" } },
		expect: { fault: "fault/access" },
		kernel: { rejects: "R7 invalid mem access 'scalar'" },
	}));

describe("whole programs", () => {
	test.each(["xdp", "tc", "tc_act", "socket"] as const)(
		"%s programs make tail calls, whatever their license (rule 14)",
		async (type) => {
			await check({
				type,
				license: "Proprietary",
				maps: [jumps],
				asm: `${keep}; ${jump()}; r0 = 1; exit`,
				programs: { target },
				slots: { jumps: { 0: "target" } },
				expect: { verdict: 2 },
			});
		},
	);

	it("a program that calls itself and increments packet[0]: 34 executions, then it falls through", () =>
		check({
			maps: [jumps],
			asm: `
				${keep}
				${packet}
				r1 = *(u8 *)(r7 + 0)
				r1 += 1
				*(u8 *)(r7 + 0) = r1
				${jump()}
				r0 = 5
				exit
			out:
				r0 = 9
				exit`,
			slots: { jumps: { 0: "main" } },
			packet: new Uint8Array(32),
			expect: { r0: 5, packet: `22${"00".repeat(31)}` },
		}));

	it("a subprogram's tail call returns to main, which goes on: 102; with the slot empty 150", async () => {
		const main = `call leap\n r0 += 100\n exit\nleap:\n ${keep}\n ${jump()}\n r0 = 50\n exit`;
		const object = buildObject({
			maps: [jumps],
			programs: { main, target },
			slots: { jumps: { 0: "target" } },
		});
		await checkObject(object, [
			{ run: "main", expect: 102 },
			{ slot: ["jumps", 0, undefined] },
			{ run: "main", expect: 150 },
		]);
	});

	it("the slot 1 << 32 is slot 0", () =>
		accepted(`${keep}; r1 = r6; r2 = jumps ll; r3 = 0x100000000 ll; call bpf_tail_call; goto out`, 2));
});
