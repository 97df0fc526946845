export { pinToCpu } from "./affinity.ts";
export { errnoName } from "./errno.ts";
export { accepted, Kernel, KernelBtf, openKernel } from "./kernel.ts";
export { KernelMap, type MapDefinition, type MapInfo } from "./map.ts";
export { type KernelLoadOptions, KernelObject, type KernelRunInput, type KernelRunResult } from "./object.ts";
export { ObjectMap } from "./object-map.ts";
export {
	KernelProgram,
	type LoadResult,
	type ProgramDefinition,
	type ProgramInfo,
	type TestRunInput,
	type TestRunOutput,
} from "./program.ts";
export { lastLine } from "./rejected.ts";
