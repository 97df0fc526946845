import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EAGAIN, EINVAL, ENOTSUPP } from "./errno.ts";
import { FLAVOURS, inMemory, newMap, newRuntime } from "./test-kit.ts";

const RINGBUF = 27;

function ringOf(size: number, shared = true) {
	const runtime = newRuntime(shared);
	const map = newMap(runtime, RINGBUF, 0, 0, size);
	const source = runtime.allocData(8192);
	for (let i = 0; i < 8192; i++) runtime.memory.u8[source + i] = i * 7;
	const state = () => [0, 1, 2, 3, 4].map((what) => map.ring!.query(what));
	return { runtime, map, ring: map.ring!, source, state };
}

describe("as 6.18 answers", () => {
	test("a 4,096-byte ring without a consumer takes 4,080 bytes of these records", () => {
		const { ring, source, state } = ringOf(4096);
		for (let i = 0; i < 2; i++) ring.output(source, 8, 0);
		const results: number[] = [];
		for (let i = 0; i < 12; i++)
			for (const size of [512, 100, 1, 9]) results.push(ring.output(source, size, 0));
		const full = [EAGAIN, EAGAIN, EAGAIN, EAGAIN];
		expect(results).toEqual([
			...new Array(24).fill(0),
			...[EAGAIN, EAGAIN, 0, EAGAIN],
			...[full, full, full, full, full].flat(),
		]);
		expect(state()).toEqual([4080, 4096, 0, 4080, 0]);
	});

	test.each([
		[4079, 0, true],
		[4080, 0, true],
		[4081, 0, false],
		[4088, 0, false],
		[4096, 0, false],
		[2 ** 30, 0, false],
		[8, 1, false],
	])("reserve of %i bytes with flags %i: %s", (size, flags, room) => {
		const { ring, state } = ringOf(4096);
		const sample = ring.reserve(size, flags);
		expect(sample !== 0).toBe(room);
		if (room) expect(ring.discard(sample)).toBe(0);
		expect(state()[3]).toBe(room ? 4088 : 0);
		expect(ring.consume()).toBeUndefined();
		expect(state()[0]).toBe(0);
	});

	test("flags of output", () => {
		const { ring, source } = ringOf(4096);
		expect([4, 8, 1, 3].map((flags) => ring.output(source, 8, flags))).toEqual([EINVAL, EINVAL, 0, 0]);
	});

	test("a record's header: length with busy and discard bits, page offset", () => {
		const { runtime, ring } = ringOf(8192);
		const [first, second] = [ring.reserve(5000, 0), ring.reserve(13, 0)];
		expect(runtime.memory.u32(first - 8)).toBe(0x80000000 + 5000);
		expect([runtime.memory.u32(first - 4), runtime.memory.u32(second - 4)]).toEqual([3, 4]);
		expect(second - first).toBe(5008);
		ring.submit(second);
		// the older record is still being written: nothing to consume
		expect(ring.consume()).toBeUndefined();
		ring.discard(first);
		expect(runtime.memory.u32(first - 8)).toBe(0x40000000 + 5000);
		expect(ring.consume()?.length).toBe(13);
		expect(ring.query(0)).toBe(0);
	});

	test("element operations", () => {
		const { map } = ringOf(4096);
		expect(map.hostNextKey(null)).toBe(ENOTSUPP);
		expect(map.freeze()).toBe(0);
	});
});

test("costs nothing until it is used", () => {
	const runtime = newRuntime();
	const before = runtime.dataBrk;
	const map = newMap(runtime, RINGBUF, 0, 0, 2 ** 24);
	expect(runtime.dataBrk).toBe(before);
	expect(map.ring!.reserve(8, 0)).not.toBe(0);
	expect(runtime.dataBrk).toBe(before + 2 ** 24);
});

test("what is no record being written is refused, and found to be no ring's", () => {
	const { runtime, ring, map } = ringOf(4096);
	const sample = ring.reserve(16, 0);
	expect(runtime.code.ringbufOf(sample)).toBe(map.address);
	expect(ring.submit(sample + 4)).toBe(EINVAL);
	expect(ring.submit(sample + 65536)).toBe(EINVAL);
	expect(ring.submit(sample)).toBe(0);
	expect(ring.submit(sample)).toBe(EINVAL);
	expect(runtime.code.ringbufOf(inMemory(runtime, new Uint8Array(8)))).toBe(0);
});

test("headers that a program spoiled lose records and nothing else", () => {
	const { runtime, ring, source } = ringOf(4096);
	const samples = [1, 2, 3].map((n) => ring.reserve(n * 100, 0));
	for (const sample of samples) ring.submit(sample);
	runtime.memory.setU32(samples[1]! - 8, 0x3ffffff0);
	expect(ring.consume()?.length).toBe(100);
	for (let i = 0; i < 10; i++) ring.consume();
	expect(ring.query(0)).toBe(0);
	expect(ring.query(2)).toBe(ring.query(3));
	expect([0, EAGAIN]).toContain(ring.output(source, 8, 0));
});

test.each(FLAVOURS)("records come out whole and in order, wrapping ones too (shared: %s)", (shared) => {
	const step = fc.oneof(
		fc.record({ kind: fc.constant("output" as const), size: fc.integer({ min: 0, max: 3000 }) }),
		fc.record({ kind: fc.constant("reserve" as const), size: fc.integer({ min: 1, max: 3000 }) }),
		fc.record({ kind: fc.constant("finish" as const), size: fc.integer({ min: 0, max: 9 }) }),
		fc.record({ kind: fc.constant("consume" as const), size: fc.constant(0) }),
	);
	fc.assert(
		fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
			const { runtime, ring } = ringOf(4096, shared);
			// the model: records in order, each open, committed or discarded
			const records: { bytes: Uint8Array; state: "open" | "committed" | "discarded"; at: number }[] = [];
			let serial = 0;
			for (const { kind, size } of steps) {
				if (kind === "consume") {
					const got = ring.consume();
					while (records[0]?.state === "discarded") records.shift();
					const expected = records[0]?.state === "committed" ? records.shift()!.bytes : undefined;
					expect(got).toEqual(expected);
				} else if (kind === "finish") {
					const open = records.filter((record) => record.state === "open");
					const record = open[size % Math.max(1, open.length)];
					if (!record) continue;
					record.state = size % 3 === 0 ? "discarded" : "committed";
					expect(size % 3 === 0 ? ring.discard(record.at) : ring.submit(record.at)).toBe(0);
				} else {
					const bytes = new Uint8Array(size).fill(++serial);
					const at = ring.reserve(size, 0);
					if (at === 0) continue;
					expect(at % 8).toBe(0);
					runtime.memory.write(at, bytes);
					if (kind === "output") expect(ring.submit(at)).toBe(0);
					records.push({ bytes, state: kind === "output" ? "committed" : "open", at });
				}
			}
		}),
		{ numRuns: 150 },
	);
});
