import {
	type Hook,
	type LinkedMap,
	type LinkedObject,
	type LinkedProgram,
	TailhopError,
} from "@tailhop/core";
import { contextInput, contextOutput } from "./context.ts";
import { type DebugInfo, debugInfo } from "./debug-info.ts";
import { EventReaders, type KernelEvent } from "./events.ts";
import { accepted, type Kernel, type KernelBtf, openKernel } from "./kernel.ts";
import type { MapDefinition } from "./map.ts";
import { ObjectMap, u32 } from "./object-map.ts";
import type { KernelProgram } from "./program.ts";
import { rejected } from "./rejected.ts";

const PROG_ARRAY = 3;
const F_NUMA_NODE = 4;

export interface KernelLoadOptions {
	/** Only these programs, and those that they reach through slots; default: all. */
	readonly programs?: readonly string[];
	/** Load what the kernel accepts: refusals are in `rejections`, their slots stay empty. Default: throw the first. */
	readonly keepGoing?: boolean;
	/** Whose tables name the fields of `context` (core's HOOKS); without, a context is bytes only. */
	readonly hooks?: readonly Hook[];
	/** Level of the verifier's log kept in `logs`; default none. */
	readonly log?: number;
	/** Whether somebody reads the perf event arrays (default); false: perf_event_output answers ENOENT, as in a bare test run. */
	readonly perfReaders?: boolean;
}

/** As core's RunInput; fields of the context by name, or its bytes. */
export interface KernelRunInput {
	readonly packet: Uint8Array;
	readonly context?: Readonly<Record<string, number | bigint | readonly number[]>>;
	readonly contextBytes?: Uint8Array;
	readonly repeat?: number;
	readonly cpu?: number;
	/** BPF_F_TEST_*. */
	readonly flags?: number;
}

/** What BPF_PROG_TEST_RUN shows of a run: core's RunResult without r0 and the count of instructions. */
export interface KernelRunResult {
	readonly error?: undefined;
	readonly verdict: { readonly code: number; readonly name?: string };
	readonly packet: Uint8Array;
	readonly context: Readonly<Record<string, number | bigint | readonly number[]>>;
	readonly contextBytes?: Uint8Array;
	/** The kernel shows none. */
	readonly hops: readonly [];
	/**
	 * Map by map: perf events (their data filled up with zeros, core's `perfSample`; at most 256 KiB a CPU and run),
	 * then records of ring buffers.
	 */
	readonly output: readonly KernelEvent[];
	/** Mean of one run in ns. */
	readonly duration: number;
	readonly engine: "kernel";
	readonly verified: true;
}

/** A run that the kernel refused; as core's Failure. */
export interface KernelFailure {
	readonly error: TailhopError;
	readonly hops: readonly [];
	readonly output: readonly KernelEvent[];
	readonly engine: "kernel";
	readonly verified: true;
}

/** A LinkedObject in the running kernel: maps made and filled, programs loaded, slots set; attached to nothing. */
export class KernelObject {
	readonly linked: LinkedObject;
	readonly kernel: Kernel;
	/** In the order of `linked.maps`. */
	readonly maps: readonly ObjectMap[];
	/** By name: those that were loaded. */
	readonly programs: ReadonlyMap<string, KernelProgram>;
	/** By program, with `keepGoing`. */
	readonly rejections: ReadonlyMap<string, TailhopError>;
	/** By program, with `log`. */
	readonly logs: ReadonlyMap<string, string>;
	/** Why the kernel refused the object's BTF; it was loaded without. */
	readonly btfError: TailhopError | undefined;
	readonly #options: KernelLoadOptions;
	/** Opened by the first run: a load alone needs none. */
	#readers: EventReaders | undefined;
	#closed = false;

	private constructor(linked: LinkedObject, kernel: Kernel, loaded: Loaded, options: KernelLoadOptions) {
		this.#options = options;
		this.linked = linked;
		this.kernel = kernel;
		this.maps = loaded.maps;
		this.programs = loaded.programs;
		this.rejections = loaded.rejections;
		this.logs = loaded.logs;
		this.btfError = loaded.btfError;
	}

	/** Throws "kernel/unavailable" and "kernel/rejected"; nothing stays open then. */
	static async load(linked: LinkedObject, options: KernelLoadOptions = {}): Promise<KernelObject> {
		const kernel = await openKernel();
		const loaded: Loaded = {
			maps: [],
			programs: new Map(),
			rejections: new Map(),
			logs: new Map(),
			btf: undefined,
			btfError: undefined,
		};
		try {
			const info = loadBtf(kernel, linked, loaded);
			for (const map of linked.maps) loaded.maps.push(createMap(kernel, linked, map, loaded));
			for (const program of wanted(linked, options.programs)) {
				loadProgram(kernel, linked, program, info, loaded, options);
			}
			fillSlots(linked, loaded);
			return new KernelObject(linked, kernel, loaded, options);
		} catch (error) {
			closeAll(loaded);
			throw error;
		} finally {
			// maps and programs hold their own reference
			loaded.btf?.close();
		}
	}

