import type { LinearMemory } from "../memory/index.ts";
import { EINVAL, ENOSPC } from "./errno.ts";

/**
 * Formats of trace_printk, trace_vprintk and snprintf: which ones 6.18 takes (bpf_bprintf_prepare in
 * kernel/bpf/helpers.c) and what they print (lib/vsprintf.c). Texts are bytes; addresses are linear memory's.
 */
export interface Formatted {
	/** The text up to its limit. */
	readonly bytes: Uint8Array;
	/** Length that the whole text would have. */
	readonly length: number;
}

/** What the kernel keeps arguments in until it prints them: 512 bytes (MAX_BPRINTF_BIN_ARGS). */
const ARGUMENT_SPACE = 512;
/** FIELD_WIDTH_MAX: wider fields are cut down to it. */
const WIDTH_MAX = (1 << 23) - 1;

/** Flags and width of a conversion; width -1: none was given. */
interface Field {
	left: boolean;
	plus: boolean;
	space: boolean;
	zero: boolean;
	width: number;
}

// lib/ctype.c's classes; the upper half is Latin-1's
const within = (c: number, first: number, last: number) => c >= first && c <= last;
const isDigit = (c: number) => within(c, 0x30, 0x39);
const isSpace = (c: number) => within(c, 9, 13) || c === 0x20 || c === 0xa0;
const isControl = (c: number) => (c < 0x20 && !isSpace(c)) || c === 0x7f;
const isAlnum = (c: number) =>
	isDigit(c) || within(c | 0x20, 0x61, 0x7a) || (c >= 0xc0 && c !== 0xd7 && c !== 0xf7);
const isPunct = (c: number) => c > 0x20 && c !== 0x7f && !within(c, 0x80, 0xa0) && !isAlnum(c);

const code = (character: string) => character.charCodeAt(0);
const PERCENT = 0x25;
const P = 0x70;
const S = 0x73;

/**
 * Formats `format` (without its NUL) with `args`, one u64 each; a conversion without an argument is an error, an
 * argument without a conversion is not. The text is cut at `limit` bytes.
 * @returns the text, -EINVAL for a format that 6.18 refuses, -ENOSPC where the arguments fill their 512 bytes
 */
export function formatPrintk(
	memory: LinearMemory,
	format: Uint8Array,
	args: readonly bigint[],
	limit: number,
): Formatted | number {
	const out = new Text(limit);
	const space = { used: 0 };
	let used = 0;
	/** Set after %p…: printing passes over letters and digits that follow, whatever the check made of them. */
	let swallow = false;
	// the byte behind the end reads as the NUL that is there
	const at = (index: number) => format[index] ?? 0;

	for (let i = 0; i < format.length; i++) {
		const c = at(i);
		if (isControl(c)) return EINVAL;
		if (c !== PERCENT) {
			swallow &&= isAlnum(c);
			if (!swallow) out.put(c);
			continue;
		}
		swallow = false;
		if (at(i + 1) === PERCENT) {
			out.put(PERCENT);
			i++;
			continue;
		}
		const arg = args[used++];
		if (arg === undefined) return EINVAL;
		const field: Field = { left: false, plus: false, space: false, zero: false, width: -1 };
		i = scanField(at, i + 1, field);

		if (at(i) === P) {
			const taken = pointer(memory, at(i + 1), at(i + 2), at(i + 3), arg, field, out, space);
			if (taken < 0) return taken;
			i += taken;
			swallow = true;
		} else if (at(i) === S) {
			if (!endsString(at(i + 1))) return EINVAL;
			const text = stringAt(memory, arg, space);
			if (text === undefined) return ENOSPC;
			padded(out, text, field);
		} else if (at(i) === code("c")) {
			if (space.used === ARGUMENT_SPACE) return ENOSPC;
			space.used++;
			padded(out, [Number(arg & 0xffn)], field);
		} else {
			let bits = 32;
			for (let long = 0; long < 2 && at(i) === code("l"); long++, i++) bits = 64;
			const radix = RADIX.get(at(i));
			if (radix === undefined) return EINVAL;
			if (!reserve(space, bits / 8)) return ENOSPC;
			const value = radix.signed ? BigInt.asIntN(bits, arg) : BigInt.asUintN(bits, arg);
			number(out, value, radix, field);
		}
	}
	return { bytes: out.bytes(), length: out.length };
}

