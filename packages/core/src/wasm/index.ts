export { batchModule, PACKET_WORDS, TICKET } from "./batch.ts";
export { argsOf, isWide } from "./calls.ts";
export { type CompiledModule, compile } from "./compile.ts";
export type { CompiledMap, CompileOptions, ContextAccess, Unit } from "./context.ts";
