import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseTheme, type Theme } from "./format.ts";

const folder = dirname(fileURLToPath(import.meta.url));
export const DATA = join(folder, "data");

export const README = join(folder, "README.md");

/** Definitions of the maps that programs name. */
export const MAPS_FILE = readFileSync(join(folder, "maps.s"), "utf8");

/** Names of the files in data/, without `.verdicts`. */
export function themeNames(): string[] {
	return readdirSync(DATA)
		.filter((file) => file.endsWith(".verdicts"))
		.map((file) => file.slice(0, -".verdicts".length))
		.sort();
}

export const themePath = (name: string): string => join(DATA, `${name}.verdicts`);

/** Throws SyntaxError with the file's name and the line. */
export function readTheme(name: string): Theme {
	try {
		return parseTheme(readFileSync(themePath(name), "utf8"));
	} catch (error) {
		if (error instanceof SyntaxError) throw new SyntaxError(`${name}.verdicts: ${error.message}`);
		throw error;
	}
}
