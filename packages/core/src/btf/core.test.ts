import { describe, expect, test } from "vitest";
import { TailhopError } from "../errors/index.ts";
import type { Insn } from "../isa/index.ts";
import {
	applyCoreRelo,
	BTF_INT,
	BtfBuilder,
	CORE,
	type CoreResolution,
	essentialName,
	POISON_IMM,
	resolveCoreRelo,
} from "./index.ts";

/** Two sides that differ in every way that a field can: the object's types, and a kernel's. */
function sides() {
	const l = new BtfBuilder();
	const t = new BtfBuilder();
	const ints = (b: BtfBuilder) => ({
		u8: b.int("unsigned char", 1),
		u32: b.int("unsigned int", 4),
		s32: b.int("int", 4, BTF_INT.SIGNED),
		u64: b.int("unsigned long", 8),
		s64: b.int("long", 8, BTF_INT.SIGNED),
	});
	const li = ints(l);
	const ti = ints(t);
	const lInner = l.struct("inner", 16, [
		{ name: "x", type: li.u32, offset: 0 },
		{ name: "y", type: li.u64, offset: 8 },
	]);
	const tInner = t.struct("inner", 24, [
		{ name: "new", type: ti.u64, offset: 0 },
		{ name: "x", type: ti.u32, offset: 8 },
		{ name: "y", type: ti.u64, offset: 16 },
	]);
	const local = {
		s: l.struct("s", 128, [
			{ name: "in", type: lInner, offset: 0 }, // 0
			{ name: "list", type: l.array(lInner, 4), offset: 16 }, // 1
			{ name: "hidden", type: li.u32, offset: 80 }, // 2
			{ name: "missing", type: li.u32, offset: 84 }, // 3
			{ name: "wider", type: li.u32, offset: 88 }, // 4
			{ name: "narrower", type: li.u64, offset: 96 }, // 5
			{ name: "signed", type: li.s32, offset: 104 }, // 6
			{ name: "pointer", type: l.ptr(li.u32), offset: 112 }, // 7
			{ name: "other", type: li.u32, offset: 120 }, // 8
			{ name: "tail", type: l.array(li.u32, 0), offset: 128 }, // 9
		]),
		flavored: l.struct("s___v2", 8, [{ name: "only", type: li.u64, offset: 0 }]),
		bits: l.struct("bits", 8, [
			{ name: "a", type: li.u32, bitOffset: 0, bitSize: 4 },
			{ name: "b", type: li.s32, bitOffset: 4, bitSize: 10 },
			{ name: "c", type: li.u64, bitOffset: 14, bitSize: 20 },
			{ name: "d", type: li.u8, bitOffset: 40, bitSize: 7 },
		]),
		gone: l.struct("gone", 4, [{ name: "a", type: li.u32, offset: 0 }]),
		twice: l.struct("twice", 4, [{ name: "a", type: li.u32, offset: 0 }]),
		anonymous: l.struct("", 4, [{ name: "a", type: li.u32, offset: 0 }]),
		e: l.enum("e", { A: 1, B: 2, C: 3 }),
		negative: l.enum("negative", { MINUS: -1 }),
		e64: l.enum64("e64", { BIG: 0x11_0000_0000n }),
		callback: l.typedef("callback", l.ptr(l.funcProto(li.s32, [["a", l.ptr(lInner)]]))),
		wrong: l.typedef("wrong", li.u32),
		matching: l.struct("matching", 16, [
			{ name: "a", type: li.u32, offset: 0 },
			{ name: "p", type: l.ptr(lInner), offset: 8 },
		]),
		unmatching: l.struct("unmatching", 4, [{ name: "a", type: li.u32, offset: 0 }]),
		xdp: l.struct("xdp_md", 8, [
			{ name: "data", type: li.u32, offset: 0 },
			{ name: "data_end", type: li.u32, offset: 4 },
		]),
		helpers: l.enum("bpf_func_id___mine", { BPF_FUNC_tail_call___mine: 1000, BPF_FUNC_never_was: 1001 }),
		int: li.u32,
	};
	const anon = t.struct("", 8, [
		{ name: "before", type: ti.u32, offset: 0 },
		{ name: "hidden", type: ti.u32, offset: 4 },
	]);
	const target = {
		s: t.struct("s", 400, [
			{ name: "first", type: ti.u64, offset: 0 },
			{ name: "in", type: tInner, offset: 8 },
			{ name: "list", type: t.array(tInner, 9), offset: 32 },
			{ name: "", type: t.union("", 8, [{ name: "", type: anon, offset: 0 }]), offset: 248 },
			{ name: "wider", type: ti.u64, offset: 256 },
			{ name: "narrower", type: ti.u32, offset: 264 },
			{ name: "signed", type: ti.s64, offset: 272 },
			{ name: "pointer", type: t.ptr(0), offset: 280 },
			{ name: "other", type: t.struct("now_a_struct", 4, []), offset: 288 },
			{ name: "only", type: ti.u64, offset: 296 },
			{ name: "tail", type: t.array(ti.u32, 0), offset: 400 },
		]),
		bits: t.struct("bits", 16, [
			{ name: "b", type: ti.s32, bitOffset: 3, bitSize: 10 },
			{ name: "a", type: ti.u32, bitOffset: 30, bitSize: 4 },
			{ name: "c", type: ti.u64, bitOffset: 64, bitSize: 20 },
			{ name: "d", type: ti.u64, bitOffset: 60, bitSize: 7 },
		]),
		twice: [
			t.struct("twice", 8, [{ name: "a", type: ti.u32, offset: 0 }]),
			t.struct("twice", 8, [{ name: "a", type: ti.u32, offset: 4 }]),
		],
		e: t.enum("e", { NEW: 0, A: 1, B: 77 }),
		negative: t.enum("negative", { MINUS: -2 }),
		e64: t.enum64("e64", { BIG: 0x22_0000_0000n }),
		callback: t.typedef("callback", t.ptr(t.funcProto(ti.s32, [["b", t.ptr(anon)]]))),
		wrong: t.typedef("wrong", t.ptr(0)),
		matching: t.struct("matching", 24, [
			{ name: "a", type: ti.u32, offset: 16 },
			{ name: "p", type: t.ptr(tInner), offset: 0 },
			{ name: "more", type: ti.u64, offset: 8 },
		]),
		unmatching: t.struct("unmatching", 8, [{ name: "a", type: ti.u64, offset: 0 }]),
	};
	return { local, localBtf: l.build(), target, targetBtf: t.build() };
}

