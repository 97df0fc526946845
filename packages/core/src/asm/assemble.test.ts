import { describe, expect, test } from "vitest";
import { encodeInsns, make } from "../isa/index.ts";
import { type AssembleOptions, assemble, printInsns } from "./index.ts";

const hex = (text: string, options?: AssembleOptions) =>
	Array.from(encodeInsns(assemble(text, options).insns), (byte) => byte.toString(16).padStart(2, "0")).join(
		"",
	);

describe("LLVM's syntax", () => {
	// bytes as llvm-mc 19 has them; load_acquire and store_release as the kernel's headers have them
	test.each([
		["r0 = 2", "b700000002000000"],
		["w1 += w2", "0c21000000000000"],
		["r1 = *(u32 *)(r1 + 0)", "6111000000000000"],
		["w1 = *(u8 *)(r2 - 4)", "7121fcff00000000"],
		["r1 = *(s8 *)(r2 + 3)", "9121030000000000"],
		["*(u32 *)(r1 + 0) = w2", "6321000000000000"],
		["*(u64 *)(r1 + 8) = -5", "7a010800fbffffff"],
		["lock *(u64 *)(r1 + 0) += r2", "db21000000000000"],
		["r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)", "db21000001000000"],
		["r0 = cmpxchg_64(r1 + 0, r0, r2)", "db210000f1000000"],
		["w2 = xchg32_32(r1 + 0, w2)", "c3210000e1000000"],
		["w0 = load_acquire((u8 *)(r1 + 0))", "d310000000010000"],
		["store_release((u64 *)(r1 - 8), r2)", "db21f8ff10010000"],
		["if r1 s> 5 goto +3 <label>", "6501030005000000"],
		["if w1 & w2 goto -1", "4e21ffff00000000"],
		["gotol +1", "0600000001000000"],
		["may_goto +1", "e500010000000000"],
		["r1 = 0x700001234 ll", "18010000341200000000000007000000".replace("07000000", "07000000")],
		["call 12", "850000000c000000"],
		["call bpf_tail_call", "850000000c000000"],
		["callx r2", "8d02000000000000"],
		["r0 = be16 r0", "dc00000010000000"],
		["r1 = bswap32 r1", "d701000020000000"],
		["r1 = (s8)r2", "bf21080000000000"],
		["r0 s/= r1", "3f10010000000000"],
		["w1 s%= 4", "9401010004000000"],
		["r1 = addr_space_cast(r2, 0, 1)", "bf21010001000000"],
		["r0 = *(u8 *)skb[23]", "3000000017000000"],
		["r0 = *(u16 *)skb[r1 + 2]", "4810000002000000"],
		["r0 = 0xffffffff", "b7000000ffffffff"],
		["r1 = -r1", "8701000000000000"],
		["r1 = map_fd(3)[0]+8 ll", "18210000030000000000000008000000"],
		["r1 = btf_id(7) ll", "18310000070000000000000000000000"],
		["call kfunc 100@1", "8520010064000000"],
	])("%s", (text, bytes) => {
		expect(hex(text)).toBe(bytes);
	});

	test("comments, separators, blanks", () => {
		const text = "; from llvm-objdump\n\tr0 = 1 // one\n/* two\nlines */ r0 += 1; exit # end\n\n";
		expect(printInsns(assemble(text).insns)).toBe("r0 = 1\nr0 += 1\nexit\n");
	});

	test("labels: names, numbers, functions", () => {
		const text = `
entry:	r1 = 5
1:	r1 += -1
	if r1 != 0 goto 1b
	r2 = callback ll
	call callback
	goto out
	goto 1f
out:	exit
1:	goto 1b
callback: exit`;
		const { insns, labels } = assemble(text);
		expect(printInsns(insns)).toBe(
			"r1 = 5\nr1 += -1\nif r1 != 0 goto -2\nr2 = subprog[+6] ll\ncall +4\ngoto +1\ngoto +1\nexit\ngoto -1\nexit\n",
		);
		expect(Object.fromEntries(labels)).toEqual({ entry: 0, out: 8, callback: 10 });
	});

	test("maps by name", () => {
		const options = { maps: ["jumps", "counts"] };
		expect(assemble("r2 = jumps ll", options).insns).toEqual([
			make("lddw_map_idx", { dst: 2, imm: 0 }),
			{ opcode: 0, dst: 0, src: 0, off: 0, imm: 0 },
		]);
		expect(assemble("r2 = counts[0]+16 ll", options).insns).toEqual([
			make("lddw_map_idx_value", { dst: 2, imm: 1 }),
			{ opcode: 0, dst: 0, src: 0, off: 0, imm: 16 },
		]);
	});

	test("where each instruction stands", () => {
		expect(assemble("r1 = 1 ll\n\n  exit; exit").lines).toEqual([
			{ insn: 0, line: 1, column: 1 },
			{ insn: 2, line: 3, column: 3 },
			{ insn: 3, line: 3, column: 9 },
		]);
	});
});

describe("errors", () => {
	test.each<[string, string, number, number, string]>([
		["r0 = 1\nfoo r1", "asm/syntax", 2, 1, 'no instruction starts with "foo"'],
		["r0 = 1 +", "asm/syntax", 1, 8, 'expected the end of the line or "ll", found "+"'],
		["r1 = foo", "asm/syntax", 1, 9, "the line ends"],
		["r1 = -r2", "asm/syntax", 1, 7, "the same register again"],
		["r1 = *(u8 *)(r2)", "asm/syntax", 1, 16, 'expected "+" or "-" and an offset, found ")"'],
		["r11 = 1", "asm/range", 1, 1, "r11 does not exist"],
		["r1 += 0x100000000", "asm/range", 1, 7, "does not fit a 32-bit number"],
		["goto +40000", "asm/range", 1, 6, "gotol reaches farther"],
		["goto 5", "asm/syntax", 1, 6, 'expected +N, -N or a label, found "5"'],
		["r1 = *(u8 *)(r2 + 32768)", "asm/range", 1, 17, "does not fit a 16-bit offset"],
		["exit\ngoto nowhere", "asm/symbol", 2, 6, "unknown label nowhere"],
		["call bpf_nothing", "asm/symbol", 1, 6, "unknown label bpf_nothing"],
		["r1 = nothing ll", "asm/symbol", 1, 6, "unknown map or label nothing"],
		["a: exit\na: exit", "asm/symbol", 2, 1, "label a is defined twice"],
		["r0 = 1 ? 2", "asm/syntax", 1, 8, 'unexpected character "?"'],
		["r0 = \u007f", "asm/syntax", 1, 6, "unexpected character U+007F"],
		["/* never", "asm/syntax", 1, 1, "does not end"],
		['r0 = "x', "asm/syntax", 1, 6, "this string does not end"],
		[".8byte 1 2", "asm/syntax", 1, 8, "takes numbers"],
	])("%s", (text, code, line, column, message) => {
		expect(() => assemble(text, { file: "x.asm" })).toThrow(
			expect.objectContaining({
				code,
				where: { file: "x.asm", line, column },
				message: expect.stringContaining(message),
			}),
		);
	});

	test("a 16-bit jump that is too far names the cure", () => {
		const text = `goto end\n${"r0 = 0\n".repeat(40_000)}end: exit`;
		expect(() => assemble(text)).toThrow(
			expect.objectContaining({ code: "asm/range", hint: "jump with gotol" }),
		);
		expect(assemble(text.replace("goto", "gotol")).insns[0]).toEqual(make("ja32", { imm: 40_000 }));
	}, 30_000);
});
