/**
 * Parses and links every object below a folder, and prints a table per folder: what loads, what is refused and why,
 * slots, tail-call sites. For public sample objects that are not committed:
 *
 *   npm run samples -- DIR            a table
 *   npm run samples -- DIR --errors   every refusal, a line each
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import {
	analyze,
	blockOf,
	type Cfg,
	controlFlow,
	type LinkedObject,
	link,
	opOf,
	parse,
	slotsOf,
	TailhopError,
} from "@tailhop/core";

interface Row {
	files: number;
	parsed: number;
	/** Objects that link as a whole. */
	linked: number;
	/** Programs found, and those that link, alone where the object does not link as a whole. */
	programs: number;
	good: number;
	slots: number;
	tags: number;
	sites: number;
	straight: number;
	proven: number;
	insns: number;
	readonly errors: Map<string, number>;
}

const args = process.argv.slice(2);
const directory = args.find((one) => !one.startsWith("--")) ?? process.env.TAILHOP_SAMPLES;
const showErrors = args.includes("--errors");
if (directory === undefined) {
	console.error(
		"usage: npm run samples -- DIR [--errors]\nNo folder and no TAILHOP_SAMPLES: 0 objects checked.",
	);
	process.exit(2);
}

const graphs = new WeakMap<object, Cfg>();
const rows = new Map<string, Row>();
let failed = 0;
for (const file of objects(directory)) {
	const name = relative(directory, file);
	const folder = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : ".";
	let row = rows.get(folder);
	if (row === undefined) {
		row = {
			files: 0,
			parsed: 0,
			linked: 0,
			programs: 0,
			good: 0,
			slots: 0,
			tags: 0,
			sites: 0,
			straight: 0,
			proven: 0,
			insns: 0,
			errors: new Map(),
		};
		rows.set(folder, row);
	}
	row.files++;
	const spec = attempt(row, name, () => parse(readFileSync(file), { file: name }));
	if (spec === undefined) continue;
	row.parsed++;
	row.tags += spec.slots.filter((one) => one.from === "decl_tag").length;
	const programs = spec.functions.filter((one) => one.program).map((one) => one.name);
	row.programs += programs.length;
	const whole = attempt(row, name, () => link(spec));
	if (whole !== undefined) {
		row.linked++;
		count(row, whole);
		continue;
	}
	for (const program of programs) {
		try {
			count(row, link(spec, { programs: [program] }));
		} catch (error) {
			if (!(error instanceof TailhopError)) throw error;
		}
	}
}
print();
process.exitCode = failed > 0 ? 1 : 0;

/** Objects below a folder: whatever begins as ELF does, and everything below a folder named invalid. */
function* objects(path: string): Generator<string> {
	if (!statSync(path).isDirectory()) {
		if (path.endsWith(".o") || path.includes("/invalid/")) yield path;
		return;
	}
	for (const entry of readdirSync(path).sort()) if (!entry.startsWith(".")) yield* objects(join(path, entry));
}

/** What `make` gives, or undefined with its error counted. */
function attempt<T>(row: Row, name: string, make: () => T): T | undefined {
	try {
		return make();
	} catch (error) {
		if (!(error instanceof TailhopError)) {
			failed++;
			console.error(`${name}: not a TailhopError:`, error);
			return undefined;
		}
		row.errors.set(error.code, (row.errors.get(error.code) ?? 0) + 1);
		if (showErrors) console.log(`${name}: ${error.code}: ${error.message} ${JSON.stringify(error.where)}`);
		return undefined;
	}
}

function count(row: Row, linked: LinkedObject): void {
	row.good += linked.programs.length;
	row.slots += linked.slots.length;
	for (const program of linked.programs) {
		row.insns += program.insns.length;
		const facts = analyze(program, linked.maps);
		const { insns } = program;
		for (let at = 0; at < insns.length; at += slotsOf(insns[at]!)) {
			if (opOf(insns[at]!) !== "call" || insns[at]!.imm !== 12) continue;
			row.sites++;
			if (immediateBefore(insns, blockStart(program, at), at)) row.straight++;
			const fact = facts.tailCalls.get(at);
			if (fact?.map !== undefined && fact.slot !== undefined) row.proven++;
		}
	}
}

/** Where the straight line that an instruction stands in begins. */
function blockStart({ functions, insns }: LinkedObject["programs"][number], insn: number): number {
	const one = functions.find(({ start, end }) => start <= insn && insn < end)!;
	let cfg = graphs.get(one);
	if (cfg === undefined) {
		cfg = controlFlow(insns, one.start, one.end);
		graphs.set(one, cfg);
	}
	return blockOf(cfg, insn).start;
}

/** r3 is set by a constant in the straight line before the call. */
function immediateBefore(
	insns: LinkedObject["programs"][number]["insns"],
	start: number,
	call: number,
): boolean {
	for (let at = call - 1; at >= start; at--) {
		const op = opOf(insns[at]!);
		if (op === "mov64" || op === "mov32") {
			if (insns[at]!.dst === 3) return (insns[at]!.opcode & 8) === 0;
			continue;
		}
		if (op === "lddw" && insns[at]!.dst === 3) return true;
		if (
			op === undefined ||
			op.startsWith("j") ||
			op === "exit" ||
			op.startsWith("call") ||
			op === "may_goto"
		) {
			// the second slot of a lddw has no op
			if (op === undefined && insns[at]!.opcode === 0) continue;
			return false;
		}
		if (insns[at]!.dst === 3 && !op.startsWith("st")) return false;
	}
	return false;
}

function print(): void {
	const head = [
		"folder",
		"files",
		"parsed",
		"linked",
		"programs",
		"good",
		"slots",
		"tags",
		"call 12",
		"static",
		"proven",
		"insns",
		"refused",
	];
	const lines = [...rows].map(([folder, row]) => [
		folder,
		...[
			row.files,
			row.parsed,
			row.linked,
			row.programs,
			row.good,
			row.slots,
			row.tags,
			row.sites,
			row.straight,
			row.proven,
			row.insns,
		].map(String),
		[...row.errors].map(([code, times]) => `${times} ${code}`).join(", "),
	]);
	const totals = head.map((_, i) =>
		i === 0 ? "all" : i === 12 ? "" : String(lines.reduce((sum, line) => sum + Number(line[i]), 0)),
	);
	const table = [head, ...lines, totals];
	const widths = head.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
	for (const line of table)
		console.log(
			line
				.map((cell, i) => (i === 0 || i === 12 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
				.join("  ")
				.trimEnd(),
		);
}
