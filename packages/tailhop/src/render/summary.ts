import type { LinkedObject, Summary } from "@tailhop/core";
import pc from "picocolors";
import { caller, callSite, missReason, slotText } from "./hops.ts";

/** What happened over many packets: verdicts, paths with counts, misses with their call sites. */
export function summaryLines(linked: LinkedObject, summary: Summary, showsHops: boolean): string[] {
	const width = String(summary.packets).length;
	const count = (n: number) => String(n).padStart(width + 2);
	const section = (title: string, lines: string[]) =>
		lines.length === 0 ? [] : ["", pc.bold(title), ...lines];
	return [
		`${summary.packets} packets${showsHops ? `, ${summary.hops} tail calls` : ""}`,
		...section(
			"verdicts",
			summary.verdicts.map(([name, packets]) => `${count(packets)}  ${name}`),
		),
		...section(
			"paths",
			summary.paths.map(
				({ programs, end, packets }) => `${count(packets)}  ${programs.join(" → ")}  ${pc.dim(end)}`,
			),
		),
		...section(
			"missed tail calls",
			summary.misses.map(
				({ hop, packets }) =>
					`${count(packets)}  ${slotText(hop)} ${pc.yellow(missReason(hop))}, called by ${caller(hop)} at ${callSite(linked, hop)}`,
			),
		),
		...section(
			"errors",
			summary.errors.map(({ error, packets }) => `${count(packets)}  ${pc.red(error.code)} ${error.message}`),
		),
	];
}
