import {
	buildObject,
	check,
	checkObject,
	eth,
	ipv4,
	type OpenSockets,
	openConnection,
	openSockets,
	packet,
	payload,
	udp,
} from "@tailhop/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Environment, Socket } from "./types.ts";

// Lookups in the kernel find sockets that this process has opened, in the interpreter the same sockets as the
// Environment declares them; `check` compares what programs see of both.

const PACKET = packet(eth(), ipv4(), udp(), payload(26));

const opened: OpenSockets[] = [];
afterAll(() => {
	for (const each of opened) each.close();
});

interface Tuple {
	readonly from?: readonly number[];
	readonly to?: readonly number[];
	readonly sport?: number;
	readonly dport: number;
}
const LOOPBACK = [127, 0, 0, 1];
const LOOPBACK6 = [...Array(15).fill(0), 1];

/** Stores a struct bpf_sock_tuple at r10 - 40. */
function tuple({ from = LOOPBACK, to = LOOPBACK, sport = 9, dport }: Tuple): string {
	const bytes = [...from, ...to, sport >> 8, sport & 255, dport >> 8, dport & 255];
	return bytes.map((byte, at) => `r2 = ${byte}\n*(u8 *)(r10 - ${40 - at}) = r2`).join("\n");
}

/** Looks a socket up by helper `id`; `found` runs with the socket in r7 and has to leave r0. */
const lookup = (id: number, what: Tuple, found: string, { netns = -1, flags = 0, size = 0 } = {}): string => `
	r6 = r1
	${tuple(what)}
	r1 = r6
	r2 = r10
	r2 += -40
	r3 = ${size === 0 ? (what.to ?? LOOPBACK).length * 2 + 4 : size}
	r4 = ${netns} ll
	r5 = ${flags}
	call ${id}
	r7 = r0
	r0 = 404
	if r7 == 0 goto out
	${found}
	r8 = r0
	r1 = r7
	call 86
	r0 = r8
	out:
	exit`;

const TCP = 84;
const UDP = 85;
const SKC = 99;

