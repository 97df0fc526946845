import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import {
	alignOf,
	BTF_FUNC,
	BTF_INT,
	BTF_VAR,
	type Btf,
	BtfBuilder,
	type BtfExt,
	cDefinition,
	declTags,
	encodeBtf,
	findBtfType,
	findBtfTypes,
	readBtf,
	readBtfExt,
	readBtfStrings,
	resolveType,
	sizeOf,
	typeName,
	writeBtf,
	writeBtfAndExt,
} from "./index.ts";

function errorOf(run: () => unknown): TailhopError {
	try {
		run();
	} catch (error) {
		if (error instanceof TailhopError) return error;
		throw error;
	}
	throw new Error("no error");
}

/** One type of every kind. */
function everyKind(): Btf {
	const b = new BtfBuilder();
	const int = b.int("int", 4, BTF_INT.SIGNED);
	const u64 = b.int("unsigned long", 8);
	const char = b.int("char", 1, BTF_INT.SIGNED);
	const node = b.declare();
	const name = b.array(char, 16);
	b.define(
		node,
		BtfBuilder.composite("struct", "node", 40, [
			{ name: "next", type: b.ptr(node), offset: 0 },
			{ name: "name", type: name, offset: 8 },
			{ name: "low", type: int, bitOffset: 192, bitSize: 3 },
			{ name: "high", type: int, bitOffset: 195, bitSize: 29 },
			{ name: "stamp", type: u64, bitOffset: 256, bitSize: 0 },
		]),
	);
	b.union("either", 8, [
		{ name: "wide", type: u64, offset: 0 },
		{ name: "narrow", type: int, offset: 0 },
	]);
	b.enum("state", { DOWN: 0, UP: 1, BROKEN: -1 });
	b.enum64("big", { HUGE: 0x1_0000_0000n, MINUS: -1n });
	b.fwd("elsewhere", true);
	const alias = b.typedef("node_t", b.modifier("const", b.modifier("volatile", node)));
	b.modifier("restrict", b.ptr(b.typeTag("kptr", alias)));
	b.float("double", 8);
	const proto = b.funcProto(int, [
		["ctx", b.ptr(node)],
		["", 0],
	]);
	const main = b.func("main", proto, BTF_FUNC.GLOBAL);
	b.declTag("tail:jumps/1", main);
	b.declTag("arg", main, 0);
	const counter = b.var("counter", u64, BTF_VAR.GLOBAL);
	b.datasec(".bss", 8, [{ type: counter, offset: 0, size: 8 }]);
	return b.build();
}

/** `.BTF` of any words: what a writer that checks cannot make. */
function raw(words: readonly number[], strings = "\0a\0"): Uint8Array {
	const text = new TextEncoder().encode(strings);
	const out = new Uint8Array(24 + words.length * 4 + text.length);
	const view = new DataView(out.buffer);
	view.setUint32(0, 0x1eb9f, true);
	[24, 0, words.length * 4, words.length * 4, text.length].forEach((word, i) => {
		view.setUint32(4 + i * 4, word, true);
	});
	words.forEach((word, i) => {
		view.setUint32(24 + i * 4, word, true);
	});
	out.set(text, 24 + words.length * 4);
	return out;
}

/** `.BTF` of words with numbers of the header replaced, given by their offsets. */
function header(words: readonly number[], numbers: Readonly<Record<number, number>>): Uint8Array {
	const bytes = raw(words);
	for (const [at, value] of Object.entries(numbers))
		new DataView(bytes.buffer).setUint32(Number(at), value, true);
	return bytes;
}

const kind = (number: number, vlen = 0, flag = 0) => (flag * 0x8000_0000 + number * 0x100_0000 + vlen) >>> 0;
const INT = [1, kind(1), 4, 32];

