import type { SourceLine } from "../errors/index.ts";
import type { LinkedProgram } from "./types.ts";

/** Where an instruction stands in the source. */
export interface SourcePlace {
	/** As the line info has it: of code inlined from a header, the header's line. */
	readonly line?: SourceLine;
	/**
	 * Where `line` is of another file than the function's own: the nearest line of that file before it. It is near
	 * the call that was inlined, not surely the call itself: compilers move code, and line info has no inline stack.
	 */
	readonly caller?: SourceLine;
}

/** The source of an instruction of a program; empty where the object has no line for it. */
export function sourcePlace(
	{ functions, lines }: Pick<LinkedProgram, "functions" | "lines">,
	insn: number,
): SourcePlace {
	const start = functions.findLast((each) => each.start <= insn)?.start ?? 0;
	const own = lines.filter((each) => each.insn >= start && each.insn <= insn);
	const [first, line] = [own[0], own.at(-1)];
	if (first === undefined || line === undefined) return {};
	if (line.file === first.file) return { line };
	// line 0 is what compilers give to code of their own
	const caller = own.findLast((each) => each.file === first.file && each.line > 0);
	return caller === undefined ? { line } : { line, caller };
}
