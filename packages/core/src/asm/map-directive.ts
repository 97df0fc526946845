import { TailhopError } from "../errors/index.ts";
import { MAP_FLAG, MAP_TYPE } from "../isa/index.ts";
import type { AssemblyMap } from "./assembly-file.ts";
import type { Tokens } from "./tokens.ts";
import { int, readType, type ValueType } from "./value-types.ts";

/** Map types whose keys are u32 indexes unless something else is said. */
const ARRAYS: readonly number[] = [MAP_TYPE.ARRAY, MAP_TYPE.PERCPU_ARRAY];

/** Arrays of things that user space knows as descriptors: the kernel takes no BTF of their keys and values. */
const HANDLES: readonly number[] = [
	MAP_TYPE.PROG_ARRAY,
	MAP_TYPE.PERF_EVENT_ARRAY,
	MAP_TYPE.CGROUP_ARRAY,
	MAP_TYPE.ARRAY_OF_MAPS,
];

const HOLDS_MAPS: readonly number[] = [MAP_TYPE.ARRAY_OF_MAPS, MAP_TYPE.HASH_OF_MAPS];

/** Types that may leave max_entries out: as many as there are CPUs, or none at all. */
const UNCOUNTED: readonly number[] = [
	MAP_TYPE.PERF_EVENT_ARRAY,
	MAP_TYPE.SK_STORAGE,
	MAP_TYPE.INODE_STORAGE,
	MAP_TYPE.TASK_STORAGE,
	MAP_TYPE.CGRP_STORAGE,
];

type Draft = { -readonly [K in keyof AssemblyMap]?: AssemblyMap[K] };

/** What each `name=` of `.map` reads. */
const ATTRIBUTES: Readonly<
	Record<string, (map: Draft, tokens: Tokens, structs: ReadonlyMap<string, ValueType>) => void>
> = {
	type(map, tokens) {
		map.type = named(tokens, MAP_TYPE, "a map type");
	},
	max_entries(map, tokens) {
		map.maxEntries = tokens.u32("a number of entries");
	},
	key(map, tokens, structs) {
		map.key = readType(tokens, structs);
	},
	value(map, tokens, structs) {
		map.value = readType(tokens, structs);
	},
	key_size(map, tokens) {
		map.keySize = tokens.u32("a size in bytes");
	},
	value_size(map, tokens) {
		map.valueSize = tokens.u32("a size in bytes");
	},
	flags(map, tokens) {
		let flags = 0;
		do flags |= named(tokens, MAP_FLAG, "a map flag");
		while (tokens.take("|"));
		map.flags = flags >>> 0;
	},
	pinning(map, tokens) {
		map.pinning = named(tokens, { NONE: 0, BY_NAME: 1 }, "a way of pinning");
	},
	map_extra(map, tokens) {
		map.mapExtra = tokens.u32("map_extra");
	},
	numa_node(map, tokens) {
		map.numaNode = tokens.u32("a NUMA node");
	},
	inner(map, tokens) {
		map.inner = tokens.name("a map");
	},
	values(map, tokens) {
		const values: { index: number; target: string }[] = [];
		do {
			const start = tokens.peek();
			const index = tokens.u32("a slot");
			if (values.some((value) => value.index === index))
				throw new TailhopError("asm/symbol", `two values for slot ${index}`, tokens.where(start));
			tokens.expect(":");
			values.push({ index, target: tokens.name("a program or map") });
		} while (tokens.take(","));
		map.values = values.sort((a, b) => a.index - b.index);
	},
};

/** A number, or a name of a table in lower or upper case. */
function named(tokens: Tokens, table: Readonly<Record<string, number>>, what: string): number {
	if (tokens.peek()?.kind === "number") return tokens.u32(what);
	const token = tokens.peek();
	const name = tokens.name(what).toUpperCase();
	const value = Object.hasOwn(table, name) ? table[name] : undefined;
	if (value === undefined)
		throw new TailhopError(
			"asm/symbol",
			`unknown ${what.replace(/^an? /, "")} ${token!.text}`,
			tokens.where(token),
			{
				hint: `known: ${Object.keys(table).join(", ").toLowerCase()}`,
			},
		);
	return value;
}

/** `.map NAME type=hash key=u32 value=u64 max_entries=16 …`, from the name on. */
export function readMap(tokens: Tokens, structs: ReadonlyMap<string, ValueType>): AssemblyMap {
	const start = tokens.peek();
	const name = tokens.name("a map's name");
	const where = tokens.where(start);
	const draft: Draft = {};
	const seen = new Set<string>();
	while (!tokens.done) {
		const token = tokens.peek();
		const attribute = tokens.name("an attribute like max_entries=8");
		const read = Object.hasOwn(ATTRIBUTES, attribute) ? ATTRIBUTES[attribute] : undefined;
		if (read === undefined)
			throw new TailhopError("asm/syntax", `a map has no attribute ${attribute}`, tokens.where(token), {
				hint: `attributes: ${Object.keys(ATTRIBUTES).join(", ")}`,
			});
		if (seen.has(attribute))
			throw new TailhopError("asm/syntax", `${attribute} is given twice`, tokens.where(token));
		seen.add(attribute);
		tokens.expect("=");
		read(draft, tokens, structs);
	}
	const { type } = draft;
	if (type === undefined)
		throw new TailhopError("asm/syntax", `map ${name} has no type`, where, {
			hint: "type=hash, type=array, …",
		});
	if (draft.maxEntries === undefined && !UNCOUNTED.includes(type))
		throw new TailhopError("asm/syntax", `map ${name} has no max_entries`, where, {
			hint: "add max_entries=N",
		});
	if ((draft.inner !== undefined) !== HOLDS_MAPS.includes(type))
		throw new TailhopError(
			"asm/syntax",
			draft.inner === undefined
				? `map ${name} holds maps, but not said of which kind`
				: `map ${name} holds no maps`,
			where,
			{
				hint: "inner=NAME names a map whose definition the inner maps share; only array_of_maps and hash_of_maps have it",
			},
		);
	if (draft.values !== undefined && type !== MAP_TYPE.PROG_ARRAY && !HOLDS_MAPS.includes(type))
		throw new TailhopError("asm/syntax", `values of map ${name} cannot be set here`, where, {
			hint: "only prog_array, array_of_maps and hash_of_maps have values=",
		});
	if (draft.values?.some(({ index }) => index >= (draft.maxEntries ?? 0)))
		throw new TailhopError("asm/range", `map ${name} has values past its ${draft.maxEntries} entries`, where);
	return {
		name,
		type,
		maxEntries: draft.maxEntries ?? 0,
		...(ARRAYS.includes(type) && draft.keySize === undefined ? { key: int("u32") } : {}),
		...(HANDLES.includes(type) && draft.key === undefined ? { keySize: 4 } : {}),
		...((HANDLES.includes(type) || HOLDS_MAPS.includes(type)) && draft.value === undefined
			? { valueSize: 4 }
			: {}),
		flags: 0,
		pinning: 0,
		mapExtra: 0,
		values: [],
		...draft,
	};
}