	/** A map by name; throws "machine/unknown-map". */
	map(name: string): ObjectMap {
		const index = this.linked.maps.findIndex((map) => map.name === name);
		const map = this.maps[index];
		if (map === undefined)
			throw unknown(
				"map",
				name,
				this.linked.maps.map((each) => each.name),
			);
		return map;
	}

	/** A loaded program by name; throws "machine/unknown-program", or why the kernel refused it. */
	program(name: string): KernelProgram {
		const program = this.programs.get(name);
		if (program !== undefined) return program;
		throw this.rejections.get(name) ?? unknown("program", name, [...this.programs.keys()]);
	}

	/**
	 * BPF_PROG_TEST_RUN. Where `hooks` know the type, a context goes in (all zero, unless given) and comes out.
	 * Throws "kernel/rejected" for an input that the kernel refuses (EINVAL), for a program type that has no test run
	 * (ENOTSUPP), and where an object with perf event arrays may not read them (`perfReaders`).
	 */
	run(name: string, input: KernelRunInput): KernelRunResult {
		const program = this.program(name);
		const { type, expectedAttachType } = this.linked.programs.find((each) => each.name === name)!;
		const hook = this.#options.hooks?.find((each) => each.programType === type);
		const context = contextInput(hook, hook === undefined ? input : { context: {}, ...input });
		this.#readers ??= new EventReaders(this.maps, this.#options.perfReaders ?? true);
		const output = program.run({
			...(input.packet.length === 0 ? {} : { data: input.packet }),
			...(context === undefined ? {} : { context }),
			...(input.repeat === undefined ? {} : { repeat: input.repeat }),
			...(input.cpu === undefined ? {} : { cpu: input.cpu }),
			...(input.flags === undefined ? {} : { flags: input.flags }),
		});
		const verdict = hook?.verdictName(output.retval, expectedAttachType);
		return {
			verdict: { code: output.retval, ...(verdict === undefined ? {} : { name: verdict }) },
			packet: output.data,
			context: contextOutput(hook, output.context),
			...(context === undefined ? {} : { contextBytes: output.context }),
			hops: [],
			output: this.#readers.read(),
			duration: output.duration,
			engine: "kernel",
			verified: true,
		};
	}

	/** As `run`; a refusal is a result. */
	attempt(name: string, input: KernelRunInput): KernelRunResult | KernelFailure {
		try {
			return this.run(name, input);
		} catch (error) {
			if (!(error instanceof TailhopError)) throw error;
			return { error, hops: [], output: [], engine: "kernel", verified: true };
		}
	}

