import type { Btf } from "../btf/index.ts";
import type { LinkedMap } from "../spec/index.ts";

/** A map whose entries can be looked at: a Machine's, or the kernel's. */
export interface WatchedMap {
	readonly name: string;
	readonly def: LinkedMap;
	readonly btf: Btf | undefined;
	/** Every entry, as bpf(2) moves them, in any order. */
	contents(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
}

/** An entry that differs from when it was last looked at. Bytes as bpf(2) moves them. */
export interface EntryChange {
	readonly key: Uint8Array;
	/** Absent: the entry is new. */
	readonly before?: Uint8Array;
	/** Absent: the entry is gone. */
	readonly after?: Uint8Array;
}

export interface MapChange {
	readonly map: WatchedMap;
	readonly entries: readonly EntryChange[];
}

const PROG_ARRAY = 3;
const PERF_EVENT_ARRAY = 4;
const ARRAY_OF_MAPS = 12;
const HASH_OF_MAPS = 13;
const RINGBUF = 27;
/** Map kinds whose contents are no entries of bytes, or that no program can change. */
const NOT_WATCHED: ReadonlySet<number> = new Set([
	PROG_ARRAY,
	PERF_EVENT_ARRAY,
	ARRAY_OF_MAPS,
	HASH_OF_MAPS,
	RINGBUF,
]);

type Contents = Map<string, readonly [key: Uint8Array, value: Uint8Array]>;

/** Whether programs can change entries of such a map. */
export const isWatched = ({ def }: WatchedMap): boolean => !def.frozen && !NOT_WATCHED.has(def.type);

/** The entries that `other` has, or lacks, or has with another value; `before` is the map's own value. */
export function entryChanges(map: WatchedMap, other: WatchedMap): readonly EntryChange[] {
	return compare(contentsOf(map), contentsOf(other));
}

/** Says what runs did to maps, by comparing all entries; costs in proportion to what the maps hold. */
export class MapWatch {
	readonly #watched: { readonly map: WatchedMap; contents: Contents }[];

	/** Starts from the maps as they are now. Frozen ones, and kinds without entries, are left out. */
	constructor(of: { readonly maps: Iterable<WatchedMap> }) {
		this.#watched = [...of.maps].filter(isWatched).map((map) => ({ map, contents: contentsOf(map) }));
	}

	/** Changes since the last call, or since the start; maps without any are left out. */
	changes(): readonly MapChange[] {
		const changed: MapChange[] = [];
		for (const watched of this.#watched) {
			const now = contentsOf(watched.map);
			const entries = compare(watched.contents, now);
			watched.contents = now;
			if (entries.length > 0) changed.push({ map: watched.map, entries });
		}
		return changed;
	}
}

function contentsOf(map: WatchedMap): Contents {
	const contents: Contents = new Map();
	for (const entry of map.contents()) contents.set(text(entry[0]), entry);
	return contents;
}

function compare(before: Contents, now: Contents): EntryChange[] {
	const changes: EntryChange[] = [];
	for (const [id, [key, after]] of now) {
		const old = before.get(id)?.[1];
		if (old === undefined) changes.push({ key, after });
		else if (!equal(old, after)) changes.push({ key, before: old, after });
	}
	for (const [id, [key, old]] of before) if (!now.has(id)) changes.push({ key, before: old });
	return changes;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function text(key: Uint8Array): string {
	return String.fromCharCode(...key.subarray(0, 4096)) + key.length;
}
