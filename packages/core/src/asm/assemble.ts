import { locate, TailhopError } from "../errors/index.ts";
import { type Insn, make, type Op, TABLE } from "../isa/index.ts";
import { lex, numberValue, type Statement, splitLabels, type Token } from "./lexer.ts";
import { type ParsedInsn, parseInsn, type Reference } from "./parse.ts";

export interface AssembleOptions {
	/** Names that `r1 = NAME ll` and `r1 = NAME[0]+8 ll` may use; the index becomes imm (src 5 and 6). */
	readonly maps?: readonly string[];
	/** File name for errors. */
	readonly file?: string;
}

/** Where an instruction was written. Line and column count from 1. */
export interface AssembledLine {
	readonly insn: number;
	readonly line: number;
	readonly column: number;
}

export interface Assembled {
	readonly insns: Insn[];
	/** Slot index by label, in order of definition. Numeric labels (1:) are not here. */
	readonly labels: ReadonlyMap<string, number>;
	/** One for each instruction, sorted. */
	readonly lines: readonly AssembledLine[];
}

/** An instruction in its place, before names are resolved. */
export interface PlacedInsn {
	readonly parsed: ParsedInsn;
	/** Index of its first slot. */
	readonly insn: number;
	readonly line: number;
	readonly column: number;
}

/**
 * Assembles a snippet in LLVM's BPF syntax (`llvm-objdump -d` prints it): one program's instructions, with labels
 * (`name:`, and `1:` reached as `1b` or `1f`), `.8byte N` for a raw slot. A call of a label is a local call;
 * `r1 = NAME ll` of a label is a function pointer. Throws asm/syntax, asm/range, asm/symbol.
 */
export function assemble(text: string, options: AssembleOptions = {}): Assembled {
	const where = options.file === undefined ? {} : { file: options.file };
	try {
		const body = new Body();
		for (const statement of lex(text)) body.add(statement);
		const { labels } = body;
		const maps = new Map((options.maps ?? []).map((name, index) => [name, index]));
		for (const [name] of labels)
			if (maps.has(name))
				throw new TailhopError("asm/symbol", `${name} is both a label and a map`, body.whereOf(name));
		const insns = body.encode((reference, placed) => {
			const map = maps.get(reference.name);
			if (reference.kind === "value" || (reference.kind === "address" && map !== undefined)) {
				if (map === undefined || !(reference.element || reference.kind === "address"))
					throw unknown(reference, placed, "map", [...maps.keys()]);
				return reference.kind === "value"
					? { op: "lddw_map_idx_value", imm: map, high: reference.offset }
					: { op: "lddw_map_idx", imm: map };
			}
			const target = body.find(reference, placed);
			if (target === undefined)
				throw unknown(reference, placed, reference.kind === "address" ? "map or label" : "label", [
					...labels.keys(),
					...(reference.kind === "address" ? maps.keys() : []),
				]);
			return relative(reference, placed, target);
		});
		return { insns, labels, lines: body.lines() };
	} catch (error) {
		throw locate(error, where);
	}
}

/** What a resolved reference sets. */
export interface Resolution {
	readonly op?: Op;
	readonly src?: number;
	readonly off?: number;
	readonly imm?: number;
	readonly high?: number;
}

/** The fields of a jump, call or function pointer to a slot. Throws asm/range. */
export function relative(reference: Reference, placed: PlacedInsn, target: number): Resolution {
	const distance = target - placed.insn - 1;
	if (reference.kind === "jump") {
		if (distance < -32768 || distance > 32767)
			throw new TailhopError(
				"asm/range",
				`${reference.name} is ${distance} slots away, more than 16 bits hold`,
				{ line: placed.line, column: reference.column },
				{ hint: "jump with gotol" },
			);
		return { off: distance };
	}
	return reference.kind === "address" ? { op: "lddw_func", imm: distance } : { imm: distance };
}

/** The error for a name that nothing defines. */
export function unknown(
	reference: Reference,
	placed: PlacedInsn,
	what: string,
	candidates: readonly string[],
): TailhopError {
	const some = candidates.slice(0, 8).join(", ") + (candidates.length > 8 ? ", …" : "");
	return new TailhopError(
		"asm/symbol",
		`unknown ${what} ${reference.name}`,
		{ line: placed.line, column: reference.column },
		{ hint: some === "" ? `no ${what} is defined here` : `known: ${some}` },
	);
}

