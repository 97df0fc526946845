import { buildObject, check, checkObject } from "@tailhop/testing";
import { describe, test } from "vitest";

// The same calls, made by a program, on the machine and on the kernel: results and contents must agree.

/** Packet: u32 operation, 8 bytes of key, 8 of value, u32 flags. */
const OPERATE = `
		r2 = *(u32 *)(r1 + 0)
		r3 = *(u32 *)(r1 + 4)
		r4 = r2
		r4 += 64
		if r4 > r3 goto out
		r7 = *(u32 *)(r2 + 0)
		r5 = *(u32 *)(r2 + 4)
		*(u32 *)(r10 - 8) = r5
		r5 = *(u32 *)(r2 + 8)
		*(u32 *)(r10 - 4) = r5
		r5 = *(u32 *)(r2 + 12)
		*(u32 *)(r10 - 16) = r5
		r5 = *(u32 *)(r2 + 16)
		*(u32 *)(r10 - 12) = r5
		r4 = *(u32 *)(r2 + 20)
		r1 = m ll
		r2 = r10
		r2 += -8
		if r7 == 1 goto delete
		if r7 == 2 goto lookup
		r3 = r10
		r3 += -16
		call 2
		exit
	delete:
		call 3
		exit
	lookup:
		call 1
		if r0 == 0 goto out
		r1 = *(u64 *)(r0 + 0)
		r1 += 1
		*(u64 *)(r0 + 0) = r1
		r0 = r1
		exit
	out:
		r0 = 0x7777
		exit`;

function packet(operation: number, key: readonly [number, number], value: number, flags: number): Uint8Array {
	const bytes = new Uint8Array(64);
	new Uint32Array(bytes.buffer).set([operation, key[0], key[1], value, 0, flags]);
	return bytes;
}

describe("calls from a program", () => {
	test.each([
		["hash", 4, 6, 0],
		["hash", 4, 6, 1],
		["percpu_hash", 4, 6, 0],
		["lru_hash", 4, 12, 0],
		["lru_percpu_hash", 4, 12, 0],
		["array", 4, 6, 0],
		["percpu_array", 4, 6, 0],
		["lpm_trie", 8, 6, 1],
	] as const)("%s, key %i, %i entries, flags %i", async (type, keySize, maxEntries, flags) => {
		let state = maxEntries + flags;
		const random = (below: number) => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return (state >>> 8) % below;
		};
		const steps = Array.from({ length: 120 }, () => {
			const key: [number, number] =
				type === "lpm_trie" ? [random(34), random(4) * 0x40 + random(4) * 0x4000] : [random(9), 0];
			const mode = [0, 0, 0, 0, 1, 2, 3, 4, 0xffffffff][random(9)]!;
			return { run: "main", packet: packet([0, 0, 1, 2][random(4)]!, key, random(1000), mode) };
		});
		const linked = buildObject({
			maps: [{ name: "m", type, keySize, valueSize: 8, maxEntries, flags }],
			programs: { main: OPERATE },
		});
		await checkObject(linked, steps);
	});
});

test("queue and stack", async () => {
	for (const type of ["queue", "stack"]) {
		const push = (value: number, flags: number) => `
			*(u64 *)(r10 - 8) = ${value}
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = ${flags}
			call 87
			r6 *= 31
			r6 += r0`;
		const get = (helper: number) => `
			r1 = m ll
			r2 = r10
			r2 += -8
			call ${helper}
			r1 = *(u64 *)(r10 - 8)
			r6 *= 31
			r6 += r0
			r6 *= 31
			r6 += r1`;
		const calls = [
			push(1, 0),
			push(2, 0),
			push(3, 0),
			push(4, 2),
			push(5, 1),
			get(89),
			get(88),
			get(88),
			get(88),
		];
		await check({
			maps: [{ name: "m", type, keySize: 0, valueSize: 8, maxEntries: 2 }],
			asm: `r6 = 0\n${calls.join("\n")}\nr0 = r6\nexit`,
		});
	}
});
