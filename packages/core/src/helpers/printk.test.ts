import { describe, expect, test } from "vitest";
import { DATA, type TestRuntime, testRuntime } from "./test-runtime.ts";

const TRACE_PRINTK = 6;
const SNPRINTF = 165;
const TRACE_VPRINTK = 177;
const EINVAL = -22;
const ENOSPC = -28;

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
/** An argument that points at these bytes. */
const mem = (...bytes: number[]) => Uint8Array.from(bytes);
const str = (text: string) => latin1(`${text}\0`);
type Arg = number | bigint | Uint8Array;

/** Puts format and arguments into memory. */
function place(rt: TestRuntime, format: string, args: readonly Arg[]) {
	rt.memory.u8.fill(0xff, DATA, DATA + 0x4000);
	rt.memory.write(DATA, str(format));
	let at = DATA + 0x2000;
	return args.map((arg) => {
		if (!(arg instanceof Uint8Array)) return arg;
		rt.memory.write(at, arg);
		at += arg.length;
		return at - arg.length;
	});
}

/** What trace_printk answers: the text where it is as long as r0 says, else both, or the error. */
function printk(format: string, args: readonly Arg[], size = format.length + 1) {
	const rt = testRuntime();
	const r0 = Number(rt.call(TRACE_PRINTK, DATA, size, ...place(rt, format, args)));
	const output = rt.outputs[0];
	if (output === undefined) return r0;
	const text = output.kind === "printk" ? output.text : undefined;
	return text?.length === r0 ? text : [r0, text];
}

// every row is what Linux 6.18.44 answered and wrote to its trace
describe("trace_printk as 6.18 prints it", () => {
	test.each<[string, Arg[], string | number]>([
		["hello", [], "hello"],
		["%d %i %u", [-1, -(2 ** 31), -1], "-1 -2147483648 4294967295"],
		["%x %X", [0xdeadbeef, 0xabc], "deadbeef ABC"],
		["%ld %lu %lx", [-1, -1, -1], "-1 18446744073709551615 ffffffffffffffff"],
		["%lld %llu %llx", [-(2n ** 63n), 2n ** 63n, 255], "-9223372036854775808 9223372036854775808 ff"],
		["%5d|%-5d|%05d", [42, 42, -42], "   42|42   |-0042"],
		["%-05d|%0-5d|%+05d", [7, 7, 7], "7    |7    |+0007"],
		["%+d|% d|%+u", [5, 5, 5], "+5| 5|5"],
		["%-+ 0d|% -0+5d|%+ d", [3, 3, 3], "+3|+3   |+3"],
		["% x|%+x|%-8xq", [3, 3, 3], "3|3|3       q"],
		["%c%c%c", [65, 66, 0x143], "ABC"],
		["%5c|%-5c|%05c", [65, 66, 67], "    A|B    |    C"],
		["%s!", [str("world")], "world!"],
		["%10s|%-10s|%010s", [str("hi"), str("ho"), str("x")], "        hi|ho        |         x"],
		["%s%s", [0, 1], ""],
		["%pks.%10pks|", [str("k"), str("w")], "k.w|"],
		["%pus|", [str("user")], "|"],
		["%px|%5px|%-20px|", [0x1234, 0x1234, 0x1234], "0000000000001234| 1234|1234                |"],
		["% px|%+px|%08px", [1, 1, 1], "0000000000000001|0000000000000001|00000001"],
		["%p %pK|%p", [0, 0, -1], "0000000000000000 0000000000000000|ffffffffffffffff"],
		["%20p|%-20p|", [0, 0], "                   0|0                   |"],
		["%ps|%pS|%pB", [0, 0x1234, 0x1234], "0x0|0x1234|0x1234"],
		["%20ps|%-20pS|%20pB|", [16, 0x1234, 0x1234], "                0x10|0x1234              |0x1234|"],
		["%pI4 %pi4|%20pI4", [mem(1, 2, 3, 255), mem(1, 2, 3, 255), 0], "1.2.3.255 001.002.003.255|0.0.0.0"],
		["%pI6", [mem(...Array(15).keys(), 255)], "0001:0203:0405:0607:0809:0a0b:0c0d:0eff"],
		["%pi6", [mem(...Array(15).keys(), 255)], "000102030405060708090a0b0c0d0eff"],
		["%pI6c|", [mem(...Array(16).fill(0))], "0000:0000:0000:0000:0000:0000:0000:0000|"],
		["%pxyz end", [1], "0000000000000001 end"],
		["%pI4abc d", [0], "0.0.0.0 d"],
		["%%|%d%%", [1], "%|1%"],
		["%d %d %d", [1], "1 0 0"],
		["%p%d", [0, 3], "00000000000000003"],
		["%s%d", [str("a"), 3], "a3"],
		["\t\n\r\v\f", [], "\t\n\r\v\f"],
		["", [], ""],
		["%4294967297d|", [1], "1|"],
		["%s", [str("q".repeat(600))], "q".repeat(511)],
		["%s%d", [str("q".repeat(507)), 65], `${"q".repeat(507)}65`],
		["%s%pI4", [str("q".repeat(507)), mem(1, 2, 3, 4)], `${"q".repeat(507)}1.2`],
	])("%j %o", (format, args, expected) => expect(printk(format, args)).toBe(expected));

	test.each<[string, Arg[]]>([
		["%", []],
		["abc %", []],
		["%5%", [1]],
		["%d %d %d %d", [1, 2, 3]],
		["%hd", [1]],
		["%lc", [1]],
		["%ls", [1]],
		["%llld", [1]],
		["%o", [1]],
		["%#x", [1]],
		["%.3d", [1]],
		["%*d", [1]],
		["%n", [1]],
		["%zd", [1]],
		["%p%", [1]],
		["%pk", [0]],
		["%pI5", [0]],
		["%pM", [0]],
		["%sx", [str("a")]],
		["%pks1", [str("a")]],
		["%s\xc3\xa9", [str("a")]],
		["%\xc3", [1]],
		["\x01", []],
		["\x1b", []],
		["\x7f", []],
	])("%j is EINVAL", (format, args) => expect(printk(format, args)).toBe(EINVAL));

	test.each<[string, Arg[]]>([
		["%s%s", [str("q".repeat(600)), str("z")]],
		["%s%c", [str("q".repeat(511)), 65]],
		["%s%d", [str("q".repeat(509)), 65]],
		["%s%pI4", [str("q".repeat(508)), mem(1, 2, 3, 4)]],
		["%s%pI4|%d", [str("q".repeat(500)), mem(1, 2, 3, 4), 3]],
	])("%j with arguments beyond 512 bytes is ENOSPC", (format, args) =>
		expect(printk(format, args)).toBe(ENOSPC),
	);

	test("the text ends at 1023 bytes, r0 says how long it would be", () => {
		expect(printk("%2000d", [1])).toEqual([2000, " ".repeat(1023)]);
		expect(printk("%99999999d", [1])).toEqual([8388607, " ".repeat(1023)]);
		expect(printk("x".repeat(1023), [])).toBe("x".repeat(1023));
		expect(printk(`${"x".repeat(1030)}%s|`, [str("abc")])).toEqual([1034, "x".repeat(1023)]);
	});

	test("a NUL from %c ends what is seen, not what is counted", () => {
		expect(printk("a%cb", [0])).toEqual([3, "a"]);
	});

	test("UTF-8 in text and strings passes through", () => {
		expect(printk("\xc3\xa9 %s", [str("\xc3\xa4")])).toEqual([5, "é ä"]);
	});

	test("the format's size must reach its NUL", () => {
		expect(printk("hello", [], 5)).toBe(EINVAL);
		expect(printk("hel\0lo", [], 7)).toBe("hel");
	});

	test("%p hides the address, the same one always alike", () => {
		const shown = printk("%p %p", [0x1234, 0x1235]) as string;
		expect(shown).toMatch(/^0{8}[0-9a-f]{8} 0{8}[0-9a-f]{8}$/);
		expect(shown.slice(0, 16)).not.toBe(shown.slice(17));
		expect(printk("%p", [0x1234])).toBe(shown.slice(0, 16));
	});
});

