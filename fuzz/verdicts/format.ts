/**
 * The text form of recorded programs. One program is a header line, its assembly, and the kernel's answer:
 *
 *     ## name: xdp attach=xdp_devmap strict_alignment license=MIT cap_bpf
 *     r0 = 0
 *     exit
 *     => accepted, 2 insns, stack 0
 *
 * README.md describes all of it. Lines that start with `#` and a blank are comments: between programs only.
 */
import { ATTACH_TYPE, nameOf, PROG_TYPE } from "@tailhop/core";

/** BPF_F_* of BPF_PROG_LOAD that a header may name. */
export const LOAD_FLAGS = {
	strict_alignment: 1 << 0,
	any_alignment: 1 << 1,
	test_rnd_hi32: 1 << 2,
	test_state_freq: 1 << 3,
	sleepable: 1 << 4,
	xdp_has_frags: 1 << 5,
	test_reg_invariants: 1 << 7,
} as const;
export type LoadFlag = keyof typeof LOAD_FLAGS;

/** A program as a theme writes it: what is asked. */
export interface Program {
	/** Unique in its theme. */
	readonly name: string;
	/** BPF_PROG_TYPE_*. */
	readonly type: number;
	/** Expected attach type, BPF_*; 0 if the header names none. */
	readonly attach: number;
	readonly flags: readonly LoadFlag[];
	/** "GPL" unless the header says otherwise. */
	readonly license: string;
	/** Loaded with CAP_BPF and CAP_NET_ADMIN only: without CAP_PERFMON. */
	readonly capBpf: boolean;
	/** Lines of assembly, and of the directives of assemble.ts. */
	readonly asm: readonly string[];
}

export type Verdict =
	| {
			readonly accepted: true;
			/** N of "processed N insns". */
			readonly insns: number;
			/** Bytes by subprogram, as the verifier prints them: "64+8+0". */
			readonly stack: string;
	  }
	| {
			readonly accepted: false;
			/** Name of the errno. */
			readonly error: string;
			/** The last line of the log that says why; "" where the kernel says nothing. */
			readonly line: string;
	  };

export interface Recorded {
	readonly program: Program;
	/** Absent: not asked yet. */
	readonly verdict: Verdict | undefined;
}

/** Programs of one file, and the comment above them. */
export interface Theme {
	/** Lines of text without `# `. */
	readonly about: readonly string[];
	readonly cases: readonly Recorded[];
}

const lower = (table: Readonly<Record<string, number>>, value: number): string =>
	nameOf(table, value)?.toLowerCase() ?? String(value);

function numberOf(table: Readonly<Record<string, number>>, name: string, what: string): number {
	const value = /^\d+$/.test(name) ? Number(name) : table[name.toUpperCase()];
	if (value === undefined) throw new SyntaxError(`unknown ${what} ${name}`);
	return value;
}

/** Reads `xdp attach=… strict_alignment …`, what a header has behind its name. Throws SyntaxError. */
export function parseHeader(text: string): Omit<Program, "name" | "asm"> {
	const [type = "", ...rest] = text.trim().split(/\s+/);
	const header = {
		type: numberOf(PROG_TYPE, type, "program type"),
		attach: 0,
		flags: [] as LoadFlag[],
		license: "GPL",
		capBpf: false,
	};
	for (const word of rest) {
		const [key = "", value] = word.split("=");
		if (key === "attach" && value !== undefined) header.attach = numberOf(ATTACH_TYPE, value, "attach type");
		else if (key === "license" && value !== undefined) header.license = value;
		else if (word === "cap_bpf") header.capBpf = true;
		else if (Object.hasOwn(LOAD_FLAGS, word)) header.flags.push(word as LoadFlag);
		else throw new SyntaxError(`unknown word ${word}`);
	}
	return header;
}

export function printHeader(program: Program): string {
	const words = [lower(PROG_TYPE, program.type)];
	if (program.attach !== 0) words.push(`attach=${lower(ATTACH_TYPE, program.attach)}`);
	words.push(...program.flags);
	if (program.license !== "GPL") words.push(`license=${program.license}`);
	if (program.capBpf) words.push("cap_bpf");
	return words.join(" ");
}

export function printVerdict(verdict: Verdict): string {
	if (verdict.accepted) return `accepted, ${verdict.insns} insns, stack ${verdict.stack}`;
	return verdict.line === "" ? verdict.error : `${verdict.error}: ${verdict.line}`;
}

/** Throws SyntaxError. */
export function parseVerdict(text: string): Verdict {
	const accepted = /^accepted, (\d+) insns, stack (\d+(?:\+\d+)*)$/.exec(text);
	if (accepted !== null) return { accepted: true, insns: Number(accepted[1]), stack: accepted[2]! };
	const refused = /^(E[A-Z0-9]+|errno \d+)(?:: (.+))?$/.exec(text);
	if (refused === null) throw new SyntaxError(`no verdict: ${text}`);
	return { accepted: false, error: refused[1]!, line: refused[2] ?? "" };
}

/** Reads a file. Throws SyntaxError with the line number. */
export function parseTheme(text: string): Theme {
	const about: string[] = [];
	const cases: Recorded[] = [];
	const names = new Set<string>();
	let open: { name: string; header: ReturnType<typeof parseHeader>; asm: string[] } | undefined;
	let closed: { verdict: Verdict | undefined } = { verdict: undefined };
	const finish = () => {
		if (open === undefined) return;
		const { name, header, asm } = open;
		if (asm.length === 0) throw new SyntaxError(`${name} has no instructions`);
		cases.push({ program: { name, ...header, asm }, verdict: closed.verdict });
		open = undefined;
		closed = { verdict: undefined };
	};
	for (const [index, raw] of text.split("\n").entries()) {
		const line = raw.trim();
		try {
			if (line === "") continue;
			const header = /^## ([^\s:]+): (.+)$/.exec(line);
			if (header !== null) {
				finish();
				const name = header[1]!;
				if (names.has(name)) throw new SyntaxError(`two programs named ${name}`);
				names.add(name);
				open = { name, header: parseHeader(header[2]!), asm: [] };
			} else if (open === undefined || closed.verdict !== undefined) {
				if (!/^#( |$)/.test(line)) throw new SyntaxError("neither a header nor a comment");
				if (cases.length === 0 && open === undefined) about.push(line.slice(2));
			} else if (line.startsWith("=> ")) closed = { verdict: parseVerdict(line.slice(3)) };
			else open.asm.push(line);
		} catch (error) {
			if (error instanceof SyntaxError) throw new SyntaxError(`line ${index + 1}: ${error.message}`);
			throw error;
		}
	}
	finish();
	return { about, cases };
}

export function printTheme({ about, cases }: Theme): string {
	const blocks = cases.map(({ program, verdict }) =>
		[
			`## ${program.name}: ${printHeader(program)}`,
			...program.asm,
			...(verdict === undefined ? [] : [`=> ${printVerdict(verdict)}`]),
		].join("\n"),
	);
	return `${[about.map((line) => `# ${line}`.trimEnd()).join("\n"), ...blocks].join("\n\n")}\n`;
}
