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

test.each(["interpreter", "wasm"] as const)(
	"%s: a program that is back runs, not what took its place since",
	async (engine) => {
		const machine = await Machine.create(
			buildObject({ programs: { main: "r0 = 0\nexit", old: "r0 = 1\nexit" } }),
			{ engine, lifecycle: "kernel" },
		);
		const old = machine.program("old");
		const packet = new Uint8Array(64);
		expect(machine.run(old, { packet }).r0).toBe(1n);
		const snapshot = machine.snapshot();
		old.close();
		machine.load(buildObject({ programs: { fresh: "r0 = 2\nexit" } }));
		expect(machine.run("fresh", { packet }).r0).toBe(2n);
		machine.restore(snapshot);
		expect(machine.run(old, { packet }).r0).toBe(1n);
	},
);