const { local, localBtf, target, targetBtf } = sides();
const NO_HELPERS: ReadonlySet<number> = new Set();

function resolve(kind: keyof typeof CORE, typeId: number, access = "0"): CoreResolution {
	const relo = { offset: 0, typeId, access, kind: CORE[kind] };
	return resolveCoreRelo(localBtf, relo, { btf: targetBtf, helperIds: NO_HELPERS });
}

/** [what the compiler wrote, what belongs there], or "poison". */
const pair = ({ poison, original, value }: CoreResolution) =>
	poison ? "poison" : [Number(original), Number(value)];

function errorOf(run: () => unknown): TailhopError {
	try {
		run();
	} catch (error) {
		if (error instanceof TailhopError) return error;
		throw error;
	}
	throw new Error("no error");
}

test.each([
	["foo", "foo"],
	["foo___bar", "foo"],
	["foo___bar___baz", "foo___bar"],
	["foo____bar", "foo____bar"],
	["___foo", "___foo"],
	["foo___", "foo___"],
	["a___b", "a"],
])("the essential name of %s is %s", (name, essential) => {
	expect(essentialName(name)).toBe(essential);
});

test.each([
	["a field", "FIELD_BYTE_OFFSET", local.s, "0:0", [0, 8]],
	["a field of a field", "FIELD_BYTE_OFFSET", local.s, "0:0:1", [8, 24]],
	["a field of an element", "FIELD_BYTE_OFFSET", local.s, "0:1:2:1", [56, 96]],
	["an element of the root", "FIELD_BYTE_OFFSET", local.s, "2:0:0", [256, 816]],
	["an element of the array without a length", "FIELD_BYTE_OFFSET", local.s, "0:9:3", [140, 412]],
	["a field that moved into an anonymous union", "FIELD_BYTE_OFFSET", local.s, "0:2", [80, 252]],
	["a field of a flavor", "FIELD_BYTE_OFFSET", local.flavored, "0:0", [0, 296]],
	["a field that is gone", "FIELD_BYTE_OFFSET", local.s, "0:3", "poison"],
	["a field that became a struct", "FIELD_BYTE_OFFSET", local.s, "0:8", "poison"],
	["a field of a type that is gone", "FIELD_BYTE_OFFSET", local.gone, "0:0", "poison"],
	["the size of a field", "FIELD_BYTE_SIZE", local.s, "0:0", [16, 24]],
	["the size of an element", "FIELD_BYTE_SIZE", local.s, "0:1:2", [16, 24]],
	["a field exists", "FIELD_EXISTS", local.s, "0:0", [1, 1]],
	["a field does not exist", "FIELD_EXISTS", local.s, "0:3", [1, 0]],
	["signed", "FIELD_SIGNED", local.s, "0:6", [1, 1]],
	["not signed", "FIELD_SIGNED", local.s, "0:4", [0, 0]],
	["left shift of a plain field", "FIELD_LSHIFT_U64", local.s, "0:4", [32, 0]],
	["right shift of a plain field", "FIELD_RSHIFT_U64", local.s, "0:4", [32, 0]],
	["the load of a bit field", "FIELD_BYTE_OFFSET", local.bits, "0:1", [0, 0]],
	["a bit field across 32 bits is loaded as 64", "FIELD_BYTE_SIZE", local.bits, "0:0", [4, 8]],
	["left shift of a bit field", "FIELD_LSHIFT_U64", local.bits, "0:0", [60, 30]],
	["right shift of a bit field", "FIELD_RSHIFT_U64", local.bits, "0:0", [60, 60]],
	["a bit field at 64", "FIELD_BYTE_OFFSET", local.bits, "0:2", [0, 8]],
	["a signed bit field", "FIELD_SIGNED", local.bits, "0:1", [1, 1]],
	["the object's id", "TYPE_ID_LOCAL", local.s, "0", [local.s, local.s]],
	["the target's id", "TYPE_ID_TARGET", local.s, "0", [local.s, target.s]],
	["the target's id of what is gone", "TYPE_ID_TARGET", local.gone, "0", [local.gone, 0]],
	["a type exists", "TYPE_EXISTS", local.s, "0", [1, 1]],
	["a type does not exist", "TYPE_EXISTS", local.gone, "0", [1, 0]],
	["a callback of the same shape exists", "TYPE_EXISTS", local.callback, "0", [1, 1]],
	["a typedef of something else does not", "TYPE_EXISTS", local.wrong, "0", [1, 0]],
	["the size of a type", "TYPE_SIZE", local.s, "0", [128, 400]],
	["the size of what is gone", "TYPE_SIZE", local.gone, "0", [4, 0]],
	["a type with more matches", "TYPE_MATCHES", local.matching, "0", [1, 1]],
	["a member of another size does not", "TYPE_MATCHES", local.unmatching, "0", [1, 0]],
	["members that are gone do not", "TYPE_MATCHES", local.s, "0", [1, 0]],
	["an enum with a value more does not", "TYPE_MATCHES", local.e, "0", [1, 0]],
	["a value exists", "ENUMVAL_EXISTS", local.e, "0", [1, 1]],
	["a value does not exist", "ENUMVAL_EXISTS", local.e, "2", [1, 0]],
	["a value that moved", "ENUMVAL_VALUE", local.e, "1", [2, 77]],
	["a value that is gone", "ENUMVAL_VALUE", local.e, "2", "poison"],
	["a negative value", "ENUMVAL_VALUE", local.negative, "0", [-1, -2]],
	["a 64-bit value", "ENUMVAL_VALUE", local.e64, "0", [0x11_0000_0000, 0x22_0000_0000]],
] as const)("%s", (_, kind, typeId, access, expected) => {
	expect(pair(resolve(kind, typeId, access))).toEqual(expected);
});

