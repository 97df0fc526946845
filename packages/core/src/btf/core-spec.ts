/** Access strings of CO-RE records: understood in the object's types, found again in the target's. */
import { TailhopError } from "../errors/index.ts";
import {
	essentialName,
	fieldsCompatible,
	isComposite,
	isEnum,
	sameKind,
	type TypePair,
	typesCompatible,
	typesMatch,
} from "./core-compat.ts";
import { CORE, CORE_KINDS, type CoreAccessor, type CoreSpec, type CoreSubject } from "./core-types.ts";
import type { CoreRelo } from "./ext.ts";
import { btfName, sizeOf, skipModifiers, typeById } from "./query.ts";
import type { Btf, BtfOf, BtfType } from "./types.ts";

/** Longest access path, as in libbpf (BPF_CORE_SPEC_MAX_LEN). */
const MAX_ACCESSORS = 64;

/** The record contradicts the object's own types. */
function invalidRecord(relo: CoreRelo, why: string): never {
	throw new TailhopError(
		"btf/invalid",
		`CO-RE record at byte ${relo.offset}: ${why}`,
		{ section: ".BTF.ext" },
		{ hint: "Compile the object again with clang -g.", detail: { typeId: relo.typeId, access: relo.access } },
	);
}

/** The record is sound, the target's types are not ones that libbpf goes through. */
function refuseTarget(relo: CoreRelo, why: string): never {
	throw new TailhopError(
		"link/core-relo",
		`CO-RE record at byte ${relo.offset}: in the target, ${why}`,
		{ section: ".BTF.ext" },
		{ hint: "Use the BTF of the kernel that the program is for.", detail: { access: relo.access } },
	);
}

export function subjectOf(relo: CoreRelo): CoreSubject {
	return CORE_KINDS[relo.kind]?.subject ?? invalidRecord(relo, `unknown kind ${relo.kind}`);
}

function sizeOrThrow(btf: Btf, id: number, relo: CoreRelo): number {
	return sizeOf(btf, id) ?? invalidRecord(relo, `type ${id} has no size`);
}

/** The record's access in the object's own types (bpf_core_parse_spec). */
export function parseCoreSpec(btf: Btf, relo: CoreRelo): CoreSpec {
	const subject = subjectOf(relo);
	if (relo.typeId === 0 || relo.typeId >= btf.types.length)
		invalidRecord(relo, `type ${relo.typeId} does not exist`);
	if (!/^\d{1,10}(:\d{1,10})*$/.test(relo.access)) invalidRecord(relo, `access string "${relo.access}"`);
	const path = relo.access.split(":").map(Number);
	if (path.length > MAX_ACCESSORS) invalidRecord(relo, `an access path of ${path.length} steps`);
	const rootId = relo.typeId;
	if (subject === "type") {
		if (relo.access !== "0") invalidRecord(relo, `access string "${relo.access}" for a type`);
		return { btf, rootId, accessors: [], bitOffset: 0 };
	}
	const [first, ...rest] = path as [number, ...number[]];
	let id = skipModifiers(btf, rootId);
	const root = typeById(btf, id);
	if (subject === "enumval") {
		const value = isEnum(root) && rest.length === 0 ? root.values[first] : undefined;
		if (value === undefined) return invalidRecord(relo, `no enum value ${relo.access} in type ${rootId}`);
		return { btf, rootId, accessors: [{ typeId: id, index: first, name: value.name }], bitOffset: 0 };
	}
	const accessors: CoreAccessor[] = [{ typeId: id, index: first }];
	let bitOffset = first * sizeOrThrow(btf, id, relo) * 8;
	for (const index of rest) {
		id = skipModifiers(btf, id);
		const type = typeById(btf, id);
		if (isComposite(type)) {
			const member = type.members[index] ?? invalidRecord(relo, `no member ${index} in type ${id}`);
			bitOffset += member.bitOffset;
			if (member.name !== "") accessors.push({ typeId: id, index, name: member.name });
			id = member.type;
		} else if (type.kind === "array") {
			id = skipModifiers(btf, type.type);
			if (index >= type.count && !isFlexible(btf, accessors.at(-1), type)) {
				invalidRecord(relo, `element ${index} of ${type.count} in type ${id}`);
			}
			accessors.push({ typeId: id, index });
			bitOffset += index * sizeOrThrow(btf, id, relo) * 8;
		} else {
			invalidRecord(relo, `a step into type ${id}, a ${type.kind}`);
		}
	}
	if (!Number.isSafeInteger(bitOffset)) invalidRecord(relo, "an offset beyond every type");
	return { btf, rootId, accessors, bitOffset };
}

/** Is it the array without a length at the end of a struct? `last` is the accessor that led to it. */
function isFlexible(btf: Btf, last: CoreAccessor | undefined, array: BtfOf<"array">): boolean {
	if (last?.name === undefined || array.count > 0) return false;
	const owner = typeById(btf, last.typeId);
	return isComposite(owner) && last.index === owner.members.length - 1;
}

