import { PROG_TYPE } from "../../isa/index.ts";
import { mayBeSleepable, PROGRAM_TYPES } from "../data/index.ts";
import type { Env } from "../env.ts";

/** BPF_COMPLEXITY_LIMIT_INSNS: instructions that a program may have. */
const MAX_INSNS = 1_000_000;
const LAST_TYPE = PROG_TYPE.NETFILTER;

/** What BPF_PROG_LOAD refuses before the verifier begins: without a log. */
export function checkLoad(env: Env): void {
	const { log, type, attachType, options, insns } = env;
	const rules = PROGRAM_TYPES[type];
	const { bpf = true, perfmon = true, netAdmin = true } = options.capabilities ?? {};
	if (insns.length === 0 || insns.length > MAX_INSNS) log.reject("E2BIG", "");
	if (rules === undefined) {
		if (type === PROG_TYPE.UNSPEC || type > LAST_TYPE || type === PROG_TYPE.LIRC_MODE2)
			log.reject("EINVAL", "");
		env.notModelled(`program type ${type}`);
	}
	if (rules.target === true) env.notModelled(`programs of type ${rules.name}`);
	if (rules.capability !== "none" && !bpf) log.reject("EPERM", "");
	if (rules.capability === "CAP_NET_ADMIN" && !netAdmin) log.reject("EPERM", "");
	if (rules.capability === "CAP_PERFMON" && !perfmon) log.reject("EPERM", "");
	if (rules.attachTypes?.includes(attachType) === false) log.reject("EINVAL", "");
}

/** check_attach_btf_id: which programs may sleep. */
export function checkSleepable({ log, type, attachType, flags }: Env): void {
	const sleepable = flags.sleepable === true;
	if (type === PROG_TYPE.SYSCALL) {
		if (!sleepable) log.reject("EINVAL", "Syscall programs can only be sleepable");
		return;
	}
	if (sleepable && !mayBeSleepable(type, attachType))
		log.reject(
			"EINVAL",
			"Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
		);
}
