import { type Btf, findBtfType, sizeOf } from "../btf/index.ts";
import { STT } from "../elf/index.ts";
import { MAP_FLAG, MAP_TYPE } from "../isa/index.ts";
import type { PlacedMap } from "./btf-maps.ts";
import { adjustMap } from "./map-adjust.ts";
import { invalid, type Source, u32 } from "./source.ts";
import type { MapSpec } from "./types.ts";

/** A legacy map and the number by which iproute2's sections `<id>/<slot>` refer to it. */
export interface LegacyMap extends PlacedMap {
	/** The sixth u32; 0 where the entry is shorter. */
	readonly id: number;
}

interface Entry {
	readonly name: string;
	readonly section: string;
	readonly sectionIndex: number;
	readonly offset: number;
	/** The entry's words; what it lacks is 0. */
	readonly words: readonly number[];
	/** Bytes from this entry to the next. */
	readonly stride: number;
}

const MIN_ENTRY = 16;
const IPROUTE2_ENTRY = 36;

/**
 * Maps of SEC("maps"): an array of structs, as wide as the loader of their day had it.
 *
 *   words  0-4   type, key size, value size, max entries, flags (20 bytes: the common part; 16 without flags)
 *   words  5, 6  28 bytes: samples/bpf has inner_map_idx and numa_node there, iproute2 (struct bpf_elf_map) id and
 *                pinning. Word 5 is an index for a map in maps, else an id; word 6 a node if the flag is set.
 *   words  7, 8  36 bytes, iproute2: inner_id and inner_idx: the id of the inner map, and the slot that it goes to
 */
export function legacyMaps(source: Source): LegacyMap[] {
	const entries = collect(source);
	const ids = new Map<number, Entry>();
	for (const entry of entries)
		if (entry.words[5]! !== 0 && !ids.has(entry.words[5]!)) ids.set(entry.words[5]!, entry);
	return entries.map((entry) => {
		const inner = innerOf(entry, entries, ids);
		const base = specOf(entry, source.btf);
		const spec =
			inner === undefined
				? base
				: {
						...base,
						inner: {
							...specOf(inner.entry, source.btf),
							name: `${entry.name}.inner`,
							pinning: 0,
							values: [],
						},
						values: inner.slot === undefined ? [] : [{ index: inner.slot, target: inner.entry.name }],
					};
		return {
			spec,
			section: entry.sectionIndex,
			offset: entry.offset,
			id: isMapInMap(entry) && entry.stride < IPROUTE2_ENTRY ? 0 : entry.words[5]!,
		};
	});
}

function collect(source: Source): Entry[] {
	const entries: Entry[] = [];
	const names = new Set<string>();
	for (const section of source.elf.sections) {
		if (source.roles[section.index] !== "legacy-maps") continue;
		const symbols = source.symbols[section.index]!.filter(
			(one) => (one.type === STT.OBJECT || one.type === STT.NOTYPE) && one.name !== "",
		);
		if (symbols.length === 0) invalid("a maps section without symbols", { section: section.name });
		for (const [i, symbol] of symbols.entries()) {
			const where = { section: section.name, map: symbol.name };
			const end = symbols[i + 1]?.value ?? section.size;
			const stride = symbol.size === 0 ? end - symbol.value : symbol.size;
			if (stride < MIN_ENTRY || symbol.value + stride > end)
				invalid(
					`map ${symbol.name} has ${end - symbol.value} bytes for its definition, and ${stride} were declared`,
					where,
				);
			if (names.has(symbol.name)) invalid(`map ${symbol.name} is defined twice`, where);
			names.add(symbol.name);
			entries.push({
				name: symbol.name,
				section: section.name,
				sectionIndex: section.index,
				offset: symbol.value,
				words: Array.from({ length: 9 }, (_, w) =>
					w * 4 + 4 <= stride ? u32(section.data, symbol.value + w * 4) : 0,
				),
				stride,
			});
		}
	}
	return entries;
}

const isMapInMap = ({ words }: Entry) =>
	words[0] === MAP_TYPE.ARRAY_OF_MAPS || words[0] === MAP_TYPE.HASH_OF_MAPS;

function innerOf(entry: Entry, entries: readonly Entry[], ids: ReadonlyMap<number, Entry>) {
	if (!isMapInMap(entry) || entry.stride < 24) return undefined;
	const iproute2 = entry.stride >= IPROUTE2_ENTRY;
	const inner = iproute2 ? ids.get(entry.words[7]!) : entries[entry.words[5]!];
	const where = { section: entry.section, map: entry.name };
	if (inner === undefined)
		invalid(
			`map ${entry.name} has inner map ${iproute2 ? `id ${entry.words[7]}` : `number ${entry.words[5]}`}, which is none`,
			where,
		);
	if (isMapInMap(inner)) invalid(`the inner map of ${entry.name} is itself a map in maps`, where);
	const slot = iproute2 && entry.words[8]! !== 0xffff_ffff ? entry.words[8]! : undefined;
	return { entry: inner, slot };
}

function specOf({ name, section, words, stride }: Entry, btf: Btf | undefined): MapSpec {
	const [type, keySize, valueSize, maxEntries, flags, , sixth] = words as readonly [
		number,
		number,
		number,
		number,
		number,
		number,
		number,
	];
	if (type === MAP_TYPE.UNSPEC) invalid(`map ${name} has no type`, { section, map: name });
	const onNode = (flags & MAP_FLAG.NUMA_NODE) !== 0 && stride < IPROUTE2_ENTRY;
	return {
		name,
		type,
		...adjustMap({ type, keySize, valueSize, maxEntries, ...annotated(btf, name, keySize, valueSize) }),
		flags: flags >>> 0,
		mapExtra: 0n,
		...(onNode ? { numaNode: sixth } : {}),
		pinning: onNode ? 0 : sixth,
		values: [],
		origin: "legacy",
		section,
		frozen: false,
		variables: [],
	};
}

/** BPF_ANNOTATE_KV_PAIR: `struct ____btf_map_<name> { key; value; }` says the types. */
function annotated(btf: Btf | undefined, name: string, keySize: number, valueSize: number) {
	const none = { keyTypeId: 0, valueTypeId: 0 };
	const members =
		btf === undefined ? undefined : findBtfType(btf, `____btf_map_${name}`, "struct")?.type.members;
	const [key, value] = members ?? [];
	if (btf === undefined || key?.name !== "key" || value?.name !== "value") return none;
	if (sizeOf(btf, key.type) !== keySize || sizeOf(btf, value.type) !== valueSize) return none;
	return { keyTypeId: key.type, valueTypeId: value.type };
}
