import { OP_NAMES, type Op, TABLE } from "../isa/index.ts";
import { lex } from "./lexer.ts";

/**
 * The `text` column of the instruction table, compiled. Words and punctuation stand for themselves; a `$` part is
 * an operand:
 *
 *   $rd $rs   dst, src as r0-r10            $wd $ws   as w0-w10
 *   $ld $ls   printed as r, written as r or w (loads and stores of less than 64 bits: LLVM prints either)
 *   $vd $vs   printed as w, written as r or w
 *   $ro $wo   the operand: imm, or src as r or w
 *   $imm      imm, signed 32 bit            $imm64    both halves of a lddw
 *   $off      " + N" or " - N"              $disp     " + imm", nothing when 0
 *   $as       destination and source address space, from imm
 *   $to       off as "+N", or a label       $to32     imm as "+N", or a label
 *   $helper   id or name                    $local    imm as "+N", or a function's name
 *   $kfunc    kfunc ID, kfunc ID@FD_INDEX
 *   $map_fd $map_value $map_idx $map_idx_value $btf_id $func   what a lddw refers to: see reference.ts
 */
export const PARTS = [
	"rd",
	"rs",
	"wd",
	"ws",
	"ld",
	"ls",
	"vd",
	"vs",
	"ro",
	"wo",
	"imm",
	"imm64",
	"off",
	"disp",
	"as",
	"to",
	"to32",
	"helper",
	"local",
	"kfunc",
	"map_fd",
	"map_value",
	"map_idx",
	"map_idx_value",
	"btf_id",
	"func",
] as const;
export type PartName = (typeof PARTS)[number];

const REGISTER_PARTS: readonly PartName[] = ["rd", "rs", "wd", "ws", "ld", "ls", "vd", "vs"];

export type Part =
	| { readonly kind: "literal"; readonly text: string }
	| { readonly kind: "operand"; readonly name: PartName };

export interface Template {
	readonly op: Op;
	/** For parsing: tokens and operands. */
	readonly parts: readonly Part[];
	/**
	 * The first tokens, as far as their number is certain (registers are one each): a literal or, for a register,
	 * undefined. Most statements fit one or two templates' prefixes.
	 */
	readonly prefix: readonly (string | undefined)[];
	/** For printing: the text cut at operands, spaces kept. */
	readonly pieces: readonly Part[];
}

function isPart(name: string): name is PartName {
	return (PARTS as readonly string[]).includes(name);
}

function compile(op: Op): Template {
	const pieces: Part[] = TABLE[op].text
		.split(/(\$[a-z_]+(?:32|64)?)/)
		.filter((piece) => piece !== "")
		.map((piece) => {
			if (!piece.startsWith("$")) return { kind: "literal", text: piece };
			const name = piece.slice(1);
			if (!isPart(name)) throw new Error(`isa/table.ts: unknown part ${piece} of ${op}`);
			return { kind: "operand", name };
		});
	const parts = pieces.flatMap((piece): readonly Part[] =>
		piece.kind === "operand"
			? [piece]
			: (lex(piece.text)[0]?.tokens ?? []).map((token) => ({ kind: "literal", text: token.text })),
	);
	const open = parts.findIndex((part) => part.kind === "operand" && !REGISTER_PARTS.includes(part.name));
	const prefix = (open < 0 ? parts : parts.slice(0, open)).map((part) =>
		part.kind === "literal" ? part.text : undefined,
	);
	return { op, parts, prefix, pieces };
}

export const TEMPLATES: readonly Template[] = OP_NAMES.map(compile);

export const TEMPLATE_OF = Object.fromEntries(
	TEMPLATES.map((template) => [template.op, template]),
) as Readonly<Record<Op, Template>>;
