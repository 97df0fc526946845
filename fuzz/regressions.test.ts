import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FuzzCase } from "./case.ts";
import { openEngines, runCase } from "./engines.ts";
import { oracle } from "./harness.ts";
import { describe as show } from "./print.ts";

// Every case that an engine once answered differently, shrunk; without the kernel, that none of them faults.
const folder = new URL("./regressions/", import.meta.url);
const names = (await oracle()).kernel === undefined ? ["interpreter"] : ["kernel", "interpreter"];
const engines = await openEngines(names);

describe(`on ${names.join(" and ")}`, () => {
	it.each(readdirSync(folder).filter((file) => file.endsWith(".json")))("%s", async (file) => {
		const test: FuzzCase = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
		const verdict = await runCase(test, engines);
		expect(verdict.kind, show(test, verdict)).toBe("agreed");
	});
});