describe("reader and writer", () => {
	test("every kind comes back as it was", () => {
		const btf = everyKind();
		expect(new Set(btf.types.map((type) => type.kind)).size).toBe(20);
		expect(readBtf(writeBtf(btf))).toEqual(btf);
		expect(Object.isFrozen(btf.types[4])).toBe(true);
	});

	test("each string once, and extra strings for line info", () => {
		const { bytes, offsetOf } = encodeBtf(everyKind(), ["main.c", "int"]);
		const strings = readBtfStrings(bytes);
		expect(strings.at(offsetOf("main.c")!)).toBe("main.c");
		expect(strings.at(offsetOf("int")!)).toBe("int");
		expect(offsetOf("nowhere")).toBeUndefined();
		expect(new TextDecoder().decode(strings.bytes).split("node_t").length).toBe(2);
	});

	test("generated types come back as they were", () => {
		fc.assert(
			fc.property(generatedTypes(), (btf) => {
				expect(readBtf(writeBtf(btf))).toEqual(btf);
			}),
		);
	});

	test("extra zero bytes in the header are a later version's, others are refused", () => {
		const bytes = writeBtf(everyKind());
		const longer = new Uint8Array(bytes.length + 8);
		longer.set(bytes.subarray(0, 24));
		longer.set(bytes.subarray(24), 32);
		longer[4] = 32;
		expect(readBtf(longer)).toEqual(everyKind());
		longer[30] = 1;
		expect(errorOf(() => readBtf(longer)).message).toMatch(/unknown fields/);
	});

	test.each([
		["a NUL in a name", { kind: "float", name: "a\0b", size: 4 }],
		["an id that does not exist", { kind: "ptr", name: "", type: 9 }],
		[
			"a bit field without kind_flag",
			{
				kind: "struct",
				name: "s",
				size: 4,
				kindFlag: false,
				members: [{ name: "m", type: 1, bitOffset: 0, bitSize: 3 }],
			},
		],
	] as const)("%s is not written", (_, type) => {
		const int = { kind: "int", name: "int", size: 4, bits: 32, bitOffset: 0, encoding: 0 } as const;
		const error = errorOf(() => writeBtf({ types: [{ kind: "void" }, int, type] }));
		expect([error.code, error.detail]).toEqual(["btf/invalid", { typeId: 2 }]);
	});
});

/** Ints, and then types that refer to any earlier type that fits. */
function generatedTypes(): fc.Arbitrary<Btf> {
	const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
	const step = fc.record({ choice: fc.nat(8), pick: fc.nat(), other: fc.nat(), name, count: fc.nat(5) });
	return fc.array(step, { maxLength: 30 }).map((steps) => {
		const b = new BtfBuilder();
		const sized = [b.int("int", 4, BTF_INT.SIGNED)];
		const size = new Map([[1, 4]]);
		const keep = (id: number, bytes: number) => {
			sized.push(id);
			size.set(id, bytes);
		};
		for (const { choice, pick, other, name: text, count } of steps) {
			const one = sized[pick % sized.length]!;
			const two = sized[other % sized.length]!;
			const bytes = size.get(one)!;
			if (bytes > 10_000) continue;
			if (choice === 0) keep(b.ptr(one), 8);
			else if (choice === 1) keep(b.array(one, count), bytes * count);
			else if (choice === 2) {
				const total = bytes + size.get(two)!;
				const members = [
					{ name: text, type: one, offset: 0 },
					{ name: `${text}2`, type: two, offset: bytes },
				];
				keep(b.struct(text, total, members), total);
			} else if (choice === 3) keep(b.union(text, bytes, [{ name: text, type: one, offset: 0 }]), bytes);
			else if (choice === 4) keep(b.typedef(text, one), bytes);
			else if (choice === 5) keep(b.enum(text, { [text.toUpperCase()]: pick | 0 }), 4);
			else if (choice === 6) keep(b.modifier("const", one), bytes);
			else if (choice === 7) b.func(text, b.funcProto(one, [[text, two]]));
			else b.datasec(`.${text}`, bytes, [{ type: b.var(text, one), offset: 0, size: bytes }]);
		}
		return b.build();
	});
}

