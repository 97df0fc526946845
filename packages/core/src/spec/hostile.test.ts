import { fixture } from "@tailhop/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../asm/index.ts";
import { BtfBuilder, writeBtf } from "../btf/index.ts";
import {
	R_BPF,
	type RelocationInput,
	type SectionInput,
	SHF,
	SHT,
	STB,
	STT,
	type SymbolInput,
	writeElf,
} from "../elf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { encodeInsns, type Insn, MAP_TYPE, make } from "../isa/index.ts";
import { link } from "./link.ts";
import { parse } from "./parse.ts";
import type { Target } from "./types.ts";

/** An object written by hand; sections, symbols and relocations are numbered from 1. */
class Draft {
	readonly sections: SectionInput[] = [];
	readonly symbols: SymbolInput[] = [];
	readonly relocations: RelocationInput[] = [];

	section(
		name: string,
		data: Uint8Array,
		flags: number = SHF.ALLOC | SHF.WRITE,
		type: number = SHT.PROGBITS,
	): number {
		return this.sections.push({ name, type, flags, data, addralign: 8 });
	}

	/** Code as assembly text or instructions, with one FUNC over all of it. */
	code(name: string, code: string | readonly Insn[], func?: string, bind: number = STB.GLOBAL): number {
		const insns = typeof code === "string" ? assemble(code).insns : code;
		const section = this.section(name, encodeInsns(insns), SHF.ALLOC | SHF.EXECINSTR);
		if (func !== undefined) this.symbol(func, section, { size: insns.length * 8, type: STT.FUNC, bind });
		return section;
	}

	symbol(name: string, section: number, more: Partial<SymbolInput> = {}): number {
		return this.symbols.push({ name, section, bind: STB.GLOBAL, type: STT.OBJECT, ...more });
	}

	relocate(section: number, offset: number, symbol: number, type: number = R_BPF.R64_64): void {
		this.relocations.push({ section, offset, symbol, type });
	}

	words(...words: number[]): Uint8Array {
		return new Uint8Array(Uint32Array.from(words).buffer);
	}

	bytes(): Uint8Array {
		return writeElf(this.sections, this.symbols, this.relocations);
	}

	link(target: Target = {}) {
		return link(parse(this.bytes(), { file: "draft.o" }), target);
	}

	error(target: Target = {}): TailhopError {
		try {
			this.link(target);
		} catch (error) {
			if (error instanceof TailhopError) return error;
			throw error;
		}
		throw new Error("nothing was thrown");
	}
}

const NOP = "r0 = 0\nexit";
const WIDE = "r1 = 0 ll\nr0 = 0\nexit";

function draft(make: (object: Draft) => void): Draft {
	const object = new Draft();
	make(object);
	return object;
}

