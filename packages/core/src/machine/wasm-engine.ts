import { TailhopError, type Where } from "../errors/index.ts";
import { factsOf } from "../flow/index.ts";
import { PACKET, PROTOTYPES, prototypeFor } from "../helpers/index.ts";
import { fieldAt, type Hook, loadedFrom, onesAt } from "../hooks/index.ts";
import { type HopRecord, whereOf } from "../interpreter/index.ts";
import { specialFields } from "../maps/index.ts";
import { MACHINE } from "../memory/index.ts";
import {
	batchModule,
	type CompiledMap,
	type CompileOptions,
	type ContextAccess,
	compile,
	type Unit,
} from "../wasm/index.ts";
import type { MapRecord, ProgramRecord } from "./records.ts";
import { type Callback, type ImportHost, importsOf } from "./wasm-imports.ts";

export interface WasmParts extends Omit<ImportHost, "hook" | "hops" | "callback" | "interpret"> {
	readonly hooks: readonly Hook[];
	readonly regionChecks: boolean;
	readonly fuel: boolean;
	/** Budgets for programs that are verified, too. */
	readonly fuelForVerified: boolean;
	readonly emptySlotCounts: boolean;
	readonly mayGoto: number;
	readonly cpu: number;
	/** Lowest address of the stack area. */
	readonly stackBase: number;
	/** Goes on in the interpreter within the running invocation. */
	interpret(invocation: Invocation, program: ProgramRecord, sp: number, count: number): bigint;
}

/** A run of compiled code. */
export interface Invocation {
	readonly record: ProgramRecord;
	readonly hook: Hook;
	readonly context: number;
	/** Where r10 of the entry points. */
	readonly sp: number;
	/** Loop rounds and calls of one run, not instructions. */
	readonly budget: number;
	readonly hops: HopRecord[] | undefined;
}

type Entry = (context: number, sp: number) => number;
type BatchRun = (program: number, from: number, to: number, sp: number, rounds: number) => number;

/** The programs of a machine, compiled one way: a chain stays in the build that it began in, callbacks included. */
interface Build {
	/** Functions by program index. */
	readonly table: WebAssembly.Table;
	/** Entries for the host by program index. */
	readonly entries: (Entry | undefined)[];
	/** By callback id. */
	readonly callbacks: (Callback | undefined)[];
	/** How many of the engine's batches are compiled so far. */
	batches: number;
	/** By module name: where in its bytes which instruction begins (WrittenModule.lines). */
	readonly lines: Map<string, readonly number[]>;
}

const ARRAY = 2;

/**
 * Programs as WebAssembly: a module for all that is loaded at once, one function table a machine. The interpreter's
 * equal in all that can be observed; a trap becomes the fault that it stands for.
 */
export class WasmEngine {
	readonly #parts: WasmParts;
	readonly #host: ImportHost;
	/** Programs that came between two updates: a module each. */
	#batches: (readonly ProgramRecord[])[] = [];
	readonly #known = new Set<ProgramRecord>();
	#plain = emptyBuild();
	/** With calls that report hops; made when the first run asks for them. */
	#traced: Build | undefined;
	/** The one that runs. */
	#running = this.#plain;
	readonly #callbackIds = new Map<string, number>();
	#invocation: Invocation | undefined;
	/** The batch function over the plain build's table. */
	#batch: BatchRun | undefined;
	/** Why programs are left to the interpreter. */
	readonly unsupported = new Map<ProgramRecord, TailhopError>();

	constructor(parts: WasmParts) {
		this.#parts = parts;
		this.#host = {
			...parts,
			hook: () => this.#invocation?.hook,
			hops: () => this.#invocation?.hops,
			callback: (id) => this.#running.callbacks[id],
			interpret: (index, _context, sp, count) =>
				parts.interpret(this.#invocation!, parts.lifecycle.programs[index]!, sp, count),
		};
	}

