import { describe, expect, test } from "vitest";
import { DATA, testRuntime } from "./test-runtime.ts";

const STRTOL = 105;
const STRTOUL = 106;
const STRNCMP = 182;
const EINVAL = -22n;
const ERANGE = -34n;

function parse(id: number, text: string, flags: number | bigint): readonly [r0: bigint, value: bigint] {
	const rt = testRuntime();
	// a digit behind the text: what is longer than the size says must not be read
	rt.memory.u8.fill(0x31, DATA, DATA + 256);
	const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
	rt.memory.write(DATA + 8, bytes);
	const r0 = rt.call(id, DATA + 8, bytes.length, flags, DATA);
	const raw = rt.memory.u64(DATA);
	return [r0, id === STRTOL ? BigInt.asIntN(64, raw) : raw];
}

// every row is what Linux 6.18.44 answered: text, flags, strtol's r0 and result, strtoul's
describe("strtol and strtoul", () => {
	test.each<[string, number | bigint, [bigint, bigint], [bigint, bigint]]>([
		["123", 0, [3n, 123n], [3n, 123n]],
		["-123", 10, [4n, -123n], [EINVAL, 0n]],
		[" \t-5x", 0, [4n, -5n], [EINVAL, 0n]],
		["\xa05", 0, [2n, 5n], [2n, 5n]],
		["0x1f", 0, [4n, 31n], [4n, 31n]],
		["0X1F", 16, [4n, 31n], [4n, 31n]],
		["0x", 0, [1n, 0n], [1n, 0n]],
		["0xg", 16, [EINVAL, 0n], [EINVAL, 0n]],
		["017", 0, [3n, 15n], [3n, 15n]],
		["018", 0, [2n, 1n], [2n, 1n]],
		["8", 8, [EINVAL, 0n], [EINVAL, 0n]],
		["-0", 0, [2n, 0n], [EINVAL, 0n]],
		["-", 0, [EINVAL, 0n], [EINVAL, 0n]],
		["- 1", 0, [EINVAL, 0n], [EINVAL, 0n]],
		["+5", 0, [EINVAL, 0n], [EINVAL, 0n]],
		["abc", 0, [EINVAL, 0n], [EINVAL, 0n]],
		["5\x006", 0, [1n, 5n], [1n, 5n]],
		["9223372036854775807", 0, [19n, 2n ** 63n - 1n], [19n, 2n ** 63n - 1n]],
		["9223372036854775808", 0, [ERANGE, 0n], [19n, 2n ** 63n]],
		["-9223372036854775808", 0, [20n, -(2n ** 63n)], [EINVAL, 0n]],
		["-9223372036854775809", 0, [ERANGE, 0n], [EINVAL, 0n]],
		["18446744073709551616", 0, [ERANGE, 0n], [ERANGE, 0n]],
		[`${"0".repeat(70)}5`, 10, [63n, 0n], [63n, 0n]],
		["12", 2, [EINVAL, 0n], [EINVAL, 0n]],
		["12", 10 | 32, [EINVAL, 0n], [EINVAL, 0n]],
		["12", 2n ** 32n, [EINVAL, 0n], [EINVAL, 0n]],
	])("%j, flags %d", (text, flags, signed, unsigned) => {
		expect(parse(STRTOL, text, flags)).toEqual(signed);
		expect(parse(STRTOUL, text, flags)).toEqual(unsigned);
	});
});

describe("strncmp", () => {
	test.each([
		["hello", 6, 0n],
		["help!", 5, 1n],
		["help!", 3, 0n],
		["hella", 5, -1n],
		["hell", 5, -1n],
		["hello!", 5, 0n],
		["hello!", 6, 1n],
		["\xff", 1, 1n],
	])("%j against hello, %d bytes", (text, size, expected) => {
		const rt = testRuntime();
		rt.memory.write(
			DATA,
			Uint8Array.from(text, (c) => c.charCodeAt(0)),
		);
		rt.memory.write(DATA + 64, new TextEncoder().encode("hello"));
		expect(rt.call(STRNCMP, DATA, size, DATA + 64)).toBe(expected);
	});
});
