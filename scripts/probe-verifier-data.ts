/**
 * Asks the running kernel about every row of the verifier's data (packages/core/src/verifier/data), and prints every
 * difference:
 *
 *   node scripts/run-ts.mjs scripts/probe-verifier-data.ts [PART…]
 *
 * Programs are only loaded; one, which copies read-only memory of the kernel, is test-run. Exit status 1: something
 * differs.
 */
import { checkContexts } from "./verifier-data/contexts.ts";
import { checkHelpers } from "./verifier-data/helpers.ts";
import { checkKfuncs } from "./verifier-data/kfuncs.ts";
import { checkMaps } from "./verifier-data/maps.ts";
import { Prober } from "./verifier-data/prober.ts";
import { checkProgramTypes } from "./verifier-data/program-types.ts";
import { checkViews } from "./verifier-data/views.ts";

const PARTS: Readonly<Record<string, (prober: Prober) => void>> = {
	helpers: checkHelpers,
	"program-types": checkProgramTypes,
	contexts: checkContexts,
	kfuncs: checkKfuncs,
	maps: checkMaps,
	views: checkViews,
};

const prober = await Prober.open();
const asked = process.argv.slice(2);
for (const [name, check] of Object.entries(PARTS)) {
	if (asked.length > 0 && !asked.includes(name)) continue;
	const before = prober.rows;
	check(prober);
	console.log(`${name}: ${prober.rows - before} rows`);
}
console.log(`${prober.rows} rows, ${prober.differences} differences`);
process.exitCode = prober.differences > 0 ? 1 : 0;
