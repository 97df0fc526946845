import type { LinkedProgram } from "../../spec/index.ts";
import { Sources } from "./source.ts";
import type { Heat, HeatLine } from "./types.ts";

/** Visits of instructions, added up by source line. */
export function heatOf(program: LinkedProgram, visits: Uint32Array): Heat {
	const sources = new Sources(program);
	const lines = new Map<string, { -readonly [K in keyof HeatLine]: HeatLine[K] }>();
	let total = 0;
	let unknown = 0;
	for (const [insn, count] of visits.entries()) {
		total += count;
		const source = sources.of(insn);
		if (source === undefined) {
			unknown += count;
			continue;
		}
		const key = `${source.file}:${source.line}`;
		const line = lines.get(key);
		if (line === undefined) lines.set(key, { source, insns: 1, visits: count });
		else {
			line.insns++;
			line.visits += count;
		}
	}
	return { total, lines: [...lines.values()].sort(bySource), unknown, visits };
}

const bySource = (a: HeatLine, b: HeatLine): number =>
	a.source.file === b.source.file ? a.source.line - b.source.line : a.source.file < b.source.file ? -1 : 1;
