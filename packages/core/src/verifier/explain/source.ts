import type { SourceLine } from "../../errors/index.ts";
import type { LinkedProgram } from "../../spec/index.ts";
import { printLogInsn } from "../log/print-insn.ts";
import type { Place, Source } from "./types.ts";

/** Source lines by instruction. */
export class Sources {
	readonly program: LinkedProgram;
	readonly #lines: (Source | undefined)[] = [];

	constructor(program: LinkedProgram) {
		this.program = program;
		let next = 0;
		let line: Source | undefined;
		for (let insn = 0; insn < program.insns.length; insn++) {
			// a function without lines of its own has none of the one before it
			if (program.functions.some(({ start }) => start === insn)) line = undefined;
			for (; program.lines[next] !== undefined && program.lines[next]!.insn <= insn; next++)
				line = sourceOf(program.lines[next]!);
			this.#lines.push(line);
		}
	}

	of(insn: number): Source | undefined {
		return this.#lines[insn];
	}

	place(insn: number): Place {
		const source = this.of(insn);
		const kfunc = (at: number) => this.program.kfuncs.find((each) => each.insn === at)?.name ?? "kfunc";
		return {
			insn,
			text: printLogInsn(this.program.insns, insn, kfunc),
			...(source === undefined ? {} : { source }),
		};
	}

	/** The next line behind one that has instructions. */
	lineAfter(file: string, line: number): number | undefined {
		let next: number | undefined;
		for (const each of this.#lines)
			if (each?.file === file && each.line > line && each.line < (next ?? Infinity)) next = each.line;
		return next;
	}

	/** Whether the line of `source` has instructions. */
	has(file: string, line: number): boolean {
		return this.#lines.some((each) => each?.file === file && each.line === line);
	}
}

const sourceOf = ({ file, line, column, text }: SourceLine): Source => ({
	file,
	line,
	...(column === undefined ? {} : { column }),
	...(text === undefined ? {} : { text: text.trim() }),
});

export const sameLine = (a: Source | undefined, b: Source | undefined): boolean =>
	a !== undefined && b !== undefined && a.file === b.file && a.line === b.line;
