import { MAP_TYPE } from "../isa/index.ts";

/** What a map definition says, before loaders' adjustments. */
export interface MapNumbers {
	readonly type: number;
	readonly keySize: number;
	readonly valueSize: number;
	readonly maxEntries: number;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

type Adjusted = Pick<MapNumbers, "keySize" | "valueSize" | "keyTypeId" | "valueTypeId"> & {
	readonly maxEntries: number | "cpus";
};

const PAGE = 4096;

/**
 * What libbpf (fill_map_from_def, map_set_def_max_entries) and cilium/ebpf (fixupMagicFields) do to a definition:
 * a perf event array has 4-byte keys and values whatever type was written for people to read, and as many entries
 * as there are CPUs if it says 0; a ring buffer's size is a power of two pages, and it has no value whatever type
 * was written; the values of a map in maps are map ids of 4 bytes.
 */
export function adjustMap(map: MapNumbers): Adjusted {
	const { keySize, valueSize, keyTypeId, valueTypeId, maxEntries } = map;
	switch (map.type) {
		case MAP_TYPE.PERF_EVENT_ARRAY:
			return {
				keySize: keyTypeId === 0 && keySize !== 0 ? keySize : 4,
				valueSize: valueTypeId === 0 && valueSize !== 0 ? valueSize : 4,
				keyTypeId: 0,
				valueTypeId: 0,
				maxEntries: maxEntries === 0 ? "cpus" : maxEntries,
			};
		case MAP_TYPE.RINGBUF:
		case MAP_TYPE.USER_RINGBUF:
			return {
				keySize: keyTypeId === 0 ? keySize : 0,
				valueSize: valueTypeId === 0 ? valueSize : 0,
				keyTypeId: 0,
				valueTypeId: 0,
				maxEntries: ringSize(maxEntries),
			};
		case MAP_TYPE.ARRAY_OF_MAPS:
		case MAP_TYPE.HASH_OF_MAPS:
			return { keySize, valueSize: valueSize || 4, keyTypeId, valueTypeId, maxEntries };
		default:
			return { keySize, valueSize, keyTypeId, valueTypeId, maxEntries };
	}
}

/** The least power of two of pages that holds `bytes`; 0, and what would not fit in 32 bits, are left alone. */
function ringSize(bytes: number): number {
	if (bytes === 0) return 0;
	for (let size = PAGE; size <= 0x8000_0000; size *= 2) if (size >= bytes) return size;
	return bytes;
}
