import type { Explanation, Heat, LinkedProgram, Verdict } from "@tailhop/core";
import pc from "picocolors";
import type { Difference, KernelAnswer } from "../commands/verify-kernel.ts";
import { explanationLines } from "./explanation.ts";
import { heatJson, heatLines } from "./heat.ts";

/** A program and all that was found out about it. */
export interface Checked {
	readonly program: LinkedProgram;
	readonly verdict: Verdict;
	readonly milliseconds: number;
	readonly log: string;
	readonly explanation?: Explanation;
	readonly heat?: Heat;
	readonly kernel?: KernelAnswer;
	readonly differences?: readonly Difference[];
}

/** What of it is shown. */
export interface Show {
	readonly explain: boolean;
	readonly heat: boolean;
	/** The log was asked for; else its end is shown where a program is rejected and nothing explains it. */
	readonly wholeLog: boolean;
}

/** Lines of a log that nobody asked for. */
const LOG_END = 24;

export type VerdictName = "accepted" | "rejected" | "unsupported";
export function verdictName({ accepted, unsupported }: Verdict): VerdictName {
	if (unsupported !== undefined) return "unsupported";
	return accepted ? "accepted" : "rejected";
}

export function verdictLines(checked: Checked, show: Show): string[] {
	const { program, explanation, heat } = checked;
	const title = `${pc.bold(program.name)}, section ${program.section}, ${program.insns.length} instructions`;
	return [
		title,
		...answerLines(checked),
		...logLines(checked, show),
		...(show.explain && explanation !== undefined ? explanationLines(explanation) : []),
		...(show.heat && heat !== undefined ? heatLines(heat) : []),
	];
}

/** The log's last line that is neither a state nor a source line. */
function reasonOf({ log, lastLine }: Verdict): string {
	if (!/^(cur state|old state|; )/.test(lastLine)) return lastLine;
	const lines = log.trimEnd().split("\n");
	return (
		lines.findLast((line) => !/^(cur state|old state|; |processed |stack depth |$)/.test(line)) ?? lastLine
	);
}

function answerLines({ verdict, milliseconds, kernel, differences, explanation }: Checked): string[] {
	const ours = outcome(
		verdictName(verdict),
		verdict.errno,
		explanation?.message ?? reasonOf(verdict),
		verdict.unsupported,
	);
	const { insnsProcessed, totalStates, peakStates, stackDepth } = verdict.stats;
	const stats = [
		`${plural(insnsProcessed, "instruction")} walked`,
		`${plural(totalStates, "state")} kept (${peakStates} at once)`,
		`stack ${stackDepth.join("+")} bytes`,
		`${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`,
	];
	// what was refused before the walk has no work to tell of
	const work = insnsProcessed === 0 ? [] : [pc.dim(`  ${stats.join(", ")}`)];
	if (kernel === undefined) return [`  ${ours}`, ...work];
	const theirs = outcome(kernel.accepted ? "accepted" : "rejected", kernel.errno, kernel.line ?? "");
	const insns = kernel.insns === undefined ? "" : `, ${plural(kernel.insns, "instruction")} walked`;
	const code = kernel.jitedLength === undefined ? "" : `, ${kernel.jitedLength} bytes of machine code`;
	return [
		`  tailhop ${ours}`,
		`  kernel  ${theirs}${insns}${code}`,
		...work,
		...(verdict.unsupported !== undefined
			? []
			: [
					differences?.length === 0
						? `  ${pc.green("the same")}`
						: `  ${pc.yellow("different")}: ${differences?.map((each) => DIFFERENCES[each]).join(", ")}`,
				]),
	];
}

const DIFFERENCES: Readonly<Record<Difference, string>> = {
	verdict: "the verdict",
	errno: "the error number",
	line: "the last line",
	insns: "the instructions walked",
};

function outcome(name: VerdictName, errno: string | undefined, line: string, unsupported?: string): string {
	if (name === "accepted") return pc.green("accepted");
	if (name === "unsupported") return `${pc.yellow("no verdict")}: not modelled here: ${unsupported}`;
	return `${pc.red("rejected")}: ${errno}${line === "" ? "" : `: ${line}`}`;
}

function logLines({ verdict, log, kernel }: Checked, { wholeLog, explain }: Show): string[] {
	// where nothing can be said here, the kernel's log is the one to read
	const text = verdict.unsupported === undefined ? log : (kernel?.log ?? "");
	const isWanted =
		wholeLog ||
		(!explain && (kernel === undefined ? !verdict.accepted : !kernel.accepted || !verdict.accepted));
	if (!isWanted || text.trim() === "") return [];
	const all = text.trimEnd().split("\n");
	const left = wholeLog ? 0 : Math.max(0, all.length - LOG_END);
	return [
		...(left > 0 ? [pc.dim(`  | (${left} lines before; --log-level 1 shows all)`)] : []),
		...all.slice(left).map((line) => `  | ${line}`.trimEnd()),
	];
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

export function summaryLine(done: readonly Checked[]): string {
	const count = (name: VerdictName) => done.filter(({ verdict }) => verdictName(verdict) === name).length;
	const unsupported = count("unsupported");
	const different = done.filter(({ differences }) => (differences?.length ?? 0) > 0).length;
	return [
		`${done.length} programs`,
		`${count("accepted")} accepted`,
		`${count("rejected")} rejected`,
		...(unsupported > 0 ? [`${unsupported} without a verdict`] : []),
		...(done[0]?.kernel === undefined ? [] : [`${different} different in the kernel`]),
	].join(", ");
}

export function verdictJson(checked: Checked, show: Show): Record<string, unknown> {
	const { program, verdict, milliseconds, log, explanation, heat, kernel, differences } = checked;
	return {
		schema: 1,
		program: program.name,
		section: program.section,
		instructions: program.insns.length,
		verdict: verdictName(verdict),
		...(verdict.errno === undefined ? {} : { errno: verdict.errno }),
		...(verdict.lastLine === "" ? {} : { line: verdict.lastLine }),
		...(verdict.unsupported === undefined ? {} : { unsupported: verdict.unsupported }),
		stats: verdict.stats,
		milliseconds: Math.round(milliseconds * 1000) / 1000,
		log,
		...(show.explain && explanation !== undefined ? { explanation } : {}),
		...(show.heat && heat !== undefined ? { heat: heatJson(heat) } : {}),
		...(kernel === undefined ? {} : { kernel: kernelJson(kernel), differences }),
	};
}

function kernelJson({ accepted, ...rest }: KernelAnswer): Record<string, unknown> {
	return { verdict: accepted ? "accepted" : "rejected", ...rest };
}
