import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { BaseMap, type BatchOperation, nextIndex } from "./base.ts";
import { E2BIG, EACCES, EINVAL, ENOTSUPP, EPERM } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import { type MapKind, roundUp8 } from "./kind.ts";
import { ARRAY, HEADER_SIZE } from "./layout.ts";

/** kernel/bpf/arraymap.c: array. */
export class ArrayMap extends BaseMap {
	override lookup(keyPtr: number, _cpu: number): number {
		return this.code.arrayLookup(this.address, keyPtr) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, _cpu: number): number {
		return this.code.arrayUpdate(this.address, keyPtr, valuePtr, flags);
	}

	next(cursor: number): number {
		return cursor < this.def.maxEntries ? cursor + 1 : 0;
	}

	link(cursor: number): number {
		return cursor;
	}

	follow(link: number): number {
		return this.next(link);
	}

	cursorKey(cursor: number): number {
		return this.code.arrayCursorKey(this.address, cursor) >>> 0;
	}

	cursorValue(cursor: number, cpu: number): number {
		return this.lookup(this.cursorKey(cursor), cpu);
	}

	protected override get batches(): readonly BatchOperation[] {
		return ["lookup", "update"];
	}

	protected override getFromHost(key: number): number {
		return this.lookup(key, 0);
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.update(key, value, flags, 0);
	}

	protected override nextFromHost(key: Uint8Array | null): Uint8Array | number {
		return nextIndex(key, this.def.maxEntries);
	}

	/** bpf_map_mmap, array_map_mmap. */
	mmap(write: boolean): Uint8Array | number {
		const { type, flags, maxEntries, valueSize } = this.def;
		if (type !== ARRAY_TYPE) return ENOTSUPP;
		if (write && this.frozen) return EPERM;
		if (write && flags & MAP_FLAG.RDONLY_PROG) return EACCES;
		if (!(flags & MAP_FLAG.MMAPABLE)) return EINVAL;
		const { memory } = this.runtime;
		const start = memory.u32(this.address + ARRAY.VALUES);
		return memory.u8.subarray(start, start + Math.ceil((roundUp8(valueSize) * maxEntries) / PAGE) * PAGE);
	}

	/** array_map_direct_value_addr: an array of one entry only. */
	override valueAddress(offset: number): number {
		if (offset < 0 || offset >= MAX_VALUE_OFFSET) return EINVAL;
		if (this.def.maxEntries !== 1) return ENOTSUPP;
		return offset >= this.def.valueSize
			? EINVAL
			: this.runtime.memory.u32(this.address + ARRAY.VALUES) + offset;
	}
}

/** BPF_MAP_TYPE_ARRAY: kinds made of arrays are not mapped. */
const ARRAY_TYPE = 2;
const PAGE = 4096;
/** BPF_MAX_VAR_OFF: lddw's offsets end here, whatever the map. */
const MAX_VALUE_OFFSET = 2 ** 29;

class PercpuArrayMap extends ArrayMap {
	override get hostValueSize(): number {
		return roundUp8(this.def.valueSize) * this.cpus;
	}

	override lookup(keyPtr: number, cpu: number): number {
		return this.code.percpuArrayLookup(this.address, keyPtr, cpu) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, cpu: number): number {
		return this.code.percpuArrayUpdate(this.address, keyPtr, valuePtr, flags, cpu);
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.code.percpuArrayUpdateAll(this.address, key, value, flags);
	}

	override valueAddress(_offset: number): number {
		return EINVAL;
	}
}

/** KMALLOC_MAX_SIZE. */
const MAX_VALUE = 2 ** 31 - 1;
/** PCPU_MIN_UNIT_SIZE. */
export const MAX_PERCPU_VALUE = 32768;

function checkSizes(def: LinkedMap): number {
	if (def.maxEntries === 0 || def.keySize !== 4 || def.valueSize === 0) return EINVAL;
	return def.valueSize > MAX_VALUE ? E2BIG : 0;
}

export const array: MapKind = {
	type: 2,
	name: "array",
	flags: ACCESS | MAP_FLAG.NUMA_NODE | MAP_FLAG.MMAPABLE | MAP_FLAG.INNER_MAP,
	check: checkSizes,
	controlNeed: () => HEADER_SIZE,
	setup: ({ runtime, address }) => runtime.code.arrayCreate(address, 0),
	open: (context) => new ArrayMap(context),
};

export const percpuArray: MapKind = {
	type: 6,
	name: "percpu_array",
	flags: ACCESS,
	check(def) {
		const error = checkSizes(def);
		if (error) return error;
		return roundUp8(def.valueSize) > MAX_PERCPU_VALUE ? E2BIG : 0;
	},
	controlNeed: () => HEADER_SIZE,
	setup: ({ runtime, address }) => runtime.code.arrayCreate(address, 1),
	open: (context) => new PercpuArrayMap(context),
};
