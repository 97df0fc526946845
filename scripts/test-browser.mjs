// Runs core's test files in headless Chromium: node scripts/test-browser.mjs [vitest arguments…]
// CHROMIUM names the executable. No Chromium is said, and is not a failure: `npm ci && npm test` needs only Node.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const PLACES = [
	"/usr/bin/chromium",
	"/usr/bin/chromium-browser",
	"/usr/bin/google-chrome",
	"/snap/bin/chromium",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

const { CHROMIUM } = process.env;
const chromium = CHROMIUM ?? PLACES.find((place) => existsSync(place));
if (chromium === undefined || !existsSync(chromium)) {
	// a name that was given and is wrong is a mistake; none at all is a machine without a browser
	console.log(
		CHROMIUM === undefined
			? `browser: no Chromium in the usual places, 0 files run in it; CHROMIUM=/path/to/chromium names one`
			: `browser: CHROMIUM=${CHROMIUM} does not exist`,
	);
	process.exit(CHROMIUM === undefined ? 0 : 1);
}

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
const run = (args, options) =>
	spawnSync(process.execPath, [vitest, ...args], { encoding: "utf8", ...options });
// vitest's own arguments (-t NAME) leave tests out, so that there is nothing to compare
const [patterns, others] = [[], []];
for (const arg of process.argv.slice(2))
	(arg.startsWith("-") || others.length > 0 ? others : patterns).push(arg);

const folder = mkdtempSync(join(tmpdir(), "tailhop-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const file = join(folder, "counts.json");
const { status } = run(["run", "--config", "vitest.browser.config.ts", ...patterns, ...others], {
	stdio: "inherit",
	env: { ...process.env, CHROMIUM: chromium, TAILHOP_COUNTS: file },
});
const projects = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
if (status !== 0 || others.length > 0) process.exit(status ?? 1);

// the same files have as many tests in Node: the browser leaves nothing out
const wanted = patterns.length > 0 ? patterns : ["packages/core/src", "packages/testing/src"];
const list = join(folder, "list.json");
run(["list", `--json=${list}`, ...wanted], { stdio: ["ignore", "ignore", "inherit"] });
const inNode = JSON.parse(readFileSync(list, "utf8")).length;
const count = (project) => Object.entries(projects).find(([name]) => name.startsWith(project))?.[1] ?? 0;
const [shared, unshared] = [count("chromium-shared"), count("chromium-unshared")];
// tests of both kinds of memory leave out the one that isn't there
if (unshared < inNode) console.log(`unshared: ${inNode - unshared} of ${inNode} tests need shared memory`);
if (shared !== inNode || unshared > inNode || unshared === 0) {
	console.log(`failed: ${inNode} tests in Node, ${shared} with shared memory, ${unshared} without`);
	process.exit(1);
}
