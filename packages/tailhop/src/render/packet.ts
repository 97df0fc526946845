import { type EngineOutcome, type LinkedObject, type MapChange, pathOf } from "@tailhop/core";
import pc from "picocolors";
import { errorText } from "../errors.ts";
import { hexDiff } from "./hexdiff.ts";
import { callSite, hopLines, missReason, slotText, verdictLine } from "./hops.ts";
import { mapLines, outputLines } from "./maps.ts";

/** Everything about one packet: the chain, the verdict, what changed. */
export function detailLines(
	linked: LinkedObject,
	program: string,
	before: Uint8Array,
	outcome: EngineOutcome,
	changes: readonly MapChange[],
	title: string | undefined,
): string[] {
	const heading =
		title === undefined
			? `${pc.bold(program)}, ${before.length} bytes`
			: `${pc.bold(title)}, ${before.length} bytes`;
	const lines = [heading, ...hopLines(linked, outcome.hops, "  ")];
	if (outcome.error === undefined) {
		lines.push(`  verdict ${verdictLine(outcome)}`);
		const { r0, instructions, verdict } = outcome;
		const facts = [
			// compiled code doesn't count them
			instructions ? `${instructions} instructions` : "",
			r0 === undefined || r0 === BigInt(verdict.code) ? "" : `r0 0x${r0.toString(16)}`,
		].filter((fact) => fact !== "");
		if (facts.length > 0) lines.push(pc.dim(`  ${facts.join(", ")}`));
		lines.push(...section("packet", hexDiff(before, outcome.packet, "    ")));
	}
	lines.push(
		...section("maps", mapLines(changes, "    ", linked.target.cpus)),
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
	linked: LinkedObject,
	program: string,
	index: number,
	total: number,
	packet: Uint8Array,
	outcome: EngineOutcome,
): string {
	const number = String(index + 1).padStart(String(total).length);
	const path = pathOf(program, outcome.hops).join(pc.dim(" → "));
	const miss = outcome.hops.find((hop) => hop.outcome !== "taken");
	const missed =
		miss === undefined
			? ""
			: `  ${pc.yellow(`✗ ${slotText(miss)} ${missReason(miss)}`)} ${pc.dim(callSite(linked, miss))}`;
	return `${number}  ${String(packet.length).padStart(4)} B  ${path}  ${verdictLine(outcome)}${missed}`;
}
