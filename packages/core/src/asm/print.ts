import {
	encodeInsns,
	findInvalidFields,
	helperName,
	type Insn,
	imm64,
	operandOf,
	opOf,
	type Row,
	slotsOf,
	TABLE,
	targetOf,
} from "../isa/index.ts";
import { type PartName, TEMPLATE_OF } from "./template.ts";

/** Names for numbers; whatever is absent or answers undefined is printed as a number. */
export interface Names {
	/** Of a jump's target, for `goto +3 <name>`. */
	readonly label?: (index: number) => string | undefined;
	/** Of a function that is called or pointed to; printed instead of the distance. */
	readonly function?: (index: number) => string | undefined;
	/** Of a map by its index (src 5 and 6). */
	readonly map?: (index: number) => string | undefined;
	/** Of a kfunc called at an instruction. */
	readonly kfunc?: (index: number) => string | undefined;
}

/**
 * One instruction in LLVM's syntax, without indentation; `assemble` reads it back to the same bits. What has no
 * text (unknown opcodes, reserved fields in use) is `.8byte 0x…`, a lddw's second slot is "".
 */
export function printInsn(insns: readonly Insn[], index: number, names: Names = {}): string {
	const insn = insns[index]!;
	const lddw = slotsOf(insn) === 2;
	const op = opOf(insn, "conformance");
	if (op === undefined || findInvalidFields(insns, index, "conformance") !== undefined)
		return raw(lddw ? insns.slice(index, index + 2) : [insn]);
	const row: Row = TABLE[op];
	const operand: Operand = { insn, row, index, names, ...(lddw ? { second: insns[index + 1]! } : {}) };
	return TEMPLATE_OF[op].pieces
		.map((piece) => (piece.kind === "literal" ? piece.text : PRINTERS[piece.name](operand)))
		.join("");
}

/** Instructions, one a line, with their labels; the inverse of `assemble`. */
export function printInsns(insns: readonly Insn[], names: Names = {}): string {
	const lines: string[] = [];
	for (let i = 0; i < insns.length; i += slotsOf(insns[i]!)) lines.push(printInsn(insns, i, names));
	return lines.map((line) => `${line}\n`).join("");
}

interface Operand {
	readonly insn: Insn;
	readonly row: Row;
	readonly index: number;
	readonly names: Names;
	/** Of a lddw. */
	readonly second?: Insn;
}

function raw(insns: readonly Insn[]): string {
	const view = new DataView(encodeInsns(insns).buffer);
	const values = insns.map(
		(_, i) =>
			`0x${view
				.getBigUint64(8 * i, true)
				.toString(16)
				.padStart(16, "0")}`,
	);
	return `.8byte ${values.join(", ")}`;
}

function signed(value: number): string {
	return value < 0 ? `- ${-value}` : `+ ${value}`;
}

function distance(value: number): string {
	return value < 0 ? `${value}` : `+${value}`;
}

/** A jump: distance first, as llvm-objdump does, then the label. */
function jump({ insn, index, names }: Operand, value: number): string {
	const target = targetOf(insn, index);
	const label = target === undefined ? undefined : names.label?.(target);
	return label === undefined ? distance(value) : `${distance(value)} <${label}>`;
}

function functionName({ insn, index, names }: Operand): string | undefined {
	const target = targetOf(insn, index);
	return target === undefined ? undefined : names.function?.(target);
}

function value(reference: string, { second }: Operand): string {
	const offset = (second?.imm ?? 0) >>> 0;
	return offset === 0 ? `${reference}[0]` : `${reference}[0]+${offset}`;
}

const mapName = ({ insn, names }: Operand) => names.map?.(insn.imm) ?? `map_idx(${insn.imm >>> 0})`;
const mapFd = ({ insn }: Operand) => `map_fd(${insn.imm >>> 0})`;
const dst = (letter: string) => (o: Operand) => `${letter}${o.insn.dst}`;
const src = (letter: string) => (o: Operand) => `${letter}${o.insn.src}`;
const operand = (letter: string) => (o: Operand) =>
	operandOf(o.insn, o.row) === "x" ? `${letter}${o.insn.src}` : `${o.insn.imm}`;

const PRINTERS: Readonly<Record<PartName, (operand: Operand) => string>> = {
	rd: dst("r"),
	rs: src("r"),
	wd: dst("w"),
	ws: src("w"),
	ld: dst("r"),
	ls: src("r"),
	vd: dst("w"),
	vs: src("w"),
	ro: operand("r"),
	wo: operand("w"),
	imm: (o) => `${o.insn.imm}`,
	imm64: (o) => `0x${imm64(o.insn, o.second!).toString(16)}`,
	off: (o) => ` ${signed(o.insn.off)}`,
	disp: (o) => (o.insn.imm === 0 ? "" : ` ${signed(o.insn.imm)}`),
	as: (o) => `${o.insn.imm >>> 16}, ${o.insn.imm & 0xffff}`,
	to: (o) => jump(o, o.insn.off),
	to32: (o) => jump(o, o.insn.imm),
	helper: (o) => helperName(o.insn.imm) ?? `${o.insn.imm >>> 0}`,
	local: (o) => functionName(o) ?? distance(o.insn.imm),
	kfunc(o) {
		const name = o.names.kfunc?.(o.index);
		if (name !== undefined) return name;
		return `kfunc ${o.insn.imm >>> 0}${o.insn.off === 0 ? "" : `@${o.insn.off}`}`;
	},
	map_fd: mapFd,
	map_value: (o) => value(mapFd(o), o),
	map_idx: mapName,
	map_idx_value: (o) => value(mapName(o), o),
	btf_id: (o) => `btf_id(${o.insn.imm >>> 0})${o.second!.imm === 0 ? "" : `@${o.second!.imm >>> 0}`}`,
	func: (o) => functionName(o) ?? `subprog[${distance(o.insn.imm)}]`,
};
