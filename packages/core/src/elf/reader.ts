import { TailhopError } from "../errors/index.ts";
import { EM_BPF, R_BPF, SHF, SHN, SHT } from "./constants.ts";
import { StringTable } from "./strings.ts";
import type { ElfFile, ElfRelocation, ElfSection, ElfSymbol } from "./types.ts";

const EHDR_SIZE = 64;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;
const REL_SIZE = 16;
const RELA_SIZE = 24;

const HINT_DAMAGED = "The file is damaged or truncated: compile it again (clang -target bpf -g -O2 -c).";

/** Bytes that a relocation patches in code and in data. Unknown types are the loader's to refuse. */
const PATCHED_BYTES: Readonly<Record<number, { code: number; data: number }>> = {
	[R_BPF.R64_64]: { code: 16, data: 8 },
	[R_BPF.R64_ABS64]: { code: 8, data: 8 },
	[R_BPF.R64_ABS32]: { code: 8, data: 4 },
	[R_BPF.R64_NODYLD32]: { code: 8, data: 4 },
	[R_BPF.R64_32]: { code: 8, data: 4 },
};

function patchedBytes(type: number, target: ElfSection): number {
	// old compilers' relocations of debug info have other widths; no BPF loader applies them
	if ((target.flags & SHF.ALLOC) === 0) return 1;
	const widths = PATCHED_BYTES[type];
	if (widths === undefined) return 1;
	return (target.flags & SHF.EXECINSTR) === 0 ? widths.data : widths.code;
}

/**
 * Reads an ELF64 little-endian BPF object (ELF gABI chapter 4).
 *
 * Every offset, size and count is checked before use; what it allocates is bounded by the size of the file.
 *
 * @throws TailhopError `elf/invalid` with `where.offset`, or `elf/unsupported` for a well-formed file of another
 * kind (big endian, 32 bit, another machine, extended section numbers, compressed sections).
 */
export function readElf(bytes: Uint8Array): ElfFile {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const header = readHeader(bytes, view);
	const sections = readSections(bytes, view, header);
	const symbolTable = theSymbolTable(sections);
	const symbols = symbolTable === undefined ? [] : readSymbols(sections, symbolTable);
	const relocations = readRelocations(bytes.length, sections, symbolTable, symbols.length);
	return Object.freeze({
		type: header.type,
		machine: header.machine,
		sections: Object.freeze(sections),
		symbols: Object.freeze(symbols),
		relocations: Object.freeze(relocations),
	});
}

function invalid(message: string, offset: number, more: { section?: string; hint?: string } = {}): never {
	const where = more.section === undefined ? { offset } : { offset, section: more.section };
	throw new TailhopError("elf/invalid", message, where, { hint: more.hint ?? HINT_DAMAGED });
}

function unsupported(message: string, offset: number, hint: string): never {
	throw new TailhopError("elf/unsupported", message, { offset }, { hint });
}

/** A 64-bit field as a number. Whatever is above 2^53 is past the end of any file. */
function u64(view: DataView, offset: number, what: string): number {
	const value = Number(view.getBigUint64(offset, true));
	return Number.isSafeInteger(value) ? value : invalid(`${what} is 0x${value.toString(16)}`, offset);
}

