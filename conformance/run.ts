// npm run conformance -- DIR [--engine NAME]: bpf_conformance's test files on an engine. Ends with a line of counts each.
import { parseArgs } from "node:util";
import { count, ENGINES, type Engine, type Outcome } from "./outcome.ts";
import { runSuite } from "./suite.ts";

const USAGE = `usage: npm run conformance -- DIR [--engine interpreter|wasm|all] [--verbose]
DIR is a checkout of bpf_conformance: it holds tests/ and perhaps negative/`;

/** Runs the suite on one engine and prints what was not as expected; whether everything was. */
function run(dir: string, engine: Engine, verbose: boolean): boolean {
	const { tests, negative } = runSuite(dir, engine);
	const show = (name: string, { kind, detail }: Outcome) =>
		console.log(`${engine}  ${kind.padEnd(12)} ${name}  ${detail}`);
	for (const [name, outcome] of tests) if (verbose || outcome.kind !== "right") show(name, outcome);
	for (const [name, outcome] of negative) if (verbose || outcome.kind === "right") show(name, outcome);
	const good = count(tests.values());
	const bad = count(negative.values());
	const unsupported = good.unsupported + bad.unsupported;
	console.log(
		`${engine}: ${good.right} of ${tests.size} tests right; of ${negative.size} negative files ${bad.reserved} refused for reserved fields, ` +
			`${bad.invalid} otherwise invalid, ${bad.unassembled} refused by the assembler, ${bad.unreadable} by the reader, ` +
			`${bad.fault} faulted, ${bad.mismatch} mismatched, ${bad.right} passed` +
			(unsupported === 0 ? "" : `; ${unsupported} not run by this engine`),
	);
	if (tests.size + negative.size === 0) console.error(`no .data files in ${dir}`);
	return good.right + good.unsupported === tests.size && bad.right === 0 && tests.size + negative.size > 0;
}

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { engine: { type: "string", default: "all" }, verbose: { type: "boolean", default: false } },
});
const engines = ENGINES.filter((engine) => values.engine === "all" || values.engine === engine);
const [dir] = positionals;
if (dir === undefined || engines.length === 0) {
	console.error(USAGE);
	process.exitCode = 2;
} else {
	for (const engine of engines) if (!run(dir, engine, values.verbose)) process.exitCode = 1;
}
