import {
	type Btf,
	encodeMapKey,
	encodeMapValue,
	formatMapKey,
	formatMapValue,
	type JsonValue,
	type ValueInput,
} from "../btf/index.ts";
import { TailhopError } from "../errors/index.ts";
import { type Batch, type BatchWrites, type MapInstance, unlikeInner } from "../maps/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { type Descriptor, MapReferences, ProgramHandle } from "./handles.ts";
import { type Lifecycle, mapError, PROG_ARRAY } from "./lifecycle.ts";
import type { MapRecord } from "./records.ts";

/** How an update treats what is there: BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
export type UpdateMode = "any" | "noexist" | "exist";
const MODES: Record<UpdateMode, bigint> = { any: 0n, noexist: 1n, exist: 2n };

const ARRAY_OF_MAPS = 12;
const HASH_OF_MAPS = 13;

const DEVICES =
	"A device is 1 (lo) or one of the Environment's interfaces; a program is an id, of the right attach type.";
/** What to look at when a kind refuses something, by BPF_MAP_TYPE_*. */
const HINTS: Readonly<Record<number, string>> = {
	14: DEVICES,
	16: "The key is a possible CPU, the value its queue's length, at most 16384.",
	25: DEVICES,
};

/**
 * A map of a machine from the host's side. Keys and values are JavaScript values by the map's BTF types: a struct
 * is an object of its fields, an integer beyond 2^53 a decimal string; without a type a number, or bytes.
 * A prog array's values are program names. `lookup`, `update` and `remove` take and give bytes instead.
 *
 * A per-CPU map's value is a list, one a CPU; writing a single value writes it to each.
 */
export class MapHandle implements Disposable {
	readonly record: MapRecord;
	readonly references: MapReferences;
	readonly #lifecycle: Lifecycle;
	/** A program by name; throws for an unknown one. */
	readonly #programs: (name: string) => ProgramHandle;
	/** A map by name, or by the address of its header. */
	readonly #maps: (which: string | number) => MapHandle | undefined;

	/** @internal */
	constructor(
		record: MapRecord,
		lifecycle: Lifecycle,
		programs: (name: string) => ProgramHandle,
		maps: (which: string | number) => MapHandle | undefined,
	) {
		this.record = record;
		this.references = new MapReferences(record, lifecycle);
		this.#lifecycle = lifecycle;
		this.#programs = programs;
		this.#maps = maps;
	}

	get name(): string {
		return this.record.name;
	}

	get def(): LinkedMap {
		return this.record.def;
	}

	/** The types of the object that it came with. */
	get btf(): Btf | undefined {
		return this.record.linked.btf;
	}

	/** The map itself. @throws TailhopError machine/unsupported for a kind that isn't implemented, machine/closed */
	get instance(): MapInstance {
		this.references.check();
		if (this.record.instance === undefined) throw this.record.unavailable!;
		return this.record.instance;
	}

