/** linux/btf.h: BTF_MAGIC, BTF_VERSION, BTF_KIND_*, BTF_INT_*. */
export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;

/** Size of the header of `.BTF` that every version has, and of `.BTF.ext` without and with CO-RE records. */
export const BTF_HEADER = 24;
export const BTF_EXT_HEADER = 24;
export const BTF_EXT_HEADER_CORE = 32;

/** Position in this list = BTF_KIND_*. `enum` stands at 6, `enum64` at 19. */
export const BTF_KINDS = [
	"void",
	"int",
	"ptr",
	"array",
	"struct",
	"union",
	"enum",
	"fwd",
	"typedef",
	"volatile",
	"const",
	"restrict",
	"func",
	"func_proto",
	"var",
	"datasec",
	"float",
	"decl_tag",
	"type_tag",
	"enum64",
] as const;

export const BTF_INT = { NONE: 0, SIGNED: 1, CHAR: 2, BOOL: 4 } as const;

/** BTF_FUNC_* of a func, BTF_VAR_* of a var. */
export const BTF_FUNC = { STATIC: 0, GLOBAL: 1, EXTERN: 2 } as const;
export const BTF_VAR = { STATIC: 0, GLOBAL: 1, EXTERN: 2 } as const;