describe("BTF that lies", () => {
	const STRUCT = (size: number, ...members: number[][]) => [
		1,
		kind(4, members.length),
		size,
		...members.flat(),
	];
	test.each([
		["no bytes", new Uint8Array(0), "no BTF header", undefined],
		["another magic number", raw([]).fill(0, 0, 2), "magic number", undefined],
		["big endian", raw([]).fill(0xeb, 0, 1).fill(0x9f, 1, 2), "big-endian", undefined],
		["types out of the bytes", raw([]).fill(0xf0, 12, 13), "do not fit", undefined],
		["version 2", raw([]).fill(2, 2, 3), "version 2", undefined],
		["flags", raw([]).fill(1, 3, 4), "unknown flags", undefined],
		["a header of 8 bytes", header(INT, { 4: 8 }), "header of 8 bytes", undefined],
		["types at 2", header(INT, { 8: 2 }), "not a multiple of 4", undefined],
		["strings out of the bytes", header(INT, { 20: 999 }), "bytes of strings do not fit", undefined],
		["strings over the types", header(INT, { 16: 4 }), "overlap", undefined],
		["strings without a NUL at the end", raw([], "\0abc"), "begin and end with NUL", undefined],
		["strings without a NUL at the start", raw([], "abc\0"), "begin and end with NUL", undefined],
		["half a type", raw([1, kind(2)]), "ends inside it", 1],
		[
			"half a type at the end of the bytes",
			header([0, 0, 0], { 8: 4, 12: 8, 16: 0, 20: 4 }).slice(0, -3),
			"ends inside it",
			1,
		],
		["kind 20", raw([1, kind(20), 0]), "unknown kind 20", 1],
		["kind 0", raw([1, kind(0), 0]), "unknown kind 0", 1],
		["unknown info bits", raw([1, kind(2) | 0x10000, 0]), "unknown bits", 1],
		["kind_flag on a pointer", raw([0, kind(2, 0, 1), 0]), "kind_flag", 1],
		["entries of a pointer", raw([0, kind(2, 3), 0]), "with 3 entries", 1],
		["a name outside", raw([99, kind(2), 0]), "outside the string section", 1],
		["members behind the end", raw([1, kind(4, 0xffff), 4]), "ends inside it", 1],
		["an int wider than its size", raw([1, kind(1), 4, 33]), "33 bits", 1],
		["an int of 129 bits", raw([1, kind(1), 32, 129]), "129 bits", 1],
		["an int with two encodings", raw([1, kind(1), 4, 32 + 3 * 0x100_0000]), "encoding 3", 1],
		["an int with unknown bits", raw([1, kind(1), 4, 0x8000_0020]), "unknown bits", 1],
		["an enum of 3 bytes", raw([1, kind(6), 3]), "enum of 3 bytes", 1],
		["a float of 5 bytes", raw([1, kind(16), 5]), "float of 5 bytes", 1],
		["a typedef without a name", raw([...INT, 0, kind(8), 1]), "no name", 2],
		["an id that does not exist", raw([0, kind(2), 7]), "type 7 does not exist", 1],
		["a pointer to itself", raw([0, kind(2), 1]), "loop", 1],
		["typedefs in a circle", raw([1, kind(8), 2, 1, kind(8), 1]), "loop", 1],
		["const of a pointer to it", raw([0, kind(10), 2, 0, kind(2), 1]), "loop", 1],
		["a struct in itself", raw(STRUCT(8, [1, 1, 0])), "contains itself", 1],
		["an array of itself", raw([...INT, 0, kind(3), 0, 2, 1, 2]), "contains itself", 2],
		[
			"struct, typedef, array in a circle",
			raw([...STRUCT(8, [1, 2, 0]), 1, kind(8), 3, 0, kind(3), 0, 1, 1, 1]),
			"contains itself|indexed",
			3,
		],
		["an array of void", raw([...INT, 0, kind(3), 0, 0, 1, 2]), "no size", 2],
		["an array of 2^32 times 4 bytes", raw([...INT, 0, kind(3), 0, 1, 1, 0xffff_ffff]), "times 4 bytes", 2],
		["an array indexed by a pointer", raw([0, kind(2), 0, 0, kind(3), 0, 1, 1, 1]), "indexed", 2],
		["a member of void", raw(STRUCT(8, [1, 0, 0])), "no size", 1],
		["a member past the end", raw([...INT, ...STRUCT(4, [1, 1, 8])]), "ends at bit 40 of 32", 2],
		["a union's member not at 0", raw([...INT, 1, kind(5, 1), 8, 1, 1, 32]), "not at 0", 2],
		[
			"a bit field of a pointer",
			raw([0, kind(2), 0, 1, kind(4, 1, 1), 8, 1, 1, 3 * 0x100_0000]),
			"bit field of a ptr",
			2,
		],
		[
			"a bit field wider than its type",
			raw([...INT, 1, kind(4, 1, 1), 16, 1, 1, 33 * 0x100_0000]),
			"33 bits of 32",
			2,
		],
		["a plain member inside a byte", raw([...INT, 1, kind(4, 1, 1), 16, 1, 1, 4]), "inside a byte", 2],
		["a function of an int", raw([...INT, 1, kind(12), 1]), "no prototype", 2],
		["linkage 3", raw([0, kind(13), 0, 1, kind(12, 3), 1]), "linkage 3", 2],
		["a void parameter", raw([...INT, 0, kind(13, 2), 0, 1, 0, 1, 1]), "parameter 0 is void", 2],
		["a pointer to a variable", raw([...INT, 1, kind(14), 1, 0, 0, kind(2), 2]), "a var", 3],
		[
			"a pointer in a data section",
			raw([0, kind(2), 0, 1, kind(15, 1), 8, 1, 0, 8]),
			"a ptr, in a data section",
			2,
		],
		[
			"a variable past its section",
			raw([...INT, 1, kind(14), 1, 0, 1, kind(15, 1), 4, 2, 2, 4]),
			"ends at 6 of 4",
			3,
		],
		["a tag on a pointer", raw([0, kind(2), 0, 1, kind(17), 1, 0xffff_ffff]), "tag on type 1", 2],
		["a tag on member 1 of 0", raw([...STRUCT(0), 1, kind(17), 1, 1]), "component 1 of 0", 2],
	])("%s", (_, bytes, message, typeId) => {
		const error = errorOf(() => readBtf(bytes));
		expect([error.code, error.message]).toEqual(["btf/invalid", expect.stringMatching(message)]);
		expect(error.where.offset).toBeTypeOf("number");
		expect(error.detail?.typeId).toBe(typeId);
	});

	test("types nested too deep, in either order of ids", () => {
		const structs = (order: (i: number) => number) => {
			const words: number[] = [...INT];
			for (let i = 0; i < 200; i++) words.push(...STRUCT(4, [1, order(i), 0]));
			return raw(words);
		};
		expect(errorOf(() => readBtf(structs((i) => i + 1))).message).toMatch(/deeper than 64/);
		expect(errorOf(() => readBtf(structs((i) => (i === 199 ? 1 : i + 3)))).message).toMatch(/deeper than 64/);
	});

	test("cut at any byte", () => {
		const bytes = writeBtf(everyKind());
		for (let length = 0; length < bytes.length; length++) {
			expect(errorOf(() => readBtf(bytes.slice(0, length))).code).toBe("btf/invalid");
		}
	});

	test("any word replaced: types or a typed error, and every question about the types is answered", () => {
		const original = writeBtf(everyKind());
		const number = fc.constantFrom(0, 1, 2, 5, 19, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0400_ffff);
		const word = fc.record({
			at: fc.nat(Math.floor(original.length / 4) - 1),
			value: fc.oneof(number, fc.nat(40), fc.nat(0xffff_ffff)),
		});
		let read = 0;
		fc.assert(
			fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), (words) => {
				const bytes = original.slice();
				for (const { at, value } of words) new DataView(bytes.buffer).setUint32(at * 4, value, true);
				try {
					const btf = readBtf(bytes);
					read++;
					btf.types.forEach((_, id) => {
						typeName(btf, id);
						cDefinition(btf, id);
						alignOf(btf, id);
					});
				} catch (error) {
					if (!(error instanceof TailhopError)) throw error;
				}
			}),
			{ numRuns: 3000 },
		);
		expect(read).toBeGreaterThan(50);
	});
});

