import { expect, it } from "vitest";
import { openEngines, runCase } from "./engines.ts";
import { FAMILIES, type FamilyName, makeCase } from "./families/index.ts";
import { oracle } from "./harness.ts";
import { describe as show } from "./print.ts";
import { shrink } from "./shrink.ts";

const families = Object.keys(FAMILIES) as FamilyName[];
const kernel = (await oracle()).kernel !== undefined;
const engines = await openEngines(kernel ? ["kernel", "interpreter"] : ["interpreter"]);

it.each(families)("%s: a seed names its cases", (family) => {
	expect(makeCase(family, 7, 3)).toEqual(makeCase(family, 7, 3));
	expect(makeCase(family, 7, 3)).not.toEqual(makeCase(family, 7, 4));
});

it.each(families)("%s: a few cases, most of them accepted", async (family) => {
	let rejected = 0;
	for (let index = 0; index < 20; index++) {
		const test = makeCase(family, 1, index);
		const verdict = await runCase(test, engines);
		if (verdict.kind === "rejected") rejected++;
		else expect(verdict.kind, show(test, verdict)).toBe("agreed");
	}
	expect(rejected).toBeLessThan(6);
});

it("shrinks to what makes the difference", async () => {
	const [first] = engines;
	// an engine that forgets bit 0 of what a program returns
	const wrong: typeof first = {
		name: "wrong",
		async load(linked, chance) {
			const side = await first!.load(linked, chance);
			const run: typeof side.run = (program, input) => {
				const outcome = side.run(program, input);
				return outcome.kind === "ran" ? { ...outcome, r0: outcome.r0 & ~1n } : outcome;
			};
			return { ...side, name: "wasm", run };
		},
	};
	const asm = ["r2 = 5", "r3 = 6", "r3 += r2", "r0 = 3", "r2 = r3", "exit"];
	const test = {
		family: "alu",
		maps: [{ name: "unused", type: "array" }],
		programs: { main: { type: 6, asm }, other: { type: 6, asm: ["r0 = 2", "exit"] } },
		steps: [
			{ run: "other", packet: "00".repeat(64) },
			{ run: "main", packet: "00".repeat(64) },
		],
	};
	const verdict = await runCase(test, [first!, wrong]);
	if (verdict.kind !== "difference") throw new Error("no difference");
	const small = await shrink(test, verdict, [first!, wrong]);
	expect(small.test).toMatchObject({ maps: [], steps: [{ run: "main" }] });
	expect(small.test.programs).toEqual({ main: { type: 6, asm: ["r0 = 3", "exit"] } });
});
