import { describe, expect, it } from "vitest";
import { TailhopError } from "../errors/index.ts";
import type { Output } from "../helpers/index.ts";
import { linkedMap } from "../spec/index.ts";
import { compareMaps, compareOutcomes, perfSample } from "./compare.ts";
import type { WatchedMap } from "./map-watch.ts";
import type { EngineOutcome, EngineResult } from "./outcome.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

const result = (some: Partial<EngineResult> = {}): EngineResult => ({
	verdict: { code: 2 },
	packet: bytes(1, 2),
	context: {},
	contextBytes: bytes(1, 0, 0, 0, 2, 0, 3, 0, 9),
	hops: [],
	output: [],
	engine: "test",
	verified: false,
	...some,
});

const hook = {
	fields: [
		{ name: "mark", offset: 0, size: 4, read: true, write: true, narrow: true },
		{ name: "cb", offset: 4, size: 4, count: 2, read: true, write: true, narrow: true },
	],
};

const compare = (a: EngineOutcome, b: EngineOutcome) => compareOutcomes(a, b, hook);
const perf = (data: Uint8Array, cpu = 0): Output => ({ kind: "perf", map: "events", cpu, data });
const ring = (data: Uint8Array): Output => ({ kind: "ringbuf", map: "ring", data });
const error = (errno?: number): EngineOutcome => ({
	error: new TailhopError(
		"machine/invalid-input",
		"no",
		{},
		errno === undefined ? {} : { detail: { errno } },
	),
	hops: [],
	output: [],
	engine: "test",
	verified: false,
});

describe("compareOutcomes", () => {
	it("the same, r0 known to one only", () => {
		expect(compare(result({ r0: 2n }), result())).toEqual([]);
	});

	it("verdict, r0, packet", () => {
		const other = result({ verdict: { code: 3 }, r0: 3n, packet: bytes(1) });
		expect(compare(result({ r0: 2n }), other).map((each) => each.what)).toEqual(["verdict", "r0", "packet"]);
	});

	it("the context by fields, arrays as lists, bytes of no field by offset", () => {
		expect(compare(result(), result({ contextBytes: bytes(1, 1, 0, 0, 2, 0, 4, 0, 8) }))).toEqual([
			{ what: "context", field: "mark", a: 1n, b: 257n },
			{ what: "context", field: "cb", a: [2, 3], b: [2, 4] },
			{ what: "context", field: "byte 8", a: 9, b: 8 },
		]);
	});

	it("events map by map: the order between maps and the zeros behind perf data don't matter", () => {
		const a = [perf(bytes(1, 2, 3, 4, 5)), ring(bytes(7))];
		const b = [ring(bytes(7)), perf(perfSample(bytes(1, 2, 3, 4, 5)))];
		expect(compare(result({ output: a }), result({ output: b }))).toEqual([]);
		expect(compare(result({ output: a }), result({ output: [perf(bytes(1, 2, 3, 4, 6))] }))).toEqual([
			{
				what: "output",
				map: "events",
				cpu: 0,
				index: 0,
				a: perfSample(bytes(1, 2, 3, 4, 5)),
				b: perfSample(bytes(1, 2, 3, 4, 6)),
			},
			{ what: "output", map: "ring", index: 0, a: bytes(7) },
		]);
		expect(
			compare(result({ output: [perf(bytes(1), 0)] }), result({ output: [perf(bytes(1), 1)] })),
		).toHaveLength(2);
	});

	it("an error and a verdict differ; the same errno doesn't", () => {
		expect(compare(error(22), error(22))).toEqual([]);
		expect(compare(error(22), error(1))).toMatchObject([{ what: "error" }]);
		expect(compare(error(), error())).toMatchObject([{ what: "error" }]);
		expect(compare(result(), error(22))).toMatchObject([
			{ what: "error", b: { code: "machine/invalid-input" } },
		]);
	});
});

it("a sample ends on 8 with its length before it", () => {
	expect([0, 4, 5, 12, 13].map((length) => perfSample(new Uint8Array(length)).length)).toEqual([
		4, 4, 12, 12, 20,
	]);
});

describe("compareMaps", () => {
	const map = (entries: readonly (readonly [number, number])[], type = 1): WatchedMap => ({
		name: "m",
		def: linkedMap({ name: "m", type, keySize: 1, valueSize: 1, maxEntries: 4 }),
		btf: undefined,
		contents: () => entries.map(([key, value]) => [bytes(key), bytes(value)] as const),
	});

	it("entries by key, in any order", () => {
		expect(
			compareMaps(
				[
					map([
						[1, 1],
						[2, 2],
					]),
				],
				[
					map([
						[2, 2],
						[1, 1],
					]),
				],
			),
		).toEqual([]);
		expect(
			compareMaps(
				[
					map([
						[1, 1],
						[2, 2],
					]),
				],
				[
					map([
						[1, 9],
						[3, 3],
					]),
				],
			),
		).toEqual([
			{ what: "map", map: "m", key: bytes(1), a: bytes(1), b: bytes(9) },
			{ what: "map", map: "m", key: bytes(3), b: bytes(3) },
			{ what: "map", map: "m", key: bytes(2), a: bytes(2) },
		]);
	});

	it("prog arrays hold no entries of bytes", () => {
		expect(compareMaps([map([[1, 1]], 3)], [map([], 3)])).toEqual([]);
	});
});
