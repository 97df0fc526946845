import { TailhopError } from "../errors/index.ts";
import { MAP_FLAG } from "../isa/index.ts";
import { MACHINE } from "../memory/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import type { MapCode } from "./code.ts";
import { EINVAL, ENOENT, ENOMEM, ENOTSUPP, EPERM } from "./errno.ts";
import { BPF_ANY, BPF_EXIST, BPF_F_LOCK } from "./flags.ts";
import type { MapContext, SpecialField } from "./kind.ts";
import { roundUp8 } from "./kind.ts";
import { MAP } from "./layout.ts";
import type { MapRuntime } from "./runtime.ts";
import type { Batch, BatchWrites, MapInstance } from "./types.ts";

export type BatchOperation = "lookup" | "take" | "update" | "delete";

/**
 * What every kind shares: the permissions that bpf(2) checks before a kind is asked (map_get_sys_perms), and the
 * way of host bytes into linear memory and back. A kind overrides the hooks that it has; the defaults answer as
 * the kernel does for kinds without the operation.
 */
export abstract class BaseMap implements MapInstance {
	readonly def: LinkedMap;
	readonly index: number;
	readonly address: number;
	readonly cpus: number;
	protected readonly runtime: MapRuntime;
	protected readonly code: MapCode;

	constructor(context: MapContext) {
		this.def = context.def;
		this.index = context.index;
		this.address = context.address;
		this.cpus = context.cpus;
		this.runtime = context.runtime;
		this.code = context.runtime.code;
		const { special } = context;
		this.#special = special;
		this.#locks = special.some(({ name }) => name === "bpf_spin_lock");
		if (special.length > 0) this.#guard(special);
	}

	/** Values have a bpf_spin_lock, and so updates may take BPF_F_LOCK. */
	readonly #locks: boolean;

	readonly #special: readonly SpecialField[];

