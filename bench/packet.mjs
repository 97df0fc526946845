/** The benchmark's packet: 62 bytes of headers, then pseudo-random content from byte 64 on, the same every time. */
const SIZE = 1500;
const CONTENT = 64;

// biome-ignore format: a header a line
const HEADERS = [
	0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x81, 0x00,                     // Ethernet
	0x00, 0x2a, 0x08, 0x00,                                                         // VLAN 42
	0x46, 0x00, 0x05, 0xca, 0x12, 0x34, 0x00, 0x00, 0x40, 0x06, 0x00, 0x00,         // IPv4, length 1482, TTL 64, TCP
	0xc0, 0xa8, 0x00, 0x0a, 0x0a, 0x00, 0x00, 0x50, 0x01, 0x01, 0x01, 0x00,         // addresses, options
	0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0, // TCP
];

/** @returns {Uint8Array} */
export function benchPacket() {
	const bytes = new Uint8Array(SIZE);
	bytes.set(HEADERS);
	let sum = 0;
	for (let i = 18; i < 42; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >>> 16);
	bytes.set([(~sum >> 8) & 255, ~sum & 255], 28);
	let x = 0x2545f491; // xorshift32
	for (let i = CONTENT; i < SIZE; i++) {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		bytes[i] = x >>> 24;
	}
	return bytes;
}

/**
 * The 64 flows of `route`: TCP and UDP, every second one with a VLAN tag, 64 bytes of content.
 * @returns {Uint8Array[]}
 */
export function flowPackets() {
	const template = benchPacket();
	return Array.from({ length: 64 }, (_, i) => {
		const tagged = i % 2 === 0;
		const packet = new Uint8Array(tagged ? 126 : 122);
		packet.set(template.subarray(0, 12));
		packet.set(tagged ? template.subarray(12, 126) : template.subarray(16, 126), 12);
		const ip = tagged ? 18 : 14;
		packet[ip + 9] = i % 3 === 0 ? 17 : 6;
		packet[ip + 15] = i; // source address, then the destination: one that the packet's content has a prefix for
		packet.set(template.subarray(CONTENT + (i % 32) * 4, CONTENT + (i % 32) * 4 + 4), ip + 16);
		packet[ip + 25] = i; // source port
		return packet;
	});
}
