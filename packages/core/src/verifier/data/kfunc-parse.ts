/** Flags of a kernel function (include/linux/btf.h), without KF_. */
export const KF = {
	ACQUIRE: 1 << 0,
	RELEASE: 1 << 1,
	RET_NULL: 1 << 2,
	TRUSTED_ARGS: 1 << 4,
	SLEEPABLE: 1 << 5,
	DESTRUCTIVE: 1 << 6,
	RCU: 1 << 7,
	ITER_NEW: 1 << 8,
	ITER_NEXT: 1 << 9,
	ITER_DESTROY: 1 << 10,
	RCU_PROTECTED: 1 << 11,
	FASTCALL: 1 << 12,
	ARENA_RET: 1 << 13,
	ARENA_ARG1: 1 << 14,
	ARENA_ARG2: 1 << 15,
} as const;

/** A type of the kernel as far as the verifier looks at it. */
export interface KfuncType {
	readonly kind: "void" | "scalar" | "struct" | "union" | "enum" | "callback";
	/** "u32", "task_struct". */
	readonly name: string;
	/** Bytes of a scalar or an enum. */
	readonly size?: number;
	readonly pointer: boolean;
	readonly const: boolean;
}

/**
 * What an argument is checked as (enum kfunc_ptr_arg_type), where its name or type says it. "struct": a pointer of that
 * BTF type, or memory if the register has none and the structure holds but scalars; "mem": as much as the scalar takes;
 * "mem_size": as much as the next argument says.
 */
export type KfuncArgKind =
	| "scalar"
	| "ctx"
	| "struct"
	| "mem"
	| "mem_size"
	| "dynptr"
	| "iter"
	| "list_head"
	| "list_node"
	| "rb_root"
	| "rb_node"
	| "wq"
	| "task_work"
	| "res_spin_lock"
	| "irq_flag"
	| "callback"
	| "map"
	| "const_str"
	| "alloc_btf_id"
	| "refcounted_kptr"
	/** Not looked at. */
	| "ignored"
	/** Not the program's: the kernel puts its own there. */
	| "prog";

export interface KfuncArg {
	readonly name: string;
	readonly kind: KfuncArgKind;
	readonly type: KfuncType;
	/** `__k`: a known number, kept for the result. `__sz`, `__szk`: the size of the argument before, which `__szk` must know. */
	readonly number?: "constant" | "size" | "constant_size";
	/** `__uninit`: the function fills it; `__nullable`, `__opt`: may be NULL. */
	readonly uninit?: true;
	readonly nullable?: true;
}

export interface Kfunc {
	readonly name: string;
	/** KF bits. */
	readonly flags: number;
	readonly args: readonly KfuncArg[];
	readonly ret: KfuncType;
	/** BPF_PROG_TYPE_* that may call it; undefined: all. */
	readonly types: readonly number[] | undefined;
	/** The only expected attach type that may. */
	readonly attachType?: number;
}

// biome-ignore format: by size
const SCALARS: Readonly<Record<string, number>> = {
	bool: 1, char: 1, u8: 1, s8: 1,
	u16: 2, s16: 2, __be16: 2,
	int: 4, u32: 4, s32: 4, __be32: 4,
	long: 8, "unsigned long": 8, u64: 8, s64: 8, __u64: 8,
};

/** Structures that are something of the verifier's own. */
const OBJECTS: Readonly<Record<string, KfuncArgKind>> = {
	bpf_dynptr: "dynptr",
	bpf_list_head: "list_head",
	bpf_list_node: "list_node",
	bpf_rb_root: "rb_root",
	bpf_rb_node: "rb_node",
	bpf_wq: "wq",
	bpf_task_work: "task_work",
	bpf_res_spin_lock: "res_spin_lock",
	__sk_buff: "ctx",
	xdp_md: "ctx",
	bpf_sock_addr_kern: "ctx",
	bpf_sock_ops_kern: "ctx",
};

/** Endings of names that say what a pointer is. */
const SUFFIXES: readonly (readonly [suffix: string, kind: KfuncArgKind])[] = [
	["__ign", "ignored"],
	["__prog", "prog"],
	["__map", "map"],
	["__str", "const_str"],
	["__alloc", "alloc_btf_id"],
	["__refcounted_kptr", "refcounted_kptr"],
	["__irq_flag", "irq_flag"],
];

/** "const struct cpumask *src1": a type, and the name that it declares. */
function parseDeclaration(text: string): { readonly type: KfuncType; readonly name: string } {
	const match = /^(const )?(?:(struct|union|enum|callback|void)\b ?)?(.*?)(\*?)(\w+)$/.exec(text);
	const [, constant, kind = "scalar", rest = "", star, name = ""] = match ?? [];
	const type = {
		kind: kind as KfuncType["kind"],
		name: rest.trim(),
		pointer: star === "*",
		const: constant !== undefined,
	};
	const size = kind === "enum" ? 4 : SCALARS[type.name];
	return { name, type: size === undefined ? type : { ...type, size } };
}

/** A row of the table, from the flags' names and the prototype in C. */
export function parseKfunc(flags: string, prototype: string): Omit<Kfunc, "types"> {
	const [, head = "", list = ""] = /^(.*?)\((.*)\)$/.exec(prototype) ?? [];
	const { name, type: ret } = parseDeclaration(head);
	const words = flags === "" ? [] : flags.toUpperCase().split(" ");
	const bits = words.reduce((sum, word) => sum | KF[word as keyof typeof KF], 0);
	const declarations = list === "void" ? [] : list.split(", ").map(parseDeclaration);
	const args = declarations.map(({ name: arg, type }, i): KfuncArg => {
		const next = declarations[i + 1]?.name ?? "";
		const first = i === 0 && (bits & (KF.ITER_NEW | KF.ITER_NEXT | KF.ITER_DESTROY)) !== 0;
		const kind = first
			? "iter"
			: name === "bpf_cast_to_kern_ctx"
				? "ctx"
				: kindOf(arg, type, /__szk?$/.test(next));
		const number = arg.endsWith("__k")
			? "constant"
			: arg.endsWith("__sz")
				? "size"
				: arg.endsWith("__szk")
					? "constant_size"
					: undefined;
		return {
			name: arg,
			kind,
			type,
			...(number === undefined ? {} : { number }),
			...(arg.endsWith("__uninit") ? { uninit: true as const } : {}),
			...(/__(nullable|opt)$/.test(arg) ? { nullable: true as const } : {}),
		};
	});
	return { name, flags: bits, args, ret };
}

function kindOf(name: string, type: KfuncType, sized: boolean): KfuncArgKind {
	const said = SUFFIXES.find(([suffix]) => name.endsWith(suffix));
	if (said !== undefined) return said[1];
	if (type.kind === "callback") return "callback";
	if (!type.pointer) return "scalar";
	if (sized) return "mem_size";
	if (type.kind === "struct" || type.kind === "union") return OBJECTS[type.name] ?? "struct";
	return "mem";
}

/** Structures and unions that hold but scalars: memory will do for a pointer to one, where the register has no BTF type. */
export const SCALAR_STRUCTS: ReadonlySet<string> = /* @__PURE__ */ new Set([
	...["cpumask", "bpf_cpumask", "nf_inet_addr", "bpf_sock_tuple", "bpf_ct_opts", "bpf_xfrm_state_opts"],
	...["bpf_crypto_params", "bpf_tcp_req_attrs", "bpf_fou_encap", "bpf_xfrm_info"],
]);
