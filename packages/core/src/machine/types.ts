import type { TailhopError, SourceLine } from "../errors/index.ts";
import type { Environment, Output } from "../helpers/index.ts";
import type { HookInput, HookOutput } from "../hooks/index.ts";

export interface MachineOptions {
	/** Partial: the rest is the deterministic default. */
	readonly environment?: Partial<Environment>;
	/** "kernel": slots are cleared when the last user reference to a prog array goes; default "library". */
	readonly lifecycle?: "library" | "kernel";
	/** Count an empty slot as spent, as the kernel's own interpreter does (facts: rule 3). Default false, as the JITs. */
	readonly emptySlotCounts?: boolean;
	/** false: no region, provenance or argument checks in the interpreter (for trusted code and benchmarks). */
	readonly checked?: boolean;
	/** Instructions that one run may take; default 100 million. */
	readonly budget?: number;
	/** Default: shared where SharedArrayBuffer exists. */
	readonly shared?: boolean;
}

export interface RunInput extends HookInput {
	/** Record hops (default true). */
	readonly trace?: boolean;
	readonly budget?: number;
}

/** One bpf_tail_call that was reached. */
export interface Hop {
	readonly from: { readonly program: string; readonly subprogram?: string; readonly insn: number; readonly source?: SourceLine };
	readonly map: string;
	/** r3's low 32 bits. */
	readonly slot: number;
	readonly outcome: "taken" | "out-of-range" | "limit" | "empty";
	readonly to?: string;
	/** Tail calls spent before this one. */
	readonly count: number;
}

export interface RunResult extends HookOutput {
	/** r0's low 32 bits: what BPF_PROG_TEST_RUN returns. */
	readonly verdict: { readonly code: number; readonly name?: string };
	/** All 64 bits of r0. */
	readonly r0: bigint;
	readonly hops: readonly Hop[];
	readonly output: readonly Output[];
	/** Instructions executed. */
	readonly instructions: number;
	readonly engine: string;
	readonly verified: boolean;
}

/** A run that ended in a fault; hops and output up to it are kept. */
export interface Fault {
	readonly error: TailhopError;
	readonly hops: readonly Hop[];
	readonly output: readonly Output[];
}
