export { helpersAllowed } from "./allowed.ts";
export { clock, defaultEnvironment, initEnvironment, random } from "./environment.ts";
export { helperTakesMap, MAP_HELPERS } from "./map-kinds.ts";
export * from "./packet.ts";
export { loadAbsolute } from "./packet-skb.ts";
export { PROTOTYPES, prototypeFor } from "./prototypes.ts";
export { HELPERS, isImplemented } from "./registry.ts";
export { readRing } from "./ringbuf.ts";
export type * from "./types.ts";
