import { MAP_FLAG } from "../isa/index.ts";
import { EINVAL, ENOTSUPP } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import { ALL_CPUS, checkTable, TableMap, tableControlNeed } from "./hash.ts";
import type { MapKind } from "./kind.ts";

/**
 * lru_hash: kernel/bpf/hashtab.c over bpf_lru_list.c. assembly/lru.ts says what may be relied on about the order of
 * eviction: with one CPU it is the kernel's. A host's lookup is not a use (htab_lru_map_lookup_elem_sys).
 */
class LruHashMap extends TableMap {
	protected override readonly perCpu: boolean = false;

	override lookup(keyPtr: number, _cpu: number): number {
		return this.code.lruLookup(this.address, keyPtr) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, cpu: number): number {
		return this.code.lruUpdate(this.address, keyPtr, valuePtr, flags, cpu);
	}

	override delete(keyPtr: number): number {
		return this.code.lruDelete(this.address, keyPtr, 0, 0);
	}

	protected override takeFromHost(key: number, into: number): number {
		return this.code.lruDelete(this.address, key, into, this.hostValueSize);
	}

	protected override getFromHost(key: number): number {
		return this.code.hashLookup(this.address, key) >>> 0;
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.update(key, value, flags, this.cpu);
	}
}

class LruPercpuHashMap extends LruHashMap {
	protected override readonly perCpu = true;

	override lookup(keyPtr: number, cpu: number): number {
		return this.code.lruPercpuLookup(this.address, keyPtr, cpu) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, cpu: number): number {
		return this.code.lruPercpuUpdate(this.address, keyPtr, valuePtr, flags, cpu, cpu);
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.code.lruPercpuUpdate(this.address, key, value, flags, this.cpu, ALL_CPUS);
	}
}

function lruKind(type: number, name: string, perCpu: boolean): MapKind {
	return {
		type,
		name,
		// NO_PREALLOC is a known flag: it is answered with another errno than unknown ones
		flags: ACCESS | MAP_FLAG.NO_PREALLOC | MAP_FLAG.NO_COMMON_LRU | MAP_FLAG.NUMA_NODE | MAP_FLAG.ZERO_SEED,
		check(def) {
			if (def.flags & MAP_FLAG.NO_PREALLOC) return ENOTSUPP;
			if (def.flags & MAP_FLAG.NUMA_NODE && (perCpu || def.flags & MAP_FLAG.NO_COMMON_LRU)) return EINVAL;
			return checkTable(def, perCpu);
		},
		controlNeed: (def, cpus) => tableControlNeed(def, cpus, 32) + cpus * 64,
		setup: ({ runtime, address, seed }) => runtime.code.lruCreate(address, seed, perCpu ? 1 : 0),
		open: (context) => (perCpu ? new LruPercpuHashMap(context) : new LruHashMap(context)),
	};
}

export const lruHash = lruKind(9, "lru_hash", false);
export const lruPercpuHash = lruKind(10, "lru_percpu_hash", true);
