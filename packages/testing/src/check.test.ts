import { describe, expect, it } from "vitest";
import { buildObject, check, checkObject } from "./index.ts";
import { oracle } from "./kernel-side.ts";

describe("check", () => {
	it("one line of assembly and one value", async () => {
		await check({ asm: "r0 = 7; exit", expect: 7 });
	});

	it("all 64 bits of r0", async () => {
		await check({ asm: "r0 = -1\n exit", expect: -1 });
		await check({ asm: "r0 = 0x123456789abcdef0 ll\n exit", expect: 0x123456789abcdef0n });
		await expect(check({ asm: "r0 = -1\n exit", expect: 0xffffffff })).rejects.toThrow(
			/r0.*0xffffffffffffffff/s,
		);
	});

	it("64 bits through subprograms, callbacks and branches before the added epilogue", async () => {
		const asm = `
			r6 = 5
			if r6 > 4 goto far
			r0 = 1
			exit
		far:
			call sub
			r6 = r0
			r1 = 3
			r2 = callback ll
			r3 = r10
			r3 += -8
			*(u64 *)(r3 + 0) = r6
			r4 = 0
			call 181
			r0 = *(u64 *)(r10 - 8)
			exit
		sub:
			r0 = 0x100000000 ll
			exit
		callback:
			r3 = *(u64 *)(r2 + 0)
			r3 += 1
			*(u64 *)(r2 + 0) = r3
			r0 = 0
			exit`;
		await check({ asm, expect: 0x100000003n });
	});

	const events = {
		maps: [
			{ name: "events", type: "perf_event_array", maxEntries: 2, valueSize: 4 },
			{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
		],
		asm: `
			r2 = 0x0807060504030201 ll
			*(u64 *)(r10 - 8) = r2
			r2 = events ll
			r3 = 0xffffffff ll
			r4 = r10
			r4 += -8
			r5 = 5
			call 25
			r1 = ring ll
			r2 = r10
			r2 += -8
			r3 = 3
			r4 = 0
			call 130
			exit`,
	};

	it("perf events and records of ring buffers", async () => {
		await check({ ...events, expect: { r0: 0, output: { events: ["0102030405"], ring: ["010203"] } } });
		await expect(check({ ...events, expect: { output: { ring: ["010204"] } } })).rejects.toThrow(
			/output through ring/,
		);
		await expect(check({ ...events, expect: { output: { events: [] } } })).rejects.toThrow(
			/output through events/,
		);
	});

	it("packet and context, in and out", async () => {
		const asm = `
			r2 = *(u32 *)(r1 + 76)
			r3 = *(u32 *)(r1 + 80)
			r4 = r2
			r4 += 14
			if r4 > r3 goto out
			*(u8 *)(r2 + 0) = 0xee
			r5 = *(u32 *)(r1 + 8)
			r5 += 1
			*(u32 *)(r1 + 8) = r5
		out:
			r0 = 0
			exit`;
		await check({
			type: "tc",
			asm,
			packet: "000102030405060708090a0b0c0d",
			context: { mark: 8 },
			expect: { verdict: 0, packet: "ee0102030405060708090a0b0c0d", context: { mark: 9 } },
		});
	});

	it("an input that BPF_PROG_TEST_RUN refuses", async () => {
		await check({ asm: "r0 = 0; exit", packet: "0011", expect: { refused: 22 } });
	});

	it("maps: entries before, contents after", async () => {
		const asm = `
			*(u32 *)(r10 - 4) = 3
			r2 = r10
			r2 += -4
			r1 = counts ll
			call 1
			if r0 == 0 goto out
			r1 = *(u64 *)(r0 + 0)
			r1 += 1
			*(u64 *)(r0 + 0) = r1
		out:
			r0 = 2
			exit`;
		for (const type of ["hash", "array", "percpu_hash", "percpu_array", "lru_hash"]) {
			const isArray = type.endsWith("array");
			const zeros = isArray ? [0, 1, 2].map((key) => [key, 0] as const) : [];
			await check({
				asm,
				maps: [
					{
						name: "counts",
						type,
						maxEntries: 4,
						...(type.startsWith("percpu") ? {} : { entries: [[3, 41]] }),
					},
				],
				expect: type.startsWith("percpu")
					? { r0: 2, maps: { counts: isArray ? [...zeros, [3, 1]] : [] } }
					: { r0: 2, maps: { counts: [...zeros, [3, 42]] } },
			});
		}
	});

	it("a fault is a program that the verifier refuses", async () => {
		await check({ asm: "r1 = 0\n r0 = *(u64 *)(r1 + 0)\n exit", expect: { fault: "fault/access" } });
		await check({
			asm: "exit",
			expect: { fault: "fault/uninitialized" },
			kernel: { rejects: "R0 !read_ok" },
		});
	});

	it("a disagreement is found", async (context) => {
		const { kernel } = { kernel: undefined, ...(await oracle()) };
		if (kernel === undefined) return context.skip("bpf(2) is not allowed here");
		await expect(check({ asm: "call 5\n exit" })).rejects.toThrow(/kernel \(received\) against interpreter/);
		await expect(check({ asm: "r0 = 0; exit", kernel: "rejects" })).rejects.toThrow(/accepts this program/);
		await expect(
			check({ asm: "exit", expect: { fault: "fault/uninitialized" }, kernel: { rejects: "R9" } }),
		).rejects.toThrow(/R0 !read_ok/);
		await expect(check({ asm: "exit", kernel: { cannot: "compare" }, expect: 0 })).rejects.toThrow(
			/fault\/uninitialized/,
		);
	});

	it("without a kernel's answer, with the reason", async () => {
		await check({
			asm: "call 7\n r0 = 3\n exit",
			expect: 3,
			kernel: { cannot: "test of the reason itself" },
		});
	});
});

describe("checkObject", () => {
	const linked = buildObject({
		maps: [
			{ name: "jumps", type: "prog_array", maxEntries: 2 },
			{ name: "state", type: "array", maxEntries: 1 },
		],
		programs: {
			entry: `
				r2 = jumps ll
				r3 = 1
				call 12
				r1 = state[0] ll
				r0 = *(u64 *)(r1 + 0)
				exit`,
			target: "r0 = -3\n exit",
		},
		slots: { jumps: { 1: "target" } },
	});

	it("runs, slots and map operations in order", async () => {
		const outcomes = await checkObject(linked, [
			{ run: "entry", expect: { r0: -3, hops: ["1 target"] } },
			{ slot: ["jumps", 1, undefined] },
			{ slot: ["jumps", 1, undefined], result: -2 },
			{ slot: ["jumps", 2, "target"], result: -7 },
			{ update: "state", key: 0, value: 5 },
			{ update: "state", key: 0, value: 5, flags: 1n, result: -17 },
			{ delete: "state", key: 0, result: -22 },
			{ lookup: "state", key: 0, value: 5 },
			{ lookup: "state", key: 9, value: { errno: 2 } },
			{ run: "entry", expect: { r0: 5, hops: ["1 empty"] } },
			{ slot: ["jumps", 0, "entry"] },
		]);
		expect(outcomes.map((outcome) => outcome.kind)).toEqual(["ran", "ran"]);
	});

	it("a tail call in a subprogram, for which the kernel wants func_info", async () => {
		const object = buildObject({
			maps: [{ name: "jumps", type: "prog_array" }],
			programs: {
				entry: "call sub\n r0 += 100\n exit\nsub:\n r2 = jumps ll\n r3 = 0\n call 12\n r0 = 50\n exit",
				target: "r0 = 2\n exit",
			},
			slots: { jumps: { 0: "target" } },
		});
		await checkObject(object, [
			{ run: "entry", expect: { r0: 102, hops: ["0 target"] } },
			{ slot: ["jumps", 0, undefined] },
			{ run: "entry", expect: 150 },
		]);
	});

	it("a wrong expectation names the step and the engine", async () => {
		await expect(checkObject(linked, [{ run: "target", expect: 1 }])).rejects.toThrow(
			/step 1: target on the interpreter: r0/,
		);
		await expect(checkObject(linked, [{ slot: ["jumps", 7, "target"] }])).rejects.toThrow(
			/step 1: slot on the interpreter.*-E2BIG/s,
		);
	});
});