describe("records without an answer", () => {
	test.each([
		["types that differ", "FIELD_BYTE_OFFSET", local.twice, "0:0", "link/core-relo", "both match and differ"],
		["an anonymous root", "FIELD_BYTE_OFFSET", local.anonymous, "0:0", "link/core-relo", "no name"],
		["a bit field that no load holds", "FIELD_BYTE_OFFSET", local.bits, "0:3", "link/core-relo", "64 bits"],
		["the signedness of an element", "FIELD_SIGNED", local.s, "0:1:2", "link/core-relo", "no such property"],
		["a member that is not there", "FIELD_EXISTS", local.s, "0:10", "btf/invalid", "no member 10"],
		["an element that is not there", "FIELD_EXISTS", local.s, "0:1:4", "btf/invalid", "element 4 of 4"],
		["a step into a number", "FIELD_EXISTS", local.s, "0:2:0", "btf/invalid", "a step into"],
		["a value that is not there", "ENUMVAL_VALUE", local.e, "3", "btf/invalid", "no enum value 3"],
		["a value of a struct", "ENUMVAL_VALUE", local.s, "0", "btf/invalid", "no enum value"],
		["no access string", "FIELD_EXISTS", local.s, "", "btf/invalid", "access string"],
		["letters", "FIELD_EXISTS", local.s, "0:x", "btf/invalid", "access string"],
		["a path for a type", "TYPE_EXISTS", local.s, "0:0", "btf/invalid", "for a type"],
		["a type that is not there", "TYPE_EXISTS", 9999, "0", "btf/invalid", "type 9999"],
		["65 steps", "FIELD_EXISTS", local.s, new Array(65).fill(0).join(":"), "btf/invalid", "65 steps"],
	] as const)("%s", (_, kind, typeId, access, code, message) => {
		const error = errorOf(() => resolve(kind, typeId, access));
		expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
		expect(error.hint).toBeTypeOf("string");
	});

	test("a kind that nobody knows", () => {
		const relo = { offset: 8, typeId: local.s, access: "0", kind: 13 };
		const run = () => resolveCoreRelo(localBtf, relo, { btf: targetBtf, helperIds: NO_HELPERS });
		expect(errorOf(run).message).toMatch(/unknown kind 13/);
	});

	test("types too entangled to compare", () => {
		const b = new BtfBuilder();
		const int = b.int("int", 4);
		let inner = b.struct("", 4, [{ name: "a", type: int, offset: 0 }]);
		for (let i = 0; i < 50; i++) {
			inner = b.union(i === 49 ? "knot" : "", 4, [
				{ name: "", type: inner, offset: 0 },
				{ name: "", type: inner, offset: 0 },
			]);
		}
		const knot = b.build();
		const other = new BtfBuilder();
		const wanted = other.union("knot", 4, [{ name: "b", type: other.int("int", 4), offset: 0 }]);
		const relo = { offset: 0, typeId: wanted, access: "0:0", kind: CORE.FIELD_EXISTS };
		const run = () => resolveCoreRelo(other.build(), relo, { btf: knot, helperIds: NO_HELPERS });
		expect(errorOf(run).message).toMatch(/entangled/);
	});
});

