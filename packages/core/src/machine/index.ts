export { Descriptor, ProgramHandle } from "./handles.ts";
export { Machine } from "./machine.ts";
export { MapHandle, type UpdateMode } from "./map-handle.ts";
export { PacketBatch, type PacketBatchOutput } from "./packet-batch.ts";
export { Run } from "./run.ts";
export type { Snapshot } from "./snapshot.ts";
export type {
	Failure,
	Hop,
	LoadOptions,
	MachineOptions,
	RepeatResult,
	RunInput,
	RunOutcome,
	RunResult,
} from "./types.ts";
