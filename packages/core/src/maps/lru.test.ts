import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { ENOENT } from "./errno.ts";
import { hex, inMemory, le, newMap, newRuntime } from "./test-kit.ts";
import type { MapInstance } from "./types.ts";

const LRU_HASH = 9;
const LRU_PERCPU_HASH = 10;

const keysOf = (map: MapInstance) =>
	[...map.hostEntries()].map(([key]) => new DataView(key.buffer).getUint32(0, true));

describe("what a hash of 6.18 with two possible CPUs, zero seed and all calls on CPU 0 did", () => {
	// 1,200 pseudo-random calls (host updates with all modes, lookups by a program, host deletes), FNV-1a over every
	// result and, every 16 calls (8 entries and less: every call), over all keys in order
	test.each([
		["hash", 1, 0, [0x18a18194, 0x58a80ce1, 0xea16c988, 0x78807b9e, 0x92e6168b, 0xa85bf55c, 0x42df072f]],
		[
			"hash, no prealloc",
			1,
			1,
			[0x18a18194, 0x58a80ce1, 0xea16c988, 0x78807b9e, 0x92e6168b, 0xa85bf55c, 0x42df072f],
		],
		[
			"percpu_hash",
			5,
			0,
			[0x18a18194, 0xe8b496ed, 0x0f1131d2, 0x67675998, 0x473565c5, 0xdbaea218, 0xd416b6b9],
		],
		[
			"percpu_hash, no prealloc",
			5,
			1,
			[0x18a18194, 0xe8b496ed, 0x0f1131d2, 0x67675998, 0x473565c5, 0xdbaea218, 0xd416b6b9],
		],
		["lru_hash", 9, 0, [0xd248f6d6, 0xbdf3f8ad, 0xce1d4d20, 0x98aa48ce, 0x2bda0583, 0xdd734238, 0x42df072f]],
		[
			"lru_hash, list per CPU",
			9,
			2,
			[0xd248f6d6, 0x960e63e3, 0x68b7ae64, 0x61bed9e0, 0x2cc6308b, 0x559ce585, 0xf87148b6],
		],
		[
			"lru_percpu_hash",
			10,
			0,
			[0x252067c2, 0xb45f527d, 0xd7ed5e1f, 0x9504db7a, 0x0b74feee, 0x929ef8c0, 0xd416b6b9],
		],
		[
			"lru_percpu_hash, list per CPU",
			10,
			2,
			[0x252067c2, 0xf6c4b8c6, 0xf4f03930, 0x3e6ff8a5, 0x3029d016, 0x9a020843, 0x350eeede],
		],
	])("%s", (_name, type, flags, digests) => {
		const sizes = [1, 2, 3, 8, 64, 256, 600];
		expect(sizes.map((entries) => digest(type, flags, entries))).toEqual(digests);
	});

	function digest(type: number, flags: number, entries: number): number {
		const runtime = newRuntime();
		const map = newMap(runtime, type, 4, 8, entries, MAP_FLAG.ZERO_SEED | flags, 2);
		const keyPtr = runtime.allocData(8);
		const value = new Uint8Array(map.hostValueSize);
		let state = entries;
		let hash = 0x811c9dc5;
		const random = () => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return state >>> 8;
		};
		const mix = (word: number) => {
			hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
		};
		for (let i = 0; i < 1200; i++) {
			const key = random() % (2 * entries + 1);
			const choice = random() % 16;
			if (choice < 8) mix(map.hostUpdate(le(key), value, [0n, 0n, 0n, 0n, 0n, 0n, 1n, 2n][choice]!));
			else if (choice < 14) {
				runtime.memory.setU32(keyPtr, key);
				mix(map.lookup(keyPtr, 0) === 0 ? 0 : 1);
			} else mix(map.hostDelete(le(key)));
			if (i % 16 === 15 || entries <= 8) for (const present of keysOf(map)) mix(present);
		}
		return hash;
	}
});

describe("lru_hash", () => {
	test("a full map makes room by the least recently used", () => {
		const runtime = newRuntime();
		const map = newMap(runtime, LRU_HASH, 4, 4, 4);
		const key = runtime.allocData(8);
		const put = (n: number) => map.hostUpdate(le(n), le(n), 0n);
		for (const n of [1, 2, 3, 4]) expect(put(n)).toBe(0);
		runtime.memory.setU32(key, 1);
		expect(map.lookup(key, 0)).not.toBe(0);
		// 6.18 with one CPU evicts in batches of max_entries / 2
		expect(put(5)).toBe(0);
		expect(keysOf(map).sort()).toEqual([1, 4, 5]);
		expect(map.hostLookup(le(2))).toBe(ENOENT);
	});

	test("524,288 entries cost nothing until they are used", () => {
		const runtime = newRuntime(true, 2 ** 27);
		const before = [runtime.controlBrk, runtime.dataBrk];
		const map = newMap(runtime, LRU_HASH, 16, 32, 524288);
		expect(runtime.controlBrk - before[0]!).toBeLessThan(8192);
		expect(runtime.dataBrk - before[1]!).toBe(0);
		map.hostUpdate(le(1, 16), le(1, 32), 0n);
		// one page of buckets (8 KiB) and the CPU's first batch of 128 elements
		expect(runtime.controlBrk - before[0]!).toBeLessThan(20480);
		expect(runtime.dataBrk - before[1]!).toBeLessThan(8192);
	});
});

test("lru_percpu_hash: an insert from a program zeroes the other CPUs' values of the element it reuses", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, LRU_PERCPU_HASH, 4, 8, 1, 0, 2);
	expect(map.hostUpdate(le(1), new Uint8Array(16).fill(9), 0n)).toBe(0);
	expect(map.update(inMemory(runtime, le(2)), inMemory(runtime, le(7, 8)), 0, 1)).toBe(0);
	expect(hex(map.hostLookup(le(2)))).toBe("00000000000000000700000000000000");
	expect(map.hostLookup(le(1))).toBe(ENOENT);
});
