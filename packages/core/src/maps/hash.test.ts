import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { E2BIG, EEXIST, EINVAL, ENOENT } from "./errno.ts";
import { ELEMENT } from "./layout.ts";
import { FLAVOURS, hex, inMemory, le, newMap, newRuntime } from "./test-kit.ts";

const HASH = 1;
const PERCPU_HASH = 5;
const LRU_HASH = 9;

describe("hash", () => {
	test("update modes and errnos are the kernel's", () => {
		const map = newMap(newRuntime(), HASH, 4, 8, 2);
		const [a, b, c] = [le(1), le(2), le(3)];
		const value = le(7, 8);
		expect(map.hostLookup(a)).toBe(ENOENT);
		expect(map.hostUpdate(a, value, 2n)).toBe(ENOENT);
		expect(map.hostUpdate(a, value, 1n)).toBe(0);
		expect(map.hostUpdate(a, value, 1n)).toBe(EEXIST);
		expect(map.hostUpdate(a, le(8, 8), 2n)).toBe(0);
		for (const flags of [3n, 4n, 5n, 8n, 1n << 32n]) expect(map.hostUpdate(a, value, flags)).toBe(EINVAL);
		expect(map.hostUpdate(b, value, 0n)).toBe(0);
		expect(map.hostUpdate(c, value, 0n)).toBe(E2BIG);
		expect(map.hostUpdate(b, value, 0n)).toBe(0);
		expect(hex(map.hostLookup(a))).toBe("0800000000000000");
		expect(hex(map.hostLookupAndDelete(a))).toBe("0800000000000000");
		expect(map.hostLookupAndDelete(a)).toBe(ENOENT);
		expect(map.hostDelete(a)).toBe(ENOENT);
		expect(map.hostUpdate(c, value, 0n)).toBe(0);
	});

	// 6.18's get_next_key order: 16 entries, BPF_F_ZERO_SEED, keys 0..9 (u32, zeros behind) put in one after another
	test.each([
		[1, [8, 4, 7, 6, 5, 2, 1, 0, 9, 3]],
		[2, [7, 1, 0, 6, 3, 9, 4, 2, 5, 8]],
		[3, [4, 7, 8, 6, 5, 2, 9, 3, 1, 0]],
		[4, [4, 5, 0, 7, 2, 1, 8, 9, 6, 3]],
		[5, [4, 6, 7, 3, 0, 8, 1, 9, 5, 2]],
		[6, [1, 3, 0, 8, 7, 6, 5, 2, 4, 9]],
		[7, [7, 4, 5, 0, 6, 1, 8, 2, 3, 9]],
		[8, [7, 4, 3, 8, 9, 2, 6, 5, 1, 0]],
		[11, [8, 7, 2, 9, 0, 5, 6, 4, 3, 1]],
		[12, [7, 6, 8, 4, 3, 2, 0, 5, 9, 1]],
		[13, [6, 7, 2, 1, 4, 9, 3, 8, 5, 0]],
		[15, [7, 0, 5, 3, 4, 8, 1, 6, 9, 2]],
		[16, [7, 6, 4, 1, 9, 3, 8, 5, 0, 2]],
		[23, [8, 2, 3, 4, 1, 9, 7, 6, 5, 0]],
		[24, [8, 9, 1, 6, 2, 0, 5, 3, 7, 4]],
		[25, [6, 9, 8, 1, 7, 4, 5, 0, 3, 2]],
	])("with a zero seed, keys of %i bytes come in the kernel's order", (keySize, order) => {
		const map = newMap(newRuntime(), HASH, keySize, 4, 16, MAP_FLAG.ZERO_SEED);
		const key = (i: number) => Uint8Array.from({ length: keySize }, (_, at) => (at === 0 ? i : 0));
		for (let i = 0; i < 10; i++) map.hostUpdate(key(i), le(i), 0n);
		expect([...map.hostEntries()].map(([bytes]) => bytes[0])).toEqual(order);
		// the next of an unknown key is the first
		expect(hex(map.hostNextKey(key(200)))).toBe(hex(key(order[0]!)));
		expect(hex(map.hostNextKey(key(order[3]!)))).toBe(hex(key(order[4]!)));
		expect(map.hostNextKey(key(order[9]!))).toBe(ENOENT);
	});

	test.each([4, 8, 16] as const)("tableFind%i finds what tableFind finds", (keySize) => {
		const runtime = newRuntime();
		const { code } = runtime;
		const find = { 4: code.tableFind4, 8: code.tableFind8, 16: code.tableFind16 }[keySize];
		const words = fc.array(fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff), {
			minLength: keySize / 4,
			maxLength: keySize / 4,
		});
		const keyOf = (each: number[]) => new Uint8Array(Uint32Array.from(each).buffer);
		for (const type of [HASH, LRU_HASH]) {
			const map = newMap(runtime, type, keySize, 4, 8);
			fc.assert(
				fc.property(words, words, (put, sought) => {
					const full = map.hostUpdate(keyOf(put), le(1), 0n) !== 0;
					const key = inMemory(runtime, keyOf(sought));
					const found = find(map.address, key);
					expect(found).toBe(code.tableFind(map.address, key));
					if (`${put}` === `${sought}` && !full) expect(found).not.toBe(0);
					runtime.freeData(key, keySize);
				}),
			);
		}
	});

	test.each([4, 7, 8, 12, 16, 20, 40])(
		"1,024 keys of %i bytes that differ in ten bits spread over 1,024 buckets",
		(keySize) => {
			for (let shift = 0; shift <= keySize * 8 - 10; shift += 11) {
				const runtime = newRuntime();
				const { address } = newMap(runtime, HASH, keySize, 4, 1024);
				const key = runtime.allocControl(keySize);
				const value = runtime.allocControl(4);
				const chains = new Array<number>(1024).fill(0);
				for (let i = 0; i < 1024; i++) {
					// twice where there is room: halves that are equal must not cancel out
					const bits =
						(BigInt(i) << BigInt(shift)) * (shift + 10 <= keySize * 4 ? 1n + 2n ** BigInt(keySize * 4) : 1n);
					for (let at = 0; at < keySize; at++)
						runtime.memory.u8[key + at] = Number((bits >> BigInt(8 * at)) & 255n);
					expect(runtime.code.hashUpdate(address, key, value, 1, 0)).toBe(0);
					const element = runtime.code.tableFind(address, key);
					chains[runtime.memory.u32(element + ELEMENT.HASH) & 1023]!++;
				}
				// a random function leaves 340 to 410 empty, and its longest chain has 4 to 9
				expect(chains.filter((length) => length === 0).length).toBeLessThan(500);
				expect(Math.max(...chains)).toBeLessThan(12);
			}
		},
	);

	test.each(FLAVOURS)("programs look up, update and delete by address (shared: %s)", (shared) => {
		const runtime = newRuntime(shared);
		const map = newMap(runtime, HASH, 6, 12, 100);
		const key = inMemory(runtime, Uint8Array.of(1, 2, 3, 4, 5, 6));
		const value = inMemory(runtime, le(77, 12));
		expect(map.lookup(key, 0)).toBe(0);
		expect(map.update(key, value, 0, 0)).toBe(0);
		const found = map.lookup(key, 0);
		expect(found).toBeGreaterThanOrEqual(runtime.dataBase);
		expect(found % 8).toBe(0);
		expect(hex(runtime.memory.read(found, 12))).toBe("4d0000000000000000000000");
		expect(map.delete(key)).toBe(0);
		expect(map.delete(key)).toBe(ENOENT);
	});
});

