import { describe, expect, test } from "vitest";
import { createMap, instantiateRuntime, type MapInstance } from "../maps/index.ts";
import { createMemory } from "../memory/index.ts";
import { type LinkedMap, linkedMap } from "../spec/index.ts";
import { readRing } from "./ringbuf.ts";
import { testRuntime } from "./test-runtime.ts";

const OUTPUT = 130;
const RESERVE = 131;
const SUBMIT = 132;
const DISCARD = 133;
const QUERY = 134;
const [AVAILABLE, SIZE, CONSUMER, PRODUCER] = [0, 1, 2, 3];

const ringDef = (name: string, maxEntries: number): LinkedMap =>
	linkedMap({ name, type: 27, keySize: 0, valueSize: 0, maxEntries });

/** Two real ring buffers, "a" and "b"; `reading`: the machine reads them when the run is over. */
function setup(reading = true) {
	const dataBase = 2 ** 20;
	const allocator = instantiateRuntime(createMemory({ dataBase }), dataBase);
	const rt = testRuntime({}, allocator.memory);
	const [a, b] = ["a", "b"].map((name, index) => {
		const map = createMap(allocator, ringDef(name, 4096), index, { cpus: 1, seed: 0n });
		rt.maps.set(map.address, map);
		return map;
	}) as [MapInstance, MapInstance];
	const written: string[] = [];
	if (reading) rt.ringbufCommitted = (map) => void written.push(map.def.name);
	const data = allocator.allocData(4096);
	allocator.memory.write(data, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
	return { rt, a, b, data, written };
}

describe("ring buffers", () => {
	test("output, as 6.18 answers: flags, size, room", () => {
		const { rt, a, data } = setup();
		const output = (size: number | bigint, flags: number | bigint) =>
			rt.call(OUTPUT, a.address, data, size, flags);
		expect([0, 1, 2, 3, 4, 2n ** 32n].map((flags) => output(8, flags))).toEqual([0n, 0n, 0n, 0n, -22n, -22n]);
		expect([output(0, 0), output(4088, 0), output(2n ** 32n, 0), output(2000, 0), output(2016, 0)]).toEqual([
			0n,
			-11n,
			-11n,
			0n,
			-11n,
		]);
		expect(
			[AVAILABLE, SIZE, CONSUMER, PRODUCER, 4, 2n ** 32n].map((what) => rt.call(QUERY, a.address, what)),
		).toEqual([2080n, 4096n, 0n, 2080n, 0n, 0n]);
	});

	test("reserve, write, submit: the record is found without its map", () => {
		const { rt, a, b, written } = setup();
		for (const [map, byte] of [
			[a, 0xaa],
			[b, 0xbb],
		] as const) {
			const record = Number(rt.call(RESERVE, map.address, 2, 0));
			rt.memory.u8.fill(byte, record, record + 2);
			expect(rt.call(SUBMIT, record, 99)).toBe(0n);
		}
		expect(written).toEqual(["a", "b"]);
		expect(rt.outputs).toEqual([]);
		for (const map of [b, a]) readRing(rt, map);
		expect(rt.outputs).toEqual([
			{ kind: "ringbuf", map: "b", data: Uint8Array.of(0xbb, 0xbb) },
			{ kind: "ringbuf", map: "a", data: Uint8Array.of(0xaa, 0xaa) },
		]);
	});

	test("no room, flags, or a size beyond 32 bits: NULL", () => {
		const { rt, a } = setup();
		const reserve = (size: number | bigint, flags: number) => rt.call(RESERVE, a.address, size, flags);
		expect([reserve(4089, 0), reserve(8, 1), reserve(2n ** 32n + 8n, 0)]).toEqual([0n, 0n, 0n]);
		expect(reserve(2000, 0)).not.toBe(0n);
	});

	test("a reader sees records in the order of reservation, without the discarded", () => {
		const { rt, a } = setup(false);
		const [first, second, third] = [1, 2, 3].map((n) => {
			const record = Number(rt.call(RESERVE, a.address, 1, 0));
			rt.memory.u8[record] = n;
			return record;
		});
		rt.call(SUBMIT, third!, 0);
		rt.call(DISCARD, second!, 0);
		expect(rt.outputs).toEqual([]);
		rt.call(SUBMIT, first!, 0);
		expect(rt.outputs.map((event) => event.kind === "ringbuf" && event.data[0])).toEqual([1, 3]);
		expect(rt.call(QUERY, a.address, AVAILABLE)).toBe(0n);
	});

	test("submitting twice, or what is no record, is a fault", () => {
		const { rt, a } = setup();
		const record = rt.call(RESERVE, a.address, 8, 0);
		rt.call(SUBMIT, record, 0);
		for (const sample of [record, record + 4n, 0x2_0000n]) {
			for (const id of [SUBMIT, DISCARD]) {
				expect(() => rt.call(id, sample, 0)).toThrow(expect.objectContaining({ code: "fault/argument" }));
			}
		}
	});

	test("another kind of map is a fault", () => {
		const { rt } = setup();
		rt.maps.set(0x1_2000, { def: { name: "h", type: 1 } } as MapInstance);
		for (const id of [OUTPUT, RESERVE, QUERY]) {
			expect(() => rt.call(id, 0x1_2000, 0, 0, 0)).toThrow(/map_type 1 into func bpf_ringbuf_/);
		}
	});
});
