import { readFileSync } from "node:fs";
import { release } from "node:os";
import { TailhopError } from "@tailhop/core";
import { beforeAll, describe, expect, it } from "vitest";
import { assembleProgram, mapNames } from "./assemble.ts";
import { MAPS_FILE, README, readTheme, themeNames, themePath } from "./files.ts";
import { parseTheme, printTheme, printVerdict, type Recorded } from "./format.ts";
import { Oracle, RELEASE } from "./oracle.ts";
import { table } from "./summary.ts";
import { THEMES } from "./themes/index.ts";

/** So many are asked again, evenly spread; none that keeps the verifier busy for long. */
const SAMPLE = 250;
const LONG = 20_000;

const texts = new Map(themeNames().map((name) => [name, readFileSync(themePath(name), "utf8")]));
const cases = [...texts].flatMap(([name, text]) =>
	parseTheme(text).cases.map((each) => ({ name: `${name}/${each.program.name}`, ...each })),
);

describe("what is recorded", () => {
	it("has at least 3,000 programs, 40 to 60 % of them accepted, in every theme at least 15", () => {
		const accepted = cases.filter(({ verdict }) => verdict?.accepted);
		expect(cases.length).toBeGreaterThan(3000);
		expect(accepted.length / cases.length).toBeGreaterThan(0.4);
		expect(accepted.length / cases.length).toBeLessThan(0.6);
		for (const [name, text] of texts) expect(parseTheme(text).cases.length, name).toBeGreaterThan(15);
	});

	it("covers every kind of program that can be asked about", () => {
		const types = new Set(
			cases.filter(({ verdict }) => verdict?.accepted).map(({ program }) => program.type),
		);
		expect(types.size).toBeGreaterThan(25);
	});

	it.each([...texts.keys()])("%s is written as it is read, with a verdict for each program", (name) => {
		const text = texts.get(name)!;
		const theme = parseTheme(text);
		expect(printTheme(theme)).toBe(text);
		expect(theme.about.length).toBeGreaterThan(0);
		expect(theme.cases.filter(({ verdict }) => verdict === undefined)).toEqual([]);
	});

	it("has no program twice", () => {
		const seen = new Map<string, string>();
		for (const { name, program } of cases) {
			const key = JSON.stringify({ ...program, name: "" });
			expect(seen.get(key), name).toBeUndefined();
			seen.set(key, name);
		}
	});

	it("has a file for each script", () => {
		expect([...texts.keys()]).toEqual(expect.arrayContaining(Object.keys(THEMES)));
	});

	it("is what README.md counts", () => {
		const themes = themeNames().map((name) => ({ name, theme: readTheme(name) }));
		expect(readFileSync(README, "utf8")).toContain(table(themes));
	});

	it("assembles, with what is repeated often only twice", () => {
		const maps = mapNames(MAPS_FILE);
		for (const { name, program } of cases) {
			const lines = program.asm.map((line) => line.replace(/^\.rept \d+$/, ".rept 2"));
			const { insns } = assembleProgram(lines, maps);
			expect(insns.length, name).toBeGreaterThan(0);
		}
	});
});

describe("the running kernel", () => {
	let oracle: Oracle | undefined;
	beforeAll(async () => {
		oracle = await Oracle.open().catch((error: unknown) => {
			expect(error).toBeInstanceOf(TailhopError);
			expect(error).toMatchObject({ code: "kernel/unavailable" });
			return undefined;
		});
		return () => oracle?.close();
	});

	it(`answers a sample of ${SAMPLE} as recorded`, (context) => {
		if (oracle === undefined) return context.skip("bpf(2) is not allowed here");
		if (!release().startsWith(RELEASE)) return context.skip(`this is Linux ${release()}, not ${RELEASE}x`);
		const short = cases.filter(quick);
		for (let i = 0; i < SAMPLE; i++) {
			const { name, program, verdict } = short[Math.floor((i * short.length) / SAMPLE)]!;
			expect(printVerdict(oracle.ask(program)), name).toBe(printVerdict(verdict!));
		}
	});
});

/** Not one of those that the verifier walks for a second. */
function quick({ program, verdict }: Recorded): boolean {
	if (verdict === undefined || program.asm.some((line) => line.startsWith(".rept"))) return false;
	return verdict.accepted ? verdict.insns < LONG : !/too (large|complex)/.test(verdict.line);
}
