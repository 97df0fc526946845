import type { ThemeScript } from "../theme.ts";
import { callbacks } from "./callbacks.ts";
import { exits } from "./exits.ts";
import { jumps } from "./jumps.ts";
import { loops } from "./loops.ts";
import { mapValues } from "./map-values.ts";
import { nulls } from "./nulls.ts";
import { packets } from "./packets.ts";
import { pointers } from "./pointers.ts";
import { scalars } from "./scalars.ts";
import { stack } from "./stack.ts";
import { tailCalls } from "./tail-calls.ts";

/** Scripts by the file in data/ that they write. */
export const THEMES: Readonly<Record<string, ThemeScript>> = {
	callbacks,
	exits,
	jumps,
	loops,
	"map-values": mapValues,
	nulls,
	packets,
	pointers,
	scalars,
	stack,
	"tail-calls": tailCalls,
};
