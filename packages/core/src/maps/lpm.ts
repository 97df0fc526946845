import { MAP_FLAG } from "../isa/index.ts";
import { BaseMap, type BatchOperation } from "./base.ts";
import { EINVAL, ENOENT } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import type { MapKind } from "./kind.ts";
import { HEADER_SIZE } from "./layout.ts";

/** kernel/bpf/lpm_trie.c. */
class LpmTrieMap extends BaseMap {
	override lookup(keyPtr: number, _cpu: number): number {
		return this.code.lpmLookup(this.address, keyPtr) >>> 0;
	}

	override update(keyPtr: number, valuePtr: number, flags: number, _cpu: number): number {
		return this.code.lpmUpdate(this.address, keyPtr, valuePtr, flags);
	}

	override delete(keyPtr: number): number {
		return this.code.lpmDelete(this.address, keyPtr);
	}

	protected override get batches(): readonly BatchOperation[] {
		return ["lookup", "update", "delete"];
	}

	protected override getFromHost(key: number): number {
		return this.lookup(key, 0);
	}

	protected override putFromHost(key: number, value: number, flags: number): number {
		return this.update(key, value, flags, 0);
	}

	protected override deleteFromHost(key: number): number {
		return this.delete(key);
	}

	protected override nextFromHost(key: Uint8Array | null): Uint8Array | number {
		const next = new Uint8Array(this.def.keySize);
		return this.withBytes(key ?? next, null, (keyPtr) => {
			const node = this.code.lpmNextKey(this.address, key ? keyPtr : 0);
			if (node === 0) return ENOENT;
			this.code.lpmKey(this.address, node, keyPtr);
			return this.runtime.memory.read(keyPtr, this.def.keySize);
		});
	}
}

/** A prefix length, and 1 to 256 bytes. */
const [MIN_KEY, MAX_KEY] = [5, 260];
/** KMALLOC_MAX_SIZE less the longest key and the kernel's node. */
const MAX_VALUE = 2 ** 22 - 260 - 40;

export const lpmTrie: MapKind = {
	type: 11,
	name: "lpm_trie",
	flags: ACCESS | MAP_FLAG.NO_PREALLOC | MAP_FLAG.NUMA_NODE,
	check(def) {
		if (!(def.flags & MAP_FLAG.NO_PREALLOC) || def.maxEntries === 0) return EINVAL;
		if (def.keySize < MIN_KEY || def.keySize > MAX_KEY) return EINVAL;
		return def.valueSize === 0 || def.valueSize > MAX_VALUE ? EINVAL : 0;
	},
	// a node for every entry, one less for the forks, and those in quarantine; bits in words, blocks of 16 bytes
	controlNeed: (def) => HEADER_SIZE + (2 * def.maxEntries + 128) * (48 + def.keySize),
	setup: () => 0,
	open: (context) => new LpmTrieMap(context),
};
