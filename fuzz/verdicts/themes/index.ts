import type { ThemeScript } from "../theme.ts";
import { alignment } from "./alignment.ts";
import { atomics } from "./atomics.ts";
import { attach } from "./attach.ts";
import { callbacks } from "./callbacks.ts";
import { contexts } from "./contexts.ts";
import { droppedLines } from "./dropped-lines.ts";
import { encoding } from "./encoding.ts";
import { exits } from "./exits.ts";
import { helpers } from "./helpers.ts";
import { jumps } from "./jumps.ts";
import { kfuncs } from "./kfuncs.ts";
import { ldAbs } from "./ld-abs.ts";
import { locks } from "./locks.ts";
import { loops } from "./loops.ts";
import { mapValues } from "./map-values.ts";
import { mixed } from "./mixed.ts";
import { nulls } from "./nulls.ts";
import { packets } from "./packets.ts";
import { pointers } from "./pointers.ts";
import { privilege } from "./privilege.ts";
import { pruning } from "./pruning.ts";
import { references } from "./references.ts";
import { scalars } from "./scalars.ts";
import { stack } from "./stack.ts";
import { subprograms } from "./subprograms.ts";
import { tailCalls } from "./tail-calls.ts";

/** Scripts by the file in data/ that they write. */
export const THEMES: Readonly<Record<string, ThemeScript>> = {
	alignment,
	atomics,
	attach,
	callbacks,
	contexts,
	"dropped-lines": droppedLines,
	encoding,
	exits,
	helpers,
	jumps,
	kfuncs,
	"ld-abs": ldAbs,
	locks,
	loops,
	"map-values": mapValues,
	mixed,
	nulls,
	packets,
	pointers,
	privilege,
	pruning,
	references,
	scalars,
	stack,
	subprograms,
	"tail-calls": tailCalls,
};