const essentialNames = new WeakMap<Btf, ReadonlyMap<string, readonly number[]>>();

function byEssentialName(btf: Btf): ReadonlyMap<string, readonly number[]> {
	const known = essentialNames.get(btf);
	if (known !== undefined) return known;
	const made = new Map<string, number[]>();
	btf.types.forEach((type, id) => {
		const name = essentialName(btfName(type));
		if (name === "") return;
		const list = made.get(name);
		if (list === undefined) made.set(name, [id]);
		else list.push(id);
	});
	essentialNames.set(btf, made);
	return made;
}

/** Types of the target that a type of the object may mean: same kind, same name but for flavors. */
export function findCandidates(target: Btf, local: BtfType): readonly number[] {
	const ids = byEssentialName(target).get(essentialName(btfName(local))) ?? [];
	return ids.filter((id) => sameKind(local, typeById(target, id)));
}

/** The same access in a candidate of the target; undefined where it does not have it (bpf_core_spec_match). */
export function matchCoreSpec(
	pair: TypePair,
	relo: CoreRelo,
	local: CoreSpec,
	candidate: number,
): CoreSpec | undefined {
	const { target } = pair;
	const subject = subjectOf(relo);
	if (subject === "type") {
		const same =
			relo.kind === CORE.TYPE_MATCHES
				? typesMatch(pair, local.rootId, candidate)
				: typesCompatible(pair, local.rootId, candidate);
		return same ? { btf: target, rootId: candidate, accessors: [], bitOffset: 0 } : undefined;
	}
	if (subject === "enumval") {
		const typeId = skipModifiers(target, candidate);
		const type = typeById(target, typeId);
		if (!isEnum(type)) return undefined;
		const name = essentialName(local.accessors[0]!.name!);
		const index = type.values.findIndex((value) => {
			pair.budget.spend();
			return essentialName(value.name) === name;
		});
		if (index < 0) return undefined;
		const accessor = { typeId, index, name: type.values[index]!.name };
		return { btf: target, rootId: candidate, accessors: [accessor], bitOffset: 0 };
	}
	return matchField(pair, relo, local, candidate);
}

function matchField(
	pair: TypePair,
	relo: CoreRelo,
	local: CoreSpec,
	candidate: number,
): CoreSpec | undefined {
	const { target } = pair;
	const accessors: CoreAccessor[] = [];
	let bitOffset = 0;
	let steps = 0;
	let id = candidate;
	for (const [i, step] of local.accessors.entries()) {
		id = skipModifiers(target, id);
		if (step.name !== undefined) {
			const owner = typeById(pair.local, step.typeId) as BtfOf<"struct" | "union">;
			const found = findMember(pair, owner.members[step.index]!.type, step.name, id);
			if (found === undefined) return undefined;
			accessors.push(found.accessor);
			bitOffset += found.bitOffset;
			steps += found.steps;
			id = found.next;
		} else {
			// the first step counts elements of the root type itself
			if (i > 0) {
				const array = typeById(target, id);
				if (array.kind !== "array") return undefined;
				if (step.index >= array.count && !isFlexible(target, accessors.at(-1), array)) return undefined;
				id = skipModifiers(target, array.type);
			}
			accessors.push({ typeId: id, index: step.index });
			bitOffset += step.index * (sizeOf(target, id) ?? refuseTarget(relo, `type ${id} has no size`)) * 8;
			steps++;
		}
		if (steps > MAX_ACCESSORS) refuseTarget(relo, `the access path has ${steps} steps`);
	}
	return { btf: target, rootId: candidate, accessors, bitOffset };
}

interface FoundMember {
	readonly accessor: CoreAccessor;
	/** From the start of the struct that was searched. */
	readonly bitOffset: number;
	/** Members passed, those without a name included. */
	readonly steps: number;
	readonly next: number;
}

/** The member of that name, also inside members without a name; undefined where none is, or its type does not fit. */
function findMember(
	pair: TypePair,
	localType: number,
	name: string,
	ownerId: number,
): FoundMember | undefined {
	const found = search(pair, name, ownerId);
	return found !== undefined && fieldsCompatible(pair, localType, found.next) ? found : undefined;
}

function search(pair: TypePair, name: string, ownerId: number): FoundMember | undefined {
	const typeId = skipModifiers(pair.target, ownerId);
	const owner = typeById(pair.target, typeId);
	if (!isComposite(owner)) return undefined;
	for (const [index, member] of owner.members.entries()) {
		pair.budget.spend();
		if (member.name === name) {
			return { accessor: { typeId, index, name }, bitOffset: member.bitOffset, steps: 1, next: member.type };
		}
		if (member.name !== "") continue;
		const inner = search(pair, name, member.type);
		if (inner !== undefined) {
			return { ...inner, bitOffset: inner.bitOffset + member.bitOffset, steps: inner.steps + 1 };
		}
	}
	return undefined;
}