interface Header {
	type: number;
	machine: number;
	shoff: number;
	shnum: number;
	shstrndx: number;
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
	const magic = bytes.length >= 4 && view.getUint32(0, false) === 0x7f454c46;
	if (!magic) {
		invalid("not an ELF file: the first bytes are not 7f 45 4c 46", 0, {
			hint: "Give the object file that clang -target bpf -c wrote.",
		});
	}
	if (bytes.length < EHDR_SIZE)
		invalid(`the file ends inside the ELF header (${bytes.length} of 64 bytes)`, bytes.length);
	const rebuild = "Compile for little-endian BPF: clang -target bpfel -g -O2 -c.";
	if (bytes[4] === 1) unsupported("a 32-bit ELF file", 4, rebuild);
	if (bytes[4] !== 2) invalid(`unknown ELF class ${bytes[4]}`, 4);
	if (bytes[5] === 2) unsupported("a big-endian ELF file", 5, rebuild);
	if (bytes[5] !== 1) invalid(`unknown ELF data encoding ${bytes[5]}`, 5);
	if (bytes[6] !== 1) invalid(`unknown ELF version ${bytes[6]}`, 6);
	const machine = view.getUint16(18, true);
	if (machine !== EM_BPF && machine !== 0) {
		unsupported(`an object for machine ${machine}, not for BPF (247)`, 18, "Compile with clang -target bpf.");
	}
	const shoff = u64(view, 40, "the offset of the section headers");
	const shentsize = view.getUint16(58, true);
	const shnum = view.getUint16(60, true);
	const shstrndx = view.getUint16(62, true);
	if (shoff === 0) invalid("the file has no section headers", 40);
	if (shentsize !== SHDR_SIZE) invalid(`section headers of ${shentsize} bytes, not 64`, 58);
	if (shnum === 0 || shstrndx === SHN.XINDEX) {
		unsupported(
			"more than 65,279 sections",
			60,
			"Split the object: no BPF loader reads extended section numbers.",
		);
	}
	if (shoff > bytes.length || shnum * SHDR_SIZE > bytes.length - shoff) {
		invalid(`${shnum} section headers at ${shoff} do not fit in a file of ${bytes.length} bytes`, 40);
	}
	if (shstrndx >= shnum) invalid(`section ${shstrndx} cannot hold the section names: there are ${shnum}`, 62);
	return { type: view.getUint16(16, true), machine, shoff, shnum, shstrndx };
}

function readSections(bytes: Uint8Array, view: DataView, header: Header): ElfSection[] {
	const at = (index: number) => header.shoff + index * SHDR_SIZE;
	const names = readStrings(bytes, view, at(header.shstrndx), "section names");
	const sections: ElfSection[] = [];
	for (let index = 0; index < header.shnum; index++) {
		const base = at(index);
		const name = names?.at(view.getUint32(base, true)) ?? invalid(`section ${index} has no valid name`, base);
		const type = view.getUint32(base + 4, true);
		const flags = u64(view, base + 8, `flags of section ${index}`);
		const { offset, size } = readExtent(bytes, view, base, type, name);
		sections.push(
			Object.freeze({
				index,
				name,
				type,
				flags,
				offset,
				size,
				data:
					type === SHT.NOBITS || type === SHT.NULL
						? new Uint8Array(0)
						: bytes.subarray(offset, offset + size),
				link: view.getUint32(base + 40, true),
				info: view.getUint32(base + 44, true),
				entsize: u64(view, base + 56, `entry size of section ${index}`),
				addralign: u64(view, base + 48, `alignment of section ${index}`),
			}),
		);
	}
	return sections;
}

/** Offset and size of a section whose header is at `base`; in the file, unless it has no bytes there. */
function readExtent(bytes: Uint8Array, view: DataView, base: number, type: number, section: string) {
	const offset = u64(view, base + 24, "offset of a section");
	const size = u64(view, base + 32, "size of a section");
	if (type === SHT.NULL) return { offset: 0, size: 0 };
	if (type === SHT.NOBITS) {
		if (size > 0xffff_ffff)
			invalid(`a section of ${size} bytes: BPF data is at most 4 GiB`, base + 32, { section });
		return { offset, size };
	}
	if (offset > bytes.length || size > bytes.length - offset) {
		invalid(`${size} bytes at ${offset} do not fit in a file of ${bytes.length} bytes`, base + 24, {
			section,
		});
	}
	return { offset, size };
}

function readStrings(bytes: Uint8Array, view: DataView, base: number, what: string): StringTable | undefined {
	const type = view.getUint32(base + 4, true);
	if (type !== SHT.STRTAB)
		invalid(`the section of the ${what} is not a string table (type ${type})`, base + 4);
	const { offset, size } = readExtent(bytes, view, base, type, what);
	return new StringTable(bytes.subarray(offset, offset + size));
}

function theSymbolTable(sections: readonly ElfSection[]): ElfSection | undefined {
	const tables = sections.filter((section) => section.type === SHT.SYMTAB);
	const [table, second] = tables;
	if (second !== undefined) {
		invalid(`two symbol tables: sections ${table!.index} and ${second.index}`, second.offset, {
			section: second.name,
		});
	}
	return table;
}

