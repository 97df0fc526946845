import type { Environment, ErrorCode, HookInput, Insn, UpdateMode } from "@tailhop/core";

/** A number is little-endian in as many bytes as are asked for; text is hex, blanks allowed. */
export type Bytes = Uint8Array | number | bigint | string;

export interface MapCase {
	readonly name: string;
	/** BPF_MAP_TYPE_*, or its name ("array", "hash", "prog_array"). */
	readonly type: number | string;
	/** Default 4. */
	readonly keySize?: number;
	/** Default 8; 4 for a prog array. */
	readonly valueSize?: number;
	/** Default 1. */
	readonly maxEntries?: number;
	readonly flags?: number;
	/** What the inner maps of a map in maps are like. */
	readonly inner?: Omit<MapCase, "name">;
	/** What user space puts in before the run. */
	readonly entries?: readonly (readonly [key: Bytes, value: Bytes])[];
}

/** An object in the small: programs as assembly text or instructions, and maps. */
export interface ObjectCase {
	/** "xdp" (default), "tc", "tc_act", "socket", "cgroup_skb", or BPF_PROG_TYPE_*. */
	readonly type?: number | "xdp" | "tc" | "tc_act" | "socket" | "cgroup_skb";
	readonly expectedAttachType?: number;
	/** BPF_F_* of BPF_PROG_LOAD. */
	readonly flags?: number;
	/** Default "GPL". */
	readonly license?: string;
	/** Assembly names them (`r1 = NAME ll`); instructions by index (src 5 or 6). */
	readonly maps?: readonly MapCase[];
	/** By name, the entry point first. */
	readonly programs: Readonly<Record<string, string | readonly Insn[]>>;
	/** Programs in the slots of prog arrays: `{ jumps: { 0: "target" } }`. */
	readonly slots?: Readonly<Record<string, Readonly<Record<number, string>>>>;
}

/** What the kernel makes of a case; default: it runs it and agrees. */
export type KernelExpectation =
	/** The verifier refuses it; the text is part of the log's last line. */
	| "rejects"
	| { readonly rejects: string }
	/** It cannot run it, or not comparably: why. */
	| { readonly cannot: string };

/** What a run must leave; absent parts are still compared between engines. */
export interface RunExpectation {
	/** All 64 bits, unsigned or negative. */
	readonly r0?: number | bigint;
	/** r0's low 32 bits. */
	readonly verdict?: number;
	readonly packet?: Bytes;
	/** Some fields of the context. */
	readonly context?: HookInput["context"];
	/** All entries of some maps, in any order. */
	readonly maps?: Readonly<Record<string, readonly (readonly [key: Bytes, value: Bytes])[]>>;
	/** What went through some perf event arrays and ring buffers, in order: data by map. */
	readonly output?: Readonly<Record<string, readonly Bytes[]>>;
	/** Code of the fault that ends the run; the kernel then "rejects" unless something else is said. */
	readonly fault?: ErrorCode;
	/** The input is refused with this errno, as BPF_PROG_TEST_RUN does. */
	readonly refused?: number;
	/** Outcomes of the tail calls, in order: "slot target" or "slot outcome" (interpreter only: the kernel shows none). */
	readonly hops?: readonly string[];
}

export interface RunCase {
	/** Default: 64 zero bytes. */
	readonly packet?: Bytes;
	readonly context?: HookInput["context"];
	readonly contextBytes?: Uint8Array;
	/** A number or bigint is r0. */
	readonly expect?: RunExpectation | number | bigint;
}

/** One program, one run. */
export interface Case extends Omit<ObjectCase, "programs">, RunCase {
	/** Of the first program; default "main". */
	readonly name?: string;
	readonly asm?: string;
	readonly insns?: readonly Insn[];
	/** Further programs, for slots. */
	readonly programs?: ObjectCase["programs"];
	readonly environment?: Partial<Environment>;
	readonly budget?: number;
	readonly kernel?: KernelExpectation;
	/** Maps whose contents the engines may differ in, and why nobody compares them. */
	readonly ignoreMaps?: readonly string[];
}

/** What is done to an object, in order, on every engine. */
export type Step =
	| ({ readonly run: string } & RunCase)
	/** BPF_MAP_UPDATE_ELEM; `result` 0 or -errno, default 0. */
	| {
			readonly update: string;
			readonly key: Bytes;
			readonly value: Bytes;
			readonly flags?: bigint;
			readonly result?: number;
	  }
	| { readonly delete: string; readonly key: Bytes; readonly result?: number }
	/** BPF_MAP_LOOKUP_ELEM: the value or -errno; of a prog array, the program whose id it is. */
	| { readonly lookup: string; readonly key: Bytes; readonly value: Answer }
	| { readonly lookup: string; readonly key: Bytes; readonly program: string }
	| { readonly lookupAndDelete: string; readonly key: Bytes; readonly value: Answer }
	/** BPF_MAP_GET_NEXT_KEY; null asks for the first. */
	| { readonly nextKey: string; readonly key: Bytes | null; readonly next: Answer }
	| { readonly freeze: string; readonly result?: number }
	/** A program into a slot, or undefined out of it; `result` 0 or -errno. */
	| {
			readonly slot: readonly [map: string, slot: number, program: string | undefined];
			/** Default "any". */
			readonly mode?: UpdateMode;
			readonly result?: number;
	  }
	| LifecycleStep;

/** Bytes, or a refusal. */
export type Answer = Bytes | { readonly errno: number };

/** Who holds what. Every map and every loaded program starts with one descriptor. */
export type LifecycleStep =
	/** One more descriptor of a map, by id: also of one that only programs hold. */
	| { readonly openMap: string }
	/** Closes the descriptor that was opened last. */
	| { readonly closeMap: string }
	/** A pin in /sys/fs/bpf (see `pinning`). */
	| { readonly pinMap: string }
	| { readonly unpinMap: string }
	/** Loads a program that CheckOptions.later left out; `result` 0 or -errno. */
	| { readonly load: string; readonly result?: number }
	| { readonly closeProgram: string }
	/** Whether a program still exists for whoever has its id. */
	| { readonly exists: string; readonly is: boolean };
