// npm run conformance -- DIR: bpf_conformance's test files on the interpreter. Ends with one line of counts.
import { count, type Outcome } from "./outcome.ts";
import { runSuite } from "./suite.ts";

const args = process.argv.slice(2);
const verbose = args.includes("--verbose");
const [dir] = args.filter((arg) => !arg.startsWith("--"));
if (dir === undefined) {
	console.error(
		"usage: npm run conformance -- DIR [--verbose]\nDIR is a checkout of bpf_conformance: it holds tests/ and perhaps negative/",
	);
	process.exitCode = 2;
} else {
	const { tests, negative } = runSuite(dir);
	const show = (name: string, { kind, detail }: Outcome) =>
		console.log(`${kind.padEnd(12)} ${name}  ${detail}`);
	for (const [name, outcome] of tests) if (verbose || outcome.kind !== "right") show(name, outcome);
	for (const [name, outcome] of negative) if (verbose || outcome.kind === "right") show(name, outcome);
	const good = count(tests.values());
	const bad = count(negative.values());
	console.log(
		`${good.right} of ${tests.size} tests right; of ${negative.size} negative files ${bad.reserved} refused for reserved fields, ` +
			`${bad.invalid} otherwise invalid, ${bad.unassembled} refused by the assembler, ${bad.unreadable} by the reader, ` +
			`${bad.fault} faulted, ${bad.mismatch} mismatched, ${bad.right} passed`,
	);
	if (tests.size + negative.size === 0) console.error(`no .data files in ${dir}`);
	if (good.right !== tests.size || bad.right > 0 || tests.size + negative.size === 0) process.exitCode = 1;
}
