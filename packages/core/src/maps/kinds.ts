import { array, percpuArray } from "./array.ts";
import { bloomFilter } from "./bloom.ts";
import { hash, hashOfMaps, percpuHash } from "./hash.ts";
import type { MapKind } from "./kind.ts";
import { lpmTrie } from "./lpm.ts";
import { lruHash, lruPercpuHash } from "./lru.ts";
import { queue, stack } from "./queue.ts";
import { references } from "./references.ts";
import { ringbuf } from "./ringbuf.ts";
import { arrayOfMaps, cgroupArray, perfEventArray, progArray } from "./slots.ts";
import { stackTrace } from "./stack-trace.ts";
import { storages } from "./storage.ts";

/** The kinds that can be made, by BPF_MAP_TYPE_*. */
export const MAP_KINDS: Readonly<Record<number, MapKind>> = Object.fromEntries(
	[
		array,
		arrayOfMaps,
		bloomFilter,
		cgroupArray,
		hash,
		hashOfMaps,
		lpmTrie,
		lruHash,
		lruPercpuHash,
		percpuArray,
		percpuHash,
		perfEventArray,
		progArray,
		...references,
		queue,
		ringbuf,
		stack,
		stackTrace,
		...storages,
	].map((kind) => [kind.type, kind]),
);

/** enum bpf_map_type of 6.18, by number: for messages, and for kinds that cannot be made yet. */
const NAMES =
	"unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter user_ringbuf cgrp_storage arena".split(
		" ",
	);

/** "lru_hash", or "map type 99". */
export function mapTypeName(type: number): string {
	return NAMES[type] ?? `map type ${type}`;
}
