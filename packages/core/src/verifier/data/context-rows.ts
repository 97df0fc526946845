import type { ContextField } from "../../hooks/index.ts";
import { ATTACH_TYPE } from "../../isa/index.ts";
import { FLAG, REG } from "../state/types.ts";

/** What a register holds after a load: REG and FLAGs; the kernel's structure of a REG.BTF_ID. */
export interface Loaded {
	readonly type: number;
	readonly btf?: string;
}

/** A field of a context, as the hooks describe theirs, and what only the verifier needs. */
export interface ContextRow extends ContextField {
	/** Absent: a number. */
	readonly gives?: Loaded;
	/** Narrower loads only at its first byte. */
	readonly start?: true;
	/** A wider load at its start that is allowed as well. */
	readonly wide?: number;
}

type Narrow = "none" | "start" | "any";

/** A u32, or several: read, and narrower as `narrow` says. */
const u32 = (name: string, offset: number, narrow: Narrow, more: Partial<ContextRow> = {}): ContextRow => ({
	name,
	offset,
	size: 4 * (more.count ?? 1),
	read: true,
	write: false,
	narrow: narrow !== "none",
	...(narrow === "start" ? { start: true as const } : {}),
	...more,
});
const u64 = (name: string, offset: number, narrow: Narrow = "none"): ContextRow =>
	u32(name, offset, narrow, { size: 8 });
export const pointer = (name: string, offset: number, gives: Loaded): ContextRow => ({
	...u64(name, offset),
	gives,
});
const written = (row: ContextRow): ContextRow => ({ ...row, write: true });
const only = (attachTypes: readonly number[], row: ContextRow): ContextRow => ({ ...row, attachTypes });

/** Bytes that may be read in any width. */
export function bytes(name: string, from: number, to: number, write = false): readonly ContextRow[] {
	const widths = [1, 2, 4, 8];
	const row = { name, offset: from, size: to - from, read: true, write, narrow: false };
	return [{ ...row, loadWidths: widths, storeWidths: widths }];
}

/** Width of one element: a u32 of remote_ip6[4], or the field itself. */
const elementSize = (row: ContextRow): number => row.size / (row.count ?? 1);

export function loadFits(row: ContextRow, offset: number, size: number): boolean {
	const from = offset - row.offset;
	if (size === row.wide) return from === 0;
	if (from < 0 || from + size > row.size) return false;
	if (row.loadWidths?.includes(size)) return offset % size === 0;
	const element = elementSize(row);
	if (size === element) return from % element === 0;
	return row.narrow && size < element && offset % size === 0 && (row.start !== true || from === 0);
}

export function storeFits(row: ContextRow, offset: number, size: number): boolean {
	const from = offset - row.offset;
	if (from < 0 || from + size > row.size) return false;
	return (row.storeWidths ?? [elementSize(row)]).includes(size) && offset % size === 0;
}

const PACKET: Loaded = { type: REG.PACKET };
const PACKET_END: Loaded = { type: REG.PACKET_END };
const SOCKET: Loaded = { type: REG.SOCKET };
const SOCKET_OR_NULL: Loaded = { type: REG.SOCKET | FLAG.MAYBE_NULL };
const SOCK_COMMON_OR_NULL: Loaded = { type: REG.SOCK_COMMON | FLAG.MAYBE_NULL };

const A = ATTACH_TYPE;
const CREATE = [A.CGROUP_INET_SOCK_CREATE, A.CGROUP_INET_SOCK_RELEASE];
const [BIND4, BIND6] = [A.CGROUP_INET4_POST_BIND, A.CGROUP_INET6_POST_BIND];

/** struct bpf_sock (sock_filter_is_valid_access). */
export const cgroupSock: readonly ContextRow[] = [
	only(CREATE, written(u32("bound_dev_if", 0, "none"))),
	u32("family", 4, "start"),
	u32("type", 8, "start"),
	u32("protocol", 12, "start"),
	only(CREATE, written(u32("mark", 16, "none"))),
	only(CREATE, written(u32("priority", 20, "none"))),
	only([BIND4], u32("src_ip4", 24, "any")),
	only([BIND6], u32("src_ip6", 28, "any", { count: 4 })),
	only([BIND4, BIND6], u32("src_port", 44, "start")),
	u32("dst_port", 48, "any", { size: 2, wide: 4 }),
	u32("dst_ip4", 52, "any"),
	u32("dst_ip6", 56, "any", { count: 4 }),
	u32("state", 72, "start"),
	u32("rx_queue_mapping", 76, "start"),
];

const INET4 = [
	...[A.CGROUP_INET4_BIND, A.CGROUP_INET4_CONNECT, A.CGROUP_UDP4_SENDMSG, A.CGROUP_UDP4_RECVMSG],
	...[A.CGROUP_INET4_GETPEERNAME, A.CGROUP_INET4_GETSOCKNAME],
];
const INET6 = [
	...[A.CGROUP_INET6_BIND, A.CGROUP_INET6_CONNECT, A.CGROUP_UDP6_SENDMSG, A.CGROUP_UDP6_RECVMSG],
	...[A.CGROUP_INET6_GETPEERNAME, A.CGROUP_INET6_GETSOCKNAME],
];
const ip6 = (name: string, offset: number): ContextRow =>
	written(u32(name, offset, "any", { count: 4, loadWidths: [1, 2, 4, 8], storeWidths: [4, 8] }));

