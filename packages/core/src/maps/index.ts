export type { MapCode } from "./code.ts";
export { checkMap, controlNeed, createMap, type MapOptions } from "./create.ts";
export { F as MAP_FLAGS } from "./flags.ts";
export type { MapKind } from "./kind.ts";
export { MAP_KINDS, mapTypeName } from "./kinds.ts";
export { ARRAY, HEADER_SIZE, MAP, SLOTS, TABLE } from "./layout.ts";
export { instantiateRuntime, instantiateRuntimeAsync, MapRuntime, mapCodeBytes } from "./runtime.ts";
export type { MapInstance, Slots } from "./types.ts";