describe("sockets that listen", () => {
	let sockets: readonly Socket[];
	let ports: readonly number[];
	beforeAll(async () => {
		const open = await openSockets("listen", "listen6", "listen-any6", "udp", "udp6");
		opened.push(open);
		({ sockets, ports } = open);
	});
	const run = (asm: string, r0?: number | bigint, type: "tc" | "xdp" | "cgroup_skb" = "tc") =>
		check({
			type,
			asm: type === "cgroup_skb" ? asm.replace(/exit$/, "r0 &= 1\nexit") : asm,
			packet: PACKET,
			environment: { sockets },
			...(r0 === undefined ? {} : { expect: r0 }),
		});

	it.each(["tc", "xdp", "cgroup_skb"] as const)("%s finds by address and port", async (type) => {
		await run(lookup(TCP, { dport: ports[0]! }, "r0 = 1"), 1, type);
		await run(lookup(SKC, { dport: ports[0]! }, "r0 = 1"), 1, type);
		await run(lookup(UDP, { dport: ports[3]! }, "r0 = 1"), 1, type);
	});

	it.each([
		["another port", TCP, { dport: 1 }, {}, 404],
		["another address", TCP, { to: [127, 0, 0, 2], at: 0 }, {}, 404],
		["UDP's port with TCP", TCP, { at: 3 }, {}, 404],
		["TCP's port with UDP", UDP, { at: 0 }, {}, 404],
		["a flag", TCP, { at: 0 }, { flags: 1 }, 404],
		["a network namespace", TCP, { at: 0 }, { netns: 5 }, 404],
		["a tuple of another size", TCP, { at: 0 }, { size: 13 }, 404],
		["the upper half of the current namespace does not matter", TCP, { at: 0 }, { netns: 0xffff_ffff }, 1],
		["IPv6", TCP, { from: LOOPBACK6, to: LOOPBACK6, at: 1 }, {}, 1],
		["UDP over IPv6", UDP, { from: LOOPBACK6, to: LOOPBACK6, at: 4 }, {}, 1],
		["any address, by IPv6", TCP, { from: LOOPBACK6, to: LOOPBACK6, at: 2 }, {}, 1],
		["any address, by IPv4", TCP, { to: [127, 9, 9, 9], at: 2 }, {}, 1],
		["an IPv6 address is no IPv4 one", TCP, { at: 1 }, {}, 404],
	])("%s", async (_name, id, { at, ...what }: Partial<Tuple> & { at?: number }, options, r0) => {
		const dport = what.dport ?? ports[at!]!;
		await run(lookup(id, { ...what, dport }, "r0 = 1", options), r0);
	});

	it.each([
		["tcp", TCP, 0, LOOPBACK],
		["tcp over IPv6", TCP, 1, LOOPBACK6],
		["udp", UDP, 3, LOOPBACK],
		["udp over IPv6", UDP, 4, LOOPBACK6],
	])("every field of %s", async (_name, id, at, address) => {
		const what = { from: address, to: address, dport: ports[at]! };
		// w0: 6.18 makes 64 ones of an rx_queue_mapping that says none
		for (const offset of [0, 4, 8, 12, 16, 20, 24, 28, 40, 44, 48, 52, 56, 68, 72, 76])
			await run(lookup(id, what, `r0 = *(u32 *)(r7 + ${offset})\nw0 = w0`));
		for (const offset of [4, 24, 25, 44, 48, 49, 72, 76])
			await run(lookup(id, what, `r0 = *(u8 *)(r7 + ${offset})`));
	});

	/** What a helper makes of the socket: 1 for a pointer. */
	const asked = (id: number, more = ""): string =>
		`r1 = r7\n${more}\ncall ${id}\nif r0 == 0 goto none\nr0 = 1\nnone:`;

	it.each([
		["sk_fullsock", 95, 1, 1],
		["tcp_sock", 96, 1, 0],
		["get_listener_sock", 98, 1, 0],
		["skc_to_tcp_sock", 137, 1, 0],
		["skc_to_tcp6_sock", 136, 0, 0],
		["skc_to_tcp_timewait_sock", 138, 0, 0],
		["skc_to_tcp_request_sock", 139, 0, 0],
		["skc_to_udp6_sock", 140, 0, 0],
		["skc_to_unix_sock", 178, 0, 0],
		["skc_to_mptcp_sock", 196, 0, 0],
	])("%s", async (_name, id, ofTcp, ofUdp) => {
		await run(lookup(TCP, { dport: ports[0]! }, asked(id)), id === 95 ? 1 : ofTcp);
		await run(lookup(UDP, { dport: ports[3]! }, asked(id)), id === 95 ? 1 : ofUdp);
	});

	it("skc_to_tcp6_sock and skc_to_udp6_sock of IPv6 sockets", async () => {
		const v6 = { from: LOOPBACK6, to: LOOPBACK6 };
		await run(lookup(TCP, { ...v6, dport: ports[1]! }, asked(136)), 1);
		await run(lookup(UDP, { ...v6, dport: ports[4]! }, asked(140)), 1);
	});

	it("sk_assign outside of ingress", async () => {
		const assign = (flags: number) => `r1 = r6\nr2 = r7\nr3 = ${flags}\ncall 124`;
		await run(lookup(TCP, { dport: ports[0]! }, assign(0)), -95);
		await run(lookup(TCP, { dport: ports[0]! }, assign(1)), -22);
	});

	it.each([
		["without ACK", 0x02, 20, 20, -2],
		["ACK", 0x10, 20, 20, -2],
		["a short IP header", 0x10, 19, 20, -22],
		["a short TCP header", 0x10, 20, 19, -22],
	])("tcp_check_syncookie: %s", async (_name, flags, ip, tcp, r0) => {
		await run(lookup(TCP, { dport: ports[0]! }, cookie(100, flags, ip, tcp, 0x45)), r0);
	});

	it.each([
		["SYN", 0x02, 20, 20, 0x45, -2],
		["SYN and ACK", 0x12, 20, 20, 0x45, -22],
		["a short TCP header", 0x02, 20, 19, 0x45, -22],
		["a TCP header longer than it says", 0x02, 20, 24, 0x45, -22],
		["a short IP header", 0x02, 19, 20, 0x45, -22],
		["another version", 0x02, 20, 20, 0x55, -93],
		["IPv6 for an IPv4 listener", 0x02, 40, 20, 0x60, -22],
		["a short IPv6 header", 0x02, 39, 20, 0x60, -22],
	])("tcp_gen_syncookie: %s", async (_name, flags, ip, tcp, version, r0) => {
		await run(lookup(TCP, { dport: ports[0]! }, cookie(110, flags, ip, tcp, version)), r0);
	});

	it("SYN cookies of UDP sockets", async () => {
		await run(lookup(UDP, { dport: ports[3]! }, cookie(100, 0x10, 20, 20, 0x45)), -22);
		await run(lookup(UDP, { dport: ports[3]! }, cookie(110, 0x02, 20, 20, 0x45)), -22);
	});

	/** Headers on the stack: IP at r10 - 80, TCP at r10 - 120. */
	const cookie = (id: number, flags: number, ip: number, tcp: number, version: number): string => `
		r1 = 0
		${Array.from({ length: 10 }, (_, i) => `*(u64 *)(r10 - ${120 - 8 * i}) = r1`).join("\n")}
		r1 = ${version}
		*(u8 *)(r10 - 80) = r1
		r1 = 0x50
		*(u8 *)(r10 - 108) = r1
		r1 = ${flags}
		*(u8 *)(r10 - 107) = r1
		r1 = r7
		r2 = r10
		r2 += -80
		r3 = ${ip}
		r4 = r10
		r4 += -120
		r5 = ${tcp}
		call ${id}`;
});

