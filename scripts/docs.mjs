#!/usr/bin/env node
/**
 * Keeps what the documents show true. In every Markdown file, a comment before a fenced block says what the block
 * holds; this script compares, or with --write puts it there (after `npm run build`).
 *
 *   <!-- file: examples/library/datapath.test.ts -->   the file, as it is
 *   <!-- run: run examples/hello/hello.o -->           `$ tailhop run …` and what it prints
 *   <!-- run: … | lines 1-12 -->                        the same, these lines of the output only
 *   <!-- node: examples/library/run.mjs -->             `$ node …` and what it prints
 *
 *   node scripts/docs.mjs [--write]      prints what differs, and links to files that don't exist, and exits with 1
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cli = join("packages", "tailhop", "dist", "cli.mjs");
const write = process.argv.includes("--write");

const BLOCK = /<!-- (file|run|node): (.+?) -->\n+```(\w*)\n([\s\S]*?)```/g;

/** Words of a command line; single or double quotes hold one together. */
const words = (line) => [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]);

/** A command as typed and what it printed, without colours and blanks at the ends of lines. */
function runOutput(kind, spec) {
	const [, line, from, to] = /^(.*?)(?: \| lines (\d+)-(\d+))?$/.exec(spec);
	const { stdout, stderr } = spawnSync(process.execPath, [...(kind === "run" ? [cli] : []), ...words(line)], {
		cwd: root,
		encoding: "utf8",
		env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, COLUMNS: "110" },
	});
	let lines = `${stdout}${stderr}`.replace(/\n+$/, "").split("\n");
	const total = lines.length;
	if (from !== undefined) lines = lines.slice(from - 1, to);
	const more = from !== undefined && Number(to) < total ? "\n…" : "";
	return `$ ${kind === "run" ? "tailhop" : "node"} ${line}\n${lines.map((l) => l.trimEnd()).join("\n")}${more}\n`;
}

function markdownFiles(folder = "") {
	return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return /^(node_modules|dist|\..*)$/.test(entry.name) ? [] : markdownFiles(path);
		return entry.name.endsWith(".md") ? [path] : [];
	});
}

/** Relative links to what is not there. */
function deadLinks(path, text) {
	const targets = [...text.matchAll(/\]\((?!\w+:|#)([^)#]+)/g)].map((m) => m[1]);
	return targets.filter((target) => !existsSync(join(root, dirname(path), target)));
}

let blocks = 0;
let wrong = 0;
for (const path of markdownFiles()) {
	const file = join(root, path);
	const text = readFileSync(file, "utf8");
	for (const target of deadLinks(path, text)) {
		console.error(`${path}: the link to ${target} leads nowhere`);
		wrong++;
	}
	const fresh = text.replace(BLOCK, (whole, kind, what, language, content) => {
		blocks++;
		if (kind === "file" && !existsSync(join(root, what))) {
			console.error(`${path}: ${what} does not exist`);
			wrong++;
			return whole;
		}
		const real = kind === "file" ? readFileSync(join(root, what), "utf8") : runOutput(kind, what);
		if (real === content) return whole;
		if (!write) {
			console.error(
				`${path}: the block of "${kind}: ${what}" is not what it says; npm run docs puts it right`,
			);
			wrong++;
		}
		return `<!-- ${kind}: ${what} -->\n\n\`\`\`${language}\n${real}\`\`\``;
	});
	if (write && fresh !== text) {
		writeFileSync(file, fresh);
		console.log(`${path}: written`);
	}
}
console.log(`documents: ${blocks} blocks, ${wrong} wrong`);
process.exitCode = wrong > 0 || blocks === 0 ? 1 : 0;
