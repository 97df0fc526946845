/**
 * Runs the programs of a folder of objects on the Machine and in the kernel, over the same packets and the same
 * maps, and says where the two differ: verdict, packet, context, events, maps.
 *
 *     npm run agree -- DIR                 as root, where bpf(2) is allowed; nothing is attached
 *     npm run agree -- DIR --fill 4        with maps that are filled round by round with what programs looked for
 *     npm run agree -- DIR --config 2      twice more, with other values for configuration in read-only data
 *
 * It runs itself in a network namespace of its own (unshare -n), in which it makes a pair of devices, routes and
 * neighbours (--no-world: it does not), and tells the Machine's Environment the same.
 *
 * Options:
 *   --filter TEXT      files whose names have this in them
 *   --packets N        so many of the packets
 *   --fill ROUNDS      rounds of filling maps; --seed N gives others
 *   --engine wasm      default: the interpreter, which also counts the instructions that ran
 *   --untyped SECTION  what programs are whose section does not say it; default xdp
 *   --each             compare maps after each run, not after each program
 *   --raw              leave random numbers and clocks in; otherwise these calls are constants on both sides
 *   --all              every difference, not the first two of a program
 *   --no-coverage      faster
 *   --evidence FILE    which helpers ran: see scripts/parity.ts
 *   --json
 *
 * Exit status 1: something differs that is no accident (agree/explain.ts).
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import {
	type Btf,
	type Difference,
	type Hop,
	hookFor,
	type LinkedObject,
	link,
	MAP_TYPE,
	type ObjectSpec,
	parse,
	readBtf,
	TailhopError,
	type Target,
} from "@tailhop/core";
import { openKernel, pinToCpu } from "@tailhop/kernel";
import { withConstants } from "./agree/constant.ts";
import { contextOf } from "./agree/contexts.ts";
import { explain } from "./agree/explain.ts";
import { configuration, fillFromLookups, fillOutside, random } from "./agree/fill.ts";
import { samples } from "./agree/packets.ts";
import { type Chance, ELSEWHERE, type Engine, HERE, Pair } from "./agree/pair.ts";
import { emptyReport, printReport, printTable, type Report } from "./agree/report.ts";
import { textOf } from "./agree/text.ts";
import { inNamespace, makeWorld } from "./agree/world.ts";

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		filter: { type: "string", default: "" },
		packets: { type: "string" },
		fill: { type: "string", default: "0" },
		seed: { type: "string", default: "1" },
		json: { type: "boolean", default: false },
		config: { type: "string", default: "0" },
		world: { type: "boolean", default: true },
		engine: { type: "string", default: "interpreter" },
		evidence: { type: "string" },
		untyped: { type: "string", default: "xdp" },
		each: { type: "boolean", default: false },
		raw: { type: "boolean", default: false },
		all: { type: "boolean", default: false },
		coverage: { type: "boolean", default: true },
	},
	allowNegative: true,
});
if (positionals.length === 0) {
	console.error("usage: npm run agree -- DIR… [--filter TEXT] [--packets N] [--fill ROUNDS] [--json]");
	process.exit(2);
}

// routes, neighbours and devices that both sides know: in a network namespace of our own
if (inNamespace()) process.exit(process.exitCode);
const world = options.world && process.env.TAILHOP_AGREE_NAMESPACE !== undefined ? makeWorld() : {};
const kernel = await openKernel();
pinToCpu(kernel, 0);

/** Kernels preallocate these: half a million LRU entries take gigabytes, and no run of ours needs them. */
const MOST_ENTRIES = 4096;
const PREALLOCATED: ReadonlySet<number> = new Set([
	MAP_TYPE.HASH,
	MAP_TYPE.PERCPU_HASH,
	MAP_TYPE.LRU_HASH,
	MAP_TYPE.LRU_PERCPU_HASH,
]);
let vmlinuxBtf: Btf | undefined;
const engine: Engine = options.engine === "wasm" ? "wasm" : "interpreter";
/** Differences of one program that are shown. */
const SHOWN = options.all ? Number.POSITIVE_INFINITY : 2;