describe("legacy maps", () => {
	const legacy = (stride: number, ...maps: number[][]) =>
		draft((o) => {
			o.code("tc", NOP, "main");
			const data = new Uint8Array(maps.length * stride);
			for (const [i, words] of maps.entries()) data.set(o.words(...words).subarray(0, stride), i * stride);
			const section = o.section("maps", data);
			for (const i of maps.keys()) o.symbol(`m${i}`, section, { value: i * stride, type: STT.NOTYPE });
		});

	test("16, 20, 28, 36 bytes and more", () => {
		expect(legacy(16, [1, 4, 8, 10]).link().maps[0]).toMatchObject({
			type: 1,
			keySize: 4,
			valueSize: 8,
			maxEntries: 10,
			flags: 0,
		});
		expect(legacy(20, [1, 4, 8, 10, 1], [2, 4, 4, 3, 0]).link().maps).toMatchObject([
			{ flags: 1 },
			{ name: "m1", type: 2, maxEntries: 3 },
		]);
		expect(legacy(28, [1, 4, 8, 10, 4, 0, 1]).link().maps[0]).toMatchObject({ numaNode: 1, pinning: 0 });
		expect(legacy(28, [1, 4, 8, 10, 0, 9, 2]).link().maps[0]).toMatchObject({ pinning: 2, origin: "legacy" });
		expect(legacy(40, [1, 4, 8, 10, 0, 9, 2]).link().maps[0]).toMatchObject({ pinning: 2, maxEntries: 10 });
	});

	test("maps in maps: samples/bpf by index, iproute2 by id and slot", () => {
		const inner = [MAP_TYPE.ARRAY, 4, 8, 1, 0];
		const samples = legacy(28, [MAP_TYPE.ARRAY_OF_MAPS, 4, 0, 2, 0, 1], inner).link();
		expect(samples.maps[0]).toMatchObject({ valueSize: 4, inner: { name: "m0.inner", valueSize: 8 } });
		expect(samples.slots).toEqual([]);
		const iproute2 = legacy(36, [MAP_TYPE.ARRAY_OF_MAPS, 4, 4, 2, 0, 7, 0, 5, 1], [...inner, 5]).link();
		expect(iproute2.slots).toEqual([{ map: 0, slot: 1, target: "m1", from: "values" }]);
		expect(legacy(28, [MAP_TYPE.ARRAY_OF_MAPS, 4, 4, 2, 0, 9], inner).error().message).toMatch(
			/inner map number 9, which is none/,
		);
		expect(legacy(28, [MAP_TYPE.ARRAY_OF_MAPS, 4, 4, 2, 0, 0]).error().message).toMatch(
			/itself a map in maps/,
		);
	});

	test("sizes of 2^32 - 1 are only numbers", () => {
		const huge = 0xffff_ffff;
		expect(legacy(20, [1, huge, huge, huge, huge]).link().maps[0]).toMatchObject({
			keySize: huge,
			valueSize: huge,
			maxEntries: huge,
			flags: huge,
		});
	});

	test("entries that are too short, overlap, or have no type", () => {
		expect(legacy(12, [1, 4, 8]).error().code).toBe("spec/invalid");
		expect(legacy(20, [0, 4, 8, 1, 0]).error().message).toMatch(/m0 has no type/);
	});

	const chain = (first: string, second: string, more: (o: Draft) => void = () => {}) =>
		draft((o) => {
			o.code("from-container", NOP, "handle");
			for (const [i, name] of [first, second].entries()) {
				const section = o.code(name, NOP);
				o.symbol(`tail${i}`, section, { type: STT.NOTYPE });
			}
			const maps = o.section("maps", o.words(3, 4, 4, 0x2000, 0, 1, 2));
			o.symbol("jumps", maps, { type: STT.NOTYPE });
			more(o);
		});

	test("iproute2's sections <map id>/<slot> fill slots, hexadecimal too; untyped symbols are functions", () => {
		const linked = chain("1/0x1010", "1/7").link();
		expect(linked.slots.map((one) => `${one.slot} ${one.target} ${one.from}`)).toEqual([
			"7 tail1 section",
			"4112 tail0 section",
		]);
		expect(linked.programs.map((one) => [one.name, one.type, one.entry])).toEqual([
			["handle", 3, true],
			["tail0", 3, false],
			["tail1", 3, false],
		]);
		expect(chain("9/1", "x/2").link().slots).toEqual([]);
	});

	test("programs are XDP's where the debug information says so, or a helper", () => {
		const strings = (text: string) =>
			chain("1/1", "1/2", (o) => o.section(".debug_str", new TextEncoder().encode(text), 0));
		expect(strings("int\0xdp_md\0").link().programs[0]!.type).toBe(6);
		expect(strings("xdp_md\0__sk_buff\0").link().programs[0]!.type).toBe(3);
		expect(chain("1/1", "1/2", (o) => o.code("x", "call 44\nexit", "x")).link().programs[0]!.type).toBe(6);
	});

	test("contradicting slots", () => {
		expect(chain("1/7", "1/7").error().message).toBe(
			"slot 7 of map jumps is to hold both tail0 (section) and tail1 (section)",
		);
		expect(chain("1/0x2000", "1/2").error().message).toMatch(/slot 8192 of map jumps .* has 8192 slots/);
	});

	test("samples/bpf's <type>/<slot> means the object's last prog array", () => {
		const linked = chain("socket/3", "kprobe/1").link();
		expect(linked.slots.map((one) => `${one.slot} ${one.target}`)).toEqual(["1 tail1", "3 tail0"]);
	});
});

