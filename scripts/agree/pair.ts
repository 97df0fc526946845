import {
	compareMaps,
	compareOutcomes,
	type Difference,
	type Environment,
	HELPERS,
	HOOKS,
	hookFor,
	type LinkedMap,
	type LinkedObject,
	Machine,
	type MapHandle,
	type RunInput,
	type RunOutcome,
	TailhopError,
} from "@tailhop/core";
import { KernelMap, KernelObject } from "@tailhop/kernel";
import { answer } from "../../packages/testing/src/side.ts";

const CALL = 0x85;
const LOOKUP = 1;
const LOOKUP_PERCPU = 195;
const PROG_ARRAY = 3;
const QUEUES: ReadonlySet<number> = new Set([22, 23]);

/** A map on both sides. */
export interface PairMap {
	readonly name: string;
	readonly def: LinkedMap;
	readonly machine: MapHandle;
	readonly kernel: KernelMap;
}

/** What no program should see: how unwritten stack reads, and where things lie. */
export interface Chance {
	readonly fillByte: number;
	/** Moves all that programs point to. */
	readonly controlBytes: number;
}
export const HERE: Chance = { fillByte: 0xa5, controlBytes: 1 << 22 };
export const ELSEWHERE: Chance = { fillByte: 0x5a, controlBytes: 1 << 24 };

export type Engine = "interpreter" | "wasm";

interface PairOptions {
	/** Record which instructions ran; slower. */
	readonly coverage: boolean;
	readonly chance: Chance;
	/** What the Environment has in common with the kernel's network namespace. */
	readonly world: Partial<Environment>;
	readonly engine: Engine;
}

/** What one run differed in, and what it did on the machine. */
export interface PairRun {
	readonly differences: readonly Difference[];
	readonly machine: RunOutcome;
	/** Whether both refused the input. */
	readonly refused: boolean;
}

/** One object in a Machine and in the kernel; both are run and filled in step. */
export class Pair {
	readonly linked: LinkedObject;
	readonly machine: Machine;
	readonly kernel: KernelObject;
	readonly maps = new Map<string, PairMap>();
	/** Keys that programs looked up since the last `takeLookups`, as latin1 text by map. */
	#lookups = new Map<string, Set<string>>();
	/** Instructions that the machine ran, by program. */
	readonly covered = new Map<string, Set<number>>();
	readonly #coverage: boolean;
	readonly #opened: KernelMap[] = [];

	private constructor(
		linked: LinkedObject,
		kernel: KernelObject,
		create: (pair: Pair) => Machine,
		coverage: boolean,
	) {
		this.linked = linked;
		this.kernel = kernel;
		this.machine = create(this);
		this.#coverage = coverage;
		for (const map of this.machine.maps)
			this.maps.set(map.name, { name: map.name, def: map.def, machine: map, kernel: kernel.map(map.name) });
	}

	/** Only what the kernel loads: `rejections` of `kernel` has the rest, which the machine is not given. */
	static async open(
		linked: LinkedObject,
		relink: (programs: readonly string[]) => LinkedObject,
		{ coverage, chance, world, engine }: PairOptions,
	): Promise<Pair> {
		const kernel = await KernelObject.load(linked, { hooks: HOOKS, keepGoing: true });
		try {
			const loaded = kernel.rejections.size === 0 ? linked : relink([...kernel.programs.keys()]);
			const recorder: { pair?: Pair } = {};
			const machine = await Machine.create(loaded, {
				environment: { ...world, cpus: kernel.kernel.cpus, cpu: 0, fillByte: chance.fillByte },
				controlBytes: chance.controlBytes,
				engine,
				helpers: new Map([LOOKUP, LOOKUP_PERCPU].map((id) => [id, recording(id, recorder)])),
			});
			return new Pair(
				loaded,
				kernel,
				(pair) => {
					recorder.pair = pair;
					return machine;
				},
				coverage,
			);
		} catch (error) {
			kernel.close();
			throw error;
		}
	}

	/** Called by the machine's lookup helpers. */
	lookedUp(map: string, key: Uint8Array): void {
		let keys = this.#lookups.get(map);
		if (keys === undefined) {
			keys = new Set();
			this.#lookups.set(map, keys);
		}
		if (keys.size < 512) keys.add(Buffer.from(key).toString("latin1"));
	}

	takeLookups(): ReadonlyMap<string, readonly Uint8Array[]> {
		const taken = this.#lookups;
		this.#lookups = new Map();
		return new Map(
			[...taken].map(([map, keys]) => [map, [...keys].map((key) => Buffer.from(key, "latin1"))]),
		);
	}

	run(program: string, input: RunInput): PairRun {
		const theirs = this.kernel.attempt(program, input);
		const ours = this.#coverage ? this.#step(program, input) : this.machine.attempt(program, input);
		const { type } = this.linked.programs.find((each) => each.name === program)!;
		const differences = compareOutcomes(ours, theirs, hookFor(type)!);
		return { differences, machine: ours, refused: ours.error !== undefined && differences.length === 0 };
	}