/** Instructions and labels of one body of code, collected statement by statement. */
export class Body {
	readonly #insns: (PlacedInsn | { raw: Insn; insn: number; line: number; column: number })[] = [];
	readonly labels = new Map<string, number>();
	readonly #labelLines = new Map<string, { line: number; column: number }>();
	/** Positions of numeric labels by number, ascending. */
	readonly #numeric = new Map<string, number[]>();
	/** Slots so far. */
	length = 0;

	/** Takes labels, an instruction or `.8byte`. */
	add(statement: Statement): void {
		const { labels, rest } = splitLabels(statement);
		for (const label of labels) this.label(label.text, statement.line, label.column);
		const { tokens } = rest;
		const first = tokens[0];
		if (first === undefined) return;
		const { line } = statement;
		const { column } = first;
		if (first.text === ".8byte" || first.text === ".quad") {
			for (const value of rawValues(tokens, line))
				this.#insns.push({ raw: rawInsn(value), insn: this.length++, line, column });
			return;
		}
		const parsed = parseInsn(rest);
		this.#insns.push({ parsed, insn: this.length, line, column });
		this.length += TABLE[parsed.op].family === "lddw" ? 2 : 1;
	}

	label(name: string, line: number, column: number): void {
		if (/^\d+$/.test(name)) {
			const positions = this.#numeric.get(name);
			if (positions === undefined) this.#numeric.set(name, [this.length]);
			else positions.push(this.length);
			return;
		}
		const before = this.#labelLines.get(name);
		if (before !== undefined)
			throw new TailhopError(
				"asm/symbol",
				`label ${name} is defined twice`,
				{ line, column },
				{
					hint: `first in line ${before.line}`,
				},
			);
		this.labels.set(name, this.length);
		this.#labelLines.set(name, { line, column });
	}

	whereOf(label: string): { line: number; column: number } | undefined {
		return this.#labelLines.get(label);
	}

	/** The slot that a name means at a place: a label, or `1b`/`1f`. */
	find(reference: Reference, placed: PlacedInsn): number | undefined {
		const match = /^(\d+)([bf])$/.exec(reference.name);
		if (match === null) return this.labels.get(reference.name);
		const positions = this.#numeric.get(match[1]!) ?? [];
		// binary search: how many stand at or before the instruction
		let low = 0;
		let high = positions.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (positions[middle]! <= placed.insn) low = middle + 1;
			else high = middle;
		}
		return positions[match[2] === "f" ? low : low - 1];
	}

	lines(): AssembledLine[] {
		return this.#insns.map(({ insn, line, column }) => ({ insn, line, column }));
	}

	/** Builds the slots; `resolve` answers each reference. */
	encode(resolve: (reference: Reference, placed: PlacedInsn) => Resolution): Insn[] {
		const insns: Insn[] = [];
		for (const placed of this.#insns) {
			if ("raw" in placed) {
				insns.push(placed.raw);
				continue;
			}
			const { parsed } = placed;
			const {
				op = parsed.op,
				high = parsed.high,
				...fields
			} = parsed.reference === undefined ? {} : resolve(parsed.reference, placed);
			insns.push(
				make(op, {
					...parsed.fields,
					...fields,
					...(parsed.operand === undefined ? { operand: "k" } : { operand: parsed.operand }),
				}),
			);
			if (TABLE[op].family === "lddw") insns.push({ opcode: 0, dst: 0, src: 0, off: 0, imm: high });
		}
		return insns;
	}
}

function rawInsn(value: bigint): Insn {
	const byte = Number((value >> 8n) & 0xffn);
	return {
		opcode: Number(value & 0xffn),
		dst: byte & 0xf,
		src: byte >> 4,
		off: Number(BigInt.asIntN(16, value >> 16n)),
		imm: Number(BigInt.asIntN(32, value >> 32n)),
	};
}

/** The numbers of `.8byte N, N, …`. */
function rawValues(tokens: readonly Token[], line: number): bigint[] {
	const values: bigint[] = [];
	for (let i = 1; i < Math.max(tokens.length, 2); i += 2) {
		const token = tokens[i];
		const value = token === undefined ? undefined : numberValue(token);
		const next = tokens[i + 1];
		if (value === undefined || (next !== undefined && next.text !== ","))
			throw new TailhopError("asm/syntax", `${tokens[0]!.text} takes numbers, separated by commas`, {
				line,
				column: (token ?? tokens[0]!).column,
			});
		if (value >= 1n << 64n)
			throw new TailhopError("asm/range", "more than 64 bits", { line, column: token!.column });
		values.push(value);
	}
	return values;
}
