import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import {
	BTF_INT,
	BtfBuilder,
	formatText,
	formatValue,
	parsePlainValue,
	parseValue,
	sizeOf,
} from "./index.ts";

const b = new BtfBuilder();
const u8 = b.int("unsigned char", 1);
const s8 = b.int("signed char", 1, BTF_INT.SIGNED);
const char = b.int("char", 1, BTF_INT.SIGNED);
const u16 = b.int("unsigned short", 2);
const s32 = b.int("int", 4, BTF_INT.SIGNED);
const u32 = b.int("unsigned int", 4);
const u64 = b.int("unsigned long long", 8);
const u128 = b.int("unsigned __int128", 16);
const bool = b.int("_Bool", 1, BTF_INT.BOOL);
const double = b.float("double", 8);
const pointer = b.ptr(0);
const state = b.enum("state", { DOWN: 0, UP: 1, BROKEN: -1 });
const big = b.enum64("big", { HUGE: 0x1_0000_0000_0000n });
const name = b.array(char, 8);
const bytes = b.array(u8, 4);
const matrix = b.array(b.array(u16, 2), 2);
const long = b.array(u32, 20);
const nothing = b.array(b.struct("", 0, []), 1_000_000_000);
const flow = b.struct("flow", 16, [
	{ name: "src", type: b.typedef("__be32", u32), offset: 0 },
	{
		name: "",
		type: b.union("", 4, [
			{ name: "both", type: u32, offset: 0 },
			{
				name: "",
				type: b.struct("", 4, [
					{ name: "sport", type: u16, offset: 0 },
					{ name: "dport", type: u16, offset: 2 },
				]),
				offset: 0,
			},
		]),
		offset: 4,
	},
	{
		name: "inner",
		type: b.struct("inner", 4, [{ name: "state", type: b.modifier("const", state), offset: 0 }]),
		offset: 8,
	},
	{ name: "list", type: b.array(u16, 2), offset: 12 },
]);
const bits = b.struct("bits", 8, [
	{ name: "version", type: u8, bitOffset: 0, bitSize: 4 },
	{ name: "ihl", type: u8, bitOffset: 4, bitSize: 4 },
	{ name: "small", type: s32, bitOffset: 8, bitSize: 3 },
	{ name: "mode", type: state, bitOffset: 11, bitSize: 2 },
	{ name: "wide", type: u64, bitOffset: 13, bitSize: 51 },
]);
const counter = b.var("counter", u64);
const section = b.datasec(".data", 12, [
	{ type: counter, offset: 0, size: 8 },
	{ type: b.var("mode", state), offset: 8, size: 4 },
]);
const proto = b.struct("proto", 4, [{ name: "__proto__", type: u32, offset: 0 }]);
const btf = b.build();

function errorOf(run: () => unknown): TailhopError {
	try {
		run();
	} catch (error) {
		if (error instanceof TailhopError) return error;
		throw error;
	}
	throw new Error("no error");
}

const hex = (data: Uint8Array) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

