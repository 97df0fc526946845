export * from "./func-facts.ts";
export { FUNC_PROTOS, funcProto } from "./func-protos.ts";
export { ARG, baseType, DYNPTR_TYPE, type FuncArg, type FuncProto, RET, typeFlags } from "./types.ts";
