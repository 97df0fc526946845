import {
	type EngineOutcome,
	type Hop,
	type LinkedObject,
	type SourcePlace,
	sourcePlace,
	verdictText,
} from "@tailhop/core";
import pc from "picocolors";
import { sourceText } from "../errors.ts";

const MISS: Record<Exclude<Hop["outcome"], "taken">, string> = {
	"out-of-range": "out of range",
	limit: "limit of 33 reached",
	empty: "empty slot",
};

/** "jumps[3]" */
export function slotText(hop: Hop): string {
	return `${hop.map}[${hop.slot}]`;
}

/** "chain.c:88", "chain.c:88 (tail.h:12)" for code inlined from a header, or the instruction where there are no lines. */
export function callSite({ programs }: LinkedObject, { from }: Hop): string {
	const program = programs.find((each) => each.name === from.program);
	return siteText(program === undefined ? {} : sourcePlace(program, from.insn), from.insn);
}

export function siteText({ line, caller }: SourcePlace, insn: number): string {
	if (line === undefined) return `insn ${insn}`;
	return caller === undefined ? sourceText(line) : `${sourceText(caller)} (${sourceText(line)})`;
}

/** "entry", or "entry/sub" for a call inside a subprogram. */
export function caller(hop: Hop): string {
	const { program, subprogram } = hop.from;
	return subprogram === undefined ? program : `${program}/${subprogram}`;
}

export function missReason(hop: Hop): string {
	return hop.outcome === "taken" ? "" : MISS[hop.outcome];
}

/** The chain, one hop a line, columns aligned. */
export function hopLines(linked: LinkedObject, hops: readonly Hop[], indent: string): string[] {
	const rows = hops.map((hop) => [caller(hop), callSite(linked, hop), slotText(hop)] as const);
	const width = (column: 0 | 1 | 2) => Math.max(0, ...rows.map((row) => row[column].length));
	const widths = [width(0), width(1), width(2)] as const;
	return hops.map((hop, i) => {
		const [from, site, slot] = rows[i]!;
		const end =
			hop.outcome === "taken"
				? `${pc.green("→")} ${pc.bold(hop.to ?? "?")}`
				: pc.yellow(`✗ ${missReason(hop)}`);
		return `${indent}${from.padEnd(widths[0])}  ${pc.dim(site.padEnd(widths[1]))}  ${slot.padEnd(widths[2])}  ${end}`;
	});
}

/** "XDP_PASS (2)", or "7" where the number has no name. */
export function verdictLine(outcome: EngineOutcome): string {
	if (outcome.error !== undefined) return pc.red(outcome.error.code);
	const { verdict } = outcome;
	return verdict.name === undefined
		? String(verdict.code)
		: `${pc.bold(verdictText(verdict))} (${verdict.code})`;
}
