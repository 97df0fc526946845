import { expect, it } from "vitest";
import { fixture, fixtureNames } from "./fixtures.ts";

it("reads the bytes of a fixture by name", async () => {
	const object = await fixture("hello.o");
	expect([...object.subarray(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
	expect(await fixture("examples/hello/hello.o")).toEqual(object);
	expect((await fixture("chain/packets.pcap")).length).toBeGreaterThan(24);
});

it("says which fixtures there are", async () => {
	expect(fixtureNames).toContain("examples/chain/chain.o");
	await expect(fixture("nothing.o")).rejects.toThrow(
		/0 fixtures are called nothing.o: .*examples\/hello\/hello.o/,
	);
	await expect(fixture("packets.pcap")).rejects.toThrow(/\d fixtures are called packets.pcap/);
});
