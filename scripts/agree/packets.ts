import {
	arp,
	eth,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	type Layer,
	packet,
	payload,
	tcp,
	udp,
	vlan,
} from "../../packages/testing/src/packets.ts";

/** A frame to run over, and what it is. */
export interface Sample {
	readonly name: string;
	readonly packet: Uint8Array;
}

const A4 = "10.0.0.1";
const B4 = "10.0.0.2";
const hex = (text: string): Layer => payload(Uint8Array.from(Buffer.from(text, "hex")));
const inner = (...layers: readonly Layer[]): Layer => payload(packet(...layers));

/** Next header 44, then fragment header: next header, offset and M flag, id. */
const fragment6 = (next: number, offset: number) =>
	hex(`${next.toString(16).padStart(2, "0")}00${offset.toString(16).padStart(4, "0")}00000007`);

const http = payload("GET / HTTP/1.1\r\nHost: example\r\n\r\n");
const query = hex("1234010000010000000000000377777706676f6f676c6503636f6d0000010001");
/** A GRE header without options, and VXLAN's and Geneve's with VNI 7. */
const gre = (type: string) => hex(`0000${type}`);
const vxlan = hex("0800000000000700");
const geneve = hex("0000655800000700");
/** ICMP type 3 code 4 and ICMPv6 type 1 hold the start of what they are about. */
const quoted4 = inner(ipv4({ src: B4, dst: A4 }), tcp({ sport: 80, dport: 1234, flags: 16 }));
const quoted6 = inner(ipv6(), udp({ sport: 53, dport: 4321 }), payload(8));
/** Target of a neighbour solicitation, and the option that gives the sender's address. */
const solicitation = hex("20010db80000000000000000000000020101020000000001");

