import { checkTypes, failWithoutOffset, UNSIZED } from "./check.ts";
import type { Btf, BtfKind, BtfOf, BtfType } from "./types.ts";

/** Kinds that add something to another type without changing its layout. */
const MODIFIERS: ReadonlySet<BtfKind> = new Set(["typedef", "volatile", "const", "restrict", "type_tag"]);

const sizesOf = new WeakMap<Btf, Float64Array>();
const namesOf = new WeakMap<Btf, ReadonlyMap<string, readonly number[]>>();

/** The checks compute sizes: keep them. */
export function rememberSizes(btf: Btf, sizes: Float64Array): void {
	sizesOf.set(btf, sizes);
}

function sizes(btf: Btf): Float64Array {
	let known = sizesOf.get(btf);
	if (known === undefined) {
		known = checkTypes(btf.types, failWithoutOffset);
		sizesOf.set(btf, known);
	}
	return known;
}

/** The type of that id; an id that does not exist is `btf/invalid`. */
export function typeById(btf: Btf, id: number): BtfType {
	return btf.types[id] ?? failWithoutOffset(id, `does not exist: there are ${btf.types.length}`);
}

/** The id behind typedefs, const, volatile, restrict and type tags. */
export function skipModifiers(btf: Btf, id: number): number {
	let type = typeById(btf, id);
	while (MODIFIERS.has(type.kind)) {
		id = (type as BtfOf<"typedef">).type;
		type = typeById(btf, id);
	}
	return id;
}

/** The type behind typedefs, const, volatile, restrict and type tags. */
export function resolveType(btf: Btf, id: number): BtfType {
	return typeById(btf, skipModifiers(btf, id));
}

/** Bytes that a value takes; undefined for void, functions and forward declarations. */
export function sizeOf(btf: Btf, id: number): number | undefined {
	typeById(btf, id);
	const size = sizes(btf)[id]!;
	return size === UNSIZED ? undefined : size;
}

/** Alignment as libbpf computes it (btf__align_of): a packed struct has 1; 1 where the type has no size. */
export function alignOf(btf: Btf, id: number): number {
	return align(btf, id, new Map());
}

function align(btf: Btf, id: number, known: Map<number, number>): number {
	const at = skipModifiers(btf, id);
	const done = known.get(at);
	if (done !== undefined) return done;
	const answer = alignOfType(btf, typeById(btf, at), known);
	known.set(at, answer);
	return answer;
}

function alignOfType(btf: Btf, type: BtfType, known: Map<number, number>): number {
	switch (type.kind) {
		case "int":
		case "enum":
		case "enum64":
		case "float":
			return Math.min(8, Math.max(1, type.size));
		case "ptr":
			return 8;
		case "array":
			return align(btf, type.type, known);
		case "struct":
		case "union": {
			let widest = 1;
			for (const member of type.members) {
				const own = align(btf, member.type, known);
				widest = Math.max(widest, own);
				if (member.bitSize === 0 && member.bitOffset % (own * 8) !== 0) return 1;
			}
			return type.size % widest === 0 ? widest : 1;
		}
		default:
			return 1;
	}
}

/** The name that a type declares; "" for anonymous ones and for kinds without. */
export function btfName(type: BtfType): string {
	return "name" in type ? type.name : "";
}

/** Ids of the types of that name, ascending; optionally of one kind. Pointers and modifiers have none. */
export function findBtfTypes(btf: Btf, name: string, kind?: BtfKind): readonly number[] {
	const ids = names(btf).get(name) ?? [];
	return kind === undefined ? ids : ids.filter((id) => btf.types[id]!.kind === kind);
}

/** The first type of that name and kind. */
export function findBtfType<K extends BtfKind>(
	btf: Btf,
	name: string,
	kind: K,
): { readonly id: number; readonly type: BtfOf<K> } | undefined {
	for (const id of findBtfTypes(btf, name)) {
		const type = btf.types[id]!;
		if (isBtfKind(type, kind)) return { id, type };
	}
	return undefined;
}

export function isBtfKind<K extends BtfKind>(type: BtfType, kind: K): type is BtfOf<K> {
	return type.kind === kind;
}

/** Name to ids, made once for a Btf. Tags are not found by name: their name is a text. */
function names(btf: Btf): ReadonlyMap<string, readonly number[]> {
	const known = namesOf.get(btf);
	if (known !== undefined) return known;
	const made = new Map<string, number[]>();
	btf.types.forEach((type, id) => {
		const name = type.kind === "decl_tag" || type.kind === "type_tag" ? "" : btfName(type);
		if (name === "") return;
		const list = made.get(name);
		if (list === undefined) made.set(name, [id]);
		else list.push(id);
	});
	namesOf.set(btf, made);
	return made;
}

/** Declaration tags by the id of the type that they are on. */
export function declTags(btf: Btf, id: number): readonly BtfOf<"decl_tag">[] {
	return btf.types.filter((type) => type.kind === "decl_tag" && type.type === id) as BtfOf<"decl_tag">[];
}
