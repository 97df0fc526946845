/** Bytes to values: what map keys, map values and data sections hold, by their BTF types. */
import { TailhopError } from "../errors/index.ts";
import { readBits } from "./bits.ts";
import { BTF_INT } from "./constants.ts";
import { resolveType, sizeOf, skipModifiers, typeById } from "./query.ts";
import { typeName } from "./text.ts";
import type { Btf, BtfMember, BtfOf, BtfType } from "./types.ts";

/** What `formatValue` returns; goes through JSON unchanged. Integers beyond 2^53 are decimal strings. */
export type JsonValue =
	| null
	| boolean
	| number
	| string
	| readonly JsonValue[]
	| { readonly [name: string]: JsonValue };

/** Parts of one value beyond its bytes: types that share parts could ask for more than there is memory. */
const MAX_NODES = 1_000_000;

/** Zero elements at the end of an array that are written as "..." for people. */
const MANY_ZEROS = 8;

/** A value before it is written as JSON or text. */
type Node =
	| { readonly kind: "integer"; readonly value: bigint }
	| { readonly kind: "bool"; readonly value: boolean }
	| { readonly kind: "float"; readonly value: number }
	| { readonly kind: "name"; readonly name: string }
	| { readonly kind: "pointer"; readonly value: bigint }
	| { readonly kind: "string"; readonly text: string }
	| { readonly kind: "bytes"; readonly bytes: Uint8Array }
	| { readonly kind: "list"; readonly items: readonly Node[] }
	| { readonly kind: "fields"; readonly fields: readonly (readonly [name: string, node: Node])[] };

/**
 * A value by its type, for JSON: structs and unions as fields by name (those of anonymous members among them),
 * arrays as lists, char arrays as strings where they are printable and NUL-terminated with zeros behind, enums by
 * name where they have one, pointers as `0x…`, data sections as variables by name.
 *
 * Without a type (`btf` undefined or id 0): a number for 1, 2, 4 and 8 bytes, else `hex:…`.
 *
 * @throws TailhopError `btf/value` when `bytes` are fewer than the type has.
 */
export function formatValue(btf: Btf | undefined, typeId: number, bytes: Uint8Array): JsonValue {
	return toJson(decode(btf, typeId, bytes));
}

/**
 * The same for people, on one line: `{src: 1, name: "eth0", state: UP, list: [1, 2, ...]}`, where "..." stands for
 * zeros up to the end. `parseValue` reads it back to the same bytes, but for padding.
 */
export function formatText(btf: Btf | undefined, typeId: number, bytes: Uint8Array): string {
	return toText(decode(btf, typeId, bytes));
}

function decode(btf: Btf | undefined, typeId: number, bytes: Uint8Array): Node {
	if (btf === undefined || typeId === 0) return decodePlain(bytes);
	const size = sizeOf(btf, typeId);
	if (size === undefined) return { kind: "bytes", bytes };
	if (bytes.length < size) {
		throw new TailhopError(
			"btf/value",
			`${bytes.length} bytes for ${typeName(btf, typeId)}, which has ${size}`,
			{},
			{
				hint: "Key and value sizes of the map and of its types must agree.",
			},
		);
	}
	return new Decoder(btf, bytes).value(typeId, 0);
}

function decodePlain(bytes: Uint8Array): Node {
	if (![1, 2, 4, 8].includes(bytes.length)) return { kind: "bytes", bytes };
	return { kind: "integer", value: readBits(bytes, 0, bytes.length * 8) };
}

class Decoder {
	readonly #btf: Btf;
	readonly #bytes: Uint8Array;
	#left: number;

	constructor(btf: Btf, bytes: Uint8Array) {
		this.#btf = btf;
		this.#bytes = bytes;
		this.#left = MAX_NODES + bytes.length;
	}

