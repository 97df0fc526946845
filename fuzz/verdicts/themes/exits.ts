import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** Every kind of program that the bridge can load, with an attach type where 6.18 wants one. */
export const KINDS: readonly string[] = [
	"socket_filter",
	"kprobe",
	"sched_cls",
	"sched_act",
	"tracepoint",
	"xdp",
	"perf_event",
	"cgroup_skb",
	"cgroup_skb attach=cgroup_inet_egress",
	"cgroup_sock attach=cgroup_inet_sock_create",
	"cgroup_sock attach=cgroup_inet_sock_release",
	"cgroup_sock attach=cgroup_inet4_post_bind",
	"cgroup_sock attach=cgroup_inet6_post_bind",
	"lwt_in",
	"lwt_out",
	"lwt_xmit",
	"lwt_seg6local",
	"sock_ops attach=cgroup_sock_ops",
	"sk_skb attach=sk_skb_stream_parser",
	"sk_skb attach=sk_skb_stream_verdict",
	"sk_skb attach=sk_skb_verdict",
	"cgroup_device attach=cgroup_device",
	"sk_msg attach=sk_msg_verdict",
	"raw_tracepoint",
	"raw_tracepoint_writable",
	"cgroup_sock_addr attach=cgroup_inet4_bind",
	"cgroup_sock_addr attach=cgroup_inet6_bind",
	"cgroup_sock_addr attach=cgroup_inet4_connect",
	"cgroup_sock_addr attach=cgroup_inet6_connect",
	"cgroup_sock_addr attach=cgroup_unix_connect",
	"cgroup_sock_addr attach=cgroup_udp4_sendmsg",
	"cgroup_sock_addr attach=cgroup_udp6_sendmsg",
	"cgroup_sock_addr attach=cgroup_unix_sendmsg",
	"cgroup_sock_addr attach=cgroup_udp4_recvmsg",
	"cgroup_sock_addr attach=cgroup_udp6_recvmsg",
	"cgroup_sock_addr attach=cgroup_unix_recvmsg",
	"cgroup_sock_addr attach=cgroup_inet4_getpeername",
	"cgroup_sock_addr attach=cgroup_inet6_getpeername",
	"cgroup_sock_addr attach=cgroup_unix_getpeername",
	"cgroup_sock_addr attach=cgroup_inet4_getsockname",
	"cgroup_sock_addr attach=cgroup_inet6_getsockname",
	"cgroup_sock_addr attach=cgroup_unix_getsockname",
	"sk_reuseport attach=sk_reuseport_select",
	"sk_reuseport attach=sk_reuseport_select_or_migrate",
	"flow_dissector attach=flow_dissector",
	"cgroup_sysctl attach=cgroup_sysctl",
	"cgroup_sockopt attach=cgroup_getsockopt",
	"cgroup_sockopt attach=cgroup_setsockopt",
	"sk_lookup attach=sk_lookup",
	"netfilter attach=netfilter",
	"syscall sleepable",
];

export const short = (header: string): string => header.replace(/ (attach=)?/g, ".");

export const exits: ThemeScript = {
	about: "What a program may return: by type and attach type, as constant, range and pointer.",
	*programs(): Iterable<Draft> {
		for (const kind of KINDS) {
			const name = short(kind);
			for (const value of [0, 1, 2, 3, 4, -1]) yield made(`${name}-${value}`, kind, `r0 = ${value}\nexit`);
			yield hand(`${name}-any`, kind, "call bpf_get_prandom_u32\nexit");
			yield hand(`${name}-none`, kind, "exit");
			yield hand(`${name}-ctx`, kind, "r0 = r1\nexit");
			yield made(`${name}-masked-1`, kind, "call bpf_get_prandom_u32\nr0 &= 1\nexit");
			yield made(`${name}-masked-3`, kind, "call bpf_get_prandom_u32\nr0 &= 3\nexit");
		}
	},
};
