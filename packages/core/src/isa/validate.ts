import { TailhopError } from "../errors/index.ts";
import type { Insn } from "./insn.ts";
import { type Dialect, hex2, imm64, opOf, undecodable, X } from "./opcode.ts";
import { FAMILY_FIELDS, type Field, type Op, type Row, TABLE } from "./table.ts";

/** Registers that a program may name: r0 to r10. */
const LAST_REGISTER = 10;

/** dst and src bits of addr_space_cast's imm: arena to kernel, and back (kernel: check_alu_op). */
const ADDR_SPACE_CASTS: readonly number[] = [1, 1 << 16];

/** lddw forms whose second slot has no meaning: its imm is reserved (kernel: resolve_pseudo_ldimm64). */
const LOW_HALF_ONLY: ReadonlySet<Op> = new Set<Op>(["lddw_map_fd", "lddw_map_idx"]);

export interface ValidateOptions {
	/** Default "linux". */
	readonly dialect?: Dialect;
}

/**
 * Everything that is wrong with instructions one by one, as Linux 6.18 sees it: unknown opcodes, reserved fields
 * in use, register numbers, truncated lddw, and jumps, calls and function pointers that leave the program or
 * land in the second slot of a lddw. At most one error a slot, in order, all of them isa/invalid with `where.insn`.
 * What needs to follow control or values (unreachable code, falling off the end, shifts, division by a constant
 * zero) is the verifier's.
 */
export function findInvalid(insns: readonly Insn[], options: ValidateOptions = {}): TailhopError[] {
	const errors: TailhopError[] = [];
	const second = secondSlots(insns);
	for (let i = 0; i < insns.length; i++) {
		if (second.has(i)) continue;
		const error = check(insns, i, second, options.dialect ?? "linux");
		if (error !== undefined) errors.push(error);
	}
	return errors;
}

/** Throws the first of `findInvalid`. */
export function validate(insns: readonly Insn[], options: ValidateOptions = {}): void {
	const [first] = findInvalid(insns, options);
	if (first !== undefined) throw first;
}

/** Indexes of the second slots of lddw. */
export function secondSlots(insns: readonly Insn[]): ReadonlySet<number> {
	const second = new Set<number>();
	for (let i = 0; i + 1 < insns.length; i++) if (insns[i]!.opcode === TABLE.lddw.opcode) second.add(++i);
	return second;
}

/**
 * Where a jump goes, a local call or a function pointer: the slot's index, which may be outside the program;
 * undefined for other instructions. exit and falling through are not targets.
 */
export function targetOf(insn: Insn, index: number, op: Op | undefined = opOf(insn)): number | undefined {
	if (op === undefined) return undefined;
	switch (TABLE[op].family) {
		case "ja":
		case "may_goto":
		case "jcond":
			return index + 1 + insn.off;
		case "ja32":
			return index + 1 + insn.imm;
		case "call":
			return op === "call_local" ? index + 1 + insn.imm : undefined;
		case "lddw":
			return op === "lddw_func" ? index + 1 + insn.imm : undefined;
		default:
			return undefined;
	}
}

function check(
	insns: readonly Insn[],
	index: number,
	second: ReadonlySet<number>,
	dialect: Dialect,
): TailhopError | undefined {
	const insn = insns[index]!;
	const op = opOf(insn, dialect);
	if (op === undefined) return undecodable(insn, index);
	return checkFields(op, insns, index, dialect) ?? checkTarget(op, insns, index, second);
}

/**
 * What is wrong with the fields of one instruction (the first slot of a lddw), jump targets aside: unknown
 * opcode, reserved fields in use, registers that do not exist, a bad second slot.
 */
export function findInvalidFields(
	insns: readonly Insn[],
	index: number,
	dialect: Dialect = "linux",
): TailhopError | undefined {
	const op = opOf(insns[index]!, dialect);
	return op === undefined ? undecodable(insns[index]!, index) : checkFields(op, insns, index, dialect);
}

