import { checkObject } from "@tailhop/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import { link, parse } from "../spec/index.ts";
import { assemble, assembleObject, printProgram } from "./index.ts";

const object = (text: string) => link(parse(assembleObject(text, "t.asm"), { file: "t.o" }));

const CHAIN = `# a chain with everything that a file can hold
.license "GPL"
.struct flow { u32 src, u16 port, u8 pad[2] }
.map jumps type=prog_array max_entries=4 values=1:next,3:last
.map flows type=hash key=flow value=u64 max_entries=16 flags=no_prealloc

.section xdp
entry:
	r6 = r1
	call sub            # its tail call meets an empty slot
	r1 = r6
	r2 = jumps ll
	r3 = 1
	call bpf_tail_call
out:
	r0 = 0
	exit
next:
	r6 = r1
	r1 = counter + 8 ll
	r2 = 5
	*(u64 *)(r1 + 0) = r2
	r1 = r6
	r2 = jumps ll
	r3 = 3
	call bpf_tail_call
out:
	r0 = 1
	exit
last:
	r1 = 10
	r2 = callback ll
	r3 = 0
	r4 = 0
	call bpf_loop
	r1 = limit ll
	r0 = *(u32 *)(r1 + 0)
	r1 = counter ll
	r2 = *(u64 *)(r1 + 0)
	r0 += r2
	exit

.text
sub:
	r2 = jumps ll
	r3 = 0
	call bpf_tail_call
	r0 = 7
	exit
callback:
	r1 = counter ll
	r2 = 1
	lock *(u64 *)(r1 + 0) += r2
	r0 = 0
	exit

.data
counter: .quad 100, 0
.rodata
limit: .long 77
`;

describe("an assembly file as an object", () => {
	test("runs like clang's, on every engine", async () => {
		const packet = new Uint8Array(64);
		await checkObject(object(CHAIN), [{ run: "entry", packet, expect: { verdict: 77 + 110 } }]);
	});

	test("what the loader sees", () => {
		const { programs, maps, slots, license } = object(CHAIN);
		expect(license).toBe("GPL");
		expect(programs.map(({ name, section }) => [name, section])).toEqual([
			["entry", "xdp"],
			["next", "xdp"],
			["last", "xdp"],
		]);
		expect(programs[0]!.functions.map(({ name, linkage }) => [name, linkage])).toEqual([
			["entry", "global"],
			["sub", "static"],
		]);
		expect(slots.map(({ slot, target }) => [slot, target])).toEqual([
			[1, "next"],
			[3, "last"],
		]);
		expect(
			maps.map(({ name, keySize, valueSize, maxEntries }) => [name, keySize, valueSize, maxEntries]),
		).toEqual(
			expect.arrayContaining([
				["jumps", 4, 4, 4],
				["flows", 8, 8, 16],
			]),
		);
		expect(programs[0]!.lines[1]).toMatchObject({
			insn: 1,
			file: "t.asm",
			line: 10,
			text: expect.stringContaining("call sub"),
		});
	});

	test("a file of two instructions is a program", async () => {
		const linked = object("r0 = 2\nexit\n");
		expect(linked.programs.map(({ name, section }) => [name, section])).toEqual([["entry", "xdp"]]);
		await checkObject(linked, [{ run: "entry", packet: new Uint8Array(64), expect: { verdict: 2 } }]);
	});

	test("a global subprogram with a prototype", async () => {
		const linked = object(`
.section tc
main:	r1 = 20
	call twice
	exit
.text
.globl twice
.proto twice(u32)
twice:	w0 = w1
	w0 += w0
	exit
`);
		expect(linked.programs[0]!.functions[1]!.linkage).toBe("global");
		await checkObject(linked, [{ run: "main", packet: new Uint8Array(64), expect: { verdict: 40 } }]);
	});

	test("maps in maps", () => {
		const { maps, slots } = object(`
.map one type=array value=u32 max_entries=1
.map outer type=array_of_maps max_entries=2 inner=one values=1:one
r0 = 0
exit
`);
		expect(maps.find(({ name }) => name === "outer")).toMatchObject({
			inner: { type: 2, valueSize: 4, maxEntries: 1 },
		});
		expect(slots).toMatchObject([{ slot: 1, target: "one" }]);
	});

	test("variables by type, aligned, and by what is written", () => {
		const { maps } = object(`
entry: r0 = 0
exit
.struct pair { u8 a, u64 b }
.data
text:	.asciz "hi"
one:	.var u32 = 7
two:	.var pair[2]
bytes:	.byte 1, 2
`);
		expect(maps[0]!.variables.map(({ name, offset, size }) => [name, offset, size])).toEqual([
			["text", 0, 4],
			["one", 4, 4],
			["two", 8, 32],
			["bytes", 40, 2],
		]);
		expect([...maps[0]!.initial!]).toEqual([104, 105, 0, 0, 7, ...Array(35).fill(0), 1, 2]);
	});

	test("the same bytes each time", () => {
		expect(assembleObject(CHAIN, "t.asm")).toEqual(assembleObject(CHAIN, "t.asm"));
	});
});

