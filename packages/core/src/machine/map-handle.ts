import { TailhopError } from "../errors/index.ts";
import type { MapInstance } from "../maps/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { type Descriptor, MapReferences, ProgramHandle } from "./handles.ts";
import { type Lifecycle, mapError, PROG_ARRAY } from "./lifecycle.ts";
import type { MapRecord } from "./records.ts";

/** How an update treats what is there: BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
export type UpdateMode = "any" | "noexist" | "exist";
const MODES: Record<UpdateMode, bigint> = { any: 0n, noexist: 1n, exist: 2n };

/**
 * A map of a machine from the host's side. `get`, `set`, `delete` and `entries` speak in bytes here; prog arrays
 * in programs.
 */
export class MapHandle implements Disposable {
	readonly record: MapRecord;
	readonly references: MapReferences;
	readonly #lifecycle: Lifecycle;
	readonly #programs: (name: string) => ProgramHandle | undefined;

	/** @internal */
	constructor(
		record: MapRecord,
		lifecycle: Lifecycle,
		_all: readonly MapRecord[],
		programs: (name: string) => ProgramHandle | undefined,
	) {
		this.record = record;
		this.references = new MapReferences(record, lifecycle);
		this.#lifecycle = lifecycle;
		this.#programs = programs;
	}

	get name(): string {
		return this.record.name;
	}

	get def(): LinkedMap {
		return this.record.def;
	}

	/** The map itself. @throws TailhopError machine/unsupported for a kind that isn't implemented, machine/closed */
	get instance(): MapInstance {
		this.references.check();
		if (this.record.instance === undefined) throw this.record.unavailable!;
		return this.record.instance;
	}

	/** Fills a slot of a prog array. The rules are the kernel's: owner, bounds, frozen. */
	setSlot(slot: number, program: string | ProgramHandle): void {
		this.references.check();
		const handle = typeof program === "string" ? this.#programs(program) : program;
		if (handle === undefined) {
			throw new TailhopError("machine/unknown-program", `no program ${program}`, { map: this.name });
		}
		if (!(handle instanceof ProgramHandle))
			throw mapError(this.record, 22, "not a program", "Give a program's name or handle.");
		this.#lifecycle.setSlot(this.record, slot, handle.record);
	}

	clearSlot(slot: number): void {
		this.references.check();
		this.#lifecycle.clearSlot(this.record, slot);
	}

	/** The program in a slot, by name and id; undefined for an empty one. */
	slot(slot: number): { readonly name: string; readonly id: number } | undefined {
		this.references.check();
		const record = this.#lifecycle.slot(this.record, slot);
		return record && { name: record.name, id: record.id };
	}

	get isProgArray(): boolean {
		return this.record.def.type === PROG_ARRAY;
	}

	/** BPF_MAP_LOOKUP_ELEM in bytes; undefined where there is nothing. */
	lookup(key: Uint8Array): Uint8Array | undefined {
		const found = this.instance.hostLookup(key);
		if (typeof found !== "number") return found;
		if (found === -2) return undefined;
		throw this.#failed("lookup", found);
	}

	/** BPF_MAP_UPDATE_ELEM in bytes. */
	update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = "any"): void {
		const result = this.instance.hostUpdate(key, value, MODES[mode]);
		if (result < 0) throw this.#failed("update", result);
	}

	/** BPF_MAP_DELETE_ELEM: whether it was there. */
	remove(key: Uint8Array): boolean {
		const result = this.instance.hostDelete(key);
		if (result === -2) return false;
		if (result < 0) throw this.#failed("delete", result);
		return true;
	}

	#failed(what: string, result: number): TailhopError {
		return mapError(
			this.record,
			-result,
			`${what} is refused`,
			"See the kernel's rules for this map kind and mode.",
		);
	}

	/** BPF_MAP_FREEZE. */
	freeze(): void {
		const result = this.instance.freeze();
		if (result < 0) throw this.#failed("freeze", result);
	}

	open(): Descriptor {
		return this.references.open();
	}

	pin(path: string): void {
		this.references.pin(path);
	}

	unpin(path: string): void {
		this.references.unpin(path);
	}

	close(): void {
		this.references.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}
