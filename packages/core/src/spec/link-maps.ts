import { type Btf, isBtfKind, resolveType } from "../btf/index.ts";
import { TailhopError } from "../errors/index.ts";
import type { ObjectSpec } from "./object.ts";
import { kconfigValues } from "./resolve-externs.ts";
import { listed } from "./source.ts";
import type { LinkedMap, MapSpec, ResolvedTarget } from "./types.ts";

/** Cilium's data of which every CPU has its copy, and the variables by which programs find theirs. */
const AUX = {
	SECTION: ".data.aux",
	VARIABLES: ".rodata.aux",
	STRIDE: "_aux_stride",
	MAX_OFFSET: "_aux_max_off",
};
const CACHE_LINE = 64;
/** Zeros that are only written out because the target sets a variable among them. */
const MAX_WRITTEN_OUT = 1 << 26;

const bad = (message: string, where: { map?: string }, hint: string): never => {
	throw new TailhopError("link/target", message, where, { hint });
};

/** The maps with every number known, and the BTF that fits them. */
export function linkMaps(
	spec: ObjectSpec,
	target: ResolvedTarget,
): { maps: LinkedMap[]; btf: Btf | undefined } {
	checkNames(spec, target);
	const aux = spec.maps.find((one) => one.name === AUX.SECTION && one.origin === "data");
	const stride = aux === undefined ? 0 : Math.ceil(aux.valueSize / CACHE_LINE) * CACHE_LINE;
	const maps = spec.maps.map((map) => {
		const linked = { ...linkMap(map, target), ...contentsOf(spec, map, target) };
		if (aux === undefined) return linked;
		if (map === aux) return perCpu(linked, stride, target.cpus);
		return map.name === AUX.VARIABLES ? auxVariables(linked, stride, target) : linked;
	});
	const { btf } = spec;
	if (btf === undefined || aux === undefined || aux.valueTypeId === 0) return { maps, btf };
	// the kernel wants the value's type to be as large as the value
	const types = btf.types.slice();
	const datasec = types[aux.valueTypeId]!;
	if (isBtfKind(datasec, "datasec")) types[aux.valueTypeId] = { ...datasec, size: stride * target.cpus };
	return { maps, btf: { types } };
}

/**
 * Where a data section's variables lie in its value: at 0, and in `.data.aux` again for every CPU, these many bytes
 * apart. Offsets to add to a variable's own.
 */
export function variableCopies({ name, origin, valueSize }: LinkedMap, cpus: number): readonly number[] {
	if (name !== AUX.SECTION || origin !== "data") return [0];
	return Array.from({ length: cpus }, (_, cpu) => (valueSize / cpus) * cpu);
}

function checkNames(spec: ObjectSpec, target: ResolvedTarget): void {
	const maps = new Set(spec.maps.map((one) => one.name));
	for (const [name, count] of Object.entries(target.maxEntries ?? {})) {
		if (!maps.has(name))
			bad(`max entries for map ${name}, which the object lacks`, { map: name }, `Maps: ${listed(maps)}.`);
		if (!Number.isInteger(count) || count < 0 || count > 0xffff_ffff)
			bad(
				`map ${name} cannot have ${count} entries`,
				{ map: name },
				"It is a whole number that fits in 32 bits.",
			);
	}
	const variables = new Set(spec.maps.flatMap((one) => one.variables.map(({ name }) => name)));
	for (const name of Object.keys(target.rodata ?? {}))
		if (!variables.has(name))
			bad(
				`a value for ${name}, which is no global variable of the object`,
				{},
				`Variables: ${listed(variables)}.`,
			);
}

function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
	return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

function linkMap({ inner, ...map }: MapSpec, target: ResolvedTarget): LinkedMap {
	const declared = map.maxEntries === "cpus" ? target.cpus : map.maxEntries;
	return {
		...map,
		maxEntries: own(target.maxEntries, map.name) ?? declared,
		...(inner === undefined ? {} : { inner: linkMap(inner, target) }),
	};
}

