import type { SourceLine, TailhopError } from "../errors/index.ts";
import type { Environment, Helper, Output } from "../helpers/index.ts";
import type { Hook, HookInput, HookOutput } from "../hooks/index.ts";

export interface MachineOptions {
	/** Partial: the rest is the deterministic default. */
	readonly environment?: Partial<Environment>;
	/** "kernel": slots are cleared when the last user reference to a prog array goes; default "library". */
	readonly lifecycle?: "library" | "kernel";
	/** Count an empty slot as spent, as the kernel's own interpreter does (facts: rule 3). Default false, as the JITs. */
	readonly emptySlotCounts?: boolean;
	/**
	 * "interpreter" (default), or "wasm": programs are compiled to WebAssembly; those that can't be are interpreted,
	 * and `Machine.notCompiled` says why. A budget then counts loop rounds and calls, not instructions.
	 */
	readonly engine?: "interpreter" | "wasm";
	/**
	 * "try" (default with engine "wasm" and Linux's own hooks, helpers and kfuncs): each program is verified when it is loaded, what the verifier accepts runs
	 * bare, everything else with checks, and `Machine.verdicts` has what it said; "require": a program that it doesn't
	 * accept isn't loaded; "off" (default with the interpreter, which checks everything itself).
	 */
	readonly verify?: "off" | "try" | "require";
	/** false: no region, provenance or argument checks in the interpreter (for trusted code and benchmarks). */
	readonly checked?: boolean;
	/** Instructions that one run may take; default 100 million. */
	readonly budget?: number;
	/** Default: shared where SharedArrayBuffer exists. */
	readonly shared?: boolean;
	/** Whether somebody reads the perf event arrays (default); false: perf_event_output answers ENOENT, as in a bare test run. */
	readonly perfReaders?: boolean;
	/** Program types that can be run; default Linux's. */
	readonly hooks?: readonly Hook[];
	/** Helpers beside Linux's, or in their place, by id. */
	readonly helpers?: ReadonlyMap<number, Helper>;
	/** Kernel functions beside Linux's, or in their place, by name. */
	readonly kfuncs?: ReadonlyMap<string, Helper>;
	/** Control memory to set aside for objects that `load` brings later. */
	readonly controlBytes?: number;
}

export interface LoadOptions {
	/** Maps of the machine to use for the object's maps of the same name. */
	readonly reuse?: readonly string[];
}

export interface RunInput extends HookInput {
	/** Record hops (default true). */
	readonly trace?: boolean;
	readonly budget?: number;
}

/** One bpf_tail_call that was reached. */
export interface Hop {
	readonly from: {
		readonly program: string;
		readonly subprogram?: string;
		readonly insn: number;
		readonly source?: SourceLine;
	};
	readonly map: string;
	/** r3's low 32 bits. */
	readonly slot: number;
	/** Whether array and slot are the same on every path to the call. */
	readonly static: boolean;
	readonly outcome: "taken" | "out-of-range" | "limit" | "empty";
	readonly to?: string;
	/** Tail calls spent before this one. */
	readonly count: number;
}

export interface RunResult extends HookOutput {
	readonly error?: undefined;
	/** r0's low 32 bits: what BPF_PROG_TEST_RUN returns. */
	readonly verdict: { readonly code: number; readonly name?: string };
	/** All 64 bits of r0. */
	readonly r0: bigint;
	readonly hops: readonly Hop[];
	readonly output: readonly Output[];
	/** Instructions executed. */
	readonly instructions: number;
	/** "interpreter", "wasm", or "wasm+interpreter" where a chain of compiled programs came to one that isn't. */
	readonly engine: string;
	/** Whether the verifier has accepted every program of the machine. */
	readonly verified: boolean;
}

/** What `repeat` gives: the last run's result. */
export interface RepeatResult extends RunResult {
	/** Mean nanoseconds of one run, by the host's clock. */
	readonly duration: number;
}

/** A run that ended in a fault, or did not start; hops and output up to it are kept. */
export interface Failure {
	readonly error: TailhopError;
	readonly hops: readonly Hop[];
	readonly output: readonly Output[];
	readonly engine: string;
	readonly verified: boolean;
}

export type RunOutcome = RunResult | Failure;
