/** Values as people write them on command lines, to the bytes of a BTF type. */
import { TailhopError } from "../errors/index.ts";
import { writeBits } from "./bits.ts";
import { BTF_INT } from "./constants.ts";
import { resolveType, sizeOf, typeById } from "./query.ts";
import { typeName } from "./text.ts";
import type { Btf, BtfMember, BtfOf, BtfType } from "./types.ts";
import { bitWidth, valueType } from "./values.ts";
import { type Notation, parseNotation } from "./values-syntax.ts";

/** Largest value that can be written: more than any map takes. */
const MAX_SIZE = 0x1000_0000;

/**
 * Bytes of a value of that type. Notation: `5`, `0x10`, `-1`, enum names, `true`, `"text"` for arrays of bytes,
 * `[1, 2]`, `{a: 1, b: {c: 2}, d.e: 3, f[2]: 4}`, and `hex:0a0b0c` for the bytes of anything. What is not mentioned
 * is zero.
 *
 * @throws TailhopError `btf/value`; `detail.path` names the field, `where.column` the place in the text.
 */
export function parseValue(btf: Btf, typeId: number, text: string): Uint8Array {
	return encodeNotation(btf, typeId, parseNotation(text));
}

function encodeNotation(btf: Btf, typeId: number, notation: Notation): Uint8Array {
	const size = sizeOf(btf, typeId);
	if (size === undefined || size > MAX_SIZE)
		fail("", undefined, `${typeName(btf, typeId)} has no values`, "Use another type.");
	const out = new Uint8Array(size!);
	new Encoder(btf, out).value(valueType(btf, typeId), 0, notation, "");
	return out;
}

/** Bytes of a value of `size` bytes without a type: a number, `hex:…`, `"text"`, or a list of bytes. */
export function parsePlainValue(size: number, text: string): Uint8Array {
	return encodePlain(size, parseNotation(text));
}

function encodePlain(size: number, value: Notation): Uint8Array {
	const out = new Uint8Array(size);
	if (value.kind === "word") {
		writeBits(out, 0, size * 8, integer(value.text, size * 8, true, "", value.at));
	} else if (value.kind === "list") {
		if (value.items.length > size)
			fail("", value.at, `${value.items.length} bytes of ${size}`, "Write fewer.");
		value.items.forEach((item, i) => {
			if (item.kind !== "word")
				throw fail(`[${i}]`, item.at, "not a byte", "Without a type, a list has bytes.");
			out[i] = Number(BigInt.asUintN(8, integer(item.text, 8, true, `[${i}]`, item.at)));
		});
	} else {
		fill(out, 0, size, value, "");
	}
	return out;
}

/** A value as JavaScript has it: what `formatValue` gives, and numbers, bigints and bytes besides. */
export type ValueInput =
	| boolean
	| number
	| bigint
	| string
	| Uint8Array
	| readonly ValueInput[]
	| { readonly [name: string]: ValueInput };

/**
 * Bytes of a JavaScript value of that type, or of `size` bytes without one. A string is the text of an array of
 * bytes, and for anything else what `parseValue` reads: an enum's name, a number beyond 2^53. A Uint8Array is the
 * bytes themselves.
 *
 * @throws TailhopError `btf/value`; `detail.path` names the field.
 */
export function encodeValue(
	btf: Btf | undefined,
	typeId: number,
	size: number,
	value: ValueInput,
): Uint8Array {
	const notation = notationOf(value);
	if (btf === undefined || typeId === 0) return encodePlain(size, notation);
	return encodeNotation(btf, typeId, notation);
}

function notationOf(value: ValueInput): Notation {
	if (value instanceof Uint8Array) return { kind: "bytes", bytes: value, at: 0 };
	if (typeof value === "string") return { kind: "string", text: value, at: 0 };
	if (Array.isArray(value)) return { kind: "list", items: value.map(notationOf), at: 0 };
	if (typeof value === "object") {
		const fields = Object.entries(value).map(([name, field]) => ({
			path: [name],
			value: notationOf(field),
			at: 0,
		}));
		return { kind: "fields", fields, at: 0 };
	}
	return { kind: "word", text: String(value), at: 0 };
}

function fail(path: string, at: number | undefined, message: string, hint: string): never {
	throw new TailhopError(
		"btf/value",
		path === "" ? message : `${path}: ${message}`,
		at === undefined ? {} : { column: at + 1 },
		{ hint, detail: { path } },
	);
}

