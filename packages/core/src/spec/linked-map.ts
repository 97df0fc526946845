import type { LinkedMap } from "./types.ts";

/** A map to be made: the rest is empty. */
export type NewMap = Pick<LinkedMap, "name" | "type" | "keySize" | "valueSize" | "maxEntries"> &
	Partial<LinkedMap>;

/** The definition of a map that no object declares: what isn't said is 0 or empty, as in BPF_MAP_CREATE. */
export function linkedMap(map: NewMap): LinkedMap {
	return {
		flags: 0,
		mapExtra: 0n,
		pinning: 0,
		keyTypeId: 0,
		valueTypeId: 0,
		values: [],
		origin: "btf",
		section: ".maps",
		frozen: false,
		variables: [],
		...map,
	};
}
