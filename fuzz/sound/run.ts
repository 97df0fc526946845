/**
 * Is our verifier sound? Generated programs that it accepts run in the checked interpreter, over inputs at the edges of
 * what they compare with, and must not fault. A finding is shrunk, printed and written to .tmp/fuzz/sound.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { edgeBytes } from "../builder.ts";
import type { FuzzCase, FuzzStep } from "../case.ts";
import { FAMILIES, type FamilyName } from "../families/index.ts";
import { hex } from "../harness.ts";
import { describe } from "../print.ts";
import { Random } from "../random.ts";
import { bounds } from "./bounds.ts";
import { check, type Soundness } from "./check.ts";
import { fit } from "./fit.ts";
import { shrink } from "./shrink.ts";

const root = process.env.TAILHOP_ROOT ?? resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** Times that each program of another family runs again, over random packets and maps. */
const AGAIN = 10;
const SOURCES = ["bounds", ...Object.keys(FAMILIES)];

const { values } = parseArgs({
	options: {
		seconds: { type: "string", default: "60" },
		seed: { type: "string", default: "1" },
		family: { type: "string", default: SOURCES.join(",") },
		cases: { type: "string" },
		case: { type: "string" },
		show: { type: "string" },
		reasons: { type: "boolean", default: false },
		enough: { type: "string", default: "5" },
		"no-shrink": { type: "boolean", default: false },
		help: { type: "boolean", short: "h", default: false },
	},
});
if (values.help) {
	console.log(`npm run fuzz:sound -- [options]

  --seconds N     for all families together; bounds takes half of it (default 60)
  --seed S        the same seed makes the same cases (default 1)
  --family F,…    ${SOURCES.join(", ")} (default: all)
  --cases N       at most so many of each family
  --enough N      findings after which it ends (default 5)
  --no-shrink     leave a finding as large as it was found
  --reasons       why the verifier refused what it refused
  --case FILE     runs a saved case again
  --show N        prints case N of the seed, and what became of it`);
	process.exit(0);
}

function make(family: string, index: number): FuzzCase {
	const random = new Random(Number(values.seed), index);
	if (family === "bounds") return fit(bounds(random));
	const generate = FAMILIES[family as FamilyName];
	if (generate === undefined) throw new Error(`no family ${family}: ${SOURCES.join(", ")}`);
	return again(generate(random), random);
}

/** More runs behind a case's own, over anything. */
function again(test: FuzzCase, random: Random): FuzzCase {
	const steps: FuzzStep[] = [...test.steps];
	const arrays = test.maps.filter(({ type, valueSize = 8 }) => type === "array" && valueSize >= 8);
	for (let run = 0; run < AGAIN; run++)
		for (const name of Object.keys(test.programs)) {
			for (const { name: map, valueSize = 8 } of arrays)
				if (random.chance(70)) {
					const value = hex(edgeBytes(random, Math.ceil(valueSize / 8)).subarray(0, valueSize));
					steps.push({ update: map, key: "00000000", value });
				}
			steps.push({ run: name, packet: hex(random.bytes(random.between(14, 200))) });
		}
	return { ...test, steps };
}

function textOf(result: Soundness): string {
	switch (result.kind) {
		case "held":
			return `accepted, ${result.runs} runs without a fault`;
		case "refused":
			return `refused: ${result.errno}: ${result.line}`;
		case "unsupported":
			return `unsupported: ${result.what}`;
		case "unsound":
			return `UNSOUND: accepted, but run ${result.step} ends in ${result.code}: ${result.message}`;
	}
}

function print(test: FuzzCase, result: Soundness): void {
	console.log(describe(test, { kind: "agreed", runs: 0 }).replace(/\nall engines agree$/, ""));
	console.log(textOf(result));
}

async function fuzz(family: string, milliseconds: number): Promise<number> {
	const start = Date.now();
	const reasons = new Map<string, number>();
	const count = { cases: 0, held: 0, refused: 0, unsupported: 0, unsound: 0, runs: 0 };
	const last = Number(values.cases ?? Number.POSITIVE_INFINITY);
	while (Date.now() - start < milliseconds && count.cases < last && count.unsound < Number(values.enough)) {
		const index = count.cases++;
		const test = make(family, index);
		const result = await check(test);
		count[result.kind]++;
		if (result.kind === "held") count.runs += result.runs;
		else if (result.kind === "unsound") await found(test, result, `${family}-${values.seed}-${index}`, start);
		else {
			const reason = textOf(result).replace(/-?\d+/g, "N");
			reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
		}
	}
	const seconds = (Date.now() - start) / 1000;
	console.log(
		`${family}: ${seconds.toFixed(0)} s, ${count.cases} programs or chains, ${count.held + count.unsound} accepted, ` +
			`${count.refused} refused, ${count.unsupported} unsupported, ${count.runs} runs, ${count.unsound} unsound, ` +
			`${((60 * count.cases) / seconds).toFixed(0)} a minute`,
	);
	if (values.reasons)
		for (const [reason, times] of [...reasons].sort(([, a], [, b]) => b - a).slice(0, 30))
			console.log(`  ${times} × ${reason}`);
	return count.unsound;
}

async function found(
	test: FuzzCase,
	result: Extract<Soundness, { kind: "unsound" }>,
	name: string,
	start: number,
): Promise<void> {
	const seconds = ((Date.now() - start) / 1000).toFixed(1);
	console.log(`--- ${name} after ${seconds} s`);
	const small = values["no-shrink"] ? { test, found: result } : await shrink(test, result);
	const folder = join(root, ".tmp", "fuzz", "sound");
	mkdirSync(folder, { recursive: true });
	const file = join(folder, `${name}.json`);
	writeFileSync(file, `${JSON.stringify(small.test, undefined, "\t")}\n`);
	print(small.test, small.found);
	console.log(`${file}\n`);
}

if (values.case !== undefined) {
	const test: FuzzCase = JSON.parse(readFileSync(values.case, "utf8"));
	const result = await check(test);
	print(test, result);
	process.exitCode = result.kind === "unsound" ? 1 : 0;
} else if (values.show !== undefined) {
	const test = make(values.family.split(",")[0]!, Number(values.show));
	print(test, await check(test));
} else {
	const families = values.family.split(",");
	// bounds as much as all others together
	const parts = families.map((family) => (family === "bounds" ? Math.max(1, families.length - 1) : 1));
	const sum = parts.reduce((a, b) => a + b);
	let unsound = 0;
	for (const [i, family] of families.entries())
		unsound += await fuzz(family, (Number(values.seconds) * 1000 * parts[i]!) / sum);
	process.exitCode = unsound > 0 ? 1 : 0;
}
