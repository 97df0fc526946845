export { type Assembled, type AssembledLine, type AssembleOptions, assemble } from "./assemble.ts";
export type * from "./assembly-file.ts";
export { assembleConformance } from "./conformance.ts";
export { type ConformanceCase, conformanceInsns, parseDataFile } from "./data-file.ts";
export { type ListingOptions, printProgram } from "./listing.ts";
export { assembleObject, writeAssemblyObject } from "./object.ts";
export { parseAssemblyFile } from "./parse-file.ts";
export { type Names, printInsn, printInsns } from "./print.ts";
export type { IntName, Member, ValueType } from "./value-types.ts";