	/**
	 * Takes over what is loaded now: all that is new becomes one module, so that collections that were loaded before the
	 * first run jump to each other directly (through the table a hop takes 8.6 ns, in the module 1.6).
	 */
	update(): void {
		const living = this.#parts.lifecycle.programs.filter((record) => record !== undefined);
		const fresh = living.filter((record) => !this.#known.has(record));
		const taken = new Set([...this.#known].map((record) => record.index));
		// old code jumps to what had the index: it goes with it
		if (fresh.some((record) => taken.has(record.index))) {
			this.#known.clear();
			this.unsupported.clear();
			this.#batches = [];
			this.#plain = emptyBuild();
			this.#traced = undefined;
			this.#batch = undefined;
			fresh.splice(0, fresh.length, ...living);
		}
		for (const record of fresh) this.#known.add(record);
		if (fresh.length > 0) this.#batches.push(fresh);
		this.#complete(this.#plain, false);
	}

	#tracedBuild(): Build {
		this.#traced ??= emptyBuild();
		this.#complete(this.#traced, true);
		return this.#traced;
	}

	#complete(build: Build, trace: boolean): void {
		for (; build.batches < this.#batches.length; build.batches++)
			this.#compile(this.#batches[build.batches]!, build, trace);
	}

	#compile(records: readonly ProgramRecord[], build: Build, trace: boolean): void {
		const { table, entries, callbacks } = build;
		const { runtime, allocator } = this.#parts;
		const living = records.filter((record) => !record.freed);
		const units = living.map((record): Unit => {
			const { program, linked, index, objectMaps } = record;
			const maps = objectMaps.map((map) => this.#compiledMap(map));
			const verified = record.verdict?.accepted === true;
			return {
				program,
				facts: { ...factsOf(program, linked.maps), ...record.verdict?.facts },
				index,
				maps,
				verified,
			};
		});
		const name = `tailhop${build.batches}`;
		const module = compile(
			units,
			{ ...this.#compileOptions(), trace, name },
			(address, slot) => runtime.map(address)?.slots?.word(slot) ?? 0,
			(unit, start) => this.#callbackId(unit.index, start),
		);
		for (const record of living) {
			const error = module.unsupported.get(record.index);
			if (error !== undefined) this.unsupported.set(record, error);
		}
		build.lines.set(name, module.lines);
		const { bytes } = module;
		bytes[module.memoryFlagAt] = allocator.memory.shared ? 3 : 1;
		const { exports } = new WebAssembly.Instance(moduleOf(bytes), {
			env: importsOf(module, table, this.#host),
		});
		for (const { index } of units) {
			if (table.length <= index) table.grow(index + 1);
			table.set(index, exports[`p${index}`]);
			entries[index] = exports[`e${index}`] as Entry;
		}
		for (const { name, tableIndex } of module.callbacks) callbacks[tableIndex] = exports[name] as Callback;
	}

	#compileOptions(): CompileOptions {
		const parts = this.#parts;
		return {
			regionChecks: parts.regionChecks,
			fuel: parts.fuel,
			fuelForVerified: parts.fuelForVerified,
			trace: false,
			name: "",
			emptySlotCounts: parts.emptySlotCounts,
			passes: true,
			dataBase: parts.allocator.dataBase,
			cpu: parts.cpu,
			stackBase: parts.stackBase,
			mayGoto: parts.mayGoto,
			contextWord: PACKET.CONTEXT,
			contextAccess: contextAccess(parts.hooks),
			prototype: (id, type) => {
				const helper = parts.helper(id);
				if (helper === undefined) return undefined;
				return helper.prototype === PROTOTYPES.get(id) ? prototypeFor(id, type) : helper.prototype;
			},
			kfunc: (name) => parts.kfunc(name)?.prototype,
			isOwn: (id) => parts.helper(id)?.prototype === PROTOTYPES.get(id),
		};
	}

	/** A map that the machine lacks has no address: what uses it is left to the interpreter, which says so. */
	#compiledMap({ instance, def, address, linked }: MapRecord): CompiledMap {
		if (instance === undefined) return { def, address: 0, values: 0, guarded: false };
		const values = def.type === ARRAY ? instance.valueAddress(0) : 0;
		const guarded = specialFields(linked.btf, def.valueTypeId).length > 0;
		return { def, address, values: Math.max(values, 0), guarded };
	}

	#callbackId(program: number, start: number): number {
		const key = `${program},${start}`;
		let id = this.#callbackIds.get(key);
		if (id === undefined) {
			id = this.#callbackIds.size + 1;
			this.#callbackIds.set(key, id);
		}
		return id;
	}

	/**
	 * Runs a program `times` times over what lies in memory; the low half of the last r0, whose high one is in
	 * MACHINE.RESULT_HIGH. `between` is called before each further run. @throws TailhopError fault/*
	 */
	run(invocation: Invocation, times = 1, between?: () => void): number {
		const { record, context, sp, hops } = invocation;
		const { memory } = this.#parts.allocator;
		this.#running = hops === undefined ? this.#plain : this.#tracedBuild();
		const entry = this.#running.entries[record.index]!;
		this.#invocation = invocation;
		const rounds = Math.min(invocation.budget, 0xffff_ffff);
		try {
			// asking for the memory's buffer costs more than a short program: only when growth has detached the view
			let words = memory.i32;
			for (let left = times; ; ) {
				if (words.length === 0) words = memory.i32;
				words[MACHINE.BUDGET >> 2] = rounds;
				const low = entry(context, sp);
				if (--left <= 0) return low;
				between?.();
			}
		} catch (error) {
			throw this.#fault(error, invocation);
		} finally {
			this.#invocation = undefined;
		}
	}

	/**
	 * Runs a program over tickets (wasm/batch.ts) from one address to another; the ticket that it stopped before.
	 * Hops are not recorded. @throws TailhopError fault/* of the ticket at MACHINE.BATCH_AT
	 */
	runBatch(invocation: Invocation, from: number, to: number): number {
		this.#batch ??= this.#batchRun();
		const { record, sp, budget } = invocation;
		this.#running = this.#plain;
		this.#invocation = invocation;
		try {
			return this.#batch(record.index, from, to, sp, Math.min(budget, 0xffff_ffff)) >>> 0;
		} catch (error) {
			throw this.#fault(error, invocation);
		} finally {
			this.#invocation = undefined;
		}
	}

	#batchRun(): BatchRun {
		const { memory } = this.#parts.allocator;
		const { bytes, memoryFlagAt } = batchModule();
		bytes[memoryFlagAt] = memory.shared ? 3 : 1;
		const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
			env: { memory: memory.memory, table: this.#plain.table },
		});
		return exports.run as BatchRun;
	}

	/** The instruction that trapped, where the host's stack trace says which byte of a module did. */
	#whereOf(error: unknown): Where | undefined {
		const [, name, byte] = PLACE.exec((error instanceof Error ? error.stack : undefined) ?? "") ?? [];
		const lines = this.#running.lines.get(name ?? "");
		if (lines === undefined) return undefined;
		const offset = Number.parseInt(byte!, 16);
		let at = -3;
		while (at + 3 < lines.length && lines[at + 3]! <= offset) at += 3;
		const record = this.#parts.lifecycle.programs[lines[at + 1] ?? -1];
		return record && whereOf(record.lowered, lines[at + 2]!);
	}

	#fault(error: unknown, { record, budget }: Invocation): unknown {
		const { memory } = this.#parts.allocator;
		if (error instanceof TailhopError) return error;
		const where = this.#whereOf(error) ?? { program: record.name, section: record.program.section };
		if (error instanceof WebAssembly.RuntimeError) {
			if (memory.u32(MACHINE.TRAP) === 1) return stackFault(where, error);
			if (this.#parts.fuel && memory.u32(MACHINE.BUDGET) === 0) {
				return new TailhopError("fault/budget", `the budget of ${budget} is spent`, where, {
					hint: "An endless loop? Otherwise give a larger budget.",
				});
			}
			return new TailhopError("fault/access", "an access outside what programs may touch", where, {
				hint: "Run with the interpreter to see where the pointer came from.",
				cause: error,
			});
		}
		if (error instanceof RangeError) {
			return stackFault(where, error);
		}
		return error;
	}
}

