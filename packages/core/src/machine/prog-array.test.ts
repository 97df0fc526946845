/**
 * A prog array from user space: what bpf(2) of Linux 6.18 makes of each command. Not here: batch operations and mmap
 * (ENOTSUPP), which a Machine has no calls for; a descriptor of a map or a file as value (EINVAL), since a Machine
 * takes programs, not integers; 0x10000000 entries, which the kernel grants with 2 GiB of its memory.
 */
import { buildObject, checkLoad, checkObject, type MapCase, type Step } from "@tailhop/testing";
import { describe, expect, it, test } from "vitest";
import { MAP_FLAG, Machine } from "../index.ts";

const ENOENT = 2;
const EPERM = -1;
const E2BIG = -7;
const EBADF = -9;
const EINVAL = -22;
const ENOTSUPP = -524;

const RDONLY = 8;
const WRONLY = 16;

describe("creation", () => {
	const create = (map: Partial<MapCase>) =>
		buildObject({ maps: [{ name: "jumps", type: "prog_array", ...map }], programs: {} });

	test.each<[string, Partial<MapCase>]>([
		["one entry", {}],
		["2^16 entries", { maxEntries: 65536 }],
		["NUMA", { flags: 4 }],
		["RDONLY", { flags: RDONLY }],
		["WRONLY", { flags: WRONLY }],
	])("%s: ok", (_what, map) => checkLoad(create(map), 0));

	test.each<[string, Partial<MapCase>]>([
		["key of 8", { keySize: 8 }],
		["key of 2", { keySize: 2 }],
		["value of 8", { valueSize: 8 }],
		["value of 1", { valueSize: 1 }],
		["no entries", { maxEntries: 0 }],
		["RDONLY and WRONLY", { flags: RDONLY | WRONLY }],
		["RDONLY_PROG", { flags: MAP_FLAG.RDONLY_PROG }],
		["WRONLY_PROG", { flags: 1 << 8 }],
		["NO_PREALLOC", { flags: 1 }],
		["MMAPABLE", { flags: 1 << 10 }],
		["INNER_MAP", { flags: 1 << 12 }],
	])("%s: EINVAL", (_what, map) => checkLoad(create(map), EINVAL));

	it("0xffffffff entries: ENOMEM", () => checkLoad(create({ maxEntries: 0xffffffff }), -12));

	test.each(["array_of_maps", "hash_of_maps"])("as inner map of %s: ENOTSUPP", async (type) => {
		const outer = { name: "outer", type, valueSize: 4 };
		const inner = { type: "prog_array" };
		await checkLoad(buildObject({ maps: [{ ...outer, inner }], programs: {} }), ENOTSUPP);
		await checkLoad(buildObject({ maps: [{ ...outer, inner: { type: "array" } }], programs: {} }), 0);
	});
});

const jump = "r6 = r1; r2 = jumps ll; r3 = 0; call bpf_tail_call; r0 = 7; exit";
const object = (flags = 0) =>
	buildObject({
		maps: [{ name: "jumps", type: "prog_array", maxEntries: 3, flags }],
		programs: { main: jump, target: "r0 = 55; exit", other: "r0 = 56; exit" },
		...(flags === 0 ? { slots: { jumps: { 0: "target" } } } : {}),
	});
/** No program's descriptor. */
const nothing = 0xffffffff;

