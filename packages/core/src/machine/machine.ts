import { locate, TailhopError } from "../errors/index.ts";
import {
	defaultEnvironment,
	type Environment,
	HELPERS,
	type Helper,
	initEnvironment,
	KFUNCS,
	knowsDevice,
	type Output,
} from "../helpers/index.ts";
import { HOOKS, type Hook } from "../hooks/index.ts";
import {
	ConstantPool,
	type EngineHost,
	Execution,
	type HopRecord,
	lower,
	REGION,
	Regions,
	STACK_SIZE,
} from "../interpreter/index.ts";
import { LDDW, validate } from "../isa/index.ts";
import {
	controlNeed,
	createMap,
	instantiateRuntimeAsync,
	type MapInstance,
	type MapRuntime,
	type MapWorld,
	programAccess,
	type Storage,
	specialFields,
} from "../maps/index.ts";
import { chooseDataBase, createMemory, type LinearMemory, MACHINE } from "../memory/index.ts";
import {
	type LinkedMap,
	type LinkedObject,
	type LinkedProgram,
	linkedMap,
	type NewMap,
	withFunctionTypes,
} from "../spec/index.ts";
import { type Verdict, verify } from "../verifier/index.ts";
import { ProgramHandle } from "./handles.ts";
import { Lifecycle, PROG_ARRAY } from "./lifecycle.ts";
import { MapHandle } from "./map-handle.ts";
import { PacketBatch } from "./packet-batch.ts";
import type { MapRecord, ProgramRecord } from "./records.ts";
import { contextRegionOf, type How, hopOf, type Parts, Run, resultOf } from "./run.ts";
import { Runtime } from "./runtime.ts";
import { Snapshot } from "./snapshot.ts";
import type { LoadOptions, MachineOptions, RepeatResult, RunInput, RunOutcome, RunResult } from "./types.ts";
import { type Invocation, WasmEngine } from "./wasm-engine.ts";

const PERF_EVENT_ARRAY = 4;
const ARRAY_OF_MAPS = 12;
const HASH_OF_MAPS = 13;
/** Instructions that a run may take unless told otherwise. */
const DEFAULT_BUDGET = 100_000_000;

/**
 * One eBPF machine: a linear memory, maps, programs, prog arrays, and a world outside (the Environment).
 *
 *     const machine = await Machine.create(link(parse(bytes)));
 *     const { verdict, hops } = machine.run("xdp_entry", { packet });
 *
 * Making one is asynchronous, since browsers compile Wasm so; running is synchronous.
 */
export class Machine implements Disposable {
	readonly environment: Environment;
	readonly memory: LinearMemory;
	readonly checked: boolean;
	readonly #options: MachineOptions;
	readonly #allocator: MapRuntime;
	readonly #runtime: Runtime;
	readonly #regions = new Regions();
	readonly #pool = new ConstantPool();
	readonly #lifecycle: Lifecycle;
	readonly #records: MapRecord[] = [];
	/** By index, as the records. */
	readonly #handles: MapHandle[] = [];
	readonly #maps = new Map<string, MapHandle>();
	/** Of the maps whose values belong to a run. */
	#storages: Storage[] = [];
	/** What was loaded last: its BTF describes maps that are made later. */
	#linked: LinkedObject | undefined;
	readonly #programs = new Map<string, ProgramHandle>();
	readonly #hooks: readonly Hook[];
	readonly #helpers: ReadonlyMap<number, Helper>;
	#execution: Execution | undefined;
	#wasm: WasmEngine | undefined;
	/** Snapshots restored so far: a batch's memory is gone with each. */
	#generation = 0;
	/** Whether the running invocation of compiled code came to a program that isn't compiled. */
	#interpreted = false;
	/** Versions of the programs that the engine has, and that `verified` was found for. */
	#compiledVersion = -1;
	#verified = { version: -1, all: false };
	readonly #stackTop: number;
	/** Where contexts and packets lie; made larger when a run needs it. */
	#area = { address: 0, size: 0 };
	#initial: Snapshot | undefined;
	#running: Run | undefined;
	#closed = false;

