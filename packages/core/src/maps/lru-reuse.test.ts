/** In which order an LRU's memory is used again: seen through a pointer that is held across updates. */
import { check } from "@tailhop/testing";
import { describe, it, test } from "vitest";

const up = (key: number) => `
	*(u64 *)(r10 - 24) = 0
	*(u8 *)(r10 - 24) = ${key}
	r1 = m ll
	r2 = r10
	r2 += -24
	r3 = r10
	r3 += -80
	r4 = 0
	call bpf_map_update_elem`;
/** Fills n keys, holds the value of one, updates others, then writes through the held pointer. */
const asm = (n: number, key: number, seq: readonly number[]) => `
	*(u64 *)(r10 - 80) = 7
	*(u64 *)(r10 - 72) = 7
	*(u64 *)(r10 - 64) = 7
	*(u64 *)(r10 - 56) = 7
	*(u64 *)(r10 - 48) = 7
	${Array.from({ length: n }, (_, i) => up(i)).join("\n")}
	*(u64 *)(r10 - 8) = 0
	*(u8 *)(r10 - 8) = ${key}
	r1 = m ll
	r2 = r10
	r2 += -8
	call bpf_map_lookup_elem
	r6 = r0
	if r6 == 0 goto out
	${seq.map((k) => up(k)).join("\n")}
	*(u16 *)(r6 + 32) = 0x7eef
out:
	r0 = 0
	exit`;

/** Small sequences that repeat, from a seed (a linear congruential generator's upper bits). */
function* numbers(seed: number): Generator<(below: number) => number> {
	let state = seed;
	const next = (below: number) => {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		return (state >>> 8) % below;
	};
	for (;;) yield next;
}

describe.each([
	["common lists", 64],
	["BPF_F_NO_COMMON_LRU", 64 | 2],
])("%s", (_name, flags) => {
	const sequence = numbers(12345);
	it.each(Array.from({ length: 40 }, (_, i) => i))("sequence %s", async () => {
		const below = sequence.next().value!;
		const size = 6 + below(20);
		const filled = 1 + below(size);
		const held = below(filled);
		const keys = 1 + below(40);
		const updates = Array.from({ length: 1 + below(25) }, () => below(keys));
		await check({
			maps: [{ name: "m", type: "lru_hash", keySize: 1, valueSize: 40, maxEntries: size, flags }],
			asm: asm(filled, held, updates),
		});
	});
});

// the walk stands before an element that the update evicts: what it then finds there is the key of the update
test.each([
	["in one bucket", 0, 5],
	["the other way round", 5, 0],
	["in two buckets", 1, 2],
])("a per-CPU LRU of two, %s: the callback updates what is visited", async (_where, first, second) => {
	await check({
		maps: [{ name: "m", type: "lru_percpu_hash", keySize: 4, valueSize: 8, maxEntries: 2, flags: 64 }],
		asm: `
			*(u64 *)(r10 - 80) = 7
			${up(first)}
			${up(second)}
			r1 = m ll
			r2 = each ll
			r3 = r10
			r4 = 0
			call bpf_for_each_map_elem
			exit
		each:
			r4 = 0
			call bpf_map_update_elem
			r0 = 0
			exit`,
	});
});
