/** What theme scripts are written with, and how their programs become a file. */
import { type Program, parseHeader, type Recorded, type Theme, type Verdict } from "./format.ts";

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

const KEPT = 2;
/** Of one theme's templates that are refused with the same words, so many stay, evenly spread over the theme. */
const REFUSED_ALIKE = 24;

export const hand = (name: string, header: string, asm: string): Draft => ({
	name,
	header,
	asm,
	template: false,
});
export const made = (name: string, header: string, asm: string): Draft => ({
	name,
	header,
	asm,
	template: true,
});

export const linesOf = (asm: string): string[] =>
	asm
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "");

/** Asks for each program's verdict, and leaves out what would say the same again. */
export function collect(script: ThemeScript, ask: (program: Program) => Verdict): Theme {
	const cases: (Recorded & { readonly template: boolean })[] = [];
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
			const key = `${numberless(text)}\n${alike(verdict)}`;
			const count = kept.get(key) ?? 0;
			if (count >= KEPT) continue;
			kept.set(key, count + 1);
		}
		texts.set(text, draft.name);
		names.add(draft.name);
		cases.push({ program, verdict, template: draft.template });
	}
	return { about: linesOf(script.about), cases: thinned(cases) };
}

/** At most REFUSED_ALIKE templates with one refusal. */
function thinned(cases: readonly (Recorded & { readonly template: boolean })[]): Recorded[] {
	const groupOf = ({ template, verdict }: (typeof cases)[number]) =>
		template && verdict !== undefined && !verdict.accepted ? alike(verdict) : undefined;
	const sizes = groupBy(cases, groupOf);
	const seen = new Map<string, number>();
	return cases
		.filter((each) => {
			const group = groupOf(each);
			if (group === undefined) return true;
			const index = seen.get(group) ?? 0;
			seen.set(group, index + 1);
			const step = REFUSED_ALIKE / sizes.get(group)!.length;
			return Math.floor((index + 1) * step) > Math.floor(index * step);
		})
		.map(({ program, verdict }) => ({ program, verdict }));
}

/** Without numbers: registers and operators stay. */
const numberless = (part: string): string =>
	part.replace(/(?<![\w])-?(0x[0-9a-f]+|\d+)\b/gi, "N").replace(/- N/g, "+ N");

const alike = (verdict: Verdict): string =>
	verdict.accepted ? "accepted" : numberless(`${verdict.error} ${verdict.line}`);

function groupBy<T>(list: readonly T[], key: (item: T) => string | undefined): Map<string | undefined, T[]> {
	const groups = new Map<string | undefined, T[]>();
	for (const item of list) {
		const group = groups.get(key(item));
		if (group === undefined) groups.set(key(item), [item]);
		else group.push(item);
	}
	return groups;
}
