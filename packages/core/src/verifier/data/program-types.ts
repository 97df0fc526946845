import { ATTACH_TYPE, PROG_TYPE } from "../../isa/index.ts";

const A = ATTACH_TYPE;

/** What a load takes of the caller: with CAP_SYS_ADMIN all of them; "none" may be loaded by anybody where the sysctl allows it. */
export type Capability = "none" | "CAP_BPF" | "CAP_NET_ADMIN" | "CAP_PERFMON";

/** Smallest and largest r0 at the exit. */
export interface ExitRange {
	readonly min: number;
	readonly max: number;
}

interface Exits extends ExitRange {
	/** Expected attach types that it holds for; absent: all others. */
	readonly attachTypes?: readonly number[];
}

/** What 6.18 asks of a program of one type, beside its helpers and its context. */
export interface ProgramTypeRules {
	/** BPF_PROG_TYPE_*, in lower case. */
	readonly name: string;
	/** A load needs it, and CAP_BPF (but for "none"). */
	readonly capability: Capability;
	/** Expected attach types that a load takes, else EINVAL without a log; absent: any number. */
	readonly attachTypes?: readonly number[];
	/** BPF_F_SLEEPABLE: "may" be given, "must" be given; absent: refused. */
	readonly sleepable?: "may" | "must";
	/**
	 * The packet (may_access_direct_pkt_data): "rw", or only read; helpers that have pktAccess take it as memory.
	 * "any": all helpers do (cgroup_sockopt, whose packet is the option's value). Absent: it may be read where the
	 * context has one (sock_ops), and not be given to helpers.
	 */
	readonly packet?: "r" | "rw" | "any";
	/** LD_ABS and LD_IND (may_access_skb). */
	readonly ldAbs?: true;
	/** attach_btf_id is needed, and the target says the context, the result and the helpers; elsewhere it is refused. */
	readonly target?: true;
	/** Kernel's is_tracing_prog_type: no spin locks, timers, lists and trees in its maps. */
	readonly tracing?: true;
	/** map_update_elem and map_delete_elem of sockmaps (may_update_sockmap). */
	readonly sockmap?: "update" | "delete";
	/** Ranges of r0 at the exit, the first that fits; absent: any, pointers too. */
	readonly exits?: readonly Exits[];
}

const ZERO_OR_ONE: readonly Exits[] = [{ min: 0, max: 1 }];

const net = (name: string, more: Partial<ProgramTypeRules> = {}): ProgramTypeRules => ({
	name,
	capability: "CAP_NET_ADMIN",
	...more,
});
const probe = (name: string, more: Partial<ProgramTypeRules> = {}): ProgramTypeRules => ({
	name,
	capability: "CAP_PERFMON",
	tracing: true,
	...more,
});

/** bind, connect, sendmsg may fail the call; for recvmsg, getpeername and getsockname it is too late. */
const SOCK_ADDR_BIND = [A.CGROUP_INET4_BIND, A.CGROUP_INET6_BIND];
const SOCK_ADDR_CALLS = [
	...[A.CGROUP_INET4_CONNECT, A.CGROUP_INET6_CONNECT, A.CGROUP_UNIX_CONNECT],
	...[A.CGROUP_UDP4_SENDMSG, A.CGROUP_UDP6_SENDMSG, A.CGROUP_UNIX_SENDMSG],
];
const SOCK_ADDR_AFTER = [
	...[A.CGROUP_UDP4_RECVMSG, A.CGROUP_UDP6_RECVMSG, A.CGROUP_UNIX_RECVMSG],
	...[A.CGROUP_INET4_GETPEERNAME, A.CGROUP_INET6_GETPEERNAME, A.CGROUP_UNIX_GETPEERNAME],
	...[A.CGROUP_INET4_GETSOCKNAME, A.CGROUP_INET6_GETSOCKNAME, A.CGROUP_UNIX_GETSOCKNAME],
];
const CGROUP_SOCK = [
	...[A.CGROUP_INET_SOCK_CREATE, A.CGROUP_INET_SOCK_RELEASE],
	...[A.CGROUP_INET4_POST_BIND, A.CGROUP_INET6_POST_BIND],
];
const SESSIONS = [A.TRACE_KPROBE_SESSION, A.TRACE_UPROBE_SESSION];

const T = PROG_TYPE;

/**
 * By BPF_PROG_TYPE_*; a type that 6.18 has and this table hasn't (lirc_mode2, ext, lsm) is not modelled. 0 as expected
 * attach type of cgroup_sock and sk_reuseport stands for the first of its list (bpf_prog_load_fixup_attach_type).
 */
