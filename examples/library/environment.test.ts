import { readFileSync } from "node:fs";
import { link, Machine, parse, readPcap } from "tailhop";
import { expect, test } from "vitest";

const object = link(parse(readFileSync("examples/edge/edge.o")));
const [first] = readPcap(readFileSync("examples/tc/packets.pcap")).packets;
const packet = first!.data; // TCP to 10.0.0.80:80

const network = {
	interfaces: [
		{ ifindex: 1, mac: "02:00:00:00:00:01", addresses: ["10.0.0.1/24"] },
		{ ifindex: 2, mac: "02:00:00:00:00:02", addresses: ["192.0.2.1/24"] },
	],
	routes: [{ prefix: "0.0.0.0/0", ifindex: 2, via: "192.0.2.254" }],
	neighbours: [{ ifindex: 1, ip: "10.0.0.80", mac: "02:00:00:00:00:80" }],
};

test("what no socket takes is forwarded to the neighbour", async () => {
	const machine = await Machine.create(object, { environment: network });
	const { verdict, output, packet: out } = machine.run("edge", { packet });
	expect(verdict.name).toBe("TC_ACT_REDIRECT");
	expect(output).toMatchObject([{ kind: "redirect", ifindex: 1 }]);
	expect(out.subarray(0, 6)).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 0x80));
});

test("what a socket takes goes up the stack", async () => {
	const sockets = [{ proto: "tcp", local: "10.0.0.80:80" }] as const;
	const machine = await Machine.create(object, { environment: { ...network, sockets } });
	expect(machine.run("edge", { packet }).verdict.name).toBe("TC_ACT_OK");
});

test("without a neighbour it is dropped", async () => {
	const machine = await Machine.create(object, { environment: { ...network, neighbours: [] } });
	expect(machine.run("edge", { packet }).verdict.name).toBe("TC_ACT_SHOT");
});
