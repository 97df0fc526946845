import { TailhopError } from "../errors/index.ts";
import type { Insn } from "./insn.ts";
import { type Field, OP_NAMES, type Op, type Row, TABLE } from "./table.ts";

/** S bit of arithmetic and jump opcodes: the operand is src. */
export const X = 0x08;

/** "linux": what 6.18 accepts; "conformance": callx too, as bpf_conformance wants it. */
export type Dialect = "linux" | "conformance";

interface Candidate {
	readonly op: Op;
	readonly row: Row;
	readonly dialect: Dialect | undefined;
	readonly select: readonly [Field, number] | undefined;
}

/** Rows by opcode byte; those of one opcode differ by `select`. */
const BY_OPCODE: readonly (readonly Candidate[])[] = (() => {
	const table: Candidate[][] = Array.from({ length: 256 }, () => []);
	for (const op of OP_NAMES) {
		const row: Row = TABLE[op];
		const candidate = {
			op,
			row,
			dialect: "dialect" in row ? row.dialect : undefined,
			select: "select" in row ? row.select : undefined,
		};
		table[row.opcode]!.push(candidate);
		if (row.operand === "kx") table[row.opcode | X]!.push(candidate);
	}
	return table;
})();

/** The rows that share an opcode byte, in the table's order; empty for an unknown byte. */
export function rowsOf(opcode: number): readonly { readonly op: Op; readonly row: Row }[] {
	return BY_OPCODE[opcode & 0xff]!;
}

/**
 * Which instruction a slot holds, or undefined when the table has none. Looks only at the opcode and at the
 * field that selects; whether reserved fields are zero is for `validate`. The second slot of a lddw is none.
 */
export function opOf(insn: Insn, dialect: Dialect = "linux"): Op | undefined {
	const candidates = BY_OPCODE[insn.opcode & 0xff]!;
	for (let i = 0; i < candidates.length; i++) {
		const { op, dialect: only, select } = candidates[i]!;
		if (only !== undefined && only !== dialect) continue;
		if (select === undefined || insn[select[0]] === select[1]) return op;
	}
	return undefined;
}

/** The operand's form: "k" = imm, "x" = src; undefined where the instruction has no such choice. */
export function operandOf(insn: Insn, row: Row): "k" | "x" | undefined {
	if (row.operand === "none") return undefined;
	return insn.opcode & X ? "x" : "k";
}

/** A decoded instruction: the slot and its row of the table. */
export interface Decoded {
	readonly op: Op;
	readonly num: number;
	readonly row: Row;
	readonly operand: "k" | "x" | undefined;
	readonly insn: Insn;
}

/** Decodes one slot (the first one of a lddw). Throws isa/invalid for what the table lacks. */
export function decode(insn: Insn, index?: number, dialect: Dialect = "linux"): Decoded {
	const op = opOf(insn, dialect);
	if (op === undefined) throw undecodable(insn, index);
	const row = TABLE[op];
	return { op, num: row.num, row, operand: operandOf(insn, row), insn };
}

/** The error for a slot that `opOf` does not know: the byte is unknown, or the field that selects is. */
export function undecodable(insn: Insn, index?: number): TailhopError {
	const where = index === undefined ? {} : { insn: index };
	const opcode = `0x${hex2(insn.opcode)}`;
	const [candidate] = BY_OPCODE[insn.opcode & 0xff]!;
	if (candidate?.select === undefined || candidate.dialect !== undefined)
		return new TailhopError("isa/invalid", `unknown opcode ${opcode}`, where, {
			hint:
				candidate === undefined
					? "see RFC 9669; the bytes may be data or a truncated lddw"
					: "Linux does not have this instruction",
			detail: { opcode: insn.opcode },
		});
	const field = candidate.select[0];
	return new TailhopError(
		"isa/invalid",
		`opcode ${opcode} with ${field} = ${insn[field]}: no such instruction, ${field} is reserved`,
		where,
		{
			detail: { opcode: insn.opcode, reserved: field, value: insn[field] },
		},
	);
}

export function hex2(byte: number): string {
	return (byte & 0xff).toString(16).padStart(2, "0");
}

/** Slots that an instruction takes: 2 for lddw, else 1. */
export function slotsOf(insn: Insn): 1 | 2 {
	return insn.opcode === TABLE.lddw.opcode ? 2 : 1;
}

/** The 64 bits of a lddw, unsigned. */
export function imm64(first: Insn, second: Insn): bigint {
	return (BigInt(second.imm >>> 0) << 32n) | BigInt(first.imm >>> 0);
}

/** Fields of `insn` that matter to `make`; what is left out is 0. */
export interface Fields {
	readonly dst?: number;
	readonly src?: number;
	readonly off?: number;
	readonly imm?: number;
	/** Of a "kx" row: which form. Default "x" when src is given, else "k". */
	readonly operand?: "k" | "x";
}

/** Builds the (first) slot of an op; the selecting field is set from the table. */
export function make(op: Op, fields: Fields = {}): Insn {
	const row: Row = TABLE[op];
	const x = row.operand === "kx" && (fields.operand ?? (fields.src === undefined ? "k" : "x")) === "x";
	const insn = {
		opcode: x ? row.opcode | X : row.opcode,
		dst: fields.dst ?? 0,
		src: fields.src ?? 0,
		off: fields.off ?? 0,
		imm: fields.imm ?? 0,
	};
	if ("select" in row) insn[row.select[0]] = row.select[1];
	return insn;
}
