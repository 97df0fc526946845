export type { MapCode } from "./code.ts";
export { checkMap, controlNeed, createMap, type MapOptions, openMap } from "./create.ts";
export { programAccess } from "./flags.ts";
export { unlikeInner } from "./inner.ts";
export type { MapKind, MapWorld, SpecialField } from "./kind.ts";
export { roundUp8 } from "./kind.ts";
export { MAP_KINDS, mapTypeName } from "./kinds.ts";
export {
	ARRAY as ARRAY_LAYOUT,
	ELEMENT as ELEMENT_LAYOUT,
	HEADER_SIZE as MAP_HEADER_SIZE,
	MAP as MAP_LAYOUT,
	RING as RING_LAYOUT,
	SLOTS as SLOTS_LAYOUT,
	TABLE as TABLE_LAYOUT,
} from "./layout.ts";
export { instantiateRuntime, instantiateRuntimeAsync, MapRuntime, mapCodeBytes } from "./runtime.ts";
export { POINTER_TAGS, specialFields } from "./special-fields.ts";
export type { Batch, BatchWrites, MapInstance, Ring, Slots, Storage } from "./types.ts";
