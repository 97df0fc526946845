import { StringTableBuilder } from "../elf/index.ts";
import { checkTypes, failWithoutOffset } from "./check.ts";
import { BTF_EXT_HEADER_CORE, BTF_HEADER, BTF_KINDS, BTF_MAGIC, BTF_VERSION } from "./constants.ts";
import type { BtfExt, BtfExtSection } from "./ext.ts";
import type { Btf, BtfType } from "./types.ts";

/** `.BTF` bytes and where their string section has a text. */
export interface EncodedBtf {
	readonly bytes: Uint8Array;
	/** Offset in the string section of a name in `btf` or of one of the extra strings; others are undefined. */
	readonly offsetOf: (text: string) => number | undefined;
}

/**
 * BTF bytes: a header, the types in the order of their ids, and each string once in the order of first use. The same
 * bytes for the same types, everywhere.
 *
 * @throws TailhopError `btf/invalid` with `detail.typeId` for types that do not check (see check.ts) or do not fit.
 */
export function writeBtf(btf: Btf): Uint8Array {
	return encodeBtf(btf).bytes;
}

/** As `writeBtf`, with strings added that BTF.ext or bpf(2)'s line_info refer to: file names and source lines. */
export function encodeBtf(btf: Btf, extraStrings: Iterable<string> = []): EncodedBtf {
	checkTypes(btf.types, failWithoutOffset);
	const strings = new StringTableBuilder();
	const words: number[] = [];
	btf.types.forEach((type, id) => {
		if (id > 0) encodeType(type, id, words, strings);
	});
	for (const text of extraStrings) addString(strings, text, 0);
	const table = strings.finish();
	const out = new Uint8Array(BTF_HEADER + words.length * 4 + table.length);
	const view = new DataView(out.buffer);
	writeHeader(view, BTF_HEADER, [0, words.length * 4, words.length * 4, table.length]);
	words.forEach((word, i) => {
		view.setUint32(BTF_HEADER + i * 4, word, true);
	});
	out.set(table, BTF_HEADER + words.length * 4);
	return { bytes: out, offsetOf: (text) => strings.find(text) };
}

function writeHeader(view: DataView, size: number, fields: readonly number[]): void {
	view.setUint16(0, BTF_MAGIC, true);
	view.setUint8(2, BTF_VERSION);
	view.setUint32(4, size, true);
	fields.forEach((field, i) => {
		view.setUint32(8 + i * 4, field, true);
	});
}

function addString(strings: StringTableBuilder, text: string, id: number): number {
	// the whole is what a reader sees: a NUL would end the string early
	if (text.includes("\0")) failWithoutOffset(id, `a string with a NUL: ${JSON.stringify(text)}`);
	return strings.add(text);
}

const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(BTF_KINDS.map((kind, number) => [kind, number]));