function checkFields(
	op: Op,
	insns: readonly Insn[],
	index: number,
	dialect: Dialect,
): TailhopError | undefined {
	const row: Row = TABLE[op];
	return (
		checkSlot(op, row, insns[index]!, index, dialect) ??
		(row.family === "lddw" ? checkSecondSlot(op, insns, index) : undefined)
	);
}

/** Reserved fields are 0 and register numbers exist. */
function checkSlot(op: Op, row: Row, insn: Insn, index: number, dialect: Dialect): TailhopError | undefined {
	const used = new Set<Field>();
	if ("select" in row) used.add(row.select[0]);
	if ("also" in row) used.add(row.also);
	if ("unchecked" in row && dialect === "linux") used.add(row.unchecked);
	for (const field of FAMILY_FIELDS[row.family])
		used.add(field === "operand" ? (insn.opcode & X ? "src" : "imm") : field);
	for (const field of ["dst", "src", "off", "imm"] as const)
		if (!used.has(field) && insn[field] !== 0)
			return new TailhopError(
				"isa/invalid",
				`${op} uses the reserved field ${field} (${insn[field]}, must be 0)`,
				{ insn: index },
				{ detail: { opcode: insn.opcode, reserved: field, value: insn[field] } },
			);
	const isRegister = {
		dst: used.has("dst"),
		src: used.has("src") && !("select" in row && row.select[0] === "src"),
	};
	for (const field of ["dst", "src"] as const)
		if (isRegister[field] && insn[field] > LAST_REGISTER)
			return new TailhopError(
				"isa/invalid",
				`r${insn[field]} does not exist`,
				{ insn: index },
				{
					hint: "registers are r0 to r10",
					detail: { register: insn[field] },
				},
			);
	if (op === "addr_space_cast" && !ADDR_SPACE_CASTS.includes(insn.imm))
		return new TailhopError(
			"isa/invalid",
			`addr_space_cast with imm ${insn.imm}`,
			{ insn: index },
			{
				hint: "off 1 makes mov an addr_space_cast, between address spaces 0 and 1 only: imm is 1 or 65536",
				detail: { opcode: insn.opcode, reserved: "off", value: insn.off },
			},
		);
	return undefined;
}

function checkSecondSlot(op: Op, insns: readonly Insn[], index: number): TailhopError | undefined {
	const next = insns[index + 1];
	if (next === undefined)
		return new TailhopError("isa/invalid", "lddw is cut off: its second slot is missing", { insn: index });
	if (next.opcode !== 0 || next.dst !== 0 || next.src !== 0 || next.off !== 0)
		return new TailhopError(
			"isa/invalid",
			`the second slot of lddw has fields besides imm (opcode 0x${hex2(next.opcode)})`,
			{ insn: index },
			{ hint: "lddw takes two slots; only imm of the second may be set" },
		);
	if (LOW_HALF_ONLY.has(op) && next.imm !== 0)
		return new TailhopError(
			"isa/invalid",
			`${op} uses the reserved field imm of its second slot (0x${imm64(insns[index]!, next).toString(16)})`,
			{ insn: index },
			{ detail: { reserved: "imm", value: next.imm } },
		);
	return undefined;
}

function checkTarget(
	op: Op,
	insns: readonly Insn[],
	index: number,
	second: ReadonlySet<number>,
): TailhopError | undefined {
	const target = targetOf(insns[index]!, index, op);
	if (target === undefined) return undefined;
	if (target < 0 || target >= insns.length)
		return new TailhopError(
			"isa/invalid",
			`${op} at ${index} goes to ${target}, outside the program of ${insns.length} slots`,
			{ insn: index },
			{ detail: { target } },
		);
	if (second.has(target))
		return new TailhopError(
			"isa/invalid",
			`${op} at ${index} goes to ${target}, the second slot of a lddw`,
			{ insn: index },
			{ detail: { target } },
		);
	return undefined;
}