	/** The value of a type at a byte offset. */
	value(id: number, at: number): Node {
		if (--this.#left < 0) {
			throw new TailhopError(
				"btf/value",
				"a value with more than a million parts",
				{},
				{
					hint: "Ask for an inner type, or read the bytes.",
				},
			);
		}
		const type = resolveType(this.#btf, id);
		switch (type.kind) {
			case "int":
				return this.#integer(type, at * 8 + type.bitOffset, type.bits);
			case "enum":
			case "enum64":
				return this.#enum(type, at * 8, type.size * 8);
			case "ptr":
				return { kind: "pointer", value: readBits(this.#bytes, at * 8, 64) };
			case "float":
				return this.#float(type.size, at);
			case "array":
				return this.#array(type, at);
			case "struct":
			case "union":
				return { kind: "fields", fields: this.#members(type, at) };
			case "var":
				return this.value(type.type, at);
			case "datasec":
				return { kind: "fields", fields: this.#variables(type, at) };
			default:
				return { kind: "bytes", bytes: new Uint8Array(0) };
		}
	}

	#integer(type: BtfOf<"int">, bitAt: number, width: number): Node {
		const raw = readBits(this.#bytes, bitAt, width);
		if (type.encoding === BTF_INT.BOOL && raw <= 1n) return { kind: "bool", value: raw === 1n };
		return { kind: "integer", value: type.encoding === BTF_INT.SIGNED ? BigInt.asIntN(width, raw) : raw };
	}

	#enum(type: BtfOf<"enum" | "enum64">, bitAt: number, width: number): Node {
		const raw = readBits(this.#bytes, bitAt, width);
		const value = type.signed ? BigInt.asIntN(width, raw) : raw;
		const entry = type.values.find((candidate) => BigInt(candidate.value) === value);
		return entry === undefined ? { kind: "integer", value } : { kind: "name", name: entry.name };
	}

	#float(size: number, at: number): Node {
		const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, size);
		if (size === 4) return { kind: "float", value: view.getFloat32(0, true) };
		if (size === 8) return { kind: "float", value: view.getFloat64(0, true) };
		return { kind: "bytes", bytes: this.#bytes.subarray(at, at + size) };
	}

	#array(type: BtfOf<"array">, at: number): Node {
		const size = sizeOf(this.#btf, type.type) ?? 0;
		if (size === 0) return { kind: "list", items: [] };
		if (isChar(resolveType(this.#btf, type.type))) {
			const text = printable(this.#bytes.subarray(at, at + type.count));
			if (text !== undefined) return { kind: "string", text };
		}
		const items: Node[] = [];
		for (let i = 0; i < type.count; i++) items.push(this.value(type.type, at + i * size));
		return { kind: "list", items };
	}

	#members(type: BtfOf<"struct" | "union">, at: number): (readonly [string, Node])[] {
		const fields: (readonly [string, Node])[] = [];
		for (const member of type.members) {
			const inner = resolveType(this.#btf, member.type);
			if (member.name !== "") fields.push([member.name, this.#member(member, inner, at)]);
			// a member without a name is an anonymous struct or union (its fields belong here) or padding
			else if (inner.kind === "struct" || inner.kind === "union") {
				if (--this.#left < 0) this.value(member.type, at);
				for (const field of this.#members(inner, at + member.bitOffset / 8)) fields.push(field);
			}
		}
		return fields;
	}

	#member(member: BtfMember, type: BtfType, at: number): Node {
		const bitAt = at * 8 + member.bitOffset;
		const isInteger = type.kind === "int" || type.kind === "enum" || type.kind === "enum64";
		if (!isInteger || (member.bitSize === 0 && bitAt % 8 === 0))
			return this.value(member.type, Math.floor(bitAt / 8));
		const width = bitWidth(member, type);
		return type.kind === "int" ? this.#integer(type, bitAt, width) : this.#enum(type, bitAt, width);
	}

	#variables(type: BtfOf<"datasec">, at: number): (readonly [string, Node])[] {
		const fields: (readonly [string, Node])[] = [];
		for (const entry of type.vars) {
			const variable = typeById(this.#btf, entry.type);
			const size = sizeOf(this.#btf, entry.type);
			if (variable.kind !== "var" || size === undefined || at + entry.offset + size > this.#bytes.length)
				continue;
			fields.push([variable.name, this.value(variable.type, at + entry.offset)]);
		}
		return fields;
	}
}

/** Bits of a bit field: kind_flag says, or in old BTF the int itself. */
export function bitWidth(member: BtfMember, type: BtfOf<"int" | "enum" | "enum64">): number {
	if (member.bitSize > 0) return member.bitSize;
	return type.kind === "int" ? type.bits : type.size * 8;
}

export function isChar(type: BtfType): boolean {
	return type.kind === "int" && type.size === 1 && (type.name === "char" || type.encoding === BTF_INT.CHAR);
}

/** The text before the first NUL if it is printable ASCII and only zeros follow. */
function printable(bytes: Uint8Array): string | undefined {
	const end = bytes.indexOf(0);
	if (end < 0 || bytes.subarray(end).some((byte) => byte !== 0)) return undefined;
	const text = bytes.subarray(0, end);
	if (text.some((byte) => byte < 0x20 || byte > 0x7e)) return undefined;
	return new TextDecoder().decode(text);
}

function hexOf(bytes: Uint8Array): string {
	return `hex:${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function toJson(node: Node): JsonValue {
	switch (node.kind) {
		case "integer": {
			const number = Number(node.value);
			return Number.isSafeInteger(number) ? number : node.value.toString();
		}
		case "bool":
			return node.value;
		case "float":
			return Number.isFinite(node.value) ? node.value : String(node.value);
		case "name":
			return node.name;
		case "pointer":
			return `0x${node.value.toString(16)}`;
		case "string":
			return node.text;
		case "bytes":
			return hexOf(node.bytes);
		case "list":
			return node.items.map(toJson);
		case "fields":
			// fromEntries defines own properties, whatever a field is called
			return Object.fromEntries(node.fields.map(([name, field]) => [name, toJson(field)]));
	}
}

function toText(node: Node): string {
	switch (node.kind) {
		case "string":
			return JSON.stringify(node.text);
		case "integer":
			return node.value.toString();
		case "list": {
			let end = node.items.length;
			while (end > 0 && isZero(node.items[end - 1]!)) end--;
			const hasTail = node.items.length - end >= MANY_ZEROS;
			const shown = (hasTail ? node.items.slice(0, end) : node.items).map(toText);
			return `[${[...shown, ...(hasTail ? ["..."] : [])].join(", ")}]`;
		}
		case "fields":
			return `{${node.fields.map(([name, field]) => `${name}: ${toText(field)}`).join(", ")}}`;
		default:
			return String(toJson(node));
	}
}

function isZero(node: Node): boolean {
	switch (node.kind) {
		case "integer":
		case "pointer":
			return node.value === 0n;
		case "bool":
			return !node.value;
		case "float":
			return Object.is(node.value, 0);
		case "string":
			return node.text === "";
		case "list":
			return node.items.every(isZero);
		case "fields":
			return node.fields.every(([, field]) => isZero(field));
		default:
			return false;
	}
}

/** The id of what a variable or type holds, modifiers skipped: what `parseValue` writes by. */
export function valueType(btf: Btf, id: number): number {
	const at = skipModifiers(btf, id);
	const type = typeById(btf, at);
	return type.kind === "var" ? valueType(btf, type.type) : at;
}