test.each<[string, readonly Step[]]>([
	[
		"lookup gives the program's id, and ENOENT for an empty slot and beyond the end",
		[
			{ lookup: "jumps", key: 0, program: "target" },
			{ slot: ["jumps", 0, "other"] },
			{ lookup: "jumps", key: 0, program: "other" },
			{ lookup: "jumps", key: 1, value: { errno: ENOENT } },
			{ lookup: "jumps", key: 3, value: { errno: ENOENT } },
			{ lookup: "jumps", key: 0xffffffff, value: { errno: ENOENT } },
		],
	],
	[
		"update replaces, for the very next run",
		[
			{ run: "main", expect: 55 },
			{ slot: ["jumps", 0, "other"] },
			{ run: "main", expect: 56 },
			{ slot: ["jumps", 0, "other"] },
			{ run: "main", expect: 56 },
		],
	],
	[
		"update with a mode is EINVAL, filled or empty",
		[
			{ slot: ["jumps", 0, "other"], mode: "exist", result: EINVAL },
			{ slot: ["jumps", 1, "other"], mode: "noexist", result: EINVAL },
			{ update: "jumps", key: 0, value: nothing, flags: 4n, result: EINVAL },
			{ run: "main", expect: 55 },
		],
	],
	[
		"update beyond the end is E2BIG, without a program EBADF, and the mode is looked at first",
		[
			{ slot: ["jumps", 3, "other"], result: E2BIG },
			{ update: "jumps", key: 0, value: nothing, result: EBADF },
			{ update: "jumps", key: 3, value: nothing, result: E2BIG },
			{ update: "jumps", key: 3, value: nothing, flags: 2n, result: EINVAL },
			{ run: "main", expect: 55 },
		],
	],
	[
		"delete of a full slot, an empty one, and beyond the end",
		[
			{ delete: "jumps", key: 0 },
			{ run: "main", expect: 7 },
			{ delete: "jumps", key: 0, result: -ENOENT },
			{ slot: ["jumps", 0, undefined], result: -ENOENT },
			{ delete: "jumps", key: 3, result: E2BIG },
			{ slot: ["jumps", 3, undefined], result: E2BIG },
		],
	],
	[
		"get_next_key lists empty slots too, and starts over after an unknown key",
		[
			{ nextKey: "jumps", key: null, next: 0 },
			{ nextKey: "jumps", key: 0, next: 1 },
			{ nextKey: "jumps", key: 1, next: 2 },
			{ nextKey: "jumps", key: 2, next: { errno: ENOENT } },
			{ nextKey: "jumps", key: 3, next: 0 },
			{ nextKey: "jumps", key: 0xffffffff, next: 0 },
		],
	],
	[
		"lookup_and_delete is ENOTSUPP",
		[
			{ lookupAndDelete: "jumps", key: 0, value: { errno: ENOTSUPP } },
			{ lookupAndDelete: "jumps", key: 1, value: { errno: ENOTSUPP } },
			{ run: "main", expect: 55 },
		],
	],
	[
		"freeze: no updates and deletes any more; lookups and runs go on",
		[
			{ freeze: "jumps" },
			{ slot: ["jumps", 0, "other"], result: EPERM },
			{ slot: ["jumps", 9, "other"], mode: "exist", result: EPERM },
			{ slot: ["jumps", 0, undefined], result: EPERM },
			{ lookupAndDelete: "jumps", key: 0, value: { errno: -EPERM } },
			{ freeze: "jumps", result: EPERM },
			{ lookup: "jumps", key: 0, program: "target" },
			{ nextKey: "jumps", key: null, next: 0 },
			{ run: "main", expect: 55 },
		],
	],
])("%s", async (_what, steps) => {
	await checkObject(object(), steps);
});

it("RDONLY: no updates and deletes", async () => {
	await checkObject(object(RDONLY), [
		{ slot: ["jumps", 0, "target"], result: EPERM },
		{ slot: ["jumps", 0, undefined], result: EPERM },
		{ lookup: "jumps", key: 0, value: { errno: ENOENT } },
		{ nextKey: "jumps", key: null, next: 0 },
		{ freeze: "jumps", result: EPERM },
		{ run: "main", expect: 7 },
	]);
});

it("WRONLY: no lookups", async () => {
	const steps: readonly Step[] = [
		{ slot: ["jumps", 0, "target"] },
		{ lookup: "jumps", key: 0, value: { errno: -EPERM } },
		{ lookup: "jumps", key: 1, value: { errno: -EPERM } },
		{ nextKey: "jumps", key: null, next: { errno: -EPERM } },
		{ run: "main", expect: 55 },
		{ slot: ["jumps", 0, undefined] },
		{ run: "main", expect: 7 },
	];
	await checkObject(object(WRONLY), steps, { ignoreMaps: ["jumps"] });
});

describe("a Machine's handle", () => {
	it("says what it refuses", async () => {
		const jumps = (await Machine.create(object())).map("jumps");
		expect(() => jumps.set(0, 5)).toThrow("not a program (EINVAL)");
		expect(() => jumps.set(0, "nobody")).toThrow("no program nobody");
		expect(() => jumps.set(0, "other", "exist")).toThrow("EINVAL");
		expect(() => jumps.delete(9)).toThrow("E2BIG");
		expect([jumps.delete(0), jumps.delete(0)]).toEqual([true, false]);
	});
	it("counts what bytes take out as what slots take out", async () => {
		const machine = await Machine.create(object(), { lifecycle: "kernel" });
		const target = machine.program("target");
		target.close();
		expect(machine.map("jumps").remove(Uint8Array.of(0, 0, 0, 0))).toBe(true);
		expect(target.freed).toBe(true);
	});
	it("fills and empties all slots of a large array", async () => {
		const large = buildObject({
			maps: [{ name: "jumps", type: "prog_array", maxEntries: 65536 }],
			programs: { main: jump, target: "r0 = 55; exit" },
		});
		const machine = await Machine.create(large, { lifecycle: "kernel" });
		const jumps = machine.map("jumps");
		for (let slot = 0; slot < 65536; slot++) jumps.setSlot(slot, "target");
		expect([...jumps.entries()].length).toBe(65536);
		machine.program("target").close();
		jumps.close();
		expect(machine.program("target").freed).toBe(true);
	});
});
