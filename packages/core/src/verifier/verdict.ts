import type { ProgramFacts } from "../flow/index.ts";
import type { Errno } from "./reject.ts";

/** What verification says of a program. */
export interface Verdict {
	readonly accepted: boolean;
	/** Of a refused program. */
	readonly errno?: Errno;
	/** What the program needs and this verifier does not model: then nothing is said about acceptance. */
	readonly unsupported?: string;
	readonly log: string;
	/** The last line of the log that says why; "" when there is none. */
	readonly lastLine: string;
	readonly stats: VerdictStats;
	/** Of an accepted program: what was proven on the way; they take the place of the simple dataflow's. */
	readonly facts?: WalkFacts;
}

/** What the walk over all paths finds. */
export type WalkFacts = Pick<Required<ProgramFacts>, "tailCalls" | "dead">;

export interface VerdictStats {
	readonly insnsProcessed: number;
	readonly maxStatesPerInsn: number;
	readonly totalStates: number;
	readonly peakStates: number;
	/** 6.18 counts no read marks any more. */
	readonly markRead: number;
	/** Bytes by subprogram. */
	readonly stackDepth: readonly number[];
}
