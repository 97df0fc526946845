/**
 * Real programs with a small change: our verifier's verdict and the running kernel's. What differs is grouped by what
 * both say, and printed worst first, an accept of ours that the kernel refuses with EACCES.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Insn, printInsns } from "@tailhop/core";
import { Random } from "../random.ts";
import { isNothing, type Mutant, mutate, reduceInsns } from "./mutate.ts";
import { type Answer, Opened, readSubjects, type Subject } from "./programs.ts";

const root = process.env.TAILHOP_ROOT ?? resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** Mutants of a program in a row: its maps are made once for them. */
const ROUND = 100;
/** Instructions walked beyond which a mutant isn't compared: ours takes seconds. */
const LONG = 40_000;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		seconds: { type: "string", default: "60" },
		seed: { type: "string", default: "1" },
		count: { type: "string" },
		walked: { type: "string", default: "3000" },
		save: { type: "boolean", default: false },
		help: { type: "boolean", short: "h", default: false },
	},
});
if (values.help) {
	console.log(`npm run fuzz:agree -- [options] [FILE.o or DIR…]   (default: examples and bench/programs)

  --seconds N     (default 60)
  --count N       at most so many mutants
  --seed S        the same seed makes the same mutants of the same objects (default 1)
  --walked N      only programs of which the kernel walks fewer instructions (default 3000)
  --save          writes each class's example to .tmp/fuzz/agree`);
	process.exit(0);
}

const RANKS = [
	"OURS ACCEPTS, EACCES IN THE KERNEL",
	"ours accepts, the kernel refuses",
	"ours refuses, the kernel accepts",
	"other errno",
	"other last line, or number of instructions walked",
];

interface Class {
	count: number;
	readonly rank: number;
	readonly subject: Subject;
	readonly mutant: Mutant;
	readonly kernel: Answer;
	readonly ours: Answer;
}

const paths = positionals.length > 0 ? positionals : [join(root, "examples"), join(root, "bench/programs")];
const subjects = await readSubjects(paths, Number(values.walked));
if (subjects.length === 0) throw new Error(`no programs that the kernel accepts in ${paths.join(", ")}`);
const random = new Random(Number(values.seed), 0);
const classes = new Map<string, Class>();
const total = { mutants: 0, long: 0, unsupported: 0, accepted: 0, verdict: 0, errno: 0, line: 0 };
const unsupported = new Map<string, number>();
const start = Date.now();
const last = Number(values.count ?? Number.POSITIVE_INFINITY);
while (Date.now() - start < Number(values.seconds) * 1000 && total.mutants < last) {
	const subject = random.pick(subjects);
	const opened = await Opened.open(subject);
	try {
		for (let i = 0; i < ROUND; i++) compare(opened, mutate(random, subject.program.insns));
	} finally {
		opened.close();
	}
}
await report();

function compare(opened: Opened, mutant: Mutant): void {
	const kernel = opened.kernel(mutant.insns);
	if (kernel.walked > LONG) {
		total.long++;
		return;
	}
	const ours = opened.ours(mutant.insns, 2 * LONG);
	if (ours.unsupported !== undefined) {
		total.unsupported++;
		unsupported.set(ours.unsupported, (unsupported.get(ours.unsupported) ?? 0) + 1);
		return;
	}
	total.mutants++;
	if (kernel.accepted) total.accepted++;
	const verdict = kernel.accepted === ours.accepted;
	const errno = verdict && kernel.errno === ours.errno;
	const line = errno && !differ(kernel, ours);
	if (verdict) total.verdict++;
	if (errno) total.errno++;
	if (line) total.line++;
	else keep({ count: 0, rank: rankOf(kernel, ours), subject: opened.subject, mutant, kernel, ours });
}

function differ(kernel: Answer, ours: Answer): boolean {
	if (kernel.accepted && ours.accepted) return kernel.walked !== ours.walked;
	return kernel.accepted !== ours.accepted || kernel.errno !== ours.errno || kernel.line !== ours.line;
}

/** Numbers out of the way, so that alike answers count together. */
function shape(text: string): string {
	return text.replace(/0x[0-9a-f]+/g, "N").replace(/-?\d+/g, "N");
}
function kindOf({ accepted, errno, line }: Answer): string {
	return accepted ? "accepted" : `${errno}: ${shape(line)}`;
}
function textOf({ accepted, errno, line, walked }: Answer): string {
	return accepted ? `accepted, ${walked} insns` : `${errno}: ${line}`;
}