export const PROGRAM_TYPES: Readonly<Record<number, ProgramTypeRules>> = {
	[T.SOCKET_FILTER]: { name: "socket_filter", capability: "none", ldAbs: true, sockmap: "update" },
	[T.KPROBE]: probe("kprobe", { sleepable: "may", exits: [{ attachTypes: SESSIONS, min: 0, max: 1 }] }),
	[T.SCHED_CLS]: net("sched_cls", { packet: "rw", ldAbs: true, sockmap: "update" }),
	[T.SCHED_ACT]: net("sched_act", { packet: "rw", ldAbs: true, sockmap: "update" }),
	[T.TRACEPOINT]: probe("tracepoint"),
	[T.XDP]: net("xdp", { packet: "rw", sockmap: "update" }),
	[T.PERF_EVENT]: probe("perf_event"),
	[T.CGROUP_SKB]: {
		name: "cgroup_skb",
		capability: "none",
		attachTypes: [A.CGROUP_INET_INGRESS, A.CGROUP_INET_EGRESS],
		packet: "r",
		exits: [{ attachTypes: [A.CGROUP_INET_EGRESS], min: 0, max: 3 }, ...ZERO_OR_ONE],
	},
	[T.CGROUP_SOCK]: net("cgroup_sock", { attachTypes: [0, ...CGROUP_SOCK], exits: ZERO_OR_ONE }),
	[T.LWT_IN]: net("lwt_in", { packet: "r" }),
	[T.LWT_OUT]: net("lwt_out", { packet: "r" }),
	[T.LWT_XMIT]: net("lwt_xmit", { packet: "rw" }),
	[T.SOCK_OPS]: net("sock_ops", { sockmap: "delete", exits: ZERO_OR_ONE }),
	[T.SK_SKB]: net("sk_skb", { packet: "rw" }),
	[T.CGROUP_DEVICE]: net("cgroup_device", { exits: ZERO_OR_ONE }),
	[T.SK_MSG]: net("sk_msg", { packet: "rw" }),
	[T.RAW_TRACEPOINT]: probe("raw_tracepoint"),
	[T.CGROUP_SOCK_ADDR]: net("cgroup_sock_addr", {
		attachTypes: [...SOCK_ADDR_BIND, ...SOCK_ADDR_CALLS, ...SOCK_ADDR_AFTER],
		exits: [
			{ attachTypes: SOCK_ADDR_BIND, min: 0, max: 3 },
			{ attachTypes: SOCK_ADDR_AFTER, min: 1, max: 1 },
			...ZERO_OR_ONE,
		],
	}),
	[T.LWT_SEG6LOCAL]: net("lwt_seg6local", { packet: "r" }),
	[T.SK_REUSEPORT]: {
		name: "sk_reuseport",
		capability: "CAP_BPF",
		attachTypes: [0, A.SK_REUSEPORT_SELECT, A.SK_REUSEPORT_SELECT_OR_MIGRATE],
		packet: "r",
		sockmap: "update",
	},
	[T.FLOW_DISSECTOR]: net("flow_dissector", { packet: "r", sockmap: "update" }),
	[T.CGROUP_SYSCTL]: net("cgroup_sysctl", { exits: ZERO_OR_ONE }),
	[T.RAW_TRACEPOINT_WRITABLE]: probe("raw_tracepoint_writable"),
	[T.CGROUP_SOCKOPT]: net("cgroup_sockopt", {
		attachTypes: [A.CGROUP_GETSOCKOPT, A.CGROUP_SETSOCKOPT],
		packet: "any",
		exits: ZERO_OR_ONE,
	}),
	[T.TRACING]: {
		name: "tracing",
		capability: "CAP_PERFMON",
		attachTypes: [A.TRACE_RAW_TP, A.TRACE_FENTRY, A.TRACE_FEXIT, A.MODIFY_RETURN, A.TRACE_ITER],
		sleepable: "may",
		target: true,
		exits: [
			{ attachTypes: [A.TRACE_FENTRY, A.TRACE_FEXIT], min: 0, max: 0 },
			{ attachTypes: [A.TRACE_ITER], min: 0, max: 1 },
		],
	},
	[T.STRUCT_OPS]: { name: "struct_ops", capability: "CAP_PERFMON", sleepable: "may", target: true },
	[T.SK_LOOKUP]: {
		name: "sk_lookup",
		capability: "CAP_BPF",
		attachTypes: [A.SK_LOOKUP],
		sockmap: "update",
		exits: ZERO_OR_ONE,
	},
	[T.SYSCALL]: { name: "syscall", capability: "CAP_BPF", attachTypes: [0], sleepable: "must" },
	[T.NETFILTER]: net("netfilter", { attachTypes: [A.NETFILTER], exits: ZERO_OR_ONE }),
};

/** What r0 must be where a program of this type ends; undefined: anything. */
export function exitRange(programType: number, attachType: number): ExitRange | undefined {
	return PROGRAM_TYPES[programType]?.exits?.find(
		({ attachTypes }) => attachTypes?.includes(attachType) ?? true,
	);
}

/** Whether a program of this type may be loaded with BPF_F_SLEEPABLE. */
export function mayBeSleepable(programType: number, attachType: number): boolean {
	if (programType === T.TRACING && attachType === A.TRACE_RAW_TP) return false;
	return PROGRAM_TYPES[programType]?.sleepable !== undefined;
}

/** Flags of BPF_PROG_LOAD that 6.18 takes of every type but for BPF_F_SLEEPABLE; others are EINVAL without a log. */
export const LOAD_FLAGS = 0xff;

/** Of bpf_base_func_proto. */
const TRACING_HELPERS = new Set([
	...[6, 16, 22, 35, 55, 109, 112, 113, 114, 115, 117, 141, 148, 149, 158, 165, 166, 175, 176, 177, 180, 191],
]);
/** skc_to_*, of bpf_sk_base_func_proto: syscall programs have them from elsewhere. */
const SOCKET_CASTS = new Set([136, 137, 138, 139, 140, 178, 196]);

/** Whether a program of this type may call the helper only if its loader has CAP_PERFMON. */
export function needsPerfmon(helper: number, programType: number): boolean {
	return TRACING_HELPERS.has(helper) || (SOCKET_CASTS.has(helper) && programType !== T.SYSCALL);
}

/**
 * Helpers that nobody may call without CAP_BPF. Not asked of the kernel, which here refuses all programs of users
 * without it: what its helpers' documentation and the list of the others leave.
 */
export const NEEDS_BPF: ReadonlySet<number> = /* @__PURE__ */ new Set([
	...[
		17, 37, 80, 93, 94, 118, 123, 153, 154, 156, 157, 164, 169, 170, 171, 172, 181, 194, 197, 198, 199, 200,
	],
	...[201, 202, 203, 209, 210, 211],
]);
