import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { encodeMapKey, encodeMapValue, formatMapKey, formatMapValue, mapValues } from "./entries.ts";

const builder = new BtfBuilder();
const u32 = builder.int("unsigned int", 4);
const btf = builder.build();
const types = { keySize: 4, valueSize: 4, keyTypeId: u32, valueTypeId: u32 };
const bytes = (...words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);

describe("keys and values of a map", () => {
	it("one value", () => {
		expect(encodeMapKey(btf, types, 7)).toEqual(bytes(7));
		expect(formatMapKey(btf, types, bytes(7))).toBe(7);
		expect(encodeMapValue(btf, types, 4, 5)).toEqual(bytes(5));
		expect(formatMapValue(btf, types, bytes(5))).toBe(5);
	});

	it("a value a CPU, 8 bytes apart: a list, or one for all", () => {
		expect(encodeMapValue(btf, types, 16, [1, 2])).toEqual(bytes(1, 0, 2, 0));
		expect(encodeMapValue(btf, types, 16, 3)).toEqual(bytes(3, 0, 3, 0));
		expect(encodeMapValue(btf, types, 16, bytes(1, 9, 2, 9))).toEqual(bytes(1, 9, 2, 9));
		expect(formatMapValue(btf, types, bytes(1, 9, 2, 9))).toEqual([1, 2]);
		expect(mapValues(types, bytes(1, 9, 2, 9))).toEqual([bytes(1), bytes(2)]);
	});

	it("a list of another length is no list of CPUs", () => {
		expect(() => encodeMapValue(btf, types, 16, [1, 2, 3])).toThrowError(
			expect.objectContaining({ code: "btf/value" }),
		);
	});
});
