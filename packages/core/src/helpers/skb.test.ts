import {
	answering,
	arp,
	type Call,
	callProgram,
	check,
	eth,
	ipv4,
	ipv6,
	type Kind,
	packet,
	payload,
	udp,
	vlan,
} from "@tailhop/testing";
import { describe, expect, it } from "vitest";

// What helpers with an skb answer and do. `check` runs each row on the interpreter and on the kernel, and compares
// every answer, buffer, context field, and the packet; the numbers here say what both must answer.

const V4 = packet(eth(), ipv4(), udp(), payload(26));
const V6 = packet(eth(), ipv6(), udp(), payload(26));
const TAGGED = packet(eth(), vlan({ id: 5 }), ipv4(), udp(), payload(26));
const TWO_TAGS = packet(
	eth({ type: 0x88a8 }),
	vlan({ id: 7, type: 0x8100 }),
	vlan({ id: 5, priority: 3 }),
	ipv4(),
);
const ARP = packet(eth(), arp());

const EINVAL = -22;
const EFAULT = -14;
const ENOMEM = -12;
const ENOTSUPP = -524;

interface Row {
	readonly kind?: Kind;
	readonly packet?: Uint8Array;
	readonly context?: Record<string, number>;
	readonly calls: readonly Call[];
	readonly answers: readonly (number | bigint)[];
}

const run = ({ kind = "tc", calls, answers, packet: bytes = V4, context }: Row) =>
	check({
		...callProgram(kind, calls),
		packet: bytes,
		...(context === undefined ? {} : { context }),
		expect: answering(...answers),
	});

const store = (offset: number, size: number, flags: number | bigint = 0): Call => [
	9,
	"ctx",
	offset,
	Uint8Array.from({ length: size }, (_, index) => index + 1),
	size,
	flags,
];
const relative = (offset: number, start: number): Call => [68, "ctx", offset, { out: 8 }, 8, start];
/** The 8 bytes at the network and at the MAC header. */
const headers: readonly Call[] = [relative(0, 1), relative(0, 0)];

describe("skb_load_bytes", () => {
	it.each<[Kind, number, number, number]>([
		["tc", 0, 4, 0],
		["tc", 64, 4, 0],
		["tc", 65, 4, EFAULT],
		["tc", 0, 68, 0],
		["tc", 0, 69, EFAULT],
		["tc", -1, 4, EFAULT],
		["tc", 0x7fffffff, 4, EFAULT],
		["socket", 50, 4, 0],
		["socket", 51, 4, EFAULT],
	])("%s: %i, %i bytes", async (kind, offset, size, answer) => {
		await run({ kind, calls: [[26, "ctx", offset, { out: 100 }, size]], answers: [answer] });
	});

	it.each<[Kind, number, number, number, number]>([
		["tc", 0, 4, 0, 0],
		["tc", 0, 4, 1, 0],
		["tc", 50, 4, 1, 0],
		["tc", 51, 4, 1, EFAULT],
		["tc", 0, 4, 2, EFAULT],
		["tc", 0x10000, 1, 0, EFAULT],
		["socket", 0, 14, 0, 0],
		["socket", 64, 4, 0, 0],
		["socket", 65, 4, 0, EFAULT],
	])("relative, %s: %i, %i bytes from header %i", async (kind, offset, size, start, answer) => {
		await run({ kind, calls: [[68, "ctx", offset, { out: 100 }, size, start]], answers: [answer] });
	});
});

describe("packet loads", () => {
	it.each<[Kind, "u8" | "u16" | "u32", number, number | bigint]>([
		["tc", "u16", 12, 0x800],
		["tc", "u32", 26, 0x0a000001],
		["socket", "u32", 12, 0x0a000001],
		["socket", "u8", 53, 25],
		["socket", "u16", -0x20_0000 + 12, 0x800],
		["socket", "u8", -0x10_0000 + 9, 17],
		// outside the packet the program ends, and no answer is left
		["tc", "u8", 68, 0],
		["tc", "u32", 65, 0],
		["socket", "u16", -0x1000, 0],
		["socket", "u16", -0x20_0002, 0],
	])("%s: %s at %i", async (kind, load, at, answer) => {
		await run({ kind, calls: [{ load, at }], answers: [answer] });
	});
});

