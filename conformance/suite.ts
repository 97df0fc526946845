import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** Outcomes by file name, of every `.data` file in a folder, sorted; empty where the folder is not there. */
export function runFolder(folder: string): ReadonlyMap<string, Outcome> {
	const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".data")) : [];
	return new Map(names.sort().map((name) => [name, outcomeOf(readFileSync(join(folder, name), "utf8"))]));
}

/** A suite: files that must be right (DIR and DIR/tests), and files that must not (DIR/negative). */
export function runSuite(dir: string): {
	tests: ReadonlyMap<string, Outcome>;
	negative: ReadonlyMap<string, Outcome>;
} {
	return {
		tests: new Map([...runFolder(dir), ...runFolder(join(dir, "tests"))]),
		negative: runFolder(join(dir, "negative")),
	};
}
