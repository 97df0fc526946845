import {
	answering,
	type Call,
	callProgram,
	check,
	eth,
	ipv4,
	type Kind,
	packet,
	payload,
	udp,
} from "@tailhop/testing";
import { describe, expect, it } from "vitest";

const PACKET = packet(eth(), ipv4(), udp(), payload(26));
const interfaces = [{ ifindex: 2, mac: "02:00:00:00:00:02" }];

const run = async (kind: Kind, calls: readonly Call[], answers: readonly number[]) => {
	const outcome = await check({
		...callProgram(kind, calls),
		packet: PACKET,
		environment: { interfaces },
		expect: answering(...answers),
	});
	return outcome.kind === "ran" ? outcome.result?.output : undefined;
};

describe("redirect", () => {
	it.each<[Kind, number | bigint, number]>([
		["tc", 0, 7],
		["tc", 1, 7],
		["tc", 2, 2],
		["tc", 1n << 32n, 2],
		["xdp", 0, 4],
		["xdp", 1, 0],
	])("%s, flags %i", async (kind, flags, verdict) => {
		const output = await run(kind, [[23, 5, flags]], [verdict]);
		const wanted = { kind: "redirect", ifindex: 5, flags: BigInt(flags), via: "redirect" };
		expect(output).toEqual(verdict >= 4 ? [wanted] : []);
	});

	it("to a peer, to a neighbour", async () => {
		const neighbour = new Uint8Array(20);
		const output = await run(
			"tc",
			[
				[155, 5, 0],
				[155, 5, 1],
				[152, 6, "null", 0, 0],
				[152, 6, neighbour, 20, 0],
				[152, 6, neighbour, 19, 0],
				[152, 6, "null", 0, 1],
			],
			[7, 2, 7, 7, 2, 2],
		);
		expect(output?.map((event) => event.kind === "redirect" && [event.via, event.ifindex])).toEqual([
			["redirect_peer", 5],
			["redirect_neigh", 6],
			["redirect_neigh", 6],
		]);
	});
});

describe("clone_redirect", () => {
	it.each([
		[1, 0, 0],
		[1, 2, -22],
		[99, 0, -22],
	])("to device %i, flags %i", async (ifindex, flags, answer) => {
		const output = await run("tc", [[13, "ctx", ifindex, flags]], [answer]);
		expect(output).toHaveLength(answer === 0 ? 1 : 0);
	});

	it("not of a GSO packet without a type", async () => {
		await check({
			...callProgram("tc", [[13, "ctx", 1, 0]]),
			packet: PACKET,
			context: { gso_size: 100 },
			expect: answering(-74),
		});
	});
});
