export { type Assembled, type AssembledLine, type AssembleOptions, assemble } from "./assemble.ts";
export { type Names, printInsn, printInsns } from "./print.ts";