/** Strings and bytes into `size` bytes at `at`; strings may be shorter. */
function fill(out: Uint8Array, at: number, size: number, value: Notation, path: string): void {
	if (value.kind === "bytes") {
		if (value.bytes.length !== size) {
			fail(path, value.at, `${value.bytes.length} bytes of ${size}`, `Write ${size * 2} hex digits.`);
		}
		out.set(value.bytes, at);
	} else if (value.kind === "string") {
		const bytes = new TextEncoder().encode(value.text);
		if (bytes.length > size)
			fail(path, value.at, `a text of ${bytes.length} bytes for ${size}`, "Shorten it.");
		out.fill(0, at, at + size).set(bytes, at);
	} else {
		fail(path, value.at, "fields without a type", "Write hex:… or a number.");
	}
}

/** A number that fits in `width` bits. Hex is a bit pattern; decimals have the type's sign. */
function integer(
	text: string,
	width: number,
	either: boolean,
	path: string,
	at: number,
	signed = false,
): bigint {
	if (!/^[+-]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|\d+)$/.test(text) || text.length > 200) {
		fail(path, at, `"${text}" is not a number`, "Write 5, -1 or 0x10.");
	}
	const isNegative = text.startsWith("-");
	const magnitude = BigInt(text.replace(/^[+-]/, ""));
	const value = isNegative ? -magnitude : magnitude;
	const isPattern = /^0[xXbBoO]/.test(text);
	const low = signed || either ? -(1n << BigInt(Math.max(width - 1, 0))) : 0n;
	const high =
		(signed && !isPattern && !either ? 1n << BigInt(Math.max(width - 1, 0)) : 1n << BigInt(width)) - 1n;
	if (value < low || value > high) {
		fail(path, at, `${text} does not fit`, `Write ${low} to ${high}.`);
	}
	return value;
}

class Encoder {
	readonly #btf: Btf;
	readonly #out: Uint8Array;

	constructor(btf: Btf, out: Uint8Array) {
		this.#btf = btf;
		this.#out = out;
	}