describe("a connection", () => {
	let open: OpenSockets;
	beforeAll(async () => {
		open = await openConnection();
		opened.push(open);
	});
	const ends = (): Tuple => ({ sport: open.ports[1]!, dport: open.ports[0]! });
	const run = (asm: string, r0?: number | bigint) =>
		check({
			type: "tc",
			asm,
			packet: PACKET,
			environment: { sockets: open.sockets },
			...(r0 === undefined ? {} : { expect: r0 }),
		});

	it("is found before its listener", async () => {
		await run(lookup(TCP, ends(), "r0 = *(u32 *)(r7 + 72)"), 1);
		const back = { sport: open.ports[0]!, dport: open.ports[1]! };
		await run(lookup(TCP, back, "r0 = *(u32 *)(r7 + 72)"), 1);
		await run(lookup(TCP, { ...back, sport: 1 }, "r0 = *(u32 *)(r7 + 72)"), 10);
	});

	it("has a peer", async () => {
		for (const offset of [4, 8, 12, 24, 44, 48, 52, 72])
			await run(lookup(TCP, ends(), `r0 = *(u32 *)(r7 + ${offset})`));
	});

	it("is no listener", async () => {
		await run(lookup(TCP, ends(), "r1 = r7\ncall 98\nif r0 == 0 goto none\nr0 = 1\nnone:"), 0);
	});
});

