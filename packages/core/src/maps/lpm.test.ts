import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { openMap } from "./create.ts";
import { EINVAL, ENOENT, ENOSPC, ENOTSUPP } from "./errno.ts";
import { instantiateRuntime } from "./runtime.ts";
import { FLAVOURS, hex, inMemory, le, newMap, newRuntime } from "./test-kit.ts";

const LPM_TRIE = 11;

/** "10.1.0.0/16" as a key of 8 bytes. */
function prefix(text: string): Uint8Array {
	const [address, length] = text.split("/");
	return Uint8Array.of(Number(length), 0, 0, 0, ...address!.split(".").map(Number));
}

describe("as 6.18 answers", () => {
	// 1,500 pseudo-random calls: FNV-1a over the results and, every 16 calls, over all keys in order
	test.each([
		[1, 4, 16, 0xee6955f6],
		[1, 300, 16, 0xc55f3da3],
		[4, 10, 4, 0x53f490ff],
		[4, 100, 4, 0x761e96f3],
		[16, 50, 3, 0x81519fcf],
		[2, 40, 8, 0x5d6e6636],
		[3, 40, 4, 0x91363146],
		[5, 40, 4, 0x4ffd316e],
		[7, 60, 4, 0x898558d1],
		[8, 60, 3, 0x170df77e],
		[9, 60, 3, 0xa212ac22],
		[12, 60, 3, 0x6ef15a60],
		[13, 60, 3, 0xa665cc1e],
		[17, 60, 3, 0x1dcf0678],
		[24, 80, 2, 0x44f8c67d],
		[256, 80, 2, 0xe97d8003],
	])("%i bytes of address, %i entries", (bytes, entries, width, digest) => {
		const keySize = 4 + bytes;
		const map = newMap(newRuntime(), LPM_TRIE, keySize, 8, entries, MAP_FLAG.NO_PREALLOC);
		let state = entries;
		let hash = 0x811c9dc5;
		const random = () => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return state >>> 8;
		};
		const mix = (word: number) => {
			hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
		};
		for (let i = 0; i < 1500; i++) {
			const key = new Uint8Array(keySize);
			new DataView(key.buffer).setUint32(0, random() % (bytes * 8 + 2), true);
			for (let at = 0; at < bytes; at++) key[4 + at] = (random() % width) << (at ? 6 : 4);
			const choice = random() % 16;
			if (choice < 8) mix(map.hostUpdate(key, le(i, 8), [0n, 0n, 0n, 0n, 0n, 0n, 1n, 2n][choice]!));
			else if (choice < 12) {
				const found = map.hostLookup(key);
				mix(typeof found === "number" ? found : found[0]! + found[1]! * 256);
			} else if (choice < 13) {
				const next = map.hostNextKey(key);
				mix(typeof next === "number" ? next : next[0]! * 256 + next[4]!);
			} else mix(map.hostDelete(key));
			if (i % 16 === 15) for (const [present] of map.hostEntries()) for (const byte of present) mix(byte);
		}
		expect(hash).toBe(digest);
	});

	test("errnos", () => {
		const map = newMap(newRuntime(), LPM_TRIE, 8, 8, 2, MAP_FLAG.NO_PREALLOC);
		const value = le(1, 8);
		const long = prefix("1.2.3.4/33");
		expect(map.hostUpdate(long, value, 0n)).toBe(EINVAL);
		expect(map.hostDelete(long)).toBe(EINVAL);
		expect(map.hostLookup(long)).toBe(ENOENT);
		map.hostUpdate(prefix("10.0.0.0/8"), value, 0n);
		map.hostUpdate(prefix("10.1.0.0/16"), value, 0n);
		const third = prefix("10.1.1.0/24");
		expect([0n, 1n, 2n].map((flags) => map.hostUpdate(third, value, flags))).toEqual([
			ENOSPC,
			ENOSPC,
			ENOENT,
		]);
		// a full trie still replaces, and takes over the bits behind the prefix
		expect(map.hostUpdate(prefix("10.9.9.9/8"), value, 0n)).toBe(0);
		expect([...map.hostEntries()].map(([key]) => hex(key))).toEqual(["100000000a010000", "080000000a090909"]);
		expect(map.hostLookupAndDelete(third)).toBe(ENOTSUPP);
	});
});

test.each(FLAVOURS)("the longest prefix wins, over two instances (shared: %s)", (shared) => {
	const step = fc.record({
		side: fc.integer({ min: 0, max: 1 }),
		length: fc.integer({ min: 0, max: 16 }),
		bits: fc.integer({ min: 0, max: 0xffff }),
		remove: fc.boolean(),
	});
	fc.assert(
		fc.property(
			fc.array(step, { maxLength: 150 }),
			fc.array(fc.nat(0xffff), { maxLength: 20 }),
			(steps, looks) => {
				const first = newRuntime(shared);
				const map = newMap(first, LPM_TRIE, 6, 8, 1000, MAP_FLAG.NO_PREALLOC);
				const second = openMap(instantiateRuntime(first.memory, first.dataBase), map.def, map.address);
				const model = new Map<string, number>();
				let serial = 0;
				const key = (length: number, bits: number) => Uint8Array.of(length, 0, 0, 0, bits >> 8, bits & 255);
				const canonical = (length: number, bits: number) =>
					`${length}/${length === 0 ? 0 : bits >> (16 - length)}`;
				for (const { side, length, bits, remove } of steps) {
					const at = side ? second : map;
					if (remove) {
						const had = model.delete(canonical(length, bits));
						expect(at.hostDelete(key(length, bits))).toBe(had ? 0 : ENOENT);
					} else {
						model.set(canonical(length, bits), ++serial);
						expect(at.hostUpdate(key(length, bits), le(serial, 8), 0n)).toBe(0);
					}
				}
				for (const bits of [...looks, ...steps.map((entry) => entry.bits)]) {
					let expected: number | undefined;
					for (let length = 0; length <= 16; length++)
						expected = model.get(canonical(length, bits)) ?? expected;
					const found = second.lookup(inMemory(first, key(16, bits)), 0);
					expect(found === 0 ? undefined : first.memory.u32(found)).toBe(expected);
				}
				expect([...map.hostEntries()].length).toBe(model.size);
			},
		),
		{ numRuns: 50 },
	);
});

test("an old pointer keeps the old value for a while", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, LPM_TRIE, 8, 8, 4, MAP_FLAG.NO_PREALLOC);
	const key = inMemory(runtime, prefix("10.0.0.0/8"));
	map.update(key, inMemory(runtime, le(1, 8)), 0, 0);
	const old = map.lookup(key, 0);
	for (let i = 2; i < 60; i++) map.update(key, inMemory(runtime, le(i, 8)), 0, 0);
	expect(runtime.memory.u32(old)).toBe(1);
	expect(runtime.memory.u32(map.lookup(key, 0))).toBe(59);
	// and updates for ever take no memory
	const before = runtime.controlBrk;
	const value = inMemory(runtime, le(1, 8));
	for (let i = 0; i < 10000; i++) map.update(key, value, 0, 0);
	expect(runtime.controlBrk - before).toBeLessThan(4096);
});
