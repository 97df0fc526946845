/**
 * Types whose layout is an interface that the kernel never changes: contexts of programs, arguments of helpers, and
 * packet headers. Objects compiled with vmlinux.h have CO-RE records for every access to them; without a kernel's
 * BTF the object's own definition is the answer.
 */
const STABLE = new Set([
	// contexts (linux/bpf.h)
	"xdp_md",
	"__sk_buff",
	"bpf_sock",
	"bpf_sock_addr",
	"bpf_sock_ops",
	"bpf_sockopt",
	"bpf_sysctl",
	"bpf_sk_lookup",
	"bpf_cgroup_dev_ctx",
	"bpf_perf_event_data",
	"bpf_raw_tracepoint_args",
	"sk_msg_md",
	"sk_reuseport_md",
	// arguments and return values of helpers
	"bpf_fib_lookup",
	"bpf_tunnel_key",
	"bpf_xfrm_state",
	"bpf_redir_neigh",
	"bpf_spin_lock",
	"bpf_timer",
	"bpf_sock_tuple",
	"bpf_tcp_sock",
	"bpf_pidns_info",
	"xdp_action",
	// packet headers
	"ethhdr",
	"vlan_hdr",
	"arphdr",
	"iphdr",
	"ipv6hdr",
	"ipv6_opt_hdr",
	"ip_auth_hdr",
	"frag_hdr",
	"in_addr",
	"in6_addr",
	"icmphdr",
	"icmp6hdr",
	"tcphdr",
	"udphdr",
	"sctphdr",
	"vxlanhdr",
	"genevehdr",
	"gre_base_hdr",
]);

export function isStableType(essentialName: string): boolean {
	return STABLE.has(essentialName);
}
