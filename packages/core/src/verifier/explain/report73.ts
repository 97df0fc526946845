import type { LinkedProgram } from "../../spec/index.ts";
import type { Verdict } from "../verdict.ts";
import { Sources } from "./source.ts";
import type { Explanation, Place } from "./types.ts";

/** Instructions that are shown before and behind the one that is refused. */
const CONTEXT = 2;

/**
 * A rejection in the form that Linux 7.3 gives it: the classical last line, then headed blocks, then the statistics.
 * The blocks' headings and order are the kernel's; what stands in them are our words.
 */
export function report73(program: LinkedProgram, { lastLine, stats }: Verdict, why: Explanation): string {
	const { insnsProcessed, maxStatesPerInsn, totalStates, peakStates, markRead } = stats;
	return [
		...(lastLine === "" ? [] : [lastLine]),
		"",
		`Verification failed: ${why.category}: ${why.title}`,
		"",
		"Reason:",
		`  ${reasonOf(why)}`,
		"",
		...(why.at === undefined ? [] : ["At:", ...atLines(program, why.at, lastLine), ""]),
		"Causal path:",
		...causes(why),
		"",
		"Suggestion:",
		`  ${suggestionOf(why)}`,
		"",
		`processed ${insnsProcessed} insns (limit 1000000) max_states_per_insn ${maxStatesPerInsn} total_states ${totalStates} peak_states ${peakStates} mark_read ${markRead}`,
	].join("\n");
}

function reasonOf({ why, subject }: Explanation): string {
	return subject === undefined ? why : `${subject.holder.toUpperCase()} is ${subject.value}. ${why}`;
}

function suggestionOf({ suggestion: { text, code } }: Explanation): string {
	return code === undefined ? `${text}.` : `${text}: ${code}`;
}

function atLines(program: LinkedProgram, at: Place, message: string): string[] {
	const sources = new Sources(program);
	const around: number[] = [];
	for (let insn = Math.max(0, at.insn - CONTEXT); insn <= at.insn + CONTEXT; insn++)
		// the second half of a lddw is no instruction
		if (program.insns[insn] !== undefined && program.insns[insn]!.opcode !== 0) around.push(insn);
	const width = String(around.at(-1) ?? 0).length;
	const { source } = at;
	const where = source === undefined ? "" : ` @ ${source.file.split("/").at(-1)}:${source.line}`;
	return [
		`  insn ${at.insn}${where}`,
		...(source?.text === undefined ? [] : [`        | ${source.text}`]),
		`        | ^-- error: ${message}`,
		"  Instruction context:",
		...around.map(
			(insn) =>
				`  ${insn === at.insn ? ">>>" : "   "} ${String(insn).padStart(width)} | ${sources.place(insn).text}`,
		),
	];
}

/** Turns first, then the value's way, without the comparisons that are turns already. */
function causes({ path, origin }: Explanation): string[] {
	const turns = path
		.filter(({ kind }) => kind === "branch")
		.map(({ insn, to, learned }) => ({
			insn,
			words: `the path goes on at insn ${to.insn}${learned === undefined ? "" : `, ${learned}`}`,
		}));
	const events = [...turns, ...origin.filter(({ kind }) => kind !== "checked")];
	if (events.length === 0) return ["  no retained diagnostic events on this path"];
	return events.map(({ insn, words }) => `  insn ${insn} | ${words}`);
}
