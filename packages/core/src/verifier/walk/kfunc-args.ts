import {
	ARG,
	CONTEXTS,
	DYNPTR_TYPE,
	KF,
	type Kfunc,
	type KfuncArg,
	type KfuncType,
	SCALAR_STRUCTS,
} from "../data/index.ts";
import { markChainPrecision } from "../prune/precision.ts";
import { Rejection } from "../reject.ts";
import { REG_STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG, typeName } from "../state/types.ts";
import { DYNPTR } from "./dynptr-slots.ts";
import { checkDynptr, dynptrState } from "./dynptrs.ts";
import { checkOffset } from "./helper-args.ts";
import { checkHelperMemory, checkMemorySize } from "./helper-memory.ts";
import { checkIrqFlag, checkIterator, type IteratorPlace } from "./stack-objects.ts";
import { maybeNull, type Walk } from "./walk.ts";

/** What the arguments so far have said (kernel: struct bpf_kfunc_call_arg_meta). */
export interface KfuncMeta {
	readonly kfunc: Kfunc;
	refObjId: number;
	releaseRegno: number;
	/** A `__k` or `__szk` argument's number. */
	constant: bigint | undefined;
	iterator: IteratorPlace | undefined;
	/** The dynptr given: its id, DYNPTR kind, reference. */
	dynptr: { readonly id: number; readonly kind: number; readonly ref: number } | undefined;
}

/** Structures that registers of other kinds point to as well (reg2btf_ids). */
const STRUCTS: Readonly<Record<number, string>> = {
	[REG.SOCKET]: "sock",
	[REG.SOCK_COMMON]: "sock_common",
	[REG.TCP_SOCK]: "tcp_sock",
	[REG.MAP_PTR]: "bpf_map",
};
const FROM: Readonly<Record<string, number>> = {
	bpf_dynptr_from_skb: DYNPTR_TYPE.SKB,
	bpf_dynptr_from_xdp: DYNPTR_TYPE.XDP,
	bpf_dynptr_from_skb_meta: DYNPTR_TYPE.SKB_META,
};
const CLONED: Readonly<Record<number, number>> = {
	[DYNPTR.LOCAL]: DYNPTR_TYPE.LOCAL,
	[DYNPTR.RINGBUF]: DYNPTR_TYPE.RINGBUF,
	[DYNPTR.SKB]: DYNPTR_TYPE.SKB,
	[DYNPTR.XDP]: DYNPTR_TYPE.XDP,
	[DYNPTR.SKB_META]: DYNPTR_TYPE.SKB_META,
};

/** All arguments (check_kfunc_args). */
export function checkKfuncArguments(w: Walk, meta: KfuncMeta): void {
	const { kfunc } = meta;
	for (let i = 0; i < kfunc.args.length; i++) {
		const arg = kfunc.args[i]!;
		if (arg.kind === "ignored" || arg.kind === "prog") continue;
		if (arg.kind === "scalar") checkNumber(w, i + 1, arg, meta);
		else if (checkPointer(w, i, arg, meta) === "with size") i++;
	}
	if (kfunc.flags & KF.RELEASE && meta.releaseRegno === 0)
		w.env.log.reject("EINVAL", `release kernel function ${kfunc.name} expects refcounted PTR_TO_BTF_ID`);
}

function checkNumber(w: Walk, regno: number, { number }: KfuncArg, meta: KfuncMeta): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	if (!core.isScalar(reg)) log.reject("EINVAL", `R${regno} is not a scalar`);
	if (number !== "constant") return;
	if (!core.isConst(reg)) log.reject("EINVAL", `R${regno} must be a known constant`);
	markChainPrecision(w, regno);
	meta.constant = core.tnumValue(w.reg(regno));
}

