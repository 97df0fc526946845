/** Packets in a batch against the same packets one by one. */
import { buildObject, eth, ipv4, packet, payload, udp } from "@tailhop/testing";
import { describe, expect, it } from "vitest";
import { PACKET } from "../helpers/index.ts";
import { MACHINE } from "../memory/index.ts";
import { PACKET_WORDS, TICKET } from "../wasm/index.ts";
import { Machine, type MachineOptions } from "./index.ts";

const ENGINES = ["interpreter", "wasm"] as const;
const MEMORIES = typeof SharedArrayBuffer === "undefined" ? [false] : [true, false];
const OPTIONS: readonly MachineOptions[] = ENGINES.flatMap((engine) =>
	MEMORIES.map((shared) => ({ engine, shared })),
);
const named = OPTIONS.map(
	(options) => [`${options.engine}, ${options.shared ? "" : "un"}shared`, options] as const,
);

const object = buildObject({
	maps: [
		{ name: "count", type: "array", valueSize: 8, maxEntries: 1 },
		{ name: "jumps", type: "prog_array", maxEntries: 2 },
		{ name: "events", type: "perf_event_array", valueSize: 4, maxEntries: 1 },
		{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
	],
	programs: {
		// the first byte goes up, the head by 4; r0 = first byte + 2^32 * packets so far
		main: `
			r6 = r1
			*(u32 *)(r10 - 4) = 0
			r1 = count ll
			r2 = r10
			r2 += -4
			call 1
			if r0 == 0 goto out
			r7 = *(u64 *)(r0 + 0)
			r7 += 1
			*(u64 *)(r0 + 0) = r7
			r1 = *(u32 *)(r6 + 0)
			r2 = *(u32 *)(r6 + 4)
			r3 = r1
			r3 += 1
			if r3 > r2 goto out
			r8 = *(u8 *)(r1 + 0)
			r8 += 1
			*(u8 *)(r1 + 0) = r8
			r1 = r6
			r2 = -4
			call 44
			r7 <<= 32
			r0 = r8
			r0 |= r7
		out:
			exit`,
		hop: "r1 = r1; r2 = jumps ll; r3 = 0; call 12; r0 = 1; exit",
		// the number of the packet, from its first byte, as an event and as a record, where it is odd
		tell: `
			r6 = r1
			r1 = *(u32 *)(r6 + 0)
			r2 = *(u32 *)(r6 + 4)
			r3 = r1
			r3 += 1
			r0 = 0
			if r3 > r2 goto out
			r7 = *(u8 *)(r1 + 0)
			*(u64 *)(r10 - 8) = r7
			if r7 & 1 goto odd
			goto out
		odd:
			r1 = r6
			r2 = events ll
			r3 = 0xffffffff ll
			r4 = r10
			r4 += -8
			r5 = 8
			call 25
			r1 = ring ll
			r2 = r10
			r2 += -8
			r3 = 8
			r4 = 0
			call 130
			r0 = 0
		out:
			exit`,
		odd: "r2 = *(u32 *)(r1 + 0); r2 = *(u8 *)(r2 + 0); r2 &= 1; if r2 == 0 goto out; r1 = 0; r0 = *(u8 *)(r1 + 0); out: r0 = 7; exit",
	},
	slots: { jumps: { 0: "main" } },
});

const frame = (first: number, length = 20): Uint8Array => {
	const bytes = packet(eth(), ipv4(), udp(), payload(length));
	bytes[0] = first;
	return bytes;
};
const FRAMES = [1, 2, 3, 7, 200].map((first, i) => frame(first, 10 + 100 * i));
const inputs = FRAMES.map((bytes) => ({ packet: bytes }));

it("every word of a packet takes turns", () => {
	const last = Math.max(...Object.values(PACKET));
	expect(last + 4 - MACHINE.PACKET).toBeLessThanOrEqual(PACKET_WORDS);
	expect(TICKET.PACKET + PACKET_WORDS).toBeLessThanOrEqual(TICKET.SIZE);
});

describe.each(named)("%s", (_name, options) => {
	it("verdicts, r0, lengths, packets and maps are those of runs one by one; run goes on, reset goes back", async () => {
		for (const program of ["main", "hop"]) {
			const alone = await Machine.create(object, options);
			const machine = await Machine.create(object, options);
			const results = inputs.map((input) => alone.run(program, input));
			using batch = machine.batch(program, inputs);
			expect(batch.length).toBe(5);
			batch.run();
			for (const [i, result] of results.entries()) {
				expect(batch.r0(i)).toBe(result.r0);
				expect(batch.verdict(i)).toBe(result.verdict.code);
				expect(batch.packetLength(i)).toBe(result.packet.length);
				expect(batch.result(i)).toMatchObject({ packet: result.packet, context: result.context });
			}
			expect(machine.map("count").get(0)).toEqual(alone.map("count").get(0));
			batch.run();
			// 4 bytes more in front: the first byte is a new 0
			expect(batch.r0(0)).toBe((6n << 32n) | 1n);
			expect(batch.packetLength(0)).toBe(FRAMES[0]!.length + 8);
			batch.reset();
			batch.run();
			expect(batch.r0(4)).toBe((15n << 32n) | 201n);
			expect(batch.packetLength(4)).toBe(FRAMES[4]!.length + 4);
		}
	});

	it("events and records belong to their packets", async () => {
		const machine = await Machine.create(object, options);
		using batch = machine.batch("tell", inputs);
		batch.run();
		expect(batch.output.map(({ kind, packetIndex }) => `${packetIndex} ${kind}`)).toEqual(
			[0, 2, 3].flatMap((i) => [`${i} perf`, `${i} ringbuf`]),
		);
		expect(
			batch.output.filter(({ kind }) => kind === "ringbuf").map((each) => "data" in each && each.data[0]),
		).toEqual([1, 3, 7]);
	});

	it("a fault is its packet's: the others run", async () => {
		const machine = await Machine.create(object, options);
		using batch = machine.batch("odd", inputs);
		batch.run();
		expect(Array.from({ length: 5 }, (_, i) => batch.errors[i]?.code)).toEqual([
			"fault/access",
			undefined,
			"fault/access",
			"fault/access",
			undefined,
		]);
		expect(batch.verdict(1)).toBe(7);
		expect(batch.result(2).packet).toEqual(FRAMES[2]);
	});

	it("single runs in between, an empty batch, and what is refused", async () => {
		const machine = await Machine.create(object, options);
		using batch = machine.batch("main", inputs);
		expect(machine.run("main", { packet: frame(50) }).r0).toBe((1n << 32n) | 51n);
		batch.run();
		expect(batch.r0(1)).toBe((3n << 32n) | 3n);
		expect(machine.run("main", { packet: frame(50) }).r0).toBe((7n << 32n) | 51n);
		using none = machine.batch("main", []);
		none.run();
		expect(none.output).toEqual([]);
		expect(() => batch.verdict(5)).toThrowError(/no packet 5 in a batch of 5/);
		expect(() => machine.batch("main", [{ packet: new Uint8Array(3) }])).toThrowError(
			/shorter than an Ethernet/,
		);
		expect(() => machine.batch("nobody", inputs)).toThrowError(/no program nobody/);
		machine.reset();
		expect(() => batch.run()).toThrowError(/went with a restored snapshot/);
		batch.close();
		expect(machine.run("main", { packet: frame(1) }).r0).toBe((1n << 32n) | 2n);
	});
});
