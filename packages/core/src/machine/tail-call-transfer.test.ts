/**
 * What goes along with a tail call and what stays behind (Linux 6.18, on the kernel too where bpf(2) is allowed).
 */
import { buildObject, check, checkObject, type ObjectCase } from "@tailhop/testing";
import { describe, it } from "vitest";

/** ctx is kept in r6. */
const jump = (slot: number | string) => `
	r1 = r6
	r2 = jumps ll
	r3 = ${slot}
	call bpf_tail_call`;

const keepContext = "r6 = r1";
const jumps = (maxEntries: number) => ({ name: "jumps", type: "prog_array", maxEntries }) as const;

async function run(object: ObjectCase, verdict: number, hops?: readonly string[]) {
	await checkObject(buildObject(object), [{ run: "main", expect: { verdict, ...(hops ? { hops } : {}) } }]);
}

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

	it("what was done to an XDP packet stays done, and is seen through new pointers (rule 7)", async () => {
		await check({
			maps: [jumps(1)],
			asm: `${keepContext}; r2 = 14; call bpf_xdp_adjust_head; ${jump(0)}; r0 = 9; exit`,
			programs: {
				target: `
					r2 = *(u32 *)(r1 + 0)
					r3 = *(u32 *)(r1 + 4)
					r4 = r2
					r4 += 1
					if r4 > r3 goto out
					r0 = *(u8 *)(r2 + 0)
					exit
				out:
					r0 = 0
					exit`,
			},
			slots: { jumps: { 0: "target" } },
			packet: Uint8Array.from({ length: 64 }, (_, i) => i),
			expect: 14,
		});
	});

	it("skb->cb goes along (rule 7)", async () => {
		await check({
			type: "tc",
			maps: [jumps(1)],
			asm: `${keepContext}; r2 = 42; *(u32 *)(r1 + 52) = r2; ${jump(0)}; r0 = 9; exit`,
			programs: { target: "r0 = *(u32 *)(r1 + 52); exit" },
			slots: { jumps: { 0: "target" } },
			expect: { verdict: 42 },
		});
	});

	it("every program on the way has a fresh stack of 512 bytes, under a caller's frame that stays (rule 7)", async () => {
		const fill = (value: number) =>
			Array.from({ length: 64 }, (_, i) => `*(u64 *)(r10 - ${8 * i + 8}) = ${value}`).join("\n");
		await run(
			{
				maps: [jumps(2)],
				programs: {
					main: `
						${keepContext}
						*(u64 *)(r10 - 240) = 100
						*(u64 *)(r10 - 8) = 1000
						call leap
						r1 = *(u64 *)(r10 - 240)
						r0 += r1
						r1 = *(u64 *)(r10 - 8)
						r0 += r1
						exit
					leap:
						r6 = r1
						*(u64 *)(r10 - 264) = 7
						${jump(0)}
						r0 = 0
						exit`,
					first: `${keepContext}; ${fill(3)}; ${jump(1)}; r0 = 0; exit`,
					second: `${fill(5)}; r0 = *(u64 *)(r10 - 512); exit`,
				},
				slots: { jumps: { 0: "first", 1: "second" } },
			},
			1105,
			["0 first", "1 second"],
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