describe("errors say where", () => {
	test.each<[string, string, number, number, string]>([
		[".section xdp\nentry: call nothing\nexit", "asm/symbol", 2, 13, "unknown function or helper nothing"],
		["a: exit\n.text\na: exit", "asm/symbol", 3, 1, "a is defined twice"],
		[".globl a\nexit", "asm/symbol", 1, 8, "a is declared and nowhere defined"],
		[".map m type=hush", "asm/symbol", 1, 13, "unknown map type hush"],
		[".map m type=hash size=4", "asm/syntax", 1, 18, "a map has no attribute size"],
		[".map m type=hash", "asm/syntax", 1, 6, "map m has no max_entries"],
		[".map m type=array value=flow max_entries=1", "asm/symbol", 1, 25, "unknown type flow"],
		[".map m type=prog_array max_entries=1 values=1:a\na: exit", "asm/range", 1, 6, "past its 1 entries"],
		[".maps", "asm/syntax", 1, 1, "unknown directive .maps"],
		[".section .maps", "asm/syntax", 1, 15, ".maps is not written by hand"],
		[".data\nexit", "asm/syntax", 2, 1, "an instruction in the data section"],
		[".quad", "asm/syntax", 1, 1, "takes numbers"],
		[".byte 1", "asm/syntax", 1, 1, "unknown directive .byte"],
		[".data\na: .byte 256", "asm/range", 2, 10, "256 does not fit 1 bytes"],
		[".bss\na: .byte 1", "asm/syntax", 2, 11, "not 0 in .bss"],
		[".data\na:\n", "asm/syntax", 2, 1, "variable a has no data"],
		[
			"a: r1 = m[0]+1 ll\nexit\n.map m type=array value=u32 max_entries=1",
			"asm/syntax",
			1,
			9,
			"has no address in an object file",
		],
		["a: goto b\nexit\nb: exit\nc: call b\nexit", "asm/symbol", 1, 9, "unknown label b"],
	])("%s", (text, code, line, column, message) => {
		expect(() => assembleObject(text, "t.asm")).toThrow(
			expect.objectContaining({
				code,
				where: { file: "t.asm", line, column },
				message: expect.stringContaining(message),
			}),
		);
	});

	test("a label that something calls starts a function", () => {
		const { programs } = object("r0 = 1\nexit\nf: exit\ng: exit\n.text\nh: call f\nexit\n");
		expect(programs.map(({ name }) => name)).toEqual(["entry", "f"]);
	});

	test("any text gives an object or one of our errors", () => {
		const word = fc.constantFrom(
			...CHAIN.split(/\s+/).filter((text) => text !== ""),
			"\n",
			"\n",
			"\n",
			".zero",
			"99999999999",
			"values=0:a",
			"a:",
			"call",
			"ll",
			"[",
			"]",
			"{",
			"}",
			",",
			'"',
			"-",
			"0x",
			".struct",
		);
		fc.assert(
			fc.property(fc.array(word, { maxLength: 40 }), (words) => {
				try {
					assembleObject(words.join(" "), "t.asm");
				} catch (error) {
					expect(error).toBeInstanceOf(TailhopError);
				}
			}),
			{ numRuns: 500 },
		);
	});
});

