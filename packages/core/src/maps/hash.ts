import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { MAX_PERCPU_VALUE } from "./array.ts";
import { BaseMap, type BatchOperation, indexKey, keyIndex } from "./base.ts";
import { E2BIG, EBADF, EINVAL, ENOENT, ENOSPC, ENOTSUPP } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import { checkInner } from "./inner.ts";
import { type MapKind, roundUp8 } from "./kind.ts";
import { ELEMENT, HEADER_SIZE, TABLE } from "./layout.ts";
import type { Batch } from "./types.ts";

/** `cpu` of an update that carries every CPU's value. */
export const ALL_CPUS = -1;

/** What every kind over the hash table has: iteration in bucket order, deletion. kernel/bpf/hashtab.c. */
export abstract class TableMap extends BaseMap {
	protected abstract readonly perCpu: boolean;

	override get hostValueSize(): number {
		return this.perCpu ? roundUp8(this.def.valueSize) * this.cpus : this.def.valueSize;
	}

	override delete(keyPtr: number): number {
		return this.code.hashDelete(this.address, keyPtr, 0, 0);
	}

	next(cursor: number): number {
		return this.code.tableNext(this.address, cursor) >>> 0;
	}

	link(cursor: number): number {
		return this.code.tableLink(this.address, cursor);
	}

	follow(link: number): number {
		return this.code.tableFollow(this.address, link) >>> 0;
	}

	cursorKey(cursor: number): number {
		return this.code.tableKeyCopy(this.address, cursor) >>> 0;
	}

	cursorValue(cursor: number, cpu: number): number {
		return this.code.tableValue(this.address, cursor, this.perCpu ? cpu : 0) >>> 0;
	}

	protected override getFromHost(key: number): number {
		return this.lookup(key, 0);
	}

	protected override deleteFromHost(key: number): number {
		return this.delete(key);
	}

	protected override takeFromHost(key: number, into: number): number {
		return this.code.hashDelete(this.address, key, into, this.hostValueSize);
	}

	protected override nextFromHost(key: Uint8Array | null): Uint8Array | number {
		const element = key
			? this.withBytes(key, null, (keyPtr) => this.code.tableNextKey(this.address, keyPtr))
			: this.code.tableNext(this.address, 0);
		return element === 0 ? ENOENT : this.#key(element);
	}

	protected override get batches(): readonly BatchOperation[] {
		return ["lookup", "take", "update", "delete"];
	}

