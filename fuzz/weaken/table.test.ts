import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { WEAKENINGS } from "./table.ts";

it.each(WEAKENINGS)("$name: its text stands once in the verifier", ({ file, from, to }) => {
	const source = readFileSync(new URL(`../../packages/core/${file}`, import.meta.url), "utf8");
	expect(source.split(from).length - 1).toBe(1);
	expect(to).not.toBe(from);
});