describe("skb_store_bytes", () => {
	it.each([
		[0, 6, 0, 0],
		[62, 6, 1, 0],
		[63, 6, 0, EFAULT],
		[-1, 6, 0, EFAULT],
		[0, 6, 4, EINVAL],
		[0, 6, 1n << 32n, EINVAL],
	])("%i, %i bytes, flags %i", async (offset, size, flags, answer) => {
		await run({ calls: [store(offset, size, flags)], answers: [answer] });
	});

	it("may invalidate the hash", async () => {
		const outcome = await run({ calls: [[48, "ctx", 7], store(0, 6, 2)], answers: [0, 0] });
		expect(outcome).toMatchObject({ context: { hash: 0 } });
	});
});

it("skb_pull_data: no more than there is", async () => {
	const pull = (length: number): Call => [39, "ctx", length];
	await run({ calls: [0, 68, 69, -1].map(pull), answers: [0, 0, ENOMEM, ENOMEM] });
});

describe("skb_change_head", () => {
	it.each([
		[14, 0, 0],
		[15996, 0, 0],
		[15997, 0, EINVAL],
		[-1, 0, EINVAL],
		[14, 1, EINVAL],
		[14, 1n << 32n, EINVAL],
	])("by %i, flags %i", async (room, flags, answer) => {
		await run({ calls: [[43, "ctx", room, flags], ...headers], answers: [answer, 0, 0] });
	});

	it("again and again, with the tail in between", async () => {
		const head = (room: number): Call => [43, "ctx", room, 0];
		const tail = (length: number): Call => [38, "ctx", length, 0];
		await run({
			calls: [head(3000), tail(16000), tail(60), tail(3014), tail(15000), head(1064), head(1)],
			answers: [0, 0, EINVAL, 0, 0, 0, EINVAL],
		});
	});

	it("leaves behind a transport header that nobody set", async () => {
		// 3000 bytes take new headroom: now the least length is 2935, not the 3014 of the network header
		const tail = (length: number): Call => [38, "ctx", length, 0];
		await run({ calls: [[43, "ctx", 3000, 0], tail(2935), tail(2934)], answers: [0, 0, EINVAL] });
	});
});

describe("skb_change_tail", () => {
	it.each([
		[14, 0, 0],
		[13, 0, EINVAL],
		[100, 0, 0],
		[16064, 0, 0],
		[16065, 0, EINVAL],
		[100, 1, EINVAL],
	])("to %i, flags %i", async (length, flags, answer) => {
		await run({ calls: [[38, "ctx", length, flags]], answers: [answer] });
	});

	it("ends GSO", async () => {
		const outcome = await run({
			context: { gso_size: 100, gso_segs: 3 },
			calls: [[38, "ctx", 60, 0]],
			answers: [0],
		});
		// ctx_out repeats the gso_size that was given
		expect(outcome).toMatchObject({ context: { gso_segs: 0 } });
	});
});

describe("skb_change_proto", () => {
	const [IP, IPV6] = [0x0008, 0xdd86];
	it.each([
		["IPv4 to IPv6", V4, IPV6, 0, 0],
		["IPv6 to IPv4", V6, IP, 0, 0],
		["IPv4 to itself", V4, IP, 0, ENOTSUPP],
		["ARP", ARP, IP, 0, ENOTSUPP],
		["flags", V4, IPV6, 1, EINVAL],
	])("%s", async (_name, bytes, protocol, flags, answer) => {
		await run({
			packet: bytes,
			calls: [[48, "ctx", 7], [31, "ctx", protocol, flags], ...headers],
			answers: [0, answer, 0, 0],
		});
	});
});

describe("skb_vlan_push and skb_vlan_pop", () => {
	const push = (protocol: number, tci: number): Call => [18, "ctx", protocol, tci];
	const pop: Call = [19, "ctx"];
	it("beside the packet, then in it, and back", async () => {
		const calls = [push(0x81, 5), push(0xa888, 0xf006), push(0x0008, 7), pop, pop, pop, pop];
		await run({ calls: calls.flatMap((call) => [call, relative(0, 1)]), answers: Array(14).fill(0) });
	});

	it.each([
		["one tag", TAGGED],
		["two tags", TWO_TAGS],
		["no tag", ARP],
		["cut short", TAGGED.subarray(0, 16)],
	])("out of a packet with %s", async (_name, bytes) => {
		const short = bytes.length < 18 ? ENOMEM : 0;
		await run({ packet: bytes, calls: [pop, pop, pop], answers: [short, short, short] });
	});
});

