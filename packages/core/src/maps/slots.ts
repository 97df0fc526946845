import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { BaseMap, type BatchOperation, nextIndex } from "./base.ts";
import { E2BIG, EBADF, EINVAL, ENOENT, ENOTSUPP } from "./errno.ts";
import { checkInner } from "./inner.ts";
import type { MapContext, MapKind } from "./kind.ts";
import { HEADER_SIZE, SLOTS } from "./layout.ts";
import type { Slots } from "./types.ts";

const ARRAY_OF_MAPS = 12;

/**
 * Arrays of words whose meaning is the machine's: a program's index, a reader's presence. From the host the value
 * is the word; the machine translates (descriptors, ids, owner checks) before it calls. kernel/bpf/arraymap.c:
 * fd_array.
 */
export class SlotsMap extends BaseMap {
	readonly slots: Slots;
	/** perf_event_array answers a lookup with ENOTSUPP. */
	readonly #lookups: boolean;

	constructor(context: MapContext, lookups: boolean) {
		super(context);
		this.#lookups = lookups;
		const { code, memory } = context.runtime;
		const { address, def } = context;
		this.slots = {
			length: def.maxEntries,
			get words() {
				return memory.u32(address + SLOTS.WORDS);
			},
			word: (index) => code.slotLoad(address, index) >>> 0,
			setWord(index, word) {
				if (index >>> 0 >= def.maxEntries) return E2BIG;
				return code.slotExchange(address, index, word) >>> 0;
			},
			swapWords: (words) => code.slotsSwap(address, words) >>> 0,
		};
	}

	/** Programs may not look into it (the verifier refuses them). */
	protected override getFromHost(keyPtr: number): number {
		if (!this.#lookups) return ENOTSUPP;
		const index = this.runtime.memory.u32(keyPtr);
		return this.slots.word(index) === 0 ? ENOENT : this.slots.words + index * 4;
	}

	protected override putFromHost(keyPtr: number, valuePtr: number, flags: number): number {
		if (flags !== 0) return EINVAL;
		const { memory } = this.runtime;
		const word = memory.u32(valuePtr);
		if (memory.u32(keyPtr) < this.def.maxEntries && word === 0) return EBADF;
		const previous = this.slots.setWord(memory.u32(keyPtr), word);
		return previous === E2BIG ? E2BIG : 0;
	}

	protected override deleteFromHost(keyPtr: number): number {
		const previous = this.slots.setWord(this.runtime.memory.u32(keyPtr), 0);
		if (previous === E2BIG) return E2BIG;
		return previous === 0 ? ENOENT : 0;
	}

	protected override nextFromHost(key: Uint8Array | null): Uint8Array | number {
		return nextIndex(key, this.def.maxEntries);
	}
}

function checkSlots(def: LinkedMap): number {
	return def.maxEntries === 0 || def.keySize !== 4 || def.valueSize !== 4 ? EINVAL : 0;
}

/** array_of_maps: words are addresses of inner maps' headers, and a program's lookup gives one. */
class ArrayOfMaps extends SlotsMap {
	protected override get batches(): readonly BatchOperation[] {
		return ["lookup", "update"];
	}

	override lookup(keyPtr: number, _cpu: number): number {
		return this.code.arrayOfMapsLookup(this.address, keyPtr) >>> 0;
	}
}

function slotsKind(type: number, name: string, flags: number, lookups: boolean): MapKind {
	return {
		type,
		name,
		flags: MAP_FLAG.NUMA_NODE | MAP_FLAG.RDONLY | MAP_FLAG.WRONLY | flags,
		check: checkSlots,
		controlNeed: (def) => HEADER_SIZE + def.maxEntries * 4 * 1.25 + 16,
		setup: ({ runtime, address }) => runtime.code.slotsCreate(address),
		open: (context) => new SlotsMap(context, lookups),
	};
}

export const progArray = slotsKind(3, "prog_array", 0, true);
/** Words are cgroups, by a number of the host's. */
export const cgroupArray = slotsKind(8, "cgroup_array", 0, false);
export const arrayOfMaps: MapKind = {
	...slotsKind(ARRAY_OF_MAPS, "array_of_maps", 0, true),
	check: (def) => checkSlots(def) || checkInner(def),
	open: (context) => new ArrayOfMaps(context, true),
};
export const perfEventArray = slotsKind(4, "perf_event_array", MAP_FLAG.PRESERVE_ELEMS, false);
