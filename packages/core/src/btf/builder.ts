import { checkTypes, failWithoutOffset } from "./check.ts";
import { BTF_FUNC, BTF_INT, BTF_VAR } from "./constants.ts";
import { rememberSizes } from "./query.ts";
import type { Btf, BtfOf, BtfType } from "./types.ts";

/** A member by byte offset, or by bit offset and width. */
export type MemberInput =
	| { readonly name: string; readonly type: number; readonly offset: number }
	| { readonly name: string; readonly type: number; readonly bitOffset: number; readonly bitSize: number };

/**
 * Makes BTF type by type; every method returns the id of the type it adds. Types without a name of their own
 * (pointers, modifiers, arrays, prototypes) and ints are added once.
 *
 *     const b = new BtfBuilder();
 *     const u32 = b.int("unsigned int", 4);
 *     const key = b.struct("key", 8, [{ name: "src", type: u32, offset: 0 }, { name: "dst", type: u32, offset: 4 }]);
 *     const btf = b.build();
 */
export class BtfBuilder {
	readonly #types: BtfType[] = [{ kind: "void" }];
	/** Types that are added once, by their contents. */
	readonly #known = new Map<string, number>();

	/** Adds any type. */
	add(type: BtfType): number {
		return this.#types.push(type) - 1;
	}

	/** An id for a type that refers to itself through others; `define` it before `build`. */
	declare(): number {
		return this.add({ kind: "void" });
	}

	define(id: number, type: BtfType): void {
		this.#types[id] = type;
	}

	#once(type: BtfType): number {
		const key = JSON.stringify(type);
		const known = this.#known.get(key);
		if (known !== undefined) return known;
		const id = this.add(type);
		this.#known.set(key, id);
		return id;
	}

	/** An integer of `size` bytes; BTF_INT says signed, char or bool. */
	int(name: string, size: number, encoding: number = BTF_INT.NONE): number {
		return this.#once({ kind: "int", name, size, bits: size * 8, bitOffset: 0, encoding });
	}

	float(name: string, size: number): number {
		return this.#once({ kind: "float", name, size });
	}

	ptr(type: number): number {
		return this.#once({ kind: "ptr", name: "", type });
	}

	modifier(kind: "const" | "volatile" | "restrict", type: number): number {
		return this.#once({ kind, name: "", type });
	}

	typedef(name: string, type: number): number {
		return this.#once({ kind: "typedef", name, type });
	}

	typeTag(name: string, type: number): number {
		return this.#once({ kind: "type_tag", name, type, attribute: false });
	}

	/** `type[count]`. */
	array(type: number, count: number): number {
		return this.#once({ kind: "array", type, indexType: this.int("__ARRAY_SIZE_TYPE__", 4), count });
	}

	/** `size` in bytes. */
	struct(name: string, size: number, members: readonly MemberInput[]): number {
		return this.add(BtfBuilder.composite("struct", name, size, members));
	}

	union(name: string, size: number, members: readonly MemberInput[]): number {
		return this.add(BtfBuilder.composite("union", name, size, members));
	}

	/** A struct or union as `define` wants it. */
	static composite(
		kind: "struct" | "union",
		name: string,
		size: number,
		members: readonly MemberInput[],
	): BtfOf<"struct" | "union"> {
		return {
			kind,
			name,
			size,
			kindFlag: members.some((member) => "bitSize" in member),
			members: members.map((member) =>
				"bitSize" in member
					? { name: member.name, type: member.type, bitOffset: member.bitOffset, bitSize: member.bitSize }
					: { name: member.name, type: member.type, bitOffset: member.offset * 8, bitSize: 0 },
			),
		};
	}

	/** Signed if a value is negative. */
	enum(name: string, values: Readonly<Record<string, number>>, size = 4): number {
		const list = Object.entries(values).map(([text, value]) => ({ name: text, value }));
		return this.add({ kind: "enum", name, size, signed: list.some(({ value }) => value < 0), values: list });
	}

	enum64(name: string, values: Readonly<Record<string, bigint>>): number {
		const list = Object.entries(values).map(([text, value]) => ({ name: text, value }));
		return this.add({
			kind: "enum64",
			name,
			size: 8,
			signed: list.some(({ value }) => value < 0n),
			values: list,
		});
	}

	fwd(name: string, union = false): number {
		return this.add({ kind: "fwd", name, union });
	}

	/** A prototype: `int (*)(struct xdp_md *ctx)` is `funcProto(int, [["ctx", ptr]])`. */
	funcProto(returns: number, params: readonly (readonly [name: string, type: number])[]): number {
		return this.#once({
			kind: "func_proto",
			type: returns,
			params: params.map(([name, type]) => ({ name, type })),
		});
	}

	/** `proto` is a func_proto; linkage BTF_FUNC. */
	func(name: string, proto: number, linkage: number = BTF_FUNC.GLOBAL): number {
		return this.add({ kind: "func", name, type: proto, linkage });
	}

	/** linkage BTF_VAR. */
	var(name: string, type: number, linkage: number = BTF_VAR.GLOBAL): number {
		return this.add({ kind: "var", name, type, linkage });
	}

	/** Variables of a data section; offsets and sizes in bytes. */
	datasec(name: string, size: number, vars: BtfOf<"datasec">["vars"]): number {
		return this.add({ kind: "datasec", name, size, vars });
	}

	/** On a type, or with `component` on its member or parameter of that index. */
	declTag(text: string, type: number, component = -1): number {
		return this.add({ kind: "decl_tag", name: text, type, component, attribute: false });
	}

	/**
	 * The anonymous struct of a map definition in `.maps`, as libbpf's macros write it: `numbers` are __uint fields
	 * (pointers to an array of that many ints), `types` are __type fields (pointers to the type).
	 *
	 * @returns the struct's id, and its size in bytes: 8 per field.
	 */
	mapDefinition(
		numbers: Readonly<Record<string, number>>,
		types: Readonly<Record<string, number>> = {},
	): { readonly id: number; readonly size: number } {
		const int = this.int("int", 4, BTF_INT.SIGNED);
		const fields = [
			...Object.entries(numbers).map(([name, value]) => ({ name, type: this.ptr(this.array(int, value)) })),
			...Object.entries(types).map(([name, type]) => ({ name, type: this.ptr(type) })),
		];
		const members = fields.map((field, i) => ({ ...field, offset: i * 8 }));
		return { id: this.struct("", fields.length * 8, members), size: fields.length * 8 };
	}

	/** What was added so far, checked and frozen. Throws `btf/invalid` with `detail.typeId`. */
	build(): Btf {
		const types = this.#types.map(freezeType);
		const btf: Btf = Object.freeze({ types: Object.freeze(types) });
		rememberSizes(btf, checkTypes(types, failWithoutOffset));
		return btf;
	}
}

function freezeType(type: BtfType): BtfType {
	const copy = { ...type };
	for (const value of Object.values(copy)) {
		if (!Array.isArray(value)) continue;
		for (const entry of value) Object.freeze(entry);
		Object.freeze(value);
	}
	return Object.freeze(copy);
}
