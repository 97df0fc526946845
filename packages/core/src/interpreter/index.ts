export { mapValueRegion } from "./arguments.ts";
export { type BareOptions, runBare } from "./bare.ts";
export {
	type EngineHost,
	type Entry,
	Execution,
	FRAME_SIZE,
	type HopRecord,
	MAX_FRAMES,
	STACK_SIZE,
} from "./execution.ts";
export { ConstantPool, type LoweredProgram, lower, type Resolver } from "./lower.ts";
export { REGION, type RegionReport, Regions, regionText } from "./regions.ts";
export { lineOf, whereOf } from "./where.ts";
