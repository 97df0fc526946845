/**
 * Frames for tests, layer by layer, with right lengths, protocol numbers and checksums:
 *
 *     packet(eth(), ipv4({ dst: "10.0.0.2" }), udp({ dport: 53 }), payload("hello"))
 *
 * Every field has a default; one that is given is written as given, a wrong length or checksum too.
 */

export interface Layer {
	readonly kind: "eth" | "vlan" | "arp" | "ipv4" | "ipv6" | "tcp" | "udp" | "icmp" | "icmpv6" | "payload";
	/** Addresses of an IP layer, for the pseudo header of what it carries. */
	readonly addresses?: { readonly src: Uint8Array; readonly dst: Uint8Array };
	/** This layer around `inner`, which is the layer `next` and all that follow; `outer` is the one before. */
	build(inner: Uint8Array, next: Layer | undefined, outer: Layer | undefined): Uint8Array;
}

const ETHERTYPE: Partial<Record<Layer["kind"], number>> = {
	vlan: 0x8100,
	arp: 0x0806,
	ipv4: 0x0800,
	ipv6: 0x86dd,
};
const PROTOCOL: Partial<Record<Layer["kind"], number>> = {
	icmp: 1,
	ipv4: 4,
	tcp: 6,
	udp: 17,
	ipv6: 41,
	icmpv6: 58,
};
/** Ethertype of local experiments (IEEE 802), and the protocol number of "no next header". */
const UNKNOWN_ETHERTYPE = 0x88b5;
const UNKNOWN_PROTOCOL = 59;

const MAC_A = "02:00:00:00:00:01";
const MAC_B = "02:00:00:00:00:02";

export function packet(...layers: readonly Layer[]): Uint8Array {
	return layers.reduceRight(
		(inner: Uint8Array, layer, index) => layer.build(inner, layers[index + 1], layers[index - 1]),
		new Uint8Array(),
	);
}

/** MAC addresses and the type of what follows. */
export function eth(fields: { src?: string; dst?: string; type?: number } = {}): Layer {
	const { src = MAC_A, dst = MAC_B } = fields;
	return {
		kind: "eth",
		build: (inner, next) => join(mac(dst), mac(src), be16(fields.type ?? typeOf(next)), inner),
	};
}

/** A tag; `type` is that of what follows, 0x8100 or 0x88a8 for the tag itself belong to the layer before. */
export function vlan(fields: { id?: number; priority?: number; type?: number } = {}): Layer {
	const { id = 1, priority = 0 } = fields;
	return {
		kind: "vlan",
		build: (inner, next) => join(be16((priority << 13) | id), be16(fields.type ?? typeOf(next)), inner),
	};
}

export function arp(
	fields: { op?: number; senderMac?: string; sender?: string; targetMac?: string; target?: string } = {},
): Layer {
	const { op = 1, senderMac = MAC_A, sender = "10.0.0.1", target = "10.0.0.2" } = fields;
	const targetMac = fields.targetMac ?? "00:00:00:00:00:00";
	const start = join(be16(1), be16(0x0800), Uint8Array.of(6, 4), be16(op));
	return {
		kind: "arp",
		build: (inner) => join(start, mac(senderMac), ip4(sender), mac(targetMac), ip4(target), inner),
	};
}

export interface Ipv4Fields {
	readonly src?: string;
	readonly dst?: string;
	readonly ttl?: number;
	readonly tos?: number;
	readonly id?: number;
	/** Flags and offset: 0x4000 = don't fragment. */
	readonly fragment?: number;
	readonly protocol?: number;
	readonly options?: Uint8Array;
	readonly length?: number;
	readonly checksum?: number;
}

export function ipv4(fields: Ipv4Fields = {}): Layer {
	const { ttl = 64, tos = 0, id = 0, fragment = 0, options = new Uint8Array() } = fields;
	const addresses = { src: ip4(fields.src ?? "10.0.0.1"), dst: ip4(fields.dst ?? "10.0.0.2") };
	const headerLength = 20 + options.length;
	return {
		kind: "ipv4",
		addresses,
		build(inner, next) {
			const header = join(
				Uint8Array.of(0x40 | (headerLength / 4), tos),
				be16(fields.length ?? headerLength + inner.length),
				be16(id),
				be16(fragment),
				Uint8Array.of(ttl, fields.protocol ?? protocolOf(next)),
				be16(0),
				addresses.src,
				addresses.dst,
				options,
			);
			header.set(be16(fields.checksum ?? checksum(header)), 10);
			return join(header, inner);
		},
	};
}

export interface Ipv6Fields {
	readonly src?: string;
	readonly dst?: string;
	readonly hopLimit?: number;
	readonly trafficClass?: number;
	readonly flowLabel?: number;
	readonly nextHeader?: number;
	readonly length?: number;
}

