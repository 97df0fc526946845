/**
 * Whole logs of the recorded programs, 6.18's and ours: which lines differ first, by kind.
 *
 *   node scripts/run-ts.mjs fuzz/verdicts/logs.ts [--level 2] [--top 40] [--json FILE] [--no-live] [THEME…]
 *   node scripts/run-ts.mjs fuzz/verdicts/logs.ts --show THEME/NAME        both logs around the first difference
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Verdict } from "@tailhop/core";
import { readTheme, themeNames } from "./files.ts";
import type { Program } from "./format.ts";
import { Oracle } from "./oracle.ts";
import { OurVerifier } from "./ours.ts";

const { values, positionals } = parseArgs({
	options: {
		level: { type: "string", default: "2" },
		top: { type: "string", default: "40" },
		show: { type: "string" },
		json: { type: "string" },
		"no-live": { type: "boolean", default: false },
	},
	allowPositionals: true,
});
const level = Number(values.level);
const oracle = await Oracle.open();

const verifier = new OurVerifier();

/** Instructions walked, above which a log is too long to look at. */
const LONG = 20_000;

const ours = (program: Program, logLevel: number): Verdict => verifier.verify(program, { logLevel });

/** Without what no two loads agree in: time, addresses of maps. `--no-live` leaves stack liveness out too. */
function lines(log: string): string[] {
	const all = log
		.replace(/^verification time \d+ usec$/m, "verification time")
		.replace(/\(18\) (r\d+) = 0x[0-9a-f]+(?: +(?=;))?/g, "(18) $1 = ADDRESS ")
		.split("\n");
	return values["no-live"] ? all.filter((line) => !/^\(\d+\) (frame|live stack)/.test(line)) : all;
}

interface Difference {
	readonly name: string;
	readonly before: string;
	readonly kernel: string;
	readonly ours: string;
}

function firstDifference(name: string, kernel: string[], mine: string[]): Difference | undefined {
	const at = kernel.findIndex((line, i) => line !== mine[i]);
	if (at < 0 && kernel.length === mine.length) return undefined;
	const i = at < 0 ? kernel.length : at;
	return { name, before: kernel[i - 1] ?? "", kernel: kernel[i] ?? "(end)", ours: mine[i] ?? "(end)" };
}

/** Alike differences count together: the parts of the two lines that differ, without their numbers. */
function kind({ kernel, ours: mine }: Difference): string {
	const shape = (line: string) =>
		line
			.replace(/0x[0-9a-f]+/g, "H")
			.replace(/-?\d+/g, "N")
			.replace(/^N: \(.*?\).*?(;|$)/, "N: (…) … ;");
	const [a, b] = [shape(kernel).split(" "), shape(mine).split(" ")];
	const from = a.findIndex((word, i) => word !== b[i]);
	if (from < 0) return "numbers only";
	const part = (words: string[]) =>
		words
			.slice(from, from + 4)
			.join(" ")
			.slice(0, 70) || "(nothing)";
	return `${part(a)}  <->  ${part(b)}`;
}

let same = 0;
let left = 0;
let long = 0;
const differences: Difference[] = [];
const [showTheme, showName] = values.show?.split("/") ?? [];
for (const theme of themeNames()) {
	if (showTheme !== undefined ? theme !== showTheme : positionals.length > 0 && !positionals.includes(theme))
		continue;
	for (const { program, verdict } of readTheme(theme).cases) {
		if (verdict === undefined || (showName !== undefined && program.name !== showName)) continue;
		let answer: Verdict;
		try {
			answer = ours(program, 0);
		} catch {
			left++;
			continue;
		}
		if (answer.unsupported !== undefined || answer.accepted !== verdict.accepted) {
			left++;
			continue;
		}
		if (answer.stats.insnsProcessed > LONG) {
			long++;
			continue;
		}
		const kernel = lines(oracle.log(program, level));
		const difference = firstDifference(`${theme}/${program.name}`, kernel, lines(ours(program, level).log));
		if (showName !== undefined)
			console.log(`${kernel.join("\n")}\n---- ours ----\n${ours(program, level).log}`);
		if (difference === undefined) same++;
		else differences.push(difference);
	}
}
oracle.close();

const kinds = new Map<string, Difference[]>();
for (const difference of differences) {
	const key = kind(difference);
	kinds.set(key, [...(kinds.get(key) ?? []), difference]);
}
const sorted = [...kinds].sort((a, b) => b[1].length - a[1].length);
for (const [key, all] of sorted.slice(0, Number(values.top))) {
	const [first] = all;
	console.log(`${String(all.length).padStart(5)}  ${key}   (${first!.name})`);
	console.log(`         kernel ${first!.kernel.slice(0, 220)}\n         ours   ${first!.ours.slice(0, 220)}`);
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(differences, null, "\t"));
console.log(
	`level ${level}: ${same} logs the same, ${differences.length} differ, ${long} too long, ${left} left (no verdict of ours, or another)`,
);
