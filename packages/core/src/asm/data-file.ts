import { TailhopError } from "../errors/index.ts";
import { decodeInsns, INSN_SIZE, type Insn } from "../isa/index.ts";
import { assembleConformance } from "./conformance.ts";

/** One test of bpf_conformance. r1 is the memory's address, r2 its length. */
export interface ConformanceCase {
	/** Assembly text, or instructions where the file has a `raw` section. */
	readonly program: { readonly asm: string } | { readonly raw: readonly Insn[] };
	readonly memory: Uint8Array;
	/** All 64 bits of r0. */
	readonly result?: bigint;
	/** Text of the expected error; "" where any error will do. */
	readonly error?: string;
}

/** Directives, in the order in which a `--` line is searched for them; " c" and the offset one are not for us. */
const DIRECTIVES = [
	["asm", "asm"],
	["result", "result"],
	["mem", "mem"],
	["raw", "raw"],
	["no register offset", "ignored"],
	[" c", "ignored"],
	["error", "error"],
] as const;
type Section = (typeof DIRECTIVES)[number][1];

/**
 * Reads a `.data` file. Line based: what follows `#` is a comment, a line with `--` starts a section. Throws
 * asm/syntax for a file that holds no test: an unknown directive, no instructions, neither result nor error.
 */
export function parseDataFile(text: string): ConformanceCase {
	const sections = new Map<Section, string[]>();
	let lines: string[] | undefined;
	for (const [i, line] of text.split("\n").entries()) {
		const content = line.replace(/\r$/, "").split("#", 1)[0]!;
		if (!content.includes("--")) {
			lines?.push(content);
			continue;
		}
		const section = DIRECTIVES.find(([name]) => content.includes(name))?.[1];
		if (section === undefined)
			throw new TailhopError(
				"asm/syntax",
				`unknown directive: ${content.trim()}`,
				{ line: i + 1 },
				{
					hint: "known: asm, raw, mem, result, error, c",
				},
			);
		lines = sections.get(section) ?? [];
		sections.set(section, lines);
	}
	const words = (section: Section) =>
		(sections.get(section) ?? []).join(" ").trim().split(/\s+/).filter(Boolean);
	const asm = sections.get("asm")?.join("\n") ?? "";
	const raw = words("raw");
	if (raw.length === 0 && asm.trim() === "")
		throw new TailhopError("asm/syntax", "no instructions: neither asm nor raw");
	const result = (sections.get("result") ?? []).map((line) => line.trim()).findLast((line) => line !== "");
	const error = sections.get("error")?.join("\n").trim();
	if (result === undefined && error === undefined)
		throw new TailhopError("asm/syntax", "neither result nor error");
	return {
		program: raw.length === 0 ? { asm } : { raw: rawInsns(raw) },
		memory: Uint8Array.from(words("mem"), (word) => byte(word)),
		...(result === undefined ? {} : { result: wide(result) }),
		...(error === undefined ? {} : { error }),
	};
}

/** The instructions of a case. Throws what the assembler throws. */
export function conformanceInsns({ program }: ConformanceCase): readonly Insn[] {
	return "raw" in program ? program.raw : assembleConformance(program.asm);
}

function byte(word: string): number {
	if (!/^[0-9a-f]{1,2}$/i.test(word)) throw new TailhopError("asm/syntax", `not a byte: ${word}`);
	return Number.parseInt(word, 16);
}

/** 64 bits, decimal or 0x. */
function wide(word: string): bigint {
	if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(word))
		throw new TailhopError("asm/syntax", `not a number: ${word}`);
	const value = BigInt(word);
	if (value >= 1n << 64n) throw new TailhopError("asm/range", `more than 64 bits: ${word}`);
	return value;
}

/** 64-bit words, one instruction each; or, in the tests of reserved fields, single bytes in pairs of digits. */
function rawInsns(words: readonly string[]): Insn[] {
	if (words.length % INSN_SIZE === 0 && words.every((word) => /^[0-9a-f]{2}$/i.test(word)))
		return decodeInsns(Uint8Array.from(words, (word) => byte(word)));
	const bytes = new Uint8Array(words.length * INSN_SIZE);
	const view = new DataView(bytes.buffer);
	for (const [i, word] of words.entries()) view.setBigUint64(INSN_SIZE * i, wide(word), true);
	return decodeInsns(bytes);
}
