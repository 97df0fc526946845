#!/usr/bin/env node
/**
 * Compiles every .c file below the given folders with clang into the .o beside it.
 *
 *   node scripts/build-objects.mjs [--check] DIR…
 *
 * The objects are committed, so that nobody needs clang to use them; --check compiles to memory and compares with
 * what is committed. Flags and working directory are fixed and no path of this machine goes into an object: the
 * same clang (CLANG below) makes the same bytes anywhere. $CLANG names another compiler.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The major version that made the committed objects. */
const CLANG = 19;
const FLAGS = [
	"-O2",
	"-g",
	"-target",
	"bpf",
	"-mcpu=v3",
	"-Wall",
	"-Werror",
	"-fdebug-compilation-dir=.",
	"-fdebug-prefix-map=.=",
];

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const check = process.argv.includes("--check");
const folders = process.argv.slice(2).filter((a) => a !== "--check");

function findClang() {
	for (const name of [process.env.CLANG, `clang-${CLANG}`, "clang"]) {
		if (!name) continue;
		const { status, stdout } = spawnSync(name, ["--version"], { encoding: "utf8" });
		const major = status === 0 ? /clang version (\d+)/.exec(stdout)?.[1] : undefined;
		if (major !== undefined) return { name, major: Number(major) };
	}
	return undefined;
}

const sources = folders
	.flatMap((folder) =>
		readdirSync(resolve(root, folder), { recursive: true, encoding: "utf8" }).map((f) => join(folder, f)),
	)
	.filter((file) => file.endsWith(".c"))
	.map((file) => relative(root, resolve(root, file)).split(sep).join("/"))
	.sort();
if (sources.length === 0) {
	console.error("usage: node scripts/build-objects.mjs [--check] DIR…   (no .c file found)");
	process.exit(2);
}

const clang = findClang();
if (clang === undefined) {
	console.error(
		`clang is not installed, so the objects cannot be rebuilt; the committed ones stay as they are.`,
	);
	console.error(
		`Install clang ${CLANG} (Debian: apt-get install clang-${CLANG}) or name a compiler in $CLANG.`,
	);
	process.exit(1);
}
if (check && clang.major !== CLANG) {
	console.error(`clang ${clang.major} makes other bytes than clang ${CLANG}: nothing to compare.`);
	process.exit(1);
}

const temp = mkdtempSync(join(tmpdir(), "objects-"));
let failed = 0;
for (const source of sources) {
	const object = source.replace(/\.c$/, ".o");
	const out = join(temp, "out.o");
	const { status, stderr } = spawnSync(clang.name, [...FLAGS, "-c", source, "-o", out], {
		cwd: root,
		encoding: "utf8",
	});
	if (status !== 0) {
		console.error(stderr);
		failed++;
		continue;
	}
	const bytes = readFileSync(out);
	if ([root, temp].some((path) => bytes.includes(path))) {
		console.error(`${object}: a path of this machine is in the object`);
		failed++;
		continue;
	}
	const target = join(root, object);
	const same = existsSync(target) && readFileSync(target).equals(bytes);
	if (check) {
		if (!same) {
			console.error(
				`${object}: differs from what clang ${CLANG} makes of ${source}; run without --check and commit`,
			);
			failed++;
		}
	} else if (!same) writeFileSync(target, bytes);
	if (!check) console.log(`${object}  ${bytes.length} bytes${same ? "" : ", changed"}`);
}
rmSync(temp, { recursive: true });
console.log(
	`${sources.length - failed} of ${sources.length} objects ${check ? "are as committed" : "built"} (${clang.name}, clang ${clang.major})`,
);
process.exitCode = failed > 0 ? 1 : 0;
