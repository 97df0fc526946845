import { describe, expect, it } from "vitest";
import { TailhopError } from "../errors/index.ts";
import { PACKET, PACKET_KIND, XDP_MD } from "./packet.ts";
import { DATA, testRuntime } from "./test-runtime.ts";
import type { Environment } from "./types.ts";

// The answers are those of 6.18 in a network namespace with these devices, routes and neighbours.

const NETWORK: Partial<Environment> = {
	interfaces: [
		{ ifindex: 10, mac: "02:00:00:00:00:a0", addresses: ["10.0.0.1/24", "2001:db8::1/64"] },
		{ ifindex: 12, mac: "02:00:00:00:00:b0", mtu: 1400, addresses: ["10.0.1.1/24", "2001:db8:1::1/64"] },
		{ ifindex: 14, mac: "02:00:00:00:00:c0", forwarding: false },
	],
	routes: [
		{ prefix: "10.1.0.0/16", ifindex: 12, via: "10.0.1.2" },
		{ prefix: "10.1.2.0/24", ifindex: 10, via: "10.0.0.2", metric: 77 },
		{ prefix: "10.1.3.0/24", ifindex: 10, via: "10.0.0.99" },
		{ prefix: "10.1.4.0/24", ifindex: 10, via: "10.0.0.2", mtu: 1000 },
		{ prefix: "10.2.0.0/16", ifindex: 1, kind: "blackhole" },
		{ prefix: "10.3.0.0/16", ifindex: 1, kind: "unreachable" },
		{ prefix: "10.4.0.0/16", ifindex: 1, kind: "prohibit" },
		{ prefix: "10.5.0.0/16", ifindex: 10, via: "2001:db8::2" },
		{ prefix: "2001:db8:f1::/48", ifindex: 12, via: "2001:db8:1::2" },
		{ prefix: "2001:db8:f4::/48", ifindex: 1, kind: "blackhole" },
	],
	neighbours: [
		{ ip: "10.0.0.2", ifindex: 10, mac: "02:00:00:00:01:02" },
		{ ip: "10.0.1.2", ifindex: 12, mac: "02:00:00:00:01:12" },
		{ ip: "2001:db8::2", ifindex: 10, mac: "02:00:00:00:06:02" },
		{ ip: "2001:db8:1::2", ifindex: 12, mac: "02:00:00:00:06:12" },
	],
};

interface Question {
	readonly to: readonly number[];
	readonly ifindex?: number;
	readonly flags?: number;
	readonly length?: number;
	readonly table?: number;
}

/** Asks as an XDP program does: the answer, and struct bpf_fib_lookup afterwards. */
function ask({ to, ifindex = 10, flags = 0, length = 0, table = 0 }: Question, network = NETWORK) {
	const runtime = testRuntime(network);
	const { memory } = runtime;
	const { view } = memory;
	memory.setU32(PACKET.KIND, PACKET_KIND.XDP);
	memory.u8[DATA] = to.length === 16 ? 10 : 2;
	view.setUint16(DATA + 6, length, true);
	view.setUint32(DATA + 8, ifindex, true);
	memory.write(DATA + 16, Uint8Array.of(...(to.length === 16 ? V6_SOURCE : [10, 0, 0, 7])));
	memory.write(DATA + 32, Uint8Array.from(to));
	view.setUint32(DATA + 48, table, true);
	const answer = Number(runtime.call(69, 0, DATA, 64, flags));
	return {
		answer,
		family: memory.u8[DATA],
		mtu: view.getUint16(DATA + 6, true),
		ifindex: view.getUint32(DATA + 8, true),
		metric: view.getUint32(DATA + 12, true),
		source: [...memory.read(DATA + 16, 4)],
		hop: [...memory.read(DATA + 32, to.length)],
		smac: memory.u8[DATA + 57],
		dmac: [memory.u8[DATA + 62], memory.u8[DATA + 63]],
	};
}
const v6 = (...[a, b, host]: [number, number, number]) => [
	0x20,
	1,
	0xd,
	0xb8,
	a,
	b,
	...Array(9).fill(0),
	host,
];
const V6_SOURCE = v6(0, 0x99, 7);

const [SUCCESS, BLACKHOLE, UNREACHABLE, PROHIBIT, NOT_FWDED, FWD_DISABLED] = [0, 1, 2, 3, 4, 5];
const [NO_NEIGH, FRAG_NEEDED, NO_SRC_ADDR] = [7, 8, 9];

