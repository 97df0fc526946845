import { TailhopError } from "../errors/index.ts";

export type TokenKind = "name" | "number" | "string" | "punct";

export interface Token {
	readonly kind: TokenKind;
	/** As written; of a string, its contents. */
	readonly text: string;
	/** From 1. */
	readonly column: number;
}

/** One statement: the tokens between line ends and `;`. */
export interface Statement {
	/** From 1. */
	readonly line: number;
	readonly tokens: readonly Token[];
	/** Column after the last token, for "something is missing" errors. */
	readonly end: number;
}

/** A character for a message: what a terminal would not show by its number. */
function shown(point: number): string {
	const control = point < 0x20 || (point >= 0x7f && point < 0xa0) || point === 0xfffd;
	return control
		? `U+${point.toString(16).toUpperCase().padStart(4, "0")}`
		: JSON.stringify(String.fromCodePoint(point));
}

/** Longest first. */
const PUNCTUATION = [
	">>=",
	"<<=",
	"+=",
	"-=",
	"*=",
	"/=",
	"%=",
	"|=",
	"&=",
	"^=",
	"==",
	"!=",
	"<=",
	">=",
	"=",
	"<",
	">",
	"&",
	"+",
	"-",
	"*",
	"/",
	"%",
	"|",
	"^",
	"(",
	")",
	"[",
	"]",
	",",
	":",
	"@",
	"{",
	"}",
];

const NAME = /[A-Za-z_.$][\w.$]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)[A-Za-z_]*/y;
const BLANK = /[ \t\r\f\v]+/y;

/**
 * Splits assembly text into statements, as LLVM's BPF assembler does: a line end or `;` ends one; `#` and `//`
 * start a comment to the line's end, `/*` one that ends by itself. A `;` that is the first thing of a line starts
 * a comment too: that is how llvm-objdump prints source lines.
 * Throws asm/syntax.
 */
export function lex(text: string): Statement[] {
	const statements: Statement[] = [];
	let tokens: Token[] = [];
	let at = 0;
	let line = 1;
	let lineStart = 0;
	let first = true; // nothing but blanks since the line began
	const fail = (message: string, hint?: string): never => {
		throw new TailhopError(
			"asm/syntax",
			message,
			{ line, column: at - lineStart + 1 },
			hint === undefined ? {} : { hint },
		);
	};
	const flush = () => {
		if (tokens.length > 0) statements.push({ line, tokens, end: at - lineStart + 1 });
		tokens = [];
	};
	const take = (pattern: RegExp): string | undefined => {
		pattern.lastIndex = at;
		return pattern.exec(text)?.[0];
	};
	const skipLine = () => {
		const end = text.indexOf("\n", at);
		at = end < 0 ? text.length : end;
	};

	while (at < text.length) {
		const char = text[at]!;
		if (char === "\n") {
			flush();
			at++;
			line++;
			lineStart = at;
			first = true;
			continue;
		}
		const blank = take(BLANK);
		if (blank !== undefined) {
			at += blank.length;
			continue;
		}
		if (char === ";") {
			flush();
			if (first) skipLine();
			else at++;
			continue;
		}
		first = false;
		if (char === "#" || text.startsWith("//", at)) {
			flush();
			skipLine();
			continue;
		}
		if (text.startsWith("/*", at)) {
			const end = text.indexOf("*/", at + 2);
			if (end < 0) fail("this comment does not end", "end it with */");
			for (let i = text.indexOf("\n", at); i >= 0 && i < end; i = text.indexOf("\n", i + 1)) {
				flush();
				line++;
				lineStart = i + 1;
			}
			at = end + 2;
			continue;
		}
		const column = at - lineStart + 1;
		if (char === '"') {
			const { value, length } = readString(text, at, fail);
			tokens.push({ kind: "string", text: value, column });
			at += length;
			continue;
		}
		const name = take(NAME);
		if (name !== undefined) {
			tokens.push({ kind: "name", text: name, column });
			at += name.length;
			continue;
		}
		const number = take(NUMBER);
		if (number !== undefined) {
			tokens.push({ kind: "number", text: number, column });
			at += number.length;
			continue;
		}
		const punct = PUNCTUATION.find((p) => text.startsWith(p, at));
		if (punct === undefined) fail(`unexpected character ${shown(text.codePointAt(at)!)}`);
		tokens.push({ kind: "punct", text: punct!, column });
		at += punct!.length;
	}
	flush();
	return statements;
}

const ESCAPES: Readonly<Record<string, string>> = {
	n: "\n",
	t: "\t",
	r: "\r",
	0: "\0",
	'"': '"',
	"\\": "\\",
};

function readString(
	text: string,
	start: number,
	fail: (message: string) => never,
): { value: string; length: number } {
	let value = "";
	for (let i = start + 1; i < text.length; i++) {
		const char = text[i]!;
		if (char === '"') return { value, length: i + 1 - start };
		if (char === "\n") break;
		if (char !== "\\") {
			value += char;
			continue;
		}
		const escaped = text[++i] ?? "";
		if (escaped === "x" && /^[0-9a-fA-F]{2}$/.test(text.slice(i + 1, i + 3))) {
			value += String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 3), 16));
			i += 2;
		} else if (escaped in ESCAPES) value += ESCAPES[escaped];
		else fail(`unknown escape \\${escaped} in a string`);
	}
	return fail("this string does not end on its line");
}

/** The value of a number token (decimal, 0x, 0b, and octal with a leading 0 as in C); undefined if it is none. */
export function numberValue(token: Token): bigint | undefined {
	if (token.kind !== "number") return undefined;
	if (!/^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/.test(token.text)) return undefined;
	// BigInt's own parser is quadratic in the length; no field takes more than 64 bits
	if (token.text.length > 70) return 1n << 64n;
	return BigInt(token.text.replace(/^0(?=[0-7])/, "0o"));
}

/** The labels before a statement's instruction or directive (`name:`, `1:`), and the rest. */
export function splitLabels(statement: Statement): {
	readonly labels: readonly Token[];
	readonly rest: Statement;
} {
	const { tokens } = statement;
	const labels: Token[] = [];
	let at = 0;
	while (tokens[at + 1]?.text === ":" && (tokens[at]!.kind === "name" || /^\d+$/.test(tokens[at]!.text))) {
		labels.push(tokens[at]!);
		at += 2;
	}
	return { labels, rest: at === 0 ? statement : { ...statement, tokens: tokens.slice(at) } };
}
