import { check, type MapCase } from "@tailhop/testing";
import { describe, expect, test } from "vitest";

// What the verifier says of maps and calls, the checked interpreter says when it gets there: the same words.

const [RDONLY_PROG, WRONLY_PROG] = [1 << 7, 1 << 8];

const KEY_AND_VALUE = `
	r6 = 0
	*(u64 *)(r10 - 8) = r6
	*(u64 *)(r10 - 16) = r6
	r1 = m ll
	r2 = r10
	r2 += -8
	r3 = r10
	r3 += -16
	r4 = 0`;
const calling = (helper: number) => `${KEY_AND_VALUE}\ncall ${helper}\nr0 = 0\nexit`;

/** Both refuse it, with this in what they say. */
async function refused(map: Omit<MapCase, "name">, asm: string, text: string): Promise<void> {
	const code = text.includes("value_size") ? "fault/access" : "fault/argument";
	const outcome = await check({
		maps: [{ name: "m", ...map }],
		asm,
		expect: { fault: code },
		kernel: { rejects: text },
	});
	if (outcome.kind === "fault") expect(outcome.message).toContain(text);
}

describe("a helper takes its kinds of maps", () => {
	test.each<[number, string, Omit<MapCase, "name">]>([
		[1, "map_type 3 into func bpf_map_lookup_elem#1", { type: "prog_array" }],
		[
			2,
			"map_type 12 into func bpf_map_update_elem#2",
			{ type: "array_of_maps", valueSize: 4, inner: { type: "array" } },
		],
		[3, "map_type 16 into func bpf_map_delete_elem#3", { type: "cpumap", valueSize: 4 }],
		[88, "map_type 1 into func bpf_map_pop_elem#88", { type: "hash" }],
		[195, "map_type 1 into func bpf_map_lookup_percpu_elem#195", { type: "hash" }],
	])("helper %i: %s", (helper, text, map) => refused(map, calling(helper), `cannot pass ${text}`));
});

describe("BPF_F_RDONLY_PROG", () => {
	test.each([2, 3, 87])("no writing helper: %i", (helper) =>
		refused(
			helper === 87
				? { type: "queue", keySize: 0, flags: RDONLY_PROG }
				: { type: "hash", flags: RDONLY_PROG },
			helper === 87 ? `${KEY_AND_VALUE}\nr3 = 0\ncall 87\nr0 = 0\nexit` : calling(helper),
			"write into map forbidden",
		),
	);

	test("no store into a value; loads are fine", async () => {
		const use = (access: string) =>
			`${calling(1).replace("r0 = 0", `if r0 == 0 goto out\nr1 = 7\n${access}`)}`.replace(
				"exit",
				"out:\nr0 = 0\nexit",
			);
		const map = { type: "array", flags: RDONLY_PROG };
		await refused(map, use("*(u32 *)(r0 + 4) = r1"), "write into map forbidden, value_size=8 off=4 size=4");
		await check({ maps: [{ name: "m", ...map }], asm: use("r1 = *(u32 *)(r0 + 4)"), expect: 0 });
		const closed = { type: "array", flags: WRONLY_PROG };
		await refused(closed, use("r1 = *(u32 *)(r0 + 4)"), "read from map forbidden, value_size=8 off=4 size=4");
		await check({
			maps: [{ name: "m", ...closed }],
			asm: use("*(u32 *)(r0 + 4) = r1"),
			expect: { r0: 0, maps: { m: [[0, 7n << 32n]] } },
		});
	});

	test("no helper reads or writes such a value", async () => {
		// map_update_elem with the value of another map as value
		const from = (flags: number): MapCase[] => [
			{ name: "m", type: "array", flags },
			{ name: "other", type: "array" },
		];
		const asm = `
			${KEY_AND_VALUE}
			call 1
			if r0 == 0 goto out
			r1 = other ll
			r2 = r10
			r2 += -8
			r3 = r0
			r4 = 0
			call 2
		out:
			r0 = 0
			exit`;
		await check({ maps: from(RDONLY_PROG), asm, expect: 0 });
		await check({
			maps: from(WRONLY_PROG),
			asm,
			expect: { fault: "fault/access" },
			kernel: { rejects: "read from map forbidden, value_size=8 off=0 size=8" },
		});
	});
});
