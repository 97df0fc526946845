/**
 * Scalars on the kernel and in the verifier's core: random programs, loaded with log level 2, whose every printed
 * register is compared with ours; and as many programs with arms that meet, where 6.18 prunes or goes on.
 *
 *   node scripts/run-ts.mjs fuzz/scalars/run.ts [PROGRAMS] [FIRST SEED]
 */
import { openKernel } from "@tailhop/kernel";
import { compareSeed } from "./compare.ts";
import { type Arrivals, compareDiamond } from "./diamonds.ts";
import { type Difference, Follower } from "./programs.ts";

const [programs = "2000", first = "1"] = process.argv.slice(2);
const kernel = await openKernel();
const follower = new Follower();
const found: { seed: number; difference: Difference }[] = [];
const arrivals: Arrivals = { pruned: 0, walked: 0, differ: [] };
let refused = 0;
for (let seed = Number(first); seed < Number(first) + Number(programs); seed++) {
	const before = follower.differences.length;
	if (!compareSeed(kernel, follower, seed)) refused++;
	// what follows a difference follows from it
	const difference = follower.differences[before];
	if (difference !== undefined) found.push({ seed, difference });
	compareDiamond(kernel, follower, seed, arrivals);
}
for (const { seed, difference } of found.slice(0, 10)) {
	const { line, register, kernel, ours } = difference;
	console.log(`seed ${seed} ${register}\n  ${line}\n  kernel ${kernel}\n  ours   ${ours}`);
}
for (const line of arrivals.differ.slice(0, 10)) console.log(line);
console.log(
	`${programs} programs (${refused} refused), ${follower.compared} registers compared, ${found.length} programs differ`,
);
console.log(`${arrivals.pruned} arrivals pruned, ${arrivals.walked} not, ${arrivals.differ.length} differ`);
process.exitCode = found.length + arrivals.differ.length > 0 ? 1 : 0;
