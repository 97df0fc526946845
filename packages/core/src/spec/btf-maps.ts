import {
	BTF_VAR,
	type Btf,
	type BtfMember,
	type BtfOf,
	type BtfType,
	findBtfType,
	isBtfKind,
	resolveType,
	sizeOf,
	typeById,
} from "../btf/index.ts";
import { STB, STT } from "../elf/index.ts";
import type { Where } from "../errors/index.ts";
import { MAP_TYPE } from "../isa/index.ts";
import { adjustMap } from "./map-adjust.ts";
import { invalid, type Source, unsupported } from "./source.ts";
import type { MapSpec } from "./types.ts";

/** A map and where its definition stands in its section. */
export interface PlacedMap {
	readonly spec: MapSpec;
	readonly section: number;
	readonly offset: number;
}

interface Definition {
	readonly spec: MapSpec;
	/** Offset of the `values` member, if there is one. */
	readonly values?: number;
}

/**
 * Maps of `.maps` (libbpf: bpf_object__init_user_btf_maps): each variable's type is a struct whose members' types
 * spell the attributes: `__uint(name, n)` is a pointer to an array of n, `__type(name, t)` a pointer to t,
 * `__array(values, t)` an array of pointers to t.
 */
export function btfMaps(source: Source): PlacedMap[] {
	const { elf, btf, roles } = source;
	const maps: PlacedMap[] = [];
	for (const section of elf.sections) {
		if (roles[section.index] !== "btf-maps") continue;
		if (btf === undefined)
			invalid(
				"the maps of .maps are described by BTF, and the object has none",
				{ section: ".maps" },
				"Compile with -g.",
			);
		const datasec = findBtfType(btf, section.name, "datasec");
		if (datasec === undefined)
			invalid(`BTF has no DATASEC for ${section.name}`, { section: section.name }, "Compile with -g.");
		const symbols = new Map(
			source.symbols[section.index]!.filter((one) => one.type !== STT.SECTION && one.name !== "").map(
				(one) => [one.name, one],
			),
		);
		const seen = new Set<string>();
		for (const { type } of datasec.type.vars) {
			const variable = typeById(btf, type);
			if (variable.kind !== "var") invalid(`DATASEC .maps holds a ${variable.kind}`, { section: ".maps" });
			const { name } = variable;
			const where: Where = { section: ".maps", map: name };
			const symbol = symbols.get(name);
			if (name === "" || symbol === undefined) invalid(`map ${name} of BTF has no symbol in .maps`, where);
			if (variable.linkage !== BTF_VAR.GLOBAL || symbol.bind === STB.LOCAL)
				invalid(`map ${name} is static`, where, "Remove `static` from the map's definition.");
			if (seen.has(name)) invalid(`map ${name} is defined twice`, where);
			seen.add(name);
			const struct = resolveType(btf, variable.type);
			if (!isBtfKind(struct, "struct"))
				invalid(`map ${name} is defined by a ${struct.kind}, not a struct`, where);
			if (symbol.value + Math.max(symbol.size, struct.size) > section.size)
				invalid(`map ${name} reaches past the end of .maps`, where);
			const { spec, values } = definition(btf, struct, name, where, false);
			const filled = {
				...spec,
				values: fillValues(source, section.index, symbol.value, symbol.size, values, spec, where),
			};
			maps.push({ spec: filled, section: section.index, offset: symbol.value });
		}
		checkStray(source, section.index, maps);
	}
	return maps;
}

/** Every relocation of `.maps` stands in the `values` of some map. */
function checkStray(source: Source, section: number, maps: readonly PlacedMap[]): void {
	let used = 0;
	for (const one of maps) if (one.section === section) used += one.spec.values.length;
	const all = source.relocations[section]!.length;
	if (used !== all)
		invalid(`${all - used} of ${all} relocations of .maps fill no slot of any map`, { section: ".maps" });
}