/** Pushes the words of one type: name, info, size or type, and what the kind adds. */
function encodeType(type: BtfType, id: number, words: number[], strings: StringTableBuilder): void {
	const name = (text: string) => addString(strings, text, id);
	const head = (text: string, vlen: number, sizeOrType: number, flag = false) => {
		if (vlen > 0xffff) failWithoutOffset(id, `${vlen} entries: at most 65,535 fit`);
		words.push(
			name(text),
			(flag ? 0x8000_0000 : 0) + (KIND_NUMBERS.get(type.kind)! << 24) + vlen,
			sizeOrType,
		);
	};
	switch (type.kind) {
		case "void":
			failWithoutOffset(id, "only type 0 is void");
			break;
		case "int":
			head(type.name, 0, type.size);
			words.push((type.encoding << 24) | (type.bitOffset << 16) | type.bits);
			break;
		case "ptr":
		case "typedef":
		case "volatile":
		case "const":
		case "restrict":
			head(type.name, 0, type.type);
			break;
		case "type_tag":
			head(type.name, 0, type.type, type.attribute);
			break;
		case "array":
			head("", 0, 0);
			words.push(type.type, type.indexType, type.count);
			break;
		case "struct":
		case "union":
			head(type.name, type.members.length, type.size, type.kindFlag);
			for (const member of type.members) {
				const isPacked = member.bitOffset > 0xff_ffff || member.bitSize > 0xff;
				if (type.kindFlag && isPacked)
					failWithoutOffset(id, `member ${member.name} does not fit beside bit fields`);
				if (!type.kindFlag && member.bitSize !== 0)
					failWithoutOffset(id, `bit field ${member.name} without kindFlag`);
				words.push(name(member.name), member.type, member.bitSize * 0x100_0000 + member.bitOffset);
			}
			break;
		case "enum":
			head(type.name, type.values.length, type.size, type.signed);
			for (const { name: text, value } of type.values) words.push(name(text), value >>> 0);
			break;
		case "enum64":
			head(type.name, type.values.length, type.size, type.signed);
			for (const { name: text, value } of type.values) {
				words.push(name(text), Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
			}
			break;
		case "fwd":
			head(type.name, 0, 0, type.union);
			break;
		case "func":
			head(type.name, type.linkage, type.type);
			break;
		case "func_proto":
			head("", type.params.length, type.type);
			for (const param of type.params) words.push(name(param.name), param.type);
			break;
		case "var":
			head(type.name, 0, type.type);
			words.push(type.linkage);
			break;
		case "datasec":
			head(type.name, type.vars.length, type.size);
			for (const entry of type.vars) words.push(entry.type, entry.offset, entry.size);
			break;
		case "float":
			head(type.name, 0, type.size);
			break;
		case "decl_tag":
			head(type.name, 0, type.type, type.attribute);
			words.push(type.component >>> 0);
			break;
	}
}

/**
 * `.BTF` and `.BTF.ext` of one object; the strings of both stand in `.BTF`. Lines above 4,194,303 and columns above
 * 1,023 become 0, as compilers do it: unknown.
 */
export function writeBtfAndExt(
	btf: Btf,
	ext: BtfExt,
): { readonly btf: Uint8Array; readonly ext: Uint8Array } {
	const { bytes, offsetOf } = encodeBtf(btf, stringsOf(ext));
	return { btf: bytes, ext: encodeExt(ext, (text) => offsetOf(text)!) };
}

function* stringsOf(ext: BtfExt): Iterable<string> {
	for (const { section } of [...ext.funcs, ...ext.lines, ...ext.coreRelos]) yield section;
	for (const { records } of ext.lines) for (const record of records) yield* [record.file, record.text];
	for (const { records } of ext.coreRelos) for (const record of records) yield record.access;
}

/** line_col of bpf_line_info: 22 bits of line, 10 of column. */
export function lineColumn(line: number, column: number): number {
	return (line > 0x3f_ffff ? 0 : line) * 1024 + (column > 0x3ff ? 0 : column);
}

function encodeExt(ext: BtfExt, string: (text: string) => number): Uint8Array {
	const infos = [
		encodeInfo(ext.funcs, 8, string, (record) => [record.offset, record.typeId]),
		encodeInfo(ext.lines, 16, string, (record) => [
			record.offset,
			string(record.file),
			string(record.text),
			lineColumn(record.line, record.column),
		]),
		encodeInfo(ext.coreRelos, 16, string, (record) => [
			record.offset,
			record.typeId,
			string(record.access),
			record.kind,
		]),
	];
	const words = infos.flat();
	const out = new Uint8Array(BTF_EXT_HEADER_CORE + words.length * 4);
	const view = new DataView(out.buffer);
	const fields: number[] = [];
	let offset = 0;
	for (const info of infos) {
		fields.push(offset, info.length * 4);
		offset += info.length * 4;
	}
	writeHeader(view, BTF_EXT_HEADER_CORE, fields);
	words.forEach((word, i) => {
		view.setUint32(BTF_EXT_HEADER_CORE + i * 4, word, true);
	});
	return out;
}

function encodeInfo<T>(
	sections: readonly BtfExtSection<T>[],
	recordSize: number,
	string: (text: string) => number,
	encode: (record: T) => number[],
): number[] {
	const used = sections.filter((section) => section.records.length > 0);
	if (used.length === 0) return [];
	return [
		recordSize,
		...used.flatMap(({ section, records }) => [string(section), records.length, ...records.flatMap(encode)]),
	];
}
