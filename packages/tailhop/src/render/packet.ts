import { type MapChange, pathOf, type RunOutcome } from "@tailhop/core";
import pc from "picocolors";
import { errorText } from "../errors.ts";
import { hexDiff } from "./hexdiff.ts";
import { callSite, hopLines, missReason, slotText, verdictLine } from "./hops.ts";
import { mapLines, outputLines } from "./maps.ts";

/** Everything about one packet: the chain, the verdict, what changed. */
export function detailLines(
	program: string,
	before: Uint8Array,
	outcome: RunOutcome,
	changes: readonly MapChange[],
	title: string | undefined,
): string[] {
	const heading =
		title === undefined
			? `${pc.bold(program)}, ${before.length} bytes`
			: `${pc.bold(title)}, ${before.length} bytes`;
	const lines = [heading, ...hopLines(outcome.hops, "  ")];
	if (outcome.error === undefined) {
		lines.push(`  verdict ${verdictLine(outcome)}`);
		const { code } = outcome.verdict;
		if (outcome.engine === "interpreter")
			lines.push(
				pc.dim(
					`  ${outcome.instructions} instructions${outcome.r0 === BigInt(code) ? "" : `, r0 0x${outcome.r0.toString(16)}`}`,
				),
			);
		lines.push(...section("packet", hexDiff(before, outcome.packet, "    ")));
	}
	lines.push(
		...section("maps", mapLines(changes, "    ")),
		...section("output", outputLines(outcome.output, "    ")),
	);
	if (outcome.error !== undefined)
		lines.push(
			...errorText(outcome.error)
				.split("\n")
				.map((line) => `  ${line}`),
		);
	if (title !== undefined) lines.push("");
	return lines;
}

function section(title: string, lines: readonly string[]): string[] {
	return lines.length === 0 ? [] : [`  ${title}`, ...lines];
}

/** One packet on one line: number, length, path, verdict, and the first miss. */
export function compactLine(
	program: string,
	index: number,
	total: number,
	packet: Uint8Array,
	outcome: RunOutcome,
): string {
	const number = String(index + 1).padStart(String(total).length);
	const path = pathOf(program, outcome.hops).join(pc.dim(" → "));
	const miss = outcome.hops.find((hop) => hop.outcome !== "taken");
	const missed =
		miss === undefined
			? ""
			: `  ${pc.yellow(`✗ ${slotText(miss)} ${missReason(miss)}`)} ${pc.dim(callSite(miss))}`;
	return `${number}  ${String(packet.length).padStart(4)} B  ${path}  ${verdictLine(outcome)}${missed}`;
}
