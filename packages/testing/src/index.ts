export { buildObject } from "./build.ts";
export { bytes, hex } from "./bytes.ts";
export { fixture, fixtureNames } from "./fixtures.ts";
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
