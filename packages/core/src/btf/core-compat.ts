/**
 * When does a type of an object correspond to one of the target? Two different answers: fields and `type_exists`
 * only look at the outer shape; `type_matches` compares everything. The rules are libbpf's (relo_core.c).
 */
import { TailhopError } from "../errors/index.ts";
import { BTF_INT } from "./constants.ts";
import { skipModifiers, typeById } from "./query.ts";
import type { Btf, BtfOf, BtfType } from "./types.ts";

/** Deeper nesting than this is refused, as in libbpf. */
const MAX_LEVEL = 32;

/** Steps that all relocations of an object may take: types that share parts can ask for exponentially many. */
const MAX_STEPS = 10_000_000;

/** Counts steps. */
export class CoreBudget {
	#left = MAX_STEPS;

	spend(steps = 1): void {
		this.#left -= steps;
		if (this.#left < 0) {
			throw new TailhopError(
				"link/core-relo",
				"the types are too entangled to compare",
				{},
				{
					hint: "No compiler makes such types: check where the object comes from.",
				},
			);
		}
	}
}

export interface TypePair {
	readonly local: Btf;
	readonly target: Btf;
	readonly budget: CoreBudget;
}

/** The name without its flavor: `foo___v2` is `foo`. A separator is exactly three underscores inside the name. */
export function essentialName(name: string): string {
	for (let i = name.length - 5; i >= 0; i--) {
		if (name[i] !== "_" && name.startsWith("___", i + 1) && name[i + 4] !== "_") return name.slice(0, i + 1);
	}
	return name;
}

export function sameKind(a: BtfType, b: BtfType): boolean {
	return a.kind === b.kind || (isEnum(a) && isEnum(b));
}

export function isEnum(type: BtfType): type is BtfOf<"enum" | "enum64"> {
	return type.kind === "enum" || type.kind === "enum64";
}

export function isComposite(type: BtfType): type is BtfOf<"struct" | "union"> {
	return type.kind === "struct" || type.kind === "union";
}

/** May a field of one type stand for a field of the other? */
export function fieldsCompatible(pair: TypePair, localId: number, targetId: number): boolean {
	for (;;) {
		pair.budget.spend();
		const local = typeById(pair.local, skipModifiers(pair.local, localId));
		const target = typeById(pair.target, skipModifiers(pair.target, targetId));
		if (isComposite(local) && isComposite(target)) return true;
		if (!sameKind(local, target)) return false;
		switch (local.kind) {
			case "ptr":
			case "float":
				return true;
			case "fwd":
			case "enum":
			case "enum64": {
				const a = essentialName(local.name);
				const b = essentialName((target as typeof local).name);
				return a === "" || b === "" || a === b;
			}
			case "int":
				return local.bitOffset === 0 && (target as typeof local).bitOffset === 0;
			case "array":
				localId = local.type;
				targetId = (target as typeof local).type;
				break;
			default:
				return false;
		}
	}
}

/** Is the target's type of that name the same kind of thing? Names of what it consists of do not count. */
export function typesCompatible(
	pair: TypePair,
	localId: number,
	targetId: number,
	level = MAX_LEVEL,
): boolean {
	// the outermost kinds are compared as they are, typedefs not skipped
	if (!sameKind(typeById(pair.local, localId), typeById(pair.target, targetId))) return false;
	for (; ; level--) {
		if (level <= 0) throw tooDeep();
		pair.budget.spend();
		const local = typeById(pair.local, skipModifiers(pair.local, localId));
		const target = typeById(pair.target, skipModifiers(pair.target, targetId));
		if (!sameKind(local, target)) return false;
		switch (local.kind) {
			case "void":
			case "struct":
			case "union":
			case "enum":
			case "enum64":
			case "fwd":
				return true;
			case "int":
				return local.bitOffset === 0 && (target as typeof local).bitOffset === 0;
			case "ptr":
			case "array":
				localId = local.type;
				targetId = (target as typeof local).type;
				break;
			case "func_proto": {
				const other = target as typeof local;
				if (local.params.length !== other.params.length) return false;
				const same = local.params.every((param, i) =>
					typesCompatible(
						pair,
						skipModifiers(pair.local, param.type),
						skipModifiers(pair.target, other.params[i]!.type),
						level - 1,
					),
				);
				if (!same) return false;
				localId = local.type;
				targetId = other.type;
				break;
			}
			default:
				return false;
		}
	}
}

function tooDeep(): TailhopError {
	return new TailhopError(
		"link/core-relo",
		`types nested deeper than ${MAX_LEVEL}`,
		{},
		{
			hint: "Ask about an inner type instead.",
		},
	);
}

function namesMatch(local: string, target: string): boolean {
	return essentialName(local) === essentialName(target);
}

/** Does the target's type have everything that the object's has (BPF_CORE_TYPE_MATCHES)? */
export function typesMatch(
	pair: TypePair,
	localId: number,
	targetId: number,
	behindPointer = false,
	level = MAX_LEVEL,
): boolean {
	for (; ; level--) {
		if (level <= 0) throw tooDeep();
		pair.budget.spend();
		const local = typeById(pair.local, skipModifiers(pair.local, localId));
		const target = typeById(pair.target, skipModifiers(pair.target, targetId));
		if (!namesMatch("name" in local ? local.name : "", "name" in target ? target.name : "")) return false;
		switch (local.kind) {
			case "void":
				return target.kind === "void";
			case "fwd":
				if (target.kind === "fwd") return local.union === target.union;
				return behindPointer && target.kind === (local.union ? "union" : "struct");
			case "enum":
			case "enum64":
				return isEnum(target) && enumsMatch(pair, local, target);
			case "struct":
			case "union":
				if (!behindPointer) return isComposite(target) && compositesMatch(pair, local, target, level);
				if (target.kind === "fwd") return target.union === (local.kind === "union");
				return target.kind === local.kind;
			case "int":
				return (
					target.kind === "int" &&
					local.size === target.size &&
					(local.encoding & BTF_INT.SIGNED) === (target.encoding & BTF_INT.SIGNED)
				);
			case "ptr":
				if (target.kind !== "ptr") return false;
				behindPointer = true;
				localId = local.type;
				targetId = target.type;
				break;
			case "array":
				if (target.kind !== "array" || target.count !== local.count) return false;
				localId = local.type;
				targetId = target.type;
				break;
			case "func_proto": {
				if (target.kind !== "func_proto" || target.params.length !== local.params.length) return false;
				const same = local.params.every((param, i) =>
					typesMatch(pair, param.type, target.params[i]!.type, behindPointer, level - 1),
				);
				if (!same) return false;
				localId = local.type;
				targetId = target.type;
				break;
			}
			default:
				return false;
		}
	}
}

function enumsMatch(
	pair: TypePair,
	local: BtfOf<"enum" | "enum64">,
	target: BtfOf<"enum" | "enum64">,
): boolean {
	pair.budget.spend(local.values.length + target.values.length);
	if (local.values.length > target.values.length) return false;
	const names = new Set(target.values.map((value) => essentialName(value.name)));
	return local.values.every((value) => names.has(essentialName(value.name)));
}

function compositesMatch(
	pair: TypePair,
	local: BtfOf<"struct" | "union">,
	target: BtfOf<"struct" | "union">,
	level: number,
): boolean {
	if (local.kind !== target.kind || local.members.length > target.members.length) return false;
	return local.members.every((own) =>
		target.members.some((other) => {
			pair.budget.spend();
			return namesMatch(own.name, other.name) && typesMatch(pair, own.type, other.type, false, level - 1);
		}),
	);
}
