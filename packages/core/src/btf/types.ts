/** One BTF type; kinds as in linux/btf.h. `id` is its index, 0 = void. */
export type BtfType =
	| { readonly kind: "void" }
	| {
			readonly kind: "int";
			readonly name: string;
			readonly size: number;
			readonly bits: number;
			readonly bitOffset: number;
			readonly encoding: number;
	  }
	| {
			readonly kind: "ptr" | "typedef" | "volatile" | "const" | "restrict";
			readonly name: string;
			readonly type: number;
	  }
	| { readonly kind: "type_tag"; readonly name: string; readonly type: number; readonly attribute: boolean }
	| { readonly kind: "array"; readonly type: number; readonly indexType: number; readonly count: number }
	| {
			readonly kind: "struct" | "union";
			readonly name: string;
			readonly size: number;
			readonly kindFlag: boolean;
			readonly members: readonly BtfMember[];
	  }
	| {
			readonly kind: "enum";
			readonly name: string;
			readonly size: number;
			readonly signed: boolean;
			readonly values: readonly { readonly name: string; readonly value: number }[];
	  }
	| {
			readonly kind: "enum64";
			readonly name: string;
			readonly size: number;
			readonly signed: boolean;
			readonly values: readonly { readonly name: string; readonly value: bigint }[];
	  }
	| { readonly kind: "fwd"; readonly name: string; readonly union: boolean }
	| { readonly kind: "func"; readonly name: string; readonly type: number; readonly linkage: number }
	| {
			readonly kind: "func_proto";
			readonly type: number;
			readonly params: readonly { readonly name: string; readonly type: number }[];
	  }
	| { readonly kind: "var"; readonly name: string; readonly type: number; readonly linkage: number }
	| {
			readonly kind: "datasec";
			readonly name: string;
			readonly size: number;
			readonly vars: readonly { readonly type: number; readonly offset: number; readonly size: number }[];
	  }
	| { readonly kind: "float"; readonly name: string; readonly size: number }
	| {
			readonly kind: "decl_tag";
			readonly name: string;
			readonly type: number;
			readonly component: number;
			readonly attribute: boolean;
	  };

export interface BtfMember {
	readonly name: string;
	readonly type: number;
	/** From the start of the struct, in bits. */
	readonly bitOffset: number;
	/** Bit-field width, 0 = not a bit field. */
	readonly bitSize: number;
}

/**
 * A set of BTF types, frozen plain data. `types[0]` is void and `types[id]` is the type of that id.
 *
 * What `readBtf` and `BtfBuilder.build` return is checked (see check.ts): ids are in range, nothing contains itself
 * by value, chains of modifiers and pointers end, sizes fit in 32 bits.
 */
export interface Btf {
	readonly types: readonly BtfType[];
}

export type BtfKind = BtfType["kind"];

type OfKind<T extends BtfType, K> = T extends BtfType
	? K extends T["kind"]
		? T & { readonly kind: K }
		: never
	: never;

/** A type of that kind. */
export type BtfOf<K extends BtfKind> = OfKind<BtfType, K>;