describe("BTF.ext", () => {
	const EXT: BtfExt = {
		funcs: [{ section: "xdp", records: [{ offset: 0, typeId: 3 }] }],
		lines: [
			{
				section: "xdp",
				records: [
					{ offset: 0, file: "main.c", text: "\treturn 1;", line: 12, column: 2 },
					{ offset: 8, file: "main.c", text: "", line: 13, column: 0 },
				],
			},
		],
		coreRelos: [{ section: "tc", records: [{ offset: 16, typeId: 4, access: "0:1", kind: 2 }] }],
	};
	const written = () => writeBtfAndExt(everyKind(), EXT);
	const read = (bytes: Uint8Array) => readBtfExt(bytes, readBtfStrings(written().btf));

	test("comes back as it was", () => {
		expect(read(written().ext)).toEqual(EXT);
		expect(readBtf(written().btf)).toEqual(everyKind());
	});

	/** The words of the written bytes after an edit: 8 header words, func info from 8, line info from 13. */
	const edited = (...edits: [word: number, value: number][]) => {
		const bytes = written().ext;
		for (const [word, value] of edits) new DataView(bytes.buffer).setUint32(word * 4, value, true);
		return bytes;
	};

	test("longer records are a later version's", () => {
		// one func record of 12 bytes: the section's header, the record, and 4 bytes of something new
		const bytes = new Uint8Array(24 + 4 + 8 + 12);
		const view = new DataView(bytes.buffer);
		view.setUint32(0, 0x1eb9f, true);
		[24, 0, 24, 0, 0].forEach((word, i) => {
			view.setUint32(4 + i * 4, word, true);
		});
		[12, 0, 1, 8, 3, 77].forEach((word, i) => {
			view.setUint32(24 + i * 4, word, true);
		});
		expect(read(bytes)).toEqual({
			funcs: [{ section: "", records: [{ offset: 8, typeId: 3 }] }],
			lines: [],
			coreRelos: [],
		});
	});

	test.each([
		["shorter records", edited([8, 4]), "records of 4 bytes"],
		["records of an odd size", edited([8, 9]), "records of 9 bytes"],
		["a record more than there is", edited([10, 2]), "2 records of 8 bytes do not fit"],
		["2^32 - 1 records", edited([10, 0xffff_ffff]), "do not fit"],
		["no records", edited([10, 0]), "no records"],
		["a section name outside", edited([9, 0xffff]), "outside the string section"],
		["half an instruction", edited([11, 4]), "multiple of 8"],
		["info out of the bytes", edited([3, 0xffff_fff0]), "do not fit"],
		["info at an odd place", edited([2, 2]), "multiple of 4"],
		["a header of 8 bytes", edited([1, 8]), "header of 8 bytes"],
		["another magic number", edited([0, 0]), "magic number"],
		["version 2", edited([0, 0x2eb9f]), "version 2"],
		["flags", edited([0, 0x101eb9f]), "unknown flags"],
		["no bytes", new Uint8Array(0), "no BTF.ext header"],
		["records without their size", edited([3, 2]), "without their size"],
		["half a section's header", edited([3, 24]), "inside a section's header"],
	])("%s", (_, bytes, message) => {
		const error = errorOf(() => read(bytes));
		expect([error.code, error.message]).toEqual(["btf/invalid", expect.stringContaining(message)]);
		expect(error.where).toEqual({ section: ".BTF.ext", offset: expect.any(Number) });
	});

	test("any word replaced gives records or a typed error", () => {
		const original = written().ext;
		const strings = readBtfStrings(written().btf);
		fc.assert(
			fc.property(fc.nat(original.length / 4 - 1), fc.oneof(fc.nat(64), fc.nat(0xffff_ffff)), (at, value) => {
				const bytes = original.slice();
				new DataView(bytes.buffer).setUint32(at * 4, value, true);
				try {
					readBtfExt(bytes, strings);
				} catch (error) {
					if (!(error instanceof TailhopError)) throw error;
				}
			}),
			{ numRuns: 1000 },
		);
	});
});

