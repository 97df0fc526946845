/**
 * The benchmark. After `npm run build`:
 *
 *   node bench/run.mjs [--filter TEXT] [--json] [--processes 5] [--rounds 11] [--no-kernel] [--no-native]
 *
 * Measures the built packages, as users get them. Every row is run once on every engine and compared (r0, packet,
 * maps) before anything is timed; a difference fails the run. Figures are medians over all rounds of all processes,
 * net of `nop` of the same process; a ratio is the median of the rounds' own ratios, with the quarters and the ends.
 */
import { spawnSync } from "node:child_process";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { GOALS, RATIOS } from "./goals.mjs";
import { buildNative, nativeProblem } from "./native.mjs";
import { printReport } from "./report.mjs";
import { ROWS } from "./rows.mjs";

const { values: options } = parseArgs({
	options: {
		filter: { type: "string" },
		json: { type: "boolean", default: false },
		"no-kernel": { type: "boolean", default: false },
		"no-native": { type: "boolean", default: false },
		processes: { type: "string", default: "5" },
		rounds: { type: "string", default: "11" },
	},
});

const SLOT_UPDATE = { name: "slot-update", kind: "update" };
const TRANSLATION = { name: "translation", kind: "compile" };
/** What a run costs by itself: measured in every process, and subtracted from every other row. */
const NOP = { name: "nop", object: "nop", kind: "base", native: true };
const wanted = (row) => !options.filter || row.name.includes(options.filter);
const rows = [NOP, ...[...ROWS, SLOT_UPDATE].filter(wanted)];
const path = (file) => fileURLToPath(new URL(file, import.meta.url));

async function kernelProblem() {
	if (options["no-kernel"]) return "--no-kernel";
	try {
		const { openKernel } = await import("@tailhop/kernel");
		await openKernel();
		return undefined;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}
const noKernel = await kernelProblem();
const noNative = options["no-native"] ? "--no-native" : await nativeProblem();

/** A script in a process of its own: what it prints, as JSON. */
function spoken(flags, script, argument) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, path(script), argument], {
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
	if (status !== 0) {
		console.error(stderr);
		process.exit(1);
	}
	return JSON.parse(stdout);
}

/** Per row name: what each process said. */
const said = new Map();
const say = (name, result) => said.set(name, [...(said.get(name) ?? []), result]);
const natives =
	noNative === undefined ? buildNative(rows.filter((r) => r.native).map((r) => r.object)) : undefined;
const COMPILERS = ["--no-liftoff", "--no-wasm-lazy-compilation"];
let start;
for (let i = 0; i < Number(options.processes); i++) {
	const job = {
		rows: rows.map((row) => row.name),
		rounds: Number(options.rounds),
		kernel: noKernel === undefined,
		native: natives?.paths ?? {},
	};
	for (const result of spoken([], "worker.mjs", JSON.stringify(job))) say(result.name, result);
	if (wanted(TRANSLATION)) say("translation", spoken(COMPILERS, "costs.mjs", "translation"));
	if (!options.filter) start ??= spoken(["--expose-gc"], "costs.mjs", "start");
	process.stderr.write(`process ${i + 1} of ${options.processes}\n`);
}
natives?.remove();

const sorted = (list) => [...list].sort((a, b) => a - b);
const median = (list) => {
	const values = sorted(list);
	const middle = values.length >> 1;
	return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
};
/** A list of ratios as what is printed: its median, and how far the rounds lay apart. */
const spread = (list) => {
	const values = sorted(list);
	const at = (share) => values[Math.min(values.length - 1, Math.floor(values.length * share))];
	return {
		median: median(values),
		lower: at(0.25),
		upper: at(0.75),
		smallest: values[0],
		largest: values.at(-1),
	};
};

/** Medians of a row, net of nop of the same process unless a hop is what is counted. */
function summary(row) {
	const results = said.get(row.name);
	const failed = results.find((r) => r.error !== undefined);
	const head = { name: row.name, kind: row.kind };
	if (failed)
		return {
			...head,
			error: failed.error,
			unimplemented: /unsupported|unimplemented/.test(failed.code ?? ""),
		};
	const gross = row.hops || row.object === undefined || row === NOP;
	const net = {};
	for (const engine of Object.keys(results[0].times)) {
		net[engine] = results.flatMap((result, process) => {
			const nop = gross ? 0 : median(said.get(NOP.name)[process].times[engine]);
			return result.times[engine].map((ns) => ns - nop);
		});
	}
	const { instructions } = results[0];
	const ratios = {};
	for (const [engine, against] of row === TRANSLATION ? [["translate", "compile"]] : RATIOS) {
		if (net[engine] === undefined || net[against] === undefined) continue;
		ratios[`${engine}/${against}`] = spread(net[engine].map((ns, i) => ns / net[against][i]));
	}
	return {
		...head,
		result: results[0].result,
		...(instructions === undefined ? {} : { instructions }),
		unit: row.hops ? "hop" : row === TRANSLATION ? "1000 instructions" : "run",
		ns: Object.fromEntries(Object.entries(net).map(([engine, list]) => [engine, median(list)])),
		...(row === TRANSLATION ? { bytes: results[0].bytes, cold: results[0].cold } : {}),
		ratios,
	};
}

const summaries = [...rows, ...(said.has("translation") ? [TRANSLATION] : [])].map(summary);
const ofRow = new Map(summaries.map((s) => [s.name, s]));

/** Goals whose rows were all measured. */
const goals = GOALS.flatMap(({ name, rows: names, ratio: [engine, against], goal, each }) => {
	const key = `${engine}/${against}`;
	const parts = names.map((row) => ofRow.get(row)?.ratios?.[key]);
	if (parts.some((part) => part === undefined)) return [];
	const medians = parts.map((part) => part.median);
	const worst = Math.max(...medians);
	const value = each ? worst : Math.exp(medians.reduce((sum, x) => sum + Math.log(x), 0) / medians.length);
	return [
		{
			name,
			ratio: key,
			value,
			...(each ? { worst: names[medians.indexOf(worst)] } : {}),
			...(parts.length === 1 ? { spread: parts[0] } : {}),
			goal,
			met: value <= goal,
		},
	];
});

const report = {
	schema: 2,
	machine: {
		node: process.version,
		os: `${process.platform} ${release()}`,
		cpu: cpus()[0]?.model ?? "unknown",
		cpus: cpus().length,
	},
	processes: Number(options.processes),
	rounds: Number(options.rounds),
	...(noKernel === undefined ? {} : { noKernel }),
	...(noNative === undefined ? {} : { noNative }),
	rows: summaries,
	goals,
	...(start === undefined ? {} : { start }),
};
if (options.json) console.log(JSON.stringify(report, null, "\t"));
else printReport(report);
process.exitCode = summaries.some((s) => s.error !== undefined && !s.unimplemented) ? 1 : 0;
