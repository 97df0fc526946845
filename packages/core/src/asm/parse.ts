import { TailhopError } from "../errors/index.ts";
import { helperId, type Op, TABLE } from "../isa/index.ts";
import { numberValue, type Statement, type Token } from "./lexer.ts";
import { type Part, type PartName, TEMPLATES } from "./template.ts";

/** A name in an operand, whose value only the whole text knows. */
export interface Reference {
	/**
	 * "jump" fills off, "jump32" and "call" imm, all relative to the next slot. "address" is a lddw of a map or a
	 * function, "value" one of a map's value (or a variable) plus `offset`: both also decide src.
	 */
	readonly kind: "jump" | "jump32" | "call" | "address" | "value";
	readonly name: string;
	/** "value" only: bytes from the start of what is named. */
	readonly offset: number;
	/** `NAME[0]+N` rather than `NAME + N`: a map's value, not a variable. */
	readonly element: boolean;
	readonly column: number;
}

/** A parsed instruction; `fields` are complete but for what `reference` will fill. */
export interface ParsedInsn {
	readonly op: Op;
	readonly fields: { dst: number; src: number; off: number; imm: number };
	readonly operand: "k" | "x" | undefined;
	/** imm of the second slot of a lddw. */
	readonly high: number;
	readonly reference?: Reference;
}

const S32_MIN = -(1n << 31n);
const U32_MAX = (1n << 32n) - 1n;
const S64_MIN = -(1n << 63n);
const U64_MAX = (1n << 64n) - 1n;

/** Why a template did not match: the token reached, and what should have stood there. No Error: most are dropped. */
class Mismatch {
	readonly at: number;
	readonly message: string;
	readonly code: "asm/syntax" | "asm/range";
	constructor(at: number, message: string, code: "asm/syntax" | "asm/range" = "asm/syntax") {
		this.at = at;
		this.message = message;
		this.code = code;
	}
}

/** Reads one instruction. Throws asm/syntax or asm/range with line and column. */
export function parseInsn(statement: Statement): ParsedInsn {
	const { tokens } = statement;
	for (const { op, parts, prefix } of TEMPLATES) {
		if (!fits(prefix, tokens)) continue;
		const result = new Matcher(tokens).match(op, parts);
		if (!(result instanceof Mismatch)) return result;
	}
	// none: the templates that got farthest know what was expected
	let best: Mismatch[] = [];
	for (const { op, parts } of TEMPLATES) {
		const result = new Matcher(tokens).match(op, parts);
		if (!(result instanceof Mismatch)) continue;
		const reached = best[0]?.at ?? -1;
		if (result.at > reached) best = [result];
		else if (result.at === reached) best.push(result);
	}
	throw explain(statement, best);
}

function fits(prefix: readonly (string | undefined)[], tokens: readonly Token[]): boolean {
	for (let i = 0; i < prefix.length; i++) {
		const literal = prefix[i];
		if (literal !== undefined && literal !== tokens[i]?.text) return false;
	}
	return true;
}

function explain(statement: Statement, best: readonly Mismatch[]): TailhopError {
	const at = best[0]?.at ?? 0;
	const token = statement.tokens[at];
	const where = { line: statement.line, column: token?.column ?? statement.end };
	const range = best.find((mismatch) => mismatch.code === "asm/range");
	if (range !== undefined) return new TailhopError("asm/range", range.message, where);
	const found = token === undefined ? "the line ends" : `found ${JSON.stringify(token.text)}`;
	const expected = [...new Set(best.map((mismatch) => mismatch.message))];
	if (at === 0 || expected.length === 0)
		return new TailhopError(
			"asm/syntax",
			`no instruction starts with ${JSON.stringify(statement.tokens[0]!.text)}`,
			where,
			{
				hint: "instructions are written as llvm-objdump prints them: r0 = 2, if r1 > 5 goto label, call bpf_tail_call, exit",
			},
		);
	const list = expected.length > 6 ? "a different operand" : expected.join(" or ");
	return new TailhopError("asm/syntax", `expected ${list}, ${found}`, where);
}