/** Within the folder that was named; a file that was named keeps its path. */
function nameOf(file: string): string {
	const folder = positionals.find((path) => file.startsWith(join(path, "/")));
	return folder === undefined ? file : relative(folder, file);
}

function* objects(path: string): Generator<string> {
	if (!statSync(path).isDirectory()) {
		if (path.endsWith(".o")) yield path;
		return;
	}
	for (const entry of readdirSync(path).sort())
		if (!/^\.|^node_modules$/.test(entry)) yield* objects(join(path, entry));
}

/** `config` 0: as the object says; else other values for its configuration. */
async function agree(file: string, name: string, config: number): Promise<Report> {
	const report = await runFile(file, name, config, engine, HERE);
	if (report.differences.length === 0) return report;
	// once more where things lie elsewhere, which tells accidents from disagreement
	const here = engine === "interpreter" ? report : await runFile(file, name, config, "interpreter", HERE);
	explain(report, here, await runFile(file, name, config, "interpreter", ELSEWHERE));
	return report;
}

async function runFile(
	file: string,
	name: string,
	config: number,
	on: Engine,
	chance: Chance,
): Promise<Report> {
	const report = emptyReport(config === 0 ? name : `${name}, configuration ${config}`);
	try {
		const spec = parse(readFileSync(file), { file: name });
		const runnable = runnablePrograms(spec);
		if (runnable.names.length === 0) return { ...report, skipped: runnable.why };
		const rodata = config === 0 ? {} : configuration(spec, random(Number(options.seed) + config));
		if (config > 0 && Object.keys(rodata).length === 0) return { ...report, skipped: "no configuration" };
		const pair = await Pair.open(
			made(report, spec, { programs: runnable.names, rodata }),
			(programs) => made(report, spec, { programs, rodata }),
			{ coverage: options.coverage && on === "interpreter", chance, world, engine: on },
		);
		try {
			report.refused = [...pair.kernel.rejections.keys()];
			runAll(pair, report);
		} finally {
			pair.close();
		}
	} catch (error) {
		if (!(error instanceof TailhopError)) throw error;
		report.skipped = `${error.code}: ${error.message}`;
	}
	return report;
}

/** Linked for this machine, large maps small, and without what nobody can compare. */
function made(report: Report, spec: ObjectSpec, more: Target): LinkedObject {
	const linked = link(spec, target(spec, more));
	if (options.raw) return linked;
	const { linked: constant, replaced } = withConstants(linked);
	report.replaced = [...replaced];
	return constant;
}

function target(spec: ObjectSpec, more: Target): Target {
	const large = spec.maps.filter(
		({ type, maxEntries }) => PREALLOCATED.has(type) && Number(maxEntries) > MOST_ENTRIES,
	);
	// a section's name that says no type
	const untyped = spec.functions.filter((one) => one.program && one.kind === undefined);
	return {
		cpus: kernel.cpus,
		btf: vmlinux(),
		maxEntries: Object.fromEntries(large.map((map) => [map.name, MOST_ENTRIES])),
		programTypes: Object.fromEntries(untyped.map((one) => [one.name, options.untyped])),
		...more,
	};
}

function vmlinux(): Btf {
	vmlinuxBtf ??= readBtf(readFileSync("/sys/kernel/btf/vmlinux"));
	return vmlinuxBtf;
}
/** Programs of types that both sides can run and that link, alone where the object does not link as a whole. */
function runnablePrograms(spec: ObjectSpec): { readonly names: readonly string[]; readonly why: string } {
	const names: string[] = [];
	let why = "no program of a type that can be test-run";
	for (const name of spec.functions.filter((one) => one.program).map((one) => one.name)) {
		try {
			const program = link(spec, target(spec, { programs: [name] })).programs[0];
			if (program !== undefined && hookFor(program.type) !== undefined) names.push(program.name);
		} catch (error) {
			if (!(error instanceof TailhopError)) throw error;
			why = `${error.code}: ${error.message}`;
		}
	}
	return { names, why };
}

