/** What 6.18's verifier knows beside the program: `scripts/probe-verifier-data.ts` asks the running kernel about every row. */
export { CONTEXTS, contextAccess } from "./contexts.ts";
export * from "./func-facts.ts";
export { funcProto } from "./func-protos.ts";
export { KF, type Kfunc, type KfuncArg, type KfuncType, SCALAR_STRUCTS } from "./kfunc-parse.ts";
export { DEVICE_BOUND_KFUNCS, kfuncAllowed, kfuncUnderLock, VERIFIER_KFUNCS } from "./kfuncs.ts";
export {
	CONSTANT_KEY_MAPS,
	DIRECT_VALUE_MAPS,
	LOOKUP_GIVES,
	MAX_USED_MAPS,
	SLEEPABLE_MAPS,
	specialFieldRefusal,
} from "./map-rules.ts";
export { exitRange, mayBeSleepable, NEEDS_BPF, needsPerfmon, PROGRAM_TYPES } from "./program-types.ts";
export { ARG, baseType, DYNPTR_TYPE, type FuncProto, RET, typeFlags } from "./types.ts";
export { FLOW_KEYS_SIZE } from "./views.ts";
