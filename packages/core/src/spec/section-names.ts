/**
 * What section names say of the programs in them: libbpf's table as of Linux 6.18 (SEC_DEF in libbpf.c), in its
 * order, which matters: the first row that fits is taken.
 *
 * A trailing `+` means the bare name or the name, a slash and anything (what to attach to).
 */
import { ATTACH_TYPE, PROG_TYPE } from "../isa/index.ts";
import type { ProgramKind } from "./types.ts";

/** BPF_F_* of BPF_PROG_LOAD that a section name asks for. */
export const PROGRAM_FLAG = { SLEEPABLE: 1 << 4, XDP_HAS_FRAGS: 1 << 5 } as const;

type Row = readonly [
	name: string,
	type: keyof typeof PROG_TYPE,
	attach?: keyof typeof ATTACH_TYPE | undefined,
	flag?: keyof typeof PROGRAM_FLAG,
];

const ROWS: readonly Row[] = [
	["socket", "SOCKET_FILTER"],
	["sk_reuseport/migrate", "SK_REUSEPORT", "SK_REUSEPORT_SELECT_OR_MIGRATE"],
	["sk_reuseport", "SK_REUSEPORT", "SK_REUSEPORT_SELECT"],
	["kprobe+", "KPROBE"],
	["uprobe+", "KPROBE"],
	["uprobe.s+", "KPROBE", undefined, "SLEEPABLE"],
	["kretprobe+", "KPROBE"],
	["uretprobe+", "KPROBE"],
	["uretprobe.s+", "KPROBE", undefined, "SLEEPABLE"],
	["kprobe.multi+", "KPROBE", "TRACE_KPROBE_MULTI"],
	["kretprobe.multi+", "KPROBE", "TRACE_KPROBE_MULTI"],
	["kprobe.session+", "KPROBE", "TRACE_KPROBE_SESSION"],
	["uprobe.multi+", "KPROBE", "TRACE_UPROBE_MULTI"],
	["uretprobe.multi+", "KPROBE", "TRACE_UPROBE_MULTI"],
	["uprobe.session+", "KPROBE", "TRACE_UPROBE_SESSION"],
	["uprobe.multi.s+", "KPROBE", "TRACE_UPROBE_MULTI", "SLEEPABLE"],
	["uretprobe.multi.s+", "KPROBE", "TRACE_UPROBE_MULTI", "SLEEPABLE"],
	["uprobe.session.s+", "KPROBE", "TRACE_UPROBE_SESSION", "SLEEPABLE"],
	["ksyscall+", "KPROBE"],
	["kretsyscall+", "KPROBE"],
	["usdt+", "KPROBE"],
	["usdt.s+", "KPROBE", undefined, "SLEEPABLE"],
	["tc/ingress", "SCHED_CLS", "TCX_INGRESS"],
	["tc/egress", "SCHED_CLS", "TCX_EGRESS"],
	["tcx/ingress", "SCHED_CLS", "TCX_INGRESS"],
	["tcx/egress", "SCHED_CLS", "TCX_EGRESS"],
	["tc", "SCHED_CLS"],
	["classifier", "SCHED_CLS"],
	["action", "SCHED_ACT"],
	["netkit/primary", "SCHED_CLS", "NETKIT_PRIMARY"],
	["netkit/peer", "SCHED_CLS", "NETKIT_PEER"],
	["tracepoint+", "TRACEPOINT"],
	["tp+", "TRACEPOINT"],
	["raw_tracepoint+", "RAW_TRACEPOINT"],
	["raw_tp+", "RAW_TRACEPOINT"],
	["raw_tracepoint.w+", "RAW_TRACEPOINT_WRITABLE"],
	["raw_tp.w+", "RAW_TRACEPOINT_WRITABLE"],
	["tp_btf+", "TRACING", "TRACE_RAW_TP"],
	["tp_btf.s+", "TRACING", "TRACE_RAW_TP", "SLEEPABLE"],
	["fentry+", "TRACING", "TRACE_FENTRY"],
	["fmod_ret+", "TRACING", "MODIFY_RETURN"],
	["fexit+", "TRACING", "TRACE_FEXIT"],
	["fentry.s+", "TRACING", "TRACE_FENTRY", "SLEEPABLE"],
	["fmod_ret.s+", "TRACING", "MODIFY_RETURN", "SLEEPABLE"],
	["fexit.s+", "TRACING", "TRACE_FEXIT", "SLEEPABLE"],
	["freplace+", "EXT"],
	["lsm+", "LSM", "LSM_MAC"],
	["lsm.s+", "LSM", "LSM_MAC", "SLEEPABLE"],
	["lsm_cgroup+", "LSM", "LSM_CGROUP"],
	["iter+", "TRACING", "TRACE_ITER"],
	["iter.s+", "TRACING", "TRACE_ITER", "SLEEPABLE"],
	["syscall", "SYSCALL", undefined, "SLEEPABLE"],
	["xdp.frags/devmap", "XDP", "XDP_DEVMAP", "XDP_HAS_FRAGS"],
	["xdp/devmap", "XDP", "XDP_DEVMAP"],
	["xdp.frags/cpumap", "XDP", "XDP_CPUMAP", "XDP_HAS_FRAGS"],
	["xdp/cpumap", "XDP", "XDP_CPUMAP"],
	["xdp.frags", "XDP", "XDP", "XDP_HAS_FRAGS"],
	["xdp", "XDP", "XDP"],
	["perf_event", "PERF_EVENT"],
	["lwt_in", "LWT_IN"],
	["lwt_out", "LWT_OUT"],
	["lwt_xmit", "LWT_XMIT"],
	["lwt_seg6local", "LWT_SEG6LOCAL"],
	["sockops", "SOCK_OPS", "CGROUP_SOCK_OPS"],
	["sk_skb/stream_parser", "SK_SKB", "SK_SKB_STREAM_PARSER"],
	["sk_skb/stream_verdict", "SK_SKB", "SK_SKB_STREAM_VERDICT"],
	["sk_skb/verdict", "SK_SKB", "SK_SKB_VERDICT"],
	["sk_skb", "SK_SKB"],
	["sk_msg", "SK_MSG", "SK_MSG_VERDICT"],
	["lirc_mode2", "LIRC_MODE2", "LIRC_MODE2"],
	["flow_dissector", "FLOW_DISSECTOR", "FLOW_DISSECTOR"],
	["cgroup_skb/ingress", "CGROUP_SKB", "CGROUP_INET_INGRESS"],
	["cgroup_skb/egress", "CGROUP_SKB", "CGROUP_INET_EGRESS"],
	["cgroup/skb", "CGROUP_SKB"],
	["cgroup/sock_create", "CGROUP_SOCK", "CGROUP_INET_SOCK_CREATE"],
	["cgroup/sock_release", "CGROUP_SOCK", "CGROUP_INET_SOCK_RELEASE"],
	["cgroup/sock", "CGROUP_SOCK", "CGROUP_INET_SOCK_CREATE"],
	["cgroup/post_bind4", "CGROUP_SOCK", "CGROUP_INET4_POST_BIND"],
	["cgroup/post_bind6", "CGROUP_SOCK", "CGROUP_INET6_POST_BIND"],
	["cgroup/bind4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_BIND"],
	["cgroup/bind6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_BIND"],
	["cgroup/connect4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_CONNECT"],
	["cgroup/connect6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_CONNECT"],
	["cgroup/connect_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_CONNECT"],
	["cgroup/sendmsg4", "CGROUP_SOCK_ADDR", "CGROUP_UDP4_SENDMSG"],
	["cgroup/sendmsg6", "CGROUP_SOCK_ADDR", "CGROUP_UDP6_SENDMSG"],
	["cgroup/sendmsg_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_SENDMSG"],
	["cgroup/recvmsg4", "CGROUP_SOCK_ADDR", "CGROUP_UDP4_RECVMSG"],
	["cgroup/recvmsg6", "CGROUP_SOCK_ADDR", "CGROUP_UDP6_RECVMSG"],
	["cgroup/recvmsg_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_RECVMSG"],
	["cgroup/getpeername4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_GETPEERNAME"],
	["cgroup/getpeername6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_GETPEERNAME"],
	["cgroup/getpeername_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_GETPEERNAME"],
	["cgroup/getsockname4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_GETSOCKNAME"],
	["cgroup/getsockname6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_GETSOCKNAME"],
	["cgroup/getsockname_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_GETSOCKNAME"],
	["cgroup/sysctl", "CGROUP_SYSCTL", "CGROUP_SYSCTL"],
	["cgroup/getsockopt", "CGROUP_SOCKOPT", "CGROUP_GETSOCKOPT"],
	["cgroup/setsockopt", "CGROUP_SOCKOPT", "CGROUP_SETSOCKOPT"],
	["cgroup/dev", "CGROUP_DEVICE", "CGROUP_DEVICE"],
	["struct_ops+", "STRUCT_OPS"],
	["struct_ops.s+", "STRUCT_OPS", undefined, "SLEEPABLE"],
	["sk_lookup", "SK_LOOKUP", "SK_LOOKUP"],
	["netfilter", "NETFILTER", "NETFILTER"],
];
/** What a section name says; `attachTo` is what follows the slash of a `+` row. */
export interface SectionKind extends ProgramKind {
	readonly attachTo?: string;
}