describe("without a target's BTF", () => {
	const without = (kind: keyof typeof CORE, typeId: number, access: string, ids: number[]) =>
		resolveCoreRelo(localBtf, { offset: 0, typeId, access, kind: CORE[kind] }, { helperIds: new Set(ids) });

	test("helpers exist by name, whatever number the object gives them", () => {
		expect(pair(without("ENUMVAL_EXISTS", local.helpers, "0", [12]))).toEqual([1, 1]);
		expect(pair(without("ENUMVAL_EXISTS", local.helpers, "0", [11]))).toEqual([1, 0]);
		expect(pair(without("ENUMVAL_EXISTS", local.helpers, "1", [12]))).toEqual([1, 0]);
		expect(pair(without("ENUMVAL_VALUE", local.helpers, "0", [12]))).toEqual([1000, 12]);
		expect(pair(without("ENUMVAL_VALUE", local.helpers, "0", [11]))).toBe("poison");
	});

	test("contexts and packet headers are what the object says", () => {
		expect(pair(without("FIELD_BYTE_OFFSET", local.xdp, "0:1", []))).toEqual([4, 4]);
	});

	test("anything else needs the kernel's BTF, and says so", () => {
		const error = errorOf(() => without("FIELD_BYTE_OFFSET", local.s, "0:1:2:1", []));
		expect(error.code).toBe("link/core-relo");
		expect(error.message).toBe("<byte_off> struct s.list[2].y (0:1:2:1): only the kernel's BTF can answer");
	});
});

