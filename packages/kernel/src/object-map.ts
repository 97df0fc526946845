import {
	type Btf,
	encodeMapKey,
	encodeMapValue,
	formatMapKey,
	formatMapValue,
	type JsonValue,
	type LinkedMap,
	TailhopError,
	type ValueInput,
} from "@tailhop/core";
import type { Kernel } from "./kernel.ts";
import { KernelMap, type MapDefinition } from "./map.ts";
import type { KernelProgram } from "./program.ts";
import { rejected } from "./rejected.ts";

const ENOENT = 2;
const PROG_ARRAY = 3;
const ARRAY_OF_MAPS = 12;
const HASH_OF_MAPS = 13;
/** BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
const MODES = { any: 0n, noexist: 1n, exist: 2n } as const;

/** What a map of an object needs to know of the object. */
export interface ObjectMapContext {
	readonly def: LinkedMap;
	readonly btf: Btf | undefined;
	/** Programs that were loaded, by name. */
	readonly programs: ReadonlyMap<string, KernelProgram>;
	/** All maps of the object, this one included. */
	readonly maps: readonly ObjectMap[];
}

/**
 * A map of a KernelObject, with the calls of core's MapHandle: `get`, `set`, `delete` and `entries` speak in
 * JavaScript values by the map's BTF types (a prog array's are program names, a map in maps' the names of maps, a
 * per-CPU map's a list), `lookup`,
 * `update` and `remove` in bytes. The host* methods below them, and `freeze`, answer with errno. Refusals are "kernel/rejected".
 */
export class ObjectMap extends KernelMap {
	readonly def: LinkedMap;
	/** The object's. */
	readonly btf: Btf | undefined;
	readonly #programs: ReadonlyMap<string, KernelProgram>;
	readonly #maps: readonly ObjectMap[];

	constructor(kernel: Kernel, fd: number, definition: MapDefinition, context: ObjectMapContext) {
		super(kernel, fd, definition);
		this.def = context.def;
		this.btf = context.btf;
		this.#programs = context.programs;
		this.#maps = context.maps;
	}

	get name(): string {
		return this.def.name;
	}

	get isProgArray(): boolean {
		return this.def.type === PROG_ARRAY;
	}

	get isMapInMap(): boolean {
		return this.def.type === ARRAY_OF_MAPS || this.def.type === HASH_OF_MAPS;
	}