/** Of a format alone, whatever the arguments will be: has each conversion one of the `args` arguments, and is it one? */
export function takesFormat(format: Uint8Array, args: number): boolean {
	const nowhere = { u8: new Uint8Array(0) } as LinearMemory;
	return formatPrintk(nowhere, format, Array<bigint>(args).fill(0n), 0) !== EINVAL;
}

interface Radix {
	readonly base: number;
	readonly signed: boolean;
	readonly upper: boolean;
}

const RADIX: ReadonlyMap<number, Radix> = new Map([
	[code("d"), { base: 10, signed: true, upper: false }],
	[code("i"), { base: 10, signed: true, upper: false }],
	[code("u"), { base: 10, signed: false, upper: false }],
	[code("x"), { base: 16, signed: false, upper: false }],
	[code("X"), { base: 16, signed: false, upper: true }],
]);

/** Reads `[0+- ]*` and a width, whose number wraps at 32 bits and is cut to WIDTH_MAX; the index behind them. */
function scanField(at: (index: number) => number, start: number, field: Field): number {
	let i = start;
	for (; ; i++) {
		const c = at(i);
		if (c === code("-")) field.left = true;
		else if (c === code("+")) field.plus = true;
		else if (c === code(" ")) field.space = true;
		else if (c === code("0")) field.zero = true;
		else break;
	}
	if (!isDigit(at(i))) return i;
	let width = 0;
	for (; isDigit(at(i)); i++) width = (Math.imul(width, 10) + at(i) - 0x30) | 0;
	field.width = Math.max(-WIDTH_MAX, Math.min(width, WIDTH_MAX));
	return i;
}

/**
 * %p and its relatives; `a`, `b`, `c` are the bytes behind the p.
 * @returns how many of them belong to the conversion, or a negative errno
 */
function pointer(
	memory: LinearMemory,
	a: number,
	b: number,
	c: number,
	arg: bigint,
	field: Field,
	out: Text,
	space: { used: number },
): number {
	if (a === 0 || isSpace(a) || isPunct(a)) return hashed(arg, 0);
	if ((a === code("k") || a === code("u")) && b === S) {
		if (!endsString(c)) return EINVAL;
		// %pus reads user space, of which linear memory has none: an unreadable string is an empty one
		const text = stringAt(memory, a === code("k") ? arg : 0n, space);
		if (text === undefined) return ENOSPC;
		copied(out, text);
		return 2;
	}
	switch (String.fromCharCode(a)) {
		case "K":
			return hashed(arg, 1);
		case "x":
			if (!reserve(space, 8)) return ENOSPC;
			pointerDigits(out, arg, field);
			return 1;
		case "s":
		case "S":
			if (!reserve(space, 8)) return ENOSPC;
			padded(out, symbol(arg), field);
			return 1;
		case "B": {
			preformatted(out, symbol(arg), space);
			return 1;
		}
		case "I":
		case "i":
			if (b !== code("4") && b !== code("6")) return EINVAL;
			return address(b === code("4") ? 4 : 16, a === code("I"));
		default:
			return EINVAL;
	}

	function hashed(value: bigint, taken: number): number {
		if (!reserve(space, 8)) return ENOSPC;
		pointerDigits(out, hashPointer(value), field);
		return taken;
	}

	function address(size: number, pretty: boolean): number {
		if (ARGUMENT_SPACE - space.used < size) return ENOSPC;
		preformatted(out, ascii((size === 4 ? ipv4 : ipv6)(bytesAt(memory, arg, size), pretty)), space);
		return 2;
	}
}

/** A %s must be followed by the end, white space or punctuation. */
function endsString(next: number): boolean {
	return next === 0 || isSpace(next) || isPunct(next);
}

/** Takes `size` 4-aligned bytes of the argument space. */
function reserve(space: { used: number }, size: number): boolean {
	const start = (space.used + 3) & ~3;
	if (ARGUMENT_SPACE - start < size) return false;
	space.used = start + size;
	return true;
}

/** The string at an address: empty if it can't be read, cut where the argument space ends, undefined if that is full. */
function stringAt(memory: LinearMemory, arg: bigint, space: { used: number }): Uint8Array | undefined {
	const room = ARGUMENT_SPACE - space.used;
	if (room <= 0) return undefined;
	const { u8 } = memory;
	const start = inMemory(memory, arg, 1) ? Number(arg) : u8.length;
	const within = u8.subarray(start, start + room);
	const nul = within.indexOf(0);
	// without a NUL the kernel stops one byte short of the space, or at memory it can't read
	const length = nul >= 0 ? nul : within.length === room ? room - 1 : 0;
	space.used += length + 1;
	return within.slice(0, length);
}