describe("skb_adjust_room", () => {
	const room = (difference: number, mode: number, flags: number | bigint = 0): Call => [
		50,
		"ctx",
		difference,
		mode,
		flags,
	];
	const ENCAP = { V4: 0x02, V6: 0x04, GRE: 0x08, UDP: 0x10, ETH: 0x40 };
	it.each<[string, Uint8Array, Call, number]>([
		["behind IPv4", V4, room(8, 0), 0],
		["behind the MAC header", V4, room(20, 1), 0],
		["out of IPv4", V4, room(-8, 0), 0],
		["to the very header", V4, room(-34, 0), 0],
		["beyond it", V4, room(-35, 0), ENOTSUPP],
		["out of IPv6", V6, room(-20, 1), 0],
		["too much", V4, room(0x1000, 0), EFAULT],
		["an unknown mode", V4, room(8, 2), ENOTSUPP],
		["ARP", ARP, room(8, 0), ENOTSUPP],
		["IPv4 in IPv4", V4, room(20, 1, ENCAP.V4), 0],
		["IPv4 in IPv6", V4, room(40, 1, ENCAP.V6), 0],
		["in UDP", V4, room(50, 1, ENCAP.V4 | ENCAP.UDP), 0],
		["with a MAC header", V4, room(50, 1, BigInt(ENCAP.V4 | ENCAP.GRE | ENCAP.ETH) | (14n << 56n)), 0],
		["with too short a MAC header", V4, room(50, 1, BigInt(ENCAP.V4 | ENCAP.ETH) | (13n << 56n)), EINVAL],
		["with too long a MAC header", V4, room(20, 1, BigInt(ENCAP.V4) | (21n << 56n)), EINVAL],
		["in both", V4, room(20, 1, ENCAP.V4 | ENCAP.V6), EINVAL],
		["in UDP and GRE", V4, room(50, 1, ENCAP.V4 | ENCAP.UDP | ENCAP.GRE), EINVAL],
		["IPv6 out of IPv4", V4, room(-8, 1, 0x100), 0],
		["out of both", V4, room(-8, 1, 0x180), EINVAL],
		["decapsulation that grows", V4, room(8, 1, 0x80), EINVAL],
		["encapsulation that shrinks", V4, room(-8, 1, ENCAP.V4), EINVAL],
		["an unknown flag", V4, room(8, 1, 0x200), EINVAL],
	])("%s", async (_name, bytes, call, answer) => {
		await run({ packet: bytes, calls: [call, ...headers], answers: [answer, 0, 0] });
	});

	it("encapsulates once, and then keeps its length", async () => {
		await run({
			calls: [
				room(50, 1, ENCAP.V4 | ENCAP.UDP),
				room(50, 1, ENCAP.V4),
				[38, "ctx", 100, 0],
				[38, "ctx", 33, 0],
			],
			answers: [0, -114, ENOTSUPP, EINVAL],
		});
	});

	it("doesn't touch GSO packets that no test run can type", async () => {
		await run({
			context: { gso_size: 100 },
			calls: [room(8, 0), room(-8, 0)],
			answers: [ENOTSUPP, ENOTSUPP],
		});
	});

	it("resets the checksum level unless told not to", async () => {
		const level = (action: number): Call => [135, "ctx", action];
		const calls = [level(1), room(8, 0, 0x20), level(0), room(8, 0), level(0)];
		await run({ calls, answers: [0, 0, 0, 0, -13] });
	});
});

describe("beside the bytes", () => {
	it("skb_change_type", async () => {
		await run({ calls: [0, 3, 4, -1].map((type) => [32, "ctx", type]), answers: [0, 0, EINVAL, EINVAL] });
	});

	it("set_hash, get_hash_recalc, set_hash_invalid", async () => {
		const calls: Call[] = [
			[48, "ctx", 77],
			[34, "ctx"],
			[48, "ctx", 0],
			[34, "ctx"],
			[41, "ctx"],
		];
		await run({ calls, answers: [0, 77, 0, 0, 0] });
	});

	it("a hash that the kernel keys with a secret, and we don't", async () => {
		const asm =
			"r6 = r1\ncall 34\nr7 = r0\nr1 = r6\ncall 41\nr1 = r6\ncall 34\nif r0 == 0 goto bad\nr0 -= r7\nexit\nbad:\nr0 = 1\nexit";
		for (const bytes of [V4, V6, ARP]) await check({ type: "tc", asm, packet: bytes, expect: 0 });
	});
});