// A program holds p = lookup(1) and later q = lookup(1) while it updates and deletes; one digit per look through a
// pointer, `pqpq…` as 6.18 showed them in three runs on one map:
// update(1, 1), p, update(1, 2), *p, q, *q, update(1, 3), *p *q, delete(1), *p *q, update(2, 9), *p *q
test.each([
	["hash", HASH, 0, ["12323292", "12323239", "12323239"]],
	["hash, no prealloc", HASH, MAP_FLAG.NO_PREALLOC, ["12323292", "12323292", "12323292"]],
	["lru_hash", 9, 0, ["12323292", "12323292", "12323292"]],
	["percpu_hash", PERCPU_HASH, 0, ["22333399", "22333333", "22333333"]],
	["percpu_hash, no prealloc", PERCPU_HASH, MAP_FLAG.NO_PREALLOC, ["22333399", "22333333", "22333333"]],
	["lru_percpu_hash", 10, 0, ["22333333", "22333333", "22333333"]],
] as [string, number, number, string[]][])("what held pointers see: %s", (_name, type, flags, seen) => {
	const runtime = newRuntime();
	const map = newMap(runtime, type, 4, 8, 4, flags, 2);
	const [key, value] = [runtime.allocData(8), runtime.allocData(8)];
	const update = (k: number, v: number) => {
		runtime.memory.setU32(key, k);
		runtime.memory.setU32(value, v);
		expect(map.update(key, value, 0, 0)).toBe(0);
	};
	const lookup = (k: number) => {
		runtime.memory.setU32(key, k);
		return map.lookup(key, 0);
	};
	const run = () => {
		let looks = "";
		const look = (...pointers: number[]) => {
			for (const pointer of pointers) looks += runtime.memory.u32(pointer);
		};
		update(1, 1);
		const p = lookup(1);
		update(1, 2);
		look(p);
		const q = lookup(1);
		look(q);
		update(1, 3);
		look(p, q);
		runtime.memory.setU32(key, 1);
		expect(map.delete(key)).toBe(0);
		look(p, q);
		update(2, 9);
		look(p, q);
		return looks;
	};
	expect([run(), run(), run()]).toEqual(seen);
});

