/**
 * Our verifier over the recorded verdicts of Linux 6.18 (fuzz/verdicts):
 *
 *   npm run verdicts:ours                        the figures by theme, and what differs most
 *   npm run verdicts:ours -- --list [THEME…]     each program that differs
 *   npm run verdicts:ours -- --show THEME/NAME   one program: its code, both answers, our log at level 2
 */
import { parseArgs } from "node:util";
import type { Verdict } from "@tailhop/core";
import { readTheme, themeNames } from "../fuzz/verdicts/files.ts";
import { type Program, printVerdict, type Verdict as Recorded } from "../fuzz/verdicts/format.ts";
import { OurVerifier } from "../fuzz/verdicts/ours.ts";

const { values, positionals } = parseArgs({
	options: {
		list: { type: "boolean", default: false },
		show: { type: "string" },
		top: { type: "string", default: "40" },
		level: { type: "string", default: "2" },
		json: { type: "string" },
	},
	allowPositionals: true,
});

const verifier = new OurVerifier();
const ours = (program: Program, logLevel = 0): Verdict => verifier.verify(program, { logLevel });

interface Tally {
	programs: number;
	verdict: number;
	errno: number;
	line: number;
	insns: number;
	accepted: number;
	unsupported: number;
	crashed: number;
}
const tally = (): Tally => ({
	programs: 0,
	verdict: 0,
	errno: 0,
	line: 0,
	insns: 0,
	accepted: 0,
	unsupported: 0,
	crashed: 0,
});

function textOf(verdict: Verdict | Error): string {
	if (verdict instanceof Error) return `crash: ${verdict.message.split("\n")[0]}`;
	if (verdict.unsupported !== undefined) return `unsupported: ${verdict.unsupported}`;
	if (verdict.accepted)
		return `accepted, ${verdict.stats.insnsProcessed} insns, stack ${verdict.stats.stackDepth.join("+")}`;
	return verdict.lastLine === "" ? `${verdict.errno}` : `${verdict.errno}: ${verdict.lastLine}`;
}

/** Numbers out of the way, so that alike disagreements count together. */
const shape = (text: string) =>
	text
		.replace(/0x[0-9a-f]+/g, "H")
		.replace(/-?\d+/g, "N")
		.replace(/accepted, .*/, "accepted");

const sum = tally();
const rows: [string, Tally][] = [];
const differ = new Map<string, { count: number; first: string }>();
const started = Date.now();
for (const theme of themeNames()) {
	const [wantedTheme, wantedName] = values.show?.split("/") ?? [];
	if (
		wantedTheme !== undefined ? theme !== wantedTheme : positionals.length > 0 && !positionals.includes(theme)
	)
		continue;
	const count = tally();
	for (const { program, verdict: recorded } of readTheme(theme).cases) {
		if (wantedName !== undefined && program.name !== wantedName) continue;
		if (recorded === undefined) continue;
		if (values.show !== undefined) {
			console.log(program.asm.join("\n"));
			console.log(`kernel: ${printVerdict(recorded)}`);
			const answer = ours(program, Number(values.level));
			console.log(answer.log);
			console.log(`ours:   ${textOf(answer)}`);
			continue;
		}
		let answer: Verdict | Error;
		try {
			answer = ours(program);
		} catch (error) {
			answer = error as Error;
		}
		compare(count, recorded, answer, `${theme}/${program.name}`);
	}
	rows.push([theme, count]);
	for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += count[key];
}
if (values.show === undefined) report();

function compare(count: Tally, recorded: Recorded, answer: Verdict | Error, name: string): void {
	count.programs++;
	if (answer instanceof Error) count.crashed++;
	else if (answer.unsupported !== undefined) count.unsupported++;
	const known = !(answer instanceof Error) && answer.unsupported === undefined ? answer : undefined;
	const sameVerdict = known !== undefined && known.accepted === recorded.accepted;
	const sameErrno = sameVerdict && (recorded.accepted || recorded.error === known.errno);
	const sameLine = sameErrno && (recorded.accepted || recorded.line === known.lastLine);
	if (sameVerdict) count.verdict++;
	if (sameErrno) count.errno++;
	if (sameLine) count.line++;
	let sameInsns = true;
	if (sameVerdict && recorded.accepted) {
		count.accepted++;
		const ratio = known.stats.insnsProcessed / recorded.insns;
		sameInsns = ratio === 1;
		if (sameInsns) count.insns++;
	}
	const text = textOf(answer);
	const sameStack = !sameVerdict || !recorded.accepted || text.endsWith(`stack ${recorded.stack}`);
	if (sameLine && sameInsns && sameStack) return;
	if (values.list) console.log(`${name}\n  kernel: ${printVerdict(recorded)}\n  ours:   ${text}`);
	const key =
		sameLine && !sameInsns
			? "accepted by both, other number of insns"
			: sameLine && !sameStack
				? "accepted by both, other stack"
				: `${shape(printVerdict(recorded))}  <->  ${shape(text)}`;
	const seen = differ.get(key);
	if (seen === undefined) differ.set(key, { count: 1, first: name });
	else seen.count++;
}

function report(): void {
	const line = (cells: (string | number)[]) =>
		console.log(
			cells.map((cell, i) => (i === 0 ? String(cell).padEnd(16) : String(cell).padStart(9))).join(""),
		);
	line(["theme", "programs", "verdict", "errno", "line", "insns=", "of", "unsupp.", "crash"]);
	for (const [name, t] of [...rows, ["all", sum] as [string, Tally]])
		line([name, t.programs, t.verdict, t.errno, t.line, t.insns, t.accepted, t.unsupported, t.crashed]);
	const list = [...differ].sort((a, b) => b[1].count - a[1].count).slice(0, Number(values.top));
	for (const [key, { count, first }] of list) console.log(`${String(count).padStart(5)}  ${key}  (${first})`);
	console.log(`${((Date.now() - started) / 1000).toFixed(1)} s`);
}
