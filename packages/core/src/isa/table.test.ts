import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
	decode,
	decodeInsns,
	encodeInsns,
	HELPER_NAMES,
	helperId,
	helperName,
	MAP_TYPE,
	make,
	nameOf,
	OP,
	OP_NAMES,
	type Op,
	opOf,
	PROG_TYPE,
	TABLE,
} from "./index.ts";

describe("the table", () => {
	test("numbers are dense, in order, and literal types", () => {
		expect(OP_NAMES.map((op) => TABLE[op].num)).toEqual(OP_NAMES.map((_, i) => i));
		expect(OP.add64).toBe(15);
		expectTypeOf(OP.add64).toEqualTypeOf<15>();
		// @ts-expect-error a missing row is a type error
		const incomplete: Record<Op, number> = { add64: 1 };
		void incomplete;
	});

	test("no two rows have the same encoding", () => {
		const seen = new Map<string, Op>();
		for (const op of OP_NAMES) {
			const row = TABLE[op];
			const forms = row.operand === "kx" ? [row.opcode, row.opcode | 8] : [row.opcode];
			for (const opcode of forms) {
				const key = `${opcode} ${"select" in row ? row.select.join("=") : ""}`;
				expect(seen.get(key), `${op} and ${seen.get(key)}`).toBeUndefined();
				seen.set(key, op);
			}
		}
	});

	test.each(OP_NAMES)("%s is made and decoded", (op) => {
		const row = TABLE[op];
		const dialect = "dialect" in row ? row.dialect : "linux";
		expect(opOf(make(op), dialect)).toBe(op);
		if (row.operand !== "kx") return;
		expect(decode(make(op, { src: 3 })).operand).toBe("x");
		expect(decode(make(op, { imm: 3 })).operand).toBe("k");
		expect(opOf(make(op, { src: 3 }))).toBe(op);
	});

	test("callx is for the conformance dialect only", () => {
		expect(opOf(make("callx", { dst: 2 }))).toBeUndefined();
		expect(opOf(make("callx", { dst: 2 }), "conformance")).toBe("callx");
	});

	test("an unknown opcode and an unknown selection are told apart", () => {
		const bad = { opcode: 0x06 + 0xe0, dst: 0, src: 0, off: 0, imm: 0 };
		expect(() => decode(bad, 7)).toThrow(
			expect.objectContaining({ code: "isa/invalid", where: { insn: 7 } }),
		);
		expect(() => decode(bad)).toThrow("unknown opcode 0xe6");
		expect(() => decode({ ...make("mov64"), off: 5 })).toThrow("off is reserved");
	});
});

describe("bytes", () => {
	test("fields stand where the ISA puts them", () => {
		const insn = { opcode: 0x7b, dst: 10, src: 1, off: -8, imm: 0x01020304 };
		expect([...encodeInsns([insn])]).toEqual([0x7b, 0x1a, 0xf8, 0xff, 4, 3, 2, 1]);
	});

	test("decoding is the inverse of encoding", () => {
		const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => array.slice(0, array.length & ~7));
		fc.assert(
			fc.property(bytes, (array) => {
				expect(encodeInsns(decodeInsns(array))).toEqual(array);
			}),
		);
	});

	test("a rest of less than 8 bytes is an error", () => {
		expect(() => decodeInsns(new Uint8Array(12))).toThrow(
			expect.objectContaining({ code: "isa/invalid", where: { offset: 8 } }),
		);
	});
});

describe("names", () => {
	test("helpers", () => {
		expect(HELPER_NAMES).toHaveLength(212);
		expect(helperName(12)).toBe("bpf_tail_call");
		expect(helperName(211)).toBe("bpf_cgrp_storage_delete");
		expect([helperName(0), helperName(212), helperName(-1)]).toEqual([undefined, undefined, undefined]);
		expect([helperId("map_lookup_elem"), helperId("bpf_loop"), helperId("bpf_nothing")]).toEqual([
			1,
			181,
			undefined,
		]);
	});

	test("of two names for one number, the one in use", () => {
		expect(nameOf(MAP_TYPE, 19)).toBe("CGROUP_STORAGE");
		expect(nameOf(PROG_TYPE, 6)).toBe("XDP");
		expect(nameOf(PROG_TYPE, 99)).toBeUndefined();
	});
});
