/**
 * Writes the examples' packets.pcap files: frames made from nothing, the same bytes every time.
 *
 *   node examples/make-packets.mjs
 *
 * Hosts: clients 192.168.0.x, servers 10.0.N.x (behind next hop N of chain.c); 2001:db8::N00 likewise.
 */
import { writeFileSync } from "node:fs";

const u16 = (n) => [(n >> 8) & 255, n & 255];
const u32 = (n) => [...u16(n >>> 16), ...u16(n & 65535)];
const ip4 = (text) => text.split(".").map(Number);
/** "2001:db8::100": one "::" or none. */
const ip6 = (text) => {
	const [head, tail = ""] = text.split("::");
	const words = (part) => (part === "" ? [] : part.split(":").map((w) => Number.parseInt(w, 16)));
	const [left, right] = [words(head), words(tail)];
	return [...left, ...Array(8 - left.length - right.length).fill(0), ...right].flatMap(u16);
};

/** Internet checksum of some bytes. */
function checksum(bytes) {
	let sum = 0;
	for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return ~sum & 0xffff;
}
/** The bytes with their checksum (over `pseudo` too) put at `at`. */
function summed(bytes, at, pseudo = []) {
	const [hi, lo] = u16(checksum([...pseudo, ...bytes]));
	return bytes.map((b, i) => (i === at ? hi : i === at + 1 ? lo : b));
}

const ROUTER = [0x02, 0, 0, 0, 0, 0x01];
const CLIENT = [0x02, 0, 0, 0, 0, 0x02];
const text = (s) => [...s].map((c) => c.charCodeAt(0));

const ether = (type, payload, to = ROUTER) => [...to, ...CLIENT, ...u16(type), ...payload];
const vlan = (id, type, payload) => ether(0x8100, [...u16(id), ...u16(type), ...payload]);

function ipv4(source, target, protocol, payload, { ttl = 64, fragment = 0, options = [] } = {}) {
	const length = 20 + options.length;
	const fixed = [
		0x40 | (length / 4),
		0,
		...u16(length + payload.length),
		...u16(0x1234),
		...u16(fragment),
		ttl,
		protocol,
	];
	return [...summed([...fixed, 0, 0, ...ip4(source), ...ip4(target), ...options], 10), ...payload];
}
const ipv6 = (source, target, protocol, payload, { ttl = 64 } = {}) => [
	...u32(0x60000000),
	...u16(payload.length),
	protocol,
	ttl,
	...ip6(source),
	...ip6(target),
	...payload,
];

const pseudo4 = (source, target, protocol, length) => [
	...ip4(source),
	...ip4(target),
	0,
	protocol,
	...u16(length),
];
const pseudo6 = (source, target, protocol, length) => [
	...ip6(source),
	...ip6(target),
	...u32(length),
	0,
	0,
	0,
	protocol,
];
const tcp = (pseudo, sport, dport, flags, data = []) => {
	const segment = [
		...u16(sport),
		...u16(dport),
		...u32(1000),
		...u32(0),
		0x50,
		flags,
		...u16(64240),
		0,
		0,
		0,
		0,
		...data,
	];
	return summed(segment, 16, pseudo(6, segment.length));
};
const udp = (pseudo, sport, dport, data) => {
	const datagram = [...u16(sport), ...u16(dport), ...u16(8 + data.length), 0, 0, ...data];
	return summed(datagram, 6, pseudo(17, datagram.length));
};
const icmp = (type, data) => summed([type, 0, 0, 0, ...u16(1), ...u16(1), ...data], 2);

const SYN = 0x02;
const ACK = 0x10;
function tcp4(source, target, sport, dport, flags, data, options) {
	return ipv4(
		source,
		target,
		6,
		tcp((p, n) => pseudo4(source, target, p, n), sport, dport, flags, data),
		options,
	);
}
function udp4(source, target, sport, dport, data, options) {
	return ipv4(
		source,
		target,
		17,
		udp((p, n) => pseudo4(source, target, p, n), sport, dport, data),
		options,
	);
}
function icmp6(source, target, type) {
	const message = [type, 0, 0, 0, ...u16(1), ...u16(1), ...text("ping")];
	return ipv6(source, target, 58, summed(message, 2, pseudo6(source, target, 58, message.length)));
}