/** "with size": the next argument has been looked at as well. */
function checkPointer(w: Walk, index: number, arg: KfuncArg, meta: KfuncMeta): "with size" | undefined {
	const { core, env } = w;
	const { log } = env;
	const { kfunc } = meta;
	const regno = index + 1;
	const reg = w.reg(regno);
	const type = core.type(reg);
	const trusted = (kfunc.flags & (KF.TRUSTED_ARGS | KF.RCU)) !== 0 || (kfunc.flags & KF.RELEASE) !== 0;
	const isNull = core.isNull(reg);
	if (trusted && (isNull || maybeNull(type)) && !(arg.nullable && arg.name.endsWith("__nullable")))
		log.reject("EACCES", `Possibly NULL pointer passed to trusted arg${index}`);
	const ref = core.get(reg, REG_STATE.REF_OBJ_ID);
	if (ref !== 0) {
		meta.refObjId = ref;
		if (kfunc.flags & KF.RELEASE) meta.releaseRegno = regno;
	}
	if (isNull && arg.name.endsWith("__nullable")) return undefined;
	const kind = kindFor(w, index, arg, kfunc);
	if (kind === "struct") checkTrusted(w, regno, reg, kfunc);
	checkOffset(
		w,
		regno,
		kfunc.flags & KF.RELEASE && ref !== 0 ? ARG.PTR_TO_BTF_ID | FLAG.RELEASE : ARG.PTR_TO_BTF_ID,
	);
	switch (kind) {
		case "ctx":
			if (type !== REG.CTX)
				log.reject("EINVAL", `arg#${index} expected pointer to ctx, but got ${typeName(type)}`);
			return undefined;
		case "dynptr":
			dynptr(w, regno, arg, meta);
			return undefined;
		case "iter": {
			const use = kfunc.flags & KF.ITER_NEW ? "new" : kfunc.flags & KF.ITER_NEXT ? "next" : "destroy";
			const { place, refObjId } = checkIterator(w, regno, arg.type.name, use);
			meta.iterator = place;
			if (refObjId !== 0) meta.refObjId = refObjId;
			return undefined;
		}
		case "irq_flag":
			checkIrqFlag(w, regno, kfunc.name === "bpf_local_irq_save");
			return undefined;
		case "struct":
			checkStruct(w, index, arg.type, kfunc);
			return undefined;
		case "mem": {
			if (core.isNull(reg)) return undefined;
			const size = arg.type.size;
			if (size === undefined) return env.notModelled(`the size of ${typeText(arg.type)} ${arg.type.name}`);
			for (const access of ["read", "write"] as const)
				checkHelperMemory(w, regno, size, access, true, undefined);
			return undefined;
		}
		case "mem_size":
			memoryAndSize(w, index, arg, meta);
			return "with size";
		default:
			return env.notModelled(`argument ${arg.name} of ${kfunc.name}`);
	}
}

/** get_kfunc_ptr_arg_type: what the argument is, which for plain structures and memory the register says as well. */
function kindFor(w: Walk, index: number, arg: KfuncArg, { args, name }: Kfunc): KfuncArg["kind"] {
	const { core, env } = w;
	const { log } = env;
	const reg = w.reg(index + 1);
	const context = CONTEXTS[env.type]?.name;
	if (
		arg.kind === "ctx" &&
		(name === "bpf_cast_to_kern_ctx" || arg.type.name.replace(/_kern$/, "") === context)
	)
		return "ctx";
	const plain = arg.kind === "struct" || arg.kind === "ctx" || arg.kind === "mem" || arg.kind === "mem_size";
	if (!plain) return arg.kind;
	const isStruct = arg.type.kind === "struct" || arg.type.kind === "union";
	const registerKind = kindOf(core.type(reg));
	if (registerKind === REG.BTF_ID || STRUCTS[registerKind] !== undefined) {
		if (!isStruct)
			log.reject(
				"EINVAL",
				`kernel function ${name} args#${index} pointer type ${typeText(arg.type)} ${arg.type.name} is not supported`,
			);
		return "struct";
	}
	const sized = arg.kind === "mem_size" && args[index + 1] !== undefined && core.isScalar(w.reg(index + 2));
	const scalars = isStruct ? SCALAR_STRUCTS.has(arg.type.name) : arg.type.kind !== "void";
	if (!scalars && !(sized && arg.type.kind === "void"))
		log.reject(
			"EINVAL",
			`arg#${index} pointer type ${typeText(arg.type)} ${arg.type.name} must point to ${sized ? "void, " : ""}scalar, or struct with scalar`,
		);
	return sized ? "mem_size" : "mem";
}

