import type { TailhopError } from "../errors/index.ts";
import type { Hop } from "../machine/index.ts";
import type { EngineOutcome } from "./outcome.ts";

/** A way that packets took: the programs, and what became of it. */
export interface PathCount {
	/** "entry → ipv4 → route" */
	readonly programs: readonly string[];
	/** Name or number of the verdict, or the code of the error. */
	readonly end: string;
	readonly packets: number;
}

/** A tail call that didn't happen. */
export interface MissCount {
	readonly hop: Hop;
	readonly packets: number;
}

export interface Summary {
	readonly packets: number;
	/** Most frequent first. */
	readonly verdicts: readonly (readonly [name: string, packets: number])[];
	readonly paths: readonly PathCount[];
	readonly misses: readonly MissCount[];
	/** Errors by code, with one of each. */
	readonly errors: readonly { readonly error: TailhopError; readonly packets: number }[];
	/** Tail calls taken, over all packets. */
	readonly hops: number;
}

/** The programs that a run went through, in order: the entry, then every tail call's target. */
export function pathOf(entry: string, hops: readonly Hop[]): readonly string[] {
	return [entry, ...hops.flatMap((hop) => (hop.to === undefined ? [] : [hop.to]))];
}

/** Name of a verdict, or its number. */
export function verdictText(verdict: { readonly code: number; readonly name?: string }): string {
	return verdict.name ?? String(verdict.code);
}

/** Adds up the outcomes of many packets through one entry program. */
export class Tally {
	readonly #entry: string;
	#packets = 0;
	#hops = 0;
	readonly #verdicts = new Map<string, number>();
	readonly #paths = new Map<string, { programs: readonly string[]; end: string; packets: number }>();
	readonly #misses = new Map<string, { hop: Hop; packets: number }>();
	readonly #errors = new Map<string, { error: TailhopError; packets: number }>();

	constructor(entry: string) {
		this.#entry = entry;
	}

	add(outcome: EngineOutcome): void {
		this.#packets++;
		const programs = pathOf(this.#entry, outcome.hops);
		this.#hops += programs.length - 1;
		let end: string;
		if (outcome.error === undefined) {
			end = verdictText(outcome.verdict);
			this.#verdicts.set(end, (this.#verdicts.get(end) ?? 0) + 1);
		} else {
			const { error } = outcome;
			end = error.code;
			const id = `${error.code} ${error.where.program} ${error.where.insn}`;
			bump(this.#errors, id, () => ({ error, packets: 0 }));
		}
		bump(this.#paths, [...programs, end].join("\0"), () => ({ programs, end, packets: 0 }));
		const seen = new Set<string>();
		for (const hop of outcome.hops) {
			if (hop.outcome === "taken") continue;
			const id = [hop.from.program, hop.from.insn, hop.map, hop.slot, hop.outcome].join("\0");
			if (seen.has(id)) continue;
			seen.add(id);
			bump(this.#misses, id, () => ({ hop, packets: 0 }));
		}
	}

	get summary(): Summary {
		return {
			packets: this.#packets,
			verdicts: [...this.#verdicts].sort((a, b) => b[1] - a[1]),
			paths: [...this.#paths.values()].sort((a, b) => b.packets - a.packets),
			misses: [...this.#misses.values()].sort((a, b) => b.packets - a.packets),
			errors: [...this.#errors.values()].sort((a, b) => b.packets - a.packets),
			hops: this.#hops,
		};
	}
}

function bump<T extends { packets: number }>(counts: Map<string, T>, id: string, make: () => T): void {
	let count = counts.get(id);
	if (count === undefined) {
		count = make();
		counts.set(id, count);
	}
	count.packets++;
}