describe("pointers to sockets", () => {
	const environment: Partial<Environment> = {
		sockets: [
			{ proto: "tcp", local: "127.0.0.1:80", mark: 7, priority: 3, tcp: { snd_cwnd: 10, bytes_acked: 5n } },
			{ proto: "tcp", local: "127.0.0.1:81", remote: "127.0.0.1:9", state: "time-wait" },
			{ proto: "tcp", local: "127.0.0.1:80", remote: "127.0.0.1:9", state: "new-syn-recv" },
		],
	};
	const model = (asm: string, expect: object | number, kernel?: { cannot: string } | { rejects: string }) =>
		check({
			type: "tc",
			asm,
			packet: PACKET,
			environment,
			expect,
			kernel: kernel ?? { cannot: "it has no such socket" },
		});
	const at80: Tuple = { sport: 5, dport: 80 };

	it("fields that the Environment gives", async () => {
		await model(lookup(TCP, at80, "r0 = *(u32 *)(r7 + 16)"), 7);
		await model(lookup(TCP, at80, "r0 = *(u32 *)(r7 + 20)"), 3);
		const tcp = (load: string) => `r1 = r7\ncall 96\nif r0 == 0 goto none\n${load}\nnone:`;
		await model(lookup(TCP, at80, tcp("r0 = *(u32 *)(r0 + 0)")), 10);
		await model(lookup(TCP, at80, tcp("r0 = *(u64 *)(r0 + 88)")), 5);
	});

	it("time-wait and requests are no full sockets", async () => {
		const wait = { sport: 9, dport: 81 };
		await model(lookup(TCP, wait, "r0 = 1"), 404);
		await model(lookup(SKC, wait, "r0 = *(u32 *)(r7 + 72)"), 6);
		await model(lookup(SKC, wait, "r1 = r7\ncall 95\nif r0 == 0 goto none\nr0 = 1\nnone:"), 0);
		const request = { sport: 9, dport: 80 };
		await model(lookup(SKC, request, "r0 = *(u32 *)(r7 + 72)"), 12);
		await model(lookup(TCP, request, "r0 = *(u32 *)(r7 + 72)"), 10);
	});

	it.each([
		[
			"after its release",
			"r1 = r7\ncall 86\nr0 = *(u32 *)(r7 + 4)\nif r0 == 4 goto out",
			"invalid mem access 'scalar'",
		],
		[
			"another view after its release",
			"r1 = r7\ncall 95\nr9 = r0\nif r9 == 0 goto bye\nr1 = r7\ncall 86\nr0 = *(u32 *)(r9 + 4)\nexit\nbye:",
			"invalid mem access 'scalar'",
		],
		["in the middle of a field", "r0 = *(u16 *)(r7 + 6)", "invalid sock access off=6 size=2"],
		["what it has not", "r0 = *(u32 *)(r7 + 80)", "invalid sock access off=80 size=4"],
	])("a load %s", async (_name, found, rejects) => {
		await model(lookup(TCP, at80, found), { fault: "fault/access" }, { rejects });
	});

	it.each([
		[
			"the socket of a packet is not released",
			"r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\ncall 86\nout:\nr0 = 0\nexit",
		],
	])("%s", async (_name, asm) => {
		await model(
			asm,
			{ fault: "fault/argument" },
			{ rejects: "R1 must be referenced when passed to release" },
		);
	});

	it("is not moved", async () => {
		const found = "r1 = r7\nr1 += 4\nr0 = 0";
		await model(
			lookup(TCP, at80, found),
			{ fault: "fault/pointer" },
			{ rejects: "pointer arithmetic on sock" },
		);
	});

	it("a released socket can be looked up again", async () => {
		const again = `r1 = r7
			call 86
			r1 = r6
			r2 = r10
			r2 += -40
			r3 = 12
			r4 = -1
			r5 = 0
			call 84
			r7 = r0
			if r7 == 0 goto out
			r0 = *(u32 *)(r7 + 44)`;
		await model(lookup(TCP, at80, again), 80);
	});
});

it("storage of a declared socket and of the task stays from run to run", async () => {
	const count = (get: string) =>
		`${get}\nif r0 == 0 goto none\nr1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r1\nnone:`;
	const ofSocket = count("r1 = sockets ll\nr2 = r7\nr3 = 0\nr4 = 1\ncall 107");
	const ofTask = count("call 158\nr1 = tasks ll\nr2 = r0\nr3 = 0\nr4 = 1\ncall 156");
	const storage = { keySize: 4, valueSize: 8, maxEntries: 0, flags: 1 };
	const object = buildObject({
		type: "tc",
		maps: [
			{ name: "sockets", type: "sk_storage", ...storage },
			{ name: "tasks", type: "task_storage", ...storage },
		],
		programs: { socket: lookup(TCP, { dport: 80 }, ofSocket), task: `${ofTask}\nexit` },
	});
	const runs = ["socket", "task"].flatMap((run) => [1, 2].map((expect) => ({ run, packet: PACKET, expect })));
	const maps = object.maps.map((map) => ({ ...map, keyTypeId: 1, valueTypeId: 1 }));
	await checkObject({ ...object, maps }, runs, {
		machine: { environment: { sockets: [{ proto: "tcp", local: "127.0.0.1:80" }] } },
		kernel: { cannot: "it has no such socket, and asks for BTF of the maps" },
		ignoreMaps: ["sockets", "tasks"],
	});
});

describe("an Environment's socket is refused", () => {
	it.each([
		[{ proto: "tcp", local: "10.0.0.1" }, "not an address with a port"],
		[{ proto: "tcp", local: "10.0.0.1:70000" }, "not an address with a port"],
		[{ proto: "tcp", local: "10.0.0.256:1" }, "not an IP address"],
		[{ proto: "tcp", local: "10.0.0.1:1", remote: "[::1]:1" }, "of two families"],
		[{ proto: "tcp", local: "10.0.0.1:1", tcp: { cwnd: 1 } }, "has no cwnd"],
	] as const)("%j", async (socket, message) => {
		await expect(check({ asm: "r0 = 0; exit", environment: { sockets: [socket] } })).rejects.toThrow(message);
	});
});
