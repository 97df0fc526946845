import {
	type HookInput,
	type LinkedObject,
	type MapInstance,
	type Output,
	type RunResult,
	TailhopError,
	type UpdateMode,
} from "@tailhop/core";

/** What both engines can show of what a program gave away. */
export type Event = Extract<Output, { readonly kind: "perf" | "ringbuf" }>;

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
			/** Perf events and records of ring buffers; the interpreter's other output is left out. */
			readonly output: readonly Event[];
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

export type HostMap = Pick<
	MapInstance,
	"hostLookup" | "hostUpdate" | "hostDelete" | "hostNextKey" | "hostLookupAndDelete" | "freeze"
>;

/** One engine with an object in it. Numbers that answer are 0 or -errno. */
export interface Side {
	readonly name: "interpreter" | "wasm" | "verified" | "kernel";
	/** Why the interpreter runs where WebAssembly was asked for. */
	readonly notCompiled?: string;
	/** What our verifier refuses, and why; absent where it was not asked. */
	readonly notVerified?: string;
	/** CPU that programs run on: whose value of a per-CPU map is compared. */
	readonly cpu: number;
	run(program: string, input: HookInput): Outcome;
	/** As bpf(2) sees it: a prog array's values are ids. */
	map(name: string): HostMap;
	setSlot(map: string, slot: number, program: string | undefined, mode: UpdateMode): number;
	/** Name of the program in a slot. */
	slot(map: string, slot: number): string | undefined;
	programId(program: string): number;
	openMap(map: string): void;
	closeMap(map: string): void;
	pinMap(map: string): void;
	unpinMap(map: string): void;
	/** Loads one of the programs that were left out. */
	load(program: string): number;
	closeProgram(program: string): void;
	/** Whether the program exists; where that ends asynchronously, after waiting for what is expected. */
	exists(program: string, expected: boolean): boolean;
	close(): void;
}

/** BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
export const MODES: Readonly<Record<UpdateMode, bigint>> = { any: 0n, noexist: 1n, exist: 2n };

/** An object with only some of its programs and the slots that these fill. */
export function withPrograms(linked: LinkedObject, keep: (name: string) => boolean): LinkedObject {
	const names = new Set(linked.maps.map((map) => map.name));
	return {
		...linked,
		programs: linked.programs.filter((program) => keep(program.name)),
		slots: linked.slots.filter(({ target }) => names.has(target) || keep(target)),
	};
}

/** 0, or -errno of a refusal; anything else is thrown. */
export function answer(action: () => void): number {
	try {
		action();
		return 0;
	} catch (error) {
		return refusal(error);
	}
}

export function refusal(error: unknown): number {
	const errno = error instanceof TailhopError ? error.detail?.errno : undefined;
	if (typeof errno !== "number") throw error;
	return -errno;
}