function runAll(pair: Pair, report: Report): void {
	const next = random(Number(options.seed));
	const programs = [...pair.kernel.programs.keys()];
	const packets = samples(options.packets === undefined ? undefined : Number(options.packets));
	const sites = new Set<string>();
	report.programs = programs.length;
	report.insns = pair.linked.programs.reduce((sum, program) => sum + program.insns.length, 0);
	const say = (program: string, packet: string, round: number, differences: readonly Difference[]) => {
		for (const difference of differences)
			report.differences.push({ program, packet, round, what: difference.what, text: textOf(difference) });
	};
	for (let round = 0; round <= Number(options.fill); round++) {
		const hops: Hop[] = [];
		for (const program of programs) {
			const { type } = pair.linked.programs.find((each) => each.name === program)!;
			for (const [index, { name, packet }] of packets.entries()) {
				const context = contextOf(type, round, index, next);
				const run = pair.run(program, { packet, context });
				report.runs++;
				if (run.refused) report.refusedInputs++;
				const maps = options.each ? pair.compareMaps() : [];
				if (run.differences.length + maps.length === 0) report.same++;
				say(program, name, round, [...run.differences, ...maps]);
				for (const hop of run.machine.hops) {
					if (hop.outcome !== "taken") hops.push(hop);
					else {
						report.hops++;
						report.longest = Math.max(report.longest, hop.count + 1);
						sites.add(`${hop.from.program} ${hop.from.insn} ${hop.slot}`);
					}
				}
				report.events += run.machine.output.filter(
					(each) => each.kind === "perf" || each.kind === "ringbuf",
				).length;
			}
			if (!options.each) say(program, "(all)", round, pair.compareMaps());
		}
		const said: string[] = [];
		if (round === 0 && Number(options.fill) > 0) said.push(...fillOutside(pair, next));
		if (round < Number(options.fill)) said.push(...fillFromLookups(pair, hops, programs, next));
		for (const text of said)
			report.differences.push({ program: "(fill)", packet: "", round, what: "fill", text });
	}
	report.tailCalls = sites.size;
	report.helpers = Object.fromEntries(pair.helperCalls());
	for (const [program, insns] of pair.covered) if (programs.includes(program)) report.covered += insns.size;
	for (const { def, machine } of pair.maps.values())
		if (PREALLOCATED.has(def.type) || def.type === MAP_TYPE.LPM_TRIE)
			report.entries += [...machine.contents()].length;
}

const reports: Report[] = [];
for (const file of positionals.flatMap((path) => [...objects(path)])) {
	const name = nameOf(file);
	if (!name.includes(options.filter)) continue;
	for (let config = 0; config <= Number(options.config); config++) {
		const report = await agree(file, name, config);
		reports.push(report);
		if (!options.json) printReport(report, SHOWN);
	}
}
if (options.evidence !== undefined) writeEvidence(options.evidence);
if (options.json) console.log(JSON.stringify(reports, undefined, "\t"));
else printTable(reports);
const unexplained = ({ differences }: Report) => differences.some(({ cause }) => cause === undefined);
process.exitCode = reports.some(unexplained) ? 1 : 0;

/** Calls that ran alike, of the objects without a difference: `scripts/parity.ts` reads them. */
function writeEvidence(path: string): void {
	const samples: Record<string, number> = {};
	for (const { helpers, differences } of reports) {
		if (differences.length > 0) continue;
		for (const [key, count] of Object.entries(helpers)) samples[key] = (samples[key] ?? 0) + count;
	}
	const known = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { tests: {} };
	const sorted = Object.fromEntries(Object.entries(samples).sort(([a], [b]) => (a < b ? -1 : 1)));
	writeFileSync(path, `${JSON.stringify({ ...known, samples: sorted }, undefined, "\t")}\n`);
}
