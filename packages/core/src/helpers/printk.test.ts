import { describe, expect, test } from "vitest";
import { type Arg, FORMATS, latin1, mem, REFUSED_FORMATS, str } from "./printk.cases.ts";
import { takesFormat } from "./printk-format.ts";
import { DATA, type TestRuntime, testRuntime } from "./test-runtime.ts";

const TRACE_PRINTK = 6;
const SNPRINTF = 165;
const TRACE_VPRINTK = 177;
const EINVAL = -22;
const ENOSPC = -28;

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
	test.each(FORMATS)("%j %o", (format, args, expected) => expect(printk(format, args)).toBe(expected));

	test.each(REFUSED_FORMATS)("%j is EINVAL", (format, args) => expect(printk(format, args)).toBe(EINVAL));

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

describe("a format alone, as the verifier looks at snprintf's", () => {
	test.each(REFUSED_FORMATS)("%j", (format, args) =>
		expect(takesFormat(latin1(format), args.length)).toBe(false),
	);
	// trace_printk has three arguments, whatever it is given
	test.each(FORMATS)("%j", (format) => expect(takesFormat(latin1(format), 3)).toBe(true));
	test("an argument too many is none too few", () => {
		expect(takesFormat(latin1("%d"), 2)).toBe(true);
		expect(takesFormat(latin1("%d"), 0)).toBe(false);
	});
});
