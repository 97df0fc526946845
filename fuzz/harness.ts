// What the fuzzer takes of the test harness: its two engines and its way to build objects, without vitest.
export { buildObject } from "../packages/testing/src/build.ts";
export { bytes, hex } from "../packages/testing/src/bytes.ts";
export { openInterpreterSide } from "../packages/testing/src/interpreter-side.ts";
export { CPU, openKernelSide, oracle } from "../packages/testing/src/kernel-side.ts";
export * from "../packages/testing/src/packets.ts";
export type { Outcome, Side } from "../packages/testing/src/side.ts";
export type { MapCase } from "../packages/testing/src/types.ts";