	#step(program: string, input: RunInput): RunOutcome {
		const { machine } = this;
		let run: ReturnType<Machine["start"]> | undefined;
		try {
			run = machine.start(program, input);
			for (let done = run.done; !done; done = run.step(1)) {
				const { program: name = "", insn = 0 } = run.where;
				let insns = this.covered.get(name);
				if (insns === undefined) {
					insns = new Set();
					this.covered.set(name, insns);
				}
				insns.add(insn);
			}
			return run.finish();
		} catch (error) {
			if (!(error instanceof TailhopError)) throw error;
			return {
				error,
				hops: run?.hops ?? [],
				output: run?.output ?? [],
				engine: "interpreter",
				verified: false,
			};
		}
	}

	/** Calls of helpers that the machine came to: "6 51" (program type and helper), how many. */
	helperCalls(): ReadonlyMap<string, number> {
		const calls = new Map<string, number>();
		for (const { name, type, insns } of this.linked.programs) {
			for (const at of this.covered.get(name) ?? []) {
				const { opcode, src, imm } = insns[at]!;
				if (opcode !== CALL || src !== 0) continue;
				const key = `${type} ${imm}`;
				calls.set(key, (calls.get(key) ?? 0) + 1);
			}
		}
		return calls;
	}

	/** Differences between the maps' entries; afterwards the machine has the kernel's. */
	compareMaps(): readonly Difference[] {
		const both = [...this.maps.values()];
		const queues = both.filter(({ def }) => QUEUES.has(def.type));
		const listed = both.filter(({ def }) => !QUEUES.has(def.type));
		const side = (which: "machine" | "kernel") =>
			listed.map((map) => ({
				name: map.name,
				def: map.def,
				btf: undefined,
				contents: () => map[which].contents(),
			}));
		const found = [...compareMaps(side("machine"), side("kernel"))];
		for (const difference of found) {
			if (difference.what !== "map") continue;
			const { instance } = this.maps.get(difference.map)!.machine;
			if (difference.b === undefined) instance.hostDelete(difference.key);
			else instance.hostUpdate(difference.key, difference.b, 0n);
		}
		for (const map of queues) found.push(...this.#drain(map));
		return found;
	}

	/** Takes everything out of a queue or a stack, on both sides. */
	#drain({ name, machine, kernel, def }: PairMap): Difference[] {
		const none = new Uint8Array();
		const found: Difference[] = [];
		for (let i = 0; i <= def.maxEntries; i++) {
			const [a, b] = [machine.instance.hostLookupAndDelete(none), kernel.hostLookupAndDelete(none)];
			if (typeof a === "number" && typeof b === "number") break;
			if (String(a) !== String(b))
				found.push({
					what: "map",
					map: name,
					key: none,
					...(typeof a === "number" ? {} : { a }),
					...(typeof b === "number" ? {} : { b }),
				});
		}
		return found;
	}

	/** BPF_MAP_UPDATE_ELEM on both; what the two answer, where they answer differently. */
	update({ name, machine, kernel }: PairMap, key: Uint8Array, value: Uint8Array): string | undefined {
		const [a, b] = [machine.instance.hostUpdate(key, value, 0n), kernel.hostUpdate(key, value)];
		return a === b ? undefined : `update of ${name}: machine ${a}, kernel ${b}`;
	}

	/** A new inner map under this key of a map in maps, like its template. */
	addInner(outer: PairMap, key: Uint8Array): PairMap | string | undefined {
		const { inner } = outer.def;
		if (inner === undefined) return undefined;
		const name = `${outer.name} ${Buffer.from(key).toString("hex")}`;
		if (this.maps.has(name)) return undefined;
		const def = { ...inner, name };
		const definition = {
			type: inner.type,
			keySize: inner.keySize,
			valueSize: inner.valueSize,
			maxEntries: inner.maxEntries,
			flags: inner.flags,
			mapExtra: inner.mapExtra,
			name: "inner",
		};
		const { kernel } = this.kernel;
		const theirs = new KernelMap(kernel, kernel.createMapFd(definition), definition);
		this.#opened.push(theirs);
		const ours = this.machine.createMap(def);
		const a = answer(() => outer.machine.setInnerMap(key, ours));
		const b = outer.kernel.hostUpdate(key, new Uint8Array(Uint32Array.of(theirs.fd).buffer));
		if (a !== b) return `inner map of ${outer.name}: machine ${a}, kernel ${b}`;
		const map: PairMap = { name, def, machine: ours, kernel: theirs };
		if (a === 0) this.maps.set(name, map);
		return map;
	}

	/** A program into a slot, on both. */
	setSlot(array: string, slot: number, program: string): string | undefined {
		const { machine, def } = this.maps.get(array)!;
		if (def.type !== PROG_ARRAY) return undefined;
		const a = answer(() => machine.setSlot(slot, program));
		const b = answer(() => this.kernel.setSlot(array, slot, program));
		return a === b ? undefined : `${program} in ${array}[${slot}]: machine ${a}, kernel ${b}`;
	}

	close(): void {
		this.kernel.close();
		for (const map of this.#opened) map.close();
		this.machine.close();
	}
}

/** The helper, which also says which keys of which map are asked for. */
function recording(id: number, recorder: { readonly pair?: Pair }) {
	const helper = HELPERS.get(id)!;
	if (!("run" in helper)) throw new Error(`helper ${id} calls back`);
	const run: typeof helper.run = (runtime, map, key, ...rest) => {
		const instance = runtime.map(map);
		if (instance !== undefined)
			recorder.pair?.lookedUp(instance.def.name, runtime.memory.read(key, instance.def.keySize));
		return helper.run(runtime, map, key, ...rest);
	};
	return { ...helper, run };
}