/** Bytes at an address; zeros if they can't be read. */
function bytesAt(memory: LinearMemory, arg: bigint, size: number): Uint8Array {
	return inMemory(memory, arg, size) ? memory.read(Number(arg), size) : new Uint8Array(size);
}

/** Page 0 is never mapped. */
function inMemory(memory: LinearMemory, address: bigint, size: number): boolean {
	return address >= 0x1_0000n && address + BigInt(size) <= BigInt(memory.u8.length);
}

/**
 * %p shows a pointer hashed; the kernel's key is random, ours is fixed (murmur3's finalizer). Null and error
 * pointers (-4095…-1) show as they are, as in the kernel.
 */
function hashPointer(value: bigint): bigint {
	if (value === 0n || value >= 2n ** 64n - 4095n) return value;
	let h = Number(BigInt.asUintN(32, value)) ^ Number(value >> 32n);
	h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	return BigInt((h ^ (h >>> 16)) >>> 0);
}

/** 16 digits with leading zeros, unless a width says otherwise. */
function pointerDigits(out: Text, value: bigint, field: Field): void {
	const plain = field.width === -1 ? { ...field, width: 16, zero: true } : field;
	number(out, value, { base: 16, signed: false, upper: false }, plain);
}

/** No address of ours is a kernel symbol: the kernel prints such as numbers. */
function symbol(value: bigint): Uint8Array {
	return ascii(`0x${value.toString(16)}`);
}

function ipv4(bytes: Uint8Array, pretty: boolean): string {
	return Array.from(bytes, (byte) => (pretty ? `${byte}` : `${byte}`.padStart(3, "0"))).join(".");
}

function ipv6(bytes: Uint8Array, pretty: boolean): string {
	const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
	return pretty ? digits.match(/..../g)!.join(":") : digits;
}

function ascii(text: string): Uint8Array {
	return Uint8Array.from(text, code);
}

function number(out: Text, value: bigint, radix: Radix, field: Field): void {
	const sign = value < 0n ? "-" : radix.signed && field.plus ? "+" : radix.signed && field.space ? " " : "";
	const magnitude = (value < 0n ? -value : value).toString(radix.base);
	const digits = radix.upper ? magnitude.toUpperCase() : magnitude;
	const fill = field.width - sign.length - digits.length;
	if (!field.left && !field.zero) out.fill(fill, 0x20);
	for (const c of sign) out.put(code(c));
	if (!field.left && field.zero) out.fill(fill, 0x30);
	for (const c of digits) out.put(code(c));
	if (field.left) out.fill(fill, 0x20);
}

/** Text in its width; zeros and signs mean nothing here. */
function padded(out: Text, text: ArrayLike<number>, field: Field): void {
	if (!field.left) out.fill(field.width - text.length, 0x20);
	for (let i = 0; i < text.length; i++) out.put(text[i]!);
	if (field.left) out.fill(field.width - text.length, 0x20);
}

/** Text made beforehand, in the argument space, which may cut it. */
function preformatted(out: Text, text: Uint8Array, space: { used: number }): void {
	copied(out, text.subarray(0, Math.max(0, ARGUMENT_SPACE - space.used - 1)));
	space.used += text.length + 1;
}

/** Text from the argument space is copied without regard to a width, and not at all once the output is full. */
function copied(out: Text, text: Uint8Array): void {
	if (out.full) return;
	for (const byte of text) out.put(byte);
}

/** Bytes up to a limit, and the length without it. */
class Text {
	length = 0;
	readonly #limit: number;
	readonly #bytes: number[] = [];

	constructor(limit: number) {
		this.#limit = limit;
	}

	/** The kernel counts its NUL in. */
	get full(): boolean {
		return this.length > this.#limit;
	}

	put(byte: number): void {
		if (this.length++ < this.#limit) this.#bytes.push(byte);
	}

	/** A width may be 8 million: only what is kept costs anything. */
	fill(count: number, byte: number): void {
		if (count <= 0) return;
		const kept = Math.max(0, Math.min(count, this.#limit - this.length));
		for (let i = 0; i < kept; i++) this.#bytes.push(byte);
		this.length += count;
	}

	bytes(): Uint8Array {
		return Uint8Array.from(this.#bytes);
	}
}