describe("fib_lookup", () => {
	it("a neighbour on link", () => {
		expect(ask({ to: [10, 0, 0, 2] })).toMatchObject({
			answer: SUCCESS,
			ifindex: 10,
			smac: 0xa0,
			dmac: [1, 2],
			mtu: 1500,
		});
	});

	it("by way of a gateway, which becomes the destination", () => {
		expect(ask({ to: [10, 1, 9, 9] })).toMatchObject({
			answer: SUCCESS,
			ifindex: 12,
			hop: [10, 0, 1, 2],
			mtu: 1400,
		});
		expect(ask({ to: v6(0, 0xf1, 9) })).toMatchObject({
			answer: SUCCESS,
			ifindex: 12,
			metric: 1024,
			dmac: [6, 0x12],
		});
	});

	it("an IPv4 route by way of an IPv6 gateway answers as IPv6", () => {
		expect(ask({ to: [10, 5, 0, 1] })).toMatchObject({ answer: SUCCESS, family: 10, dmac: [6, 2] });
	});

	it("the longest prefix", () => {
		expect(ask({ to: [10, 1, 2, 3] })).toMatchObject({ answer: SUCCESS, ifindex: 10, metric: 77 });
	});

	it.each<[string, Question, number]>([
		["no neighbour", { to: [10, 1, 3, 1] }, NO_NEIGH],
		["no route", { to: [10, 9, 0, 1] }, NOT_FWDED],
		["blackhole", { to: [10, 2, 0, 1] }, BLACKHOLE],
		["unreachable", { to: [10, 3, 0, 1] }, UNREACHABLE],
		["prohibit", { to: [10, 4, 0, 1] }, PROHIBIT],
		["blackhole of IPv6", { to: v6(0, 0xf4, 1) }, BLACKHOLE],
		["an own address", { to: [10, 0, 0, 1] }, NOT_FWDED],
		["a broadcast address", { to: [10, 0, 0, 255] }, NOT_FWDED],
		["a link-local address", { to: [0xfe, 0x80, ...Array(13).fill(0), 1] }, NOT_FWDED],
		["a device that doesn't forward", { to: [10, 0, 0, 2], ifindex: 14 }, FWD_DISABLED],
		["no device", { to: [10, 0, 0, 2], ifindex: 99 }, -19],
		["no neighbour asked for", { to: [10, 1, 3, 1], flags: 4 }, SUCCESS],
		["out of another device", { to: [10, 0, 0, 2], ifindex: 12, flags: 2 }, NOT_FWDED],
		["another table", { to: [10, 0, 0, 2], flags: 9, table: 7 }, NOT_FWDED],
		["an unknown flag", { to: [10, 0, 0, 2], flags: 64 }, -22],
		["longer than the route's MTU", { to: [10, 1, 4, 1], length: 1001 }, FRAG_NEEDED],
		["as long as the route's MTU", { to: [10, 1, 4, 1], length: 1000 }, SUCCESS],
	])("%s", (_name, question, answer) => {
		expect(ask(question).answer).toBe(answer);
	});

	it("says the MTU that a packet exceeds", () => {
		expect(ask({ to: [10, 1, 9, 9], length: 1401 })).toMatchObject({
			answer: FRAG_NEEDED,
			mtu: 1400,
			ifindex: 10,
		});
	});

	it("a source address of the device", () => {
		expect(ask({ to: [10, 1, 9, 9], flags: 16 }).source).toEqual([10, 0, 1, 1]);
		const bare = { routes: [{ prefix: "2001:db8::/32", ifindex: 10 }] };
		expect(ask({ to: v6(0, 0, 1), flags: 16 }, bare).answer).toBe(NO_SRC_ADDR);
	});

	it("a host without routes doesn't forward", () => {
		expect(ask({ to: [10, 0, 0, 2], ifindex: 1 }, {}).answer).toBe(FWD_DISABLED);
	});

	it.each([
		[{ routes: [{ prefix: "10.0.0.0/33", ifindex: 1 }] }, "10.0.0.0/33"],
		[{ routes: [{ prefix: "10.0.0/8", ifindex: 1 }] }, "10.0.0"],
		[{ routes: [{ prefix: "0.0.0.0/0", ifindex: 1, via: "1:2:3" }] }, "1:2:3"],
		[{ neighbours: [{ ip: "1::2::3", ifindex: 1, mac: "02:00:00:00:00:01" }] }, "1::2::3"],
		[{ neighbours: [{ ip: "::1", ifindex: 1, mac: "02:00:00" }] }, "02:00:00"],
	])("text that is no address is named: %j", (network, text) => {
		const error = catchError(() => ask({ to: [10, 0, 0, 2] }, network));
		expect(error).toBeInstanceOf(TailhopError);
		expect(error).toMatchObject({
			code: "machine/invalid-input",
			message: expect.stringContaining(`"${text}"`),
		});
	});
});

function catchError(run: () => unknown): unknown {
	try {
		return run();
	} catch (error) {
		return error;
	}
}

describe("check_mtu", () => {
	function mtu(packetLength: number, ifindex: number, length: number, difference: number, flags = 0) {
		const runtime = testRuntime(NETWORK);
		const { memory } = runtime;
		memory.setU32(PACKET.KIND, PACKET_KIND.XDP);
		memory.setU32(PACKET.CONTEXT, DATA);
		memory.setU32(DATA + XDP_MD.INGRESS_IFINDEX, 10);
		memory.setU32(PACKET.DATA, DATA + 100);
		memory.setU32(PACKET.END, DATA + 100 + packetLength);
		memory.setU32(DATA + 64, length);
		const answer = Number(runtime.call(163, 0, ifindex, DATA + 64, difference, flags));
		return [answer, memory.u32(DATA + 64)];
	}
	it.each([
		[
			[1414, 12, 0, 0],
			[0, 1400],
		],
		[
			[1415, 12, 0, 0],
			[1, 1400],
		],
		[
			[1415, 12, 0, -1],
			[0, 1400],
		],
		[
			[1415, 0, 0, 0],
			[0, 1500],
		],
		[
			[60, 12, 1401, 0],
			[1, 1400],
		],
		[
			[60, 99, 0, 0],
			[-19, 0],
		],
		[
			[60, 12, 0, 0, 1],
			[-22, 0],
		],
	] as [[number, number, number, number, number?], [number, number]][])("%j", (question, answer) => {
		expect(mtu(...question)).toEqual(answer);
	});
});
