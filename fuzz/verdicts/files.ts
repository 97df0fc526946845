import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
export const DATA = join(folder, "data");

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