/** The initial value with what the target says of kconfig and of variables. */
function contentsOf(spec: ObjectSpec, map: MapSpec, target: ResolvedTarget): { initial?: Uint8Array } {
	if (map.origin !== "data") return {};
	if (map.name === ".kconfig" && spec.btf !== undefined)
		return { initial: kconfigValues(spec, spec.btf, map, target) };
	const set = map.variables.filter(({ name }) => own(target.rodata, name) !== undefined);
	if (set.length === 0) return map.initial === undefined ? {} : { initial: map.initial };
	if (map.initial === undefined && map.valueSize > MAX_WRITTEN_OUT)
		bad(
			`${set[0]!.name} lies in ${map.valueSize} bytes of ${map.section}: too much to write out`,
			{ map: map.name },
			"Set it once the object is loaded.",
		);
	const initial = map.initial?.slice() ?? new Uint8Array(map.valueSize);
	for (const variable of set) write(initial, variable, own(target.rodata, variable.name)!, spec.btf);
	return { initial };
}

function write(
	bytes: Uint8Array,
	{ name, offset, size, typeId }: MapSpec["variables"][number],
	value: number | bigint | boolean | Uint8Array,
	btf: Btf | undefined,
): void {
	if (value instanceof Uint8Array) {
		if (value.length !== size)
			bad(
				`${value.length} bytes for ${name}, which has ${size}`,
				{},
				"Give as many bytes as the variable has.",
			);
		bytes.set(value, offset);
		return;
	}
	const type = btf === undefined || typeId === 0 ? undefined : resolveType(btf, typeId);
	const scalar = type === undefined || ["int", "enum", "enum64", "ptr", "float"].includes(type.kind);
	if (!scalar || size > 8)
		bad(`${name} is no number: it is a ${type?.kind ?? `value of ${size} bytes`}`, {}, "Give its bytes.");
	if (typeof value === "number" && !Number.isInteger(value))
		bad(`${value} for ${name}`, {}, "Give a whole number.");
	const number = BigInt(value);
	const bits = BigInt(size * 8);
	if (number >= 1n << bits || number < -(1n << (bits - 1n)))
		bad(`${number} does not fit in the ${size} bytes of ${name}`, {}, "Give a smaller number.");
	for (let i = 0; i < size; i++) bytes[offset + i] = Number((number >> BigInt(8 * i)) & 0xffn);
}

/** One copy of the section for every CPU, a cache line apart at least. */
function perCpu(map: LinkedMap, stride: number, cpus: number): LinkedMap {
	const { initial, ...rest } = map;
	const valueSize = stride * cpus;
	if (valueSize > 0xffff_ffff)
		bad(
			`${map.valueSize} bytes of ${map.section} for each of ${cpus} CPUs`,
			{ map: map.name },
			"Use fewer CPUs.",
		);
	if (initial?.some((byte) => byte !== 0)) {
		if (valueSize > MAX_WRITTEN_OUT)
			bad(`${valueSize} bytes of ${map.section}`, { map: map.name }, "Use fewer CPUs.");
		const all = new Uint8Array(valueSize);
		for (let cpu = 0; cpu < cpus; cpu++) all.set(initial, cpu * stride);
		return { ...rest, valueSize, initial: all };
	}
	return { ...rest, valueSize };
}

/** The loader's part of the bargain: how far apart the copies are, and where the last one is. */
function auxVariables(map: LinkedMap, stride: number, { cpus, rodata }: ResolvedTarget): LinkedMap {
	const initial = map.initial?.slice() ?? new Uint8Array(map.valueSize);
	const values: readonly [string, number][] = [
		[AUX.STRIDE, stride],
		[AUX.MAX_OFFSET, stride * (cpus - 1)],
	];
	for (const [name, value] of values) {
		const variable = map.variables.find((one) => one.name === name);
		if (variable === undefined || own(rodata, name) !== undefined) continue;
		for (let i = 0; i < variable.size; i++)
			initial[variable.offset + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
	}
	return { ...map, initial };
}
