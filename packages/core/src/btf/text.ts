import { TailhopError } from "../errors/index.ts";
import { typeById } from "./query.ts";
import type { Btf, BtfMember, BtfOf, BtfType } from "./types.ts";

/** Pointers, arrays and prototypes around one name; anything deeper is cut with "…". */
const MAX_DERIVATIONS = 64;

/** Pointers, arrays, prototypes and parameters of one declaration, all together. */
const MAX_STEPS = 10_000;

/** Characters of one definition. No header is as long; types that share parts could ask for more than there is memory. */
const MAX_TEXT = 1_000_000;

/** The type as C names it: `struct foo *`, `const char [16]`, `int (*)(void *)`; anonymous ones as `struct {...}`. */
export function typeName(btf: Btf, id: number): string {
	return cDeclaration(btf, id, "");
}

/** A declaration of `name` with that type: `char name[16]`, `int (*name)(void *)`. Type tags are left out. */
export function cDeclaration(btf: Btf, id: number, name: string): string {
	return declare(btf, id, name, { depth: 0, base: shortBase, steps: { left: MAX_STEPS } });
}

interface Style {
	readonly depth: number;
	/** Shared by all parts of one declaration: prototypes that share parameters could ask for exponentially many. */
	readonly steps: { left: number };
	/** Text of a type that no declarator is made of. */
	readonly base: (btf: Btf, type: BtfType) => string;
}

function declare(btf: Btf, id: number, inner: string, style: Style): string {
	let { depth } = style;
	let qualifiers = "";
	for (; depth < MAX_DERIVATIONS && style.steps.left > 0; depth++, style.steps.left--) {
		const type = typeById(btf, id);
		switch (type.kind) {
			case "const":
			case "volatile":
			case "restrict":
				qualifiers += `${type.kind} `;
				id = type.type;
				break;
			case "type_tag":
				id = type.type;
				break;
			case "ptr": {
				inner = `*${qualifiers}${inner}`.trimEnd();
				qualifiers = "";
				id = type.type;
				const { kind } = typeById(btf, skipQualifiers(btf, id));
				if (kind === "array" || kind === "func_proto") inner = `(${inner})`;
				break;
			}
			case "array":
				// qualifiers of an array are its elements'
				inner = `${inner}[${type.count}]`;
				id = type.type;
				break;
			case "func_proto": {
				const deeper = { base: shortBase, depth: depth + 1, steps: style.steps };
				const params = type.params.map((param, i) =>
					param.type === 0 && i === type.params.length - 1
						? "..."
						: declare(btf, param.type, param.name, deeper),
				);
				const list = params.length === 0 ? "void" : params.join(", ");
				inner = `${inner}(${list})`;
				id = type.type;
				break;
			}
			default: {
				const base = qualifiers + style.base(btf, type);
				return inner === "" ? base : `${base} ${inner}`;
			}
		}
	}
	return `… ${inner}`.trimEnd();
}

function skipQualifiers(btf: Btf, id: number): number {
	for (;;) {
		const type = typeById(btf, id);
		if (
			type.kind !== "const" &&
			type.kind !== "volatile" &&
			type.kind !== "restrict" &&
			type.kind !== "type_tag"
		) {
			return id;
		}
		id = type.type;
	}
}

function shortBase(_btf: Btf, type: BtfType): string {
	switch (type.kind) {
		case "void":
			return "void";
		case "struct":
		case "union":
			return `${type.kind} ${type.name === "" ? "{...}" : type.name}`;
		case "enum":
		case "enum64":
			return `enum ${type.name === "" ? "{...}" : type.name}`;
		case "fwd":
			return `${type.union ? "union" : "struct"} ${type.name}`;
		default:
			return "name" in type ? type.name : type.kind;
	}
}

/**
 * The C definition of a type: structs and enums with all they have, typedefs, variables, function prototypes, data
 * sections as lists of their variables. Types that it refers to by name are not defined.
 */
export function cDefinition(btf: Btf, id: number): string {
	const type = typeById(btf, id);
	const writer = new Definitions(btf);
	switch (type.kind) {
		case "struct":
		case "union":
		case "enum":
		case "enum64":
			return `${writer.body(type, "")};`;
		case "typedef":
			return `typedef ${writer.declare(type.type, type.name, "")};`;
		case "var":
			return `${writer.declare(type.type, type.name, "")};`;
		case "func":
			return `${cDeclaration(btf, type.type, type.name)};`;
		case "datasec":
			return type.vars.map((entry) => cDefinition(btf, entry.type)).join("\n");
		case "decl_tag":
			return `__attribute__((btf_decl_tag(${JSON.stringify(type.name)})))`;
		default:
			return `${typeName(btf, id)};`;
	}
}

class Definitions {
	readonly #btf: Btf;
	#left = MAX_TEXT;

	constructor(btf: Btf) {
		this.#btf = btf;
	}

	/** A declaration that spells out anonymous types. */
	declare(id: number, name: string, indent: string): string {
		const base = (_btf: Btf, type: BtfType) => {
			const isNamed = "name" in type && type.name !== "";
			const hasBody =
				type.kind === "struct" || type.kind === "union" || type.kind === "enum" || type.kind === "enum64";
			// an anonymous type may point to itself, in hostile bytes only
			const isDeep = indent.length > MAX_DERIVATIONS;
			return hasBody && !isNamed && !isDeep ? this.body(type, indent) : shortBase(this.#btf, type);
		};
		return this.#spend(declare(this.#btf, id, name, { base, depth: 0, steps: { left: MAX_STEPS } }));
	}

	body(type: BtfOf<"struct" | "union" | "enum" | "enum64">, indent: string): string {
		const deeper = `${indent}\t`;
		const keyword = type.kind === "enum64" ? "enum" : type.kind;
		const head = type.name === "" ? keyword : `${keyword} ${type.name}`;
		const lines =
			type.kind === "struct" || type.kind === "union"
				? type.members.map((member) => `${deeper}${this.#member(member, deeper)};\n`)
				: type.values.map((value) => `${deeper}${value.name} = ${value.value},\n`);
		return this.#spend(`${head} {\n${lines.join("")}${indent}}`);
	}

	#member(member: BtfMember, indent: string): string {
		const bits = member.bitSize > 0 ? `: ${member.bitSize}` : "";
		return `${this.declare(member.type, member.name, indent)}${bits}`;
	}

	#spend(text: string): string {
		this.#left -= text.length;
		if (this.#left >= 0) return text;
		throw new TailhopError(
			"btf/invalid",
			"a type whose definition does not end",
			{},
			{
				hint: "No compiler makes such types: check where the object comes from.",
			},
		);
	}
}
