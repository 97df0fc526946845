import type { LinkedObject } from "@tailhop/core";
import { buildObject, type MapCase } from "./harness.ts";

/** A program in LLVM's syntax: one instruction or label a line, so that a shrinker can take lines away. */
export interface FuzzProgram {
	/** BPF_PROG_TYPE_*. */
	readonly type: number;
	readonly attachType?: number;
	/** BPF_F_* of BPF_PROG_LOAD. */
	readonly flags?: number;
	readonly asm: readonly string[];
}

/** What is done to the loaded object, in order, on every engine; keys, values, packets and contexts in hex; a per-CPU value is one CPU's. */
export type FuzzStep =
	| { readonly run: string; readonly packet: string; readonly context?: string }
	| { readonly update: string; readonly key: string; readonly value: string; readonly flags?: number }
	| { readonly delete: string; readonly key: string }
	| { readonly lookup: string; readonly key: string }
	/** BPF_MAP_LOOKUP_AND_DELETE_ELEM. */
	| { readonly take: string; readonly key: string }
	/** BPF_MAP_GET_NEXT_KEY, null: the first. */
	| { readonly next: string; readonly key: string | null }
	/** BPF_MAP_LOOKUP_BATCH of `count` entries at a time to the end, or LOOKUP_AND_DELETE_BATCH. */
	| { readonly batch: string; readonly count: number; readonly remove?: boolean }
	| {
			readonly updateBatch: string;
			readonly entries: readonly (readonly [key: string, value: string])[];
			readonly flags?: number;
	  }
	| { readonly deleteBatch: string; readonly keys: readonly string[] }
	| { readonly freeze: string }
	/** A program into a slot, or null out of it. */
	| {
			readonly slot: string;
			readonly index: number;
			readonly program: string | null;
			readonly mode?: "any" | "noexist" | "exist";
	  };

/** Everything that a case is: data only, so that a regression is a JSON file. */
export interface FuzzCase {
	readonly family: string;
	readonly maps: readonly MapCase[];
	readonly programs: Readonly<Record<string, FuzzProgram>>;
	readonly slots?: Readonly<Record<string, Readonly<Record<number, string>>>>;
	readonly steps: readonly FuzzStep[];
	/** Maps whose contents are not compared at the end. */
	readonly ignoreMaps?: readonly string[];
}

export function link(test: FuzzCase): LinkedObject {
	const linked = buildObject({
		maps: test.maps.map(({ entries: _, ...map }) => map),
		programs: Object.fromEntries(
			Object.entries(test.programs).map(([name, { asm }]) => [name, asm.join("\n")]),
		),
		...(test.slots === undefined ? {} : { slots: test.slots }),
	});
	return {
		...linked,
		programs: linked.programs.map((program) => {
			const { type, attachType = 0, flags = 0 } = test.programs[program.name]!;
			// source lines would cost the kernel more than the program does
			return { ...program, type, expectedAttachType: attachType, flags, lines: [] };
		}),
	};
}