describe("section names and program types", () => {
	test("a section that says nothing is an error that names it", () => {
		const object = draft((o) => o.code("mystery", NOP, "main"));
		expect(object.error()).toMatchObject({
			code: "spec/unsupported",
			where: { file: "draft.o", section: "mystery", program: "main" },
		});
		expect(object.link({ programTypes: { mystery: "xdp.frags" } }).programs[0]).toMatchObject({
			type: 6,
			flags: 32,
		});
	});

	test("code in .text only: its global functions are programs", () => {
		const object = draft((o) => {
			const text = o.code(".text", `${NOP}\n${NOP}`);
			o.symbol("seen", text, { type: STT.FUNC, size: 16 });
			o.symbol("helper", text, { type: STT.FUNC, size: 16, value: 16, bind: STB.LOCAL });
		});
		expect(object.link({ programTypes: { ".text": "tc" } }).programs.map((one) => one.name)).toEqual([
			"seen",
		]);
	});

	test("two programs of one name, a section without functions", () => {
		expect(draft((o) => [o.code("tc", NOP, "main"), o.code("xdp", NOP, "main")]).error().message).toMatch(
			/two programs are named main/,
		);
		expect(draft((o) => o.code("tc", NOP)).error().message).toMatch(/no function symbol/);
	});
});

