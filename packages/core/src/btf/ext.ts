import type { StringTable } from "../elf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { BTF_EXT_HEADER, BTF_EXT_HEADER_CORE, BTF_MAGIC, BTF_VERSION } from "./constants.ts";

/** Function that starts at a byte offset of a code section (bpf_func_info). */
export interface FuncInfo {
	/** Bytes from the start of the section; a multiple of 8. */
	readonly offset: number;
	/** BTF FUNC. */
	readonly typeId: number;
}

/** Source line whose code starts at a byte offset of a code section (bpf_line_info). */
export interface LineInfoRecord {
	readonly offset: number;
	readonly file: string;
	/** Text of the line; "" where the compiler had none. */
	readonly text: string;
	readonly line: number;
	readonly column: number;
}

/** CO-RE relocation of the instruction at a byte offset of a code section (bpf_core_relo). */
export interface CoreRelo {
	readonly offset: number;
	/** Root type in the object's own BTF. */
	readonly typeId: number;
	/** Access string: `0:1:2`, or the index of an enum value. */
	readonly access: string;
	/** enum bpf_core_relo_kind; CORE_KINDS has the names. May be one that this version does not know. */
	readonly kind: number;
}

/** Records of one code section, in the order of the bytes. */
export interface BtfExtSection<T> {
	readonly section: string;
	readonly records: readonly T[];
}

/** What `.BTF.ext` says of the code sections of an object; plain data, frozen. */
export interface BtfExt {
	readonly funcs: readonly BtfExtSection<FuncInfo>[];
	readonly lines: readonly BtfExtSection<LineInfoRecord>[];
	readonly coreRelos: readonly BtfExtSection<CoreRelo>[];
}

const HINT = "Compile the object again with clang -g.";

function invalid(message: string, offset: number): never {
	throw new TailhopError("btf/invalid", message, { section: ".BTF.ext", offset }, { hint: HINT });
}

/**
 * Reads `.BTF.ext` (Documentation/bpf/btf.rst section 4). Records longer than those known here are legal, their
 * tails are skipped; shorter ones are errors.
 *
 * @param strings of the object's `.BTF`: `readBtfStrings`.
 * @throws TailhopError `btf/invalid` with `where.offset` in the bytes.
 */
export function readBtfExt(bytes: Uint8Array, strings: StringTable): BtfExt {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (bytes.length < BTF_EXT_HEADER) invalid(`${bytes.length} bytes are no BTF.ext header`, 0);
	const magic = view.getUint16(0, true);
	if (magic !== BTF_MAGIC) invalid(`the magic number is 0x${magic.toString(16)}, not 0xeb9f`, 0);
	if (bytes[2] !== BTF_VERSION) invalid(`BTF.ext version ${bytes[2]}`, 2);
	if (bytes[3] !== 0) invalid(`unknown flags ${bytes[3]}`, 3);
	const headerSize = view.getUint32(4, true);
	if (headerSize < BTF_EXT_HEADER || headerSize > bytes.length) invalid(`a header of ${headerSize} bytes`, 4);

	const string = (offset: number, at: number) =>
		strings.at(offset) ?? invalid(`a string at ${offset}, outside the string section`, at);

	const info = <T>(headerAt: number, known: number, read: (at: number) => T): readonly BtfExtSection<T>[] => {
		const start = headerSize + view.getUint32(headerAt, true);
		const length = view.getUint32(headerAt + 4, true);
		if (length === 0) return Object.freeze([]);
		const end = start + length;
		if (start % 4 !== 0) invalid(`records at ${start}, which is not a multiple of 4`, headerAt);
		if (end > bytes.length) invalid(`${length} bytes of records do not fit`, headerAt + 4);
		if (length < 4) invalid("records without their size", start);
		const size = view.getUint32(start, true);
		if (size < known || size % 4 !== 0) invalid(`records of ${size} bytes, not ${known}`, start);
		const sections: BtfExtSection<T>[] = [];
		for (let at = start + 4; at < end; ) {
			if (end - at < 8) invalid("the records end inside a section's header", at);
			const section = string(view.getUint32(at, true), at);
			const count = view.getUint32(at + 4, true);
			if (count === 0) invalid("a section with no records", at + 4);
			if (count > (end - at - 8) / size) invalid(`${count} records of ${size} bytes do not fit`, at + 4);
			const records: T[] = [];
			for (let i = 0; i < count; i++) records.push(Object.freeze(read(at + 8 + i * size)));
			sections.push(Object.freeze({ section, records: Object.freeze(records) }));
			at += 8 + count * size;
		}
		return Object.freeze(sections);
	};

	const offset = (at: number) => {
		const value = view.getUint32(at, true);
		return value % 8 === 0 ? value : invalid(`instruction offset ${value} is not a multiple of 8`, at);
	};
	return Object.freeze({
		funcs: info(8, 8, (at) => ({ offset: offset(at), typeId: view.getUint32(at + 4, true) })),
		lines: info(16, 16, (at) => {
			const position = view.getUint32(at + 12, true);
			return {
				offset: offset(at),
				file: string(view.getUint32(at + 4, true), at + 4),
				text: string(view.getUint32(at + 8, true), at + 8),
				line: position >>> 10,
				column: position & 0x3ff,
			};
		}),
		coreRelos:
			headerSize < BTF_EXT_HEADER_CORE
				? Object.freeze([])
				: info(24, 16, (at) => ({
						offset: offset(at),
						typeId: view.getUint32(at + 4, true),
						access: string(view.getUint32(at + 8, true), at + 8),
						kind: view.getUint32(at + 12, true),
					})),
	});
}
