/** What theme scripts are written with, and how their programs become a file. */
import { parseHeader, type Program, type Recorded, type Theme, type Verdict } from "./format.ts";

export interface ThemeScript {
	/** What the file says of itself. */
	readonly about: string;
	/** Programs by hand and by template, in the order of the file. */
	readonly programs: () => Iterable<Draft>;
}

/** A program before it has its place: `asm` may be indented, blank lines don't matter. */
export interface Draft {
	readonly name: string;
	/** As in a file: "xdp", "cgroup_sock_addr attach=cgroup_inet4_connect cap_bpf". */
	readonly header: string;
	readonly asm: string;
	/**
	 * From a template: of programs that differ only in numbers and registers, and are answered alike, only the
	 * first `KEPT` stay. Programs by hand always stay.
	 */
	readonly template: boolean;
}

const KEPT = 3;

export const hand = (name: string, header: string, asm: string): Draft => ({ name, header, asm, template: false });
export const made = (name: string, header: string, asm: string): Draft => ({ name, header, asm, template: true });

export const linesOf = (asm: string): string[] =>
	asm
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "");

/** Asks for each program's verdict, and leaves out what would say the same again. */
export function collect(script: ThemeScript, ask: (program: Program) => Verdict): Theme {
	const cases: Recorded[] = [];
	const texts = new Map<string, string>();
	const names = new Set<string>();
	const kept = new Map<string, number>();
	for (const draft of script.programs()) {
		const asm = linesOf(draft.asm);
		const program: Program = { name: draft.name, ...parseHeader(draft.header), asm };
		const text = `${draft.header}\n${asm.join("\n")}`;
		const same = texts.get(text);
		if (same !== undefined) {
			if (draft.template) continue;
			throw new Error(`${draft.name} is the same program as ${same}`);
		}
		if (names.has(draft.name)) throw new Error(`two programs named ${draft.name}`);
		let verdict: Verdict;
		try {
			verdict = ask(program);
		} catch (cause) {
			throw new Error(`${draft.name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
		}
		if (draft.template) {
			const key = shape(text, verdict);
			const count = kept.get(key) ?? 0;
			if (count >= KEPT) continue;
			kept.set(key, count + 1);
		}
		texts.set(text, draft.name);
		names.add(draft.name);
		cases.push({ program, verdict });
	}
	return { about: linesOf(script.about), cases };
}

/** A program and its verdict without numbers: registers and operators stay. */
function shape(text: string, verdict: Verdict): string {
	const numberless = (part: string) => part.replace(/(?<![\w])-?(0x[0-9a-f]+|\d+)\b/gi, "N").replace(/- N/g, "+ N");
	return `${numberless(text)}\n${verdict.accepted ? "accepted" : numberless(verdict.error + verdict.line)}`;
}