	/** Puts a program into a slot of a prog array, or empties it. Throws "kernel/rejected" (EINVAL: the owner excludes it). */
	setSlot(map: string, slot: number, program: string | undefined): void {
		const array = this.map(map);
		if (program === undefined) array.clearSlot(slot);
		else {
			// says why a program is missing that the kernel refused
			this.program(program);
			array.setSlot(slot, program);
		}
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#readers?.close();
		for (const handle of [...this.programs.values(), ...this.maps]) handle.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

/** What is open while an object is being loaded. */
interface Loaded {
	readonly maps: ObjectMap[];
	readonly programs: Map<string, KernelProgram>;
	readonly rejections: Map<string, TailhopError>;
	readonly logs: Map<string, string>;
	btf: KernelBtf | undefined;
	btfError: TailhopError | undefined;
}

function closeAll({ maps, programs }: Loaded): void {
	for (const handle of [...programs.values(), ...maps]) handle.close();
}

/** As libbpf: an object whose BTF is refused is loaded without it. */
function loadBtf(kernel: Kernel, linked: LinkedObject, loaded: Loaded): DebugInfo | undefined {
	const info = debugInfo(linked);
	if (info === undefined) return undefined;
	try {
		loaded.btf = kernel.loadBtf(info.btf);
		return info;
	} catch (error) {
		if (!(error instanceof TailhopError) || error.code !== "kernel/rejected") throw error;
		loaded.btfError = error;
		return undefined;
	}
}

function createMap(kernel: Kernel, linked: LinkedObject, map: LinkedMap, loaded: Loaded): ObjectMap {
	const inner = map.inner === undefined ? undefined : createMap(kernel, linked, map.inner, loaded);
	const definition: MapDefinition = {
		type: map.type,
		keySize: map.keySize,
		valueSize: map.valueSize,
		maxEntries: map.maxEntries,
		flags: map.flags,
		name: map.name,
		mapExtra: map.mapExtra,
		...((map.flags & F_NUMA_NODE) === 0 || map.numaNode === undefined ? {} : { numaNode: map.numaNode }),
		...(inner === undefined ? {} : { inner }),
	};
	try {
		const fd = createWithBtf(kernel, definition, map, loaded.btf) ?? kernel.createMapFd(definition);
		const created = new ObjectMap(kernel, fd, definition, {
			def: map,
			btf: linked.btf,
			programs: loaded.programs,
			maps: loaded.maps,
		});
		try {
			fillData(map, created);
		} catch (error) {
			created.close();
			throw error;
		}
		return created;
	} finally {
		// the template is only looked at
		inner?.close();
	}
}

/** As libbpf: a kind of map that takes no BTF ids (prog arrays, maps in maps, …) is made without them. */
function createWithBtf(
	kernel: Kernel,
	definition: MapDefinition,
	{ keyTypeId, valueTypeId }: LinkedMap,
	btf: KernelBtf | undefined,
): number | undefined {
	if (btf === undefined || (keyTypeId === 0 && valueTypeId === 0)) return undefined;
	try {
		return kernel.createMapFd({ ...definition, btf, keyTypeId, valueTypeId });
	} catch {
		return undefined;
	}
}

function fillData(map: LinkedMap, created: ObjectMap): void {
	const check = (what: string, result: number): void => {
		if (result < 0) throw rejected(`${what} of ${map.name}`, -result, { map: map.name });
	};
	if (map.initial !== undefined) {
		const value = new Uint8Array(created.hostValueSize);
		value.set(map.initial.subarray(0, value.length));
		check("the initial value", created.hostUpdate(u32(0), value));
	}
	if (map.frozen) check("the freezing", created.freeze());
}

/** The named programs and all that they reach through slots of the object's prog arrays. */
function wanted(linked: LinkedObject, names: readonly string[] | undefined): readonly LinkedProgram[] {
	if (names === undefined) return linked.programs;
	const byName = new Map(linked.programs.map((program) => [program.name, program]));
	const found = new Set<LinkedProgram>();
	const queue = [...names];
	for (const name of queue) {
		const program = byName.get(name);
		if (program === undefined) throw unknown("program", name, [...byName.keys()]);
		if (found.has(program)) continue;
		found.add(program);
		const used = mapsOf(program);
		for (const { map, target } of linked.slots) {
			if (used.has(map) && linked.maps[map]?.type === PROG_ARRAY) queue.push(target);
		}
	}
	return linked.programs.filter((program) => found.has(program));
}

/** Indexes of the maps that a program's lddw instructions name (BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE). */
function mapsOf({ insns }: LinkedProgram): ReadonlySet<number> {
	const used = new Set<number>();
	for (const { opcode, src, imm } of insns) if (opcode === 0x18 && (src === 5 || src === 6)) used.add(imm);
	return used;
}

function loadProgram(
	kernel: Kernel,
	linked: LinkedObject,
	program: LinkedProgram,
	info: DebugInfo | undefined,
	loaded: Loaded,
	{ keepGoing = false, log }: KernelLoadOptions,
): void {
	const { name } = program;
	const result = kernel.loadProgram({
		type: program.type,
		name,
		insns: program.insns,
		maps: loaded.maps,
		license: linked.license,
		kernelVersion: linked.kernelVersion,
		expectedAttachType: program.expectedAttachType,
		flags: program.flags,
		...(loaded.btf === undefined || info === undefined
			? {}
			: { btf: loaded.btf, ...info.ofProgram(program) }),
		...(log === undefined ? {} : { log }),
	});
	if (log !== undefined) loaded.logs.set(name, result.log);
	if (result.ok) loaded.programs.set(name, result.program);
	else if (keepGoing)
		loaded.rejections.set(name, rejected(`program ${name}`, result.errno, { program: name }, result.log));
	else accepted(result, name);
}

function fillSlots(linked: LinkedObject, { maps, programs }: Loaded): void {
	for (const { map, slot, target } of linked.slots) {
		const inner = linked.maps.findIndex((each) => each.name === target);
		const handle = linked.maps[map]?.type === PROG_ARRAY ? programs.get(target) : maps[inner];
		const outer = maps[map];
		// a program that was not wanted, or was refused
		if (handle === undefined || outer === undefined) continue;
		const result = outer.hostUpdate(u32(slot), u32(handle.fd));
		const name = linked.maps[map]!.name;
		if (result < 0) throw rejected(`${target} in ${name}[${slot}]`, -result, { map: name });
	}
}

function unknown(what: "map" | "program", name: string, names: readonly string[]): TailhopError {
	return new TailhopError(
		`machine/unknown-${what}`,
		`there is no ${what} ${name}`,
		{},
		{
			hint: names.length === 0 ? `The object has no ${what}s.` : `There are: ${names.join(", ")}.`,
		},
	);
}
