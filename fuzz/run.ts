// Generated cases on every engine. A difference is shrunk, printed and written to .tmp/fuzz; the exit status is 1 then.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { FuzzCase } from "./case.ts";
import { type Difference, type Engine, openEngines, runCase, type Verdict } from "./engines.ts";
import { FAMILIES, type FamilyName, makeCase } from "./families/index.ts";
import { describe } from "./print.ts";
import { shrink } from "./shrink.ts";

const root = process.env.TAILHOP_ROOT ?? resolve(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, ".tmp", "fuzz");
/** Differences after which a family gives up: they are mostly the same one. */
const ENOUGH = 5;

const { values } = parseArgs({
	options: {
		seconds: { type: "string", default: "60" },
		seed: { type: "string", default: "1" },
		family: { type: "string", default: Object.keys(FAMILIES).join(",") },
		engines: { type: "string", default: "kernel,interpreter" },
		cases: { type: "string" },
		case: { type: "string" },
		show: { type: "string" },
		reasons: { type: "boolean", default: false },
		"no-shrink": { type: "boolean", default: false },
		enough: { type: "string", default: String(ENOUGH) },
		help: { type: "boolean", short: "h", default: false },
	},
});
if (values.help) {
	console.log(`npm run fuzz -- [options]

  --seconds N     for all families together (default 60)
  --seed S        the same seed makes the same cases (default 1)
  --family F,…    ${Object.keys(FAMILIES).join(", ")} (default: all)
  --engines E,…   the first says which cases count (default kernel,interpreter; also wasm, and verified: only what our verifier accepts, compiled bare)
  --cases N       at most so many of each family
  --enough N      differences after which a family gives up (default ${ENOUGH})
  --no-shrink     leave a difference as large as it was found
  --reasons       why the verifier refused what it refused
  --case FILE     runs a saved case again
  --show N        prints case N of the seed, and its verdict`);
	process.exit(0);
}

interface Report {
	cases: number;
	programs: number;
	accepted: number;
	runs: number;
	differences: number;
	readonly reasons: Map<string, number>;
	readonly places: Map<string, number>;
	seconds: number;
	slowest: { readonly index: number; readonly ms: number };
}

const engines = await openEngines(values.engines.split(","));
const families = values.family.split(",").map((name) => {
	if (!(name in FAMILIES)) throw new Error(`no family ${name}: ${Object.keys(FAMILIES).join(", ")}`);
	return name as FamilyName;
});
if (values.case !== undefined) {
	const test: FuzzCase = JSON.parse(readFileSync(values.case, "utf8"));
	const verdict = await runCase(test, engines);
	console.log(describe(test, verdict));
	process.exitCode = verdict.kind === "difference" ? 1 : 0;
} else if (values.show !== undefined) {
	const test = makeCase(families[0]!, Number(values.seed), Number(values.show));
	console.log(describe(test, await runCase(test, engines)));
} else {
	await fuzz();
}

async function fuzz(): Promise<void> {
	let differences = 0;
	for (const family of families) {
		const report = await fuzzFamily(family, (Number(values.seconds) * 1000) / families.length);
		differences += report.differences;
		const { cases, programs, accepted, runs, seconds } = report;
		const percent = programs === 0 ? 0 : Math.round((100 * accepted) / programs);
		console.log(
			`${family}: ${seconds.toFixed(0)} s, ${cases} cases, ${programs} programs, ${accepted} accepted (${percent} %), ` +
				`${runs} runs, ${report.differences} differences, ${(accepted / (seconds / 60)).toFixed(0)} accepted a minute, ` +
				`slowest case ${report.slowest.index} (${report.slowest.ms.toFixed(0)} ms)`,
		);
		for (const [place, count] of top(report.places)) console.log(`  ${count} × differs at ${place}`);
		if (values.reasons)
			for (const [reason, count] of top(report.reasons)) console.log(`  ${count} × ${reason}`);
	}
	process.exitCode = differences > 0 ? 1 : 0;
}

async function fuzzFamily(family: FamilyName, milliseconds: number): Promise<Report> {
	const seed = Number(values.seed);
	const report: Report = {
		cases: 0,
		programs: 0,
		accepted: 0,
		runs: 0,
		differences: 0,
		reasons: new Map(),
		places: new Map(),
		seconds: 0,
		slowest: { index: -1, ms: 0 },
	};
	const start = Date.now();
	const last = values.cases === undefined ? Number.POSITIVE_INFINITY : Number(values.cases);
	while (Date.now() - start < milliseconds && report.cases < last) {
		const index = report.cases++;
		const test = makeCase(family, seed, index);
		const count = Object.keys(test.programs).length;
		report.programs += count;
		let verdict: Verdict;
		const began = performance.now();
		try {
			verdict = await runCase(test, engines);
		} catch (error) {
			console.error(`${family} case ${index} of seed ${seed}:`);
			throw error;
		}
		const took = performance.now() - began;
		if (took > report.slowest.ms) report.slowest = { ms: took, index };
		if (verdict.kind === "rejected") {
			const reason = verdict.reason.replace(/\d+/g, "N");
			report.reasons.set(reason, (report.reasons.get(reason) ?? 0) + 1);
			continue;
		}
		report.accepted += count;
		if (verdict.kind === "agreed") {
			report.runs += verdict.runs;
			continue;
		}
		report.differences++;
		report.places.set(verdict.where, (report.places.get(verdict.where) ?? 0) + 1);
		await found(test, verdict, `${family}-${seed}-${index}`);
		if (report.differences >= Number(values.enough)) break;
	}
	report.seconds = (Date.now() - start) / 1000;
	return report;
}

async function found(test: FuzzCase, verdict: Difference, name: string): Promise<void> {
	const small = values["no-shrink"]
		? { test, verdict }
		: await shrink(test, verdict, engines as readonly Engine[]);
	mkdirSync(out, { recursive: true });
	const file = join(out, `${name}.json`);
	writeFileSync(file, `${JSON.stringify(small.test, undefined, "\t")}\n`);
	console.log(`--- ${name}: ${file}\n${describe(small.test, small.verdict)}\n`);
}

function top(counts: ReadonlyMap<string, number>): [string, number][] {
	return [...counts].sort(([, a], [, b]) => b - a).slice(0, 20);
}
