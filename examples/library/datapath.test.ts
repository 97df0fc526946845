import { readFileSync } from "node:fs";
import { link, Machine, parse } from "tailhop";
import { expect, test } from "vitest";

const SYN =
	"020000000001020000000002080045000028123400004006e4d9c0a8000a0a0000509c4001bb000003e80000000050 02faf0".replaceAll(
		" ",
		"",
	);

test("a new TCP flow is routed; without its hop it is dropped", async () => {
	const machine = await Machine.create(link(parse(readFileSync("examples/chain/chain.o"))));
	const { verdict, hops } = machine.run("parse", { packet: Buffer.from(SYN, "hex") });
	expect(verdict.name).toBe("XDP_TX");
	expect(hops.map((hop) => hop.to)).toEqual(["ipv4", "ports", "acl", "route", "rewrite"]);
	machine.map("protocols").clearSlot(6);
	expect(machine.run("parse", { packet: Buffer.from(SYN, "hex") }).hops.at(-1)).toMatchObject({
		slot: 6,
		outcome: "empty",
	});
});