export function ipv6(fields: Ipv6Fields = {}): Layer {
	const { hopLimit = 64, trafficClass = 0, flowLabel = 0 } = fields;
	const addresses = { src: ip6(fields.src ?? "2001:db8::1"), dst: ip6(fields.dst ?? "2001:db8::2") };
	return {
		kind: "ipv6",
		addresses,
		build: (inner, next) =>
			join(
				be32(0x6000_0000 + trafficClass * 0x10_0000 + flowLabel),
				be16(fields.length ?? inner.length),
				Uint8Array.of(fields.nextHeader ?? protocolOf(next), hopLimit),
				addresses.src,
				addresses.dst,
				inner,
			),
	};
}

export function udp(
	fields: { sport?: number; dport?: number; length?: number; checksum?: number } = {},
): Layer {
	const { sport = 1234, dport = 4321 } = fields;
	return {
		kind: "udp",
		build(inner, _next, outer) {
			const length = be16(fields.length ?? 8 + inner.length);
			const segment = join(be16(sport), be16(dport), length, be16(0), inner);
			// 0 on the wire says that there is none
			segment.set(be16(fields.checksum ?? (transportChecksum(segment, 17, outer) || 0xffff)), 6);
			return segment;
		},
	};
}

export interface TcpFields {
	readonly sport?: number;
	readonly dport?: number;
	readonly seq?: number;
	readonly ack?: number;
	/** FIN 1, SYN 2, RST 4, PSH 8, ACK 16. */
	readonly flags?: number;
	readonly window?: number;
	readonly options?: Uint8Array;
	readonly checksum?: number;
}

export function tcp(fields: TcpFields = {}): Layer {
	const { sport = 1234, dport = 80, seq = 1, ack = 0, flags = 2, window = 65535 } = fields;
	const { options = new Uint8Array() } = fields;
	return {
		kind: "tcp",
		build(inner, _next, outer) {
			const segment = join(
				be16(sport),
				be16(dport),
				be32(seq),
				be32(ack),
				be16(((5 + options.length / 4) << 12) | flags),
				be16(window),
				be16(0),
				be16(0),
				options,
				inner,
			);
			segment.set(be16(fields.checksum ?? transportChecksum(segment, 6, outer)), 16);
			return segment;
		},
	};
}

/** An echo request by default. */
export function icmp(
	fields: { type?: number; code?: number; id?: number; seq?: number; checksum?: number } = {},
): Layer {
	const { type = 8, code = 0, id = 1, seq = 1 } = fields;
	return {
		kind: "icmp",
		build(inner) {
			const message = join(Uint8Array.of(type, code, 0, 0), be16(id), be16(seq), inner);
			message.set(be16(fields.checksum ?? checksum(message)), 2);
			return message;
		},
	};
}

/** An echo request by default. */
export function icmpv6(
	fields: { type?: number; code?: number; id?: number; seq?: number; checksum?: number } = {},
): Layer {
	const { type = 128, code = 0, id = 1, seq = 1 } = fields;
	return {
		kind: "icmpv6",
		build(inner, _next, outer) {
			const message = join(Uint8Array.of(type, code, 0, 0), be16(id), be16(seq), inner);
			message.set(be16(fields.checksum ?? transportChecksum(message, 58, outer)), 2);
			return message;
		},
	};
}

/** Text, bytes, or that many bytes counted up from 0. */
export function payload(content: string | Uint8Array | number): Layer {
	const bytes =
		typeof content === "string"
			? new TextEncoder().encode(content)
			: typeof content === "number"
				? Uint8Array.from({ length: content }, (_, index) => index & 0xff)
				: content;
	return { kind: "payload", build: (inner) => join(bytes, inner) };
}

/** The Internet checksum of some bytes (RFC 1071): 0 over bytes that hold their own. */
export function checksum(...parts: readonly Uint8Array[]): number {
	const bytes = join(...parts);
	let sum = 0;
	for (let index = 0; index < bytes.length; index += 2) sum += (bytes[index]! << 8) | (bytes[index + 1] ?? 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
	return ~sum & 0xffff;
}

/** With the pseudo header of the IP layer around; without one, of the segment alone. */
function transportChecksum(segment: Uint8Array, protocol: number, outer: Layer | undefined): number {
	const { addresses } = outer ?? {};
	if (addresses === undefined) return checksum(segment);
	return checksum(addresses.src, addresses.dst, be32(segment.length), be32(protocol), segment);
}

const typeOf = (next: Layer | undefined) => (next && ETHERTYPE[next.kind]) ?? UNKNOWN_ETHERTYPE;
const protocolOf = (next: Layer | undefined) => (next && PROTOCOL[next.kind]) ?? UNKNOWN_PROTOCOL;

function join(...parts: readonly Uint8Array[]): Uint8Array {
	const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

const be16 = (value: number) => Uint8Array.of(value >> 8, value);
const be32 = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
const mac = (text: string) => Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
const ip4 = (text: string) => Uint8Array.from(text.split("."), Number);

function ip6(text: string): Uint8Array {
	const [before, after] = text.split("::").map((half) => (half === "" ? [] : half.split(":")));
	const missing = 8 - before!.length - (after?.length ?? 0);
	const groups = [...before!, ...Array<string>(missing).fill("0"), ...(after ?? [])];
	return join(...groups.map((group) => be16(Number.parseInt(group, 16))));
}
