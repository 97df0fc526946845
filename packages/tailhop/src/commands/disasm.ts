import { type LineInfo, type LinkedProgram, printProgram, sourcePlace } from "@tailhop/core";
import { type Arguments, EXIT, type ExitStatus } from "../command.ts";
import { sourceText } from "../errors.ts";
import { loadObject, programsNamed } from "../object-file.ts";
import { printLine, toJson } from "../output.ts";

export async function disasm(args: Arguments): Promise<ExitStatus> {
	const linked = await loadObject(args);
	const programs = programsNamed(linked, args.positional[1]);
	for (const [index, program] of programs.entries()) {
		if (args.flag("json")) {
			const text = printProgram(program, linked);
			const { name, section, insns, functions, lines } = program;
			printLine(
				toJson({ schema: 1, program: name, section, functions, insns, lines: lines.map(lineJson), text }),
			);
			continue;
		}
		if (index > 0) printLine();
		printLine(`# program ${program.name}, section ${program.section}, ${program.insns.length} instructions`);
		printLine(printProgram(program, linked, { note: inlinedAt(program) }).trimEnd());
	}
	return EXIT.OK;
}

/** ", in chain.c:88" behind a line of a header. */
function inlinedAt(program: LinkedProgram): (line: LineInfo) => string {
	return ({ insn }) => {
		const { caller } = sourcePlace(program, insn);
		return caller === undefined ? "" : `, in ${sourceText(caller)}`;
	};
}

function lineJson({ insn, file, line }: LineInfo): Record<string, unknown> {
	return { insn, file, line };
}
