/** Runs cases one after another and says before each one which it is, so that bytes.ts sees one that never ends. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { runCase } from "./bytes-case.ts";
import { type CaseData, makeCase } from "./bytes-make.ts";
import { corpus } from "./corpus.ts";
import { applyEdits, placesOf, shorten } from "./mutate.ts";

export interface WorkerInput {
	readonly root: string;
	readonly out: string;
	readonly seed: number;
	readonly first: number;
	readonly until: number;
	/** [0] = the running case, -1 before the first; the clock is the parent's. */
	readonly progress: SharedArrayBuffer;
}

export interface WorkerReport {
	readonly outcomes: Record<string, number>;
	readonly findings: readonly string[];
	readonly slowest: { readonly index: number; readonly ms: number };
	readonly rss: { readonly before: number; readonly peak: number };
	readonly next: number;
}

/** CPU milliseconds that one case may take: the wall clock of a busy machine says nothing. */
const MAX_MS = 1000;
/** Megabytes that the process may grow in one case. */
const MAX_GROWTH = 256;

const input = workerData as WorkerInput;
const originals = corpus(input.root).map((original) => ({
	...original,
	places: original.kind === "object" ? placesOf(original.bytes) : undefined,
}));
const progress = new Int32Array(input.progress);
const outcomes: Record<string, number> = {};
const findings: string[] = [];
let slowest = { index: -1, ms: 0 };
const megabytes = () => process.memoryUsage.rss() / 2 ** 20;
const rss = { before: megabytes(), peak: 0 };

/** What is wrong with a case; undefined if nothing. */
function problemOf(data: CaseData, edits = data.edits): { outcome?: string; problem?: string; ms: number } {
	const bytes = applyEdits(data.original.bytes, edits);
	const before = megabytes();
	const start = process.cpuUsage();
	try {
		const outcome = runCase(data.original.kind, bytes);
		const { user, system } = process.cpuUsage(start);
		const ms = (user + system) / 1000;
		const grown = megabytes() - before;
		if (grown > MAX_GROWTH) return { problem: `grew by ${Math.round(grown)} MB`, ms };
		return ms > MAX_MS ? { problem: "took more than a second", ms } : { outcome, ms };
	} catch (error) {
		return { problem: error instanceof Error ? (error.stack ?? error.message) : String(error), ms: 0 };
	}
}

/** The kind of problem: its first line without numbers, so that one bug is reported once. */
const kindOf = (problem: string) => problem.split("\n").slice(0, 2).join(" ").replace(/\d+/g, "N");
const seen = new Set<string>();

function report(data: CaseData, problem: string): void {
	const kind = kindOf(problem);
	outcomes["!"] = (outcomes["!"] ?? 0) + 1;
	if (seen.has(kind)) return;
	seen.add(kind);
	const edits = shorten(data.edits, (shorter) => {
		const again = problemOf(data, shorter).problem;
		return again !== undefined && kindOf(again) === kind;
	});
	const bytes = applyEdits(data.original.bytes, edits);
	mkdirSync(input.out, { recursive: true });
	const extension = data.original.kind === "object" ? "o" : "btf";
	const path = join(
		input.out,
		`${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.${extension}`,
	);
	writeFileSync(path, bytes);
	const facts = { original: data.original.name, seed: input.seed, index: data.index, edits, problem };
	writeFileSync(`${path}.json`, `${JSON.stringify(facts, null, "\t")}\n`);
	findings.push(`${path}: ${problem.split("\n").slice(0, 3).join(" ")}`);
}

let index = input.first;
for (; Date.now() < input.until; index++) {
	Atomics.store(progress, 0, index);
	const data = makeCase(originals, input.seed, index);
	let result = problemOf(data);
	// once more before it is called slow or large: the collector may have run
	if (result.problem !== undefined && !result.problem.includes("\n")) result = problemOf(data);
	if (result.ms > slowest.ms) slowest = { index, ms: result.ms };
	if (result.problem !== undefined) report(data, result.problem);
	else outcomes[result.outcome!] = (outcomes[result.outcome!] ?? 0) + 1;
	if (index % 64 === 0) rss.peak = Math.max(rss.peak, megabytes());
}
const answer: WorkerReport = { outcomes, findings, slowest, rss, next: index };
parentPort!.postMessage(answer);
