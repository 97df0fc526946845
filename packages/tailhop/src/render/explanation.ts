import type { Explanation, OriginEvent, Place, Turn } from "@tailhop/core";
import pc from "picocolors";
import { sourceText } from "../errors.ts";

/** Turns of a path that are shown at its beginning and at its end. */
const FIRST = 4;
const LAST = 16;
/** Of running text. */
const WIDTH = 100;

/** A rejection for people: what, the path, the value's way, why, what to do. */
export function explanationLines(explanation: Explanation): string[] {
	const { title, why, at, subject, path, origin, missing, suggestion } = explanation;
	const holder = subject === undefined ? origin[0]?.holder : subject.holder;
	return [
		"",
		`  ${pc.bold(title)}`,
		...(at === undefined ? [] : placeLines(at)),
		...(subject === undefined ? [] : [`    ${subject.holder} is ${subject.value}`]),
		...section("The path here", pathLines(path)),
		...section(`Where ${holder} comes from`, [
			...originLines(origin),
			...(missing === undefined ? [] : [pc.yellow(missing)]),
		]),
		...section("Why", wrapped(why)),
		...section("What helps", suggestionLines(suggestion)),
	];
}

const section = (title: string, lines: readonly string[]): string[] =>
	lines.length === 0 ? [] : ["", `  ${pc.underline(title)}`, ...lines.map((line) => `    ${line}`)];

/** File and line, with the text of the line, and beneath it the instruction. */
function placeLines({ source, insn, text }: Place): string[] {
	const code = pc.dim(`insn ${insn}: ${text}`);
	if (source === undefined) return [`    at ${code}`];
	return [`    at ${sourceText(source)}  ${source.text ?? ""}`.trimEnd(), `       ${code}`];
}

/** "line 30", or the instruction where there are no lines. */
const lineOf = ({ source, insn }: Place): string =>
	source === undefined ? `insn ${insn}` : `line ${source.line}`;

function pathLines(path: readonly Turn[]): string[] {
	const left = path.length - FIRST - LAST;
	const shown = left > 0 ? [...path.slice(0, FIRST), ...path.slice(-LAST)] : path;
	const width = Math.max(0, ...shown.map((turn) => lineOf(turn).length));
	const lines = shown.map((turn) => `${lineOf(turn).padEnd(width)}  ${turnText(turn)}`);
	if (left > 0) lines.splice(FIRST, 0, pc.dim(`… ${left} more`));
	return lines;
}

function turnText({ kind, condition, text, held, to, learned, times, source }: Turn): string {
	const often = times > 1 ? pc.dim(` (${times} times)`) : "";
	if (kind === "call") return `calls the function at ${lineOf(to)}${often}`;
	if (kind === "return") return `returns to ${lineOf(to)}${often}`;
	const what = condition ?? text;
	const truth = held === undefined ? "" : held ? `${pc.green("true")}, ` : `${pc.red("false")}, `;
	const goesOn = source !== undefined && to.source?.line === source.line ? "on" : `on to ${lineOf(to)}`;
	// compilers merge conditions, and the line then is of the first: the instruction says which one it was
	const test = /if (.*) goto/.exec(text)?.[1];
	const known = learned === undefined ? "" : pc.cyan(`; ${learned} (${test})`);
	return `${what}  ${pc.dim("→")} ${truth}${goesOn}${known}${often}`;
}

function originLines(origin: readonly OriginEvent[]): string[] {
	const width = Math.max(0, ...origin.map((event) => lineOf(event).length));
	let last = "";
	return origin.map((event) => {
		const line = lineOf(event);
		const label = (line === last ? "" : line).padEnd(width);
		last = line;
		const words = event.kind === "widened" || event.kind === "voided" ? pc.yellow(event.words) : event.words;
		// what was made is described; what follows says itself what it is
		const value = event.kind === "made" && event.value !== "" ? `: ${event.value}` : "";
		return `${label}  ${event.holder.padEnd(5)} ${words}${value}`;
	});
}

function suggestionLines({ text, code, source, behind }: Explanation["suggestion"]): string[] {
	if (code === undefined) return wrapped(`${text}.`);
	const place = source === undefined ? "" : `${behind ? "behind" : "before"} line ${source.line}  `;
	return [...wrapped(`${text}:`), `${pc.dim(place)}${pc.bold(code)}`];
}

/** Text in lines of at most WIDTH characters. */
function wrapped(text: string): string[] {
	const lines = [""];
	for (const word of text.split(" ")) {
		const line = lines.at(-1)!;
		if (line === "") lines[lines.length - 1] = word;
		else if (line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`;
		else lines.push(word);
	}
	return lines;
}
