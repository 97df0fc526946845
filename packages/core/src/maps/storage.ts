import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { MAX_PERCPU_VALUE } from "./array.ts";
import { BaseMap, type BatchOperation } from "./base.ts";
import { E2BIG, EINVAL, ENOENT, ENOTSUPP } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import { HashMap, tableControlNeed } from "./hash.ts";
import { type MapContext, type MapKind, roundUp8 } from "./kind.ts";
import { HEADER_SIZE, MAP } from "./layout.ts";
import type { Storage } from "./types.ts";

/** Owners that one map can have: the kernel knows no limit. */
const MAX_OWNERS = 2 ** 16;

/**
 * sk_storage, inode_storage, task_storage, cgrp_storage (kernel/bpf/bpf_local_storage.c): a value an owner. The host
 * knows owners by descriptor; a program's are addresses, which are larger. A test run's own socket is a new one each
 * time, so what programs stored goes when a run begins.
 */
class OwnerStorage extends HashMap implements Storage {
	get storage(): Storage {
		return this;
	}

	of(owner: number, initial: number, create: boolean): number {
		const found = this.withBytes(ownerKey(owner), null, (key) => this.lookup(key, 0));
		if (found !== 0 || !create) return found;
		return this.withBytes(ownerKey(owner), this.def.valueSize, (key, zeros) => {
			this.runtime.memory.u8.fill(0, zeros, zeros + this.def.valueSize);
			return this.update(key, initial || zeros, 0, 0) < 0 ? 0 : this.lookup(key, 0);
		});
	}

	remove(owner: number): number {
		return this.withBytes(ownerKey(owner), null, (key) => this.delete(key));
	}

	beginRun(): void {
		for (const [key] of this.hostEntries()) {
			const owner = new DataView(key.buffer).getUint32(0, true);
			if (owner >= this.runtime.dataBase) this.remove(owner);
		}
	}

	protected override get batches(): readonly BatchOperation[] {
		return [];
	}

	protected override takeFromHost(): number {
		return ENOTSUPP;
	}

	protected override nextFromHost(): number {
		return ENOTSUPP;
	}
}

const ownerKey = (owner: number) => new Uint8Array(Uint32Array.of(owner).buffer);

/** BPF_LOCAL_STORAGE_MAX_VALUE_SIZE, and KMALLOC's limit for a value behind its header: both as 6.18 answers. */
const MAX_VALUE = 65407;

function ownerKind(type: number, name: string): MapKind {
	const sized = (def: LinkedMap) => ({ ...def, maxEntries: 1024 });
	return {
		type,
		name,
		flags: MAP_FLAG.NO_PREALLOC | MAP_FLAG.CLONE,
		check({ flags, maxEntries, keySize, valueSize, keyTypeId, valueTypeId }) {
			if (!(flags & MAP_FLAG.NO_PREALLOC) || maxEntries !== 0 || keySize !== 4 || valueSize === 0)
				return EINVAL;
			if (keyTypeId === 0 || valueTypeId === 0) return EINVAL;
			return valueSize > MAX_VALUE ? E2BIG : 0;
		},
		controlNeed: (def, cpus) => tableControlNeed(sized(def), cpus, 16),
		setup({ runtime, address, seed }) {
			runtime.memory.setU32(address + MAP.MAX_ENTRIES, MAX_OWNERS);
			return runtime.code.hashCreate(address, seed, 0);
		},
		open: (context) => new OwnerStorage(context),
	};
}

/**
 * cgroup_storage and percpu_cgroup_storage (kernel/bpf/local_storage.c): the value that a cgroup's attachment has.
 * A test run has one of its own, zeroed, which no key finds.
 */
class CgroupStorage extends BaseMap implements Storage {
	readonly #perCpu: boolean;

	constructor(context: MapContext, perCpu: boolean) {
		super(context);
		this.#perCpu = perCpu;
	}

	get storage(): Storage {
		return this;
	}

	override get hostValueSize(): number {
		return this.#perCpu ? roundUp8(this.def.valueSize) * this.cpus : this.def.valueSize;
	}

	of(cpu: number): number {
		return this.#values + (this.#perCpu ? cpu * roundUp8(this.def.valueSize) : 0);
	}

	remove(): number {
		return EINVAL;
	}

	beginRun(): void {
		this.runtime.memory.u8.fill(0, this.#values, this.#values + this.hostValueSize);
	}

	get #values(): number {
		return this.runtime.memory.u32(this.address + MAP.KIND);
	}

	protected override getFromHost(): number {
		return ENOENT;
	}

	protected override putFromHost(_key: number, _value: number, mode: number): number {
		return mode === 1 ? EINVAL : ENOENT;
	}

	protected override nextFromHost(): number {
		return ENOENT;
	}
}

function cgroupKind(type: number, name: string, perCpu: boolean): MapKind {
	return {
		type,
		name,
		flags: ACCESS | MAP_FLAG.NUMA_NODE,
		check({ keySize, valueSize, maxEntries }) {
			// struct bpf_cgroup_storage_key, or the cgroup's inode alone
			if ((keySize !== 8 && keySize !== 16) || valueSize === 0 || maxEntries !== 0) return EINVAL;
			return valueSize > (perCpu ? MAX_PERCPU_VALUE : MAX_VALUE) ? E2BIG : 0;
		},
		controlNeed: () => HEADER_SIZE,
		setup({ runtime, address, def, cpus }) {
			const values = runtime.code.allocData(roundUp8(def.valueSize) * (perCpu ? cpus : 1));
			if (values < 0 && values > -4096) return values;
			runtime.memory.setU32(address + MAP.KIND, values);
			return 0;
		},
		open: (context) => new CgroupStorage(context, perCpu),
	};
}

export const storages: readonly MapKind[] = [
	cgroupKind(19, "cgroup_storage", false),
	cgroupKind(21, "percpu_cgroup_storage", true),
	ownerKind(24, "sk_storage"),
	ownerKind(28, "inode_storage"),
	ownerKind(29, "task_storage"),
	ownerKind(32, "cgrp_storage"),
];
