import type { Failure, RunResult } from "../machine/index.ts";

/** What any engine shows of a run: the kernel keeps the upper half of r0 and the count of instructions to itself. */
export type EngineResult = Omit<RunResult, "r0" | "instructions"> &
	Partial<Pick<RunResult, "r0" | "instructions">>;

export type EngineOutcome = EngineResult | Failure;