const A = "192.168.0.10";
const B = "192.168.0.11";
const A6 = "2001:db8::a";
const chain = [
	// IPv4: forwarded, a known flow, denied by port, no route
	ether(0x0800, tcp4(A, "10.0.0.80", 40000, 443, SYN, [])),
	ether(0x0800, tcp4(A, "10.0.0.80", 40000, 443, ACK, text("hello, server"))),
	ether(0x0800, udp4(B, "10.0.1.53", 5353, 53, text("who is there?"))),
	ether(0x0800, tcp4(B, "10.0.1.23", 40001, 23, SYN, [])),
	ether(0x0800, tcp4(B, "10.0.1.23", 40001, 23, SYN, [])),
	ether(0x0800, udp4(A, "10.0.3.7", 6000, 6001, text("nobody routes this"))),
	ether(0x0800, udp4(A, "10.0.200.7", 6000, 6001, text("nor this"))),
	ether(0x0800, ipv4(A, "10.0.2.1", 1, icmp(8, text("abcdefgh")))),
	ether(0x0800, udp4(A, "10.0.2.9", 7000, 7001, text("options"), { options: [1, 1, 1, 0] })),
	// tagged
	vlan(42, 0x0800, tcp4(A, "10.0.2.80", 40002, 80, SYN, [])),
	vlan(
		42,
		0x86dd,
		ipv6(
			A6,
			"2001:db8::200",
			17,
			udp((p, n) => pseudo6(A6, "2001:db8::200", p, n), 546, 547, text("six, tagged")),
		),
	),
	// IPv6: forwarded; ICMPv6 misses its hop
	ether(
		0x86dd,
		ipv6(
			A6,
			"2001:db8::100",
			6,
			tcp((p, n) => pseudo6(A6, "2001:db8::100", p, n), 40003, 443, SYN),
		),
	),
	ether(0x86dd, icmp6(A6, "2001:db8::100", 128)),
	ether(0x86dd, icmp6(A6, "2001:db8::100", 135)),
	// what routers meet besides
	ether(
		0x0806,
		[
			...u16(1),
			...u16(0x0800),
			6,
			4,
			...u16(1),
			...CLIENT,
			...ip4(A),
			0,
			0,
			0,
			0,
			0,
			0,
			...ip4("192.168.0.1"),
		],
		Array(6).fill(255),
	),
	ether(0x0800, udp4(A, "10.0.0.80", 33434, 33435, text("traceroute"), { ttl: 1 })),
	ether(0x0800, ipv4(A, "10.0.0.80", 17, text("second fragment!"), { fragment: 185 })),
	ether(0x0800, ipv4(A, "10.0.0.80", 132, text("SCTP, which nobody handles"))),
	ether(0x0800, [0x45, 0, 0, 40, 1, 2]),
	ether(0x0800, ipv4(A, "10.0.0.80", 6, [0x9c, 0x40])),
	ether(0x88cc, text("a neighbour's greeting")),
];

/** For the tc and the socket-filter example: a kernel's test run refuses IPv4 frames below 34 bytes, IPv6 below 54. */
const tc = [
	ether(0x0800, tcp4(A, "10.0.0.80", 40000, 80, SYN, [])),
	ether(0x0800, tcp4(A, "10.0.0.80", 40000, 80, ACK, text("GET / HTTP/1.0"))),
	ether(0x0800, udp4(B, "10.0.0.80", 40001, 80, text("the same over UDP"))),
	ether(0x0800, tcp4(A, "10.0.0.80", 40002, 443, SYN, [])),
	ether(0x0800, tcp4(B, "10.0.0.80", 40003, 23, SYN, [])),
	ether(0x0800, ipv4(A, "10.0.0.80", 1, icmp(8, text("abcdefgh")))),
	ether(0x0800, ipv4(A, "10.0.0.80", 17, [0x9c, 0x40])),
	ether(0x86dd, icmp6(A6, "2001:db8::100", 128)),
];

const le16 = (n) => [n & 255, n >> 8];
const le32 = (n) => [...le16(n & 65535), ...le16(n >>> 16)];
/** Classic pcap, microseconds, little endian, link type Ethernet. */
function write(path, frames) {
	const file = [
		...le32(0xa1b2c3d4),
		...le16(2),
		...le16(4),
		...le32(0),
		...le32(0),
		...le32(65535),
		...le32(1),
	];
	frames.forEach((frame, i) => {
		file.push(
			...le32(1_700_000_000),
			...le32(i * 1000),
			...le32(frame.length),
			...le32(frame.length),
			...frame,
		);
	});
	writeFileSync(new URL(path, import.meta.url), Uint8Array.from(file));
	console.log(`examples/${path}: ${frames.length} frames`);
}
write("chain/packets.pcap", chain);
/** One that goes all the way, and one that misses its hop. */
write("chain/two.pcap", [chain[0], chain[12]]);
write("tc/packets.pcap", tc);
write("counter/packets.pcap", tc);
