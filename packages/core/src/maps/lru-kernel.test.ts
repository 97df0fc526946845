import { buildObject, check, checkObject } from "@tailhop/testing";
import { describe, test } from "vitest";

// Which keys go when an LRU map is full: on the CPU that runs, the very ones that Linux evicts.

/** Packet: u32 operation (0 update, 1 delete, 2 lookup), u32 key. r0 tells what came of it. */
const OPERATE = `
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r4 = r2
		r4 += 8
		if r4 > r3 goto none
		r7 = *(u32 *)(r2 + 0)
		r5 = *(u32 *)(r2 + 4)
		*(u32 *)(r10 - 4) = r5
		*(u64 *)(r10 - 16) = r5
		r1 = m ll
		r2 = r10
		r2 += -4
		if r7 == 1 goto delete
		if r7 == 2 goto lookup
		r3 = r10
		r3 += -16
		r4 = 0
		call 2
		exit
	delete:
		call 3
		exit
	lookup:
		call 1
		if r0 == 0 goto none
		r0 = 1
		exit
	none:
		r0 = 0x7777
		exit`;

describe("the same calls evict the same keys", () => {
	test.each([
		["lru_hash", 4, 0, 1],
		["lru_hash", 20, 0, 2],
		["lru_hash", 20, 2, 3],
		["lru_hash", 300, 0, 4],
		["lru_percpu_hash", 20, 0, 5],
		["lru_percpu_hash", 40, 2, 6],
	])("%s of %i entries, flags %i", async (type, maxEntries, flags, seed) => {
		let state = seed;
		const random = (below: number) => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return (state >>> 8) % below;
		};
		const steps = Array.from({ length: maxEntries === 300 ? 900 : 300 }, () => {
			const bytes = new Uint8Array(64);
			new Uint32Array(bytes.buffer).set([[0, 0, 0, 1, 2, 2][random(6)]!, random(maxEntries * 2)]);
			return { run: "main", packet: bytes };
		});
		const object = buildObject({
			maps: [{ name: "m", type, maxEntries, flags }],
			programs: { main: OPERATE },
		});
		await checkObject(object, steps);
	});
});

test.each(["lru_hash", "lru_percpu_hash"])(
	"%s: the value of an update is the memory that it evicts",
	async (type) => {
		const key = (n: number) => `
		*(u32 *)(r10 - 4) = ${n}
		r1 = m ll
		r2 = r10
		r2 += -4`;
		await check({
			maps: [{ name: "m", type, maxEntries: 1 }],
			asm: `
			*(u64 *)(r10 - 16) = 77
			${key(5)}
			r3 = r10
			r3 += -16
			r4 = 0
			call 2
			${key(5)}
			call 1
			if r0 == 0 goto none
			r6 = r0
			${key(2)}
			r3 = r6
			r4 = 0
			call 2
			${key(2)}
			call 1
			if r0 == 0 goto none
			r0 = *(u64 *)(r0 + 0)
			exit
		none:
			r0 = 1
			exit`,
			expect: 77,
		});
	},
);
