export { type Assembled, type AssembledLine, type AssembleOptions, assemble } from "./assemble.ts";
export { assembleConformance } from "./conformance.ts";
export { type ConformanceCase, conformanceInsns, parseDataFile } from "./data-file.ts";
export { type Names, printInsn, printInsns } from "./print.ts";
