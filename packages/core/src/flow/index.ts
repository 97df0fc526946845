export { type Block, blockOf, type Cfg, controlFlow, type FlowProblem, type Terminator } from "./cfg.ts";
export { analyze } from "./dataflow.ts";
export { type Dominators, dominators } from "./dominators.ts";
export type { CallFacts, FunctionFacts, KnownArgument, ProgramFacts, TailCallFacts } from "./facts.ts";
