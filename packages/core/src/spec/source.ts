import { type Btf, type BtfExt, readBtf, readBtfExt, readBtfStrings } from "../btf/index.ts";
import {
	type ElfFile,
	type ElfRelocation,
	type ElfSection,
	type ElfSymbol,
	readElf,
	SHF,
	SHT,
} from "../elf/index.ts";
import { TailhopError, type Where } from "../errors/index.ts";

/** What a section is to a loader; decided by its name and flags, as libbpf does. */
export type SectionRole =
	| "code"
	| "btf-maps"
	| "legacy-maps"
	| "data"
	| "rodata"
	| "bss"
	| "struct-ops"
	| "none";

/** An object's parts, read and indexed; what the readers of maps, code and externs share. */
export interface Source {
	readonly file: string;
	readonly elf: ElfFile;
	/** The first section of each name. */
	readonly sections: ReadonlyMap<string, ElfSection>;
	readonly btf?: Btf;
	readonly ext?: BtfExt;
	/** By section index. */
	readonly roles: readonly SectionRole[];
	/** Symbols of each section, by section index; sorted by value, then by their order in the file. */
	readonly symbols: readonly (readonly ElfSymbol[])[];
	/** Relocations of each section, by section index; sorted by offset. */
	readonly relocations: readonly (readonly ElfRelocation[])[];
}

const HINT = "Compile the object again; if it comes from another tool than clang, say so in a bug report.";

/** Throws spec/invalid: the object contradicts itself. */
export function invalid(message: string, where: Where = {}, hint: string = HINT): never {
	throw new TailhopError("spec/invalid", message, where, { hint });
}

/** Throws spec/unsupported: well-formed, but nothing that Tailhop handles. */
export function unsupported(message: string, where: Where, hint: string): never {
	throw new TailhopError("spec/unsupported", message, where, { hint });
}

const isOrUnder = (name: string, stem: string) => name === stem || name.startsWith(`${stem}.`);

function roleOf({ name, type, flags, size }: ElfSection): SectionRole {
	if (type !== SHT.PROGBITS && type !== SHT.NOBITS) return "none";
	if (size === 0) return "none";
	if (isOrUnder(name, ".bss")) return "bss";
	if (isOrUnder(name, ".rodata")) return type === SHT.NOBITS ? "none" : "rodata";
	if (isOrUnder(name, ".data")) return type === SHT.NOBITS ? "bss" : "data";
	if (type === SHT.NOBITS) return "none";
	if (flags & SHF.EXECINSTR) return "code";
	if (name === ".maps") return "btf-maps";
	if (name === "maps" || name.startsWith("maps/")) return "legacy-maps";
	if (/^\??\.struct_ops(\.link)?$/.test(name)) return "struct-ops";
	return "none";
}

/** Reads and indexes the file. `bytes` are kept as views. */
export function openSource(bytes: Uint8Array, file: string): Source {
	const elf = readElf(bytes);
	const roles = elf.sections.map(roleOf);
	checkOverlap(elf, roles, bytes.length);
	const symbols: ElfSymbol[][] = elf.sections.map(() => []);
	for (const symbol of elf.symbols) symbols[symbol.section]?.push(symbol);
	for (const list of symbols) list.sort((a, b) => a.value - b.value || a.index - b.index);
	const relocations: ElfRelocation[][] = elf.sections.map(() => []);
	for (const relocation of elf.relocations) relocations[relocation.section]!.push(relocation);
	for (const list of relocations) list.sort((a, b) => a.offset - b.offset);

	const sections = new Map<string, ElfSection>();
	for (const section of elf.sections) if (!sections.has(section.name)) sections.set(section.name, section);
	const base = { file, elf, sections, roles, symbols, relocations };
	const btfSection = bytesOf(sections, ".BTF");
	if (btfSection === undefined) return base;
	const btf = readBtf(btfSection);
	const extSection = bytesOf(sections, ".BTF.ext");
	if (extSection === undefined) return { ...base, btf };
	return { ...base, btf, ext: readBtfExt(extSection, readBtfStrings(btfSection)) };
}

function bytesOf(sections: ReadonlyMap<string, ElfSection>, name: string): Uint8Array | undefined {
	const section = sections.get(name);
	return section !== undefined && section.type === SHT.PROGBITS && section.size > 0
		? section.data
		: undefined;
}

/** Sections whose bytes overlap would let a small file claim the square of its size. */
function checkOverlap(elf: ElfFile, roles: readonly SectionRole[], fileSize: number): void {
	let total = 0;
	for (const section of elf.sections) {
		if (section.type === SHT.NOBITS || roles[section.index] === "none") continue;
		total += section.size;
		if (total > fileSize)
			invalid("sections overlap in the file", { section: section.name, offset: section.offset });
	}
}

/** Little-endian u32 at a byte of a section; 0 past its end. */
export function u32(data: Uint8Array, at: number): number {
	if (at + 4 > data.length) return 0;
	return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(at, true);
}

/** The first names of a list, for hints. */
export function listed(names: Iterable<string>): string {
	const all = [...names];
	if (all.length === 0) return "none";
	return all.slice(0, 12).join(", ") + (all.length > 12 ? `, and ${all.length - 12} more` : "");
}
