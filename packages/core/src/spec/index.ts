export { withFunctionTypes } from "./function-types.ts";
export { KERNEL_VERSION } from "./kernel-version.ts";
export { link } from "./link.ts";
export { variableCopies } from "./link-maps.ts";
export { linkedMap, type NewMap } from "./linked-map.ts";
export type {
	CodeSection,
	CoreRecord,
	ExternSpec,
	FunctionSpec,
	ObjectSpec,
	Reference,
	Relocation,
	SectionLine,
	SlotSpec,
} from "./object.ts";
export { type ParseOptions, parse } from "./parse.ts";
export { contextKind, PROGRAM_FLAG, type SectionKind, sectionKind } from "./section-names.ts";
export { type SourcePlace, sourcePlace } from "./source-lines.ts";
export type * from "./types.ts";
