import type { ErrorData, TailhopError, Where } from "@tailhop/core";
import pc from "picocolors";
import { toJson } from "./output.ts";

/** "chain.o, section xdp, program entry, insn 12, chain.c:40" */
export function whereText(where: Where): string {
	const { file, section, program, subprogram, map, insn, source, offset, line, column } = where;
	const parts = [
		line === undefined ? file : `${file ?? "input"}:${line}${column === undefined ? "" : `:${column}`}`,
		section === undefined || section === "" ? undefined : `section ${section}`,
		program === undefined ? undefined : `program ${program}`,
		subprogram === undefined ? undefined : `subprogram ${subprogram}`,
		map === undefined ? undefined : `map ${map}`,
		insn === undefined ? undefined : `insn ${insn}`,
		source === undefined ? undefined : sourceText(source),
		offset === undefined ? undefined : `byte ${offset}`,
	];
	return parts.filter((part) => part !== undefined).join(", ");
}

/** "chain.c:40" */
export function sourceText(source: { readonly file: string; readonly line: number }): string {
	return `${source.file}:${source.line}`;
}

/** Lines of a verifier's log that an error shows: the end says why. */
const LOG_LINES = 16;

/** An error for people: what, where, the source line, what to do next. */
export function errorText(error: ErrorData): string {
	const lines = [`${pc.red("error")} ${error.code}: ${error.message}`];
	const where = whereText(error.where);
	if (where !== "") lines.push(`  at ${where}`);
	const text = error.where.source?.text?.trim();
	if (text !== undefined && text !== "") lines.push(`     ${pc.dim(text)}`);
	const log = error.detail?.log;
	if (typeof log === "string" && log !== "") {
		const all = log.trimEnd().split("\n");
		const left = Math.max(0, all.length - LOG_LINES);
		if (left > 0) lines.push(pc.dim(`  | (${left} lines before; tailhop verify --kernel prints all)`));
		lines.push(...all.slice(left).map((line) => `  | ${line}`));
	}
	if (error.hint !== undefined) lines.push(`  ${error.hint}`);
	return lines.join("\n");
}

/** `where` as JSON has it: the source line flat. */
export function whereJson(where: Where): Record<string, unknown> {
	const { source, ...rest } = where;
	return source === undefined ? rest : { ...rest, file: source.file, line: source.line };
}

export function errorJson(error: ErrorData): Record<string, unknown> {
	const { code, message, where, hint, detail } = error;
	return {
		code,
		message,
		where: whereJson(where),
		...(hint === undefined ? {} : { hint }),
		...(detail === undefined ? {} : { detail }),
	};
}

/** The line that `--json` prints for an error outside any run. */
export function errorLine(error: TailhopError): string {
	return toJson({ schema: 1, error: errorJson(error) });
}
