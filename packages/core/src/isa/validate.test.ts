import { describe, expect, test } from "vitest";
import { findInvalid, type Insn, make, validate } from "./index.ts";

const exit = make("exit");
const high = { opcode: 0, dst: 0, src: 0, off: 0, imm: 0 };

/** The messages for one instruction, followed by enough exits to jump to. */
function invalid(...insns: Insn[]): string[] {
	return findInvalid([...insns, exit, exit, exit]).map((error) => error.message);
}

describe("reserved fields", () => {
	// what 6.18 answers with "... uses reserved fields", or the like, EINVAL
	test.each<[string, Insn, string]>([
		["src of a K operand", { ...make("add64", { imm: 1 }), src: 1 }, "add64 uses the reserved field src"],
		["imm of an X operand", { ...make("add64", { src: 1 }), imm: 1 }, "add64 uses the reserved field imm"],
		["off of arithmetic", { ...make("add32", { imm: 1 }), off: 1 }, "add32 uses the reserved field off"],
		["off 2 of division", { ...make("div64", { imm: 1 }), off: 2 }, "off is reserved"],
		["off of mov with imm", { ...make("mov64", { imm: 1 }), off: 8 }, "off is reserved"],
		["s32 of a 32-bit move", { ...make("movsx8_32"), off: 32 }, "off is reserved"],
		["width of a byte swap", { ...make("be16"), imm: 8 }, "imm is reserved"],
		["imm of neg", { ...make("neg64"), imm: 1 }, "neg64 uses the reserved field imm"],
		["imm of a load", { ...make("ldxw"), imm: 1 }, "ldxw uses the reserved field imm"],
		["src of st", { ...make("stw"), src: 1 }, "stw uses the reserved field src"],
		["atomic operation", { ...make("atomic_add64"), imm: 2 }, "imm is reserved"],
		["atomic of two bytes", { ...make("load_acquire_h"), imm: 0 }, "imm is reserved"],
		["src of ld_abs", { ...make("ld_abs_w"), src: 1 }, "ld_abs_w uses the reserved field src"],
		["imm of ja", { ...make("ja"), imm: 1 }, "ja uses the reserved field imm"],
		["off of gotol", { ...make("ja32"), off: 1 }, "ja32 uses the reserved field off"],
		["dst of call", { ...make("call", { imm: 5 }), dst: 1 }, "call uses the reserved field dst"],
		["src 3 of call", { ...make("call", { imm: 5 }), src: 3 }, "src is reserved"],
		["imm of may_goto", { ...make("may_goto"), imm: 1 }, "may_goto uses the reserved field imm"],
		["imm of exit", { ...make("exit"), imm: 1 }, "exit uses the reserved field imm"],
	])("%s", (_, insn, message) => {
		expect(invalid(insn)).toEqual([expect.stringContaining(message)]);
	});

	test("where, and which field", () => {
		const [error] = findInvalid([exit, { ...exit, src: 4 }]);
		expect(error).toMatchObject({
			code: "isa/invalid",
			where: { insn: 1 },
			detail: { opcode: 0x95, reserved: "src", value: 4 },
		});
	});

	test("off of exit is reserved, but Linux does not look", () => {
		const insns = [{ ...exit, off: 1 }];
		expect(findInvalid(insns)).toEqual([]);
		expect(findInvalid(insns, { dialect: "conformance" })).toHaveLength(1);
	});

	test("a kfunc call has an off: its place in fd_array", () => {
		expect(invalid(make("call_kfunc", { imm: 7, off: 1 }))).toEqual([]);
	});
});

describe("registers, lddw, targets", () => {
	test("r11 does not exist", () => {
		expect(invalid(make("mov64", { dst: 11, imm: 0 }))).toEqual(["r11 does not exist"]);
		expect(invalid(make("mov64", { dst: 0, src: 12 }))).toEqual(["r12 does not exist"]);
	});

	test("lddw", () => {
		expect(invalid(make("lddw", { imm: 1 }), { ...high, imm: 2 })).toEqual([]);
		expect(invalid(make("lddw", { imm: 1 }))).toEqual([
			expect.stringContaining("second slot of lddw has fields"),
		]);
		expect(findInvalid([make("lddw")]).map((error) => error.message)).toEqual([
			"lddw is cut off: its second slot is missing",
		]);
		expect(invalid({ ...make("lddw"), src: 7 }, high)).toEqual([expect.stringContaining("src is reserved")]);
		expect(invalid(make("lddw_map_fd"), { ...high, imm: 1 })).toEqual([
			expect.stringContaining("imm of its second slot"),
		]);
		expect(invalid(make("lddw_map_value"), { ...high, imm: 1 })).toEqual([]);
	});

	test("jumps stay inside and off second slots", () => {
		expect(invalid(make("ja", { off: 2 }))).toEqual([]);
		expect(invalid(make("ja", { off: 3 }))).toEqual(["ja at 0 goes to 4, outside the program of 4 slots"]);
		expect(invalid(make("jeq64", { off: -2 }))).toEqual([
			"jeq64 at 0 goes to -1, outside the program of 4 slots",
		]);
		expect(invalid(make("ja32", { imm: 1 }), make("lddw"), high)).toEqual([
			"ja32 at 0 goes to 2, the second slot of a lddw",
		]);
		expect(invalid(make("call_local", { imm: 99 }))).toHaveLength(1);
		expect(invalid(make("lddw_func", { imm: 99 }), high)).toHaveLength(1);
	});

	test("all of them are found; validate throws the first", () => {
		const insns = [{ ...exit, src: 1 }, exit, { ...exit, dst: 1 }];
		expect(findInvalid(insns).map((error) => error.where.insn)).toEqual([0, 2]);
		expect(() => validate(insns)).toThrow(findInvalid(insns)[0]!);
		expect(() => validate([exit])).not.toThrow();
	});
});
