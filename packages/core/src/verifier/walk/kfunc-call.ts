import type { Insn } from "../../isa/index.ts";
import {
	DEVICE_BOUND_KFUNCS,
	KF,
	type Kfunc,
	kfuncAllowed,
	kfuncUnderLock,
	VERIFIER_KFUNCS,
} from "../data/index.ts";
import type { Env } from "../env.ts";
import type { Log } from "../log/log.ts";
import { INSN } from "../program/aux.ts";
import { isKfuncCall } from "../program/subprograms.ts";
import { REG_STATE, STATE } from "../state/layout.ts";
import { FLAG, REG } from "../state/types.ts";
import { clearCallerSaved } from "./calls.ts";
import { mayAccessPacket } from "./context.ts";
import { DYNPTR, DYNPTR_ID } from "./dynptr-slots.ts";
import { checkReturn } from "./exit.ts";
import { checkKfuncArguments, type KfuncMeta } from "./kfunc-args.ts";
import { acquireReference, clearPacketPointers, PACKET_SLICE, releaseAndInvalidate } from "./references.ts";
import { iterate } from "./stack-objects.ts";
import type { Walk } from "./walk.ts";

const MAX_KFUNCS = 256;
const THROW = "bpf_throw";
/** BTF_MAX_TYPE: no type has a larger id. */
const MAX_TYPE_ID = 0xf_ffff;

/** Functions whose rules are not written yet: objects, lists, trees, queues, locks. */
const NOT_MODELLED =
	/^bpf_(obj_|percpu_obj_|refcount_|list_|rbtree_|wq_|task_work_|res_spin_|arena_|stream_|iter_css|iter_task)/;

/** The kernel functions that the program calls, before the walk (add_kfunc_call). */
export function addKfuncs(env: Env): void {
	const { insns, log, gpl } = env;
	const known = new Set<number>();
	for (const [i, insn] of insns.entries()) {
		if (!isKfuncCall(insn)) continue;
		if (!gpl) log.reject("EINVAL", "cannot call kernel function from non-GPL compatible program");
		// id 0 is what libbpf leaves of a weak function that isn't there: an error only where it is reached
		const key = insn.imm * 0x1_0000 + insn.off;
		if (known.has(key) || isAbsent(insn)) continue;
		if (insn.off < 0) {
			log.write("negative offset disallowed for kernel module function call\n");
			log.reject("EINVAL", "failed to find BTF for kernel function");
		}
		if (insn.off > 0) {
			if (env.options.fdArray !== false && env.object.maps.length > 0)
				env.notModelled("kernel functions of modules");
			log.write("kfunc offset > 0 without fd_array is invalid\n");
			log.reject("EPROTO", "failed to find BTF for kernel function");
		}
		if (known.size === MAX_KFUNCS) log.reject("E2BIG", "too many different kernel function calls");
		known.add(key);
		const name = env.kfuncNameAt(i);
		if (name === undefined) {
			if (env.options.kfuncName === undefined && insn.imm <= MAX_TYPE_ID)
				env.notModelled(`kernel function ${insn.imm}`);
			log.reject("EINVAL", `kernel btf_id ${insn.imm >>> 0} is not a function`);
		}
		if (name !== undefined && DEVICE_BOUND_KFUNCS.has(name))
			log.reject("EINVAL", "metadata kfuncs require device-bound program");
	}
}

const kfuncAt = (env: Env, insn: number): Kfunc | undefined =>
	VERIFIER_KFUNCS.get(env.kfuncNameAt(insn) ?? "");

/** How many registers the call reads. */
export const kfuncParameters = (env: Env, insn: number): number | undefined =>
	kfuncAt(env, insn)?.args.length;

/** The call may sleep; the call may move the packet. */
export const kfuncSleeps = (env: Env, insn: number): boolean =>
	((kfuncAt(env, insn)?.flags ?? 0) & KF.SLEEPABLE) !== 0;
export const kfuncMovesPacket = (env: Env, insn: number): boolean =>
	env.kfuncNameAt(insn) === "bpf_xdp_pull_data";

/** Kernel functions that may be called under a spin lock. */
export function spinAllowed(w: Walk): boolean {
	const kfunc = kfuncAt(w.env, w.insnIdx);
	return kfunc !== undefined && kfuncUnderLock(kfunc);
}

export function isThrow(w: Walk): boolean {
	return w.env.kfuncNameAt(w.insnIdx) === THROW;
}