test("a walk goes on where the kernel's does when the callback uses the element again", () => {
	const runtime = newRuntime();
	const map = newMap(runtime, HASH, 4, 8, 64, MAP_FLAG.ZERO_SEED);
	for (let i = 0; i < 10; i++) map.hostUpdate(le(i), le(i, 8), 0n);
	const order = [...map.hostEntries()].map(([key]) => key[0]);
	const walked: number[] = [];
	// each callback deletes its element and puts in another key, which takes the same element
	for (let at = map.next!(0); at !== 0; ) {
		const link = map.link!(at);
		const key = runtime.memory.u32(map.cursorKey!(at));
		walked.push(key);
		if (key < 10) {
			map.hostDelete(le(key));
			map.hostUpdate(le(key + 100), le(0, 8), 0n);
		}
		at = map.follow!(link);
	}
	expect(walked.filter((key) => key < 10)).toEqual(order);
	expect(new Set(walked).size).toBe(walked.length);
});

describe("percpu_hash", () => {
	test("a program sees its CPU's value, the host all of them", () => {
		const runtime = newRuntime();
		const map = newMap(runtime, PERCPU_HASH, 4, 4, 8, 0, 3);
		const key = inMemory(runtime, le(9));
		expect(map.update(key, inMemory(runtime, le(5)), 0, 1)).toBe(0);
		// the other CPUs' values start at zero
		expect(hex(map.hostLookup(le(9)))).toBe("000000000000000005000000000000000000000000000000");
		const value = map.lookup(key, 2);
		runtime.memory.setU32(value, 6);
		expect(hex(map.hostLookup(le(9)))).toBe("000000000000000005000000000000000600000000000000");
		expect(
			map.hostUpdate(
				le(9),
				Uint8Array.from({ length: 24 }, (_, i) => i),
				0n,
			),
		).toBe(0);
		expect(map.lookup(key, 2)).toBe(value);
		expect(runtime.memory.u32(value)).toBe(0x13121110);
	});
});