function definition(
	btf: Btf,
	struct: BtfOf<"struct">,
	name: string,
	where: Where,
	inner: boolean,
): Definition {
	let type = 0;
	let keySize: number | undefined;
	let valueSize: number | undefined;
	let maxEntries = 0;
	let flags = 0;
	let numaNode: number | undefined;
	let pinning = 0;
	let mapExtra = 0n;
	let keyTypeId = 0;
	let valueTypeId = 0;
	let values: BtfMember | undefined;
	const agree = (what: string, known: number | undefined, size: number) => {
		if (known !== undefined && known !== size)
			invalid(`map ${name} has two ${what} sizes: ${known} and ${size}`, where);
		return size;
	};
	for (const member of struct.members) {
		const uint = () => uintOf(btf, member, name, where);
		switch (member.name) {
			case "type":
				type = uint();
				break;
			case "max_entries":
				maxEntries = uint();
				break;
			case "map_flags":
				flags = uint();
				break;
			case "numa_node":
				numaNode = uint();
				break;
			case "map_extra":
				mapExtra = ulongOf(btf, member, name, where);
				break;
			case "key_size":
				keySize = agree("key", keySize, uint());
				break;
			case "value_size":
				valueSize = agree("value", valueSize, uint());
				break;
			case "key":
				keyTypeId = pointee(btf, member, name, where);
				keySize = agree("key", keySize, sizeOrFail(btf, keyTypeId, "key", name, where));
				break;
			case "value":
				valueTypeId = pointee(btf, member, name, where);
				valueSize = agree("value", valueSize, sizeOrFail(btf, valueTypeId, "value", name, where));
				break;
			case "pinning":
				if (inner) invalid(`inner map ${name} cannot be pinned`, where);
				pinning = uint();
				break;
			case "values":
				values = member;
				break;
			default:
				unsupported(
					`map ${name} has the unknown attribute ${JSON.stringify(member.name)}`,
					where,
					"Attributes are type, key, key_size, value, value_size, values, max_entries, map_flags, map_extra, numa_node and pinning.",
				);
		}
	}
	if (type === MAP_TYPE.UNSPEC)
		invalid(`map ${name} has no type`, where, "Add __uint(type, BPF_MAP_TYPE_…).");
	let template: MapSpec | undefined;
	if (values !== undefined) {
		if (inner)
			unsupported(
				`map ${name} nests maps deeper than maps in maps`,
				where,
				"The kernel has one level of inner maps.",
			);
		if (values !== struct.members.at(-1)) invalid(`values of map ${name} is not the last member`, where);
		agree("value", valueSize, 4);
		valueSize = 4;
		const target = arrayOfPointers(btf, values, name, where);
		if (type === MAP_TYPE.ARRAY_OF_MAPS || type === MAP_TYPE.HASH_OF_MAPS) {
			if (!isBtfKind(target, "struct")) invalid(`values of map ${name} are no map definitions`, where);
			template = definition(btf, target, `${name}.inner`, where, true).spec;
		} else if (type === MAP_TYPE.PROG_ARRAY) {
			if (target.kind !== "func_proto")
				invalid(
					`values of map ${name} are no functions`,
					where,
					"Declare them as __array(values, int (void *)): bpf_helpers.h of libbpf has the macro.",
				);
		} else invalid(`map ${name} has values, but is neither a prog array nor a map in maps`, where);
	}
	const numbers = {
		type,
		keySize: keySize ?? 0,
		valueSize: valueSize ?? 0,
		maxEntries,
		keyTypeId,
		valueTypeId,
	};
	return {
		spec: {
			name,
			type,
			...adjustMap(numbers),
			flags,
			mapExtra,
			...(numaNode === undefined ? {} : { numaNode }),
			pinning,
			...(template === undefined ? {} : { inner: template }),
			values: [],
			origin: "btf",
			section: ".maps",
			frozen: false,
			variables: [],
		},
		...(values === undefined ? {} : { values: values.bitOffset / 8 }),
	};
}

/** What the relocations in a map's `values` put into its slots (libbpf: bpf_object__collect_map_relos). */
function fillValues(
	source: Source,
	section: number,
	start: number,
	size: number,
	values: number | undefined,
	spec: MapSpec,
	where: Where,
): MapSpec["values"] {
	const filled: { index: number; target: string }[] = [];
	const wanted = spec.type === MAP_TYPE.PROG_ARRAY ? "code" : "btf-maps";
	for (const relocation of within(source.relocations[section]!, start, start + size)) {
		const at = relocation.offset - start - (values ?? 0);
		if (values === undefined || at < 0 || at % 8 !== 0)
			invalid(
				`map ${spec.name} has a relocation at byte ${relocation.offset - start}, outside its values`,
				where,
			);
		const symbol = source.elf.symbols[relocation.symbol]!;
		const index = at / 8;
		if (filled.at(-1)?.index === index) invalid(`two values for slot ${index} of map ${spec.name}`, where);
		if (source.roles[symbol.section] !== wanted || symbol.name === "")
			invalid(
				`slot ${index} of map ${spec.name} refers to ${symbol.name || "a section"}, which is no ${wanted === "code" ? "program" : "map"}`,
				where,
			);
		filled.push({ index, target: symbol.name });
	}
	return filled;
}

/** The items of a list sorted by offset that lie in [start, end). */
function within<T extends { readonly offset: number }>(
	sorted: readonly T[],
	start: number,
	end: number,
): readonly T[] {
	let low = 0;
	let high = sorted.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (sorted[middle]!.offset < start) low = middle + 1;
		else high = middle;
	}
	let stop = low;
	while (stop < sorted.length && sorted[stop]!.offset < end) stop++;
	return sorted.slice(low, stop);
}

function uintOf(btf: Btf, member: BtfMember, map: string, where: Where): number {
	const pointer = resolveType(btf, member.type);
	const array = pointer.kind === "ptr" ? typeById(btf, pointer.type) : pointer;
	if (pointer.kind !== "ptr" || array.kind !== "array")
		invalid(`${member.name} of map ${map} is not written with __uint`, where);
	return array.count;
}

/** `__ulong`: an enum of one value. */
function ulongOf(btf: Btf, member: BtfMember, map: string, where: Where): bigint {
	const type = resolveType(btf, member.type);
	if (type.kind === "ptr") return BigInt(uintOf(btf, member, map, where));
	if ((type.kind !== "enum" && type.kind !== "enum64") || type.values.length !== 1)
		invalid(`${member.name} of map ${map} is written neither with __uint nor with __ulong`, where);
	return BigInt.asUintN(64, BigInt(type.values[0]!.value));
}

function pointee(btf: Btf, member: BtfMember, map: string, where: Where): number {
	const pointer = typeById(btf, member.type);
	if (!isBtfKind(pointer, "ptr")) invalid(`${member.name} of map ${map} is not written with __type`, where);
	return pointer.type;
}

function sizeOrFail(btf: Btf, type: number, what: string, map: string, where: Where): number {
	return sizeOf(btf, type) ?? invalid(`the ${what} of map ${map} has a type without size`, where);
}

function arrayOfPointers(btf: Btf, member: BtfMember, map: string, where: Where): BtfType {
	const array = typeById(btf, member.type);
	const pointer = array.kind === "array" ? resolveType(btf, array.type) : array;
	if (array.kind !== "array" || pointer.kind !== "ptr")
		invalid(`values of map ${map} are not written with __array`, where);
	return resolveType(btf, pointer.type);
}
