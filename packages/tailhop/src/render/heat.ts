import type { Heat, HeatLine } from "@tailhop/core";
import pc from "picocolors";

const BAR = 24;
/** Lines that are shown of each file: the hottest. */
const LINES = 40;
const COLOURS = [pc.dim, pc.green, pc.yellow, pc.red];

/** Instructions walked by source line, with a bar as long as the line's share of the hottest. */
export function heatLines({ total, lines, unknown }: Heat): string[] {
	const walked = lines.filter(({ visits }) => visits > 0);
	const hottest = Math.max(1, ...walked.map(({ visits }) => visits));
	const byVisits = walked.toSorted((a, b) => b.visits - a.visits);
	const least = byVisits[LINES]?.visits ?? 0;
	const shown = byVisits.length > LINES ? walked.filter(({ visits }) => visits > least) : walked;
	const width = String(hottest).length;
	const rows: string[] = [];
	let file = "";
	for (const line of shown) {
		if (line.source.file !== file) rows.push(`    ${pc.dim(line.source.file)}`);
		file = line.source.file;
		rows.push(`    ${row(line, hottest, width)}`);
	}
	const left = walked.length - shown.length;
	return [
		"",
		`  ${pc.underline("Where the verifier's work goes")} (${total} instructions walked)`,
		...rows,
		...(left > 0 ? [pc.dim(`    … ${left} lines with at most ${least} each`)] : []),
		...(unknown > 0 ? [pc.dim(`    ${unknown} without a source line`)] : []),
	];
}

function row({ source, visits }: HeatLine, hottest: number, width: number): string {
	const share = visits / hottest;
	const bar = "█".repeat(Math.max(1, Math.round(share * BAR))).padEnd(BAR);
	const colour = COLOURS[Math.min(COLOURS.length - 1, Math.floor(share * COLOURS.length))]!;
	return `${String(visits).padStart(width)} ${colour(bar)} ${String(source.line).padStart(4)}  ${source.text ?? ""}`.trimEnd();
}

export const heatJson = ({ total, unknown, lines }: Heat): Record<string, unknown> => ({
	total,
	unknown,
	lines: lines.map(({ source, insns, visits }) => ({ source, insns, visits })),
});
