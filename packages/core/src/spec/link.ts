import type { Btf } from "../btf/index.ts";
import { locate, TailhopError } from "../errors/index.ts";
import { HELPER_IDS_6_18, MAP_TYPE } from "../isa/index.ts";
import { CoreCode } from "./core-code.ts";
import { deepFreeze } from "./freeze.ts";
import { KERNEL_VERSION } from "./kernel-version.ts";
import { linkMaps } from "./link-maps.ts";
import { linkPrograms } from "./link-program.ts";
import type { ObjectSpec } from "./object.ts";
import { resolveExterns } from "./resolve-externs.ts";
import { invalid, listed } from "./source.ts";
import type { LinkedMap, LinkedObject, LinkedProgram, ResolvedTarget, SlotInit, Target } from "./types.ts";

/** The version that stands for "the running kernel" (samples/bpf, iproute2). */
const VERSION_MAGIC = 0xffff_fffe;

/**
 * Makes an object ready to be loaded: every number known, every program whole and relocated, slots checked. Pure:
 * the same spec and target give the same value. The result is deeply frozen.
 *
 * @throws TailhopError spec/invalid, spec/unsupported, link/unresolved, link/core-relo, link/target or
 * link/too-large, with `where.file`.
 */
export function link(spec: ObjectSpec, target: Target = {}): LinkedObject {
	try {
		return deepFreeze(linkObject(spec, target));
	} catch (error) {
		throw locate(error, { file: spec.file });
	}
}

function linkObject(spec: ObjectSpec, given: Target): LinkedObject {
	const target = resolveTarget(given);
	const { maps, btf } = linkMaps(spec, target);
	const externs = resolveExterns(spec, target);
	const core = new CoreCode(spec, target, given.helperIds !== undefined);
	const linked = linkPrograms(spec, target, externs, core);
	const slots = linkSlots(spec, maps, linked);
	return {
		file: spec.file,
		license: spec.license,
		kernelVersion: spec.version === 0 || spec.version === VERSION_MAGIC ? KERNEL_VERSION : spec.version,
		maps,
		programs: markEntries(linked, maps, slots),
		slots,
		...(btf === undefined ? {} : { btf: btf satisfies Btf }),
		target,
	};
}

function resolveTarget(target: Target): ResolvedTarget {
	const cpus = target.cpus ?? 1;
	if (!Number.isInteger(cpus) || cpus < 1 || cpus > 8192)
		throw new TailhopError(
			"link/target",
			`${cpus} CPUs`,
			{},
			{ hint: "cpus is a whole number from 1 to 8192." },
		);
	return { ...target, cpus, helperIds: target.helperIds ?? HELPER_IDS_6_18 };
}

/** Every slot that the object fills; sorted by map and slot, each once. */
function linkSlots(
	spec: ObjectSpec,
	maps: readonly LinkedMap[],
	programs: readonly LinkedProgram[],
): SlotInit[] {
	const mapIndex = new Map(maps.map((map, index) => [map.name, index]));
	const programNames = new Set(spec.functions.filter((one) => one.program).map((one) => one.name));
	const linked = new Set(programs.map((one) => one.name));
	const found = new Map<string, SlotInit>();
	const add = (mapName: string, slot: number, target: string, from: SlotInit["from"]) => {
		const index = mapIndex.get(mapName);
		const map = index === undefined ? undefined : maps[index]!;
		const where = { map: mapName };
		if (index === undefined || map === undefined)
			invalid(
				`slot ${slot} of map ${mapName} is to hold ${target}, and there is no such map`,
				where,
				`Maps: ${listed(mapIndex.keys())}.`,
			);
		const inMaps = map.type === MAP_TYPE.ARRAY_OF_MAPS || map.type === MAP_TYPE.HASH_OF_MAPS;
		if (map.type !== MAP_TYPE.PROG_ARRAY && !inMaps)
			invalid(
				`slot ${slot} of map ${mapName} is to hold ${target}, and the map holds neither programs nor maps`,
				where,
			);
		if (map.type !== MAP_TYPE.HASH_OF_MAPS && slot >= map.maxEntries)
			invalid(
				`slot ${slot} of map ${mapName} is to hold ${target}, and the map has ${map.maxEntries} slots`,
				where,
				"Raise the map's max_entries.",
			);
		if (inMaps ? !mapIndex.has(target) : !programNames.has(target))
			invalid(
				`slot ${slot} of map ${mapName} is to hold ${target}, which is no ${inMaps ? "map" : "program"} of the object`,
				where,
				`${inMaps ? "Maps" : "Programs"}: ${listed(inMaps ? mapIndex.keys() : programNames)}.`,
			);
		const key = `${index} ${slot}`;
		const known = found.get(key);
		if (known !== undefined && known.target !== target)
			invalid(
				`slot ${slot} of map ${mapName} is to hold both ${known.target} (${known.from}) and ${target} (${from})`,
				where,
			);
		if (known === undefined && (inMaps || linked.has(target)))
			found.set(key, { map: index, slot, target, from });
	};
	for (const map of spec.maps)
		for (const { index, target } of map.values) add(map.name, index, target, "values");
	for (const { map, slot, target, from } of spec.slots) add(map, slot, target, from);
	return [...found.values()].sort((a, b) => a.map - b.map || a.slot - b.slot);
}

/** Programs that slots hold or that other programs call are no entry points, unless nothing else is left. */
function markEntries(
	programs: readonly LinkedProgram[],
	maps: readonly LinkedMap[],
	slots: readonly SlotInit[],
): readonly LinkedProgram[] {
	const targets = new Set<string>();
	for (const { map, target } of slots) if (maps[map]!.type === MAP_TYPE.PROG_ARRAY) targets.add(target);
	for (const program of programs)
		for (const one of program.functions.slice(1)) if (one.name !== program.name) targets.add(one.name);
	if (programs.every((one) => targets.has(one.name))) return programs;
	return programs.map((one) => (targets.has(one.name) ? { ...one, entry: false } : one));
}
