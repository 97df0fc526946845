import { link, parse, readPcap } from "@tailhop/core";
import { checkObject, fixture, fixtureNames, type Outcome } from "@tailhop/testing";
import { describe, expect, test } from "vitest";

const object = async (name: string) =>
	link(parse(await fixture(`examples/${name}/${name}.o`), { file: `${name}.o` }));
const packets = async (name: string) =>
	[...readPcap(await fixture(`examples/${name}/packets.pcap`)).packets].map((packet) => packet.data);

/** Runs every packet on every engine; `checkObject` compares verdicts, packets and, at the end, maps. */
async function runAll(name: string, program: string): Promise<Outcome[]> {
	const steps = (await packets(name)).map((packet) => ({ run: program, packet }));
	return checkObject(await object(name), steps);
}
const verdicts = (outcomes: readonly Outcome[]) =>
	outcomes.map((outcome) => (outcome.kind === "ran" ? outcome.verdict : outcome));
const hops = (outcomes: readonly Outcome[]) =>
	outcomes.map((outcome) => (outcome.kind === "ran" ? outcome.hops?.join(", ") : outcome));

test("every example object is tested here", () => {
	const objects = fixtureNames.filter((name) => /^examples\/.*\.o$/.test(name));
	expect(objects.map((path) => path.split("/")[1])).toEqual([
		"chain",
		"counter",
		"edge",
		"hello",
		"limit",
		"tc",
	]);
});

test("hello: one hop missed, one taken", async () => {
	const steps = [
		{ run: "first", packet: new Uint8Array(14), expect: { verdict: 2, hops: ["1 empty", "0 second"] } },
		{ slot: ["hops", 0, undefined] as const },
		{ run: "first", packet: new Uint8Array(14), expect: { verdict: 1, hops: ["1 empty", "0 empty"] } },
	];
	await checkObject(await object("hello"), steps);
});

test("limit: 33 tail calls, so the program runs 34 times", async () => {
	const packet = new Uint8Array(14);
	const [outcome] = await checkObject(await object("limit"), [
		{ run: "again", packet, expect: { verdict: 2, packet: packet.with(0, 34), maps: { ".bss": [[0, 34]] } } },
	]);
	expect(hops([outcome!])).toEqual([[...Array(33).fill("0 again"), "0 limit"].join(", ")]);
});

describe("chain", () => {
	const DROP = 1;
	const PASS = 2;
	const TX = 3;

	test("21 packets through eight programs", async () => {
		const outcomes = await runAll("chain", "parse");
		expect(verdicts(outcomes)).toEqual([
			...[TX, TX, TX, DROP, DROP, DROP, DROP, TX, TX],
			...[TX, TX],
			...[TX, DROP, DROP],
			...[PASS, PASS, PASS, DROP, DROP, DROP, PASS],
		]);
		const routed = "0 ipv4, 6 ports, 2 acl, 3 route, 4 rewrite";
		expect(hops(outcomes)).toMatchObject({
			0: routed,
			3: "0 ipv4, 6 ports, 2 acl",
			7: "0 ipv4, 1 echo, 3 route, 4 rewrite",
			10: "1 ipv6, 17 ports, 3 route, 4 rewrite",
			12: "1 ipv6, 58 empty",
			14: "",
			17: "0 ipv4, 132 empty",
		});
	});

	test("a slot filled by hand lets ICMPv6 through", async () => {
		const packet = (await packets("chain"))[12]!;
		await checkObject(await object("chain"), [
			{ run: "parse", packet, expect: { verdict: DROP } },
			{ slot: ["protocols", 58, "echo"] },
			{ run: "parse", packet, expect: { verdict: TX, hops: ["1 ipv6", "58 echo", "3 route", "4 rewrite"] } },
		]);
	});

	test("the subprogram's own missed hop comes back to route as its result", async () => {
		const packet = (await packets("chain"))[0]!;
		await checkObject(await object("chain"), [
			{ slot: ["steps", 4, undefined] },
			{ run: "parse", packet, expect: { verdict: DROP } },
		]);
	});
});

test("tc: destination rewritten, state handed on in skb->cb", async () => {
	const OK = 0;
	const SHOT = 2;
	const outcomes = await runAll("tc", "classify");
	expect(verdicts(outcomes)).toEqual([OK, OK, OK, OK, SHOT, OK, SHOT, OK]);
	expect(hops(outcomes)).toMatchObject({
		0: "0 translate, 1 police, 2 empty",
		3: "1 police, 2 empty",
		5: "",
	});
	const [first] = outcomes;
	expect(first?.kind === "ran" ? first.context : undefined).toMatchObject({
		mark: 0x80,
		cb: [34, 6, 80, 1, 0],
	});
});

test("counter: packets and bytes by protocol", async () => {
	const outcomes = await runAll("counter", "counter");
	expect(verdicts(outcomes)).toEqual([64, 64, 64, 64, 64, 64, 64, 0]);
});

test("edge: a socket's packets go up, others to the neighbour or nowhere", async () => {
	const OK = 0;
	const SHOT = 2;
	const REDIRECT = 7;
	const environment = {
		interfaces: [{ ifindex: 1, mac: "02:00:00:00:00:01", addresses: ["10.0.0.1/24"] }],
		routes: [{ prefix: "10.0.0.0/8", ifindex: 1 }],
		neighbours: [{ ifindex: 1, ip: "10.0.0.81", mac: "02:00:00:00:00:81" }],
		sockets: [{ proto: "tcp", local: "10.0.0.80:80" }],
	} as const;
	const [first] = await packets("tc");
	const to81 = first!.with(33, 81);
	const to82 = first!.with(33, 82);
	await checkObject(
		await object("edge"),
		[
			{ run: "edge", packet: first!, expect: { verdict: OK } },
			{ run: "edge", packet: to81, expect: { verdict: REDIRECT } },
			{ run: "edge", packet: to82, expect: { verdict: SHOT } },
		],
		{ machine: { environment }, kernel: { cannot: "its routes and sockets are the host's" } },
	);
});
