import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import { checkMap, controlNeed, createMap } from "./create.ts";
import { E2BIG, EINVAL, ENOTSUPP } from "./errno.ts";
import { MAP_KINDS } from "./kinds.ts";
import { MAP } from "./layout.ts";
import { le, mapDef, newMap, newRuntime } from "./test-kit.ts";

const [LPM_TRIE, ARRAY_OF_MAPS, HASH_OF_MAPS, QUEUE, STACK] = [11, 12, 13, 22, 23];
const [HASH, ARRAY, PROG_ARRAY, PERF, PERCPU_HASH, PERCPU_ARRAY, LRU_HASH, LRU_PERCPU_HASH, RINGBUF] = [
	1, 2, 3, 4, 5, 6, 9, 10, 27,
];

describe("BPF_MAP_CREATE of 6.18", () => {
	/** Flags beside 0 that the kernel took; every other single bit up to 1 << 30 was EINVAL, but for `other`. */
	test.each([
		[HASH, 4, 8, 4, [1, 4, 8, 16, 64, 128, 256], {}],
		[ARRAY, 4, 8, 4, [4, 8, 16, 128, 256, 1024, 4096], {}],
		[PROG_ARRAY, 4, 4, 4, [4, 8, 16], {}],
		[PERF, 4, 4, 4, [4, 8, 16, 2048], {}],
		[PERCPU_HASH, 4, 8, 4, [1, 8, 16, 64, 128, 256], {}],
		[PERCPU_ARRAY, 4, 8, 4, [8, 16, 128, 256], {}],
		[LRU_HASH, 4, 8, 4, [2, 4, 8, 16, 64, 128, 256], { 1: ENOTSUPP }],
		[LRU_PERCPU_HASH, 4, 8, 4, [2, 8, 16, 64, 128, 256], { 1: ENOTSUPP }],
		[RINGBUF, 0, 0, 4096, [4], {}],
		[ARRAY_OF_MAPS, 4, 4, 4, [4, 8, 16], {}],
		[HASH_OF_MAPS, 4, 4, 4, [1, 4, 8, 16, 64, 128, 256], {}],
		[QUEUE, 0, 8, 4, [4, 8, 16, 128, 256], {}],
		[STACK, 0, 8, 4, [4, 8, 16, 128, 256], {}],
		// an LPM trie takes BPF_F_NO_PREALLOC alone, nothing else alone
		[LPM_TRIE, 8, 8, 4, [1], {}],
	] as [number, number, number, number, number[], Record<number, number>][])(
		"flags of type %i",
		(type, key, value, entries, taken, other) => {
			const answers = Array.from({ length: 31 }, (_, bit) =>
				checkMap(mapDef(type, key, value, entries, 1 << bit), 2),
			);
			expect(answers).toEqual(
				answers.map((_, bit) => (taken.includes(1 << bit) ? 0 : (other[1 << bit] ?? EINVAL))),
			);
			// closed to reading and writing at once
			expect(checkMap(mapDef(type, key, value, entries, 24), 2)).toBe(EINVAL);
			expect(checkMap(mapDef(type, key, value, entries, 384), 2)).toBe(EINVAL);
		},
	);

	test.each([
		[HASH, 0, 8, 4, EINVAL],
		[HASH, 4, 0, 4, EINVAL],
		[HASH, 4, 8, 0, EINVAL],
		[HASH, 4, 4194251, 1, 0],
		[HASH, 4, 4194252, 1, E2BIG],
		[HASH, 4, 8, 0xffffffff, E2BIG],
		[HASH, 3, 3, 4, 0],
		[ARRAY, 3, 8, 4, EINVAL],
		[ARRAY, 8, 8, 4, EINVAL],
		[ARRAY, 4, 0, 4, EINVAL],
		[ARRAY, 4, 8, 0, EINVAL],
		[ARRAY, 4, 4194304, 1, 0],
		[PROG_ARRAY, 4, 8, 4, EINVAL],
		[PROG_ARRAY, 4, 4, 0, EINVAL],
		[PERF, 3, 4, 4, EINVAL],
		[PERCPU_HASH, 4, 32768, 1, 0],
		[PERCPU_HASH, 4, 32769, 1, E2BIG],
		[PERCPU_ARRAY, 4, 32768, 1, 0],
		[PERCPU_ARRAY, 4, 32769, 1, E2BIG],
		[LRU_PERCPU_HASH, 4, 32769, 1, E2BIG],
		[RINGBUF, 0, 0, 0, EINVAL],
		[RINGBUF, 0, 0, 4097, EINVAL],
		[RINGBUF, 0, 0, 12288, EINVAL],
		[RINGBUF, 4, 0, 4096, EINVAL],
		[RINGBUF, 0, 8, 4096, EINVAL],
		[RINGBUF, 0, 0, 8192, 0],
	])("type %i, key %i, value %i, %i entries: %i", (type, key, value, entries, errno) => {
		expect(checkMap(mapDef(type, key, value, entries), 2)).toBe(errno);
	});

	test("LPM tries", () => {
		const check = (key: number, value: number, entries: number, flags = 0) =>
			checkMap(mapDef(LPM_TRIE, key, value, entries, 1 | flags), 1);
		expect([4, 5, 8, 260, 261].map((key) => check(key, 8, 4))).toEqual([EINVAL, 0, 0, 0, EINVAL]);
		expect([check(8, 0, 4), check(8, 8, 0), check(8, 2 ** 22, 1)]).toEqual([EINVAL, EINVAL, EINVAL]);
		const taken = Array.from({ length: 31 }, (_, bit) => 1 << bit).filter(
			(flag) => check(8, 8, 4, flag) === 0,
		);
		expect(taken).toEqual([1, 4, 8, 16, 128, 256]);
	});

	test("order of checks: unknown flags, then NO_PREALLOC on an LRU, then sizes", () => {
		expect(checkMap(mapDef(LRU_HASH, 4, 8, 4, 1 | (1 << 30)), 2)).toBe(EINVAL);
		expect(checkMap(mapDef(LRU_HASH, 4, 8, 0, 1), 2)).toBe(ENOTSUPP);
		expect(checkMap(mapDef(LRU_HASH, 4, 8, 4, 2 | 4), 2)).toBe(EINVAL);
	});

	test("map_extra is for bloom filters and arenas", () => {
		expect(checkMap({ ...mapDef(HASH, 4, 8, 4), mapExtra: 1n }, 1)).toBe(EINVAL);
	});
});

