import { TailhopError } from "../errors/index.ts";
import type { BtfOf, BtfType } from "./types.ts";

/**
 * How deep types may contain each other by value (members, elements, modifiers). The kernel's own bound is a stack
 * of 32 unresolved types (MAX_RESOLVE_DEPTH), which depends on the order of ids; this one does not, and whatever
 * recurses over checked types relies on it.
 */
export const MAX_DEPTH = 64;

/** Size of a type that has none: void, fwd, func, func_proto, decl_tag, and modifiers of these. */
export const UNSIZED = -1;

const MAX_SIZE = 0xffff_ffff;

/** Types that a pointer, modifier, parameter or member may not be of (kernel: resolve source only). */
const NEVER_A_TARGET: ReadonlySet<BtfType["kind"]> = new Set(["var", "datasec", "decl_tag"]);

/** Types that a declaration tag may be on (kernel: btf_type_is_decl_tag_target). */
const TAGGABLE: ReadonlySet<BtfType["kind"]> = new Set(["func", "struct", "union", "var", "typedef"]);

/**
 * Checks types as kernel/bpf/btf.c does on BPF_BTF_LOAD, but for what a loader repairs first in an object (sizes and
 * offsets in datasecs, extern functions and variables, names) and for the order of members. What the kernel accepts
 * is accepted, but for one thing that no compiler writes: an int whose unused bytes hang over the end of its struct.
 *
 * @param fail throws `btf/invalid` for the type of that id.
 * @returns the size in bytes of each type, or UNSIZED.
 */
export function checkTypes(
	types: readonly BtfType[],
	fail: (id: number, message: string) => never,
): Float64Array {
	checkReferences(types, fail);
	checkChains(types, fail);
	const sizes = computeSizes(types, fail);
	checkContents(types, sizes, fail);
	return sizes;
}

/** `fail` for types that are not in bytes. */
export function failWithoutOffset(id: number, message: string): never {
	throw new TailhopError("btf/invalid", `type ${id}: ${message}`, {}, { detail: { typeId: id } });
}

function checkReferences(types: readonly BtfType[], fail: (id: number, message: string) => never): void {
	const inRange = (id: number, ref: number) => {
		if (!(ref >= 0 && ref < types.length)) fail(id, `type ${ref} does not exist: there are ${types.length}`);
		return types[ref]!;
	};
	const valueType = (id: number, ref: number) => {
		const target = inRange(id, ref);
		if (NEVER_A_TARGET.has(target.kind)) fail(id, `it refers to type ${ref}, a ${target.kind}`);
	};
	types.forEach((type, id) => {
		switch (type.kind) {
			case "ptr":
			case "typedef":
			case "volatile":
			case "const":
			case "restrict":
			case "type_tag":
				valueType(id, type.type);
				break;
			case "array":
				valueType(id, type.type);
				valueType(id, type.indexType);
				break;
			case "struct":
			case "union":
				for (const member of type.members) valueType(id, member.type);
				break;
			case "func":
				if (inRange(id, type.type).kind !== "func_proto")
					fail(id, `a function of type ${type.type}, no prototype`);
				break;
			case "func_proto":
				valueType(id, type.type);
				checkParameters(type, id, valueType, fail);
				break;
			case "var":
				valueType(id, type.type);
				break;
			case "datasec":
				for (const entry of type.vars) {
					const { kind } = inRange(id, entry.type);
					if (kind !== "var" && kind !== "func") fail(id, `type ${entry.type}, a ${kind}, in a data section`);
				}
				break;
			case "decl_tag":
				checkDeclTag(type, id, inRange(id, type.type), types, fail);
				break;
		}
	});
}

function checkParameters(
	proto: BtfOf<"func_proto">,
	id: number,
	valueType: (id: number, ref: number) => void,
	fail: (id: number, message: string) => never,
): void {
	proto.params.forEach((param, i) => {
		valueType(id, param.type);
		// the kernel's form of "...": a last parameter of type void and no name
		const isVararg = i === proto.params.length - 1 && param.name === "";
		if (param.type === 0 && !isVararg) fail(id, `parameter ${i} is void`);
	});
}

function checkDeclTag(
	tag: BtfOf<"decl_tag">,
	id: number,
	target: BtfType,
	types: readonly BtfType[],
	fail: (id: number, message: string) => never,
): void {
	if (!TAGGABLE.has(target.kind)) fail(id, `a declaration tag on type ${tag.type}, a ${target.kind}`);
	if (tag.component === -1) return;
	let components = 0;
	if (target.kind === "struct" || target.kind === "union") components = target.members.length;
	if (target.kind === "func") components = (types[target.type] as BtfOf<"func_proto">).params.length;
	if (tag.component < -1 || tag.component >= components) {
		fail(id, `a declaration tag on component ${tag.component} of ${components}`);
	}
}

/** The one type that a modifier or pointer continues with. */
function next(type: BtfType): number | undefined {
	switch (type.kind) {
		case "ptr":
		case "typedef":
		case "volatile":
		case "const":
		case "restrict":
		case "type_tag":
			return type.type;
		default:
			return undefined;
	}
}

