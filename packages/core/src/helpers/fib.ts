import type { Helper, HelperPrototype } from "./types.ts";
export const fibPrototypes = [] as const satisfies readonly HelperPrototype[];
export const fibHelpers: readonly Helper[] = [];