/** 0 is the worst: a place in RANKS. */
function rankOf(kernel: Answer, ours: Answer): number {
	if (ours.errno === "crash") return 0;
	if (ours.accepted && !kernel.accepted) return kernel.errno === "EACCES" ? 0 : 1;
	if (kernel.accepted && !ours.accepted) return 2;
	return kernel.errno !== ours.errno ? 3 : 4;
}

function keep(found: Class): void {
	const key = `${kindOf(found.kernel)}  <->  ${kindOf(found.ours)}`;
	const known = classes.get(key);
	if (known === undefined) {
		classes.set(key, { ...found, count: 1 });
		// at once: a long run may be ended early
		if (found.rank <= 1) console.log(`! ${key}  (${found.subject.file} ${found.subject.program.name})`);
		return;
	}
	const smaller = found.mutant.insns.length < known.mutant.insns.length;
	classes.set(key, { ...(smaller ? found : known), count: known.count + 1 });
}

async function report(): Promise<void> {
	const sorted = [...classes].sort(([, a], [, b]) => a.rank - b.rank || b.count - a.count);
	for (const [key, found] of sorted) {
		console.log(`---- ${found.count} × ${RANKS[found.rank]}: ${key}`);
		console.log(await example(key, found));
	}
	for (const [what, count] of [...unsupported].sort((a, b) => b[1] - a[1]).slice(0, 12))
		console.log(`unsupported, ${count} ×: ${what}`);
	const percent = (count: number): string => `${((100 * count) / Math.max(1, total.mutants)).toFixed(3)} %`;
	console.log(
		`${total.mutants} mutants of ${subjects.length} programs in ${((Date.now() - start) / 1000).toFixed(0)} s, ` +
			`${total.accepted} accepted by the kernel: same verdict ${percent(total.verdict)}, errno ${percent(total.errno)}, ` +
			`line and walk ${percent(total.line)}; besides ${total.unsupported} unsupported, ${total.long} too long`,
	);
	process.exitCode = sorted.some(([, { rank }]) => rank === 0) ? 1 : 0;
}

/** One program of a class, made small as long as both say the same kind of thing. */
async function example(key: string, { subject, mutant, kernel, ours }: Class): Promise<string> {
	let insns = mutant.insns;
	let answers = { kernel, ours };
	const opened = await Opened.open(subject);
	try {
		insns = reduceInsns(insns, (smaller) => {
			const again = { kernel: opened.kernel(smaller), ours: opened.ours(smaller, 2 * LONG) };
			if (again.ours.unsupported !== undefined || !differ(again.kernel, again.ours)) return false;
			if (`${kindOf(again.kernel)}  <->  ${kindOf(again.ours)}` !== key) return false;
			answers = again;
			return true;
		});
	} finally {
		opened.close();
	}
	const text = [
		`${subject.file} ${subject.program.name}, type ${subject.program.type}: ${mutant.mutations
			.map(({ insn, what }) => `${what} at ${insn}`)
			.join(", ")}`,
		listing(insns, subject),
		`kernel: ${textOf(answers.kernel)}`,
		`ours:   ${textOf(answers.ours)}`,
		"",
	].join("\n");
	if (values.save) {
		const folder = join(root, ".tmp/fuzz/agree");
		mkdirSync(folder, { recursive: true });
		writeFileSync(join(folder, `${key.replace(/[^a-zA-Z0-9]+/g, "-").slice(0, 100)}.txt`), text);
	}
	return text;
}

/** Lines with their numbers, without what does nothing. */
function listing(insns: readonly Insn[], { linked }: Subject): string {
	const lines: string[] = [];
	for (const [at, insn] of insns.entries()) {
		if (insn.opcode === 0 || isNothing(insn)) continue;
		const slots = insn.opcode === 0x18 ? insns.slice(at, at + 2) : [insn];
		const text = printInsns(slots).trim().split("\n").at(-1)!.trim();
		const map =
			insn.opcode === 0x18 && (insn.src === 5 || insn.src === 6) ? linked.maps[insn.imm] : undefined;
		const about =
			map === undefined
				? ""
				: `   ; ${map.name}: type ${map.type}, key ${map.keySize}, value ${map.valueSize}`;
		lines.push(`  ${String(at).padStart(4)}: ${text}${about}`);
	}
	const shown = 60;
	return lines.length <= shown ? lines.join("\n") : `${lines.slice(-shown).join("\n")}  (the last ${shown})`;
}
