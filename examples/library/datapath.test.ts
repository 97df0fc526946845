import { readFileSync } from "node:fs";
import { link, Machine, parse, readPcap } from "tailhop";
import { expect, test } from "vitest";

test("a TCP packet is routed; without the hop for TCP it is dropped", async () => {
	const machine = await Machine.create(link(parse(readFileSync("examples/chain/chain.o"))));
	const [first] = readPcap(readFileSync("examples/chain/packets.pcap")).packets;
	const packet = first!.data;
	const { verdict, hops } = machine.run("parse", { packet });
	expect(verdict.name).toBe("XDP_TX");
	expect(hops.map((hop) => hop.to)).toEqual(["ipv4", "ports", "acl", "route", "rewrite"]);
	machine.map("protocols").clearSlot(6);
	expect(machine.run("parse", { packet }).hops.at(-1)).toMatchObject({ slot: 6, outcome: "empty" });
});
