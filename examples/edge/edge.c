/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The edge of a host: TCP for a socket of ours goes up the stack, everything else that has a route is forwarded
 * with the neighbour's address, and the rest is dropped.
 */
#include "../include/net.h"

struct bpf_sock;
struct bpf_sock_tuple {
	__u32 saddr;
	__u32 daddr;
	__u16 sport;
	__u16 dport;
};
struct bpf_fib_lookup {
	__u8 family;
	__u8 l4_protocol;
	__u16 sport;
	__u16 dport;
	__u16 tot_len;
	__u32 ifindex;
	__u32 flowinfo;
	__u32 ipv4_src;
	__u32 unused_src[3];
	__u32 ipv4_dst;
	__u32 unused_dst[3];
	__u32 vlan;
	__u8 smac[6];
	__u8 dmac[6];
};
static long (*const bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)23;
static long (*const bpf_fib_lookup)(void *ctx, struct bpf_fib_lookup *params, int len, __u32 flags) = (void *)69;
static struct bpf_sock *(*const bpf_sk_lookup_tcp)(void *ctx, struct bpf_sock_tuple *tuple, __u32 size, __u64 netns,
						   __u64 flags) = (void *)84;
static long (*const bpf_sk_release)(struct bpf_sock *sock) = (void *)86;

#define L3 14
#define L4 (L3 + 20)
#define BPF_F_CURRENT_NETNS (-1)
enum { AF_INET = 2, BPF_FIB_LKUP_RET_SUCCESS = 0 };

SEC("tc")
int edge(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_fib_lookup fib = {};
	struct bpf_sock *sock;
	struct iphdr ip;

	if (skb->protocol != htons(ETH_P_IP) || bpf_skb_load_bytes(skb, L3, &ip, sizeof(ip)) < 0)
		return TC_ACT_OK;
	tuple.saddr = ip.saddr;
	tuple.daddr = ip.daddr;
	if (ip.protocol == IPPROTO_TCP && bpf_skb_load_bytes(skb, L4, &tuple.sport, 4) == 0) {
		sock = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple), BPF_F_CURRENT_NETNS, 0);
		if (sock) {
			bpf_sk_release(sock);
			return TC_ACT_OK;
		}
	}
	fib.family = AF_INET;
	fib.tot_len = ntohs(ip.tot_len);
	fib.ifindex = skb->ifindex;
	fib.ipv4_src = ip.saddr;
	fib.ipv4_dst = ip.daddr;
	if (bpf_fib_lookup(skb, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return TC_ACT_SHOT;
	bpf_skb_store_bytes(skb, 0, fib.dmac, 6, 0);
	bpf_skb_store_bytes(skb, 6, fib.smac, 6, 0);
	return bpf_redirect(fib.ifindex, 0);
}

/* bpf_fib_lookup asks for it. */
char _license[] SEC("license") = "GPL";
