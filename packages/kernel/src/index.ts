export { pinToCpu } from "./affinity.ts";
export { type Capability, ThreadCapabilities } from "./capabilities.ts";
export type { KernelEvent } from "./events.ts";
export { accepted, Kernel, KernelBtf, openKernel } from "./kernel.ts";
export { type Batch, type BatchWrites, KernelMap, type MapDefinition, type MapInfo } from "./map.ts";
export {
	type KernelFailure,
	type KernelLoadOptions,
	KernelObject,
	type KernelRunInput,
	type KernelRunResult,
} from "./object.ts";
export { ObjectMap } from "./object-map.ts";
export { type PerfEvent, PerfReader } from "./perf-reader.ts";
export {
	KernelProgram,
	type LoadResult,
	type ProgramDefinition,
	type ProgramInfo,
	type TestRunInput,
	type TestRunOutput,
} from "./program.ts";
export { lastLine } from "./rejected.ts";
export { RingReader } from "./ring-reader.ts";