	private constructor(options: MachineOptions, environment: Environment, allocator: MapRuntime) {
		this.#options = options;
		this.environment = environment;
		this.checked = options.checked ?? true;
		this.#allocator = allocator;
		this.memory = allocator.memory;
		this.#hooks = options.hooks ?? HOOKS;
		this.#helpers = options.helpers === undefined ? HELPERS : new Map([...HELPERS, ...options.helpers]);
		this.#lifecycle = new Lifecycle(options.lifecycle === "kernel");
		this.#runtime = new Runtime(allocator, environment, this.#records);
		this.#stackTop = allocator.allocData(STACK_SIZE) + STACK_SIZE;
		initEnvironment(this.memory, environment);
	}

	/**
	 * Makes a machine and loads an object into it.
	 * @throws TailhopError machine/* when a map is refused, a prog array's owner excludes a program, or memory lacks
	 */
	static async create(linked: LinkedObject, options: MachineOptions = {}): Promise<Machine> {
		const environment = defaultEnvironment({ cpus: linked.target.cpus, ...options.environment });
		const dataBase = chooseDataBase(controlNeed(linked.maps, environment.cpus) + (options.controlBytes ?? 0));
		const memory = createMemory({
			dataBase,
			...(options.shared === undefined ? {} : { shared: options.shared }),
		});
		const machine = new Machine(options, environment, await instantiateRuntimeAsync(memory, dataBase));
		machine.load(linked);
		machine.#initial = machine.snapshot();
		return machine;
	}

