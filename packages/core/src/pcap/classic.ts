import { type CaptureFile, invalid } from "./file.ts";
import type { Capture, CapturedPacket } from "./types.ts";

/** Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records with headers of 16. */
export const MAGIC_US = 0xa1b2c3d4;
export const MAGIC_NS = 0xa1b23c4d;
export const HEADER_SIZE = 24;
export const RECORD_SIZE = 16;

const NS_PER_SECOND = 1_000_000_000n;

/** Reads a file whose magic number, in the file's byte order, is one of the two above. */
export function readClassic(file: CaptureFile): Capture {
	const perFraction = file.u32(0) === MAGIC_NS ? 1n : 1000n;
	const major = file.u16(4);
	if (major !== 2) invalid(`pcap version ${major}.${file.u16(6)}, of which only 2 is known`, 4);
	// the upper half says how long a frame check sequence is; it stays part of the data
	const linktype = file.u32(20) & 0xffff;

	function* packets(): Generator<CapturedPacket> {
		let offset = HEADER_SIZE;
		while (offset < file.bytes.length) {
			const length = file.u32(offset + 8);
			const data = file.slice(offset + RECORD_SIZE, length);
			yield {
				timestampNs: BigInt(file.u32(offset)) * NS_PER_SECOND + BigInt(file.u32(offset + 4)) * perFraction,
				data,
				originalLength: file.u32(offset + 12),
				linktype,
				interface: 0,
			};
			offset += RECORD_SIZE + length;
		}
	}
	return { format: "pcap", linktype, packets: { [Symbol.iterator]: packets } };
}