describe("trace_vprintk and snprintf", () => {
	/** Arguments as an array of u64 behind the format. */
	function withArray(format: string, values: readonly Arg[]) {
		const rt = testRuntime();
		const array = DATA + 0x3000;
		place(rt, format, values).forEach((value, i) => {
			rt.memory.setU64(array + 8 * i, BigInt.asUintN(64, BigInt(value)));
		});
		return { rt, array };
	}

	test("vprintk takes up to twelve", () => {
		const { rt, array } = withArray(`${"%d ".repeat(11)}%d`, [...Array(12).keys()]);
		expect(rt.call(TRACE_VPRINTK, DATA, 36, array, 96)).toBe(25n);
		expect(rt.outputs).toEqual(
			[{ kind: "printk", text: "0 1 2 3 4 5 6 7 8 9 10 11" }].map((o) => ({ ...o })),
		);
	});

	test.each([
		["not a multiple of 8", 7, DATA],
		["more than 12", 104, DATA],
		["null with a length", 8, 0],
	])("arguments %s: EINVAL", (_name, length, array) => {
		const { rt } = withArray("x", []);
		expect(rt.call(TRACE_VPRINTK, DATA, 2, array, length)).toBe(-22n);
		expect(rt.call(SNPRINTF, DATA + 0x800, 8, DATA, array, length)).toBe(-22n);
	});

	test("snprintf cuts, ends with a NUL and counts it", () => {
		const { rt, array } = withArray("%s-%d", [str("abc"), 42]);
		const to = DATA + 0x800;
		expect(rt.call(SNPRINTF, to, 16, DATA, array, 16)).toBe(7n);
		expect(rt.memory.read(to, 8)).toEqual(latin1("abc-42\0\xff"));
		rt.memory.u8.fill(0xff, to, to + 8);
		expect(rt.call(SNPRINTF, to, 4, DATA, array, 16)).toBe(7n);
		expect(rt.memory.read(to, 5)).toEqual(latin1("abc\0\xff"));
		expect(rt.call(SNPRINTF, 0, 0, DATA, array, 16)).toBe(7n);
		expect(rt.outputs).toEqual([]);
	});
});
