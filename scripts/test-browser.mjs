// Runs core's test files in headless Chromium: node scripts/test-browser.mjs [vitest arguments…]
// CHROMIUM names the executable. No Chromium is said, and is not a failure: `npm ci && npm test` needs only Node.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
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
const { status } = spawnSync(
	process.execPath,
	[vitest, "run", "--config", "vitest.browser.config.ts", ...process.argv.slice(2)],
	{ stdio: "inherit", env: { ...process.env, CHROMIUM: chromium } },
);
process.exit(status ?? 1);
