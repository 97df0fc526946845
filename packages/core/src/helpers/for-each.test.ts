import { check } from "@tailhop/testing";
import { describe, test } from "vitest";

// bpf_for_each_map_elem over every kind that 6.18 allows, on the machine and on the kernel.

const KINDS = ["hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "array", "percpu_array"] as const;
const ZERO_SEED = 1 << 6;

/** Fills keys 0 to 5 with 7, 8, …, walks with `callback`, and answers 1,000,000 * elements visited + what it summed. */
const walking = (callback: string) => `
		r6 = 0
	fill:
		*(u32 *)(r10 - 4) = r6
		r7 = r6
		r7 += 7
		*(u64 *)(r10 - 16) = r7
		r1 = m ll
		r2 = r10
		r2 += -4
		r3 = r10
		r3 += -16
		r4 = 0
		call 2
		r6 += 1
		if r6 != 6 goto fill
		r6 = 0
		*(u64 *)(r10 - 24) = r6
		r1 = m ll
		r2 = visit ll
		r3 = r10
		r3 += -24
		r4 = 0
		call 164
		r0 *= 1000000
		r1 = *(u64 *)(r10 - 24)
		r0 += r1
		exit
	visit:
		r6 = r4
		r7 = r2
		r5 = *(u32 *)(r2 + 0)
		r8 = *(u64 *)(r3 + 0)
		r9 = *(u64 *)(r6 + 0)
		r9 *= 3
		r9 += r5
		r9 += r8
		*(u64 *)(r6 + 0) = r9
		${callback}
		r0 = 0
		exit`;

const over = (type: string, callback: string) =>
	check({
		maps: [{ name: "m", type, maxEntries: 6, flags: type.includes("hash") ? ZERO_SEED : 0 }],
		asm: walking(callback),
	});

describe.each(KINDS)("%s", (type) => {
	test("every element", async () => {
		await over(type, "");
	});

	test("until the callback says stop", async () => {
		await over(type, "if r9 s< 60 goto +2\n r0 = 1\n exit");
	});

	test("the callback deletes what it sees", async () => {
		await over(type, "r2 = r7\ncall 3");
	});

	test("the callback's delete frees an element that its insert takes for another bucket", async () => {
		const insert = `
			r8 = r1
			r5 += 101
			if r5 s> 110 goto +11
			*(u32 *)(r10 - 4) = r5
			*(u64 *)(r10 - 16) = r9
			r2 = r7
			call 3
			r1 = r8
			r2 = r10
			r2 += -4
			r3 = r10
			r3 += -16
			r4 = 0
			call 2`;
		await over(type, insert);
	});

	test("the callback replaces what it sees", async () => {
		await over(type, "*(u64 *)(r10 - 8) = r9\nr2 = r7\nr3 = r10\nr3 += -8\nr4 = 2\ncall 2");
	});
});