const kindOf = ([, type, attach, flag]: Row, attachTo: string): SectionKind => ({
	type: PROG_TYPE[type],
	expectedAttachType: attach === undefined ? 0 : ATTACH_TYPE[attach],
	flags: flag === undefined ? 0 : PROGRAM_FLAG[flag],
	...(attachTo === "" ? {} : { attachTo }),
});

/**
 * The kind of the programs in a section, or undefined if its name says nothing.
 *
 * libbpf's own rule comes first (exact names, and `+`). Names that it refuses since 1.0 but that older loaders and
 * cilium/ebpf take by prefix (`xdp/tail`, `tc/entry`, `xdp_fwd`, `socket1`, `cgroup/sock2`) come second. A leading
 * `?` ("don't load by default") is no part of the name.
 */
export function sectionKind(section: string): SectionKind | undefined {
	const name = section.startsWith("?") ? section.slice(1) : section;
	for (const row of ROWS) {
		const pattern = row[0];
		if (!pattern.endsWith("+")) {
			if (name === pattern) return kindOf(row, "");
			continue;
		}
		const stem = pattern.slice(0, -1);
		if (name === stem) return kindOf(row, "");
		if (name.startsWith(`${stem}/`)) return kindOf(row, name.slice(stem.length + 1));
	}
	for (const row of ROWS) {
		if (!row[0].endsWith("+") && name.startsWith(row[0])) return kindOf(row, "");
	}
	return undefined;
}

