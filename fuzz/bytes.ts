// npm run fuzz:bytes -- [--seconds N] [--seed S]: changed objects and BTF through readElf, readBtf, parse and link.
// Each case must end with a result or a TailhopError, within a second of CPU and 256 MB. Findings are shortened and
// written to .tmp/fuzz; the exit status is 1 if there are any. `--case FILE` runs one of those again.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { runCase } from "./bytes-case.ts";
import { makeCase } from "./bytes-make.ts";
import type { WorkerInput, WorkerReport } from "./bytes-worker.ts";
import { corpus } from "./corpus.ts";
import { applyEdits, placesOf } from "./mutate.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, ".tmp", "fuzz");
/** Wall-clock milliseconds after which a case is given up as endless. */
const HANG = 30_000;
/** In `progress` until the thread has loaded everything: that takes as long as it takes. */
const NOT_STARTED = -1;

const { values } = parseArgs({
	options: {
		seconds: { type: "string", default: "60" },
		seed: { type: "string", default: "1" },
		case: { type: "string" },
	},
});
if (values.case !== undefined) {
	const kind = values.case.endsWith(".btf") ? "btf" : "object";
	console.log(runCase(kind, new Uint8Array(readFileSync(values.case))));
} else {
	await fuzz(Number(values.seconds), Number(values.seed));
}

async function fuzz(seconds: number, seed: number): Promise<void> {
	const until = Date.now() + seconds * 1000;
	const total: Record<string, number> = {};
	const findings: string[] = [];
	let slowest = { index: -1, ms: 0 };
	let growth = 0;
	let first = 0;
	while (Date.now() < until) {
		const result = await runWorker({ root, out, seed, first, until, progress: new SharedArrayBuffer(4) });
		if (typeof result === "object") {
			for (const [outcome, count] of Object.entries(result.outcomes))
				total[outcome] = (total[outcome] ?? 0) + count;
			findings.push(...result.findings);
			if (result.slowest.ms > slowest.ms) slowest = result.slowest;
			growth = Math.max(growth, result.rss.peak - result.rss.before);
			first = result.next;
		} else {
			findings.push(save(seed, result));
			first = result + 1;
		}
	}
	const cases = Object.values(total).reduce((sum, count) => sum + count, 0);
	for (const [outcome, count] of Object.entries(total).sort(([, a], [, b]) => b - a)) {
		console.log(`${String(count).padStart(9)} ${outcome === "!" ? "findings, repeated ones too" : outcome}`);
	}
	for (const finding of findings) console.log(finding);
	console.log(
		`seed ${seed}: ${cases} cases, ${findings.length} findings, slowest ${Math.round(slowest.ms)} ms (case ${slowest.index}), ` +
			`memory grew by ${Math.round(growth)} MB`,
	);
	if (findings.length > 0 || cases === 0) process.exitCode = 1;
}

/** Runs cases in a thread of its own; the number of the case that it died of, or that never ended. */
function runWorker(input: WorkerInput): Promise<WorkerReport | number> {
	const progress = new Int32Array(input.progress);
	progress[0] = NOT_STARTED;
	const worker = new Worker(join(root, "scripts", "run-ts.mjs"), {
		argv: [join(root, "fuzz", "bytes-worker.ts")],
		workerData: input,
		resourceLimits: { maxOldGenerationSizeMb: 1024 },
	});
	return new Promise((done, fail) => {
		let last = { index: NOT_STARTED, at: Date.now() };
		const watch = setInterval(() => {
			const index = Atomics.load(progress, 0);
			if (index !== last.index || index === NOT_STARTED) last = { index, at: Date.now() };
			if (Date.now() - last.at > HANG) finish(index);
		}, 500);
		const finish = (result: WorkerReport | number) => {
			clearInterval(watch);
			void worker.terminate();
			if (result === NOT_STARTED) fail(new Error("the fuzzing thread did not start"));
			else done(result);
		};
		worker.on("message", (report: WorkerReport) => finish(report));
		worker.on("error", (error) => {
			console.error(error);
			finish(Atomics.load(progress, 0));
		});
		worker.on("exit", () => finish(Atomics.load(progress, 0)));
	});
}

/** A case that killed or blocked its thread: written as it is, not shortened. */
function save(seed: number, index: number): string {
	const originals = corpus(root).map((original) => ({
		...original,
		places: original.kind === "object" ? placesOf(original.bytes) : undefined,
	}));
	const data = makeCase(originals, seed, index);
	mkdirSync(out, { recursive: true });
	const path = join(out, `seed-${seed}-case-${index}.${data.original.kind === "object" ? "o" : "btf"}`);
	writeFileSync(path, applyEdits(data.original.bytes, data.edits));
	writeFileSync(
		`${path}.json`,
		`${JSON.stringify({ original: data.original.name, edits: data.edits }, null, "\t")}\n`,
	);
	return `${path}: the case never ended, or its thread died`;
}
