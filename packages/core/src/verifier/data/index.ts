export type { ContextRow, Loaded } from "./context-rows.ts";
export { CONTEXTS, type ContextSpec, contextAccess, contextLoad, contextStore } from "./contexts.ts";
export * from "./func-facts.ts";
export { FUNC_PROTOS, funcProto } from "./func-protos.ts";
export {
	KF,
	type Kfunc,
	type KfuncArg,
	type KfuncArgKind,
	type KfuncType,
	SCALAR_STRUCTS,
} from "./kfunc-parse.ts";
export { DEVICE_BOUND_KFUNCS, kfuncAllowed, kfuncUnderLock, VERIFIER_KFUNCS } from "./kfuncs.ts";
export {
	CONSTANT_KEY_MAPS,
	DIRECT_VALUE_MAPS,
	LOOKUP_GIVES,
	MAX_USED_MAPS,
	mapArg,
	OWNED_MAPS,
	SLEEPABLE_MAPS,
	type SpecialStruct,
	specialFieldRefusal,
} from "./map-rules.ts";
export {
	type Capability,
	type ExitRange,
	exitRange,
	LOAD_FLAGS,
	mayBeSleepable,
	NEEDS_BPF,
	needsPerfmon,
	PROGRAM_TYPES,
	type ProgramTypeRules,
} from "./program-types.ts";
export { ARG, baseType, DYNPTR_TYPE, type FuncArg, type FuncProto, RET, typeFlags } from "./types.ts";
export { FLOW_KEYS_SIZE, XDP_SOCK_FIELD } from "./views.ts";
