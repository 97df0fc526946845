import { expect, test } from "vitest";
import { Bytes } from "./bytes.ts";

const of = (write: (b: Bytes) => void) => {
	const bytes = new Bytes(1);
	write(bytes);
	return [...bytes.view].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
};

test.each([
	[0, "00"],
	[127, "7f"],
	[128, "80 01"],
	[624485, "e5 8e 26"],
	[0xffffffff, "ff ff ff ff 0f"],
])("u32 %s", (value, expected) => expect(of((b) => b.u32(value))).toBe(expected));

test.each([
	[0, "00"],
	[63, "3f"],
	[64, "c0 00"],
	[-1, "7f"],
	[-64, "40"],
	[-65, "bf 7f"],
	[-123456, "c0 bb 78"],
	[-2147483648, "80 80 80 80 78"],
])("s32 %s", (value, expected) => expect(of((b) => b.s32(value))).toBe(expected));

test.each([
	[0, 0, "00"],
	[-1, -1, "7f"],
	[-1, 0, "ff ff ff ff 0f"],
	[0, 1, "80 80 80 80 10"],
	[0, -2147483648, "80 80 80 80 80 80 80 80 80 7f"],
	[-1, 0x7fffffff, "ff ff ff ff ff ff ff ff ff 00"],
])("s64 %s %s", (low, high, expected) => expect(of((b) => b.s64(low, high))).toBe(expected));
