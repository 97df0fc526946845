/**
 * Formats of trace_printk with what Linux 6.18.44 wrote to its trace, and formats that it refused (-EINVAL).
 * Arguments that are bytes stand for a pointer to them.
 */
export type Arg = number | bigint | Uint8Array;

export const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
/** An argument that points at these bytes. */
export const mem = (...bytes: number[]) => Uint8Array.from(bytes);
export const str = (text: string) => latin1(`${text}\0`);

export const FORMATS: readonly (readonly [format: string, args: readonly Arg[], text: string])[] = [
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
];

export const REFUSED_FORMATS: readonly (readonly [format: string, args: readonly Arg[]])[] = [
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
];