	/** Writes a value of the type at a byte offset. `id` is a `valueType`. */
	value(id: number, at: number, value: Notation, path: string): void {
		const type = typeById(this.#btf, id);
		if (value.kind === "bytes") {
			fill(this.#out, at, sizeOf(this.#btf, id) ?? 0, value, path);
			return;
		}
		switch (type.kind) {
			case "int":
				this.#scalar(type, at * 8 + type.bitOffset, type.bits, value, path);
				break;
			case "enum":
			case "enum64":
				this.#scalar(type, at * 8, type.size * 8, value, path);
				break;
			case "ptr":
				writeBits(this.#out, at * 8, 64, integer(this.#word(type, value, path), 64, true, path, value.at));
				break;
			case "float":
				this.#float(type, at, value, path);
				break;
			case "array":
				this.#array(type, at, value, path);
				break;
			default:
				this.#fields(id, at, value, path);
		}
	}

	#word(type: BtfType, value: Notation, path: string): string {
		// JSON has enum names and numbers beyond 2^53 as strings
		if (value.kind === "word" || value.kind === "string") return value.text;
		return fail(path, value.at, `a ${value.kind} for a ${type.kind}`, "Write a number.");
	}

	/** An int or enum of `width` bits at a bit offset. */
	#scalar(
		type: BtfOf<"int" | "enum" | "enum64">,
		bitAt: number,
		width: number,
		value: Notation,
		path: string,
	): void {
		const text = this.#word(type, value, path);
		const named = type.kind === "int" ? undefined : type.values.find((entry) => entry.name === text);
		let bits: bigint;
		if (named !== undefined) bits = BigInt(named.value);
		else if (type.kind === "int" && type.encoding === BTF_INT.BOOL && /^(true|false)$/.test(text))
			bits = text === "true" ? 1n : 0n;
		else if (type.kind !== "int" && /^[A-Za-z_]/.test(text)) {
			const names = type.values.slice(0, 8).map((entry) => entry.name);
			bits = fail(
				path,
				value.at,
				`no "${text}" in enum ${type.name}`,
				`Write a number or one of ${names.join(", ")}.`,
			);
		} else {
			const signed = type.kind === "int" ? type.encoding === BTF_INT.SIGNED : type.signed;
			bits = integer(text, width, false, path, value.at, signed);
		}
		writeBits(this.#out, bitAt, width, bits);
	}

	#float(type: BtfOf<"float">, at: number, value: Notation, path: string): void {
		const number = Number(this.#word(type, value, path));
		const view = new DataView(this.#out.buffer, this.#out.byteOffset);
		if (Number.isNaN(number)) fail(path, value.at, "not a number", "Write 1.5.");
		if (type.size === 4) view.setFloat32(at, number, true);
		else if (type.size === 8) view.setFloat64(at, number, true);
		else fail(path, value.at, `a float of ${type.size} bytes`, "Write hex:….");
	}

	#array(type: BtfOf<"array">, at: number, value: Notation, path: string): void {
		const size = sizeOf(this.#btf, type.type) ?? 0;
		const elementId = valueType(this.#btf, type.type);
		const element = typeById(this.#btf, elementId);
		if (value.kind === "string" && element.kind === "int" && element.size === 1) {
			fill(this.#out, at, type.count, value, path);
			return;
		}
		if (value.kind !== "list") fail(path, value.at, `a ${value.kind} for an array`, "Write [1, 2, 3].");
		const items = value.kind === "list" ? value.items : [];
		if (items.length > type.count)
			fail(path, value.at, `${items.length} elements of ${type.count}`, "Write fewer.");
		items.forEach((item, i) => {
			this.value(elementId, at + i * size, item, `${path}[${i}]`);
		});
	}

	#fields(id: number, at: number, value: Notation, path: string): void {
		if (value.kind !== "fields") {
			const names = this.#names(id);
			fail(
				path,
				value.at,
				`${typeName(this.#btf, id)} has fields`,
				`Write {${names.map((name) => `${name}: …`).join(", ")}}.`,
			);
			return;
		}
		for (const field of value.fields) this.#field(id, at, field.path, field.value, path, field.at);
	}

	/** Follows names and indexes from a type to the place that they mean, and writes there. */
	#field(
		id: number,
		at: number,
		steps: readonly (string | number)[],
		value: Notation,
		path: string,
		column: number,
	): void {
		const [step, ...rest] = steps;
		if (step === undefined) {
			this.value(id, at, value, path);
			return;
		}
		const type = typeById(this.#btf, id);
		if (typeof step === "number") {
			const here = `${path}[${step}]`;
			if (type.kind !== "array")
				throw fail(here, column, `${typeName(this.#btf, id)} is no array`, "Name a field.");
			if (step >= type.count)
				fail(here, column, `element ${step} of ${type.count}`, "Elements count from 0.");
			const size = sizeOf(this.#btf, type.type) ?? 0;
			this.#field(valueType(this.#btf, type.type), at + step * size, rest, value, here, column);
			return;
		}
		const here = path === "" ? step : `${path}.${step}`;
		const found = this.#find(id, step);
		if (found === undefined) {
			const names = this.#names(id);
			const hint = names.length === 0 ? "It has no fields." : `It has ${names.join(", ")}.`;
			throw fail(here, column, `no field "${step}" in ${typeName(this.#btf, id)}`, hint);
		}
		const bitAt = at * 8 + found.bitOffset;
		const inner = resolveType(this.#btf, found.type);
		const isInteger = inner.kind === "int" || inner.kind === "enum" || inner.kind === "enum64";
		if (isInteger && (found.bitSize > 0 || bitAt % 8 !== 0)) {
			if (rest.length > 0) fail(here, column, "a bit field has no parts", "Write a number.");
			this.#scalar(inner, bitAt, bitWidth(found, inner), value, here);
			return;
		}
		this.#field(valueType(this.#btf, found.type), Math.floor(bitAt / 8), rest, value, here, column);
	}

	/** The member or variable of that name; members of anonymous ones count as the outer type's. */
	#find(id: number, name: string): BtfMember | undefined {
		const type = typeById(this.#btf, id);
		if (type.kind === "datasec") {
			for (const entry of type.vars) {
				const variable = typeById(this.#btf, entry.type);
				const size = sizeOf(this.#btf, entry.type);
				if (variable.kind !== "var" || variable.name !== name || size === undefined) continue;
				if (entry.offset + size > this.#out.length) continue;
				return { name, type: variable.type, bitOffset: entry.offset * 8, bitSize: 0 };
			}
		}
		return this.#search(id, name, new Set());
	}

	#search(id: number, name: string, seen: Set<number>): BtfMember | undefined {
		const type = resolveType(this.#btf, id);
		if (type.kind !== "struct" && type.kind !== "union") return undefined;
		// the same anonymous type again cannot have more names
		if (seen.has(id)) return undefined;
		seen.add(id);
		for (const member of type.members) {
			if (member.name === name) return member;
			if (member.name !== "") continue;
			const inner = this.#search(member.type, name, seen);
			if (inner !== undefined) return { ...inner, bitOffset: inner.bitOffset + member.bitOffset };
		}
		return undefined;
	}

	/** Names of the fields, for hints: the first sixteen. */
	#names(id: number): string[] {
		const type = typeById(this.#btf, id);
		if (type.kind === "datasec") {
			return type.vars.slice(0, 16).map((entry) => (typeById(this.#btf, entry.type) as BtfOf<"var">).name);
		}
		if (type.kind !== "struct" && type.kind !== "union") return [];
		return type.members
			.slice(0, 16)
			.filter((member) => member.name !== "")
			.map((member) => member.name);
	}
}
