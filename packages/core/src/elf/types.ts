/** One section. Numbers are those of the section header (ELF64 gABI, "Section header"); SHT and SHF name the values. */
export interface ElfSection {
	/** Position in the section header table; 0 is the null section. */
	readonly index: number;
	readonly name: string;
	/** SHT_*. */
	readonly type: number;
	/** SHF_*. */
	readonly flags: number;
	/** Where its bytes start in the file; errors name it. */
	readonly offset: number;
	/** In bytes. For NOBITS (`.bss`) the bytes that it would have: at most 2^32 - 1, and nothing is allocated. */
	readonly size: number;
	/** A view on the file's bytes, not a copy; empty for NOBITS. */
	readonly data: Uint8Array;
	readonly link: number;
	readonly info: number;
	readonly entsize: number;
	readonly addralign: number;
}

export interface ElfSymbol {
	/** Position in the symbol table; 0 is the null symbol. */
	readonly index: number;
	readonly name: string;
	/** In a relocatable object: byte offset in `section`. */
	readonly value: number;
	readonly size: number;
	/** STT_*. */
	readonly type: number;
	/** STB_*. */
	readonly bind: number;
	/** STV_*. */
	readonly visibility: number;
	/** Section index; 0 = undefined (an extern), SHN.ABS or SHN.COMMON. Any other is in range of `sections`. */
	readonly section: number;
}

export interface ElfRelocation {
	/** Section that it patches. */
	readonly section: number;
	/** Byte offset of the place in that section; where the section is ALLOC, the whole field that `type` patches lies inside. */
	readonly offset: number;
	/** R_BPF_*. */
	readonly type: number;
	/** Index in `symbols`. */
	readonly symbol: number;
	/** Of SHT_RELA; undefined for SHT_REL, where the addend stands in the place itself. */
	readonly addend?: bigint;
}

/** A well-formed ELF64 little-endian BPF object; plain data, frozen. Every index in it is in range. */
export interface ElfFile {
	/** e_type: 1 = ET_REL. */
	readonly type: number;
	/** e_machine: 247 = EM_BPF, or 0 from old compilers. */
	readonly machine: number;
	/** `sections[i].index === i`. */
	readonly sections: readonly ElfSection[];
	/** `symbols[i].index === i`; empty where the file has no symbol table. */
	readonly symbols: readonly ElfSymbol[];
	/** Of all sections, in the order of the file. */
	readonly relocations: readonly ElfRelocation[];
}