	/** Fills a slot of a prog array. The rules are the kernel's: owner, bounds, frozen. */
	setSlot(slot: number, program: string | ProgramHandle, mode: UpdateMode = "any"): void {
		this.references.check();
		const handle = typeof program === "string" ? this.#programs(program) : program;
		if (!(handle instanceof ProgramHandle))
			throw mapError(this.record, 22, "not a program", "Give a program's name or handle.");
		// a BigInt becomes a number in 10 ns, which is a seventh of an update
		this.#lifecycle.setSlot(this.record, slot, handle.record, mode === "any" ? 0 : Number(MODES[mode]));
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

	/** A map of maps: its values are the names of maps. */
	get isMapInMap(): boolean {
		const { type } = this.record.def;
		return type === ARRAY_OF_MAPS || type === HASH_OF_MAPS;
	}

	/** Puts a map of the machine in; it must be like the inner map that this map was made with (bpf_map_meta_equal). */
	setInnerMap(key: ValueInput, map: string | MapHandle, mode: UpdateMode = "any"): void {
		const inner = typeof map === "string" ? this.#maps(map) : map;
		if (inner === undefined)
			throw new TailhopError("machine/unknown-map", `no map ${map}`, { map: this.name });
		const template = this.def.inner;
		const differs = template && unlikeInner(template, inner.def);
		if (differs !== undefined)
			throw mapError(
				this.record,
				22,
				`${inner.name} is not like its inner map: another ${differs}`,
				`It must be ${template?.[differs as "maxEntries"]}, not ${inner.def[differs as "maxEntries"]}.`,
			);
		this.#update(this.keyBytes(key), u32(inner.instance.address), mode);
	}

	innerMap(key: ValueInput): MapHandle | undefined {
		const found = this.#lookup(this.keyBytes(key));
		return found && this.#maps(slotIn(found));
	}

	get isProgArray(): boolean {
		return this.record.def.type === PROG_ARRAY;
	}

	/** The value of a key, or undefined. */
	get(key: ValueInput): JsonValue | undefined {
		if (this.isMapInMap) return this.innerMap(key)?.name;
		if (this.isProgArray) return this.slot(this.#slotOf(key))?.name;
		const found = this.lookup(this.keyBytes(key));
		return found === undefined ? undefined : this.formatValue(found);
	}

	/** Sets the value of a key. @throws TailhopError btf/value for what the types refuse, machine/* for the map */
	set(key: ValueInput, value: ValueInput | ProgramHandle | MapHandle, mode: UpdateMode = "any"): void {
		if (this.isMapInMap && (typeof value === "string" || value instanceof MapHandle)) {
			this.setInnerMap(key, value, mode);
			return;
		}
		if (this.isProgArray) {
			if (typeof value !== "string" && !(value instanceof ProgramHandle))
				throw mapError(this.record, 22, "not a program", "Give a program's name or handle.");
			this.setSlot(this.#slotOf(key), value, mode);
			return;
		}
		if (value instanceof ProgramHandle || value instanceof MapHandle)
			throw mapError(
				this.record,
				22,
				"a program or map is no value of it",
				"Use a prog array or a map of maps.",
			);
		this.update(this.keyBytes(key), this.valueBytes(value), mode);
	}

	/** Whether the key was there. */
	delete(key: ValueInput): boolean {
		return this.isProgArray ? this.#empty(this.#slotOf(key)) : this.remove(this.keyBytes(key));
	}

	/** Whether the slot was filled. */
	#empty(slot: number): boolean {
		try {
			this.clearSlot(slot);
			return true;
		} catch (error) {
			if (error instanceof TailhopError && error.detail?.errno === 2) return false;
			throw error;
		}
	}

	/** Every entry in the order of get_next_key; a prog array's filled slots. */
	*entries(): Iterable<readonly [key: JsonValue, value: JsonValue]> {
		if (this.isProgArray) {
			for (let i = 0; i < this.record.def.maxEntries; i++) {
				const program = this.slot(i);
				if (program !== undefined) yield [i, program.name];
			}
			return;
		}
		for (const [key, value] of this.instance.hostEntries())
			yield [
				this.formatKey(key),
				this.isMapInMap ? (this.#maps(slotIn(value))?.name ?? null) : this.formatValue(value),
			];
	}

	/** Every entry in bytes, in no promised order; of a kind that isn't implemented, none. */
	contents(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
		return this.record.instance?.hostEntries() ?? [];
	}

	/** A key as bytes. */
	keyBytes(key: ValueInput): Uint8Array {
		return encodeMapKey(this.btf, this.def, key);
	}

	/** A value as bytes, as bpf(2) takes it: every CPU's for a per-CPU map. */
	valueBytes(value: ValueInput): Uint8Array {
		return encodeMapValue(this.btf, this.def, this.instance.hostValueSize, value);
	}

	formatKey(key: Uint8Array): JsonValue {
		return formatMapKey(this.btf, this.def, key);
	}

	/** Bytes of a value, as a JavaScript value. */
	formatValue(bytes: Uint8Array): JsonValue {
		return formatMapValue(this.btf, this.def, bytes);
	}

	#slotOf(key: ValueInput): number {
		const slot = typeof key === "string" ? Number(key) : key;
		if (typeof slot === "number" && Number.isInteger(slot)) return slot;
		throw mapError(this.record, 22, `${String(key)} is no slot`, "Give a number.");
	}

	/**
	 * BPF_MAP_LOOKUP_ELEM in bytes; undefined where there is nothing. A prog array answers with the program's id, a
	 * map of maps with the inner map's.
	 */
	lookup(key: Uint8Array): Uint8Array | undefined {
		const found = this.#lookup(key);
		if (found === undefined) return undefined;
		if (this.isProgArray) return u32(this.#lifecycle.slot(this.record, slotIn(key))?.id ?? 0);
		return this.isMapInMap ? u32(this.#maps(slotIn(found))?.id ?? 0) : found;
	}

	/** As bpf(2) numbers maps. */
	get id(): number {
		return this.record.index + 1;
	}

	#lookup(key: Uint8Array): Uint8Array | undefined {
		const found = this.instance.hostLookup(key);
		if (typeof found !== "number") return found;
		if (found === -2) return undefined;
		throw this.#failed("lookup", found);
	}

	/** BPF_MAP_UPDATE_ELEM in bytes. No bytes name a program or a map, as no integer is a descriptor here: EBADF. */
	update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = "any"): void {
		if (this.isProgArray) {
			this.references.check();
			this.#lifecycle.setSlot(this.record, slotIn(key), undefined, Number(MODES[mode]));
		}
		this.#update(key, this.isMapInMap ? new Uint8Array(4) : value, mode);
	}

	#update(key: Uint8Array, value: Uint8Array, mode: UpdateMode): void {
		const result = this.instance.hostUpdate(key, value, MODES[mode]);
		if (result < 0) throw this.#failed("update", result);
	}

	/** BPF_MAP_DELETE_ELEM: whether it was there. */
	remove(key: Uint8Array): boolean {
		if (this.isProgArray) return this.#empty(slotIn(key));
		const result = this.instance.hostDelete(key);
		if (result === -2) return false;
		if (result < 0) throw this.#failed("delete", result);
		return true;
	}

	/**
	 * BPF_MAP_LOOKUP_BATCH in bytes, from the first entry or a batch's `next` on; `remove` takes what it finds out
	 * (BPF_MAP_LOOKUP_AND_DELETE_BATCH). A map of maps answers with ids.
	 */
	lookupBatch(count: number, from?: Uint8Array, remove = false): Batch {
		const batch = this.instance.hostLookupBatch(count, from, remove);
		if (typeof batch === "number") throw this.#failed("lookup of a batch", batch);
		if (!this.isMapInMap) return batch;
		return {
			...batch,
			entries: batch.entries.map(([key, value]) => [key, u32(this.#maps(slotIn(value))?.id ?? 0)]),
		};
	}

	/** BPF_MAP_UPDATE_BATCH in bytes. @throws as update does; `detail.done` entries are in by then */
	updateBatch(entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): void {
		const named = this.isMapInMap ? entries.map(([key]) => [key, new Uint8Array(4)] as const) : entries;
		this.#wrote("update", this.instance.hostUpdateBatch(named));
	}

	/** BPF_MAP_DELETE_BATCH: up to the first key that isn't there. @throws as remove does, and for such a key */
	deleteBatch(keys: readonly Uint8Array[]): void {
		this.#wrote("delete", this.instance.hostDeleteBatch(keys));
	}

	#wrote(what: string, { done, result }: BatchWrites): void {
		if (result === 0) return;
		const { code, message, where, hint } = this.#failed(what, result);
		throw new TailhopError(code, `${message}, after ${done} entries`, where, {
			...(hint === undefined ? {} : { hint }),
			detail: { errno: -result, done },
		});
	}

	#failed(what: string, result: number): TailhopError {
		return mapError(
			this.record,
			-result,
			`${what} is refused`,
			HINTS[this.def.type] ?? "See the kernel's rules for this map kind and mode.",
		);
	}

	/**
	 * What mmap(2) shows of an array with BPF_F_MMAPABLE: the values themselves, `roundUp(valueSize, 8)` bytes apart, in
	 * whole pages; written through, too. The bytes of a machine's memory may move when it grows: ask after each run.
	 * @throws TailhopError machine/invalid-input where mmap(2) refuses; a frozen map takes `write: false` only
	 */
	view({ write = true } = {}): Uint8Array {
		const view = this.instance.mmap?.(write) ?? -524;
		if (typeof view === "number") throw this.#failed("mmap", view);
		return view;
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

function u32(value: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(value).buffer);
}

function slotIn(key: Uint8Array): number {
	return new DataView(key.buffer, key.byteOffset).getUint32(0, true);
}