/** btf_type_str. */
const typeText = ({ kind }: KfuncType): string =>
	({
		struct: "STRUCT",
		union: "UNION",
		enum: "ENUM",
		void: "UNKNOWN",
		scalar: "INT",
		callback: "FUNC_PROTO",
	})[kind];

function checkTrusted(w: Walk, regno: number, reg: number, { flags }: Kfunc): void {
	if ((flags & (KF.TRUSTED_ARGS | KF.RCU | KF.RELEASE)) === 0) return;
	const { core } = w;
	const type = core.type(reg);
	if (core.get(reg, REG_STATE.REF_OBJ_ID) !== 0 || STRUCTS[kindOf(type)] !== undefined) return;
	if (type & (FLAG.TRUSTED | FLAG.ALLOC | FLAG.NON_OWN_REF) && !(type & (FLAG.UNTRUSTED | FLAG.PERCPU)))
		return;
	if (!(flags & KF.RCU)) w.env.log.reject("EINVAL", `R${regno} must be referenced or trusted`);
	if (!(type & FLAG.RCU)) w.env.log.reject("EINVAL", `R${regno} must be a rcu pointer`);
}

/** process_kf_arg_ptr_to_btf_id; structures within others are not known here. */
function checkStruct(w: Walk, index: number, wanted: KfuncType, { name }: Kfunc): void {
	const { core, env } = w;
	const reg = w.reg(index + 1);
	const kind = kindOf(core.type(reg));
	const given = STRUCTS[kind] ?? env.structName(core.get(reg, REG_STATE.AUX));
	if (given === wanted.name) return;
	const related = [given, wanted.name].every((each) => /sock|nf_conn|cpumask/.test(each));
	if (related || given === "") env.notModelled(`struct ${given} as struct ${wanted.name}`);
	env.log.reject(
		"EINVAL",
		`kernel function ${name} args#${index} expected pointer to ${typeText(wanted)} ${wanted.name} but R${index + 1} has a pointer to STRUCT ${given}`,
	);
}

function dynptr(w: Walk, regno: number, arg: KfuncArg, meta: KfuncMeta): void {
	const { core } = w;
	const { name } = meta.kfunc;
	let type: number = ARG.PTR_TO_DYNPTR;
	let cloneOf = 0;
	if (core.type(w.reg(regno)) === REG.DYNPTR) type |= FLAG.RDONLY;
	if (arg.uninit) type |= FLAG.UNINIT;
	if (FROM[name] !== undefined) type |= FROM[name];
	else if (arg.uninit && meta.dynptr !== undefined) {
		type |= CLONED[meta.dynptr.kind] ?? 0;
		cloneOf = meta.dynptr.ref;
	}
	checkDynptr(w, regno, type, cloneOf);
	if (arg.uninit) return;
	const state = dynptrState(w, regno);
	meta.dynptr = {
		id: core.get(state, REG_STATE.ID),
		kind: core.get(state, REG_STATE.AUX),
		ref: core.get(state, REG_STATE.REF_OBJ_ID),
	};
}

/** Memory whose size is the next argument. */
function memoryAndSize(w: Walk, index: number, arg: KfuncArg, meta: KfuncMeta): void {
	const { core } = w;
	const { log } = w.env;
	const size = meta.kfunc.args[index + 1]!;
	const regno = index + 2;
	const optional = arg.name.endsWith("__opt");
	if (!(core.isNull(w.reg(index + 1)) && optional)) {
		try {
			const raw = { raw: false, size: 0, regno: 0, sizeMax: 0 };
			for (const access of ["read", "write"] as const) checkMemorySize(w, regno, access, true, raw);
		} catch (error) {
			if (!(error instanceof Rejection)) throw error;
			log.reject(
				error.errno,
				`arg#${index} arg#${index + 1} memory, len pair leads to invalid memory access`,
			);
		}
	}
	if (size.number !== "constant_size") return;
	if (!core.isConst(w.reg(regno))) log.reject("EINVAL", `R${regno} must be a known constant`);
	meta.constant = core.tnumValue(w.reg(regno));
}
