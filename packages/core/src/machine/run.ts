import { TailhopError, type Where } from "../errors/index.ts";
import { factsOf } from "../flow/index.ts";
import type { Output } from "../helpers/index.ts";
import type { Hook } from "../hooks/index.ts";
import {
	type Execution,
	type HopRecord,
	lineOf,
	REGION,
	type Regions,
	whereOf,
} from "../interpreter/index.ts";
import type { LinearMemory } from "../memory/index.ts";
import type { ProgramRecord } from "./records.ts";
import type { Runtime } from "./runtime.ts";
import type { Hop, RunResult } from "./types.ts";

interface RunParts {
	readonly execution: Execution;
	readonly runtime: Runtime;
	readonly regions: Regions;
	readonly hook: Hook;
	readonly record: ProgramRecord;
	readonly context: number;
	readonly output: readonly Output[];
	readonly budget: number;
	readonly verified: boolean;
	readonly trace: boolean;
}

/** One run of a program, from the entry to the verdict, as far as one wants to go at a time. */
export class Run {
	readonly #parts: RunParts;
	readonly #hops: HopRecord[] = [];
	#ended = false;
	#left = 0;

	/** @internal */
	constructor(parts: RunParts) {
		this.#parts = parts;
		this.#begin();
	}

	#begin(): void {
		const parts = this.#parts;
		this.#left = parts.budget;
		const { execution, hook, record, context, regions } = parts;
		const contextRegion = contextRegionOf(regions, hook, context);
		execution.begin({
			program: record.lowered,
			hook,
			context,
			contextRegion,
			hops: parts.trace ? this.#hops : undefined,
		});
	}

	/** Whether the verdict is there, or the run ended in a fault. */
	get done(): boolean {
		return this.#ended || this.#parts.execution.finished;
	}

	/** Where the next instruction is. */
	get where(): Where {
		const { execution } = this.#parts;
		return execution.where(execution.pc);
	}

	/** r0 to r10, 64 bits each; what was never written reads as 0. */
	get registers(): readonly bigint[] {
		const { registers } = this.#parts.execution;
		return Array.from(
			{ length: 11 },
			(_, i) => (BigInt(registers[2 * i + 1]! >>> 0) << 32n) | BigInt(registers[2 * i]! >>> 0),
		);
	}

	/** From the running function to the entry. */
	get backtrace(): readonly Where[] {
		return this.#parts.execution.backtrace();
	}

	get hops(): readonly Hop[] {
		return this.#hops.map(hopOf);
	}

	get output(): readonly Output[] {
		return this.#parts.output;
	}

	/** Instructions executed so far. */
	get instructions(): number {
		return this.#parts.execution.executed;
	}

	/** Runs at most `count` instructions; true when the run is over. @throws TailhopError the fault that ends it */
	step(count = 1): boolean {
		if (this.done) return true;
		const { execution, budget } = this.#parts;
		const allowed = Math.min(count, this.#left);
		const before = execution.executed;
		try {
			execution.advance(allowed);
			this.#left -= execution.executed - before;
			if (!execution.finished && this.#left <= 0) execution.overBudget(budget);
		} catch (error) {
			this.abandon();
			if (error instanceof TailhopError) throw completed(error, execution);
			throw error;
		}
		return execution.finished;
	}

	/** Runs to the end. @throws TailhopError the fault that ends it */
	finish(): RunResult {
		const { execution, runtime } = this.#parts;
		if (this.#ended) throw new TailhopError("machine/closed", "this run has ended");
		this.step(Number.POSITIVE_INFINITY);
		return resultOf(
			runtime.memory,
			this.#parts,
			execution.registers[0]!,
			execution.registers[1]!,
			{
				hops: this.#hops,
				instructions: execution.executed,
				engine: "interpreter",
				verified: this.#parts.verified,
			},
			() => this.abandon(),
		);
	}

	/** @internal Once more from the entry, over the bytes that the last run left. */
	again(): void {
		this.#parts.runtime.again();
		this.#parts.regions.forget();
		this.#hops.length = 0;
		this.#begin();
	}

	/** Ends the run where it is. */
	abandon(): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#parts.runtime.finish();
		this.#parts.regions.forget();
	}
}

/** Provenance of r1: the context of a run. */
export function contextRegionOf(regions: Regions, hook: Hook, context: number): number {
	return regions.add(REGION.CONTEXT, context, hook.contextSize, "none", 0, hook.contextName);
}

/** A fault with the place where it happened, where the thrower (a helper) didn't know it. */
function completed(error: TailhopError, execution: Execution): TailhopError {
	if (error.where.insn !== undefined) return error;
	return new TailhopError(
		error.code,
		error.message,
		{ ...execution.here(), ...error.where },
		{ ...error, cause: error.cause },
	);
}

/** What a result is read from: packet and context in memory. */
export type Parts = Pick<RunParts, "hook" | "record" | "context" | "output">;
/** How it came to be. */
export type How = Pick<RunResult, "instructions" | "engine" | "verified"> & {
	readonly hops: readonly HopRecord[];
};

/** What most runs come to, so that no number is made for them. */
const SMALL = Array.from({ length: 256 }, (_, i) => BigInt(i));

/**
 * What a run came to, on any engine; `low` and `high` are r0's halves. `end` closes the run: what it gave to the outside
 * is whole only then.
 */
export function resultOf(
	memory: LinearMemory,
	parts: Parts,
	low: number,
	high: number,
	how: How,
	end: () => void,
): RunResult {
	const { hook, record, context, output } = parts;
	const code = low >>> 0;
	const name = hook.verdictName(code, record.program.expectedAttachType);
	const left = hook.end(memory, context);
	end();
	// field by field: V8 is slow with what stands behind a spread (a run of a short program took 13 us, 3 so)
	return {
		packet: left.packet,
		context: left.context,
		verdict: name === undefined ? { code } : { code, name },
		r0: high === 0 && code < SMALL.length ? SMALL[code]! : (BigInt(high >>> 0) << 32n) | BigInt(code),
		hops: how.hops.map(hopOf),
		output,
		instructions: how.instructions,
		engine: how.engine,
		verified: how.verified,
		...(left.contextBytes === undefined ? undefined : { contextBytes: left.contextBytes }),
	};
}

export function hopOf(record: HopRecord): Hop {
	const { program, subprogram } = whereOf(record.program, record.insn);
	const source = lineOf(record.program, record.insn);
	return {
		from: {
			program: program!,
			...(subprogram === undefined ? {} : { subprogram }),
			insn: record.insn,
			...(source === undefined ? {} : { source }),
		},
		map: record.map,
		slot: record.slot,
		static: isStatic(record),
		outcome: record.outcome,
		...(record.target === undefined ? {} : { to: record.target.program.name }),
		count: record.count,
	};
}

/** Whether array and slot are the same on every path to the call: what the kernel turns into a direct jump. */
function isStatic({ program: { program, maps }, insn }: HopRecord): boolean {
	const site = factsOf(program, maps).tailCalls.get(insn);
	return site?.map !== undefined && site.slot !== undefined;
}
