import type { HookInput, MapInstance, RunResult, TailhopError } from "@tailhop/core";

/** What a run left, on any engine. */
export type Outcome =
	| {
			readonly kind: "ran";
			/** r0's low 32 bits. */
			readonly verdict: number;
			readonly r0: bigint;
			readonly packet: Uint8Array;
			/** ctx_out, where the type has one. */
			readonly contextBytes: Uint8Array;
			readonly context: HookInput["context"];
			/** "slot target" or "slot outcome"; the kernel shows none. */
			readonly hops?: readonly string[];
			/** The whole result, on the interpreter. */
			readonly result?: RunResult;
	  }
	| {
			readonly kind: "fault";
			readonly code: string;
			readonly message: string;
			readonly error: TailhopError;
	  }
	/** The input was refused, as by BPF_PROG_TEST_RUN. */
	| { readonly kind: "refused"; readonly errno: number };

export type HostMap = Pick<MapInstance, "hostLookup" | "hostUpdate" | "hostDelete" | "hostNextKey">;

/** One engine with an object in it. */
export interface Side {
	readonly name: "interpreter" | "kernel";
	/** CPU that programs run on: whose value of a per-CPU map is compared. */
	readonly cpu: number;
	run(program: string, input: HookInput): Outcome;
	map(name: string): HostMap;
	/** 0 or -errno. */
	setSlot(map: string, slot: number, program: string | undefined): number;
	/** Name of the program in a slot. */
	slot(map: string, slot: number): string | undefined;
	close(): void;
}