describe("instructions", () => {
	const insn = (opcode: number, off: number, imm: number): Insn => ({ opcode, dst: 1, src: 0, off, imm });
	const patched = (resolution: CoreResolution, ...insns: Insn[]) => {
		applyCoreRelo(insns, 0, resolution);
		return insns.map(({ opcode, off, imm }) => [opcode, off, imm]);
	};
	const POISON = [0x85, 0, POISON_IMM];

	test.each([
		["imm of mov", resolve("FIELD_BYTE_OFFSET", local.s, "0:0:1"), [insn(0xb7, 0, 8)], [[0xb7, 0, 24]]],
		[
			"imm of a negative value",
			resolve("ENUMVAL_VALUE", local.negative, "0"),
			[insn(0xb7, 0, -1)],
			[[0xb7, 0, -2]],
		],
		["offset of a load", resolve("FIELD_BYTE_OFFSET", local.s, "0:0:1"), [insn(0x79, 8, 0)], [[0x79, 24, 0]]],
		[
			"a load that grows",
			resolve("FIELD_BYTE_OFFSET", local.s, "0:4"),
			[insn(0x61, 88, 0)],
			[[0x79, 256, 0]],
		],
		[
			"a store that shrinks",
			resolve("FIELD_BYTE_OFFSET", local.s, "0:5"),
			[insn(0x7b, 96, 0)],
			[[0x63, 264, 0]],
		],
		[
			"a signed field of another size",
			resolve("FIELD_BYTE_OFFSET", local.s, "0:6"),
			[insn(0x61, 104, 0)],
			[POISON],
		],
		[
			"its offset alone",
			resolve("FIELD_BYTE_OFFSET", local.s, "0:6"),
			[insn(0xb7, 0, 104)],
			[[0xb7, 0, 272]],
		],
		["what is gone", resolve("FIELD_BYTE_OFFSET", local.s, "0:3"), [insn(0x61, 84, 0)], [POISON]],
		[
			"both halves of a lddw",
			resolve("ENUMVAL_VALUE", local.e64, "0"),
			[insn(0x18, 0, 0), insn(0, 0, 0x11)],
			[
				[0x18, 0, 0],
				[0, 0, 0x22],
			],
		],
		[
			"a lddw that is gone",
			resolve("ENUMVAL_VALUE", local.e, "2"),
			[insn(0x18, 0, 3), insn(0, 0, 0)],
			[POISON, POISON],
		],
		[
			"a bit field is not compared",
			resolve("FIELD_LSHIFT_U64", local.bits, "0:0"),
			[insn(0xb7, 0, 9)],
			[[0xb7, 0, 30]],
		],
	] as const)("%s", (_, resolution, insns, expected) => {
		expect(patched(resolution, ...insns)).toEqual(expected);
	});

	test.each([
		["another value", insn(0xb7, 0, 9), "it holds 9, not 8"],
		["another offset", insn(0x79, 9, 0), "it holds 9, not 8"],
		["a register as source", insn(0xbf, 0, 8), "no immediate"],
		["a jump", insn(0x05, 0, 8), "no instruction that CO-RE relocates"],
	])("%s is an error", (_, one, message) => {
		const error = errorOf(() => patched(resolve("FIELD_BYTE_OFFSET", local.s, "0:0:1"), one));
		expect([error.code, error.where.insn, error.message]).toEqual([
			"link/core-relo",
			0,
			expect.stringContaining(message),
		]);
	});

	test("a load of another size than the object's field is an error", () => {
		const run = () => patched(resolve("FIELD_BYTE_OFFSET", local.s, "0:4"), insn(0x79, 88, 0));
		expect(errorOf(run).message).toMatch(/accesses 8 bytes of a field of 4/);
	});

	test("no instruction at all is an error", () => {
		expect(errorOf(() => applyCoreRelo([], 0, resolve("TYPE_SIZE", local.s))).code).toBe("link/core-relo");
	});
});