describe("questions about types", () => {
	const btf = everyKind();
	const id = (name: string) => findBtfTypes(btf, name)[0]!;

	test("by name, through typedefs and modifiers", () => {
		expect(findBtfType(btf, "node", "struct")?.type.members).toHaveLength(5);
		expect(findBtfType(btf, "node", "union")).toBeUndefined();
		expect(resolveType(btf, id("node_t"))).toBe(btf.types[id("node")]);
		expect(declTags(btf, id("main")).map((tag) => [tag.name, tag.component])).toEqual([
			["tail:jumps/1", -1],
			["arg", 0],
		]);
	});

	test("sizes and alignments", () => {
		const facts = [
			"int",
			"node",
			"node_t",
			"either",
			"state",
			"big",
			"double",
			"counter",
			"elsewhere",
			"main",
		].map((name) => [name, sizeOf(btf, id(name)), alignOf(btf, id(name))]);
		expect(facts).toEqual([
			["int", 4, 4],
			["node", 40, 8],
			["node_t", 40, 8],
			["either", 8, 8],
			["state", 4, 4],
			["big", 8, 8],
			["double", 8, 8],
			["counter", 8, 1],
			["elsewhere", undefined, 1],
			["main", undefined, 1],
		]);
	});

	test("names as C writes them", () => {
		const b = new BtfBuilder();
		const int = b.int("int", 4);
		const constInt = b.modifier("const", int);
		const proto = b.funcProto(b.ptr(constInt), [
			["ctx", b.ptr(0)],
			["", 0],
		]);
		const names = [
			b.ptr(constInt),
			b.modifier("const", b.ptr(int)),
			b.ptr(b.modifier("const", b.ptr(int))),
			b.array(b.array(int, 3), 2),
			b.ptr(b.array(int, 3)),
			b.array(b.ptr(proto), 4),
			b.ptr(b.struct("", 0, [])),
			b.ptr(b.fwd("far")),
		];
		const made = b.build();
		expect(names.map((name) => typeName(made, name))).toEqual([
			"const int *",
			"int *const",
			"int *const *",
			"int [2][3]",
			"int (*)[3]",
			"const int *(*[4])(void *ctx, ...)",
			"struct {...} *",
			"struct far *",
		]);
	});

	test("definitions as C writes them", () => {
		const b = new BtfBuilder();
		const int = b.int("int", 4);
		const inner = b.union("", 4, [
			{ name: "a", type: int, offset: 0 },
			{ name: "b", type: b.array(b.int("char", 1), 4), offset: 0 },
		]);
		const outer = b.struct("outer", 12, [
			{ name: "", type: inner, bitOffset: 0, bitSize: 0 },
			{ name: "bits", type: int, bitOffset: 32, bitSize: 3 },
			{ name: "last", type: inner, bitOffset: 64, bitSize: 0 },
		]);
		const state = b.enum("state", { DOWN: 0, UP: 1 });
		const main = b.func("main", b.funcProto(int, [["arg", b.ptr(outer)]]));
		const made = b.build();
		expect([outer, state, main].map((one) => cDefinition(made, one)).join("\n")).toBe(
			[
				"struct outer {",
				"\tunion {\n\t\tint a;\n\t\tchar b[4];\n\t};",
				"\tint bits: 3;",
				"\tunion {\n\t\tint a;\n\t\tchar b[4];\n\t} last;",
				"};",
				"enum state {\n\tDOWN = 0,\n\tUP = 1,\n};",
				"int main(struct outer *arg);",
			].join("\n"),
		);
	});

	test("an anonymous struct that points to itself has a definition that ends", () => {
		const b = new BtfBuilder();
		const self = b.declare();
		const pointer = b.ptr(self);
		b.define(
			self,
			BtfBuilder.composite("struct", "", 16, [
				{ name: "left", type: pointer, offset: 0 },
				{ name: "right", type: pointer, offset: 8 },
			]),
		);
		expect(errorOf(() => cDefinition(b.build(), self)).code).toBe("btf/invalid");
	});

	test("prototypes that share parameters have a name that ends", () => {
		const b = new BtfBuilder();
		let last = b.int("int", 4);
		for (let i = 0; i < 60; i++) {
			last = b.ptr(
				b.funcProto(last, [
					["a", last],
					["b", last],
				]),
			);
		}
		const start = performance.now();
		expect(typeName(b.build(), last).length).toBeLessThan(1_000_000);
		expect(performance.now() - start).toBeLessThan(1000);
	});
});