	/**
	 * Loads one more object, as a second collection over the same memory. Maps named in `reuse` are the machine's
	 * own of that name, as a loader does with pinned maps; programs and maps of the new object take over the names.
	 */
	load(linked: LinkedObject, options: LoadOptions = {}): void {
		this.#check();
		// before anything is there: what is refused leaves no trace
		const verdicts = this.#verify(linked);
		this.#linked = linked;
		const maps = linked.maps.map((def) => this.#map(linked, def, options.reuse ?? []));
		const programs = new Map<string, ProgramHandle>();
		for (const program of linked.programs) {
			const record = this.#program(linked, program, maps, verdicts.get(program.name));
			programs.set(program.name, new ProgramHandle(record, this.#lifecycle));
		}
		for (const { map, slot, target } of linked.slots) {
			const record = maps[map]!;
			if (record.def.type === PROG_ARRAY) {
				this.#lifecycle.setSlot(record, slot, programs.get(target)?.record);
			} else if (record.def.type === ARRAY_OF_MAPS || record.def.type === HASH_OF_MAPS) {
				this.#innerMap(
					record,
					slot,
					maps.find((other) => other.name === target),
				);
			}
		}
		for (const [name, program] of programs) this.#programs.set(name, program);
		this.#execution = undefined;
	}

	#verify(linked: LinkedObject): ReadonlyMap<string, Verdict> {
		const { engine, hooks, helpers, kfuncs } = this.#options;
		// the verifier knows Linux's hooks and helpers, not an embedder's
		const own = hooks === undefined && helpers === undefined && kfuncs === undefined;
		const { verify: how = engine === "wasm" && own ? "try" : "off" } = this.#options;
		const verdicts = new Map<string, Verdict>();
		if (how === "off") return verdicts;
		const typed = withFunctionTypes(linked);
		for (const program of typed.programs) {
			const verdict = verify(typed, program);
			verdicts.set(program.name, verdict);
			if (how === "require" && !verdict.accepted) throw refusal(linked, program, verdict);
		}
		return verdicts;
	}

	/** What the verifier said of each program, by name; empty where it wasn't asked. */
	get verdicts(): ReadonlyMap<string, Verdict> {
		const found = new Map<string, Verdict>();
		for (const { record } of this.#programs.values())
			if (record.verdict !== undefined) found.set(record.name, record.verdict);
		return found;
	}

	/** Whether the verifier has accepted every program that is loaded. */
	get verified(): boolean {
		const { programs, version } = this.#lifecycle;
		// each run's result says it
		if (this.#verified.version !== version) {
			const all = programs.every((record) => record === undefined || record.verdict?.accepted === true);
			this.#verified = { version, all };
		}
		return this.#verified.all;
	}

	#map(linked: LinkedObject, def: LinkedMap, reuse: readonly string[]): MapRecord {
		const known = reuse.includes(def.name) ? this.#maps.get(def.name) : undefined;
		return known === undefined ? this.#newMap(linked, def) : this.#reused(known.record, def);
	}

	/**
	 * BPF_MAP_CREATE: one more map, as an inner map for instance. It takes over the name; type ids of key and value
	 * are those of the object loaded last.
	 *
	 *     machine.createMap({ ...machine.map("outer").def.inner!, name: "one" });
	 *     machine.map("outer").set(1, "one");
	 *
	 * @throws TailhopError machine/invalid-input where the kernel refuses it (detail.errno), machine/memory where
	 * `controlBytes` or the memory do not suffice, machine/unsupported
	 */
	createMap(def: NewMap): MapHandle {
		this.#check();
		const record = this.#newMap(this.#linked!, linkedMap(def));
		if (record.unavailable !== undefined) throw record.unavailable;
		return this.#handles[record.index]!;
	}

	#newMap(linked: LinkedObject, def: LinkedMap): MapRecord {
		const index = this.#records.length;
		let instance: MapInstance | undefined;
		let unavailable: TailhopError | undefined;
		try {
			instance = createMap(this.#allocator, def, index, {
				cpus: this.environment.cpus,
				seed: this.environment.seed,
				world: this.#world,
				special: specialFields(linked.btf, def.valueTypeId),
			});
		} catch (error) {
			// a kind that isn't there yet stops only who uses it
			if (!(error instanceof TailhopError) || error.code !== "machine/unsupported") throw error;
			unavailable = error;
		}
		const address = instance?.address ?? this.#placeholder(index);
		const region = this.#regions.add(REGION.MAP, address, 0, "none", index, def.name);
		const record: MapRecord = {
			index,
			name: def.name,
			def,
			linked,
			address,
			instance,
			unavailable,
			region,
			descriptors: 1,
			pins: new Set(),
			programs: 0,
			owner: undefined,
		};
		this.#records.push(record);
		const handle = new MapHandle(
			record,
			this.#lifecycle,
			(name) => this.program(name),
			(which) =>
				typeof which === "string"
					? this.#maps.get(which)
					: this.#handles.find((map) => map.record.address === which),
		);
		this.#handles.push(handle);
		if (instance?.storage !== undefined) this.#storages.push(instance.storage);
		this.#maps.set(def.name, handle);
		if (def.initial !== undefined && instance !== undefined) {
			this.memory.write(instance.valueAddress(0), def.initial);
		}
		if (def.frozen) instance?.freeze();
		if (def.type === PERF_EVENT_ARRAY && (this.#options.perfReaders ?? true)) {
			for (let cpu = 0; cpu < Math.min(def.maxEntries, this.environment.cpus); cpu++)
				instance?.slots?.setWord(cpu, 1);
		}
		return record;
	}

