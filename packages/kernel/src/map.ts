import { Descriptor } from "./handle.ts";
import type { Kernel, KernelBtf } from "./kernel.ts";
import { rejected } from "./rejected.ts";
import { CMD, GET_INFO, MAP_ELEM, MAP_INFO } from "./uapi.ts";

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

	/** BPF_MAP_FREEZE: no writes from user space any more. */
	freeze(): number {
		return this.kernel.call(CMD.MAP_FREEZE, this.kernel.attr(MAP_ELEM, { map_fd: this.fd }));
	}

	info(): MapInfo {
		const info = this.kernel.attr(MAP_INFO, {});
		const result = this.kernel.call(
			CMD.OBJ_GET_INFO_BY_FD,
			this.kernel.attr(GET_INFO, { bpf_fd: this.fd, info_len: info.size, info: info.bytes }),
		);
		if (result < 0) throw rejected("the map's info", -result);
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