function readSymbols(sections: readonly ElfSection[], table: ElfSection): ElfSymbol[] {
	const fail = (message: string, offset: number) =>
		invalid(message, table.offset + offset, { section: table.name });
	if (table.entsize !== SYM_SIZE) fail(`symbols of ${table.entsize} bytes, not 24`, 0);
	if (table.size % SYM_SIZE !== 0) fail(`${table.size} bytes are not a whole number of symbols`, 0);
	const strings = sections[table.link];
	if (strings === undefined || strings.type !== SHT.STRTAB)
		fail(`section ${table.link} holds no symbol names`, 0);
	const names = new StringTable(strings!.data);
	const view = new DataView(table.data.buffer, table.data.byteOffset, table.data.byteLength);
	const symbols: ElfSymbol[] = [];
	for (let at = 0; at < table.size; at += SYM_SIZE) {
		const index = at / SYM_SIZE;
		const section = view.getUint16(at + 6, true);
		if (section === SHN.XINDEX) {
			unsupported("more than 65,279 sections", table.offset + at + 6, "Split the object.");
		}
		if (section >= sections.length && section < SHN.LORESERVE) {
			fail(`symbol ${index} is in section ${section}: there are ${sections.length}`, at + 6);
		}
		const name = names.at(view.getUint32(at, true)) ?? fail(`symbol ${index} has no valid name`, at);
		const value = Number(view.getBigUint64(at + 8, true));
		const size = Number(view.getBigUint64(at + 16, true));
		if (!Number.isSafeInteger(value)) fail(`symbol ${index} has the value ${value}`, at + 8);
		if (!Number.isSafeInteger(size)) fail(`symbol ${index} has the size ${size}`, at + 16);
		const info = view.getUint8(at + 4);
		symbols.push(
			Object.freeze({
				index,
				name,
				value,
				size,
				type: info & 15,
				bind: info >> 4,
				visibility: view.getUint8(at + 5) & 3,
				section,
			}),
		);
	}
	return symbols;
}

function readRelocations(
	fileSize: number,
	sections: readonly ElfSection[],
	symbolTable: ElfSection | undefined,
	symbolCount: number,
): ElfRelocation[] {
	const relocations: ElfRelocation[] = [];
	let total = 0;
	for (const table of sections) {
		if (table.type !== SHT.REL && table.type !== SHT.RELA) continue;
		const fail = (message: string, offset: number) =>
			invalid(message, table.offset + offset, { section: table.name });
		const withAddend = table.type === SHT.RELA;
		const entry = withAddend ? RELA_SIZE : REL_SIZE;
		if (table.entsize !== entry) fail(`relocations of ${table.entsize} bytes, not ${entry}`, 0);
		if (table.size % entry !== 0) fail(`${table.size} bytes are not a whole number of relocations`, 0);
		// tables that overlap would let a small file claim the square of its size
		total += table.size;
		if (total > fileSize) fail("relocation sections overlap", 0);
		const target = sections[table.info];
		if (target === undefined || target.index === 0 || target === table) {
			fail(`it relocates section ${table.info}, which is none`, 0);
		}
		if (symbolTable === undefined || table.link !== symbolTable.index) {
			fail(`its symbols are in section ${table.link}, which is no symbol table`, 0);
		}
		const view = new DataView(table.data.buffer, table.data.byteOffset, table.data.byteLength);
		for (let at = 0; at < table.size; at += entry) {
			const type = view.getUint32(at + 8, true);
			const symbol = view.getUint32(at + 12, true);
			const offset = Number(view.getBigUint64(at, true));
			if (symbol >= symbolCount) fail(`symbol ${symbol} of ${symbolCount}`, at + 12);
			if (offset + patchedBytes(type, target!) > target!.size) {
				fail(`offset ${offset} is outside ${target!.name} (${target!.size} bytes)`, at);
			}
			relocations.push(
				Object.freeze({
					section: table.info,
					offset,
					type,
					symbol,
					...(withAddend ? { addend: view.getBigInt64(at + 16, true) } : {}),
				}),
			);
		}
	}
	return relocations;
}
