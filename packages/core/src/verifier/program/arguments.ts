import { type Btf, type BtfType, declTags, findBtfType, resolveType, sizeOf } from "../../btf/index.ts";
import { PROG_TYPE } from "../../isa/index.ts";
import { CONTEXTS } from "../data/index.ts";
import type { Env } from "../env.ts";
import type { Errno } from "../reject.ts";

/** An argument of a function as its BTF prototype has it. */
export type Argument =
	| { readonly kind: "scalar" }
	| { readonly kind: "ctx" }
	| { readonly kind: "dynptr" }
	/** A trusted pointer to a structure of the kernel. */
	| { readonly kind: "struct"; readonly struct: string; readonly nullable: boolean }
	| { readonly kind: "mem"; readonly size: number; readonly nullable: boolean };

/** What is wrong with a prototype: the errno, and the message (none where a static function just has another one). */
export interface BadPrototype {
	readonly errno: Errno;
	readonly message?: string;
}

const MAX_ARGUMENTS = 5;
const TAGS: readonly string[] = ["ctx", "trusted", "untrusted", "nonnull", "nullable", "arena"];

const isScalar = ({ kind }: BtfType): boolean => kind === "int" || kind === "enum" || kind === "enum64";

/** How the log calls a BTF kind. */
const KINDS: Readonly<Partial<Record<BtfType["kind"], string>>> = {
	void: "UNKNOWN",
	int: "INT",
	ptr: "PTR",
	array: "ARRAY",
	struct: "STRUCT",
	union: "UNION",
	enum: "ENUM",
	enum64: "ENUM64",
	fwd: "FWD",
	float: "FLOAT",
	func_proto: "FUNC_PROTO",
};
const nameOf = (type: BtfType): string => ("name" in type && type.name !== "" ? type.name : "(anon)");

/** The arguments of a function (kernel: btf_prepare_func_args). */
export function functionArguments(env: Env, subprog: number): readonly Argument[] | BadPrototype {
	const { btf } = env;
	const { typeId, global, name } = env.subprograms[subprog]!;
	const bad = (message: string, errno: Errno = "EINVAL"): BadPrototype =>
		global ? { errno, message } : { errno };
	if (btf === undefined || typeId === 0) return bad("Global functions need valid BTF", "EFAULT");
	const func = btf.types[typeId]!;
	const proto = func.kind === "func" ? btf.types[func.type] : undefined;
	if (proto?.kind !== "func_proto") return { errno: "EINVAL", message: `Invalid type of function ${name}()` };
	const count = proto.params.length;
	if (count > MAX_ARGUMENTS)
		return bad(`Global function ${name}() with ${count} > ${MAX_ARGUMENTS} args. Buggy compiler.`);
	if (!isScalar(resolveType(btf, proto.type)))
		return bad(`Global function ${name}() doesn't return scalar. Only those are supported.`);
	const result: Argument[] = [];
	for (const [i, { type: id }] of proto.params.entries()) {
		const argument = argumentOf(env, btf, i, id, tagsOf(btf, typeId, i), global, name);
		if ("errno" in argument) return argument;
		result.push(argument);
	}
	return result;
}

function tagsOf(btf: Btf, func: number, index: number): readonly string[] {
	return declTags(btf, func)
		.filter(({ name, component }) => component === index && name.startsWith("arg:"))
		.map(({ name }) => name.slice(4));
}

function argumentOf(
	env: Env,
	btf: Btf,
	i: number,
	id: number,
	tags: readonly string[],
	global: boolean,
	name: string,
): Argument | BadPrototype {
	if (tags.length > 0 && !global)
		return { errno: "EOPNOTSUPP", message: `arg#${i} type tag is not supported in static functions` };
	if (tags.some((tag) => !TAGS.includes(tag)))
		return { errno: "EOPNOTSUPP", message: `arg#${i} has unsupported set of tags` };
	const type = resolveType(btf, id);
	const combination = { errno: "EINVAL", message: `arg#${i} has invalid combination of tags` } as const;
	if (type.kind === "ptr") {
		if (tags.includes("ctx") || isContext(env, btf, type.type))
			return tags.some((tag) => tag !== "ctx") ? combination : { kind: "ctx" };
		const pointed = resolveType(btf, type.type);
		if (pointed.kind === "struct" && pointed.name === "bpf_dynptr")
			return tags.length > 0 ? combination : { kind: "dynptr" };
		if (tags.includes("trusted")) {
			if (tags.some((tag) => tag !== "trusted" && tag !== "nullable")) return combination;
			const kernel = env.object.target.btf;
			const struct = pointed.kind === "struct" || pointed.kind === "fwd" ? pointed.name : "";
			if (kernel === undefined || findBtfType(kernel, struct, "struct") === undefined)
				env.notModelled(`arguments of global functions that are trusted ${KINDS[pointed.kind]} ${struct}`);
			return { kind: "struct", struct, nullable: tags.includes("nullable") };
		}
		if (tags.includes("untrusted") || tags.includes("arena"))
			env.notModelled(`arguments of global functions with the tag ${tags.join(" ")}`);
		if (global) {
			if (tags.includes("nullable")) return combination;
			const size = pointed.kind === "void" ? undefined : sizeOf(btf, type.type);
			if (size === undefined)
				return {
					errno: "EINVAL",
					message: `arg#${i} reference type('${KINDS[pointed.kind] ?? "UNKNOWN"} ${nameOf(pointed)}') size cannot be determined: -22`,
				};
			return { kind: "mem", size, nullable: !tags.includes("nonnull") };
		}
	}
	if (tags.length > 0)
		return { errno: "EINVAL", message: `arg#${i} has pointer tag, but is not a pointer type` };
	if (isScalar(type)) return { kind: "scalar" };
	if (!global) return { errno: "EINVAL" };
	return {
		errno: "EINVAL",
		message: `Arg#${i} type ${KINDS[type.kind] ?? "UNKNOWN"} in ${name}() is not supported yet.`,
	};
}

/** A pointer to the context's structure, by its name (btf_is_prog_ctx_type). */
function isContext({ type }: Env, btf: Btf, id: number): boolean {
	const name = CONTEXTS[type]?.name;
	if (name === undefined) return false;
	if (type === PROG_TYPE.KPROBE) {
		for (let at = btf.types[id]; at !== undefined && "type" in at; at = btf.types[at.type])
			if (at.kind === "typedef" && at.name === name) return true;
	}
	const pointed = resolveType(btf, id);
	return pointed.kind === "struct" && pointed.name === name;
}