test("errors name the map, the kind and the errno", () => {
	const runtime = newRuntime();
	const create = (type: number, entries: number) =>
		createMap(runtime, mapDef(type, 4, 8, entries), 0, { cpus: 1, seed: 0n });
	expect(() => create(33, 1)).toThrow(/map m: arena maps are not implemented/);
	expect(() => create(HASH, 0)).toThrow(/map m \(hash, key 4, value 8, 0 entries, flags 0x0\).*errno 22/);
	try {
		create(ARRAY, 0x7fffffff);
		expect.unreachable();
	} catch (error) {
		expect(error).toBeInstanceOf(TailhopError);
		expect(error).toMatchObject({ code: "machine/memory", where: { map: "m" }, detail: { errno: 12 } });
	}
});

test("a refused map leaves nothing behind", () => {
	const runtime = newRuntime();
	const header = newMap(runtime, ARRAY, 4, 8, 1).address;
	expect(() => newMap(runtime, ARRAY, 4, 8, 0x7fffffff)).toThrow();
	const next = newMap(runtime, ARRAY, 4, 8, 1).address;
	expect(next - header).toBe(128);
});

test("word 0 of the header is the map's index, and every kind has a row", () => {
	const runtime = newRuntime();
	const map = createMap(runtime, mapDef(HASH, 4, 8, 4), 17, { cpus: 1, seed: 0n });
	expect(runtime.memory.u32(map.address + MAP.INDEX)).toBe(17);
	for (const [type, kind] of Object.entries(MAP_KINDS)) expect(kind.type).toBe(Number(type));
});

test("seeds differ by map and by environment, and repeat", () => {
	const order = (index: number, seed: bigint) => {
		const map = createMap(newRuntime(), mapDef(HASH, 4, 4, 64), index, { cpus: 1, seed });
		for (let i = 0; i < 20; i++) map.hostUpdate(le(i), le(i), 0n);
		return [...map.hostEntries()].map(([key]) => key[0]).join();
	};
	expect(order(0, 1n)).toBe(order(0, 1n));
	expect(new Set([order(0, 1n), order(1, 1n), order(0, 2n), order(0, 1n << 32n)]).size).toBe(4);
});

test.each([HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH])(
	"controlNeed covers a full map of type %i",
	(type) => {
		const def = mapDef(type, 13, 5, 3000);
		const runtime = newRuntime();
		const before = runtime.controlBrk;
		const map = createMap(runtime, def, 0, { cpus: 2, seed: 3n });
		const value = new Uint8Array(map.hostValueSize);
		for (let i = 0; i < 9000; i++) map.hostUpdate(le(i, 13), value, 0n);
		expect(runtime.controlBrk - before).toBeLessThan(controlNeed([def], 2) - 2 ** 18);
	},
);
