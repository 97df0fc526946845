/**
 * The recorded verdicts against the running kernel:
 *
 *   npm run verdicts                          does what is recorded still hold? exit status 1: no
 *   npm run verdicts -- --refresh [THEME…]    asks again and writes data/*.verdicts
 *   npm run verdicts -- --generate [THEME…]   writes the programs of themes/ anew, then asks
 */
import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { parseArgs } from "node:util";
import { README, readTheme, themeNames, themePath } from "./files.ts";
import { printTheme, printVerdict, type Recorded, type Theme } from "./format.ts";
import { Oracle, RELEASE } from "./oracle.ts";
import { summary, withTable } from "./summary.ts";
import { collect } from "./theme.ts";
import { THEMES } from "./themes/index.ts";

const { values, positionals } = parseArgs({
	options: {
		refresh: { type: "boolean", default: false },
		generate: { type: "boolean", default: false },
		force: { type: "boolean", default: false },
	},
	allowPositionals: true,
});
const writes = values.refresh || values.generate;
if (writes && !release().startsWith(RELEASE) && !values.force) {
	console.error(`this is Linux ${release()}: verdicts are recorded from ${RELEASE}x; --force does it anyway`);
	process.exitCode = 2;
} else await main();

async function main(): Promise<void> {
	const oracle = await Oracle.open();
	let differences = 0;
	const all: { name: string; theme: Theme }[] = [];
	const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);
	if (values.generate) {
		for (const [name, theme] of Object.entries(THEMES)) {
			if (wanted(name))
				writeFileSync(themePath(name), printTheme(collect(theme, (each) => oracle.ask(each))));
		}
	}
	for (const name of themeNames().filter(wanted)) {
		const recorded = readTheme(name);
		const asked: Recorded[] =
			values.generate && name in THEMES
				? [...recorded.cases]
				: recorded.cases.map(({ program }) => ({ program, verdict: oracle.ask(program) }));
		for (const [i, { program, verdict }] of asked.entries()) {
			const before = recorded.cases[i]!.verdict;
			const texts = [before, verdict].map((each) => (each === undefined ? "nothing" : printVerdict(each)));
			if (texts[0] === texts[1]) continue;
			differences++;
			console.log(`${name}/${program.name}\n  recorded: ${texts[0]}\n  kernel:   ${texts[1]}`);
		}
		const theme = { about: recorded.about, cases: asked };
		if (values.refresh) writeFileSync(themePath(name), printTheme(theme));
		all.push({ name, theme });
	}
	oracle.close();
	if (writes) {
		const themes = themeNames().map((name) => ({ name, theme: readTheme(name) }));
		writeFileSync(README, withTable(readFileSync(README, "utf8"), themes));
	}
	console.log(summary(all));
	console.log(`Linux ${release()}: ${differences} differences${values.refresh ? ", recorded" : ""}`);
	if (differences > 0 && !values.refresh) process.exitCode = 1;
}
