import { buildObject } from "@tailhop/testing";
import { describe, expect, test } from "vitest";
import { Machine, TailhopError } from "../index.ts";

/** Counts up the packet's byte 0, leaves it in r0, and tells the outside. */
const COUNT = `
	r6 = r1
	r7 = *(u32 *)(r1 + 0)
	r8 = *(u32 *)(r1 + 4)
	r2 = r7
	r2 += 1
	if r2 > r8 goto out
	r9 = *(u8 *)(r7 + 0)
	r9 += 1
	*(u8 *)(r7 + 0) = r9
	*(u8 *)(r10 - 8) = r9
	r1 = events ll
	r2 = r10
	r2 += -8
	r3 = 1
	r4 = 0
	call 130
	r0 = r9
	exit
out:
	r0 = 0
	exit`;

const linked = buildObject({
	maps: [
		{ name: "events", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
		{ name: "jumps", type: "prog_array", maxEntries: 1 },
	],
	programs: {
		count: COUNT,
		hop: "r2 = jumps ll; r3 = 0; call 12; r0 = 7; exit",
		endless: "l: goto l",
	},
	slots: { jumps: { 0: "hop" } },
});

describe.each(["interpreter", "wasm"] as const)("repeat, %s", (engine) => {
	test("runs over what the last run left; the output is the last run's", async () => {
		const machine = await Machine.create(linked, { engine });
		const { r0, packet, output, duration } = machine.repeat("count", { packet: new Uint8Array(64) }, 1000);
		expect(machine.notCompiled.size).toBe(0);
		expect(r0).toBe(BigInt(1000 & 0xff));
		expect(packet[0]).toBe(1000 & 0xff);
		expect(output).toMatchObject([{ kind: "ringbuf", data: Uint8Array.of(1000 & 0xff) }]);
		expect(duration).toBeGreaterThan(0);
	});

	test("each run has its own count of tail calls, and its own budget", async () => {
		const machine = await Machine.create(linked, { engine, budget: 1000 });
		expect(machine.repeat("hop", { packet: new Uint8Array(64) }, 500).r0).toBe(7n);
		expect(() => machine.repeat("endless", { packet: new Uint8Array(64) }, 3)).toThrow(TailhopError);
		expect(machine.repeat("hop", { packet: new Uint8Array(64) }, 1).r0).toBe(7n);
	});

	test("not 0 times", async () => {
		const machine = await Machine.create(linked, { engine });
		expect(() => machine.repeat("hop", { packet: new Uint8Array(64) }, 0)).toThrow(/0 times/);
	});
});
