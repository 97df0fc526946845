import { TailhopError } from "../errors/index.ts";
import { MAGIC_NS, MAGIC_US, readClassic } from "./classic.ts";
import { CaptureFile, invalid } from "./file.ts";
import { isPcapng, readPcapng } from "./pcapng.ts";
import { type Capture, type CapturedPacket, linktypeName } from "./types.ts";

export interface ReadOptions {
	/** The only LINKTYPEs that will do; a packet of another is an error that says so. Absent: all. */
	readonly linktypes?: readonly number[];
}

/**
 * Reads a capture: pcap in either byte order with µs or ns, or pcapng with any number of sections and interfaces.
 * The header is read at once, packets as they are asked for.
 * @throws TailhopError "pcap/invalid", `where.offset` = the byte; from the iterator for damage further on
 */
export function readPcap(bytes: Uint8Array, options: ReadOptions = {}): Capture {
	const capture = open(bytes);
	const { linktypes } = options;
	if (linktypes === undefined) return capture;
	function* checked(): Generator<CapturedPacket> {
		for (const packet of capture.packets) {
			if (!linktypes!.includes(packet.linktype)) refuse(packet.linktype, linktypes!);
			yield packet;
		}
	}
	if (capture.format === "pcap" && !linktypes.includes(capture.linktype)) refuse(capture.linktype, linktypes);
	return { ...capture, packets: { [Symbol.iterator]: checked } };
}

function open(bytes: Uint8Array): Capture {
	if (isPcapng(bytes)) return readPcapng(bytes);
	for (const littleEndian of [true, false]) {
		const file = new CaptureFile(bytes, littleEndian);
		const magic = bytes.length < 4 ? 0 : file.u32(0);
		if (magic === MAGIC_US || magic === MAGIC_NS) return readClassic(file);
	}
	return invalid(
		"neither pcap nor pcapng: the magic number is another",
		0,
		"Give a capture as tcpdump -w writes it.",
	);
}

function refuse(linktype: number, allowed: readonly number[]): never {
	throw new TailhopError(
		"pcap/invalid",
		`packets of link type ${linktypeName(linktype)}`,
		{},
		{ hint: `Link types that will do here: ${allowed.map(linktypeName).join(", ")}.` },
	);
}