/** struct bpf_sock_addr (sock_addr_is_valid_access). */
export const cgroupSockAddr: readonly ContextRow[] = [
	u32("user_family", 0, "none"),
	only(INET4, written(u32("user_ip4", 4, "any"))),
	only(INET6, ip6("user_ip6", 8)),
	written(u32("user_port", 24, "any")),
	u32("family", 28, "none"),
	u32("type", 32, "none"),
	u32("protocol", 36, "none"),
	only([A.CGROUP_UDP4_SENDMSG], written(u32("msg_src_ip4", 40, "any"))),
	only([A.CGROUP_UDP6_SENDMSG], ip6("msg_src_ip6", 44)),
	pointer("sk", 64, SOCKET),
];

const SOCK_OPS_STATE = [
	...["family", "remote_ip4", "local_ip4"],
	...["remote_ip6[0]", "remote_ip6[1]", "remote_ip6[2]", "remote_ip6[3]"],
	...["local_ip6[0]", "local_ip6[1]", "local_ip6[2]", "local_ip6[3]"],
	...["remote_port", "local_port", "is_fullsock", "snd_cwnd", "srtt_us", "bpf_sock_ops_cb_flags", "state"],
	...["rtt_min", "snd_ssthresh", "rcv_nxt", "snd_nxt", "snd_una", "mss_cache", "ecn_flags", "rate_delivered"],
	...[
		"rate_interval_us",
		"packets_out",
		"retrans_out",
		"total_retrans",
		"segs_in",
		"data_segs_in",
		"segs_out",
	],
	...["data_segs_out", "lost_out", "sacked_out"],
];

/** struct bpf_sock_ops (sock_ops_is_valid_access). */
export const sockOps: readonly ContextRow[] = [
	u32("op", 0, "none"),
	written(u32("reply", 4, "none")),
	...[1, 2, 3].map((i) => u32(`replylong[${i}]`, 4 + 4 * i, "none")),
	...SOCK_OPS_STATE.map((name, i) => u32(name, 20 + 4 * i, "none")),
	written(u32("sk_txhash", 164, "none")),
	u64("bytes_received", 168),
	u64("bytes_acked", 176),
	pointer("sk", 184, SOCKET_OR_NULL),
	pointer("skb_data", 192, PACKET),
	pointer("skb_data_end", 200, PACKET_END),
	u32("skb_len", 208, "none"),
	u32("skb_tcp_flags", 212, "start"),
	u64("skb_hwtstamp", 216),
];

/** struct bpf_cgroup_dev_ctx (cgroup_dev_is_valid_access). */
export const cgroupDevice: readonly ContextRow[] = [
	u32("access_type", 0, "any"),
	u32("major", 4, "none"),
	u32("minor", 8, "none"),
];

/** struct sk_msg_md (sk_msg_is_valid_access). */
export const skMsg: readonly ContextRow[] = [
	pointer("data", 0, PACKET),
	pointer("data_end", 8, PACKET_END),
	u32("family", 16, "none"),
	u32("remote_ip4", 20, "none"),
	u32("local_ip4", 24, "none"),
	u32("remote_ip6", 28, "none", { count: 4 }),
	u32("local_ip6", 44, "none", { count: 4 }),
	u32("remote_port", 60, "none"),
	u32("local_port", 64, "none"),
	u32("size", 68, "none"),
	pointer("sk", 72, SOCKET),
];

/** struct sk_reuseport_md (sk_reuseport_is_valid_access). */
export const skReuseport: readonly ContextRow[] = [
	pointer("data", 0, PACKET),
	pointer("data_end", 8, PACKET_END),
	u32("len", 16, "any"),
	u32("eth_protocol", 20, "none", { loadWidths: [2, 4] }),
	u32("ip_protocol", 24, "any"),
	u32("bind_inany", 28, "any"),
	u32("hash", 32, "none"),
	pointer("sk", 40, SOCKET),
	pointer("migrating_sk", 48, SOCK_COMMON_OR_NULL),
];

/** struct bpf_sysctl (sysctl_is_valid_access). */
export const cgroupSysctl: readonly ContextRow[] = [
	u32("write", 0, "any"),
	written(u32("file_pos", 4, "any")),
];

/** struct bpf_sockopt (cg_sockopt_is_valid_access). */
export const cgroupSockopt: readonly ContextRow[] = [
	pointer("sk", 0, SOCKET),
	pointer("optval", 8, PACKET),
	pointer("optval_end", 16, PACKET_END),
	only([A.CGROUP_GETSOCKOPT], u32("level", 24, "none")),
	only([A.CGROUP_SETSOCKOPT], written(u32("level", 24, "none"))),
	only([A.CGROUP_GETSOCKOPT], u32("optname", 28, "none")),
	only([A.CGROUP_SETSOCKOPT], written(u32("optname", 28, "none"))),
	written(u32("optlen", 32, "none")),
	only([A.CGROUP_GETSOCKOPT], written(u32("retval", 36, "none"))),
];

/** struct bpf_sk_lookup (sk_lookup_is_valid_access). */
export const skLookup: readonly ContextRow[] = [
	pointer("sk", 0, SOCKET_OR_NULL),
	u32("family", 8, "any"),
	u32("protocol", 12, "any"),
	u32("remote_ip4", 16, "any"),
	u32("remote_ip6", 20, "any", { count: 4 }),
	u32("remote_port", 36, "any"),
	u32("local_ip4", 40, "any"),
	u32("local_ip6", 44, "any", { count: 4 }),
	u32("local_port", 60, "any"),
	u32("ingress_ifindex", 64, "any"),
];

/** struct bpf_perf_event_data (pe_prog_is_valid_access): registers whole, the sample in any width. */
export const perfEvent: readonly ContextRow[] = [
	...Array.from({ length: 21 }, (_, i) => u64(`regs[${i}]`, 8 * i)),
	u64("sample_period", 168, "any"),
	u64("addr", 176, "any"),
];
