import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Engine, type Outcome, outcomeOf } from "./outcome.ts";

/** Outcomes by file name, of every `.data` file in a folder, sorted; empty where the folder is not there. */
export function runFolder(folder: string, engine: Engine = "interpreter"): ReadonlyMap<string, Outcome> {
	const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".data")) : [];
	return new Map(
		names.sort().map((name) => [name, outcomeOf(readFileSync(join(folder, name), "utf8"), engine)]),
	);
}

/** A suite: files that must be right (DIR and DIR/tests), and files that must not (DIR/negative). */
export function runSuite(
	dir: string,
	engine: Engine = "interpreter",
): {
	tests: ReadonlyMap<string, Outcome>;
	negative: ReadonlyMap<string, Outcome>;
} {
	return {
		tests: new Map([...runFolder(dir, engine), ...runFolder(join(dir, "tests"), engine)]),
		negative: runFolder(join(dir, "negative"), engine),
	};
}
