import { type Insn, PROG_TYPE } from "../../isa/index.ts";
import type { LinkedObject, LinkedProgram } from "../../spec/index.ts";
import type { Origin } from "./origin.ts";
import type { Sources } from "./source.ts";
import type { Explanation, RegView, Source, Step } from "./types.ts";
import { assignedName } from "./words.ts";

/** What a rule sees of a rejection. */
export interface Facts {
	/** The last line, matched. */
	readonly match: RegExpExecArray;
	/** The lines of the log that are neither instructions nor states nor statistics; the last one is last. */
	readonly messages: readonly string[];
	readonly errno: string | undefined;
	readonly object: LinkedObject;
	readonly program: LinkedProgram;
	readonly sources: Sources;
	readonly steps: readonly Step[];
	/** The instruction that the walk ended at, with the registers before it. */
	readonly step?: Step;
	readonly insn?: Insn;
	/** Register that the message speaks of. */
	readonly reg?: number;
	readonly subject?: RegView;
	readonly origin: Origin;
	readonly source?: Source;
}

export type Answer = Pick<Explanation, "suggestion"> & Partial<Pick<Explanation, "origin">>;

/** What the author of a program does to leave it. */
const LEAVE: Readonly<Record<number, string>> = {
	[PROG_TYPE.XDP]: "return XDP_DROP;",
	[PROG_TYPE.SCHED_CLS]: "return TC_ACT_SHOT;",
	[PROG_TYPE.SCHED_ACT]: "return TC_ACT_SHOT;",
};

/** `return XDP_DROP;`; in a function that the program calls there is no verdict to name. */
export function leaveOf({ program, step }: Facts): string {
	return (step?.frame ?? 0) > 0 ? "return -1;" : (LEAVE[program.type] ?? "return 0;");
}

/** What the source calls the packet's start and end, where a line of it says so. */
export function packetNames({ program }: Facts): { readonly data: string; readonly end: string } {
	let data: string | undefined;
	let end: string | undefined;
	for (const line of program.lines) {
		const text = line.text ?? "";
		if (/->\s*data_end\b/.test(text)) end ??= assignedName(line);
		else if (/->\s*data\b/.test(text)) data ??= assignedName(line);
	}
	return { data: data ?? "data", end: end ?? "data_end" };
}

/** The first line of the value's way, and what the source calls it there. */
export function made(facts: Facts): { readonly source?: Source; readonly name: string | undefined } {
	const { origin, steps, step } = facts;
	// names of other functions mean nothing at the rejection
	const here = origin.events.filter((_, k) => steps[origin.steps[k]!]?.frame === step?.frame);
	const event = here.find(({ source }) => assignedName(source) !== undefined);
	const source = origin.events[0]?.source;
	return { ...(source === undefined ? {} : { source }), name: assignedName(event?.source) };
}

/** `packets[queue]` → "queue"; else what the number was assigned to; else `index`. */
export const indexName = (facts: Facts): string =>
	/\[\s*([A-Za-z_]\w*)\s*\]/.exec(facts.source?.text ?? "")?.[1] ?? made(facts).name ?? "index";

/** A suggestion that stands before the line of the rejection. */
export const before = (facts: Facts, text: string, code?: string): Answer => ({
	suggestion: {
		text,
		...(code === undefined ? {} : { code }),
		...(facts.source === undefined ? {} : { source: facts.source }),
	},
});

export const advice = (text: string): Answer => ({ suggestion: { text } });

/** Numbers out of a message before the last: `value_size=8`. */
export function numberIn(facts: Facts, pattern: RegExp, name: string): number | undefined {
	const message = facts.messages.findLast((each) => pattern.test(each));
	const found = new RegExp(`\\b${name}=(-?\\d+)`).exec(message ?? "");
	return found === null ? undefined : Number(found[1]);
}

export interface Rule {
	readonly id: string;
	readonly pattern: RegExp;
	/** Among rules of the same pattern, the first that applies. */
	readonly when?: (facts: Facts) => boolean;
	/** The program is refused as a whole, not on a path. */
	readonly whole?: true;
	readonly category: string;
	readonly title: string;
	/** Why the kernel wants it: a sentence. */
	readonly why: string;
	/** The register to follow back: by default the one that the message names. */
	readonly reg?: (facts: Facts) => number | undefined;
	/** The number in a pointer's offset, not the pointer. */
	readonly follow?: "offset";
	/** What is to be said where no comparison on the path has narrowed the value. */
	readonly unchecked?: string;
	readonly suggest: (facts: Facts) => Answer;
}
