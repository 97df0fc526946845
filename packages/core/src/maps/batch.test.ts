import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { E2BIG, EINVAL, ENOENT, ENOSPC, ENOTSUPP, EPERM } from "./errno.ts";
import { le, newMap, newRuntime } from "./test-kit.ts";
import type { Batch, MapInstance } from "./types.ts";

// Every answer here is what 6.18 gives to the same calls (BPF_F_ZERO_SEED: the same buckets).

const [HASH, ARRAY, PROG_ARRAY, PERCPU_ARRAY, LRU_HASH, LPM_TRIE, DEVMAP, QUEUE, DEVMAP_HASH] = [
	1, 2, 3, 6, 9, 11, 14, 22, 25,
];

const pair = (key: number, value: number) => [le(key), le(value)] as const;
/** "0=7 1=0 → 1": entries, and where it goes on. */
function text(batch: Batch | number): string | number {
	if (typeof batch === "number") return batch;
	const entries = batch.entries.map(([key, value]) => `${key[0]}=${value[0]}`).join(" ");
	return batch.next === undefined ? entries : `${entries} → ${batch.next[0]}`;
}

function allBatches(map: MapInstance, count: number): (string | number)[] {
	const all: (string | number)[] = [];
	let from: Uint8Array | undefined;
	do {
		const batch = map.hostLookupBatch(count, from);
		all.push(text(batch));
		from = typeof batch === "number" ? undefined : batch.next;
	} while (from !== undefined);
	return all;
}

test("array: a cursor is the last key, and a full batch is never the last", () => {
	const map = newMap(newRuntime(), ARRAY, 4, 4, 4);
	expect(map.hostUpdateBatch([pair(0, 7), pair(2, 8), pair(9, 8), pair(1, 8)])).toEqual({
		done: 2,
		result: E2BIG,
	});
	expect(map.hostUpdateBatch([pair(0, 7)], 1n)).toEqual({ done: 0, result: EINVAL });
	expect(map.hostUpdateBatch([pair(0, 7)], 4n)).toEqual({ done: 0, result: EINVAL });
	expect(allBatches(map, 3)).toEqual(["0=7 1=0 2=8 → 2", "3=0"]);
	expect(allBatches(map, 4)).toEqual(["0=7 1=0 2=8 3=0 → 3", ""]);
	expect(allBatches(map, 5)).toEqual(["0=7 1=0 2=8 3=0"]);
	expect(text(map.hostLookupBatch(3, le(9)))).toBe("0=7 1=0 2=8 → 2");
	expect(map.hostLookupBatch(1, undefined, true)).toBe(ENOTSUPP);
	expect(map.hostDeleteBatch([le(0)])).toEqual({ done: 0, result: ENOTSUPP });
});

describe.each([HASH, LRU_HASH])(
	"hash kinds (%i): a cursor is a bucket, and batches are whole buckets",
	(type) => {
		const filled = () => {
			const map = newMap(newRuntime(), type, 4, 4, 4, MAP_FLAG.ZERO_SEED);
			expect(map.hostUpdateBatch([pair(0, 7), pair(2, 8), pair(9, 8), pair(1, 8)])).toEqual({
				done: 4,
				result: 0,
			});
			return map;
		};

		test("lookup", () => {
			const map = filled();
			expect(allBatches(map, 1)).toEqual(["0=7 → 1", "9=8 → 2", "2=8 → 3", "1=8"]);
			expect(allBatches(map, 3)).toEqual(["0=7 9=8 2=8 → 3", "1=8"]);
			expect(allBatches(map, 4)).toEqual(["0=7 9=8 2=8 1=8"]);
			expect(text(map.hostLookupBatch(4, le(3)))).toBe("1=8");
			expect(text(map.hostLookupBatch(4, le(4)))).toBe("");
			expect(text(map.hostLookupBatch(4, le(99)))).toBe("");
		});

		test("lookup and delete, delete", () => {
			const map = filled();
			expect(text(map.hostLookupBatch(2, undefined, true))).toBe("0=7 9=8 → 2");
			expect([...map.hostEntries()]).toHaveLength(2);
			expect(map.hostDeleteBatch([le(0), le(1)])).toEqual({ done: 0, result: ENOENT });
			expect(map.hostDeleteBatch([le(1), le(77), le(2)])).toEqual({ done: 1, result: ENOENT });
			expect(text(map.hostLookupBatch(5))).toBe("2=8");
			map.freeze();
			expect(map.hostLookupBatch(1, undefined, true)).toBe(EPERM);
			expect(map.hostUpdateBatch([])).toEqual({ done: 0, result: EPERM });
			expect(map.hostDeleteBatch([le(0)])).toEqual({ done: 0, result: EPERM });
		});
	},
);

test("a bucket that does not fit", () => {
	const map = newMap(newRuntime(), HASH, 4, 4, 1, MAP_FLAG.ZERO_SEED | MAP_FLAG.NO_PREALLOC);
	expect(map.hostUpdateBatch([pair(1, 1)])).toEqual({ done: 1, result: 0 });
	expect(text(map.hostLookupBatch(0))).toBe("");
	// two keys of one bucket out of eight
	const crowded = newMap(newRuntime(), HASH, 4, 4, 8, MAP_FLAG.ZERO_SEED);
	for (let i = 0; i < 8; i++) crowded.hostUpdate(le(i), le(i), 0n);
	const batches = allBatches(crowded, 1);
	expect(batches.at(-1)).toBe(ENOSPC);
});

test("lpm_trie, percpu_array", () => {
	const trie = newMap(newRuntime(), LPM_TRIE, 8, 4, 4, MAP_FLAG.NO_PREALLOC);
	const key = (prefix: number, first: number) => Uint8Array.of(prefix, 0, 0, 0, first, 0, 0, 0);
	expect(
		trie.hostUpdateBatch([
			[key(8, 10), le(1)],
			[key(16, 10), le(2)],
			[key(0, 0), le(3)],
		]),
	).toEqual({ done: 3, result: 0 });
	expect(allBatches(trie, 2)).toEqual(["16=2 8=1 → 8", "0=3"]);
	expect(trie.hostDeleteBatch([key(8, 10), key(8, 10)])).toEqual({ done: 1, result: ENOENT });
	expect(trie.hostLookupBatch(1, undefined, true)).toBe(ENOTSUPP);
	const perCpu = newMap(newRuntime(), PERCPU_ARRAY, 4, 4, 2, 0, 2);
	expect(perCpu.hostUpdateBatch([[le(1), new Uint8Array(16).fill(9)]])).toEqual({ done: 1, result: 0 });
	expect(allBatches(perCpu, 3)).toEqual(["0=0 1=9"]);
});

test("kinds without batches", () => {
	for (const [type, keySize, flags] of [
		[PROG_ARRAY, 4, 0],
		[DEVMAP, 4, 0],
		[QUEUE, 0, 0],
		[DEVMAP_HASH, 4, 0],
	] as const) {
		const map = newMap(newRuntime(), type, keySize, 4, 4, flags);
		expect(map.hostLookupBatch(1)).toBe(ENOTSUPP);
		expect(map.hostUpdateBatch([])).toEqual({ done: 0, result: ENOTSUPP });
		expect(map.hostDeleteBatch([])).toEqual({ done: 0, result: ENOTSUPP });
	}
});
