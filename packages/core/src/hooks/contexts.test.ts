import {
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
import { describe, it } from "vitest";

// What a program sees of its context, and what a run refuses: each row on the interpreter and in the kernel. The
// program calls get_smp_processor_id and keeps every field; `check` compares them.

const SEE: readonly Call[] = [[8]];

const PACKETS: Readonly<Record<string, Uint8Array>> = {
	IPv4: packet(eth(), ipv4(), udp(), payload(26)),
	IPv6: packet(eth(), ipv6(), udp(), payload(26)),
	ARP: packet(eth(), arp()),
	broadcast: packet(eth({ dst: "ff:ff:ff:ff:ff:ff" }), arp()),
	multicast: packet(eth({ dst: "01:00:5e:00:00:01" }), ipv4()),
	"to lo's address": packet(eth({ dst: "00:00:00:00:00:00" }), ipv4()),
	"VLAN tag": packet(eth(), vlan(), ipv4()),
	"802.3 length": packet(eth({ type: 0x100 }), payload(20)),
	"raw IPX": packet(eth({ type: 0x100 }), payload(new Uint8Array(20).fill(0xff))),
	"an Ethernet header alone": packet(eth()),
	"a byte more": packet(eth({ type: 5 }), payload(1)),
};
const KINDS: readonly Kind[] = ["xdp", "tc", "tc_act", "socket", "cgroup_skb"];

describe("a program's context", () => {
	it.each(KINDS.flatMap((kind) => Object.keys(PACKETS).map((name) => [kind, name] as const)))(
		"%s: %s",
		async (kind, name) => {
			await check({ ...callProgram(kind, SEE), packet: PACKETS[name]! });
		},
	);

	it.each([
		["tc", { mark: 5, priority: 6, ingress_ifindex: 7, ifindex: 1, cb: [1, 2, 3, 4, 5] }],
		["tc", { tstamp: 123456789012, hwtstamp: 99, wire_len: 100, gso_segs: 65535, gso_size: 65536 }],
		["tc", { gso_size: 0xffffffff }],
		["socket", { mark: 5, priority: 6, cb: [1], gso_size: 3 }],
		["cgroup_skb", { mark: 5, priority: 6, cb: [1], tstamp: 77, gso_size: 3 }],
		["xdp", { data: 8 }],
		["xdp", { data: 0, data_end: 20 }],
		["xdp", { ingress_ifindex: 1 }],
	] as const)("%s with %j", async (kind, context) => {
		await check({ ...callProgram(kind, SEE), packet: PACKETS.IPv4!, context });
	});

	it("XDP without a linear part: a context of zeros", async () => {
		const contextBytes = new Uint8Array(24);
		await check({ ...callProgram("xdp", SEE), packet: PACKETS.IPv4!, contextBytes });
	});

	it("longer than the structure, with zeros", async () => {
		const contextBytes = new Uint8Array(200);
		contextBytes[8] = 7;
		await check({ ...callProgram("tc", SEE), packet: PACKETS.IPv4!, contextBytes });
	});
});

describe("skb->sk: the socket of a test run", () => {
	it.each(["IPv4", "IPv6", "ARP"])("%s", async (name) => {
		// w0: 6.18 makes 64 ones of an rx_queue_mapping that says none
		for (const offset of [0, 4, 24, 28, 40, 44, 52, 56, 68, 72, 76]) {
			const asm = `r1 = *(u64 *)(r1 + 168)\nif r1 != 0 goto sk\nr0 = 77\nexit\nsk:\nr0 = *(u32 *)(r1 + ${offset})\nw0 = w0\nexit`;
			await check({ type: "tc", asm, packet: PACKETS[name]! });
		}
	});

	it.each([
		["u32", "r0 >>= 32", 0xffff_ffff],
		["u16", "r0 >>= 32", 0xffff_ffff],
		["u8", "", 0xff],
	])("an rx_queue_mapping that says none is 64 ones: %s", async (width, then, r0) => {
		const asm = `r1 = *(u64 *)(r1 + 168)\nif r1 != 0 goto sk\nr0 = 77\nexit\nsk:\nr0 = *(${width} *)(r1 + 76)\n${then}\nexit`;
		await check({ type: "tc", asm, packet: PACKETS.IPv4!, expect: { r0 } });
	});

	it("32 ones at the same distance in other memory stay 32", async () => {
		const asm = `r1 = r10\nr1 += -80\n*(u32 *)(r1 + 76) = -1\nr0 = *(u32 *)(r1 + 76)\nr0 >>= 32\nexit`;
		await check({ type: "tc", asm, packet: PACKETS.IPv4!, expect: { r0: 0 } });
	});
});

describe("queue_mapping takes what is below 0xffff: a register by its 64 bits, an immediate by its sign", () => {
	it.each([
		["*(u32 *)(r6 + 12) = -1", 0xffff],
		["*(u32 *)(r6 + 12) = -3", 0xfffd],
		["*(u32 *)(r6 + 12) = 0xffff", 5],
		["*(u32 *)(r6 + 12) = 0x1000000", 5],
		["r1 = -3; *(u32 *)(r6 + 12) = r1", 5],
		["r1 = 0xfffe; *(u32 *)(r6 + 12) = r1", 0xfffe],
	])("%s", async (store, r0) => {
		const asm = `r6 = r1\n*(u32 *)(r6 + 12) = 5\n${store}\nr0 = *(u32 *)(r6 + 12)\nexit`;
		await check({ type: "tc", asm, expect: { r0 } });
	});
});

describe("a run refuses", () => {
	const EINVAL = 22;
	const E2BIG = 7;
	const ENOMEM = 12;
	const asm = "r0 = 0; exit";
	it.each<[Kind, number, number, number]>([
		["xdp", 0x800, 13, EINVAL],
		["xdp", 0x800, 3520 + 17 * 4096 + 1, ENOMEM],
		["tc", 0x806, 13, EINVAL],
		["tc", 0x800, 33, EINVAL],
		["tc", 0x86dd, 53, EINVAL],
		["tc", 0x800, 3713, EINVAL],
		["socket", 0x800, 33, EINVAL],
		["cgroup_skb", 0x800, 33, EINVAL],
		["cgroup_skb", 0x806, 13, EINVAL],
	])("%s: ethertype %x, %i bytes", async (type, ethertype, length, refused) => {
		const bytes = packet(eth({ type: ethertype }), payload(length)).subarray(0, length);
		await check({ type, asm, packet: bytes, expect: { refused } });
	});

	it.each<[Kind, number, number]>([
		["xdp", 0x800, 14],
		["xdp", 0x800, 3520 + 17 * 4096],
		["tc", 0x806, 14],
		["tc", 0x800, 34],
		["tc", 0x86dd, 54],
		["tc", 0x800, 3712],
		["socket", 0x86dd, 54],
		["cgroup_skb", 0x86dd, 54],
		["cgroup_skb", 0x806, 14],
	])("but not %s: ethertype %x, %i bytes", async (type, ethertype, length) => {
		const bytes = packet(eth({ type: ethertype }), payload(length)).subarray(0, length);
		await check({ type, asm, packet: bytes, expect: 0 });
	});

	/** A context of bytes: u32s at offsets. */
	const context = (size: number, words: Readonly<Record<number, number>>) => {
		const view = new DataView(new ArrayBuffer(size));
		for (const [offset, word] of Object.entries(words)) view.setUint32(Number(offset), word, true);
		return new Uint8Array(view.buffer);
	};
	it.each<[Kind, number, Record<number, number>, number]>([
		["xdp", 24, { 0: 2, 4: 68 }, EINVAL],
		["xdp", 24, { 0: 56, 4: 68 }, EINVAL],
		["xdp", 24, { 0: 8, 4: 4 }, EINVAL],
		["xdp", 24, { 4: 69 }, EINVAL],
		["xdp", 24, { 4: 68, 8: 1 }, EINVAL],
		["xdp", 24, { 4: 68, 16: 1 }, EINVAL],
		["xdp", 24, { 4: 68, 20: 1 }, EINVAL],
		["xdp", 28, { 4: 68, 24: 1 }, E2BIG],
		["tc", 192, { 0: 68 }, EINVAL],
		["tc", 192, { 4: 1 }, EINVAL],
		["tc", 192, { 12: 1 }, EINVAL],
		["tc", 192, { 44: 1 }, EINVAL],
		["tc", 192, { 68: 1 }, EINVAL],
		["tc", 192, { 72: 1 }, EINVAL],
		["tc", 192, { 180: 1 }, EINVAL],
		["tc", 192, { 160: 67 }, EINVAL],
		["tc", 192, { 160: 65537 }, EINVAL],
		["tc", 192, { 164: 65536 }, EINVAL],
		["tc", 196, { 192: 1 }, E2BIG],
		["socket", 192, { 160: 53 }, EINVAL],
		["cgroup_skb", 192, { 160: 53 }, EINVAL],
		["cgroup_skb", 192, { 88: 2 }, EINVAL],
	])("%s: a context of %i bytes with %j", async (type, size, words, refused) => {
		const contextBytes = context(size, words);
		await check({ type, asm, packet: PACKETS.IPv4!, contextBytes, expect: { refused } });
	});
});

describe("cgroup_skb", () => {
	const type = "cgroup_skb";
	const EGRESS = 1;
	it.each([
		[0, 1, 1],
		[EGRESS, 3, 3],
	])("attach type %i returns up to %i", async (expectedAttachType, verdict, r0) => {
		await check({ type, expectedAttachType, asm: `r0 = ${verdict}; exit`, expect: { r0, verdict } });
	});

	const packetByte =
		"r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\nr4 = r2\nr4 += 1\nr0 = 0\nif r4 > r3 goto out";

	it("reads the packet from the IP header on", async () => {
		const asm = `${packetByte}\nr5 = *(u8 *)(r2 + 0)\nif r5 != 0x45 goto out\nr0 = 1\nout:\nexit`;
		await check({ type, asm, packet: PACKETS.IPv4!, expect: 1 });
	});

	it("does not write into it", async () => {
		const asm = `${packetByte}\nr5 = 1\n*(u8 *)(r2 + 0) = r5\nout:\nexit`;
		await check({
			type,
			asm,
			packet: PACKETS.IPv4!,
			expect: { fault: "fault/access" },
			kernel: { rejects: "cannot write into packet" },
		});
	});

	it.each([
		["mark", 8, 4],
		["priority", 32, 4],
		["cb[1]", 52, 4],
		["tstamp", 152, 8],
	] as const)("writes %s", async (_name, at, store) => {
		await check({
			...callProgram(type, [{ store, at, value: 0x1234 }]),
			expectedAttachType: EGRESS,
			packet: PACKETS.IPv6!,
		});
	});
});
