import { cpuPrototypes } from "./cpu.ts";
import { lockPrototypes } from "./lock.ts";
import { loopPrototypes } from "./loop.ts";
import { mapPrototypes } from "./map-ops.ts";
import { perfPrototypes } from "./perf.ts";
import { printkPrototypes } from "./printk.ts";
import { ringbufPrototypes } from "./ringbuf.ts";
import { stringPrototypes } from "./strings.ts";
import { tailCallPrototypes } from "./tail-call.ts";
import { timePrototypes } from "./time.ts";
import type { HelperPrototype } from "./types.ts";

/** Every prototype, family by family; ids are unique (a test says so). */
const families: readonly (readonly HelperPrototype[])[] = [
	mapPrototypes,
	timePrototypes,
	cpuPrototypes,
	loopPrototypes,
	printkPrototypes,
	lockPrototypes,
	perfPrototypes,
	stringPrototypes,
	ringbufPrototypes,
	tailCallPrototypes,
];

/** Prototypes by helper id: what verifier and checked interpreter read. No implementation comes with them. */
export const PROTOTYPES: ReadonlyMap<number, HelperPrototype> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ families.flat().map((prototype) => [prototype.id, prototype]),
);
