import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FuzzCase } from "./case.ts";
import { openEngines, runCase } from "./engines.ts";
import { oracle } from "./harness.ts";
import { describe as show } from "./print.ts";

// Every case that an engine once answered differently, shrunk; without the kernel, that none of them faults.
const kernel = (await oracle()).kernel === undefined ? [] : ["kernel"];
const names = [...kernel, "interpreter", "wasm"];
const engines = await openEngines(names);

const files = (folder: string) =>
	readdirSync(new URL(folder, import.meta.url)).filter((file) => file.endsWith(".json"));
const read = (file: string): FuzzCase => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));

describe(`on ${names.join(" and ")}`, () => {
	it.each(files("./regressions/"))("%s", async (file) => {
		const test = read(`./regressions/${file}`);
		const verdict = await runCase(test, engines);
		expect(verdict.kind, show(test, verdict)).toBe("agreed");
	});
});

// Where 6.18's verifier is wrong (README.md): once a kernel is right, the generators need not keep away from it.
describe("quirks: differs", () => {
	it.for(files("./quirks/"))("%s", async (file, context) => {
		if (!names.includes("kernel")) return context.skip("bpf(2) is not allowed here");
		const test = read(`./quirks/${file}`);
		const verdict = await runCase(test, engines);
		expect(verdict.kind, show(test, verdict)).toBe("difference");
	});
});