/**
 * The section name that stands for a context structure, for functions whose own section says nothing. The
 * structures are libbpf's global_ctx_map; of the several types that share `__sk_buff` tc is taken, which is what
 * such objects were loaded as.
 */
const CONTEXT_SECTIONS: ReadonlyMap<string, string> = new Map([
	["__sk_buff", "tc"],
	["xdp_md", "xdp"],
	["bpf_cgroup_dev_ctx", "cgroup/dev"],
	["bpf_sock", "cgroup/sock"],
	["bpf_sockopt", "cgroup/setsockopt"],
	["bpf_sysctl", "cgroup/sysctl"],
	["bpf_user_pt_regs_t", "kprobe"],
	["pt_regs", "kprobe"],
	["bpf_nf_ctx", "netfilter"],
	["bpf_perf_event_data", "perf_event"],
	["bpf_raw_tracepoint_args", "raw_tp"],
	["bpf_sk_lookup", "sk_lookup"],
	["sk_msg_md", "sk_msg"],
	["sk_reuseport_md", "sk_reuseport"],
	["bpf_sock_ops", "sockops"],
]);

/** The kind of a program whose context is `struct <name> *`. */
export function contextKind(name: string): SectionKind | undefined {
	const section = CONTEXT_SECTIONS.get(name);
	return section === undefined ? undefined : sectionKind(section);
}
