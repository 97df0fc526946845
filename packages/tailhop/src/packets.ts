import { locate, readPcap } from "@tailhop/core";
import { type Arguments, usage } from "./command.ts";
import { readBytes } from "./object-file.ts";

/** A packet and where it came from. */
export interface InputPacket {
	readonly data: Uint8Array;
	/** "packets.pcap #3", for messages. */
	readonly from: string;
	readonly timestampNs: bigint;
}

/** BPF_PROG_TEST_RUN's usual nothing. */
const DEFAULT_LENGTH = 64;

/** Hex digits with blanks, colons and a 0x in front. @throws TailhopError cli/usage */
export function parseHex(text: string): Uint8Array {
	const digits = text.replace(/^0x/i, "").replace(/[\s:_-]/g, "");
	if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits))
		throw usage(
			`--packet takes an even number of hex digits, not "${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`,
		);
	return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The packets of the options, in the order packet, packet-file, pcap; one of zeros without any. */
export async function packetsOf(args: Arguments): Promise<InputPacket[]> {
	const packets: InputPacket[] = args
		.list("packet")
		.map((text) => ({ data: parseHex(text), from: "--packet", timestampNs: 0n }));
	for (const path of args.list("packet-file"))
		packets.push({ data: await readBytes(path), from: path, timestampNs: 0n });
	for (const path of args.list("pcap")) {
		try {
			let number = 0;
			for (const { data, timestampNs } of readPcap(await readBytes(path)).packets) {
				packets.push({ data, from: `${path} #${++number}`, timestampNs });
			}
		} catch (error) {
			throw locate(error, { file: path });
		}
	}
	const asked = args.list("pcap").length + args.list("packet").length + args.list("packet-file").length;
	if (asked === 0)
		packets.push({ data: new Uint8Array(DEFAULT_LENGTH), from: "64 zero bytes", timestampNs: 0n });
	return packets;
}
