import { describe, expect, test } from "vitest";
import type { MapInstance } from "../maps/index.ts";
import { type TestRuntime, testRuntime } from "./test-runtime.ts";

const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;
const PUSH = 87;
const POP = 88;
const FOR_EACH = 164;
const LOOKUP_PERCPU = 195;
const MAP = 0x1_2000;

/** A map that writes down how it was called: the helpers' own part is what they pass. */
function recorder(more: Partial<MapInstance> = {}): { map: MapInstance; calls: unknown[][] } {
	const calls: unknown[][] = [];
	const note =
		(name: string, result: number) =>
		(...args: number[]) => {
			calls.push([name, ...args]);
			return result;
		};
	const none = () => -95;
	const base = {
		def: { name: "m", type: 1 } as MapInstance["def"],
		index: 0,
		address: MAP,
		lookup: note("lookup", 0x9000_0000 | 0),
		update: note("update", -7),
		delete: note("delete", -2),
		hostLookup: none,
		hostUpdate: none,
		hostDelete: none,
		hostNextKey: none,
		hostLookupAndDelete: none,
		hostLookupBatch: none,
		hostUpdateBatch: () => ({ done: 0, result: -95 }),
		hostDeleteBatch: () => ({ done: 0, result: -95 }),
		hostEntries: () => [],
		freeze: none,
		valueAddress: none,
		hostValueSize: 8,
		frozen: false,
	};
	const map: MapInstance = base;
	Object.assign(map, more);
	return { map, calls };
}

function withMap(rt: TestRuntime, more: Partial<MapInstance> = {}) {
	const { map, calls } = recorder(more);
	rt.maps.set(MAP, map);
	return calls;
}

describe("map helpers", () => {
	test("lookup: addresses are unsigned, the result is zero-extended", () => {
		const rt = testRuntime({ cpus: 4, cpu: 2 });
		const calls = withMap(rt);
		expect(rt.call(LOOKUP, MAP, 0x8000_0010)).toBe(0x9000_0000n);
		expect(calls).toEqual([["lookup", 0x8000_0010, 2]]);
	});

	test("update and delete: errno is sign-extended", () => {
		const rt = testRuntime();
		const calls = withMap(rt);
		expect(rt.call(UPDATE, MAP, 8, 16, 2)).toBe(-7n);
		expect(rt.call(DELETE, MAP, 8)).toBe(-2n);
		expect(calls).toEqual([
			["update", 8, 16, 2, 0],
			["delete", 8],
		]);
	});

	test.each([2n ** 32n, -1n, 0x8000_0000n, 2n ** 63n])("flags %d are unknown to every map", (flags) => {
		const rt = testRuntime();
		const calls = withMap(rt);
		rt.call(UPDATE, MAP, 8, 16, flags);
		const passed = calls[0]?.[3] as number;
		// what maps check: anything but BPF_F_LOCK above BPF_EXIST
		expect(passed & ~4).toBeGreaterThan(2);
	});

	test("push and pop on a map without them is a fault that names the map kind", () => {
		const rt = testRuntime();
		withMap(rt);
		for (const id of [PUSH, POP]) {
			expect(() => rt.call(id, MAP, 8, 0)).toThrow(
				expect.objectContaining({
					code: "fault/argument",
					message: expect.stringContaining("map_type 1 into func bpf_map_"),
				}),
			);
		}
	});

	test("pop's 0 is an answer", () => {
		const rt = testRuntime();
		withMap(rt, { pop: () => 0 });
		expect(rt.call(POP, MAP, 8)).toBe(0n);
	});

	test("something else than a map is a fault", () => {
		expect(() => testRuntime().call(LOOKUP, 0x1_3000, 8)).toThrow(
			expect.objectContaining({ code: "fault/argument", message: expect.stringContaining("0x13000") }),
		);
	});

	test("lookup_percpu: that CPU's value, and NULL for a CPU that isn't possible", () => {
		const rt = testRuntime({ cpus: 2 });
		const calls = withMap(rt);
		expect(rt.call(LOOKUP_PERCPU, MAP, 8, 1)).toBe(0x9000_0000n);
		expect(rt.call(LOOKUP_PERCPU, MAP, 8, 2)).toBe(0n);
		expect(rt.call(LOOKUP_PERCPU, MAP, 8, -1)).toBe(0n);
		expect(calls).toEqual([["lookup", 8, 1]]);
	});
});

describe("for_each_map_elem", () => {
	/** Three elements, cursors 1-3. */
	const three: Partial<MapInstance> = {
		next: (cursor) => (cursor < 3 ? cursor + 1 : 0),
		link: (cursor) => cursor,
		follow: (link) => (link < 3 ? link + 1 : 0),
		cursorKey: (cursor) => 0x100 * cursor,
		cursorValue: (cursor, cpu) => 0x100 * cursor + 0x10 + cpu,
	};

	test("callback(map, key, value, ctx), in order; counts them", () => {
		const rt = testRuntime({ cpus: 2, cpu: 1 });
		withMap(rt, three);
		const seen: unknown[] = [];
		expect(
			rt.iterate(FOR_EACH, [MAP, 0, 0x7000, 0], (...args) => {
				seen.push(args);
				return 0;
			}),
		).toBe(3n);
		expect(seen).toEqual([
			[MAP, 0x100, 0x111, [0x7000, 0]],
			[MAP, 0x200, 0x211, [0x7000, 0]],
			[MAP, 0x300, 0x311, [0x7000, 0]],
		]);
	});

	test("stops where the callback says so", () => {
		const rt = testRuntime();
		withMap(rt, three);
		expect(rt.iterate(FOR_EACH, [MAP, 0, 0, 0], (_map, key) => (key === 0x200 ? 1 : 0))).toBe(2n);
	});

	test("flags are EINVAL, in 64 bits", () => {
		const rt = testRuntime();
		withMap(rt, three);
		expect(rt.iterate(FOR_EACH, [MAP, 0, 0, 1], () => 0)).toBe(-22n);
		expect(rt.iterate(FOR_EACH, [MAP, 0, 0, 2n ** 40n], () => 0)).toBe(-22n);
	});
});