describe("a listing", () => {
	test("shows source, names and labels, and assembles again", () => {
		const linked = object(CHAIN);
		const program = linked.programs[0]!;
		const text = printProgram(program, linked);
		expect(text).toBe(`entry:
; r6 = r1  @ t.asm:9
   0: r6 = r1
; call sub            # its tail call meets an empty slot  @ t.asm:10
   1: call sub
; r1 = r6  @ t.asm:11
   2: r1 = r6
; r2 = jumps ll  @ t.asm:12
   3: r2 = jumps ll
; r3 = 1  @ t.asm:13
   5: r3 = 1
; call bpf_tail_call  @ t.asm:14
   6: call bpf_tail_call
; r0 = 0  @ t.asm:16
   7: r0 = 0
; exit  @ t.asm:17
   8: exit

sub:
; r2 = jumps ll  @ t.asm:45
   9: r2 = jumps ll
; r3 = 0  @ t.asm:46
  11: r3 = 0
; call bpf_tail_call  @ t.asm:47
  12: call bpf_tail_call
; r0 = 7  @ t.asm:48
  13: r0 = 7
; exit  @ t.asm:49
  14: exit
`);
		for (const one of linked.programs)
			expect(
				assemble(printProgram(one, linked), { maps: linked.maps.map(({ name }) => name) }).insns,
			).toEqual(one.insns);
	});

	test("variables and jumps are named", () => {
		const linked = object("a: r1 = v + 4 ll\nif r1 == 0 goto out\nr0 = 1\nout: exit\n.data\nv: .long 1, 2\n");
		expect(printProgram(linked.programs[0]!, linked, { source: false, bytes: true })).toBe(`a:
   0: 18 61 00 00 00 00 00 00 00 00 00 00 04 00 00 00  r1 = .data[0]+4 ll  # v + 4
   2: 15 01 01 00 00 00 00 00                          if r1 == 0 goto +1 <L4>
   3: b7 00 00 00 01 00 00 00                          r0 = 1
L4:
   4: 95 00 00 00 00 00 00 00                          exit
`);
	});
});

describe("hostile text ends quickly", () => {
	test.each<[string, string]>([
		["labels on one line", `a: ${"1: ".repeat(20_000)}exit`],
		["numeric labels, each used", "1: goto 1b\n".repeat(5_000)],
		["braces", `.struct s ${"{".repeat(50_000)}`],
		["dimensions", `.struct s { u8 a${"[1]".repeat(50_000)} }`],
		[
			"structs that double",
			Array.from(
				{ length: 40 },
				(_, i) => `.struct s${i} { ${i === 0 ? "u8 a[0], u8 b" : `s${i - 1} a, s${i - 1} b`} }`,
			).join("\n"),
		],
		["data", ".data\na: .zero 16000000\n.section .data.b\nb: .zero 16000000"],
		["slots", ".map m type=prog_array max_entries=0xffffffff values=0xfffffffe:a\na: exit"],
		["digits", `r0 = ${"9".repeat(200_000)}`],
		["a sum of signs", `r0 = ${"-".repeat(100_000)}1`],
	])(
		"%s",
		(_, text) => {
			// a hang is vitest's to find: none of these takes a second
			try {
				assembleObject(text, "t.asm");
			} catch (error) {
				expect(error).toBeInstanceOf(TailhopError);
			}
		},
		30_000,
	);
});
