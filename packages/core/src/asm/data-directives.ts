import { TailhopError } from "../errors/index.ts";
import type { AssemblyData, AssemblyVariable, Binding } from "./assembly-file.ts";
import type { Token } from "./lexer.ts";
import type { Tokens } from "./tokens.ts";
import { array, type IntName, int, readType, roundUp, type ValueType } from "./value-types.ts";

/** Bytes per number, as GNU as has them for a 64-bit target. */
const NUMBERS: Readonly<Record<string, number>> = {
	".byte": 1,
	".2byte": 2,
	".short": 2,
	".half": 2,
	".4byte": 4,
	".long": 4,
	".int": 4,
	".word": 4,
	".8byte": 8,
	".quad": 8,
};
const TEXTS: Readonly<Record<string, boolean>> = { ".ascii": false, ".asciz": true, ".string": true };
const ZEROS: readonly string[] = [".zero", ".space", ".skip"];
const ALIGN: readonly string[] = [".align", ".balign", ".p2align"];

const UNSIGNED: Readonly<Record<number, IntName>> = { 1: "u8", 2: "u16", 4: "u32", 8: "u64" };

/** The largest section without contents. */
const MAX_BSS = 0x1000_0000;

export function isDataDirective(text: string): boolean {
	return (
		Object.hasOwn(NUMBERS, text) ||
		Object.hasOwn(TEXTS, text) ||
		ZEROS.includes(text) ||
		ALIGN.includes(text) ||
		text === ".var"
	);
}

interface Draft {
	readonly name: string;
	readonly offset: number;
	readonly line: number;
	readonly column: number;
	/** Of `.var`; else it follows from what was written. */
	readonly type?: ValueType;
	/** What numbers and texts were written, while they are all of one kind. */
	element?: IntName | "mixed";
}

/** Collects one data section. A label starts a variable that ends where the next one starts. */
export class DataBuilder {
	readonly #zero: boolean;
	readonly #structs: ReadonlyMap<string, ValueType>;
	/** Shared by the sections of a file. */
	readonly #left: { bytes: number };
	readonly #chunks: Uint8Array[] = [];
	/** Bytes so far; in `.bss`, without contents. */
	#size = 0;
	#align = 1;
	readonly #variables: Draft[] = [];

	constructor(zero: boolean, structs: ReadonlyMap<string, ValueType>, left: { bytes: number }) {
		this.#left = left;
		this.#zero = zero;
		this.#structs = structs;
	}

