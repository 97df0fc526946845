/**
 * The benchmark. After `npm run build`:
 *
 *   node bench/run.mjs [--filter TEXT] [--json] [--processes 5] [--rounds 11] [--no-kernel]
 *
 * Measures the built packages, as users get them. Every row is run once on every engine and compared (r0, packet,
 * maps) before anything is timed; a difference fails the run. Figures are medians over all rounds of all processes,
 * net of `nop` of the same process; the ratio is the median of the rounds' own ratios, with the smallest and largest.
 */
import { spawnSync } from "node:child_process";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ROWS } from "./rows.mjs";

const { values: options } = parseArgs({
	options: {
		filter: { type: "string" },
		json: { type: "boolean", default: false },
		"no-kernel": { type: "boolean", default: false },
		processes: { type: "string", default: "5" },
		rounds: { type: "string", default: "11" },
	},
});
/** What `checked` may take of `unchecked`'s time, on each compute program. */
const GOAL = 2.5;

/** What a run costs by itself: measured in every process, and subtracted from every other row. */
const NOP = { name: "nop", object: "nop", kind: "base" };
const rows = [NOP, ...ROWS.filter((row) => !options.filter || row.name.includes(options.filter))];
const worker = fileURLToPath(new URL("worker.mjs", import.meta.url));

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

/** Per row name: what each process said. */
const said = new Map();
for (let i = 0; i < Number(options.processes); i++) {
	const job = {
		rows: rows.map((row) => row.name),
		rounds: Number(options.rounds),
		kernel: noKernel === undefined,
	};
	const { status, stdout, stderr } = spawnSync(process.execPath, [worker, JSON.stringify(job)], {
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
	if (status !== 0) {
		console.error(stderr);
		process.exit(1);
	}
	for (const result of JSON.parse(stdout)) said.set(result.name, [...(said.get(result.name) ?? []), result]);
	if (!options.json) process.stderr.write(`process ${i + 1} of ${options.processes}\r`);
}

const median = (list) => {
	const sorted = [...list].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const engines = ["checked", "unchecked", ...(noKernel === undefined ? ["kernel"] : [])];

/** Medians of a row, net of nop of the same process unless a hop is what is counted. */
function summary(row) {
	const results = said.get(row.name);
	const failed = results.find((r) => r.error !== undefined);
	if (failed)
		return {
			name: row.name,
			kind: row.kind,
			error: failed.error,
			unimplemented: /unsupported|unimplemented/.test(failed.code ?? ""),
		};
	const net = Object.fromEntries(
		engines.map((engine) => [
			engine,
			results.flatMap((result, process) => {
				const nop = row.hops || row === NOP ? 0 : median(said.get(NOP.name)[process].times[engine]);
				return result.times[engine].map((ns) => ns - nop);
			}),
		]),
	);
	const ratios = net.checked.map((ns, i) => ns / net.unchecked[i]).sort((a, b) => a - b);
	const { instructions } = results[0];
	return {
		name: row.name,
		kind: row.kind,
		result: results[0].result,
		instructions,
		unit: row.hops ? "hop" : "run",
		ns: Object.fromEntries(engines.map((engine) => [engine, median(net[engine])])),
		...(row.hops || row === NOP
			? {}
			: {
					nsPerInstruction: Object.fromEntries(
						engines.map((engine) => [engine, median(net[engine]) / instructions]),
					),
				}),
		ratio: { median: median(ratios), smallest: ratios[0], largest: ratios.at(-1) },
	};
}

const summaries = rows.map(summary);
const wrong = summaries.filter((s) => s.error !== undefined && !s.unimplemented);
const machine = {
	node: process.version,
	os: `${process.platform} ${release()}`,
	cpu: cpus()[0]?.model ?? "unknown",
	cpus: cpus().length,
};

if (options.json) {
	console.log(
		JSON.stringify(
			{ schema: 1, machine, ...(noKernel === undefined ? {} : { noKernel }), rows: summaries },
			null,
			"\t",
		),
	);
} else {
	const n = (value, digits) => (value === undefined ? "" : value.toFixed(digits));
	const table = [
		["program", "insns", "checked", "unchecked", "ratio (spread)", "checked", "unchecked", "kernel"],
	];
	for (const s of summaries) {
		if (s.error !== undefined) {
			table.push([s.name, s.unimplemented ? "not run: " : "FAILED: ", s.error]);
			continue;
		}
		const per = s.nsPerInstruction;
		const ratio = `${n(s.ratio.median, 2)} (${n(s.ratio.smallest, 2)}-${n(s.ratio.largest, 2)})`;
		const head =
			per === undefined
				? [s.name, s.unit === "hop" ? "a hop" : "a run", "", ""]
				: [s.name, n(s.instructions, 0), n(per.checked, 2), n(per.unchecked, 2)];
		table.push([
			...head,
			ratio,
			n(s.ns.checked, 0),
			n(s.ns.unchecked, 0),
			n(s.ns.kernel, s.ns.kernel < 100 ? 1 : 0),
		]);
	}
	const widths = table[0].map((_, i) =>
		Math.max(...table.filter((r) => r.length === table[0].length).map((r) => r[i].length)),
	);
	console.log(
		`${machine.node}, ${machine.os}, ${machine.cpu} (${machine.cpus}); ${options.processes} processes, ${options.rounds} rounds each`,
	);
	console.log(
		`${" ".repeat(widths[0] + 2)}${" ".repeat(widths[1] + 2)}ns per instruction${" ".repeat(Math.max(2, widths[2] + widths[3] + widths[4] + 6 - 18))}ns per run, or per hop`,
	);
	for (const line of table) {
		const cells =
			line.length === table[0].length
				? line.map((c, i) => (i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i])))
				: line;
		console.log(cells.join("  ").trimEnd());
	}
	if (noKernel !== undefined) console.log(`no kernel: ${noKernel}`);
	const compute = summaries.filter((s) => s.kind === "compute" && s.error === undefined);
	const met = compute.filter((s) => s.ratio.median <= GOAL);
	if (compute.length > 0)
		console.log(
			`checked at most ${GOAL} times unchecked: ${met.length} of ${compute.length} compute programs`,
		);
	console.log(
		`results equal on ${engines.join(", ")}: ${summaries.length - summaries.filter((s) => s.error).length} of ${summaries.length} programs`,
	);
}
process.exitCode = wrong.length > 0 ? 1 : 0;
