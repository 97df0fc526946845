import { TailhopError } from "../errors/index.ts";
import { EM_BPF, ET, SHF, SHN, SHT, STB } from "./constants.ts";
import { StringTableBuilder } from "./strings.ts";
import type { ElfRelocation, ElfSection, ElfSymbol } from "./types.ts";

/** A section to write; its index in the file is its position in the list plus 1. */
export type SectionInput = Pick<ElfSection, "name" | "type"> &
	Partial<Pick<ElfSection, "flags" | "data" | "size" | "link" | "info" | "entsize" | "addralign">>;

/** A symbol to write; relocations call it by its position in the list plus 1. `section` is a section's index. */
export type SymbolInput = Pick<ElfSymbol, "name" | "section"> &
	Partial<Pick<ElfSymbol, "value" | "size" | "type" | "bind" | "visibility">>;

/** `section` and `symbol` are indexes as above: 1 is the first of the list. */
export type RelocationInput = Omit<ElfRelocation, "addend">;

const EHDR_SIZE = 64;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;
const REL_SIZE = 16;

/**
 * Writes a relocatable BPF object: the same bytes for the same arguments, everywhere.
 *
 * Layout: ELF header, the given sections in their order, then `.rel<name>` for each relocated section, `.symtab`,
 * `.strtab` (symbol and section names), and the section headers. Local symbols are moved before the others, as ELF
 * wants them; relocations follow. All relocations are SHT_REL, as clang writes them for BPF.
 *
 * @throws TailhopError `elf/invalid` when an index is out of range or a name contains a NUL.
 */
export function writeElf(
	sections: readonly SectionInput[],
	symbols: readonly SymbolInput[],
	relocations: readonly RelocationInput[],
): Uint8Array {
	check(sections, symbols, relocations);
	const strings = new StringTableBuilder();
	const { order, place } = localsFirst(symbols);
	const symtabIndex = sections.length + new Set(relocations.map((relocation) => relocation.section)).size + 1;

	const all: SectionInput[] = [...sections];
	for (let section = 1; section <= sections.length; section++) {
		const own = relocations.filter((relocation) => relocation.section === section);
		if (own.length === 0) continue;
		all.push({
			name: `.rel${sections[section - 1]!.name}`,
			type: SHT.REL,
			flags: SHF.INFO_LINK,
			data: encodeRelocations(own, place),
			link: symtabIndex,
			info: section,
			entsize: REL_SIZE,
			addralign: 8,
		});
	}
	const firstGlobal = order.findIndex((symbol) => (symbol.bind ?? STB.LOCAL) !== STB.LOCAL);
	all.push({
		name: ".symtab",
		type: SHT.SYMTAB,
		data: encodeSymbols(order, strings),
		link: symtabIndex + 1,
		info: (firstGlobal < 0 ? order.length : firstGlobal) + 1,
		entsize: SYM_SIZE,
		addralign: 8,
	});
	for (const section of all) strings.add(section.name);
	strings.add(".strtab");
	all.push({ name: ".strtab", type: SHT.STRTAB, data: strings.finish() });
	return assemble(all, strings);
}

function invalid(message: string, hint: string): never {
	throw new TailhopError("elf/invalid", message, {}, { hint });
}

function check(
	sections: readonly SectionInput[],
	symbols: readonly SymbolInput[],
	relocations: readonly RelocationInput[],
): void {
	for (const { name } of [...sections, ...symbols]) {
		if (name.includes("\0"))
			invalid(`a name with a NUL: ${JSON.stringify(name)}`, "ELF names end at the first NUL.");
	}
	if (sections.length > 0x7fff) invalid(`${sections.length} sections`, "Write fewer sections.");
	for (const { name, section } of symbols) {
		if (section > sections.length && section !== SHN.ABS && section !== SHN.COMMON) {
			invalid(`symbol ${name} is in section ${section} of ${sections.length}`, "Sections count from 1.");
		}
	}
	for (const { section, symbol } of relocations) {
		if (section < 1 || section > sections.length) {
			invalid(`a relocation of section ${section} of ${sections.length}`, "Sections count from 1.");
		}
		if (symbol < 1 || symbol > symbols.length) {
			invalid(`a relocation to symbol ${symbol} of ${symbols.length}`, "Symbols count from 1.");
		}
	}
}

