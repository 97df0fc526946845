import { Descriptor } from "./handle.ts";
import type { Kernel, KernelBtf } from "./kernel.ts";
import { CMD, MAP_BATCH, MAP_ELEM, MAP_INFO } from "./uapi.ts";

/** Fields of BPF_MAP_CREATE. */
export interface MapDefinition {
	/** BPF_MAP_TYPE_*. */
	readonly type: number;
	readonly keySize: number;
	readonly valueSize: number;
	readonly maxEntries: number;
	/** BPF_F_*. */
	readonly flags?: number;
	readonly name?: string;
	readonly mapExtra?: bigint;
	readonly numaNode?: number;
	/** Template of the inner maps of a map in maps. */
	readonly inner?: KernelMap;
	readonly btf?: KernelBtf;
	readonly keyTypeId?: number;
	readonly valueTypeId?: number;
}

export interface MapInfo {
	readonly id: number;
	readonly type: number;
	readonly keySize: number;
	readonly valueSize: number;
	readonly maxEntries: number;
	readonly flags: number;
	readonly name: string;
	readonly mapExtra: bigint;
	/** Of the BTF that describes key and value; 0 = none. */
	readonly btfId: number;
}

/** Entries of a batch, and where the next one goes on: undefined at the end. */
export interface Batch {
	readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
	readonly next?: Uint8Array;
}

/** How far a batch of writes came: `result` is 0, or the -errno of the entry after the `done` ones. */
export interface BatchWrites {
	readonly done: number;
	readonly result: number;
}

const ENOENT = 2;

/** PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE: one value for each possible CPU. */
const PER_CPU = new Set([5, 6, 10, 21]);

/**
 * A map of the kernel. Methods named host* are those of core's MapInstance: bytes in and out, refusals as negative
 * errno; an integer for a value of a prog array is a program's fd going in and its id coming out.
 */
export class KernelMap extends Descriptor {
	readonly definition: MapDefinition;
	/** Bytes of a value as bpf(2) sees it. */
	readonly hostValueSize: number;

	constructor(kernel: Kernel, fd: number, definition: MapDefinition) {
		super(kernel, fd);
		this.definition = definition;
		const { type, valueSize } = definition;
		this.hostValueSize = PER_CPU.has(type) ? Math.ceil(valueSize / 8) * 8 * kernel.cpus : valueSize;
	}