	/** What the values of device and CPU maps may name. */
	get #world(): Partial<MapWorld> {
		return {
			device: (ifindex) => knowsDevice(this.environment, ifindex),
			program: (id) => this.#lifecycle.programs.find((record) => record?.id === id)?.program,
		};
	}

	/** A header that only says which map this would be. */
	#placeholder(index: number): number {
		const address = this.#allocator.allocControl(8);
		this.memory.setU32(address, index);
		return address;
	}

	#reused(record: MapRecord, def: LinkedMap): MapRecord {
		const same = (["type", "keySize", "valueSize", "maxEntries", "flags"] as const).every(
			(k) => record.def[k] === def[k],
		);
		if (!same) {
			throw new TailhopError(
				"machine/invalid-input",
				`map ${def.name} cannot be reused: type, sizes, max_entries or flags differ`,
				{ map: def.name },
				{ hint: "Rename the map, or load without reusing it.", detail: { errno: 22 } },
			);
		}
		return record;
	}

	#innerMap(outer: MapRecord, key: number, inner: MapRecord | undefined): void {
		if (outer.instance === undefined || inner?.instance === undefined) return;
		const bytes = Uint8Array.from({ length: outer.def.keySize }, (_, i) => (i < 4 ? key >>> (8 * i) : 0));
		this.#handles[outer.index]!.setInnerMap(bytes, this.#handles[inner.index]!);
	}

	#program(
		linked: LinkedObject,
		program: LinkedProgram,
		maps: readonly MapRecord[],
		verdict: Verdict | undefined,
	): ProgramRecord {
		const used = new Set<MapRecord>();
		const resolve = (index: number) => {
			const record = maps[index];
			if (record === undefined) {
				throw new TailhopError(
					"machine/invalid-input",
					`program ${program.name} refers to map ${index}, which the object lacks`,
					{ program: program.name },
				);
			}
			return record;
		};
		for (const insn of program.insns) {
			if (insn.opcode === 0x18 && (insn.src === LDDW.MAP_IDX || insn.src === LDDW.MAP_IDX_VALUE))
				used.add(resolve(insn.imm));
		}
		check(linked, program);
		const index = this.#lifecycle.freeIndex();
		const functions = this.#regions.add(REGION.FUNCTION, 0, 0, "none", index, program.name);
		const lowered = lower(program, linked.maps, index, this.#pool, {
			map: (i) => ({ address: resolve(i).address, provenance: resolve(i).region }),
			mapValue: (i, offset) => this.#mapValue(resolve(i), offset),
			function: (insn) => ({ address: insn, provenance: functions }),
		});
		const record: ProgramRecord = {
			index,
			id: this.#lifecycle.nextId(),
			name: program.name,
			program,
			verdict,
			linked,
			lowered,
			maps: [...used],
			objectMaps: maps,
			descriptors: 1,
			pins: new Set(),
			slots: 0,
			freed: false,
		};
		this.#lifecycle.loaded(record);
		return record;
	}

	#mapValue(record: MapRecord, offset: number): { address: number; provenance: number } {
		const { instance, def } = record;
		const address = instance?.valueAddress(0) ?? 0;
		if (instance === undefined || address <= 0) return { address: 0, provenance: record.region };
		record.valueRegion ??= this.#regions.add(
			REGION.MAP_VALUE,
			address,
			def.valueSize,
			programAccess(def),
			record.index,
			def.name,
		);
		return { address: address + offset, provenance: record.valueRegion };
	}

	/** The map of that name. @throws TailhopError machine/unknown-map, or machine/unsupported for its kind */
	map(name: string): MapHandle {
		this.#check();
		const map = this.#maps.get(name);
		if (map === undefined) {
			throw new TailhopError(
				"machine/unknown-map",
				`no map ${name}`,
				{},
				{ hint: `Maps: ${[...this.#maps.keys()].join(", ") || "none"}.` },
			);
		}
		return map;
	}

	/** The program of that name. @throws TailhopError machine/unknown-program */
	program(name: string): ProgramHandle {
		this.#check();
		const program = this.#programs.get(name);
		if (program === undefined) {
			throw new TailhopError(
				"machine/unknown-program",
				`no program ${name}`,
				{},
				{ hint: `Programs: ${[...this.#programs.keys()].join(", ") || "none"}.` },
			);
		}
		return program;
	}

	get maps(): Iterable<MapHandle> {
		return this.#maps.values();
	}

	get programs(): Iterable<ProgramHandle> {
		return this.#programs.values();
	}

	/**
	 * Starts a run without going anywhere: step it, look at it, finish it. One at a time.
	 * @throws TailhopError machine/invalid-input for a packet or context that BPF_PROG_TEST_RUN refuses
	 */
	start(program: string | ProgramHandle, input: RunInput): Run {
		const prepared = this.#prepare(program, input);
		const run = new Run({
			...prepared,
			execution: this.#engine(),
			runtime: this.#runtime,
			regions: this.#regions,
			budget: this.#budget(input),
			verified: this.verified,
			trace: input.trace ?? true,
		});
		this.#running = run;
		return run;
	}

	/** Program and hook of a run, with packet and context in memory. */
	#prepare(program: string | ProgramHandle, input: RunInput) {
		const { record, hook } = this.#runnable(program);
		const { type, flags } = record.program;
		const area = this.#room(hook.footprint(input.packet.length, flags));
		const context = hook.begin(this.memory, area, input, flags);
		this.#beginStorages();
		return { record, hook, context, output: this.#runtime.begin(type, context) };
	}

	/** What belongs to one invocation starts anew. */
	#beginStorages(): void {
		for (const storage of this.#storages) storage.beginRun();
	}

	/** A program that can run now, and its hook; a run that isn't over is. */
	#runnable(program: string | ProgramHandle): { readonly record: ProgramRecord; readonly hook: Hook } {
		this.#check();
		const { record } = typeof program === "string" ? this.program(program) : program;
		if (record.freed)
			throw new TailhopError(
				"machine/closed",
				`program ${record.name} is closed`,
				{ program: record.name },
				{ detail: { errno: 9 } },
			);
		if (this.#running !== undefined && !this.#running.done) this.#running.abandon();
		const { type } = record.program;
		const hook = this.#hooks.find((h) => h.programType === type);
		if (hook === undefined) {
			throw new TailhopError(
				"machine/unsupported",
				`programs of type ${type} cannot be run here`,
				{ program: record.name, section: record.program.section },
				{ hint: `Runnable types: ${this.#hooks.map((h) => h.name).join(", ")}.` },
			);
		}
		return { record, hook };
	}

	/**
	 * Runs a program over a packet, as BPF_PROG_TEST_RUN does once.
	 * @throws TailhopError fault/* for what the program ran into, machine/* for the input
	 */
	run(program: string | ProgramHandle, input: RunInput): RunResult {
		const outcome = this.attempt(program, input);
		if (outcome.error !== undefined) throw outcome.error;
		return outcome;
	}

	/** The same, with the hops and the output up to a fault beside the fault instead of an exception. */
	attempt(program: string | ProgramHandle, input: RunInput): RunOutcome {
		const wasm = this.#compiledProgram(program);
		if (wasm !== undefined) return this.#attemptCompiled(wasm, program, input);
		let run: Run | undefined;
		try {
			run = this.start(program, input);
			return run.finish();
		} catch (error) {
			if (!(error instanceof TailhopError)) throw error;
			return {
				error,
				hops: run?.hops ?? [],
				output: run?.output ?? [],
				engine: "interpreter",
				verified: this.verified,
			};
		}
	}

	/**
	 * Runs a program `times` times over one packet, as BPF_PROG_TEST_RUN does with `repeat`: packet and context are
	 * put in place once, and each run finds what the last one left. Hops are not recorded, and the output is the last
	 * run's.
	 * @throws TailhopError as `run`
	 */
	repeat(program: string | ProgramHandle, input: RunInput, times: number): RepeatResult {
		if (!Number.isSafeInteger(times) || times < 1)
			throw new TailhopError("machine/invalid-input", `a program cannot run ${times} times`);
		const wasm = this.#compiledProgram(program);
		if (wasm === undefined) {
			const run = this.start(program, { ...input, trace: false });
			const start = performance.now();
			for (let left = times; ; run.again()) {
				run.step(Number.POSITIVE_INFINITY);
				if (--left === 0) break;
			}
			const duration = ((performance.now() - start) * 1e6) / times;
			return { ...run.finish(), duration };
		}
		const prepared = this.#prepare(program, input);
		const runtime = this.#runtime;
		const invocation = {
			...prepared,
			sp: this.#stackTop,
			budget: this.#budget(input),
			hops: undefined,
		};
		const start = performance.now();
		try {
			const low = wasm.run(invocation, times, () => runtime.again());
			const duration = ((performance.now() - start) * 1e6) / times;
			const how = { hops: [], instructions: 0, engine: "wasm", verified: this.verified };
			return { ...this.#compiledResult(prepared, low, how), duration };
		} catch (error) {
			runtime.finish();
			throw error;
		}
	}

	/**
	 * Puts packets into memory to run a program over all of them in one call, again and again: see PacketBatch. Close it to
	 * free their memory.
	 *
	 *     using batch = machine.batch("entry", packets.map((packet) => ({ packet })));
	 *     batch.run();
	 *     batch.verdict(0);
	 *
	 * @throws TailhopError machine/invalid-input for a packet or context that BPF_PROG_TEST_RUN refuses
	 */
	batch(program: string | ProgramHandle, inputs: readonly RunInput[]): PacketBatch {
		const { record, hook } = this.#runnable(program);
		const generation = this.#generation;
		return new PacketBatch(
			{
				memory: this.memory,
				allocator: this.#allocator,
				runtime: this.#runtime,
				wasm: this.#compiledProgram(program),
				interpret: (invocation) => this.#interpret(invocation, record, this.#stackTop, 0),
				record,
				hook,
				sp: this.#stackTop,
				budget: this.#options.budget ?? DEFAULT_BUDGET,
				alive: () => generation === this.#generation,
				check: () => this.#check(),
				beginRun: this.#storages.length === 0 ? undefined : () => this.#beginStorages(),
			},
			inputs,
		);
	}

	/** A copy of everything that a run or a map operation can change. */
	snapshot(): Snapshot {
		this.#check();
		return Snapshot.take(this.#allocator, this.#records, this.#lifecycle.programs, this.#area);
	}

	/** Back to a snapshot of this machine; maps and programs loaded since are not part of it. */
	restore(snapshot: Snapshot): void {
		this.#check();
		this.#running?.abandon();
		this.#generation++;
		for (const { record } of this.#handles.splice(snapshot.maps)) {
			record.instance = undefined;
			record.unavailable = new TailhopError(
				"machine/closed",
				`map ${record.name} went with a restored snapshot`,
			);
		}
		this.#records.length = this.#handles.length;
		this.#storages = this.#records.flatMap(({ instance }) => instance?.storage ?? []);
		this.#maps.clear();
		for (const map of this.#handles) this.#maps.set(map.name, map);
		this.#area = snapshot.restore(this.#allocator, this.#records, this.#lifecycle.programs);
		// a program that is back may stand where another has been compiled since
		this.#lifecycle.version++;
	}

	/** Back to how `create` left it. */
	reset(): void {
		if (this.#initial !== undefined) this.restore(this.#initial);
	}

	close(): void {
		this.#closed = true;
	}

	[Symbol.dispose](): void {
		this.close();
	}

	#check(): void {
		if (this.#closed) throw new TailhopError("machine/closed", "the machine is closed");
	}

	/** `size` bytes of the data area, 64-aligned by the hooks themselves. */
	#room(size: number): number {
		if (this.#area.size < size) {
			if (this.#area.size > 0) this.#allocator.freeData(this.#area.address, this.#area.size);
			this.#area = { address: this.#allocator.allocData(size), size };
		}
		return this.#area.address;
	}

	/** The compiled programs, where they are asked for. */
	#compiled(): WasmEngine | undefined {
		if (this.#options.engine !== "wasm") return undefined;
		this.#wasm ??= new WasmEngine({
			allocator: this.#allocator,
			runtime: this.#runtime,
			lifecycle: this.#lifecycle,
			hooks: this.#hooks,
			helper: (id) => this.#helpers.get(id),
			kfunc: (name) => this.#kfunc(name),
			regionChecks: this.checked,
			fuel: this.checked,
			// a verified program ends by itself, and pays for a budget only where one was asked for
			fuelForVerified: this.#options.budget !== undefined,
			emptySlotCounts: this.#options.emptySlotCounts ?? false,
			mayGoto: this.environment.mayGoto,
			cpu: this.environment.cpu,
			stackBase: this.#stackTop - STACK_SIZE,
			interpret: (invocation, program, sp, count) => this.#interpret(invocation, program, sp, count),
		});
		const { version } = this.#lifecycle;
		if (this.#compiledVersion !== version) {
			this.#wasm.update();
			this.#compiledVersion = version;
		}
		return this.#wasm;
	}

	/** The engine, if it has this program. */
	#compiledProgram(program: string | ProgramHandle): WasmEngine | undefined {
		const wasm = this.#compiled();
		if (wasm === undefined || wasm.unsupported.size === 0) return wasm;
		const { record } = typeof program === "string" ? this.program(program) : program;
		return wasm.unsupported.has(record) ? undefined : wasm;
	}

	/**
	 * Programs that the interpreter runs although WebAssembly was asked for, by name, and why: "machine/unsupported".
	 * A chain that comes to one of them goes on there.
	 */
	get notCompiled(): ReadonlyMap<string, TailhopError> {
		const entries = [...(this.#compiled()?.unsupported ?? [])];
		return new Map(entries.map(([record, error]) => [record.name, error]));
	}

	#kfunc(name: string): Helper | undefined {
		return this.#options.kfuncs?.get(name) ?? KFUNCS.get(name);
	}

	/** A tail call of compiled code has come to a program that isn't. */
	#interpret(invocation: Invocation, { lowered }: ProgramRecord, sp: number, count: number): bigint {
		const { hook, context, hops, budget } = invocation;
		const execution = this.#engine();
		const contextRegion = contextRegionOf(this.#regions, hook, context);
		this.#interpreted = true;
		execution.begin({ program: lowered, hook, context, contextRegion, hops, from: { sp, count } });
		if (!execution.advance(budget)) execution.overBudget(budget);
		this.#regions.forget();
		return execution.r0;
	}

	#compiledResult(prepared: Parts, low: number, how: How): RunResult {
		const high = this.memory.u32(MACHINE.RESULT_HIGH);
		return resultOf(this.memory, prepared, low, high, how, () => this.#runtime.finish());
	}

	#attemptCompiled(wasm: WasmEngine, program: string | ProgramHandle, input: RunInput): RunOutcome {
		const hops: HopRecord[] = [];
		let output: readonly Output[] = [];
		this.#interpreted = false;
		const engine = () => (this.#interpreted ? "wasm+interpreter" : "wasm");
		try {
			const prepared = this.#prepare(program, input);
			output = prepared.output;
			const low = wasm.run({
				record: prepared.record,
				hook: prepared.hook,
				context: prepared.context,
				sp: this.#stackTop,
				budget: this.#budget(input),
				hops: (input.trace ?? true) ? hops : undefined,
			});
			const how = { hops, instructions: 0, engine: engine(), verified: this.verified };
			return this.#compiledResult(prepared, low, how);
		} catch (error) {
			if (!(error instanceof TailhopError)) throw error;
			this.#runtime.finish();
			return { error, hops: hops.map(hopOf), output, engine: engine(), verified: this.verified };
		}
	}

	#budget(input: RunInput): number {
		return input.budget ?? this.#options.budget ?? DEFAULT_BUDGET;
	}

	/** The interpreter over what is loaded now. */
	#engine(): Execution {
		if (this.#execution !== undefined) return this.#execution;
		const pool = this.#pool;
		const lifecycle = this.#lifecycle;
		const { memory } = this;
		const host: EngineHost = {
			runtime: this.#runtime,
			environment: this.environment,
			stackTop: this.#stackTop,
			registers: pool.size,
			fillConstants: (registers, provenance) => pool.fill(registers, provenance),
			helper: (id) => this.#helpers.get(id),
			kfunc: (name) => this.#kfunc(name),
			program: (index) => lifecycle.programs[index]?.lowered,
			emptySlotCounts: this.#options.emptySlotCounts ?? false,
		};
		this.#execution = new Execution(host, this.#regions, this.checked);
		this.#regions.keep();
		memory.setU32(MACHINE.TAIL_CALLS, 0);
		return this.#execution;
	}
}

function refusal({ file }: LinkedObject, { name, section }: LinkedProgram, verdict: Verdict): TailhopError {
	const { errno, lastLine, unsupported, log } = verdict;
	const where = { file, program: name, section };
	if (unsupported !== undefined)
		return new TailhopError("verifier/unsupported", `the verifier does not model ${unsupported}`, where, {
			hint: 'Load with verify: "try" to run it in the checked interpreter.',
		});
	return new TailhopError(
		"verifier/rejected",
		`the verifier refuses the program: ${errno}: ${lastLine}`,
		where,
		{
			hint: "tailhop verify --explain says why, and what would do.",
			detail: { errno: errno ?? "EINVAL", lastLine, log },
		},
	);
}

/** What the kernel refuses before it looks at a program's meaning: opcodes, reserved fields, jump targets. */
function check(linked: LinkedObject, program: LinkedProgram): void {
	try {
		validate(program.insns);
	} catch (error) {
		throw locate(error, { file: linked.file, section: program.section, program: program.name });
	}
}
