import { TailhopError } from "../errors/index.ts";
import { HEADER_SIZE, MAGIC_NS, RECORD_SIZE } from "./classic.ts";
import { BLOCK, BYTE_ORDER_MAGIC, OPTION } from "./pcapng.ts";
import { type CapturedPacket, LINKTYPE } from "./types.ts";

/** A packet to write; `originalLength` is the data's where it is absent, `linktype` Ethernet. */
export type PacketToWrite = Pick<CapturedPacket, "timestampNs" | "data"> &
	Partial<Pick<CapturedPacket, "originalLength" | "linktype">>;

/** tcpdump's own default: nothing is longer. */
const SNAPLEN = 262_144;
const NS_PER_SECOND = 1_000_000_000n;

/**
 * A pcap file, little-endian, with nanoseconds.
 * @throws TailhopError "pcap/invalid" for packets of several link types (`writePcapng` takes them) or a time
 * outside 1970-2106
 */
export function writePcap(packets: Iterable<PacketToWrite>, linktype?: number): Uint8Array {
	const out = new Output();
	let of = linktype;
	const header = out.reserve(HEADER_SIZE);
	for (const packet of packets) {
		const {
			timestampNs,
			data,
			originalLength = data.length,
			linktype: its = of ?? LINKTYPE.ETHERNET,
		} = packet;
		of ??= its;
		if (its !== of) refuse(`link types ${of} and ${its} in one pcap file`, "Write pcapng instead.");
		const seconds = timestampNs / NS_PER_SECOND;
		if (timestampNs < 0n || seconds > 0xffff_ffffn) {
			refuse(`time ${timestampNs} ns doesn't fit 32 bits of seconds`, "Give nanoseconds since 1970.");
		}
		out.u32(
			out.reserve(RECORD_SIZE),
			Number(seconds),
			Number(timestampNs % NS_PER_SECOND),
			data.length,
			originalLength,
		);
		out.bytes(data);
	}
	out.u32(header, MAGIC_NS, 2 | (4 << 16), 0, 0, SNAPLEN, of ?? LINKTYPE.ETHERNET);
	return out.finish();
}

/**
 * A pcapng file, little-endian: one section, one interface per link type in the order of their first packets.
 * @throws TailhopError "pcap/invalid" for a time outside 64 bits of nanoseconds
 */
export function writePcapng(
	packets: Iterable<PacketToWrite>,
	linktype: number = LINKTYPE.ETHERNET,
): Uint8Array {
	const out = new Output();
	block(out, BLOCK.SECTION, 16, (at) => out.u32(at, BYTE_ORDER_MAGIC, 1, 0xffff_ffff, 0xffff_ffff));
	const interfaces = new Map<number, number>();
	const interfaceOf = (of: number) => {
		const known = interfaces.get(of);
		if (known !== undefined) return known;
		// if_tsresol: 10^-9 seconds; then the end of options
		block(out, BLOCK.INTERFACE, 20, (at) => out.u32(at, of, 0, OPTION.TSRESOL | (1 << 16), 9, OPTION.END));
		interfaces.set(of, interfaces.size);
		return interfaces.size - 1;
	};
	// a reader needs an interface even where there are no packets
	let written = false;
	for (const packet of packets) {
		written = true;
		const { timestampNs, data, originalLength = data.length } = packet;
		if (timestampNs !== BigInt.asUintN(64, timestampNs)) {
			refuse(`time ${timestampNs} ns doesn't fit 64 bits`, "Give nanoseconds since 1970.");
		}
		const id = interfaceOf(packet.linktype ?? linktype);
		const lengths = [data.length, originalLength];
		const [high, low] = [Number(timestampNs >> 32n), Number(timestampNs & 0xffff_ffffn)];
		block(out, BLOCK.ENHANCED, 20 + ((data.length + 3) & ~3), (at) => {
			out.u32(at, id, high, low, ...lengths);
			out.set(at + 20, data);
		});
	}
	if (!written) interfaceOf(linktype);
	return out.finish();
}

/** `body` bytes, a multiple of 4, between a block's type and lengths; `fill` gets their offset. */
function block(out: Output, type: number, body: number, fill: (at: number) => void): void {
	const at = out.reserve(body + 12);
	out.u32(at, type, body + 12);
	fill(at + 8);
	out.u32(at + 8 + body, body + 12);
}

function refuse(message: string, hint: string): never {
	throw new TailhopError("pcap/invalid", message, {}, { hint });
}

/** Bytes that grow. */
class Output {
	#bytes = new Uint8Array(4096);
	#length = 0;

	/** Room for `size` zeros; their offset. */
	reserve(size: number): number {
		const at = this.#length;
		this.#length += size;
		if (this.#length > this.#bytes.length) {
			const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
			grown.set(this.#bytes.subarray(0, at));
			this.#bytes = grown;
		}
		return at;
	}

	bytes(data: Uint8Array): void {
		this.set(this.reserve(data.length), data);
	}

	set(at: number, data: Uint8Array): void {
		this.#bytes.set(data, at);
	}

	/** Little-endian words from `at` on. */
	u32(at: number, ...words: number[]): void {
		const view = new DataView(this.#bytes.buffer);
		for (const [i, word] of words.entries()) view.setUint32(at + 4 * i, word, true);
	}

	finish(): Uint8Array {
		return this.#bytes.slice(0, this.#length);
	}
}
