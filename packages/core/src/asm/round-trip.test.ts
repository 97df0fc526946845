import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeInsns, findInvalidFields, type Insn, make, OP_NAMES, type Op, TABLE } from "../isa/index.ts";
import { assemble, printInsn, printInsns } from "./index.ts";

const register = fc.integer({ min: 0, max: 10 });
const s16 = fc.integer({ min: -32768, max: 32767 });
const s32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** Random fields of an op, reserved ones 0. */
function instance(
	op: Op,
	random: { dst: number; src: number; off: number; imm: number; x: boolean },
): Insn[] {
	const row = TABLE[op];
	const zero = { dst: 0, src: 0, off: 0, imm: 0 };
	const fields = { ...zero };
	for (const field of ["dst", "src", "off", "imm"] as const) {
		const operand = row.operand === "kx" ? (random.x ? "x" : "k") : "k";
		const attempt = [make(op, { ...fields, [field]: random[field], operand }), { ...make("ja"), opcode: 0 }];
		if (findInvalidFields(attempt, 0, "conformance") === undefined) fields[field] = random[field];
	}
	if (op === "addr_space_cast") fields.imm = random.x ? 1 : 65536;
	const insn = make(op, { ...fields, operand: row.operand === "kx" && random.x ? "x" : "k" });
	return row.family === "lddw" ? [insn, { opcode: 0, ...zero, imm: op === "lddw" ? random.imm : 0 }] : [insn];
}

describe("what is printed assembles to the same bytes", () => {
	test.each(OP_NAMES)("%s", (op) => {
		fc.assert(
			fc.property(
				fc.record({ dst: register, src: register, off: s16, imm: s32, x: fc.boolean() }),
				(random) => {
					const insns = instance(op, random);
					expect(findInvalidFields(insns, 0, "conformance")).toBeUndefined();
					const text = printInsn(insns, 0);
					expect(text).not.toContain(".8byte");
					expect(assemble(text).insns).toEqual(insns);
				},
			),
			{ numRuns: 30 },
		);
	});

	test("any bytes at all", () => {
		const slot = fc.record({
			opcode: fc.integer({ min: 0, max: 255 }),
			dst: fc.integer({ min: 0, max: 15 }),
			src: fc.integer({ min: 0, max: 15 }),
			off: fc.oneof(fc.constant(0), s16),
			imm: fc.oneof(fc.constant(0), s32),
		});
		fc.assert(
			fc.property(fc.array(slot, { maxLength: 6 }), (insns) => {
				expect(encodeInsns(assemble(printInsns(insns)).insns)).toEqual(encodeInsns(insns));
			}),
			{ numRuns: 2000 },
		);
	});
});
