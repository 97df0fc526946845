import { TailhopError } from "../errors/index.ts";
import type { Token } from "./lexer.ts";
import type { Tokens } from "./tokens.ts";

/** A type of keys, values and variables, as an assembly file writes it. `size` and `align` are in bytes, as in C. */
export type ValueType = {
	readonly size: number;
	readonly align: number;
	/** Types inside one another: at most MAX_DEPTH, so that walking one needs little stack. */
	readonly depth: number;
} & (
	| { readonly kind: "int"; readonly name: IntName }
	| { readonly kind: "array"; readonly of: ValueType; readonly count: number }
	| { readonly kind: "struct"; readonly name: string; readonly members: readonly Member[] }
);

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
const MAX_DEPTH = 16;

export function int(name: IntName): ValueType {
	const { size } = INTS[name];
	return { kind: "int", name, size, align: size, depth: 0 };
}

export function array(of: ValueType, count: number): ValueType {
	return { kind: "array", of, count, size: of.size * count, align: of.align, depth: of.depth + 1 };
}

function struct(name: string, members: readonly Member[]): ValueType {
	const last = members.at(-1);
	const align = members.reduce((most, member) => Math.max(most, member.type.align), 1);
	return {
		kind: "struct",
		name,
		members,
		size: last === undefined ? 0 : roundUp(last.offset + last.type.size, align),
		align,
		depth: 1 + members.reduce((most, member) => Math.max(most, member.type.depth), 0),
	};
}

/** Refuses types that nobody means: too large, or too deep. */
function checked(type: ValueType, tokens: Tokens, at: Token | undefined): ValueType {
	if (type.size > MAX_SIZE)
		throw new TailhopError("asm/range", `a type of ${type.size} bytes`, tokens.where(at));
	if (type.depth > MAX_DEPTH)
		throw new TailhopError("asm/range", `types nested more than ${MAX_DEPTH} deep`, tokens.where(at));
	return type;
}

export function roundUp(value: number, to: number): number {
	return Math.ceil(value / to) * to;
}

/** `u32`, `char[16]`, `flow` (a `.struct`), `{ u32 src, u32 dst }`, each with `[N]` behind it. */
export function readType(tokens: Tokens, structs: ReadonlyMap<string, ValueType>, depth = 0): ValueType {
	const start = tokens.peek();
	if (tokens.take("{")) return readCounts(tokens, start, readStruct(tokens, "", structs, depth + 1));
	const name = tokens.name("a type");
	const type = isInt(name) ? int(name) : structs.get(name);
	if (type === undefined)
		throw new TailhopError("asm/symbol", `unknown type ${name}`, tokens.where(start), {
			hint: `known: ${[...Object.keys(INTS), ...structs.keys()].join(", ")}; .struct NAME { u32 a, u64 b } defines one`,
		});
	return readCounts(tokens, start, type);
}

/** `[N][M]` behind a type. */
function readCounts(tokens: Tokens, start: Token | undefined, element: ValueType): ValueType {
	const counts: number[] = [];
	while (tokens.take("[")) {
		counts.push(Number(tokens.number("a count", 0n, BigInt(MAX_SIZE))));
		tokens.expect("]");
	}
	return counts.reduceRight((type, count) => checked(array(type, count), tokens, start), element);
}

/** The members behind `{`, up to and with `}`. */
export function readStruct(
	tokens: Tokens,
	name: string,
	structs: ReadonlyMap<string, ValueType>,
	depth = 0,
): ValueType {
	if (depth > MAX_DEPTH)
		throw new TailhopError("asm/range", `types nested more than ${MAX_DEPTH} deep`, tokens.where());
	const members = new Map<string, Member>();
	let end = 0;
	while (!tokens.take("}")) {
		if (members.size > 0) {
			tokens.expect(",");
			if (tokens.take("}")) break;
		}
		const start = tokens.peek();
		const base = readType(tokens, structs, depth);
		const member = tokens.name("a member's name");
		if (members.has(member))
			throw new TailhopError("asm/symbol", `two members named ${member}`, tokens.where(start));
		const type = readCounts(tokens, start, base);
		const offset = roundUp(end, type.align);
		end = offset + type.size;
		if (end > MAX_SIZE) throw new TailhopError("asm/range", `a struct of ${end} bytes`, tokens.where(start));
		members.set(member, { name: member, type, offset });
	}
	return checked(struct(name, [...members.values()]), tokens, tokens.peek());
}