const FRAMES: readonly Sample[] = [
	["tcp syn", eth(), ipv4(), tcp()],
	["tcp data to port 80", eth(), ipv4(), tcp({ flags: 24, ack: 7, seq: 99 }), http],
	["tcp back", eth(), ipv4({ src: B4, dst: A4 }), tcp({ sport: 80, dport: 1234, flags: 18, ack: 2 })],
	["tcp rst", eth(), ipv4(), tcp({ flags: 4 })],
	[
		"tcp fin with options",
		eth(),
		ipv4({ tos: 0xb8 }),
		tcp({ flags: 17, options: Uint8Array.of(2, 4, 5, 0xb4, 1, 1, 4, 2) }),
	],
	["udp", eth(), ipv4(), udp(), payload(32)],
	["udp to port 53", eth(), ipv4(), udp({ dport: 53 }), query],
	["udp back", eth(), ipv4({ src: B4, dst: A4 }), udp({ sport: 4321, dport: 1234 }), payload(9)],
	["udp without checksum", eth(), ipv4({ ttl: 1 }), udp({ checksum: 0 }), payload(3)],
	[
		"dhcp",
		eth({ dst: "ff:ff:ff:ff:ff:ff" }),
		ipv4({ src: "0.0.0.0", dst: "255.255.255.255" }),
		udp({ sport: 68, dport: 67 }),
		payload(240),
	],
	["icmp echo", eth(), ipv4(), icmp(), payload(56)],
	["icmp fragmentation needed", eth(), ipv4(), icmp({ type: 3, code: 4, id: 0, seq: 1400 }), quoted4],
	["icmp time exceeded", eth(), ipv4(), icmp({ type: 11 }), quoted4],
	["ipv4 with options", eth(), ipv4({ options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0) }), udp(), payload(16)],
	["first fragment", eth(), ipv4({ fragment: 0x2000, id: 5 }), udp({ length: 1400 }), payload(64)],
	["last fragment", eth(), ipv4({ fragment: 0x0008, id: 5, protocol: 17 }), payload(64)],
	["ipv6 tcp syn", eth(), ipv6(), tcp()],
	["ipv6 tcp data", eth(), ipv6({ flowLabel: 0x12345, trafficClass: 0x20 }), tcp({ flags: 24 }), http],
	[
		"ipv6 tcp back",
		eth(),
		ipv6({ src: "2001:db8::2", dst: "2001:db8::1" }),
		tcp({ sport: 80, dport: 1234, flags: 18 }),
	],
	["ipv6 udp", eth(), ipv6(), udp({ dport: 53 }), query],
	["icmpv6 echo", eth(), ipv6(), icmpv6(), payload(24)],
	["icmpv6 echo reply", eth(), ipv6(), icmpv6({ type: 129 }), payload(24)],
	["icmpv6 unreachable", eth(), ipv6(), icmpv6({ type: 1, code: 4, id: 0, seq: 0 }), quoted6],
	[
		"neighbour solicitation",
		eth({ dst: "33:33:ff:00:00:02" }),
		ipv6({ dst: "ff02::1:ff00:2", hopLimit: 255 }),
		icmpv6({ type: 135, id: 0, seq: 0 }),
		solicitation,
	],
	[
		"neighbour advertisement",
		eth(),
		ipv6({ hopLimit: 255 }),
		icmpv6({ type: 136, id: 0x6000, seq: 0 }),
		solicitation,
	],
	[
		"router advertisement",
		eth(),
		ipv6({ src: "fe80::1", dst: "ff02::1", hopLimit: 255 }),
		icmpv6({ type: 134, id: 0x4000, seq: 1800 }),
		hex("0000000000000000"),
	],
	["ipv6 hop-by-hop", eth(), ipv6({ nextHeader: 0 }), hex("1100010400000000"), udp(), payload(8)],
	["ipv6 first fragment", eth(), ipv6({ nextHeader: 44 }), fragment6(17, 1), udp(), payload(16)],
	["ipv6 later fragment", eth(), ipv6({ nextHeader: 44 }), fragment6(17, 0x48), payload(16)],
	[
		"ipv6 segment routing",
		eth(),
		ipv6({ nextHeader: 43 }),
		hex("2902040000000000"),
		payload(16),
		inner(ipv6(), udp(), payload(8)),
	],
	["arp request", eth({ dst: "ff:ff:ff:ff:ff:ff" }), arp()],
	["arp reply", eth(), arp({ op: 2, sender: B4, target: A4 })],
	["vlan", eth(), vlan({ id: 100 }), ipv4(), tcp()],
	["vlan in vlan", eth({ type: 0x88a8 }), vlan({ id: 5, priority: 3 }), vlan({ id: 6 }), ipv6(), udp()],
	["vlan 4000 arp", eth(), vlan({ id: 4000 }), arp()],
	["ipip", eth(), ipv4({ src: "192.168.0.1", dst: "192.168.0.2" }), ipv4(), tcp()],
	["ip6ip6", eth(), ipv6({ src: "fd00::1", dst: "fd00::2" }), ipv6(), tcp()],
	["ip4 in ip6", eth(), ipv6({ nextHeader: 4 }), inner(ipv4(), icmp())],
	["ip6 in ip4", eth(), ipv4(), ipv6(), udp(), payload(5)],
	["gre", eth(), ipv4({ protocol: 47 }), gre("0800"), inner(ipv4(), udp(), payload(8))],
	["gre of a frame", eth(), ipv4({ protocol: 47 }), gre("6558"), inner(eth(), ipv4(), tcp())],
	["vxlan", eth(), ipv4(), udp({ dport: 4789 }), vxlan, inner(eth(), ipv4(), tcp())],
	["vxlan on 8472", eth(), ipv4(), udp({ dport: 8472 }), vxlan, inner(eth(), ipv6(), udp())],
	["geneve", eth(), ipv4(), udp({ dport: 6081 }), geneve, inner(eth(), ipv4(), icmp())],
	["wireguard", eth(), ipv4(), udp({ dport: 51871 }), hex("04000000"), payload(60)],
	["esp", eth(), ipv4({ protocol: 50 }), hex("0000000700000001"), payload(48)],
	["sctp", eth(), ipv4({ protocol: 132 }), hex("04d20050000000000000000001000014"), payload(16)],
	[
		"igmp",
		eth({ dst: "01:00:5e:00:00:01" }),
		ipv4({ dst: "224.0.0.1", protocol: 2, ttl: 1 }),
		hex("1164ee9b00000000"),
	],
	["ipv4 says too long", eth(), ipv4({ length: 1500 }), tcp()],
	["ipv4 bad checksum", eth(), ipv4({ checksum: 0x1234 }), udp()],
	["full frame", eth(), ipv4(), tcp({ flags: 16 }), payload(1446)],
	["unknown ethertype", eth(), payload(64)],
	["lldp", eth({ dst: "01:80:c2:00:00:0e", type: 0x88cc }), payload(50)],
].map(([name, ...layers]) => ({ name: String(name), packet: packet(...(layers as Layer[])) }));

/** What is short, cut off, or no frame at all. */
const ODD: readonly Sample[] = [
	{ name: "empty", packet: new Uint8Array() },
	{ name: "13 bytes", packet: new Uint8Array(13) },
	{ name: "14 bytes", packet: packet(eth({ type: 0x0800 })) },
	{ name: "ipv4 cut in its header", packet: packet(eth(), ipv4(), tcp()).subarray(0, 30) },
	{ name: "tcp cut in its header", packet: packet(eth(), ipv4(), tcp()).subarray(0, 44) },
	{ name: "ipv6 cut in its header", packet: packet(eth(), ipv6(), tcp()).subarray(0, 40) },
	{ name: "64 zeros", packet: new Uint8Array(64) },
	{ name: "64 times ff", packet: new Uint8Array(64).fill(0xff) },
	{ name: "noise", packet: Uint8Array.from({ length: 200 }, (_, i) => (i * 167 + 41) & 0xff) },
	{ name: "ipv4 of noise", packet: packet(eth(), ipv4({ protocol: 99 }), payload(120)) },
	{ name: "9000 bytes", packet: packet(eth(), ipv4(), udp(), payload(8958)) },
];

/** Spread over the list where fewer are wanted. */
export function samples(count = Number.POSITIVE_INFINITY): readonly Sample[] {
	const all = [...FRAMES, ...ODD];
	if (count >= all.length) return all;
	return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
}