	label(token: Token, line: number, type?: ValueType): void {
		this.#variables.push({
			name: token.text,
			offset: this.#size,
			line,
			column: token.column,
			...(type === undefined ? {} : { type }),
		});
	}

	/** Reads the operands of `.quad` and the like. */
	directive(tokens: Tokens, name: string): void {
		if (ALIGN.includes(name)) {
			const value = tokens.number("an alignment", 0n, 4096n);
			tokens.end();
			const align = name === ".p2align" ? 2 ** Number(value) : Number(value);
			if (align > 4096 || !Number.isInteger(Math.log2(Math.max(align, 1))))
				throw new TailhopError("asm/range", `an alignment of ${align}`, tokens.where(), {
					hint: "a power of 2, at most 4096",
				});
			this.#align = Math.max(this.#align, align);
			this.#push(roundUp(this.#size, Math.max(align, 1)) - this.#size, 0n, tokens);
		} else if (name === ".var") {
			const type = readType(tokens, this.#structs);
			const values = tokens.done ? [] : this.#list(tokens);
			this.#variable(tokens, type, values);
		} else if (ZEROS.includes(name)) {
			const size = Number(tokens.number("a number of bytes", 0n, BigInt(MAX_BSS)));
			tokens.end();
			this.#kind("u8");
			this.#push(size, 0n, tokens);
		} else if (Object.hasOwn(TEXTS, name)) {
			do {
				const text = tokens.peek();
				if (text?.kind !== "string") tokens.fail("text in quotes");
				tokens.next();
				const bytes = new TextEncoder().encode(text.text + (TEXTS[name] ? "\0" : ""));
				this.#kind("char");
				for (const byte of bytes) this.#push(1, BigInt(byte), tokens);
			} while (tokens.take(","));
			tokens.end();
		} else {
			const width = NUMBERS[name]!;
			const bits = BigInt(width * 8);
			do {
				const value = tokens.number(`${width} bytes`, -(1n << (bits - 1n)), (1n << bits) - 1n);
				this.#kind(UNSIGNED[width]!);
				this.#push(width, value, tokens);
			} while (tokens.take(","));
			tokens.end();
		}
	}

	/** `.var TYPE [= N]`: one variable of a type, zero or one number. */
	#variable(tokens: Tokens, type: ValueType, values: readonly bigint[]): void {
		const { size } = type;
		const last = this.#variables.at(-1);
		if (last === undefined || last.offset !== this.#size || last.type !== undefined)
			throw new TailhopError(
				"asm/syntax",
				".var gives the variable before it a type, and there is none",
				tokens.where(),
			);
		if (values.length > 1 || (values.length === 1 && type.kind !== "int"))
			throw new TailhopError(
				"asm/syntax",
				".var takes at most one number, for a number's type",
				tokens.where(),
			);
		this.#align = Math.max(this.#align, type.align);
		this.#push(roundUp(this.#size, type.align) - this.#size, 0n, tokens);
		this.#variables[this.#variables.length - 1] = { ...last, type, offset: this.#size };
		this.#push(size, values[0] ?? 0n, tokens);
	}

	#list(tokens: Tokens): bigint[] {
		tokens.expect("=");
		const value = tokens.number("a number", -(1n << 63n), (1n << 64n) - 1n);
		tokens.end();
		return [value];
	}

	#kind(element: IntName): void {
		const variable = this.#variables.at(-1);
		if (variable !== undefined)
			variable.element = variable.element === undefined || variable.element === element ? element : "mixed";
	}

	/** Appends `size` bytes of a number, little-endian. */
	#push(size: number, value: bigint, tokens: Tokens): void {
		if (this.#zero ? this.#size + size > MAX_BSS : size > this.#left.bytes)
			throw new TailhopError("asm/range", "the file has too much data", tokens.where());
		if (!this.#zero) this.#left.bytes -= size;
		if (this.#zero && value !== 0n)
			throw new TailhopError("asm/syntax", "a value that is not 0 in .bss", tokens.where(), {
				hint: "put it into .data",
			});
		if (!this.#zero) {
			const bytes = new Uint8Array(size);
			for (let i = 0; i < Math.min(size, 8); i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
			this.#chunks.push(bytes);
		}
		this.#size += size;
	}

	#contents(): Uint8Array {
		const bytes = new Uint8Array(this.#size);
		let at = 0;
		for (const chunk of this.#chunks) {
			bytes.set(chunk, at);
			at += chunk.length;
		}
		return bytes;
	}

	finish(section: string, binding: (name: string) => Binding): AssemblyData {
		const variables = this.#variables.map((draft, i): AssemblyVariable => {
			const size = (this.#variables[i + 1]?.offset ?? this.#size) - draft.offset;
			if (size === 0)
				throw new TailhopError(
					"asm/syntax",
					`variable ${draft.name} has no data`,
					{ line: draft.line, column: draft.column },
					{
						hint: "write .quad 0, .zero 16 or the like behind it",
					},
				);
			const { name, offset } = draft;
			return {
				name,
				binding: binding(name),
				offset,
				size: draft.type?.size ?? size,
				type: draft.type ?? typeOf(draft, size),
			};
		});
		return {
			section,
			size: this.#size,
			...(this.#zero ? {} : { bytes: this.#contents() }),
			align: Math.max(this.#align, 8),
			variables,
		};
	}
}

/** A number, an array of one kind of numbers, or bytes. */
function typeOf({ element }: Draft, size: number): ValueType {
	const of = int(element === undefined || element === "mixed" ? "u8" : element);
	const count = size / of.size;
	if (!Number.isInteger(count)) return array(int("u8"), size);
	return count === 1 ? of : array(of, count);
}
