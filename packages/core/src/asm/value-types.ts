import { TailhopError } from "../errors/index.ts";
import type { Tokens } from "./tokens.ts";

/** A type of keys, values and variables, as an assembly file writes it. */
export type ValueType =
	| { readonly kind: "int"; readonly name: IntName }
	| { readonly kind: "array"; readonly of: ValueType; readonly count: number }
	| { readonly kind: "struct"; readonly name: string; readonly members: readonly Member[] };

export interface Member {
	readonly name: string;
	readonly type: ValueType;
	/** In bytes; as C lays it out. */
	readonly offset: number;
}

/** Size in bytes, and whether it is signed. `char` is text. */
export const INTS = {
	u8: { size: 1, signed: false },
	u16: { size: 2, signed: false },
	u32: { size: 4, signed: false },
	u64: { size: 8, signed: false },
	s8: { size: 1, signed: true },
	s16: { size: 2, signed: true },
	s32: { size: 4, signed: true },
	s64: { size: 8, signed: true },
	char: { size: 1, signed: true },
} as const;
export type IntName = keyof typeof INTS;

const isInt = (name: string): name is IntName => Object.hasOwn(INTS, name);

/** The largest type; the kernel's values are smaller, and nobody writes 2 GiB by accident. */
const MAX_SIZE = 0x1000_0000;

export function sizeOfType(type: ValueType): number {
	switch (type.kind) {
		case "int":
			return INTS[type.name].size;
		case "array":
			return sizeOfType(type.of) * type.count;
		case "struct": {
			const last = type.members.at(-1);
			return last === undefined ? 0 : roundUp(last.offset + sizeOfType(last.type), alignOfType(type));
		}
	}
}

export function alignOfType(type: ValueType): number {
	switch (type.kind) {
		case "int":
			return INTS[type.name].size;
		case "array":
			return alignOfType(type.of);
		case "struct":
			return Math.max(1, ...type.members.map((member) => alignOfType(member.type)));
	}
}

export function roundUp(value: number, to: number): number {
	return Math.ceil(value / to) * to;
}

/** `u32`, `char[16]`, `flow` (a `.struct`), `{ u32 src, u32 dst }`, each with `[N]` behind it. */
export function readType(tokens: Tokens, structs: ReadonlyMap<string, ValueType>): ValueType {
	const start = tokens.peek();
	if (tokens.take("{")) return readCounts(tokens, start, readStruct(tokens, "", structs));
	const name = tokens.name("a type");
	const type: ValueType | undefined = isInt(name) ? { kind: "int", name } : structs.get(name);
	if (type === undefined)
		throw new TailhopError("asm/symbol", `unknown type ${name}`, tokens.where(start), {
			hint: `known: ${[...Object.keys(INTS), ...structs.keys()].join(", ")}; .struct NAME { u32 a, u64 b } defines one`,
		});
	return readCounts(tokens, start, type);
}

/** `[N][M]` behind a type. */
function readCounts(tokens: Tokens, start: ReturnType<Tokens["peek"]>, element: ValueType): ValueType {
	const counts: number[] = [];
	while (tokens.take("[")) {
		counts.push(Number(tokens.number("a count", 0n, BigInt(MAX_SIZE))));
		tokens.expect("]");
	}
	let type = element;
	for (const count of counts.reverse()) {
		type = { kind: "array", of: type, count };
		if (sizeOfType(type) > MAX_SIZE)
			throw new TailhopError("asm/range", `a type of ${sizeOfType(type)} bytes`, tokens.where(start));
	}
	return type;
}

/** The members behind `{`, up to and with `}`. */
export function readStruct(tokens: Tokens, name: string, structs: ReadonlyMap<string, ValueType>): ValueType {
	const members: Member[] = [];
	let end = 0;
	while (!tokens.take("}")) {
		if (members.length > 0) {
			tokens.expect(",");
			if (tokens.take("}")) break;
		}
		const start = tokens.peek();
		const base = readType(tokens, structs);
		const member = tokens.name("a member's name");
		if (members.some((other) => other.name === member))
			throw new TailhopError("asm/symbol", `two members named ${member}`, tokens.where(start));
		const type = readCounts(tokens, start, base);
		const offset = roundUp(end, alignOfType(type));
		end = offset + sizeOfType(type);
		if (end > MAX_SIZE) throw new TailhopError("asm/range", `a struct of ${end} bytes`, tokens.where(start));
		members.push({ name: member, type, offset });
	}
	return { kind: "struct", name, members };
}
