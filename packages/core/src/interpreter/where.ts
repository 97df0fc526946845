import type { SourceLine, Where } from "../errors/index.ts";
import type { LoweredProgram } from "./lower.ts";

/** Program, subprogram and source line of an instruction. */
export function whereOf(lowered: LoweredProgram, insn: number): Where {
	const { program } = lowered;
	const index = program.functions.findIndex((f) => insn >= f.start && insn < f.end);
	const source = lineOf(lowered, insn);
	return {
		program: program.name,
		section: program.section,
		...(index > 0 ? { subprogram: program.functions[index]!.name } : {}),
		insn,
		...(source === undefined ? {} : { source }),
	};
}

/** The source line that covers an instruction: the last one that starts at or before it. */
export function lineOf(lowered: LoweredProgram, insn: number): SourceLine | undefined {
	const { lines } = lowered.program;
	let low = 0;
	let high = lines.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (lines[middle]!.insn <= insn) low = middle + 1;
		else high = middle;
	}
	const line = lines[low - 1];
	if (line === undefined) return undefined;
	const { insn: _insn, ...source } = line;
	return source;
}
