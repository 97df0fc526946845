import { expect, test } from "vitest";
import { MAP_FLAG } from "../isa/index.ts";
import { createMap } from "./create.ts";
import { hex, inMemory, le, mapDef, newRuntime } from "./test-kit.ts";

const SK_STORAGE = 24;

test("sk_storage: a value an owner, made on demand", () => {
	const runtime = newRuntime();
	const def = { ...mapDef(SK_STORAGE, 4, 8, 0, MAP_FLAG.NO_PREALLOC), keyTypeId: 1, valueTypeId: 1 };
	const map = createMap(runtime, def, 0, { cpus: 1, seed: 1n });
	const { storage, runtimeAddress } = { storage: map.storage!, runtimeAddress: runtime.allocData(8) };
	expect(storage.of(runtimeAddress, 0, false)).toBe(0);
	const value = storage.of(runtimeAddress, inMemory(runtime, le(7, 8)), true);
	expect(runtime.memory.u32(value)).toBe(7);
	expect(storage.of(runtimeAddress, 0, true)).toBe(value);
	expect(map.hostUpdate(le(5), le(9, 8), 1n)).toBe(0);
	expect(map.hostUpdate(le(5), le(9, 8), 1n)).toBe(-17);
	expect(map.hostNextKey(null)).toBe(-524);
	storage.beginRun();
	expect(storage.of(runtimeAddress, 0, false)).toBe(0);
	expect(hex(map.hostLookup(le(5)))).toBe(hex(le(9, 8)));
	expect(runtime.memory.u32(storage.of(runtimeAddress, 0, true))).toBe(0);
	expect(storage.remove(runtimeAddress)).toBe(0);
	expect(storage.remove(runtimeAddress)).toBe(-2);
	expect(() =>
		createMap(runtime, mapDef(SK_STORAGE, 4, 8, 0, MAP_FLAG.NO_PREALLOC), 1, { cpus: 1, seed: 1n }),
	).toThrow(/errno 22/);
});

test("cgroup storage is the run's own", () => {
	for (const [type, cpus] of [
		[19, 1],
		[21, 3],
	] as const) {
		const runtime = newRuntime();
		const map = createMap(runtime, mapDef(type, 16, 4, 0), 0, { cpus, seed: 1n });
		const { storage } = map;
		const last = storage!.of(cpus - 1, 0, true);
		expect(last - storage!.of(0, 0, true)).toBe((cpus - 1) * 8);
		runtime.memory.setU32(last, 5);
		storage!.beginRun();
		expect(runtime.memory.u32(last)).toBe(0);
	}
});
