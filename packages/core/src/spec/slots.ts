import type { Btf } from "../btf/index.ts";
import { MAP_TYPE } from "../isa/index.ts";
import type { LegacyMap } from "./legacy-maps.ts";
import type { FunctionSpec, SlotSpec } from "./object.ts";
import { invalid } from "./source.ts";

/** "7", "0x1010" */
const NUMBER = /^(0[xX][0-9a-fA-F]+|[0-9]+)$/;

function slotNumber(text: string): number | undefined {
	if (!NUMBER.test(text)) return undefined;
	const slot = Number(text);
	return slot <= 0xffff_ffff ? slot : undefined;
}

const TAG = "tail:";

/**
 * Declaration tags `tail:<map>/<slot>` on functions (Cilium's convention): the program goes to that slot. A map's
 * name may contain slashes; a slot doesn't.
 */
export function tagSlots(btf: Btf | undefined, functions: readonly FunctionSpec[]): SlotSpec[] {
	if (btf === undefined) return [];
	const byType = new Map<number, FunctionSpec>();
	for (const one of functions) if (one.typeId !== 0 && !byType.has(one.typeId)) byType.set(one.typeId, one);
	const slots: SlotSpec[] = [];
	for (const tag of btf.types) {
		if (tag.kind !== "decl_tag" || tag.component !== -1 || !tag.name.startsWith(TAG)) continue;
		if (btf.types[tag.type]?.kind !== "func") continue;
		const target = byType.get(tag.type);
		const slash = tag.name.lastIndexOf("/");
		const map = tag.name.slice(TAG.length, slash);
		const slot = slotNumber(tag.name.slice(slash + 1));
		if (slash < TAG.length || map === "" || slot === undefined)
			invalid(
				`the declaration tag ${JSON.stringify(tag.name)} names no slot`,
				target === undefined ? {} : { program: target.name },
				"It is written tail:<map>/<slot>.",
			);
		if (target === undefined || !target.program)
			invalid(`the declaration tag ${JSON.stringify(tag.name)} is on a function that is no program`, { map });
		slots.push({ map, slot, target: target.name, from: "decl_tag" });
	}
	return slots;
}

/** Sections by which samples/bpf's loader filled the prog array of the object. */
const SAMPLES = /^(?:socket|sockops|sk_skb|sk_msg|kprobe|kretprobe)\/([0-9]+)$/;

/**
 * Slots that section names of old objects give: iproute2's `<map id>/<slot>`, where the id stands in the legacy map
 * definition, and samples/bpf's `socket/<slot>`, which means the last prog array of the object.
 */
export function sectionSlots(
	maps: readonly LegacyMap[],
	sections: readonly string[],
	functions: readonly FunctionSpec[],
): SlotSpec[] {
	const progArrays = maps.filter(({ spec }) => spec.type === MAP_TYPE.PROG_ARRAY);
	const last = progArrays.at(-1);
	if (last === undefined) return [];
	const byId = new Map<number, LegacyMap>();
	for (const one of progArrays) if (one.id !== 0 && !byId.has(one.id)) byId.set(one.id, one);
	const slots: SlotSpec[] = [];
	for (const { section, program, name } of functions) {
		if (!program) continue;
		const parts = sections[section]!.split("/");
		const [first, second] = parts.length === 2 ? parts.map(slotNumber) : [];
		const sample = SAMPLES.exec(sections[section]!)?.[1];
		const map = first === undefined ? (sample === undefined ? undefined : last) : byId.get(first);
		const slot = sample === undefined ? second : slotNumber(sample);
		if (map === undefined || slot === undefined) continue;
		slots.push({ map: map.spec.name, slot, target: name, from: "section" });
	}
	return slots;
}