describe("skb_ecn_set_ce", () => {
	it.each([
		[0, 0],
		[1, 1],
		[2, 1],
		[3, 1],
	])("TOS %i", async (tos, answer) => {
		for (const ip of [ipv4({ tos }), ipv6({ trafficClass: tos })])
			await run({ packet: packet(eth(), ip, udp()), calls: [[97, "ctx"]], answers: [answer] });
	});

	it("keeps the checksum right", async () => {
		const outcome = await run({
			packet: packet(eth(), ipv4({ tos: 2 })),
			calls: [[97, "ctx"]],
			answers: [1],
		});
		if (outcome.kind === "ran") expect(outcome.packet).toEqual(packet(eth(), ipv4({ tos: 3 })));
	});

	it("a checksum that comes to 0xffff stays so", async () => {
		const bytes = packet(eth(), ipv4({ tos: 2 }), udp());
		bytes.set([0, 1], 24);
		const outcome = await run({ packet: bytes, calls: [[97, "ctx"]], answers: [1] });
		if (outcome.kind === "ran") expect(outcome.packet.subarray(24, 26)).toEqual(Uint8Array.of(0xff, 0xff));
	});

	it("not in ARP", async () => {
		await run({ packet: ARP, calls: [[97, "ctx"]], answers: [0] });
	});

	// __vlan_get_protocol: tags are read from byte 14, or where mac_len says once a helper has set it
	const push: Call = [18, "ctx", 0x8100, 2];
	const pop: Call = [19, "ctx"];
	const oddType: Call = [9, "ctx", 12, Uint8Array.of(0x81, 0x80), 2, 0];
	const tags = (count: number, tos = 2) =>
		packet(eth(), ...Array.from({ length: count }, () => vlan({ id: 2 })), ipv4({ tos }), udp(), payload(26));
	it.each<[string, Uint8Array, readonly Call[], number]>([
		["one tag", tags(1), [], 1],
		["one tag, its type overwritten", tags(1), [oddType], 1],
		["the same after a push", tags(1), [oddType, push], 0],
		["a push", tags(1), [push], 1],
		["two pushes", tags(1), [push, push], 1],
		["three pushes", tags(0), [push, push, push], 1],
		["two pushes, type overwritten", tags(0), [push, push, oddType], 0],
		["three pushes, type overwritten", tags(0), [push, push, push, oddType], 0],
		["pop", tags(1), [pop], 1],
		["pop of nothing", tags(0), [pop], 1],
		["pop of one beside", tags(1), [push, oddType, pop], 1],
		["six tags", tags(6), [], 1],
		["seven tags", tags(7), [], 1],
		["eight tags", tags(8), [], 0],
		["nine tags", tags(9), [], 0],
	])("%s", async (_name, bytes, calls, answer) => {
		const outcome = await run({
			packet: bytes,
			calls: [...calls, [97, "ctx"]],
			answers: [...calls.map(() => 0), answer],
		});
		expect(outcome.kind).toBe("ran");
	});
});

describe("skb_set_tstamp", () => {
	const see = "r1 = *(u64 *)(r6 + 152)\nr2 = *(u8 *)(r6 + 180)\nr2 <<= 60\nr0 = r1\nr0 |= r2\nexit";
	it.each([
		[V4, 5, 0, 5n],
		[V4, 5, 1, (1n << 60n) | 5n],
		[V4, 5, 2, (2n << 60n) | 5n],
		[V4, 5, 3, 0n],
		[V4, 0, 1, 0n],
		[ARP, 5, 0, 0n],
	])("%#", async (bytes, time, clock, expected) => {
		const asm = `r6 = r1\nr2 = ${time}\nr3 = ${clock}\ncall 192\n${see}`;
		await check({ type: "tc", asm, packet: bytes, expect: expected });
	});
});

describe("stores to the context", () => {
	it.each([
		["mark", 4, 8],
		["queue_mapping", 4, 12],
		["priority", 4, 32],
		["tc_index", 4, 44],
		["tc_classid", 4, 72],
		["cb", 1, 48],
		["cb", 2, 50],
		["cb", 8, 56],
		["tstamp", 8, 152],
	] as const)("%s, %i bytes at %i", async (_name, width, at) => {
		const values = [1, 0xfffe, 0xffff, 0x12345, 0xffffffff, 0x200000005n];
		const calls = values.map((value) => ({ store: width, at, value }));
		// the answers are 0; what the fields hold after each store is compared in `kept`
		await run({ calls, answers: values.map(() => 0) });
	});
});