test.each([
	["u8", u8, "ff", 255, "255"],
	["s8", s8, "ff", -1, "-1"],
	["s32", s32, "feffffff", -2, "-2"],
	["u32", u32, "ffffffff", 4294967295, "4294967295"],
	["u64 to 2^53 - 1", u64, "ffffffffffff1f00", 9007199254740991, "9007199254740991"],
	["u64 above", u64, "0000000000002000", "9007199254740992", "9007199254740992"],
	["u128", u128, `${"00".repeat(15)}80`, (1n << 127n).toString(), (1n << 127n).toString()],
	["bool", bool, "01", true, "true"],
	["a bool that is 2", bool, "02", 2, "2"],
	["double", double, "000000000000f83f", 1.5, "1.5"],
	["pointer", pointer, "10000000000000ff", "0xff00000000000010", "0xff00000000000010"],
	["enum by name", state, "ffffffff", "BROKEN", "BROKEN"],
	["enum without a name", state, "07000000", 7, "7"],
	["enum64", big, "0000000000000100", "HUGE", "HUGE"],
	["text", name, "6162000000000000", "ab", '"ab"'],
	[
		"no text: no NUL",
		name,
		"6162636465666768",
		[97, 98, 99, 100, 101, 102, 103, 104],
		"[97, 98, 99, 100, 101, 102, 103, 104]",
	],
	[
		"no text: something behind the NUL",
		name,
		"6100620000000000",
		[97, 0, 98, 0, 0, 0, 0, 0],
		"[97, 0, 98, 0, 0, 0, 0, 0]",
	],
	[
		"no text: not printable",
		name,
		"0161000000000000",
		[1, 97, 0, 0, 0, 0, 0, 0],
		"[1, 97, 0, 0, 0, 0, 0, 0]",
	],
	["bytes are no text", bytes, "61620000", [97, 98, 0, 0], "[97, 98, 0, 0]"],
	[
		"arrays of arrays",
		matrix,
		"0100020003000400",
		[
			[1, 2],
			[3, 4],
		],
		"[[1, 2], [3, 4]]",
	],
	[
		"many zeros, for people only",
		long,
		"01000000".padEnd(160, "0"),
		[1, ...new Array<number>(19).fill(0)],
		"[1, ...]",
	],
	[
		"a struct, with the fields of what has no name",
		flow,
		"0a000001500090000100000001000200",
		{ src: 0x100000a, both: 0x900050, sport: 80, dport: 144, inner: { state: "UP" }, list: [1, 2] },
		"{src: 16777226, both: 9437264, sport: 80, dport: 144, inner: {state: UP}, list: [1, 2]}",
	],
	[
		"bit fields",
		bits,
		"450f00000000 0080".replace(" ", ""),
		{ version: 5, ihl: 4, small: -1, mode: "UP", wide: 0x4_0000_0000_0000 },
		"{version: 5, ihl: 4, small: -1, mode: UP, wide: 1125899906842624}",
	],
	[
		"a data section",
		section,
		"0500000000000000ffffffff",
		{ counter: 5, mode: "BROKEN" },
		"{counter: 5, mode: BROKEN}",
	],
	["a variable", counter, "0500000000000000", 5, "5"],
] as const)("%s: bytes, value, text, and back", (_, type, data, value, text) => {
	expect(formatValue(btf, type, unhex(data))).toEqual(value);
	expect(formatText(btf, type, unhex(data))).toBe(text);
	expect(hex(parseValue(btf, type, text))).toBe(data);
});

test("a field of any name is an own property", () => {
	const value = formatValue(btf, proto, unhex("05000000"));
	expect(JSON.stringify(value)).toBe('{"__proto__":5}');
});

test("a billion elements of nothing are nothing", () => {
	expect(formatValue(btf, nothing, new Uint8Array(0))).toEqual([]);
	expect(parseValue(btf, nothing, "[]")).toHaveLength(0);
});

test.each([
	["hex is a bit pattern", s32, "0xffffffff", "ffffffff"],
	["negative", s32, "-0x2", "feffffff"],
	["what is not mentioned is zero", flow, "{dport: 80}", "00000000000050000000000000000000"],
	["dotted and indexed", flow, "{.inner.state = UP, list[1]: 7}", "00000000000000000100000000000700"],
	["the bytes of anything", flow, `hex:${"11".repeat(16)}`, "11".repeat(16)],
	["the bytes of a field", flow, "{src: hex:0a000001}", "0a000001000000000000000000000000"],
	["text for bytes", bytes, '"ab"', "61620000"],
	["a text with escapes", name, '"a\\tb"', "6109620000000000"],
	["an empty struct", flow, "{ }", "00".repeat(16)],
	["a list that ends early", bytes, "[1, 2]", "01020000"],
	["commas at the end", bytes, "[1, 2,]", "01020000"],
])("%s", (_, type, text, data) => {
	expect(hex(parseValue(btf, type, text))).toBe(data);
});