describe("relocations", () => {
	/** A tc program of this code, a map `m` at 0 of `maps`, and one relocation. */
	const relocated = (
		code: string,
		offset: number,
		type: number,
		symbol?: (o: Draft, maps: number) => number,
	) =>
		draft((o) => {
			const section = o.code("tc", code, "main");
			const maps = o.section("maps", o.words(1, 4, 4, 1, 0));
			const m = o.symbol("m", maps, { size: 20 });
			o.relocate(section, offset, symbol?.(o, maps) ?? m, type);
		});

	test("a map", () => {
		expect(relocated(WIDE, 0, R_BPF.R64_64).link().programs[0]!.insns[0]).toMatchObject({
			opcode: 0x18,
			src: 5,
			imm: 0,
		});
	});

	test.each<[string, Draft, string, RegExp]>([
		[
			"on the second slot of a lddw",
			relocated(WIDE, 8, R_BPF.R64_32),
			"spec/invalid",
			/where no instruction starts/,
		],
		[
			"between instructions",
			relocated(WIDE, 20, R_BPF.R64_32),
			"spec/invalid",
			/byte 20, where no instruction starts/,
		],
		[
			"on an instruction that has no address",
			relocated(WIDE, 16, R_BPF.R64_64),
			"spec/invalid",
			/neither a call nor/,
		],
		[
			"of a type for data",
			relocated(WIDE, 0, R_BPF.R64_ABS64),
			"spec/unsupported",
			/relocation type 2 against code/,
		],
		[
			"of a call's type on a lddw",
			relocated(WIDE, 0, R_BPF.R64_32),
			"spec/invalid",
			/does not fit a 64-bit immediate/,
		],
		["of a helper's call", relocated("call 1\nexit", 0, R_BPF.R64_32), "spec/invalid", /no local call/],
		[
			"of a call against a map",
			relocated("call l\nl: exit", 0, R_BPF.R64_32),
			"spec/invalid",
			/a call of m, which is no function/,
		],
		[
			"against the middle of a map",
			relocated(WIDE, 0, R_BPF.R64_64, (o, maps) =>
				o.symbol("x", maps, { value: 8, type: STT.SECTION, bind: STB.LOCAL }),
			),
			"spec/invalid",
			/byte 8 of maps, where no map starts/,
		],
		[
			"against nothing",
			relocated(WIDE, 0, R_BPF.R64_64, (o) => o.symbol("gone", 0, { type: STT.NOTYPE })),
			"link/unresolved",
			/nothing provides gone/,
		],
		[
			"against a common symbol",
			relocated(WIDE, 0, R_BPF.R64_64, (o) => o.symbol("common", 0xfff2)),
			"spec/invalid",
			/in no section/,
		],
		[
			"against a section of no use",
			relocated(WIDE, 0, R_BPF.R64_64, (o) => o.symbol("c", o.section("notes", new Uint8Array(8)))),
			"spec/unsupported",
			/neither maps nor variables/,
		],
	])("%s", (_, object, code, message) => {
		const error = object.error();
		expect(error.message).toMatch(message);
		expect(error.code).toBe(code);
		expect(error.where.section).toBe("tc");
	});

	test("a lddw cut off by the end of its section", () => {
		const object = draft((o) => {
			const section = o.code("tc", [make("lddw", { dst: 1 })], "main");
			o.relocate(section, 0, o.symbol("x", 0, { type: STT.NOTYPE }), R_BPF.R64_32);
		});
		expect(object.error().message).toMatch(/cut off by the section's end/);
	});

	test("two of one instruction", () => {
		const object = relocated(WIDE, 0, R_BPF.R64_64);
		object.relocate(1, 0, 2);
		expect(object.error().message).toMatch(/two relocations/);
	});

	test("a weak symbol that nothing defines is 0", () => {
		const object = relocated(WIDE, 0, R_BPF.R64_64, (o) =>
			o.symbol("gone", 0, { type: STT.NOTYPE, bind: STB.WEAK }),
		);
		expect(object.link().programs[0]!.insns[0]).toMatchObject({ src: 0, imm: 0 });
	});
});

describe("functions", () => {
	const functions = (...spans: [value: number, size: number][]) =>
		draft((o) => {
			const section = o.code("tc", `${WIDE}\n${NOP}\n${NOP}`);
			for (const [i, [value, size]] of spans.entries())
				o.symbol(`f${i}`, section, { type: STT.FUNC, value, size });
		});

	test.each<[string, [number, number][], RegExp]>([
		[
			"overlap",
			[
				[0, 32],
				[24, 24],
			],
			/overlaps/,
		],
		["reach past the section", [[0, 4096]], /past the end of tc/],
		["start between instructions", [[4, 8]], /no whole instructions/],
		["start inside a lddw", [[8, 24]], /inside a 64-bit immediate/],
		["are empty at the end", [[64, 0]], /no whole instructions/],
	])("that %s", (_, spans, message) => {
		expect(functions(...spans).error()).toMatchObject({
			code: "spec/invalid",
			message: expect.stringMatching(message),
		});
	});

	test("without a size reach to the next", () => {
		expect(
			functions([0, 0], [32, 0])
				.link()
				.programs.map((one) => one.insns.length),
		).toEqual([4, 4]);
	});

	test("call into the middle of another", () => {
		const object = draft((o) => {
			const section = o.code("tc", [
				make("call_local", { imm: 1 }),
				make("exit"),
				make("mov64", { dst: 0 }),
				make("exit"),
			]);
			o.symbol("main", section, { type: STT.FUNC, value: 0, size: 16 });
			o.symbol("sub", section, { type: STT.FUNC, value: 16, size: 16 });
		});
		expect(object.link().programs[0]!.functions.map((one) => one.name)).toEqual(["main", "sub"]);
		const { data } = object.sections[0]!;
		data![4] = 2;
		expect(object.error().message).toMatch(/instruction 3 of tc, where no function starts/);
	});

	test("that call each other in a circle are there once", () => {
		const object = draft((o) => {
			const section = o.code("tc", [
				make("call_local", { imm: 1 }),
				make("exit"),
				make("call_local", { imm: -3 }),
				make("exit"),
			]);
			o.symbol("main", section, { type: STT.FUNC, value: 0, size: 16 });
			o.symbol("sub", section, { type: STT.FUNC, value: 16, size: 16 });
		});
		expect(object.link().programs[0]!.insns.map((insn) => insn.imm)).toEqual([1, 0, -3, 0]);
	});

	test("deep chains of calls neither recurse nor multiply without bound", () => {
		// each function calls the next, and each is a program of its own: all together are 5 million instructions
		const count = 1000;
		const size = 10;
		const insns = Array.from({ length: count * size }, (_, i) =>
			i % size === 0 ? make("call_local", { imm: size - 1 }) : make(i % size === size - 1 ? "exit" : "mov64"),
		);
		insns[(count - 1) * size] = make("mov64");
		const object = draft((o) => {
			const section = o.code("tc", insns);
			for (let i = 0; i < count; i++)
				o.symbol(`f${i}`, section, { type: STT.FUNC, value: i * size * 8, size: size * 8 });
		});
		expect(object.error()).toMatchObject({ code: "link/too-large", where: { section: "tc" } });
		expect(object.link({ programs: ["f0"] }).programs[0]!.functions.length).toBe(count);
	});

	test("aliases of one range multiply no further than the limit", () => {
		const object = draft((o) => {
			const section = o.code(
				"tc",
				Array.from({ length: 20_000 }, () => make("exit")),
			);
			for (let i = 0; i < 1000; i++) o.symbol(`f${i}`, section, { type: STT.FUNC, size: 160_000 });
		});
		expect(object.error().code).toBe("link/too-large");
	});
});

describe("maps of BTF", () => {
	/** `.maps` with one map `m` of this struct. */
	const defined = (
		build: (b: BtfBuilder, uint: (n: number) => number) => { name: string; type: number }[],
		linkage = 1,
	) =>
		draft((o) => {
			const b = new BtfBuilder();
			const int = b.int("int", 4);
			const uint = (n: number) => b.ptr(b.array(int, n));
			const members = build(b, uint).map((one, i) => ({ ...one, offset: i * 8 }));
			const struct = b.struct("", members.length * 8, members);
			b.datasec(".maps", 0, [{ type: b.var("m", struct, linkage), offset: 0, size: members.length * 8 }]);
			o.code("tc", NOP, "main");
			o.section(".BTF", writeBtf(b.build()), 0);
			o.symbol("m", o.section(".maps", new Uint8Array(members.length * 8)), { size: members.length * 8 });
		});

	test.each<[string, Draft, string, RegExp]>([
		[
			"without a type",
			defined((_, uint) => [{ name: "max_entries", type: uint(1) }]),
			"spec/invalid",
			/m has no type/,
		],
		[
			"with an attribute that nobody knows",
			defined((_, uint) => [{ name: "colour", type: uint(1) }]),
			"spec/unsupported",
			/"colour"/,
		],
		[
			"with a number that is none",
			defined((b) => [{ name: "type", type: b.int("int", 4) }]),
			"spec/invalid",
			/not written with __uint/,
		],
		[
			"with two key sizes",
			defined((b, uint) => [
				{ name: "type", type: uint(1) },
				{ name: "key_size", type: uint(8) },
				{ name: "key", type: b.ptr(b.int("int", 4)) },
			]),
			"spec/invalid",
			/two key sizes: 8 and 4/,
		],
		[
			"with a key of no size",
			defined((b) => [{ name: "key", type: b.ptr(b.fwd("gone")) }]),
			"spec/invalid",
			/type without size/,
		],
		[
			"that are static",
			defined((_, uint) => [{ name: "type", type: uint(1) }], 0),
			"spec/invalid",
			/m is static/,
		],
		[
			"with values, of a kind that has none",
			defined((b, uint) => [
				{ name: "type", type: uint(1) },
				{ name: "values", type: b.array(b.ptr(b.int("int", 4)), 0) },
			]),
			"spec/invalid",
			/neither a prog array nor/,
		],
	])("%s", (_, object, code, message) => {
		expect(object.error()).toMatchObject({
			code,
			message: expect.stringMatching(message),
			where: { map: "m" },
		});
	});

	test("a map in maps that is its own inner map", () => {
		const object = defined((b, uint) => {
			const self = b.declare();
			const members = [
				{ name: "type", type: uint(MAP_TYPE.ARRAY_OF_MAPS) },
				{ name: "values", type: b.array(b.ptr(self), 0) },
			];
			b.define(self, {
				kind: "struct",
				name: "self",
				size: 16,
				kindFlag: false,
				members: members.map((one, i) => ({ ...one, bitOffset: i * 64, bitSize: 0 })),
			});
			return members;
		});
		expect(object.error()).toMatchObject({
			code: "spec/unsupported",
			message: expect.stringMatching(/deeper than maps in maps/),
		});
	});

	test(".maps without BTF", () => {
		const object = draft((o) => {
			o.code("tc", NOP, "main");
			o.symbol("m", o.section(".maps", new Uint8Array(16)));
		});
		expect(object.error()).toMatchObject({ code: "spec/invalid", hint: "Compile with -g." });
	});
});

test("a .bss of 4 GiB costs nothing until somebody writes to it", () => {
	const object = draft((o) => {
		o.code("tc", NOP, "main");
		const bss = o.sections.push({
			name: ".bss",
			type: SHT.NOBITS,
			flags: SHF.ALLOC | SHF.WRITE,
			size: 0xffff_fff0,
		});
		o.symbol("big", bss, { size: 0xffff_fff0 });
	});
	expect(object.link().maps[0]).toMatchObject({ name: ".bss", valueSize: 0xffff_fff0 });
	expect(object.error({ rodata: { big: new Uint8Array(1) } }).code).toBe("link/target");
});

test("license, version", () => {
	const object = draft((o) => {
		o.code("tc", NOP, "main");
		o.section("license", new TextEncoder().encode("GPL\0junk"));
		o.section("version", o.words(0x050a00));
	});
	expect(object.link()).toMatchObject({ license: "GPL", kernelVersion: 0x050a00 });
	const long = draft((o) => [o.code("tc", NOP, "main"), o.section("version", new Uint8Array(5))]);
	expect(long.error().message).toMatch(/5 bytes, not 4/);
	expect(draft((o) => o.code("tc", NOP, "main")).link()).toMatchObject({
		license: "",
		kernelVersion: 0x061200,
	});
});

const chain = await fixture("examples/chain/chain.o");
const limit = await fixture("examples/limit/limit.o");
const loader = await fixture("loader/loader.o");

/** Parses and links; anything but a TailhopError is a failure. */
function survives(bytes: Uint8Array): string {
	try {
		link(parse(bytes));
		return "ok";
	} catch (error) {
		if (error instanceof TailhopError) return error.code;
		throw error;
	}
}

test("an example cut off at every byte gives typed errors", () => {
	for (let length = 0; length < limit.length; length++)
		expect(survives(limit.subarray(0, length))).toMatch(/^(elf|btf|spec|link)\//);
});

test("changed bytes give typed errors, or objects that link", () => {
	const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
	fc.assert(
		fc.property(
			fc.constantFrom(chain, loader),
			fc.array(change, { minLength: 1, maxLength: 6 }),
			(object, changes) => {
				const bytes = object.slice();
				for (const [at, value] of changes) bytes[at % bytes.length] = value;
				survives(bytes);
			},
		),
		{ numRuns: 200 },
	);
});
