import { check } from "@tailhop/testing";
import { expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { createMap } from "./create.ts";
import { le, mapDef, newRuntime } from "./test-kit.ts";

test("push and peek, with the kernel's false positives under a seed of zero", async () => {
	// pushes 0..5 into a filter for 4 values, then counts which of 0..63 it takes for pushed
	await check({
		maps: [
			{ name: "m", type: "bloom_filter", keySize: 0, valueSize: 8, maxEntries: 4, flags: MAP_FLAG.ZERO_SEED },
		],
		asm: `
			r6 = 0
		push:
			*(u64 *)(r10 - 8) = r6
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = 0
			call 87
			r6 += 1
			if r6 != 6 goto push
			r6 = 0
			r7 = 0
		peek:
			*(u64 *)(r10 - 8) = r6
			r1 = m ll
			r2 = r10
			r2 += -8
			call 89
			if r0 != 0 goto absent
			r7 *= 3
			r7 += r6
		absent:
			r6 += 1
			if r6 != 64 goto peek
			r1 = m ll
			r2 = r10
			r2 += -8
			r3 = 2
			call 87
			r7 += r0
			r0 = r7
			exit`,
	});
});

test("from the host: values of 5 bytes, the sum of those that 6.18 takes for pushed", () => {
	const def = mapDef(30, 0, 5, 4, MAP_FLAG.ZERO_SEED);
	const map = createMap(newRuntime(), def, 0, { cpus: 1, seed: 7n });
	const value = (i: number) => Uint8Array.of(i, 1, 2, 3, 4);
	for (let i = 0; i < 6; i++) expect(map.hostUpdate(new Uint8Array(), value(i), 0n)).toBe(0);
	let sum = 0;
	for (let i = 0; i < 256; i++) if (map.hostContains?.(value(i))) sum += i;
	expect(sum).toBe(224);
});

test("other operations, and map_extra", () => {
	const runtime = newRuntime();
	const make = (mapExtra: bigint) =>
		createMap(runtime, { ...mapDef(30, 0, 4, 4), mapExtra }, 0, { cpus: 1, seed: 7n });
	const map = make(15n);
	expect(map.hostUpdate(new Uint8Array(), le(1), 2n)).toBe(-22);
	expect(map.hostContains?.(le(1))).toBe(false);
	expect(map.hostLookup(new Uint8Array())).toBe(-2);
	expect(map.hostDelete(new Uint8Array())).toBe(-95);
	expect(map.hostNextKey(null)).toBe(-95);
	expect(() => make(16n)).toThrow(/errno 22/);
});
