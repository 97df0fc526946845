export { EM_BPF, ET, R_BPF, SHF, SHN, SHT, STB, STT, STV } from "./constants.ts";
export { readElf } from "./reader.ts";
export { StringTable, StringTableBuilder } from "./strings.ts";
export type { ElfFile, ElfRelocation, ElfSection, ElfSymbol } from "./types.ts";
export { type RelocationInput, type SectionInput, type SymbolInput, writeElf } from "./writer.ts";