	/** __htab_map_lookup_and_delete_batch: whole buckets; a cursor is a bucket's number. */
	protected override batchFrom(count: number, from: Uint8Array | undefined): Batch | number {
		const { memory } = this.runtime;
		const mask = memory.u32(this.address + TABLE.MASK);
		const bucketOf = (element: number) => (memory.u32(element + ELEMENT.HASH) & mask) >>> 0;
		const firstFrom = (bucket: number) =>
			bucket > mask ? 0 : bucket === 0 ? this.next(0) : this.follow(((bucket - 1) << 1) | 1);
		const entries: (readonly [Uint8Array, Uint8Array])[] = [];
		let element = firstFrom(from ? keyIndex(from) : 0);
		while (element !== 0) {
			const bucket = bucketOf(element);
			const group = [];
			for (; element !== 0 && bucketOf(element) === bucket; element = this.next(element))
				group.push([this.#key(element), this.valueAt(this.cursorValue(element, 0))] as const);
			if (group.length > count - entries.length)
				return entries.length === 0 ? ENOSPC : { entries, next: indexKey(bucket) };
			entries.push(...group);
		}
		return { entries };
	}

	/** The elements as they stand at the start: what happens while the caller looks at them changes no order. */
	override *hostEntries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
		const entries: (readonly [Uint8Array, Uint8Array])[] = [];
		for (let element = this.next(0); element !== 0; element = this.next(element)) {
			entries.push([this.#key(element), this.valueAt(this.cursorValue(element, 0))]);
		}
		yield* entries;
	}

	#key(element: number): Uint8Array {
		return this.runtime.memory.read(this.code.tableKey(this.address, element) >>> 0, this.def.keySize);
	}
}

export class HashMap extends TableMap {
	protected override readonly perCpu = false;

	override lookup(keyPtr: number, _cpu: number): number {
		return this.code.hashLookup(this.address, keyPtr) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, cpu: number): number {
		return this.code.hashUpdate(this.address, keyPtr, valuePtr, flags, cpu);
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.update(key, value, flags, this.cpu);
	}
}

class PercpuHashMap extends TableMap {
	protected override readonly perCpu = true;

	override lookup(keyPtr: number, cpu: number): number {
		return this.code.percpuHashLookup(this.address, keyPtr, cpu) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, cpu: number): number {
		return this.code.percpuHashUpdate(this.address, keyPtr, valuePtr, flags, cpu);
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.update(key, value, flags, ALL_CPUS);
	}
}

/**
 * hash_of_maps: a value is the address of the inner map's header; a program's lookup gives it. The machine translates
 * descriptors and ids. Values are replaced in place.
 */
class HashOfMaps extends TableMap {
	protected override readonly perCpu = false;

	override lookup(keyPtr: number, _cpu: number): number {
		return this.code.hashOfMapsLookup(this.address, keyPtr) >>> 0;
	}

	protected override getFromHost(key: number): number {
		return this.code.hashLookup(this.address, key) >>> 0;
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		if (this.runtime.memory.u32(value) === 0) return EBADF;
		return this.code.percpuHashUpdate(this.address, key, value, flags, 0);
	}

	protected override takeFromHost(): number {
		return ENOTSUPP;
	}
}

/** KMALLOC_MAX_SIZE less the kernel's struct htab_elem (48 bytes). */
const MAX_ELEMENT = 2 ** 22 - 48;

/** htab_map_alloc_check; sizes as 6.18 answers. */
export function checkTable(def: LinkedMap, perCpu: boolean): number {
	if (def.maxEntries === 0 || def.keySize === 0 || def.valueSize === 0) return EINVAL;
	if (def.keySize + def.valueSize >= MAX_ELEMENT) return E2BIG;
	if (perCpu && roundUp8(def.valueSize) > MAX_PERCPU_VALUE) return E2BIG;
	// U32_MAX / sizeof(struct bucket): 16 bytes
	return def.maxEntries > 2 ** 27 ? E2BIG : 0;
}

/** Directory and bucket pages, the CPUs' spares, elements and their slabs' rounding. */
export function tableControlNeed(def: LinkedMap, cpus: number, keyOffset: number): number {
	const buckets = 2 ** Math.ceil(Math.log2(Math.max(1, def.maxEntries)));
	const elements = def.maxEntries + cpus;
	return (
		HEADER_SIZE + buckets * 8.5 + 4096 + cpus * 8 + elements * (keyOffset + roundUp8(def.keySize)) * 1.25
	);
}

export const hash: MapKind = {
	type: 1,
	name: "hash",
	flags: ACCESS | MAP_FLAG.NO_PREALLOC | MAP_FLAG.NUMA_NODE | MAP_FLAG.ZERO_SEED,
	check: (def) => checkTable(def, false),
	controlNeed: (def, cpus) => tableControlNeed(def, cpus, 16),
	setup: ({ runtime, address, seed }) => runtime.code.hashCreate(address, seed, 0),
	open: (context) => new HashMap(context),
};

export const percpuHash: MapKind = {
	type: 5,
	name: "percpu_hash",
	flags: ACCESS | MAP_FLAG.NO_PREALLOC | MAP_FLAG.ZERO_SEED,
	check: (def) => checkTable(def, true),
	controlNeed: (def, cpus) => tableControlNeed(def, cpus, 16),
	setup: ({ runtime, address, seed }) => runtime.code.hashCreate(address, seed, 1),
	open: (context) => new PercpuHashMap(context),
};

export const hashOfMaps: MapKind = {
	...percpuHash,
	type: 13,
	name: "hash_of_maps",
	flags: ACCESS | MAP_FLAG.NO_PREALLOC | MAP_FLAG.NUMA_NODE | MAP_FLAG.ZERO_SEED,
	check: (def) => (def.valueSize !== 4 ? EINVAL : checkTable(def, false) || checkInner(def)),
	open: (context) => new HashOfMaps(context),
};
