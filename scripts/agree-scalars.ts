/**
 * Scalars on the kernel and in the verifier's core: random programs, loaded with log level 2, whose every printed
 * register is compared with ours.
 *
 *   node scripts/run-ts.mjs scripts/agree-scalars.ts [PROGRAMS] [FIRST SEED]
 */
import { openKernel } from "@tailhop/kernel";
import {
	type Difference,
	Follower,
	randomProgram,
} from "../packages/core/src/verifier/state/test-programs.ts";

const SOCKET_FILTER = 1;
const [programs = "2000", first = "1"] = process.argv.slice(2);
const kernel = await openKernel();
const follower = new Follower();
const found: { seed: number; difference: Difference }[] = [];
let refused = 0;
let bad = 0;
for (let seed = Number(first); seed < Number(first) + Number(programs); seed++) {
	const insns = randomProgram(seed, { length: 4 + (seed % 20), pointers: seed % 4 === 0 });
	const result = kernel.loadProgram({ type: SOCKET_FILTER, insns, log: 2 });
	if (result.ok) result.program.close();
	else refused++;
	const before = follower.differences.length;
	try {
		follower.follow(insns, result.log);
	} catch (error) {
		console.log(seed, error instanceof Error ? error.message : error);
		bad++;
	}
	// what follows a difference follows from it
	const difference = follower.differences[before];
	if (difference !== undefined) found.push({ seed, difference });
}
for (const { seed, difference } of found.slice(0, 10)) {
	const { line, register, kernel, ours } = difference;
	console.log(`seed ${seed} ${register}\n  ${line}\n  kernel ${kernel}\n  ours   ${ours}`);
}
console.log(
	`${programs} programs (${refused} refused), ${follower.compared} registers compared, ${found.length} programs differ, ${bad} lost`,
);
process.exitCode = found.length + bad > 0 ? 1 : 0;