/** Chains of modifiers and pointers end at something else. */
function checkChains(types: readonly BtfType[], fail: (id: number, message: string) => never): void {
	const DONE = -1;
	/** 0 = not seen, DONE, or 1 + the type that the walk started from. */
	const seen = new Int32Array(types.length);
	for (let start = 0; start < types.length; start++) {
		let id: number | undefined = start;
		while (id !== undefined && seen[id] === 0) {
			seen[id] = start + 1;
			id = next(types[id]!);
		}
		if (id !== undefined && seen[id] === start + 1) fail(id, "a loop of modifiers and pointers");
		for (
			let at: number | undefined = start;
			at !== undefined && seen[at] === start + 1;
			at = next(types[at]!)
		) {
			seen[at] = DONE;
		}
	}
}

/** The i-th type that `type` contains by value; undefined after the last. */
function part(type: BtfType, i: number): number | undefined {
	switch (type.kind) {
		case "typedef":
		case "volatile":
		case "const":
		case "restrict":
		case "type_tag":
		case "array":
		case "var":
			return i === 0 ? type.type : undefined;
		case "struct":
		case "union":
			return type.members[i]?.type;
		default:
			return undefined;
	}
}

/** Depth-first over containment, without recursion: cycles, depth, and sizes in one pass. */
function computeSizes(types: readonly BtfType[], fail: (id: number, message: string) => never): Float64Array {
	const sizes = new Float64Array(types.length).fill(UNSIZED);
	/** 0 = not seen, 1 = on the stack, 2 and up = done, 1 + height of its containment tree. */
	const height = new Uint8Array(types.length);
	const stack: number[] = [];
	const nextPart: number[] = [];
	for (let root = 0; root < types.length; root++) {
		if (height[root] !== 0) continue;
		stack.push(root);
		nextPart.push(0);
		height[root] = 1;
		while (stack.length > 0) {
			const top = stack.length - 1;
			const id = stack[top]!;
			const type = types[id]!;
			const child = part(type, nextPart[top]!++);
			if (child !== undefined) {
				if (height[child] === 1) fail(id, `it contains itself through type ${child}`);
				if (height[child] === 0) {
					stack.push(child);
					nextPart.push(0);
					height[child] = 1;
				}
				continue;
			}
			stack.pop();
			nextPart.pop();
			let tallest = 1;
			for (let i = 0; ; i++) {
				const done = part(type, i);
				if (done === undefined) break;
				if (height[done]! > tallest) tallest = height[done]!;
			}
			if (tallest > MAX_DEPTH) fail(id, `types nested deeper than ${MAX_DEPTH}`);
			height[id] = tallest + 1;
			sizes[id] = sizeFromParts(type, id, sizes, fail);
		}
	}
	return sizes;
}

function sizeFromParts(
	type: BtfType,
	id: number,
	sizes: Float64Array,
	fail: (id: number, message: string) => never,
): number {
	switch (type.kind) {
		case "int":
		case "float":
		case "enum":
		case "enum64":
		case "struct":
		case "union":
		case "datasec":
			return type.size;
		case "ptr":
			return 8;
		case "typedef":
		case "volatile":
		case "const":
		case "restrict":
		case "type_tag":
		case "var":
			return sizes[type.type]!;
		case "array": {
			const element = sizes[type.type]!;
			if (element === UNSIZED) fail(id, `an array of type ${type.type}, which has no size`);
			if (element * type.count > MAX_SIZE) fail(id, `an array of ${type.count} times ${element} bytes`);
			return element * type.count;
		}
		default:
			return UNSIZED;
	}
}

function checkContents(
	types: readonly BtfType[],
	sizes: Float64Array,
	fail: (id: number, message: string) => never,
): void {
	const skipModifiers = (ref: number) => {
		let type = types[ref]!;
		while (type.kind !== "ptr" && next(type) !== undefined) type = types[next(type)!]!;
		return type;
	};
	types.forEach((type, id) => {
		if (type.kind === "array") {
			if (skipModifiers(type.indexType).kind !== "int")
				fail(id, `an array indexed by type ${type.indexType}`);
		} else if (type.kind === "struct" || type.kind === "union") {
			for (const member of type.members) {
				const size = sizes[member.type]!;
				if (size === UNSIZED) fail(id, `member ${member.name} has type ${member.type}, which has no size`);
				let bits = size * 8;
				if (member.bitSize > 0 || member.bitOffset % 8 !== 0) {
					const base = skipModifiers(member.type);
					const isOldBitField = member.bitSize === 0 && base.kind === "int" && !type.kindFlag;
					if (!isOldBitField && base.kind !== "int" && base.kind !== "enum" && base.kind !== "enum64") {
						fail(id, `member ${member.name} is a bit field of a ${base.kind}`);
					}
					if (member.bitSize === 0 && !isOldBitField) fail(id, `member ${member.name} starts inside a byte`);
					if (member.bitSize > bits) fail(id, `member ${member.name} has ${member.bitSize} bits of ${bits}`);
					bits = isOldBitField ? base.bits : member.bitSize;
				}
				if (type.kind === "union" && member.bitOffset !== 0)
					fail(id, `member ${member.name} of a union is not at 0`);
				if (member.bitOffset + bits > type.size * 8) {
					fail(id, `member ${member.name} ends at bit ${member.bitOffset + bits} of ${type.size * 8}`);
				}
			}
		} else if (type.kind === "datasec" && type.size > 0) {
			for (const entry of type.vars) {
				if (entry.offset + entry.size > type.size) {
					fail(id, `variable ${entry.type} ends at ${entry.offset + entry.size} of ${type.size} bytes`);
				}
			}
		}
	});
}
