/** Values of the ELF64 gABI and of LLVM's BPF back end that BPF objects use. */
export const EM_BPF = 247;

export const ET = { NONE: 0, REL: 1, EXEC: 2, DYN: 3 } as const;

export const SHT = {
	NULL: 0,
	PROGBITS: 1,
	SYMTAB: 2,
	STRTAB: 3,
	RELA: 4,
	HASH: 5,
	DYNAMIC: 6,
	NOTE: 7,
	NOBITS: 8,
	REL: 9,
	DYNSYM: 11,
	GROUP: 17,
	SYMTAB_SHNDX: 18,
	LLVM_ADDRSIG: 0x6fff4c03,
} as const;

export const SHF = {
	WRITE: 1,
	ALLOC: 2,
	EXECINSTR: 4,
	MERGE: 0x10,
	STRINGS: 0x20,
	INFO_LINK: 0x40,
	GROUP: 0x200,
	COMPRESSED: 0x800,
	EXCLUDE: 0x80000000,
} as const;

export const SHN = { UNDEF: 0, LORESERVE: 0xff00, ABS: 0xfff1, COMMON: 0xfff2, XINDEX: 0xffff } as const;

export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4, COMMON: 5, TLS: 6 } as const;

export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;

export const STV = { DEFAULT: 0, INTERNAL: 1, HIDDEN: 2, PROTECTED: 3 } as const;

/**
 * Relocations (LLVM's BPF.def; Documentation/bpf/llvm_reloc.rst). 64_64 patches both imms of a lddw, 64_ABS64 and
 * 64_ABS32 data, 64_NODYLD32 BTF and BTF.ext (already applied for loaders), 64_32 the imm of a call.
 */
export const R_BPF = { NONE: 0, R64_64: 1, R64_ABS64: 2, R64_ABS32: 3, R64_NODYLD32: 4, R64_32: 10 } as const;
