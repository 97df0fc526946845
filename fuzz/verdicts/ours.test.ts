import { describe, expect, test } from "vitest";
import { readTheme, themeNames } from "./files.ts";
import { printVerdict } from "./format.ts";
import { needsKernel, OurVerifier } from "./ours.ts";

/** Programs of a million instructions each: `npm run verdicts:ours` walks them. */
const SLOW = ["loops", "limits"];
/** Every how many-th program: all of them take half a minute. */
const STEP = 7;
describe("our verifier says what Linux 6.18 said", () => {
	const verifier = new OurVerifier();

	test.each(themeNames().filter((name) => !SLOW.includes(name)))("%s", (theme) => {
		const different: string[] = [];
		for (const [i, { program, verdict }] of readTheme(theme).cases.entries()) {
			if (i % STEP !== 0 || verdict === undefined) continue;
			if (needsKernel(program)) continue;
			const ours = verifier.verify(program);
			if (ours.unsupported !== undefined) continue;
			const { errno, lastLine, stats } = ours;
			const text = ours.accepted
				? `accepted, ${stats.insnsProcessed} insns, stack ${stats.stackDepth.join("+")}`
				: `${errno}${lastLine === "" ? "" : `: ${lastLine}`}`;
			if (text !== printVerdict(verdict))
				different.push(`${program.name}: ${text}, not ${printVerdict(verdict)}`);
		}
		expect(different).toEqual([]);
	});
});