	/** Updates around a value's special fields: what is there stays, and a new element has zeros (copy_map_value). */
	#guard(special: readonly SpecialField[]): void {
		const plain = this.update.bind(this);
		this.update = (keyPtr, valuePtr, flags, cpu) => {
			const lock = this.#locks && flags <= 6 && (flags & BPF_F_LOCK) !== 0;
			const mode = lock ? flags & ~BPF_F_LOCK : flags;
			const { memory } = this.runtime;
			const { valueSize } = this.def;
			const found = Math.max(0, this.getFromHost(keyPtr, 0));
			const before = memory.read(found, valueSize);
			let result = 0;
			// in place: who holds the old address sees the new value
			if (lock && found > 0 && (mode === BPF_ANY || mode === BPF_EXIST))
				memory.u8.copyWithin(found, valuePtr, valuePtr + valueSize);
			else result = plain(keyPtr, valuePtr, mode, cpu);
			const value = result === 0 ? this.getFromHost(keyPtr, 0) : 0;
			if (value === found) keep(memory.u8.subarray(value), before, special);
			else if (value > 0) keep(memory.u8.subarray(value), undefined, special);
			return result;
		};
	}

	/** A value as user space sees it: special fields are zero. */
	protected valueAt(address: number): Uint8Array {
		const bytes = this.runtime.memory.read(address, this.hostValueSize);
		for (let at = 0; this.#special.length > 0 && at < bytes.length; at += roundUp8(this.def.valueSize))
			keep(bytes.subarray(at), undefined, this.#special);
		return bytes;
	}

	// program side

	/** Address of the value, 0 = none: the kinds whose values a program cannot point to have none. */
	lookup(_keyPtr: number, _cpu: number): number {
		return 0;
	}

	update(_keyPtr: number, _valuePtr: number, _flags: number, _cpu: number): number {
		return EINVAL;
	}

	delete(_keyPtr: number): number {
		return EINVAL;
	}

	// what bpf(2) moves: a value as user space sees it

	/** Bytes of a value on the host side: every CPU's for per-CPU kinds. */
	get hostValueSize(): number {
		return this.def.valueSize;
	}

	// hooks of the host side: key and value are addresses, flags are at most BPF_EXIST

	/** Address of the bytes (`room` has hostValueSize bytes for kinds that copy), 0 if there are none, or -errno. */
	protected getFromHost(_key: number, _room: number): number {
		return ENOTSUPP;
	}

	protected putFromHost(_key: number, _value: number, _flags: number): number {
		return EINVAL;
	}

	protected deleteFromHost(_key: number): number {
		return EINVAL;
	}

	/** Copies the value to `into` and deletes the key. */
	protected takeFromHost(_key: number, _into: number): number {
		return ENOTSUPP;
	}

	protected nextFromHost(_key: Uint8Array | null): Uint8Array | number {
		return ENOTSUPP;
	}

	// host side

	get frozen(): boolean {
		return (this.runtime.memory.u32(this.address + MAP.STATE) & 1) !== 0;
	}

	/** FMODE_CAN_WRITE. */
	get #writable(): boolean {
		return (this.def.flags & MAP_FLAG.RDONLY) === 0 && !this.frozen;
	}

	/** FMODE_CAN_READ. */
	get #readable(): boolean {
		return (this.def.flags & MAP_FLAG.WRONLY) === 0;
	}

	hostLookup(key: Uint8Array): Uint8Array | number {
		if (!this.#readable) return EPERM;
		this.#checkSize("key", key, this.def.keySize);
		return this.#read(key);
	}

	#read(key: Uint8Array): Uint8Array | number {
		const size = this.hostValueSize;
		return this.withBytes(key, size, (keyPtr, room) => {
			const found = this.getFromHost(keyPtr, room);
			if (found === 0) return ENOENT;
			return found < 0 ? found : this.valueAt(found);
		});
	}

	hostUpdate(key: Uint8Array, value: Uint8Array, flags: bigint): number {
		if (!this.#writable) return EPERM;
		this.#checkSize("key", key, this.def.keySize);
		this.#checkSize("value", value, this.hostValueSize);
		if (flags < 0n || flags > (this.#locks ? 6n : 2n)) return EINVAL;
		return this.withBytes(key, value, (keyPtr, valuePtr) =>
			this.putFromHost(keyPtr, valuePtr, Number(flags)),
		);
	}

	hostDelete(key: Uint8Array): number {
		if (!this.#writable) return EPERM;
		this.#checkSize("key", key, this.def.keySize);
		return this.withBytes(key, null, (keyPtr) => this.deleteFromHost(keyPtr));
	}

	hostNextKey(key: Uint8Array | null): Uint8Array | number {
		if (!this.#readable) return EPERM;
		if (key) this.#checkSize("key", key, this.def.keySize);
		return this.nextFromHost(key);
	}

	hostLookupAndDelete(key: Uint8Array): Uint8Array | number {
		if (!this.#readable || !this.#writable) return EPERM;
		this.#checkSize("key", key, this.def.keySize);
		const size = this.hostValueSize;
		return this.withBytes(key, size, (keyPtr, valuePtr) => {
			const result = this.takeFromHost(keyPtr, valuePtr);
			return result < 0 ? result : this.valueAt(valuePtr);
		});
	}

	/** The batches that a kind has: its map_*_batch operations. */
	protected get batches(): readonly BatchOperation[] {
		return [];
	}

	hostLookupBatch(count: number, from?: Uint8Array, remove = false): Batch | number {
		if (!this.#readable || (remove && !this.#writable)) return EPERM;
		if (!this.batches.includes(remove ? "take" : "lookup")) return ENOTSUPP;
		if (count === 0) return { entries: [], ...(from && { next: from }) };
		const batch = this.batchFrom(count, from);
		if (remove && typeof batch !== "number") for (const [key] of batch.entries) this.hostDelete(key);
		return batch;
	}

	/** generic_map_lookup_batch: a cursor is a key. */
	protected batchFrom(count: number, from: Uint8Array | undefined): Batch | number {
		const entries: (readonly [Uint8Array, Uint8Array])[] = [];
		let key = from ?? null;
		while (entries.length < count) {
			const next = this.nextFromHost(key);
			if (typeof next === "number") return next === ENOENT ? { entries } : next;
			const value = this.#read(next);
			if (typeof value !== "number") entries.push([next, value]);
			else if (value !== ENOENT) return value;
			key = next;
		}
		return { entries, next: key! };
	}

	hostUpdateBatch(
		entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
		flags = 0n,
	): BatchWrites {
		if ((flags & ~(this.#locks ? 4n : 0n)) !== 0n && this.#writable && this.batches.includes("update"))
			return { done: 0, result: EINVAL };
		return this.#writeBatch("update", entries, ([key, value]) => this.hostUpdate(key, value, flags));
	}

	hostDeleteBatch(keys: readonly Uint8Array[]): BatchWrites {
		return this.#writeBatch("delete", keys, (key) => this.hostDelete(key));
	}

	#writeBatch<T>(what: BatchOperation, all: readonly T[], write: (each: T) => number): BatchWrites {
		if (!this.#writable) return { done: 0, result: EPERM };
		if (!this.batches.includes(what)) return { done: 0, result: ENOTSUPP };
		for (const [done, each] of all.entries()) {
			const result = write(each);
			if (result < 0) return { done, result };
		}
		return { done: all.length, result: 0 };
	}

	/** Every entry by hostNextKey; kinds with a faster way override it. */
	*hostEntries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
		let key = this.nextFromHost(null);
		while (typeof key !== "number") {
			const value = this.#read(key);
			if (typeof value !== "number") yield [key, value];
			key = this.nextFromHost(key);
		}
	}

	/** EPERM where it is frozen already, and for BPF_F_RDONLY maps (both as 6.18 answers). */
	freeze(): number {
		if (!this.#writable) return EPERM;
		const state = this.address + MAP.STATE;
		this.runtime.memory.setU32(state, this.runtime.memory.u32(state) | 1);
		return 0;
	}

	/** Kinds without map_direct_value_addr. */
	valueAddress(_offset: number): number {
		return EINVAL;
	}

	/** The CPU that the machine runs on: what smp_processor_id is for a host's call. */
	protected get cpu(): number {
		return this.runtime.memory.u32(MACHINE.CPU);
	}

	/**
	 * Puts key and value (or room for as many bytes) into memory for the length of a call. From the allocator each
	 * time: a buffer kept in JavaScript would outlive a restored snapshot, and two workers would share it.
	 */
	protected withBytes<T>(
		key: Uint8Array | null,
		value: Uint8Array | number | null,
		call: (keyPtr: number, valuePtr: number) => T,
	): T | number {
		const keyRoom = roundUp8(key?.length ?? 0);
		const size = keyRoom + (typeof value === "number" ? value : (value?.length ?? 0));
		const block = this.code.allocControl(size);
		if (block === ENOMEM) return ENOMEM;
		const keyPtr = block >>> 0;
		if (key) this.runtime.memory.write(keyPtr, key);
		if (value instanceof Uint8Array) this.runtime.memory.write(keyPtr + keyRoom, value);
		try {
			return call(keyPtr, keyPtr + keyRoom);
		} finally {
			this.code.freeControl(block, size);
		}
	}

	#checkSize(what: string, bytes: Uint8Array, size: number): void {
		if (bytes.length === size) return;
		throw new TailhopError(
			"machine/invalid-input",
			`${what} of map ${this.def.name} has ${size} bytes, not ${bytes.length}`,
			{ map: this.def.name },
		);
	}
}

/** Puts special fields back as they were, or zeroes them. */
function keep(value: Uint8Array, before: Uint8Array | undefined, special: readonly SpecialField[]): void {
	for (const { offset, size } of special)
		if (before === undefined) value.fill(0, offset, offset + size);
		else value.set(before.subarray(offset, offset + size), offset);
}

/** A u32 as key bytes. */
export function indexKey(index: number): Uint8Array {
	return Uint8Array.of(index, index >>> 8, index >>> 16, index >>> 24);
}

export function keyIndex(key: Uint8Array): number {
	return (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0;
}

/** array_map_get_next_key: an index past the end starts over, as an unknown key does. */
export function nextIndex(key: Uint8Array | null, maxEntries: number): Uint8Array | number {
	const index = key ? keyIndex(key) : maxEntries;
	if (index >= maxEntries) return indexKey(0);
	return index === maxEntries - 1 ? ENOENT : indexKey(index + 1);
}