	#element(command: number, key: Uint8Array | undefined, value?: Uint8Array, flags?: bigint): number {
		return this.kernel.call(command, this.kernel.attr(MAP_ELEM, { map_fd: this.fd, key, value, flags }));
	}

	/** BPF_MAP_LOOKUP_ELEM. */
	hostLookup(key: Uint8Array, flags = 0n): Uint8Array | number {
		const value = new Uint8Array(this.hostValueSize);
		return this.#element(CMD.MAP_LOOKUP_ELEM, key, value, flags) || value;
	}

	/** BPF_MAP_UPDATE_ELEM. */
	hostUpdate(key: Uint8Array, value: Uint8Array, flags = 0n): number {
		return this.#element(CMD.MAP_UPDATE_ELEM, key, value, flags);
	}

	/** BPF_MAP_DELETE_ELEM. */
	hostDelete(key: Uint8Array): number {
		return this.#element(CMD.MAP_DELETE_ELEM, key);
	}

	/** BPF_MAP_GET_NEXT_KEY; null asks for the first. */
	hostNextKey(key: Uint8Array | null): Uint8Array | number {
		const next = new Uint8Array(this.definition.keySize);
		return this.#element(CMD.MAP_GET_NEXT_KEY, key ?? undefined, next) || next;
	}

	/** BPF_MAP_LOOKUP_AND_DELETE_ELEM; an empty key for queues and stacks. */
	hostLookupAndDelete(key: Uint8Array, flags = 0n): Uint8Array | number {
		const value = new Uint8Array(this.hostValueSize);
		return this.#element(CMD.MAP_LOOKUP_AND_DELETE_ELEM, key, value, flags) || value;
	}

	/** Every entry that has a value, in the order of hostNextKey. */
	*hostEntries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
		for (let key = this.hostNextKey(null); typeof key !== "number"; key = this.hostNextKey(key)) {
			const value = this.hostLookup(key);
			if (typeof value !== "number") yield [key, value];
		}
	}

	/**
	 * Every entry in no promised order, by batches where the kind has them (a call for 1024 entries, not two for
	 * each): for large maps that are compared as a whole.
	 */
	contents(): (readonly [key: Uint8Array, value: Uint8Array])[] {
		const found: (readonly [key: Uint8Array, value: Uint8Array])[] = [];
		let from: Uint8Array | undefined;
		do {
			const batch = this.hostLookupBatch(Math.min(this.definition.maxEntries, 1024), from);
			if (typeof batch === "number") return [...this.hostEntries()];
			found.push(...batch.entries);
			from = batch.next;
		} while (from !== undefined);
		return found;
	}

	/**
	 * BPF_MAP_LOOKUP_BATCH, or with `remove` BPF_MAP_LOOKUP_AND_DELETE_BATCH: up to `count` entries, or -errno
	 * (-ENOTSUPP for a kind without batches, -ENOSPC where a hash's bucket holds more than `count`). `from` is the
	 * batch before's `next`.
	 */
	hostLookupBatch(count: number, from?: Uint8Array, remove = false): Batch | number {
		const { keySize } = this.definition;
		const keys = new Uint8Array(count * keySize);
		const values = new Uint8Array(count * this.hostValueSize);
		// a hash's cursor is a u32, the others' a key
		const next = new Uint8Array(Math.max(4, keySize));
		const attr = this.kernel.attr(MAP_BATCH, {
			map_fd: this.fd,
			in_batch: from,
			out_batch: next,
			keys,
			values,
			count,
		});
		const command = remove ? CMD.MAP_LOOKUP_AND_DELETE_BATCH : CMD.MAP_LOOKUP_BATCH;
		const result = this.kernel.call(command, attr);
		if (result < 0 && result !== -ENOENT) return result;
		const entries = Array.from({ length: attr.u32("count") }, (_, index) => {
			const key = keys.subarray(index * keySize, (index + 1) * keySize);
			const value = values.subarray(index * this.hostValueSize, (index + 1) * this.hostValueSize);
			return [key, value] as const;
		});
		return { entries, ...(result === 0 ? { next } : {}) };
	}

	/** BPF_MAP_UPDATE_BATCH. */
	hostUpdateBatch(
		entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
		flags = 0n,
	): BatchWrites {
		const keys = joined(entries.map(([key]) => key));
		const values = joined(entries.map(([, value]) => value));
		return this.#writeBatch(CMD.MAP_UPDATE_BATCH, { keys, values, count: entries.length, elem_flags: flags });
	}

	/** BPF_MAP_DELETE_BATCH. */
	hostDeleteBatch(keys: readonly Uint8Array[]): BatchWrites {
		return this.#writeBatch(CMD.MAP_DELETE_BATCH, { keys: joined(keys), count: keys.length });
	}

	#writeBatch(
		command: number,
		values: {
			readonly keys: Uint8Array;
			readonly values?: Uint8Array;
			readonly count: number;
			readonly elem_flags?: bigint;
		},
	): BatchWrites {
		const attr = this.kernel.attr(MAP_BATCH, { map_fd: this.fd, ...values });
		const result = this.kernel.call(command, attr);
		const done = attr.u32("count");
		// a refusal of the whole leaves the count as it was given; one of an entry writes fewer
		return { done: result < 0 && done === values.count ? 0 : done, result };
	}

	/** BPF_MAP_FREEZE: no writes from user space any more. */
	freeze(): number {
		return this.kernel.call(CMD.MAP_FREEZE, this.kernel.attr(MAP_ELEM, { map_fd: this.fd }));
	}

	info(): MapInfo {
		const info = this.getInfo(MAP_INFO, "map");
		return {
			id: info.u32("id"),
			type: info.u32("type"),
			keySize: info.u32("key_size"),
			valueSize: info.u32("value_size"),
			maxEntries: info.u32("max_entries"),
			flags: info.u32("map_flags"),
			name: info.text("name"),
			mapExtra: info.u64("map_extra"),
			btfId: info.u32("btf_id"),
		};
	}
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
	const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		bytes.set(part, at);
		at += part.length;
	}
	return bytes;
}
