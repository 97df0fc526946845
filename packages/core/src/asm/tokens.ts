import { TailhopError } from "../errors/index.ts";
import { numberValue, type Statement, type Token } from "./lexer.ts";

/** A directive's operands, read from left to right. Every failure is asm/syntax or asm/range at its token. */
export class Tokens {
	readonly statement: Statement;
	#at: number;

	constructor(statement: Statement, start = 0) {
		this.statement = statement;
		this.#at = start;
	}

	get done(): boolean {
		return this.#at >= this.statement.tokens.length;
	}

	peek(ahead = 0): Token | undefined {
		return this.statement.tokens[this.#at + ahead];
	}

	next(): Token | undefined {
		return this.statement.tokens[this.#at++];
	}

	where(token = this.peek()): { line: number; column: number } {
		return { line: this.statement.line, column: token?.column ?? this.statement.end };
	}

	fail(expected: string, hint?: string): never {
		const token = this.peek();
		const found = token === undefined ? "the line ends" : `found ${JSON.stringify(token.text)}`;
		throw new TailhopError(
			"asm/syntax",
			`expected ${expected}, ${found}`,
			this.where(),
			hint === undefined ? {} : { hint },
		);
	}

	take(text: string): boolean {
		const token = this.peek();
		if (token?.kind === "string" || token?.text !== text) return false;
		this.#at++;
		return true;
	}

	expect(text: string): void {
		if (!this.take(text)) this.fail(JSON.stringify(text));
	}

	name(what = "a name"): string {
		const token = this.peek();
		if (token?.kind !== "name") this.fail(what);
		this.#at++;
		return token.text;
	}

	/** A name, or text in quotes. */
	text(what: string): string {
		const token = this.peek();
		if (token?.kind !== "name" && token?.kind !== "string") this.fail(what);
		this.#at++;
		return token.text;
	}

	/** A number with an optional minus. */
	number(what: string, min: bigint, max: bigint): bigint {
		const start = this.peek();
		const sign = this.take("-") ? -1n : 1n;
		const token = this.peek();
		const value = token === undefined ? undefined : numberValue(token);
		if (value === undefined) this.fail(what);
		this.#at++;
		const signed = sign * value;
		if (signed < min || signed > max)
			throw new TailhopError(
				"asm/range",
				`${signed} does not fit ${what}: ${min} to ${max}`,
				this.where(start),
			);
		return signed;
	}

	u32(what: string): number {
		return Number(this.number(what, 0n, 0xffff_ffffn));
	}

	end(): void {
		if (!this.done) this.fail("the end of the line");
	}
}
