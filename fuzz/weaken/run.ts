/**
 * Do our fuzzers find mistakes? Each weakening of the table is planted into a copy of the source, and looked for in a
 * processes of their own: by fuzz:sound and by the recorded verdicts, whichever is first. Exit status 1 when one is not found.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { wrongVerdicts } from "./recorded.ts";
import { WEAKENINGS, type Weakening } from "./table.ts";

const root = process.env.TAILHOP_ROOT ?? resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const copy = join(root, ".tmp", "weaken");
const GENERATED = "packages/core/src/verifier/state/wasm.generated.ts";
/** Wrong verdicts to look at: the verifier as it is may have some of them as well. */
const ENOUGH = 2;

/** The searches of one weakening. */
const running = new Set<ChildProcess>();
let ending = false;

const { values } = parseArgs({
	options: {
		seconds: { type: "string", default: "120" },
		seed: { type: "string", default: "1" },
		only: { type: "string", default: "" },
		help: { type: "boolean", short: "h", default: false },
	},
});
if (values.help) {
	console.log(`npm run fuzz:weaken -- [options]

  --seconds N   of fuzz:sound for each weakening, beside the recorded verdicts (default 120)
  --seed S      of fuzz:sound (default 1)
  --only REGEXP only weakenings whose names match`);
	process.exit(0);
}

const sourceOf = (folder: string, { file }: Weakening): string => join(folder, "packages/core", file);
const wanted = WEAKENINGS.filter(({ name }) => new RegExp(values.only).test(name));
for (const weakening of wanted) planted(root, weakening);
makeCopy();
let missed = 0;
console.log(row("weakening", "found by", "after", "seconds"));
for (const weakening of wanted) {
	const start = Date.now();
	const found = await find(weakening);
	if (found === undefined) missed++;
	const seconds = ((Date.now() - start) / 1000).toFixed(0);
	console.log(row(weakening.name, found?.by ?? "NOT FOUND", found?.after ?? "", seconds));
}
console.log(`${wanted.length - missed} of ${wanted.length} weakenings found`);
process.exitCode = missed > 0 ? 1 : 0;

function row(name: string, by: string, after: string, seconds: string): string {
	return `${name.padEnd(64)} ${by.padEnd(10)} ${seconds.padStart(8)}  ${after}`;
}

/** The source with the mistake; throws where the table doesn't fit the source any more. */
function planted(folder: string, weakening: Weakening): string {
	const { name, file, from, to } = weakening;
	const source = readFileSync(sourceOf(folder, weakening), "utf8");
	const times = source.split(from).length - 1;
	if (times !== 1)
		throw new Error(`"${name}": its text stands ${times} times in packages/core/${file}, not once:\n${from}`);
	return source.replace(from, () => to);
}

/** What the workers need of the source, with the same node_modules. */
function makeCopy(): void {
	rmSync(copy, { recursive: true, force: true });
	const folders = [
		"scripts",
		"fuzz",
		...readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`),
	];
	for (const path of [...folders, "packages/core/assembly", "tsconfig.json", "package.json"])
		if (existsSync(join(root, path))) cpSync(join(root, path), join(copy, path), { recursive: true });
	mkdirSync(copy, { recursive: true });
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
}

interface Found {
	readonly by: string;
	readonly after: string;
}

async function find(weakening: Weakening): Promise<Found | undefined> {
	const compiled = weakening.file.startsWith("assembly/");
	const changed = [sourceOf(copy, weakening), ...(compiled ? [join(copy, GENERATED)] : [])];
	// of the copy: the source itself may change while this runs
	const before = changed.map((file) => readFileSync(file));
	writeFileSync(changed[0]!, planted(copy, weakening));
	try {
		if (compiled) await node(["scripts/build-wasm.mjs"], 300);
		return await either(bySound(), byRecorded());
	} finally {
		for (const [at, file] of changed.entries()) writeFileSync(file, before[at]!);
	}
}

/** What comes first and isn't undefined; ends the other. */
async function either(...searches: readonly Promise<Found | undefined>[]): Promise<Found | undefined> {
	ending = false;
	try {
		return await Promise.any(
			searches.map(async (search) => {
				const found = await search;
				if (found === undefined) throw new Error("nothing found");
				return found;
			}),
		);
	} catch {
		return undefined;
	} finally {
		ending = true;
		await Promise.all([...running].map(ended));
	}
}

function ended(child: ChildProcess): Promise<void> {
	return new Promise((done) => {
		child.on("close", () => done());
		child.kill("SIGKILL");
	});
}

/** A search that could not be made says nothing of the mistake, unless it was ended because the other had found it. */
function broken(what: string, output: string): undefined {
	if (!ending) console.error(`${what} ended without an answer:\n${output.slice(-2000)}`);
	return undefined;
}

async function bySound(): Promise<Found | undefined> {
	const seconds = Number(values.seconds);
	const options = ["--family", "bounds", "--enough", "1", "--no-shrink", "--seed", values.seed];
	const output = await node(
		["scripts/run-ts.mjs", "fuzz/sound/run.ts", ...options, "--seconds", values.seconds],
		seconds + 60,
	);
	const found = /^--- bounds-\d+-(\d+) after ([\d.]+) s/m.exec(output);
	const fault = /ends in (fault\/\w+)/.exec(output)?.[1] ?? "";
	if (found === null && !/^bounds: /m.test(output)) return broken("fuzz:sound", output);
	return found === null
		? undefined
		: { by: "sound", after: `${Number(found[1]) + 1} programs, ${found[2]} s: ${fault}` };
}

async function byRecorded(): Promise<Found | undefined> {
	const output = await node(["scripts/run-ts.mjs", "fuzz/weaken/recorded-worker.ts", String(ENOUGH)], 600);
	const text = /^WRONG (.*)$/m.exec(output)?.[1];
	if (text === undefined) return broken("the recorded verdicts", output);
	const wrong: ReturnType<typeof wrongVerdicts> = JSON.parse(text);
	const before = new Set(
		wrongVerdicts(ENOUGH, new Set(wrong.map(({ name }) => name))).map(({ name }) => name),
	);
	const first = wrong.find(({ name }) => !before.has(name));
	return first && { by: "recorded", after: `${first.programs} programs: ${first.name} ${first.ours}` };
}

/** What a process says in at most so many seconds. */
function node(args: readonly string[], seconds: number): Promise<string> {
	return new Promise((done) => {
		const child = spawn(process.execPath, args, {
			cwd: copy,
			env: { ...process.env, TAILHOP_ROOT: copy },
			stdio: ["ignore", "pipe", "pipe"],
		});
		running.add(child);
		let output = "";
		child.stdout.on("data", (data: Buffer) => {
			output += data.toString();
		});
		child.stderr.on("data", (data: Buffer) => {
			output += data.toString();
		});
		const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
		child.on("close", () => {
			clearTimeout(timer);
			running.delete(child);
			done(output);
		});
	});
}