/** Walks one template over one statement's tokens. */
class Matcher {
	readonly #tokens: readonly Token[];
	#at = 0;
	readonly #fields: { dst?: number; src?: number; off?: number; imm?: number } = {};
	#operand: "k" | "x" | undefined;
	#high = 0;
	#reference: Reference | undefined;

	constructor(tokens: readonly Token[]) {
		this.#tokens = tokens;
	}

	match(op: Op, parts: readonly Part[]): ParsedInsn | Mismatch {
		for (const part of parts) {
			const mismatch = part.kind === "literal" ? this.#literal(part.text) : OPERANDS[part.name](this);
			if (mismatch !== undefined) return mismatch;
		}
		// llvm-objdump writes a jump's target once more behind it: goto +3 <label>
		if (this.peek("<")) while (this.#at < this.#tokens.length && this.#tokens[this.#at++]!.text !== ">");
		if (this.#at < this.#tokens.length) return new Mismatch(this.#at, "the end of the line");
		const row = TABLE[op];
		const fields = { dst: 0, src: 0, off: 0, imm: 0, ...this.#fields };
		if ("select" in row) fields[row.select[0]] = row.select[1];
		return {
			op,
			fields,
			operand: this.#operand ?? (row.operand === "x" ? "x" : undefined),
			high: this.#high,
			...(this.#reference === undefined ? {} : { reference: this.#reference }),
		};
	}

	#literal(text: string): Mismatch | undefined {
		if (!this.peek(text)) return new Mismatch(this.#at, JSON.stringify(text));
		this.#at++;
		return undefined;
	}

	peek(text: string, ahead = 0): boolean {
		const token = this.#tokens[this.#at + ahead];
		return token !== undefined && token.kind !== "string" && token.text === text;
	}

	take(text: string): boolean {
		if (!this.peek(text)) return false;
		this.#at++;
		return true;
	}

	fail(expected: string, code: "asm/syntax" | "asm/range" = "asm/syntax", at = this.#at): Mismatch {
		return new Mismatch(at, expected, code);
	}

	set(field: "dst" | "src" | "off" | "imm", value: number, at: number): Mismatch | undefined {
		const before = this.#fields[field];
		if (before !== undefined && before !== value)
			return this.fail("the same register again", "asm/syntax", at);
		this.#fields[field] = value;
		return undefined;
	}

	/** A register by one of `letters` ("r", "w", "rw"). */
	register(field: "dst" | "src", letters: string): Mismatch | undefined {
		const token = this.#tokens[this.#at];
		const match = token?.kind === "name" ? /^([rw])(\d{1,2})$/i.exec(token.text) : null;
		if (match === null || !letters.includes(match[1]!.toLowerCase()))
			return this.fail(letters === "w" ? "a register w0-w10" : "a register r0-r10");
		const number = Number(match[2]);
		if (number > 10) return this.fail(`${token!.text} does not exist: registers are r0-r10`, "asm/range");
		return this.set(field, number, this.#at++);
	}

	setOperand(form: "k" | "x"): void {
		this.#operand = form;
	}

	/** A number with optional sign, within bounds; `wrap` bits make it signed. */
	number(min: bigint, max: bigint, what: string): bigint | Mismatch {
		const start = this.#at;
		let sign = 1n;
		while (this.peek("-") || this.peek("+")) if (this.#tokens[this.#at++]!.text === "-") sign = -sign;
		const token = this.#tokens[this.#at];
		const value = token === undefined ? undefined : numberValue(token);
		if (value === undefined) {
			const at = this.#at;
			this.#at = start;
			return this.fail(what, "asm/syntax", at);
		}
		this.#at++;
		const signed = sign * value;
		if (signed < min || signed > max)
			return this.fail(`${signed} does not fit ${what}: ${min} to ${max}`, "asm/range", start);
		return signed;
	}

	/** imm: anything of 32 bits, signed or unsigned, as LLVM takes it. */
	immediate(): Mismatch | undefined {
		const at = this.#at;
		const value = this.number(S32_MIN, U32_MAX, "a 32-bit number");
		return value instanceof Mismatch ? value : this.set("imm", Number(BigInt.asIntN(32, value)), at);
	}

	unsigned(what: string): number | Mismatch {
		const value = this.number(0n, U32_MAX, what);
		return value instanceof Mismatch ? value : Number(BigInt.asIntN(32, value));
	}

	setHigh(value: number): void {
		this.#high = value;
	}

	name(what: string): Token | Mismatch {
		const token = this.#tokens[this.#at];
		if (token?.kind !== "name") return this.fail(what);
		this.#at++;
		return token;
	}

	refer(kind: Reference["kind"], token: Token, offset = 0, element = false): void {
		this.#reference = { kind, name: token.text, offset, element, column: token.column };
	}

	/** "+N", "-N", or a name; the name becomes a reference of `kind`. */
	target(field: "off" | "imm", kind: Reference["kind"]): Mismatch | undefined {
		const token = this.#tokens[this.#at];
		if (token?.kind === "name" || (token?.kind === "number" && /^\d+[bf]$/.test(token.text))) {
			this.#at++;
			this.refer(kind, token);
			return undefined;
		}
		if (token?.kind === "number")
			return this.fail(field === "off" || kind === "jump32" ? "+N, -N or a label" : "+N, -N or a function");
		const at = this.#at;
		const [min, max] = field === "off" ? [-32768n, 32767n] : [S32_MIN, -S32_MIN - 1n];
		const value = this.number(
			min,
			max,
			field === "off" ? "a 16-bit jump (gotol reaches farther)" : "a 32-bit jump",
		);
		if (value instanceof Mismatch)
			return value.code === "asm/range" ? value : this.fail("+N, -N or a label", "asm/syntax", value.at);
		return this.set(field, Number(value), at);
	}

	/** `WORD(N)`: the raw form of a lddw that refers to something. */
	wordCall(word: string): number | Mismatch | undefined {
		if (!(this.peek(word) && this.peek("(", 1))) return undefined;
		this.#at += 2;
		const value = this.unsigned("a number");
		if (value instanceof Mismatch) return value;
		return this.#literal(")") ?? value;
	}

	/** `[0]+N` behind a map: its value's address; the N, or undefined when there is no `[`. */
	element(): number | Mismatch | undefined {
		if (!this.take("[")) return undefined;
		const zero = this.number(0n, 0n, "0");
		if (zero instanceof Mismatch) return zero;
		const close = this.#literal("]");
		if (close !== undefined) return close;
		if (!this.take("+")) return 0;
		return this.unsigned("a byte offset");
	}

	get position(): number {
		return this.#at;
	}
}

function map(matcher: Matcher, word: "map_fd" | "map_idx", value: boolean): Mismatch | undefined {
	const at = matcher.position;
	const raw = matcher.wordCall(word);
	if (raw instanceof Mismatch) return raw;
	let token: Token | undefined;
	if (raw === undefined) {
		const name = word === "map_idx" ? matcher.name("a map or function") : matcher.fail(`${word}(N)`);
		if (name instanceof Mismatch) return name;
		token = name;
	}
	let offset: number | Mismatch | undefined;
	let element = false;
	if (value) {
		offset = matcher.element();
		if (offset === undefined && token !== undefined && matcher.take("+"))
			offset = matcher.unsigned("a byte offset");
		else element = true;
		if (offset === undefined) return matcher.fail("[0]");
	}
	if (offset instanceof Mismatch) return offset;
	if (token !== undefined) {
		matcher.refer(value ? "value" : "address", token, offset ?? 0, element);
		return undefined;
	}
	if (offset !== undefined) matcher.setHigh(offset);
	return matcher.set("imm", raw!, at);
}

const OPERANDS: Readonly<Record<PartName, (matcher: Matcher) => Mismatch | undefined>> = {
	rd: (m) => m.register("dst", "r"),
	rs: (m) => m.register("src", "r"),
	wd: (m) => m.register("dst", "w"),
	ws: (m) => m.register("src", "w"),
	ld: (m) => m.register("dst", "rw"),
	ls: (m) => m.register("src", "rw"),
	vd: (m) => m.register("dst", "rw"),
	vs: (m) => m.register("src", "rw"),
	ro: (m) => operand(m, "r"),
	wo: (m) => operand(m, "w"),
	imm: (m) => m.immediate(),
	imm64(m) {
		const at = m.position;
		const value = m.number(S64_MIN, U64_MAX, "a 64-bit number");
		if (value instanceof Mismatch) return value;
		m.setHigh(Number(BigInt.asIntN(32, value >> 32n)));
		return m.set("imm", Number(BigInt.asIntN(32, value)), at);
	},
	off(m) {
		const at = m.position;
		if (!m.peek("+") && !m.peek("-")) return m.fail('"+" or "-" and an offset');
		const value = m.number(-32768n, 32767n, "a 16-bit offset");
		return value instanceof Mismatch ? value : m.set("off", Number(value), at);
	},
	disp(m) {
		return m.peek("+") || m.peek("-") ? m.immediate() : m.set("imm", 0, m.position);
	},
	as(m) {
		const at = m.position;
		const to = m.number(0n, 0xffffn, "an address space");
		if (to instanceof Mismatch) return to;
		if (!m.take(",")) return m.fail('","');
		const from = m.number(0n, 0xffffn, "an address space");
		return from instanceof Mismatch ? from : m.set("imm", (Number(to) << 16) | Number(from), at);
	},
	to: (m) => m.target("off", "jump"),
	to32: (m) => m.target("imm", "jump32"),
	helper(m) {
		const at = m.position;
		if (m.peek("+") || m.peek("-")) return m.fail("a helper");
		const id = m.unsigned("a helper");
		if (!(id instanceof Mismatch)) return m.set("imm", id, at);
		const name = m.name("a helper");
		if (name instanceof Mismatch) return name;
		const known = name.text.startsWith("bpf_") ? helperId(name.text) : undefined;
		return known === undefined ? m.fail("a helper", "asm/syntax", at) : m.set("imm", known, at);
	},
	local: (m) => m.target("imm", "call"),
	kfunc(m) {
		const at = m.position;
		if (!m.take("kfunc")) return m.fail("kfunc");
		const id = m.unsigned("a BTF id");
		if (id instanceof Mismatch) return id;
		if (m.take("@")) {
			const fd = m.number(-32768n, 32767n, "an index in fd_array");
			const mismatch = fd instanceof Mismatch ? fd : m.set("off", Number(fd), at);
			if (mismatch !== undefined) return mismatch;
		}
		return m.set("imm", id, at);
	},
	map_fd: (m) => map(m, "map_fd", false),
	map_value: (m) => map(m, "map_fd", true),
	map_idx: (m) => map(m, "map_idx", false),
	map_idx_value: (m) => map(m, "map_idx", true),
	btf_id(m) {
		const at = m.position;
		const id = m.wordCall("btf_id");
		if (id === undefined) return m.fail("btf_id(N)");
		if (id instanceof Mismatch) return id;
		if (m.take("@")) {
			const fd = m.unsigned("a BTF object's descriptor");
			if (fd instanceof Mismatch) return fd;
			m.setHigh(fd);
		}
		return m.set("imm", id, at);
	},
	func(m) {
		if (!m.take("subprog")) return m.fail("subprog[+N]");
		if (!m.take("[")) return m.fail('"["');
		const mismatch = m.target("imm", "call");
		if (mismatch !== undefined) return mismatch;
		return m.take("]") ? undefined : m.fail('"]"');
	},
};

function operand(m: Matcher, letter: "r" | "w"): Mismatch | undefined {
	const register = m.register("src", letter);
	if (register === undefined) {
		m.setOperand("x");
		return undefined;
	}
	if (register.code === "asm/range") return register;
	m.setOperand("k");
	const immediate = m.immediate();
	return immediate?.code === "asm/syntax"
		? m.fail(`${register.message} or a number`, "asm/syntax", immediate.at)
		: immediate;
}
