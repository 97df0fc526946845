import { describe, expect, test } from "vitest";
import type { MapInstance } from "../maps/index.ts";
import { PACKET, PACKET_KIND } from "./packet.ts";
import { DATA, testRuntime } from "./test-runtime.ts";
import type { Environment } from "./types.ts";

const MAP = 0x1_2000;
const CURRENT_CPU = 0xffff_ffffn;
const withPacket = (bytes: number, slot = CURRENT_CPU) => (BigInt(bytes) << 32n) | slot;

/** An array of two slots; a packet of 20 linear bytes 0, 1, … and 4 in fragments. */
function setup(kind: number, environment: Partial<Environment> = {}, words = [1, 1]) {
	const rt = testRuntime({ cpus: 2, ...environment });
	rt.maps.set(MAP, {
		def: { name: "events", maxEntries: 2 },
		slots: { word: (index: number) => words[index] ?? 0 },
	} as MapInstance);
	const packet = DATA + 0x100;
	rt.memory.write(
		packet,
		Uint8Array.from({ length: 24 }, (_, i) => i),
	);
	rt.memory.setU32(PACKET.KIND, kind);
	rt.memory.setU32(PACKET.DATA, packet);
	rt.memory.setU32(PACKET.END, packet + 20);
	rt.memory.write(DATA + 0x200, Uint8Array.of(20, 21, 22, 23));
	rt.memory.setU32(PACKET.FRAGS, DATA + 0x200);
	rt.memory.setU32(PACKET.FRAGS_LENGTH, 4);
	rt.memory.write(DATA, Uint8Array.of(0xaa, 0xbb));
	return { rt, send: (flags: bigint, size = 2) => rt.call(25, 0, MAP, flags, DATA, size) };
}

describe("perf_event_output", () => {
	test("data alone, or with the packet's first bytes", () => {
		const { rt, send } = setup(PACKET_KIND.SKB);
		expect([send(CURRENT_CPU), send(withPacket(3)), send(withPacket(1), 0)]).toEqual([0n, 0n, 0n]);
		expect(rt.outputs).toEqual([
			{ kind: "perf", map: "events", cpu: 0, data: Uint8Array.of(0xaa, 0xbb) },
			{ kind: "perf", map: "events", cpu: 0, data: Uint8Array.of(0xaa, 0xbb, 0, 1, 2) },
			{ kind: "perf", map: "events", cpu: 0, data: Uint8Array.of(0) },
		]);
	});

	test("the packet's fragments follow its linear part", () => {
		const { rt, send } = setup(PACKET_KIND.XDP);
		expect(send(withPacket(23), 0)).toBe(0n);
		expect(rt.outputs[0]).toMatchObject({ data: Uint8Array.from({ length: 23 }, (_, i) => i) });
	});

	// as measured on 6.18: flags, then packet length, then slot, then reader
	test.each([
		["unknown flags", 1n << 52n, -22n],
		["flags in the sign bit", 1n << 63n, -22n],
		["more than the packet", withPacket(25), -14n],
		["more than the packet, before the slot", withPacket(25, 2n), -14n],
		["slot outside", 2n, -7n],
		["slot of another CPU", 1n, -95n],
	])("%s", (_name, flags, expected) => {
		const { rt, send } = setup(PACKET_KIND.SKB);
		expect(send(flags)).toBe(expected);
		expect(rt.outputs).toEqual([]);
	});

	test("without readers a slot is empty", () => {
		const { send } = setup(PACKET_KIND.SKB, {}, [0, 0]);
		expect([send(CURRENT_CPU), send(1n), send(2n)]).toEqual([-2n, -2n, -7n]);
	});

	test("a CPU beyond the array is outside, too", () => {
		const { send } = setup(PACKET_KIND.SKB, { cpus: 4, cpu: 3 });
		expect(send(CURRENT_CPU)).toBe(-7n);
	});

	test("without a packet the flags hold an index only", () => {
		const { send } = setup(PACKET_KIND.NONE);
		expect([send(CURRENT_CPU), send(withPacket(1))]).toEqual([0n, -22n]);
	});
});