test.each([
	["too big", u8, "256", "", "256 does not fit"],
	["negative", u32, "-1", "", "-1 does not fit"],
	["too big for its sign", s32, "2147483648", "", "does not fit"],
	["no number", u32, "five", "", '"five" is not a number'],
	["nothing", u32, "", "", "a value is missing"],
	["two", u32, "1 2", "", 'unexpected "2"'],
	["an unknown name", flow, "{inner: {state: SIDEWAYS}}", "inner.state", 'no "SIDEWAYS" in enum state'],
	["an unknown field", flow, "{inner: {stat: UP}}", "inner.stat", 'no field "stat" in struct inner'],
	["an element too many", flow, "{list: [1, 2, 3]}", "list", "3 elements of 2"],
	["an element outside", flow, "{list[2]: 1}", "list[2]", "element 2 of 2"],
	["a bit field too big", bits, "{ihl: 16}", "ihl", "16 does not fit"],
	["a number for a struct", flow, "5", "", "struct flow has fields"],
	["a struct for a number", flow, "{src: {a: 1}}", "src", "a fields for a int"],
	["a text too long", name, '"123456789"', "", "a text of 9 bytes for 8"],
	["bytes too few", u32, "hex:0102", "", "2 bytes of 4"],
	["half a byte", u32, "hex:010", "", "odd number"],
	["an open text", name, '"abc', "", "closing"],
	["an open struct", flow, "{src: 1", "", '"," or "}"'],
	["too deep", flow, "[".repeat(100), "", "deeper than 64"],
	["a function", 0, "1", "", "void has no values"],
])("%s is an error that names the field", (_, type, text, path, message) => {
	const error = errorOf(() => parseValue(btf, type, text));
	expect([error.code, error.message]).toEqual(["btf/value", expect.stringContaining(message)]);
	if (path !== "") expect(error.detail?.path).toBe(path);
	expect(error.hint).toBeTypeOf("string");
});

test("a value that is cut is an error", () => {
	expect(errorOf(() => formatValue(btf, flow, new Uint8Array(15))).code).toBe("btf/value");
});

describe("without a type", () => {
	test.each([
		[4, "5", "05000000", 5, "5"],
		[2, "-1", "ffff", 65535, "65535"],
		[3, "hex:0a0b0c", "0a0b0c", "hex:0a0b0c", "hex:0a0b0c"],
		[3, "[1, 0x2]", "010200", "hex:010200", "hex:010200"],
		[3, '"ab"', "616200", "hex:616200", "hex:616200"],
		[
			16,
			"0x100000000000000000000000000000f",
			"0f0000000000000000000000000000" + "01",
			expect.any(String),
			expect.any(String),
		],
	])("%i bytes of %s", (size, text, data, value, shown) => {
		const made = parsePlainValue(size, text);
		expect(hex(made)).toBe(data);
		expect(formatValue(undefined, 0, made)).toEqual(value);
		expect(formatText(btf, 0, made)).toEqual(shown);
	});

	test.each([
		[1, "256"],
		[1, "[1, 2]"],
		[2, "[256]"],
		[2, "{a: 1}"],
	])("%i bytes of %s is an error", (size, text) => {
		expect(errorOf(() => parsePlainValue(size, text)).code).toBe("btf/value");
	});
});

test("what is shown is read back to the same bytes", () => {
	for (const type of [flow, bits, matrix, name, long, section, state, u128]) {
		const size = sizeOf(btf, type)!;
		fc.assert(
			fc.property(fc.uint8Array({ minLength: size, maxLength: size }), (data) => {
				expect(hex(parseValue(btf, type, formatText(btf, type, data)))).toBe(hex(data));
			}),
		);
	}
});

test("any text gives bytes or a typed error", () => {
	const piece = fc.constantFrom(
		"{",
		"}",
		"[",
		"]",
		",",
		":",
		"src",
		"inner.state",
		"list[1]",
		"UP",
		"1",
		"-",
		"0x",
		'"',
		"...",
		" ",
		"hex:",
		"\\",
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
			try {
				expect(parseValue(btf, flow, pieces.join(""))).toHaveLength(16);
			} catch (error) {
				if (!(error instanceof TailhopError)) throw error;
			}
		}),
		{ numRuns: 2000 },
	);
});

test("unions that share parts do not multiply", () => {
	const knots = new BtfBuilder();
	let named = knots.int("int", 4);
	let unnamed = knots.union("", 4, [{ name: "a", type: named, offset: 0 }]);
	for (let i = 0; i < 60; i++) {
		named = knots.union("", 4, [
			{ name: "a", type: named, offset: 0 },
			{ name: "b", type: named, offset: 0 },
		]);
		unnamed = knots.union("", 4, [
			{ name: "", type: unnamed, offset: 0 },
			{ name: "", type: unnamed, offset: 0 },
		]);
	}
	const made = knots.build();
	for (const type of [named, unnamed]) {
		expect(errorOf(() => formatValue(made, type, new Uint8Array(4))).message).toMatch(/million parts/);
	}
	expect(parseValue(made, unnamed, "{a: 1}")).toEqual(Uint8Array.of(1, 0, 0, 0));
});
