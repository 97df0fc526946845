export { argsOf, isWide } from "./calls.ts";
export { type CompiledModule, compile, type HelperImport } from "./compile.ts";
export type { CompiledMap, CompileOptions, Unit } from "./context.ts";
export { OUTCOME } from "./tail-call.ts";
