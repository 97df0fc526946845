import { CaptureFile, invalid } from "./file.ts";
import type { Capture, CapturedPacket } from "./types.ts";

/** pcapng (draft-ietf-opsawg-pcapng): blocks of (type, length, body, length); sections may differ in byte order. */
export const BLOCK = { SECTION: 0x0a0d0d0a, INTERFACE: 1, PACKET: 2, SIMPLE: 3, ENHANCED: 6 } as const;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Options of an interface that change what its packets mean. */
export const OPTION = { END: 0, TSRESOL: 9, TSOFFSET: 14 } as const;

interface Interface {
	readonly linktype: number;
	/** 0: packets are not cut. */
	readonly snaplen: number;
	/** A timestamp is `ticks * numerator / denominator + offset` ns. */
	readonly numerator: bigint;
	readonly denominator: bigint;
	readonly offset: bigint;
}

const NS_PER_SECOND = 1_000_000_000n;
/** Type and length before the body, length behind it. */
const FRAME = 12;

export function readPcapng(bytes: Uint8Array): Capture {
	const linktype = firstLinktype(bytes);
	return { format: "pcapng", linktype, packets: { [Symbol.iterator]: () => packetsOf(bytes) } };
}

/** Whether the first bytes are a section header's: its type reads the same in both byte orders. */
export function isPcapng(bytes: Uint8Array): boolean {
	return bytes.length >= 4 && new CaptureFile(bytes, true).u32(0) === BLOCK.SECTION;
}

function firstLinktype(bytes: Uint8Array): number {
	for (const block of blocks(bytes)) {
		if (block.type === BLOCK.INTERFACE) return interfaceOf(block).linktype;
	}
	return invalid("the capture describes no interface", 0, "Is the file empty or cut off?");
}

interface Block {
	readonly file: CaptureFile;
	readonly type: number;
	/** Where the body starts and ends in the file. */
	readonly start: number;
	readonly end: number;
}

function* blocks(bytes: Uint8Array): Generator<Block> {
	let file = new CaptureFile(bytes, true);
	for (let offset = 0; offset < bytes.length; ) {
		if (file.u32(offset) === BLOCK.SECTION) file = sectionFile(bytes, offset);
		const type = file.u32(offset);
		const length = file.u32(offset + 4);
		if (length < FRAME) invalid(`a block of ${length} bytes, less than its own frame`, offset);
		// bodies are padded to 4, but some writers don't count the padding
		const padded = (length + 3) & ~3;
		file.need(offset, length);
		const trailing = file.u32(offset + length - 4);
		if (trailing !== length) {
			invalid(`a block says ${length} bytes at its start and ${trailing} at its end`, offset);
		}
		yield { file, type, start: offset + 8, end: offset + length - 4 };
		offset += padded >>> 0;
	}
}

/** A section header says the byte order of what follows, its own length included. */
function sectionFile(bytes: Uint8Array, offset: number): CaptureFile {
	for (const littleEndian of [true, false]) {
		const file = new CaptureFile(bytes, littleEndian);
		if (file.u32(offset + 8) !== BYTE_ORDER_MAGIC) continue;
		const major = file.u16(offset + 12);
		if (major !== 1)
			invalid(`pcapng version ${major}.${file.u16(offset + 14)}, of which only 1 is known`, offset);
		return file;
	}
	return invalid("a section header without the byte-order magic", offset);
}

function* packetsOf(bytes: Uint8Array): Generator<CapturedPacket> {
	let interfaces: Interface[] = [];
	for (const block of blocks(bytes)) {
		switch (block.type) {
			case BLOCK.SECTION:
				interfaces = [];
				break;
			case BLOCK.INTERFACE:
				interfaces.push(interfaceOf(block));
				break;
			case BLOCK.ENHANCED:
				yield enhanced(block, interfaces, block.file.u32(block.start));
				break;
			case BLOCK.PACKET:
				// the obsolete form: as the enhanced one, but the interface has 16 bits
				yield enhanced(block, interfaces, block.file.u16(block.start));
				break;
			case BLOCK.SIMPLE:
				yield simple(block, interfaces);
				break;
			default:
			// names, statistics, secrets, custom blocks: nothing that a packet needs
		}
	}
}

function enhanced(block: Block, interfaces: readonly Interface[], index: number): CapturedPacket {
	const { file, start } = block;
	const from = interfaceAt(block, interfaces, index);
	const ticks = (BigInt(file.u32(start + 4)) << 32n) | BigInt(file.u32(start + 8));
	return {
		timestampNs: (ticks * from.numerator) / from.denominator + from.offset,
		data: within(block, start + 20, file.u32(start + 12)),
		originalLength: file.u32(start + 16),
		linktype: from.linktype,
		interface: index,
	};
}

/** No time, always interface 0, and the captured length follows from the snap length. */
function simple(block: Block, interfaces: readonly Interface[]): CapturedPacket {
	const { file, start } = block;
	const from = interfaceAt(block, interfaces, 0);
	const originalLength = file.u32(start);
	const captured = from.snaplen === 0 ? originalLength : Math.min(originalLength, from.snaplen);
	return {
		timestampNs: 0n,
		data: within(block, start + 4, captured),
		originalLength,
		linktype: from.linktype,
		interface: 0,
	};
}

function within(block: Block, start: number, length: number): Uint8Array {
	if (start + length > block.end) {
		invalid(
			`a packet of ${length} bytes in a block that has ${Math.max(0, block.end - start)}`,
			block.start - 8,
		);
	}
	return block.file.slice(start, length);
}

function interfaceAt(block: Block, interfaces: readonly Interface[], index: number): Interface {
	return (
		interfaces[index] ??
		invalid(`a packet of interface ${index}, of which there are ${interfaces.length}`, block.start - 8)
	);
}

function interfaceOf(block: Block): Interface {
	const { file, start, end } = block;
	if (end - start < 8) invalid(`an interface description of ${end - start} bytes`, start - 8);
	let ticksPerSecond = 1_000_000n;
	let offset = 0n;
	for (let at = start + 8; at + 4 <= end; ) {
		const code = file.u16(at);
		const length = file.u16(at + 2);
		if (code === OPTION.END) break;
		if (at + 4 + length > end) invalid(`option ${code} of ${length} bytes passes the end of its block`, at);
		if (code === OPTION.TSRESOL && length === 1) {
			const resolution = file.bytes[at + 4]!;
			// the highest bit: a power of 2 instead of 10
			ticksPerSecond = (resolution & 0x80 ? 2n : 10n) ** BigInt(resolution & 0x7f);
		}
		if (code === OPTION.TSOFFSET && length === 8) offset = file.i64(at + 4) * NS_PER_SECOND;
		at += 4 + ((length + 3) & ~3);
	}
	return {
		linktype: file.u16(start),
		snaplen: file.u32(start + 4),
		numerator: NS_PER_SECOND,
		denominator: ticksPerSecond,
		offset,
	};
}