/** The program may end by an exception: the kernel then adds a subprogram that returns the exception's number. */
export function throws(env: Env): boolean {
	return env.insns.some(
		(insn, i) => isKfuncCall(insn) && env.aux.has(i, INSN.SEEN) && env.kfuncNameAt(i) === THROW,
	);
}

/** The program says itself what an exception does, or has callbacks, which may not throw. */
function ownsException({ btf, subprograms }: Env): boolean {
	const tagged = btf?.types.some(
		({ kind, ...type }) =>
			kind === "decl_tag" && "name" in type && type.name.startsWith("exception_callback:"),
	);
	return tagged === true || subprograms.some(({ isCallback }) => isCallback);
}

/** A weak function that the kernel doesn't have. */
const isAbsent = ({ imm, off }: Insn): boolean => imm === 0 && off === 0;

/** Behind the walk: a call that can be reached must call something (fixup_kfunc_call). */
export function checkKfuncsLeft({ insns, aux, log }: Env): void {
	const left = insns.some((insn, i) => isKfuncCall(insn) && isAbsent(insn) && aux.has(i, INSN.SEEN));
	if (left) log.reject("EINVAL", "invalid kernel function call not eliminated in verifier pass");
}

/** A call of a kernel function (check_kfunc_call). */
export function checkKfuncCall(w: Walk, insn: Insn): void {
	const env: Env = w.env;
	const log: Log = env.log;
	if (isAbsent(insn)) {
		w.insnIdx++;
		return;
	}
	const name = env.kfuncNameAt(w.insnIdx);
	const kfunc = kfuncAt(env, w.insnIdx);
	if (name === undefined) env.notModelled(`kernel function ${insn.imm}`);
	// a function of a module, or one that this table leaves out
	if (kfunc === undefined && name.startsWith("bpf_")) env.notModelled(`kernel function ${name}`);
	if (kfunc === undefined || !kfuncAllowed(kfunc, env.type, env.attachType))
		log.reject("EACCES", `calling kernel function ${name} is not allowed`);
	const sleeps = (kfunc.flags & KF.SLEEPABLE) !== 0;
	if (sleeps && w.word(STATE.IN_SLEEPABLE) === 0)
		log.reject("EACCES", `program must be sleepable to call sleepable kfunc ${name}`);
	const allocates = name === "bpf_obj_new_impl" || name === "bpf_percpu_obj_new_impl";
	if (allocates && !env.hasFuncInfo && w.core.isScalar(w.reg(1)) && w.core.isConst(w.reg(1)))
		log.reject("EINVAL", "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
	if (NOT_MODELLED.test(name)) env.notModelled(`kernel function ${name}`);
	const meta: KfuncMeta = {
		kfunc,
		refObjId: 0,
		releaseRegno: 0,
		constant: undefined,
		iterator: undefined,
		dynptr: undefined,
	};
	checkKfuncArguments(w, meta);
	regions(w, name, sleeps);
	if (meta.releaseRegno !== 0) {
		const ref = w.core.get(w.reg(meta.releaseRegno), REG_STATE.REF_OBJ_ID);
		if (!releaseAndInvalidate(w, ref))
			log.reject("EINVAL", `kfunc ${name}#${insn.imm} reference has not been acquired before`);
	}
	if (name === THROW) {
		if (ownsException(env)) env.notModelled("exception callbacks");
		// the kernel's own mistake: "verifier bug: scc exit: no visit info for call chain"
		if (env.aux.scc[w.insnIdx] !== 0) env.notModelled("bpf_throw in a loop");
		checkReturn(w, 1);
	}
	clearCallerSaved(w, w.frame());
	setResult(w, meta);
	if (kfuncMovesPacket(env, w.insnIdx)) clearPacketPointers(w);
	if (kfunc.flags & KF.ITER_NEXT && meta.iterator !== undefined) iterate(w, meta.iterator);
	// an exception ends the path here
	if (name !== THROW) w.insnIdx++;
}

/** Regions that functions open and close, and that sleeping ones may not be called in. */
function regions(w: Walk, name: string, sleeps: boolean): void {
	const { log } = w.env;
	const rcu = w.word(STATE.ACTIVE_RCU_LOCKS);
	const asleep = (where: string) =>
		log.reject("EACCES", `kernel func ${name} is sleepable within ${where} region`);
	if (name === "bpf_rcu_read_lock") {
		if (rcu) log.reject("EINVAL", `nested rcu read lock (kernel function ${name})`);
		w.setWord(STATE.ACTIVE_RCU_LOCKS, 1);
	} else if (name === "bpf_rcu_read_unlock") {
		if (!rcu) log.reject("EINVAL", `unmatched rcu read unlock (kernel function ${name})`);
		w.setWord(STATE.ACTIVE_RCU_LOCKS, 0);
	} else if (rcu && sleeps) asleep("rcu_read_lock");
	const preempt = w.word(STATE.ACTIVE_PREEMPT_LOCKS);
	if (name === "bpf_preempt_disable") w.setWord(STATE.ACTIVE_PREEMPT_LOCKS, preempt + 1);
	else if (name === "bpf_preempt_enable") {
		if (!preempt) log.reject("EINVAL", `unmatched attempt to enable preemption (kernel function ${name})`);
		w.setWord(STATE.ACTIVE_PREEMPT_LOCKS, preempt - 1);
	} else if (preempt && sleeps) asleep("non-preemptible");
	if (sleeps && w.word(STATE.ACTIVE_IRQ_ID)) asleep("IRQ-disabled");
}

/** What r0 is afterwards. */
function setResult(w: Walk, meta: KfuncMeta): void {
	const { core, env } = w;
	const { ret, flags, name } = meta.kfunc;
	const reg = w.reg(0);
	const pointer = (type: number, aux: number) => {
		core.clearReg(reg);
		core.markPointer(reg, type);
		core.set(reg, REG_STATE.AUX, aux);
	};
	if (!ret.pointer) {
		if (ret.kind !== "void") w.markUnknown(0);
		return;
	}
	if (ret.kind === "void") special(w, meta, pointer);
	else if (ret.kind === "struct") {
		const untrusted =
			name === "bpf_get_kmem_cache" ? FLAG.UNTRUSTED : flags & KF.ITER_NEXT ? FLAG.TRUSTED : 0;
		pointer(REG.BTF_ID | untrusted, env.structId(ret.name));
	} else {
		pointer(REG.MEM | FLAG.RDONLY, ret.size ?? 0);
		core.set(reg, REG_STATE.REF_OBJ_ID, meta.refObjId);
	}
	if (flags & KF.RET_NULL) {
		core.set(reg, REG_STATE.TYPE, core.type(reg) | FLAG.MAYBE_NULL);
		core.set(reg, REG_STATE.ID, w.newId());
	}
	if (!(flags & KF.ACQUIRE)) return;
	const id = acquireReference(w);
	if (flags & KF.RET_NULL) core.set(w.reg(0), REG_STATE.ID, id);
	core.set(w.reg(0), REG_STATE.REF_OBJ_ID, id);
}

/** The structures behind contexts: what bpf_cast_to_kern_ctx gives. */
const KERNEL_CONTEXTS: Readonly<Record<string, string>> = { __sk_buff: "sk_buff", xdp_md: "xdp_buff" };

/** Functions that return void *: what it points to is theirs to say. */
function special(
	w: Walk,
	{ kfunc: { name }, constant, dynptr }: KfuncMeta,
	pointer: (type: number, aux: number) => void,
): void {
	const { core, env } = w;
	switch (name) {
		case "bpf_dynptr_slice":
		case "bpf_dynptr_slice_rdwr": {
			const reads = name === "bpf_dynptr_slice";
			if (!reads && !mayAccessPacket(w, "write"))
				env.log.reject("EINVAL", "the prog does not allow writes to packet data");
			pointer(REG.MEM | (reads ? FLAG.RDONLY : 0), Number(constant ?? 0n));
			core.set(w.reg(0), DYNPTR_ID, dynptr?.id ?? 0);
			const ofPacket =
				dynptr !== undefined && [DYNPTR.SKB, DYNPTR.XDP, DYNPTR.SKB_META].includes(dynptr.kind as 3);
			if (ofPacket) core.set(w.reg(0), REG_STATE.AUX3, PACKET_SLICE);
			return;
		}
		case "bpf_rdonly_cast":
			if ((constant ?? 0n) > BigInt(MAX_TYPE_ID))
				env.log.reject("EINVAL", `Unknown type ID ${constant} passed to kfunc bpf_rdonly_cast`);
			if (constant !== 0n) env.notModelled("bpf_rdonly_cast to a kernel's type");
			pointer(REG.MEM | FLAG.RDONLY | FLAG.UNTRUSTED, 0);
			return;
		case "bpf_cast_to_kern_ctx": {
			const struct = env.type === 6 ? KERNEL_CONTEXTS.xdp_md! : KERNEL_CONTEXTS.__sk_buff!;
			pointer(REG.BTF_ID | FLAG.TRUSTED, env.structId(struct));
			return;
		}
		default:
			env.notModelled(`result of kernel function ${name}`);
	}
}