/** The symbols with locals first, and for each position in the input (from 1) its index in the file. */
function localsFirst(symbols: readonly SymbolInput[]): {
	order: readonly SymbolInput[];
	place: readonly number[];
} {
	const isLocal = (symbol: SymbolInput) => (symbol.bind ?? STB.LOCAL) === STB.LOCAL;
	const indexes = symbols.map((_, i) => i);
	const sorted = [
		...indexes.filter((i) => isLocal(symbols[i]!)),
		...indexes.filter((i) => !isLocal(symbols[i]!)),
	];
	const place: number[] = [0];
	sorted.forEach((from, to) => {
		place[from + 1] = to + 1;
	});
	return { order: sorted.map((i) => symbols[i]!), place };
}

function encodeSymbols(symbols: readonly SymbolInput[], strings: StringTableBuilder): Uint8Array {
	const out = new Uint8Array((symbols.length + 1) * SYM_SIZE);
	const view = new DataView(out.buffer);
	symbols.forEach((symbol, i) => {
		const at = (i + 1) * SYM_SIZE;
		view.setUint32(at, strings.add(symbol.name), true);
		view.setUint8(at + 4, ((symbol.bind ?? STB.LOCAL) << 4) | (symbol.type ?? 0));
		view.setUint8(at + 5, symbol.visibility ?? 0);
		view.setUint16(at + 6, symbol.section, true);
		view.setBigUint64(at + 8, BigInt(symbol.value ?? 0), true);
		view.setBigUint64(at + 16, BigInt(symbol.size ?? 0), true);
	});
	return out;
}

function encodeRelocations(relocations: readonly RelocationInput[], place: readonly number[]): Uint8Array {
	const out = new Uint8Array(relocations.length * REL_SIZE);
	const view = new DataView(out.buffer);
	relocations.forEach((relocation, i) => {
		view.setBigUint64(i * REL_SIZE, BigInt(relocation.offset), true);
		view.setUint32(i * REL_SIZE + 8, relocation.type, true);
		view.setUint32(i * REL_SIZE + 12, place[relocation.symbol]!, true);
	});
	return out;
}

function assemble(sections: readonly SectionInput[], strings: StringTableBuilder): Uint8Array {
	const align = (offset: number, to: number) => Math.ceil(offset / to) * to;
	let end = EHDR_SIZE;
	const offsets = sections.map((section) => {
		const offset = align(end, Math.max(section.addralign ?? 1, 1));
		if (section.type !== SHT.NOBITS) end = offset + (section.data?.length ?? 0);
		return offset;
	});
	const shoff = align(end, 8);
	const out = new Uint8Array(shoff + (sections.length + 1) * SHDR_SIZE);
	const view = new DataView(out.buffer);
	out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
	view.setUint16(16, ET.REL, true);
	view.setUint16(18, EM_BPF, true);
	view.setUint32(20, 1, true);
	view.setBigUint64(40, BigInt(shoff), true);
	view.setUint16(52, EHDR_SIZE, true);
	view.setUint16(58, SHDR_SIZE, true);
	view.setUint16(60, sections.length + 1, true);
	view.setUint16(62, sections.length, true);
	sections.forEach((section, i) => {
		const at = shoff + (i + 1) * SHDR_SIZE;
		const isBytes = section.type !== SHT.NOBITS;
		if (isBytes && section.data !== undefined) out.set(section.data, offsets[i]);
		view.setUint32(at, strings.add(section.name), true);
		view.setUint32(at + 4, section.type, true);
		view.setBigUint64(at + 8, BigInt(section.flags ?? 0), true);
		view.setBigUint64(at + 24, BigInt(offsets[i]!), true);
		view.setBigUint64(at + 32, BigInt(isBytes ? (section.data?.length ?? 0) : (section.size ?? 0)), true);
		view.setUint32(at + 40, section.link ?? 0, true);
		view.setUint32(at + 44, section.info ?? 0, true);
		view.setBigUint64(at + 48, BigInt(section.addralign ?? 1), true);
		view.setBigUint64(at + 56, BigInt(section.entsize ?? 0), true);
	});
	return out;
}
