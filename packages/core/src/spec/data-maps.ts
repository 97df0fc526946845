import { BTF_VAR, type BtfOf, findBtfType, sizeOf, typeById } from "../btf/index.ts";
import { type ElfSection, STT } from "../elf/index.ts";
import { MAP_FLAG, MAP_TYPE } from "../isa/index.ts";
import type { PlacedMap } from "./btf-maps.ts";
import { linkedMap } from "./linked-map.ts";
import { invalid, type Source } from "./source.ts";
import type { MapSpec } from "./types.ts";

/**
 * Global variables: each data section is an array map of one value (libbpf: bpf_object__init_internal_map). Sections
 * that nothing refers to and that have no symbols (`.rodata.str1.1`, whose strings were copied to the stack) are
 * left out, as cilium/ebpf does. `btf` is the fixed-up one.
 */
export function dataMaps(source: Source, referenced: ReadonlySet<number>): PlacedMap[] {
	const maps: PlacedMap[] = [];
	for (const section of source.elf.sections) {
		const role = source.roles[section.index];
		if (role !== "data" && role !== "rodata" && role !== "bss") continue;
		const variables = variablesOf(source, section);
		if (variables.length === 0 && !referenced.has(section.index)) continue;
		if (section.size > 0xffff_ffff) invalid("a data section of more than 4 GiB", { section: section.name });
		const datasec = source.btf === undefined ? undefined : findBtfType(source.btf, section.name, "datasec");
		const frozen = role === "rodata";
		const shared = datasec !== undefined && isShared(source, datasec.type);
		maps.push({
			section: section.index,
			offset: 0,
			spec: {
				...dataMap(section.name, section.size, variables),
				flags: (frozen ? MAP_FLAG.RDONLY_PROG : 0) | (shared ? MAP_FLAG.MMAPABLE : 0),
				valueTypeId: datasec?.id ?? 0,
				frozen,
				...(role === "bss" ? {} : { initial: section.data }),
			},
		});
	}
	return maps;
}

/** The map of one data section; zero until something is put in. */
export function dataMap(name: string, size: number, variables: MapSpec["variables"]): MapSpec {
	return linkedMap({
		name,
		type: MAP_TYPE.ARRAY,
		keySize: 4,
		valueSize: size,
		maxEntries: 1,
		origin: "data",
		section: name,
		variables,
	});
}

/** libbpf maps a section into user space if a variable of it is to be seen there (map_is_mmapable). */
function isShared({ btf }: Source, datasec: BtfOf<"datasec">): boolean {
	return datasec.vars.some(({ type }) => {
		const variable = typeById(btf!, type);
		return variable.kind === "var" && variable.linkage !== BTF_VAR.STATIC;
	});
}

/** Variables by BTF where the section has it, else by symbols; sorted by offset. */
function variablesOf(source: Source, section: ElfSection): MapSpec["variables"][number][] {
	const { btf } = source;
	const found = new Map<string, MapSpec["variables"][number]>();
	for (const symbol of source.symbols[section.index]!) {
		if (symbol.type !== STT.OBJECT || symbol.name === "" || symbol.name.startsWith(".")) continue;
		if (symbol.value + symbol.size > section.size)
			invalid(`variable ${symbol.name} reaches past the end of ${section.name}`, { section: section.name });
		if (!found.has(symbol.name))
			found.set(symbol.name, { name: symbol.name, offset: symbol.value, size: symbol.size, typeId: 0 });
	}
	const datasec = btf === undefined ? undefined : findBtfType(btf, section.name, "datasec")?.type;
	for (const { type, offset, size } of datasec?.vars ?? []) {
		const variable = typeById(btf!, type);
		if (variable.kind !== "var")
			invalid(`DATASEC ${section.name} holds a ${variable.kind}`, { section: section.name });
		const symbol = found.get(variable.name);
		const at = symbol?.offset ?? offset;
		const bytes = size || (sizeOf(btf!, variable.type) ?? 0);
		if (at + bytes > section.size)
			invalid(`variable ${variable.name} reaches past the end of ${section.name}`, { section: section.name });
		found.set(variable.name, { name: variable.name, offset: at, size: bytes, typeId: variable.type });
	}
	return [...found.values()].sort((a, b) => a.offset - b.offset);
}

/** `.struct_ops`: each variable is a map of that type, holding the variable (libbpf: init_struct_ops_maps). */
export function structOpsMaps(source: Source): PlacedMap[] {
	const maps: PlacedMap[] = [];
	for (const section of source.elf.sections) {
		if (source.roles[section.index] !== "struct-ops") continue;
		for (const variable of variablesOf(source, section)) {
			maps.push({
				section: section.index,
				offset: variable.offset,
				spec: {
					...dataMap(variable.name, variable.size, []),
					type: MAP_TYPE.STRUCT_OPS,
					valueTypeId: variable.typeId,
					section: section.name,
					initial: section.data.subarray(variable.offset, variable.offset + variable.size),
				},
			});
		}
	}
	return maps;
}
