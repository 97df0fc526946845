export {
	type Block,
	blockOf,
	type Cfg,
	cfgOf,
	controlFlow,
	type FlowProblem,
	type Terminator,
} from "./cfg.ts";
export { analyze, factsOf } from "./dataflow.ts";
export { type Dominators, dominators, type FlowGraph } from "./dominators.ts";
export type { CallFacts, FunctionFacts, KnownArgument, ProgramFacts, TailCallFacts } from "./facts.ts";
export { type InnerLoop, innerLoops } from "./loops.ts";
export { type FlowNode, type ReducibleGraph, reducible } from "./reducible.ts";
export { type StructureVisitor, structure } from "./structure.ts";
