/**
 * Which helper takes which kind of map: check_map_func_compatibility of 6.18's verifier, and for for_each_map_elem
 * the kinds that have map_for_each_callback. `scripts/probe-maps.ts` asks the kernel about every pair.
 *
 * The kinds of this table take the helpers in their row and no others, and these helpers, but for those in ELEMENT
 * below, take no other kinds. A kind that isn't here takes the helpers in ELEMENT and those in ANYWHERE.
 */
export const MAP_HELPERS: Readonly<Record<number, readonly number[]>> = {
	/* prog_array */ 3: [12],
	/* perf_event_array */ 4: [22, 25, 55, 111, 121],
	/* stack_trace */ 7: [27],
	/* cgroup_array */ 8: [33, 37],
	/* array_of_maps */ 12: [1],
	/* hash_of_maps */ 13: [1],
	/* devmap */ 14: [1, 51],
	/* sockmap */ 15: [1, 2, 3, 52, 53, 60, 82],
	/* cpumap */ 16: [51],
	/* xskmap */ 17: [1, 51],
	/* sockhash */ 18: [1, 2, 3, 70, 71, 72, 82],
	/* cgroup_storage */ 19: [81],
	/* reuseport_sockarray */ 20: [82],
	/* percpu_cgroup_storage */ 21: [81],
	/* queue */ 22: [87, 88, 89],
	/* stack */ 23: [87, 88, 89],
	/* sk_storage */ 24: [107, 108, 194],
	/* devmap_hash */ 25: [1, 51],
	/* ringbuf */ 27: [130, 131, 134, 198, 199, 200],
	/* inode_storage */ 28: [145, 146, 194],
	/* task_storage */ 29: [156, 157, 194],
	/* bloom_filter */ 30: [87, 89],
	/* user_ringbuf */ 31: [209],
	/* cgrp_storage */ 32: [210, 211, 194],
};

/** Helpers for every kind that is not in MAP_HELPERS. */
const ELEMENT: ReadonlySet<number> = new Set([1, 2, 3, 194]);

/** for_each_map_elem, map_lookup_percpu_elem: the kinds that have them. */
const ONLY: Readonly<Record<number, readonly number[]>> = {
	164: [1, 2, 5, 6, 9, 10],
	195: [5, 6, 10],
};

const OWNED: ReadonlySet<number> = /* @__PURE__ */ new Set(Object.values(MAP_HELPERS).flat());

/** What comes behind 6.18's helpers is somebody's own. */
const LAST_HELPER = 211;

/** Whether the verifier lets a program give a map of this BPF_MAP_TYPE_* to this helper. */
export function helperTakesMap(helper: number, mapType: number): boolean {
	if (helper > LAST_HELPER) return true;
	const kinds = ONLY[helper];
	if (kinds !== undefined) return kinds.includes(mapType);
	return MAP_HELPERS[mapType]?.includes(helper) ?? (ELEMENT.has(helper) || !OWNED.has(helper));
}
