export { buildObject } from "./build.ts";
export { bytes, hex } from "./bytes.ts";
export { type Argument, answering, type Call, callProgram, type Kind } from "./calls.ts";
export { type CheckOptions, check, checkLoad, checkObject } from "./check.ts";
export { fixture, fixtureNames } from "./fixtures.ts";
export { pinning } from "./kernel-side.ts";
export * from "./packets.ts";
export type { Outcome } from "./side.ts";
export { type OpenSockets, openConnection, openSockets } from "./sockets.ts";
export type {
	Bytes,
	Case,
	KernelExpectation,
	MapCase,
	ObjectCase,
	RunCase,
	RunExpectation,
	Step,
} from "./types.ts";
export { wat } from "./wat.ts";
