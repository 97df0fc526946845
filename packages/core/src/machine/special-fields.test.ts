import { buildObject } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import { BtfBuilder } from "../btf/index.ts";
import { specialFields } from "../maps/index.ts";
import { Machine } from "./machine.ts";

/** struct value { int a; struct bpf_spin_lock lock; int b; }, and what may stand around it. */
function types() {
	const builder = new BtfBuilder();
	const int = builder.int("int", 4);
	const lock = builder.struct("bpf_spin_lock", 4, [{ name: "val", type: int, offset: 0 }]);
	const value = builder.struct("value", 12, [
		{ name: "a", type: int, offset: 0 },
		{ name: "lock", type: lock, offset: 4 },
		{ name: "b", type: int, offset: 8 },
	]);
	const pair = builder.struct("pair", 24, [{ name: "both", type: builder.array(value, 2), offset: 0 }]);
	return { btf: builder.build(), value, pair, int };
}

test("finds them in structures and arrays", () => {
	const { btf, value, pair, int } = types();
	expect(specialFields(btf, value)).toEqual([{ name: "bpf_spin_lock", offset: 4, size: 4 }]);
	expect(specialFields(btf, pair).map((field) => field.offset)).toEqual([4, 16]);
	expect(specialFields(btf, int)).toEqual([]);
	expect(specialFields(undefined, 5)).toEqual([]);
});

describe("values with a bpf_spin_lock, as 6.18 answers", () => {
	test.each([
		["array", 0, [0, -17, 0, 0, -17, 0, -22, -22], -17],
		["hash", 0, [0, -17, 0, 0, -17, 0, -22, -22], 0],
		["hash", 1, [0, -17, 0, 0, -17, 0, -22, -22], 0],
	] as const)("%s, flags %i", async (type, flags, results, fresh) => {
		const { btf, value, int } = types();
		const object = buildObject({
			maps: [{ name: "m", type, valueSize: 12, maxEntries: 2, flags }],
			programs: { main: "r0 = 0\nexit" },
		});
		const maps = object.maps.map((map) => ({ ...map, keyTypeId: int, valueTypeId: value }));
		const { instance } = (await Machine.create({ ...object, maps, btf })).map("m");
		const key = new Uint8Array(4);
		const words = (bytes: Uint8Array | number) =>
			typeof bytes === "number" ? bytes : [...new Uint32Array(bytes.buffer)];
		const put = Uint8Array.from(new Uint8Array(Uint32Array.of(1, 2, 3).buffer));
		expect([0n, 1n, 2n, 4n, 5n, 6n, 7n, 8n].map((mode) => instance.hostUpdate(key, put, mode))).toEqual(
			results,
		);
		expect(words(instance.hostLookup(key))).toEqual([1, 0, 3]);
		expect(instance.hostUpdate(Uint8Array.of(1, 0, 0, 0), put, 5n)).toBe(fresh);
		expect(instance.hostUpdateBatch([[key, put]], 4n)).toEqual({ done: 1, result: 0 });
	});
});

test("what a program has in such a field stays through updates of an array, and user space does not see it", async () => {
	const { btf, value, int } = types();
	for (const [type, after] of [
		["array", 5],
		["hash", 0],
	] as const) {
		const object = buildObject({
			maps: [{ name: "m", type, valueSize: 12 }],
			programs: { main: "r0 = 0\nexit" },
		});
		const maps = object.maps.map((map) => ({ ...map, keyTypeId: int, valueTypeId: value }));
		const machine = await Machine.create({ ...object, maps, btf });
		const { instance } = machine.map("m");
		const key = new Uint8Array(4);
		const put = new Uint8Array(Uint32Array.of(1, 2, 3).buffer);
		instance.hostUpdate(key, put, 0n);
		const lock = () => instance.cursorValue!(instance.next!(0), 0) + 4;
		machine.memory.setU32(lock(), 5);
		expect(instance.hostLookup(key)).toEqual(new Uint8Array(Uint32Array.of(1, 0, 3).buffer));
		expect([...instance.hostEntries()][0]?.[1][4]).toBe(0);
		instance.hostUpdate(key, put, 0n);
		expect(machine.memory.u32(lock())).toBe(after);
		machine.memory.setU32(lock(), 5);
		instance.hostUpdate(key, put, 4n);
		expect(machine.memory.u32(lock())).toBe(5);
	}
});