	/** The value of a key, or undefined. */
	get(key: ValueInput): JsonValue | undefined {
		if (this.isProgArray) return this.slot(this.#slotOf(key))?.name;
		const found = this.lookup(this.keyBytes(key));
		return found === undefined ? undefined : this.#valueOf(found);
	}

	/** Sets the value of a key. Throws "btf/value" for what the types refuse. */
	set(key: ValueInput, value: ValueInput, mode: keyof typeof MODES = "any"): void {
		if (this.isProgArray) this.setSlot(this.#slotOf(key), String(value), mode);
		else if (this.isMapInMap && typeof value === "string") this.setInnerMap(key, value, mode);
		else this.update(this.keyBytes(key), this.valueBytes(value), mode);
	}

	/** Whether the key was there. */
	delete(key: ValueInput): boolean {
		return this.remove(this.isProgArray ? u32(this.#slotOf(key)) : this.keyBytes(key));
	}

	/** Every entry in the order of get_next_key; a prog array's filled slots. */
	*entries(): Generator<readonly [key: JsonValue, value: JsonValue]> {
		for (const [key, value] of this.hostEntries()) {
			if (this.isProgArray) yield [readU32(key), this.slot(readU32(key))?.name ?? null];
			else yield [this.formatKey(key), this.#valueOf(value)];
		}
	}

	/** Puts a map of the object in; the kernel checks that it is like the template. */
	setInnerMap(key: ValueInput, name: string, mode: keyof typeof MODES = "any"): void {
		const inner = this.#maps.find((map) => map.name === name);
		if (inner === undefined)
			throw new TailhopError("machine/unknown-map", `no map ${name}`, { map: this.name });
		this.update(this.keyBytes(key), u32(inner.fd), mode);
	}

	innerMap(key: ValueInput): ObjectMap | undefined {
		const found = this.lookup(this.keyBytes(key));
		return found === undefined ? undefined : this.#innerOf(found);
	}

	#innerOf(value: Uint8Array): ObjectMap | undefined {
		const id = readU32(value);
		return this.#maps.find((map) => map.info().id === id);
	}

	/** A map of somebody else's has its id as name. */
	#valueOf(bytes: Uint8Array): JsonValue {
		if (!this.isMapInMap) return this.formatValue(bytes);
		return this.#innerOf(bytes)?.name ?? `map id ${readU32(bytes)}`;
	}

	/** A key as bytes. */
	keyBytes(key: ValueInput): Uint8Array {
		return encodeMapKey(this.btf, this.def, key);
	}

	/** A value as bpf(2) takes it: every CPU's for a per-CPU map. */
	valueBytes(value: ValueInput): Uint8Array {
		return encodeMapValue(this.btf, this.def, this.hostValueSize, value);
	}

	formatKey(key: Uint8Array): JsonValue {
		return formatMapKey(this.btf, this.def, key);
	}

	/** Bytes of a value, as a JavaScript value. */
	formatValue(bytes: Uint8Array): JsonValue {
		return formatMapValue(this.btf, this.def, bytes);
	}

	/** BPF_MAP_LOOKUP_ELEM in bytes; undefined where there is nothing. */
	lookup(key: Uint8Array): Uint8Array | undefined {
		const found = this.hostLookup(key);
		if (typeof found !== "number") return found;
		if (found === -ENOENT) return undefined;
		throw this.#refused("lookup", found);
	}

	/** BPF_MAP_UPDATE_ELEM in bytes. */
	update(key: Uint8Array, value: Uint8Array, mode: keyof typeof MODES = "any"): void {
		const result = this.hostUpdate(key, value, MODES[mode]);
		if (result < 0) throw this.#refused("update", result);
	}

	/** BPF_MAP_DELETE_ELEM: whether it was there. */
	remove(key: Uint8Array): boolean {
		const result = this.hostDelete(key);
		if (result < 0 && result !== -ENOENT) throw this.#refused("delete", result);
		return result === 0;
	}

	/** Fills a slot of a prog array; the kernel checks owner, bounds and freezing. */
	setSlot(slot: number, program: string, mode: keyof typeof MODES = "any"): void {
		const handle = this.#programs.get(program);
		if (handle === undefined) {
			throw new TailhopError(
				"machine/unknown-program",
				`no program ${program}`,
				{ map: this.name },
				{
					hint: `Loaded: ${[...this.#programs.keys()].join(", ") || "none"}.`,
				},
			);
		}
		const result = this.hostUpdate(u32(slot), u32(handle.fd), MODES[mode]);
		if (result < 0) throw rejected(`${program} in ${this.name}[${slot}]`, -result, { map: this.name });
	}

	/** Empties a slot; an empty one stays empty. */
	clearSlot(slot: number): void {
		this.remove(u32(slot));
	}

	/** The program in a slot; undefined for an empty one. A program of somebody else's has its id as name. */
	slot(slot: number): { readonly name: string; readonly id: number } | undefined {
		const found = this.lookup(u32(slot));
		if (found === undefined) return undefined;
		const id = readU32(found);
		for (const [name, program] of this.#programs) if (program.id === id) return { name, id };
		return { name: `program id ${id}`, id };
	}

	#slotOf(key: ValueInput): number {
		const slot = typeof key === "string" ? Number(key) : key;
		if (typeof slot === "number" && Number.isInteger(slot)) return slot;
		throw new TailhopError(
			"machine/invalid-input",
			`${String(key)} is no slot of ${this.name}`,
			{ map: this.name },
			{
				hint: "Give a number.",
			},
		);
	}

	#refused(what: string, result: number): TailhopError {
		return rejected(`the ${what} of an entry of ${this.name}`, -result, { map: this.name });
	}
}

export function u32(value: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(value).buffer);
}

function readU32(bytes: Uint8Array): number {
	return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
