/** The notation of values on command lines, before types give it a meaning. */
import { TailhopError } from "../errors/index.ts";

/** `5`, `0x10`, `-1`, `UP`, `true` | `"text"` | `hex:0a0b` | `[1, 2, ...]` | `{a: 1, b.c: 2, d[3]: 4}`. */
export type Notation =
	| { readonly kind: "word"; readonly text: string; readonly at: number }
	| { readonly kind: "string"; readonly text: string; readonly at: number }
	| { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly at: number }
	| { readonly kind: "list"; readonly items: readonly Notation[]; readonly at: number }
	| { readonly kind: "fields"; readonly fields: readonly Field[]; readonly at: number };

export interface Field {
	/** Names and indexes from the outside in: `a.b[2]` is ["a", "b", 2]. */
	readonly path: readonly (string | number)[];
	readonly value: Notation;
	readonly at: number;
}

const MAX_NESTING = 64;

/** Throws `btf/value` with `where.column`. */
export function parseNotation(text: string): Notation {
	const parser = new Parser(text);
	const value = parser.value(0);
	parser.end();
	return value;
}

class Parser {
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	#fail(message: string): never {
		throw new TailhopError(
			"btf/value",
			message,
			{ column: this.#at + 1 },
			{
				hint: 'Write 5, 0x10, -1, NAME, "text", hex:0a0b, [1, 2] or {field: 1, other.field: 2}.',
			},
		);
	}

	/** Matches at the present position and moves past it. */
	#take(pattern: RegExp): RegExpExecArray | undefined {
		pattern.lastIndex = this.#at;
		const match = pattern.exec(this.#text);
		if (match === null) return undefined;
		this.#at = pattern.lastIndex;
		return match;
	}

	#space(): void {
		this.#take(/\s*/y);
	}

	#is(char: string): boolean {
		this.#space();
		if (this.#text[this.#at] !== char) return false;
		this.#at++;
		return true;
	}

	end(): void {
		this.#space();
		if (this.#at < this.#text.length) this.#fail(`unexpected "${this.#text.slice(this.#at, this.#at + 20)}"`);
	}

	value(nesting: number): Notation {
		if (nesting > MAX_NESTING) this.#fail(`nested deeper than ${MAX_NESTING}`);
		this.#space();
		const at = this.#at;
		if (this.#is("{")) return { kind: "fields", fields: this.#fields(nesting), at };
		if (this.#is("[")) return { kind: "list", items: this.#list(nesting), at };
		if (this.#text[at] === '"') return { kind: "string", text: this.#string(), at };
		const hex = this.#take(/hex:([0-9a-fA-F]*)/y);
		if (hex !== undefined) return { kind: "bytes", bytes: this.#bytes(hex[1]!), at };
		const word = this.#take(/[\w+\-.]+/y);
		if (word === undefined)
			this.#fail(at >= this.#text.length ? "a value is missing" : `unexpected "${this.#text[at]}"`);
		return { kind: "word", text: word![0], at };
	}

	#fields(nesting: number): Field[] {
		const fields: Field[] = [];
		while (!this.#is("}")) {
			if (fields.length > 0 && !this.#is(",")) this.#fail('"," or "}" is missing');
			if (this.#is("}")) break;
			this.#space();
			const at = this.#at;
			const path = this.#path();
			if (!this.#is(":") && !this.#is("=")) this.#fail('":" is missing after the field');
			fields.push({ path, value: this.value(nesting + 1), at });
		}
		return fields;
	}

	#path(): (string | number)[] {
		const first = this.#take(/\.?([A-Za-z_]\w*)/y);
		if (first === undefined) this.#fail("the name of a field is missing");
		const path: (string | number)[] = [first![1]!];
		for (;;) {
			const step = this.#take(/\.([A-Za-z_]\w*)|\[(\d{1,10})\]/y);
			if (step === undefined) return path;
			path.push(step[1] ?? Number(step[2]));
		}
	}

	#list(nesting: number): Notation[] {
		const items: Notation[] = [];
		while (!this.#is("]")) {
			if (items.length > 0 && !this.#is(",")) this.#fail('"," or "]" is missing');
			this.#space();
			// "..." is what formatText writes for zeros up to the end
			if (this.#take(/\.\.\.\s*(?=\])/y) !== undefined || this.#text[this.#at] === "]") continue;
			items.push(this.value(nesting + 1));
		}
		return items;
	}

	#string(): string {
		const match = this.#take(/"(?:[^"\\]|\\.)*"/y);
		if (match === undefined) this.#fail('the closing " is missing');
		try {
			return JSON.parse(match![0]) as string;
		} catch {
			return this.#fail("an escape that JSON does not know");
		}
	}

	#bytes(digits: string): Uint8Array {
		if (digits.length % 2 !== 0) this.#fail("an odd number of hex digits");
		return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
			Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
		);
	}
}
