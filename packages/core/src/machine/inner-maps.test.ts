import { buildObject, type MapCase } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import type { LinkedMap } from "../spec/index.ts";
import { Machine } from "./machine.ts";

/** A machine with an outer map `m` and a program that looks one up and reads or updates what it finds. */
async function machine(inner: MapCase["inner"], more: MapCase[] = []): Promise<Machine> {
	return await Machine.create(
		buildObject({
			maps: [{ name: "m", type: "array_of_maps", valueSize: 4, maxEntries: 2, inner: inner! }, ...more],
			programs: {
				main: `
					r6 = 0
					*(u32 *)(r10 - 4) = r6
					r1 = m ll
					r2 = r10
					r2 += -4
					call 1
					if r0 == 0 goto none
					r1 = r0
					r2 = r10
					r2 += -4
					call 1
					if r0 == 0 goto none
					r0 = *(u32 *)(r0 + 0)
					exit
				none:
					r0 = 77
					exit`,
			},
		}),
		{ controlBytes: 2 ** 16 },
	);
}

const ARRAY = { type: "array", valueSize: 8, maxEntries: 4 } as const;
const run = (m: Machine) => Number(m.run("main", { packet: new Uint8Array(64) }).r0);

test("a map that is made at run time goes in, and programs find it", async () => {
	const m = await machine(ARRAY);
	expect(run(m)).toBe(77);
	const one = m.createMap({ ...m.map("m").def.inner!, name: "one" });
	one.update(new Uint8Array(4), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
	m.map("m").set(0, "one");
	expect(run(m)).toBe(5);
	expect(m.map("m").get(0)).toBe("one");
	expect([...m.map("m").entries()]).toEqual([[0, "one"]]);
	expect(m.map("m").lookup(new Uint8Array(4))).toEqual(new Uint8Array(Uint32Array.of(one.id).buffer));
	const two = m.createMap({ ...one.def, name: "one" });
	m.map("m").set(0, two);
	expect(run(m)).toBe(0);
	m.map("m").delete(0);
	expect(run(m)).toBe(77);
	m.reset();
	expect(() => m.map("one")).toThrow(/no map one/);
	expect(() => one.lookup(new Uint8Array(4))).toThrow(/went with a restored snapshot/);
});

describe("what must agree with the template, as 6.18 answers", () => {
	const change: [string, MapCase["inner"], Partial<LinkedMap>, boolean][] = [
		["an array's size", ARRAY, { maxEntries: 5 }, false],
		["an array's size under BPF_F_INNER_MAP", { ...ARRAY, flags: 1 << 12 }, { maxEntries: 5 }, true],
		["a hash's size", { ...ARRAY, type: "hash" }, { maxEntries: 5 }, true],
		["a percpu_array's size", { ...ARRAY, type: "percpu_array" }, { maxEntries: 5 }, true],
		["an xskmap's size", { ...ARRAY, type: "xskmap", valueSize: 4 }, { maxEntries: 5 }, false],
		["the value", ARRAY, { valueSize: 12 }, false],
		["the key", { ...ARRAY, type: "hash" }, { keySize: 5 }, false],
		["the kind", ARRAY, { type: 1 }, false],
		["BPF_F_RDONLY, of a descriptor", ARRAY, { flags: 1 << 3 }, true],
		["BPF_F_RDONLY_PROG", ARRAY, { flags: 1 << 7 }, false],
	];
	test.each(change)("%s", async (_name, template, other, fits) => {
		const m = await machine(template);
		const map = m.createMap({ ...m.map("m").def.inner!, name: "one", ...other });
		if (fits) m.map("m").set(0, map);
		else expect(() => m.map("m").set(0, map)).toThrow(expect.objectContaining({ detail: { errno: 22 } }));
	});
});

test("bytes name no map; a definition that the kernel refuses says so", async () => {
	const m = await machine(ARRAY);
	expect(() => m.map("m").update(new Uint8Array(4), Uint8Array.of(1, 0, 0, 0))).toThrow(
		expect.objectContaining({ detail: { errno: 9 } }),
	);
	expect(() => m.createMap({ ...m.map("m").def.inner!, name: "one", maxEntries: 0 })).toThrow(/errno 22/);
});
