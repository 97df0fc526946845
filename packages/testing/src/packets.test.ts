import { describe, expect, it } from "vitest";
import { hex } from "./bytes.ts";
import { arp, checksum, eth, icmp, icmpv6, ipv4, ipv6, packet, payload, tcp, udp, vlan } from "./packets.ts";

describe("packets", () => {
	it("a UDP datagram, byte by byte", () => {
		expect(hex(packet(eth(), ipv4(), udp({ sport: 1, dport: 2 }), payload("hi")))).toBe(
			`020000000002020000000001 0800 4500001e00000000401166cd0a0000010a000002 00010002000a836b6869`.replaceAll(
				" ",
				"",
			),
		);
	});

	it.each([
		["udp", ipv4(), udp(), 17],
		["udp over IPv6", ipv6(), udp(), 17],
		["tcp", ipv4(), tcp(), 6],
		["tcp over IPv6", ipv6(), tcp({ options: Uint8Array.of(1, 1, 1, 0) }), 6],
		["icmpv6", ipv6(), icmpv6(), 58],
	])("checksums of %s verify", (_name, ip, transport, protocol) => {
		const bytes = packet(ip, transport, payload(7));
		const header = ip.kind === "ipv4" ? 20 : 40;
		const segment = bytes.subarray(header);
		const { src, dst } = ip.addresses!;
		expect(checksum(src, dst, Uint8Array.of(0, 0, 0, segment.length, 0, 0, 0, protocol), segment)).toBe(0);
		if (ip.kind === "ipv4") expect(checksum(bytes.subarray(0, 20))).toBe(0);
	});

	it("types follow the layers", () => {
		const type = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
		const tagged = packet(eth(), vlan({ id: 5, priority: 3 }), ipv6(), icmpv6());
		expect([type(tagged, 12), type(tagged, 14), type(tagged, 16), tagged[24]]).toEqual([
			0x8100, 0x6005, 0x86dd, 58,
		]);
		expect(type(packet(eth(), arp()), 12)).toBe(0x0806);
		expect(packet(eth(), arp())).toHaveLength(42);
		expect(packet(ipv4(), ipv4(), icmp())[9]).toBe(4);
		expect(type(packet(eth(), payload(1)), 12)).toBe(0x88b5);
	});

	it("what is given is written", () => {
		const bytes = packet(ipv4({ checksum: 0xdead, length: 9, protocol: 99 }), udp({ checksum: 0 }));
		expect(hex(bytes)).toMatch(/^4500000900000000/);
		expect([bytes[9], bytes[10], bytes[26], bytes[27]]).toEqual([99, 0xde, 0, 0]);
	});
});
