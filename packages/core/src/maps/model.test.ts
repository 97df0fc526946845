import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { createMap, openMap } from "./create.ts";
import { E2BIG, EEXIST, ENOENT } from "./errno.ts";
import { instantiateRuntime, type MapRuntime } from "./runtime.ts";
import { FLAVOURS, hex, mapDef, newRuntime } from "./test-kit.ts";
import type { MapInstance } from "./types.ts";

// Every keyed kind against a plain Map, the calls spread over two instances of the map code (as two workers would
// make them) and over program and host side.

const DATA_BASE = 2 ** 22;

interface Side {
	readonly runtime: MapRuntime;
	readonly map: MapInstance;
	readonly key: number;
	readonly value: number;
}

/** A second instance's view of a map that the first one made. */
function sides(
	shared: boolean,
	type: number,
	keySize: number,
	valueSize: number,
	entries: number,
	flags: number,
): Side[] {
	const first = newRuntime(shared, DATA_BASE);
	const def = mapDef(type, keySize, valueSize, entries, flags);
	const map = createMap(first, def, 0, { cpus: 1, seed: 5n });
	const second = instantiateRuntime(first.memory, DATA_BASE);
	return [first, second].map((runtime) => ({
		runtime,
		map: runtime === first ? map : openMap(second, def, map.address),
		key: runtime.allocData(keySize),
		value: runtime.allocData(valueSize),
	}));
}

const call = fc.record({
	side: fc.integer({ min: 0, max: 1 }),
	host: fc.boolean(),
	key: fc.integer({ min: 0, max: 11 }),
	value: fc.integer({ min: 1, max: 255 }),
	what: fc.constantFrom("update", "update", "update", "delete", "lookup", "take"),
	mode: fc.constantFrom(0, 0, 1, 2),
});

describe.each(FLAVOURS)("hash kinds (shared: %s)", (shared) => {
	test.each([
		["hash", 1, 0, 4],
		["hash of odd keys", 1, MAP_FLAG.NO_PREALLOC, 7],
		["hash in one bucket", 1, MAP_FLAG.ZERO_SEED, 16],
		["percpu_hash", 5, 0, 8],
	])("%s", (_name, type, flags, keySize) => {
		const entries = 8;
		fc.assert(
			fc.property(fc.array(call, { maxLength: 80 }), (calls) => {
				const both = sides(shared, type, keySize, 8, entries, flags);
				const model = new Map<number, number>();
				for (const { side, host, key, value, what, mode } of calls) {
					const { runtime, map, key: keyPtr, value: valuePtr } = both[side]!;
					const keyBytes = new Uint8Array(keySize).fill(key);
					const valueBytes = new Uint8Array(8).fill(value);
					runtime.memory.write(keyPtr, keyBytes);
					runtime.memory.write(valuePtr, valueBytes);
					const held = model.get(key);
					if (what === "update") {
						const got = host
							? map.hostUpdate(keyBytes, valueBytes, BigInt(mode))
							: map.update(keyPtr, valuePtr, mode, 0);
						let expected = 0;
						if (mode === 1 && held !== undefined) expected = EEXIST;
						else if (mode === 2 && held === undefined) expected = ENOENT;
						else if (held === undefined && model.size === entries) expected = E2BIG;
						expect(got).toBe(expected);
						if (got === 0) model.set(key, value);
					} else if (what === "lookup") {
						const found = host ? map.hostLookup(keyBytes) : map.lookup(keyPtr, 0);
						if (held === undefined) expect(found).toBe(host ? ENOENT : 0);
						else expect(typeof found === "number" ? runtime.memory.u8[found] : found[0]).toBe(held);
					} else if (what === "take") {
						const got = map.hostLookupAndDelete(keyBytes);
						if (held === undefined) expect(got).toBe(ENOENT);
						else expect(hex(got)).toBe(hex(new Uint8Array(8).fill(held)));
						model.delete(key);
					} else {
						expect(host ? map.hostDelete(keyBytes) : map.delete(keyPtr)).toBe(
							held === undefined ? ENOENT : 0,
						);
						model.delete(key);
					}
				}
				for (const { map } of both) {
					const got = new Map([...map.hostEntries()].map(([key, value]) => [key[0], value[0]]));
					expect([...got].sort(byKey)).toEqual([...model].sort(byKey));
					expect(walked(map)).toBe(model.size);
				}
			}),
			{ numRuns: 60 },
		);
	});

	test("lru_hash: never more than max_entries, and what is there is what was put in last", () => {
		fc.assert(
			fc.property(fc.array(call, { maxLength: 120 }), (calls) => {
				const both = sides(shared, 9, 4, 8, 5, 0);
				const last = new Map<number, number>();
				for (const { side, host, key, value, what } of calls) {
					const { runtime, map, key: keyPtr, value: valuePtr } = both[side]!;
					const keyBytes = new Uint8Array(4).fill(key);
					const valueBytes = new Uint8Array(8).fill(value);
					runtime.memory.write(keyPtr, keyBytes);
					runtime.memory.write(valuePtr, valueBytes);
					if (what === "update") {
						expect(host ? map.hostUpdate(keyBytes, valueBytes, 0n) : map.update(keyPtr, valuePtr, 0, 0)).toBe(
							0,
						);
						last.set(key, value);
						// the newest is never the one evicted
						expect(hex(map.hostLookup(keyBytes))).toBe(hex(valueBytes));
					} else if (what === "lookup") {
						const found = map.lookup(keyPtr, 0);
						if (found !== 0) expect(runtime.memory.u8[found]).toBe(last.get(key));
					} else {
						const got = map.hostDelete(keyBytes);
						if (!last.has(key)) expect(got).toBe(ENOENT);
						last.delete(key);
					}
					const entries = [...map.hostEntries()];
					expect(entries.length).toBeLessThanOrEqual(5);
					for (const [k, v] of entries) expect(v[0]).toBe(last.get(k[0]!));
				}
			}),
			{ numRuns: 60 },
		);
	});

	test("array: always there, in order", () => {
		fc.assert(
			fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
				const both = sides(shared, 2, 4, 5, 9, 0);
				const model = new Array(9).fill(0);
				for (const { side, host, key, value, mode } of calls) {
					const { runtime, map, key: keyPtr, value: valuePtr } = both[side]!;
					const keyBytes = Uint8Array.of(key, 0, 0, 0);
					const valueBytes = new Uint8Array(5).fill(value);
					runtime.memory.write(keyPtr, keyBytes);
					runtime.memory.write(valuePtr, valueBytes);
					const got = host
						? map.hostUpdate(keyBytes, valueBytes, BigInt(mode))
						: map.update(keyPtr, valuePtr, mode, 0);
					expect(got).toBe(key >= 9 ? E2BIG : mode === 1 ? EEXIST : 0);
					if (got === 0) model[key] = value;
				}
				for (const { map } of both)
					expect([...map.hostEntries()].map(([, value]) => value[4])).toEqual(model);
			}),
			{ numRuns: 60 },
		);
	});
});

const byKey = (a: readonly unknown[], b: readonly unknown[]) => Number(a[0]) - Number(b[0]);

/** Entries as a program's walk sees them; each key copy must find its value. */
function walked(map: MapInstance): number {
	let count = 0;
	for (let at = map.next!(0); at !== 0; at = map.next!(at)) {
		expect(map.lookup(map.cursorKey!(at), 0)).toBe(map.cursorValue!(at, 0));
		count++;
	}
	return count;
}