/** V8's words for a place in a module: its name and the byte. */
const PLACE = /wasm:\/\/wasm\/(tailhop\d+)-[0-9a-f]+:wasm-function\[\d+\]:0x([0-9a-f]+)/;

/** @throws TailhopError machine/unsupported for a host that lacks tail calls or vectors, or has narrower limits than V8 */
function moduleOf(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
	try {
		return new WebAssembly.Module(bytes);
	} catch (error) {
		if (!(error instanceof WebAssembly.CompileError)) throw error;
		throw new TailhopError(
			"machine/unsupported",
			`this host does not compile what the programs became: ${error.message}`,
			{},
			{ hint: 'Take engine: "interpreter", or load fewer programs at once.', cause: error },
		);
	}
}

function emptyBuild(): Build {
	const table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
	return { table, entries: [], callbacks: [], batches: 0, lines: new Map() };
}

/** What the hooks' tables say of contexts, as the compiler asks it. */
function contextAccess(hooks: readonly Hook[]): ContextAccess {
	const field = (type: number, offset: number) => {
		const hook = hooks.find((each) => each.programType === type);
		return hook === undefined ? undefined : fieldAt(hook.fields, offset);
	};
	return {
		store: (type, offset) => field(type, offset)?.store !== undefined,
		load(type, offset, size) {
			const found = field(type, offset);
			return found === undefined ? 0 : loadedFrom(found, offset, size) - offset;
		},
		ones: onesAt,
	};
}

function stackFault(where: Where, cause: Error): TailhopError {
	return new TailhopError("fault/stack", "calls are nested too deep", where, { hint: "Recursion?", cause });
}
