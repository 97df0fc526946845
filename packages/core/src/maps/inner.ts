import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { EINVAL, ENOTSUPP } from "./errno.ts";

/** What bpf_map_meta_alloc refuses as inner map, by BPF_MAP_TYPE_*: prog_array, maps of maps, cgroup storage, struct_ops. */
const REFUSED: Readonly<Record<number, number>> = {
	3: ENOTSUPP,
	12: EINVAL,
	13: EINVAL,
	19: ENOTSUPP,
	21: ENOTSUPP,
	26: ENOTSUPP,
};

/** What an inner map may be: 0 or -errno. A template that the object does not have is not checked here. */
export function checkInner({ inner }: LinkedMap): number {
	return inner === undefined ? 0 : (REFUSED[inner.type] ?? 0);
}

/** array, xskmap: programs know the size from the template (array_map_meta_equal, xsk_map_meta_equal). */
const SIZED: readonly number[] = [2, 17];
/** Flags that a map does not keep: they are its first descriptor's. */
const DESCRIPTOR_FLAGS = MAP_FLAG.RDONLY | MAP_FLAG.WRONLY;

/** bpf_map_meta_equal: what a map must have in common with the template, in words; undefined: it does. */
export function unlikeInner(template: LinkedMap, map: LinkedMap): string | undefined {
	for (const field of ["type", "keySize", "valueSize"] as const)
		if (template[field] !== map[field]) return field;
	if (((template.flags ^ map.flags) & ~DESCRIPTOR_FLAGS) !== 0) return "flags";
	const sized = SIZED.includes(map.type) && (template.flags & MAP_FLAG.INNER_MAP) === 0;
	return sized && template.maxEntries !== map.maxEntries ? "maxEntries" : undefined;
}
