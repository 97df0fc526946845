import { buildObject } from "@tailhop/testing";
import { expect, test } from "vitest";
import { Machine } from "./index.ts";

/** An array `g` of one value, and a program that reads it at `offset` by its address. */
const object = (valueSize: number, offset: number) =>
	buildObject({
		maps: [{ name: "g", type: "array", valueSize, maxEntries: 1 }],
		programs: { read: `r1 = g[0] + ${offset} ll\n r0 = *(u32 *)(r1 + 0)\n exit` },
	});

test("a map loaded after a reset has its own bounds, not those of the map that was there before", async () => {
	const machine = await Machine.create(buildObject({ programs: { main: "r0 = 0\nexit" } }));
	machine.load(object(8, 4));
	expect(machine.run("read", { packet: new Uint8Array(64) }).r0).toBe(0n);
	machine.reset();
	machine.load(object(64, 40));
	expect(machine.run("read", { packet: new Uint8Array(64) }).r0).toBe(0n);
});
