/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The realistic chain: parse (VLAN or not) → ipv4 → by protocol (a dynamic slot) → classify by 5-tuple → route by
 * longest prefix → rewrite: one dynamic and four constant tail calls. Registers don't survive them: offsets travel
 * in a per-CPU scratch value. The TTL is not tested for zero, so that a repeated run does the same work.
 */
#include "flows.h"

int ipv4(struct xdp_md *ctx);
int ports(struct xdp_md *ctx);
int classify(struct xdp_md *ctx);
int forward(struct xdp_md *ctx);
int rewrite(struct xdp_md *ctx);

enum { STEP_IPV4, STEP_CLASSIFY, STEP_FORWARD, STEP_REWRITE, STEPS };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STEPS);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} steps SEC(".maps") = {
	.values = {
		[STEP_IPV4] = (void *)&ipv4,
		[STEP_CLASSIFY] = (void *)&classify,
		[STEP_FORWARD] = (void *)&forward,
		[STEP_REWRITE] = (void *)&rewrite,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} protocols SEC(".maps") = { .values = { [IPPROTO_TCP] = (void *)&ports, [IPPROTO_UDP] = (void *)&ports } };

struct scratch {
	__u32 l3, l4;
	__u32 next_hop;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

struct prefix {
	__u32 length;
	__u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 10000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

static __inline struct scratch *state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

static __inline void *bytes_at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *at = packet(ctx) + (offset & 127);

	return at + size > packet_end(ctx) ? 0 : at;
}

SEC("xdp")
int work(struct xdp_md *ctx)
{
	struct scratch *s = state();
	struct ethhdr *eth = bytes_at(ctx, 0, sizeof(*eth) + sizeof(struct vlanhdr));
	__u16 proto;

	if (!s || !eth)
		return XDP_DROP;
	s->l3 = sizeof(*eth);
	proto = eth->proto;
	if (proto == htons(ETH_P_8021Q)) {
		proto = ((struct vlanhdr *)(eth + 1))->proto;
		s->l3 += sizeof(struct vlanhdr);
	}
	if (proto != htons(ETH_P_IP))
		return XDP_PASS;
	tail_call_static(ctx, &steps, STEP_IPV4);
	return XDP_ABORTED;
}

SEC("xdp")
int ipv4(struct xdp_md *ctx)
{
	struct scratch *s = state();
	struct iphdr *ip = s ? bytes_at(ctx, s->l3, sizeof(*ip)) : 0;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return XDP_DROP;
	s->l4 = s->l3 + ip->ihl * 4;
	bpf_tail_call(ctx, &protocols, ip->protocol);
	return XDP_DROP;
}

SEC("xdp")
int ports(struct xdp_md *ctx)
{
	struct scratch *s = state();

	if (!s || !bytes_at(ctx, s->l4, sizeof(struct udphdr)))
		return XDP_DROP;
	tail_call_static(ctx, &steps, STEP_CLASSIFY);
	return XDP_ABORTED;
}

SEC("xdp")
int classify(struct xdp_md *ctx)
{
	struct scratch *s = state();
	struct flow flow = {};
	struct counter *counter, first = { .packets = 1 };
	struct iphdr *ip = s ? bytes_at(ctx, s->l3, sizeof(*ip)) : 0;
	struct udphdr *udp;

	if (!ip)
		return XDP_DROP;
	flow.saddr = ip->saddr;
	flow.daddr = ip->daddr;
	flow.protocol = ip->protocol;
	udp = bytes_at(ctx, s->l4, sizeof(*udp));
	if (!udp)
		return XDP_DROP;
	flow.sport = udp->source;
	flow.dport = udp->dest;
	counter = bpf_map_lookup_elem(&flows, &flow);
	if (counter) {
		counter->packets++;
		counter->bytes += ctx->data_end - ctx->data;
	} else {
		first.bytes = ctx->data_end - ctx->data;
		bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST);
	}
	tail_call_static(ctx, &steps, STEP_FORWARD);
	return XDP_ABORTED;
}

SEC("xdp")
int forward(struct xdp_md *ctx)
{
	struct scratch *s = state();
	struct prefix prefix = { .length = 32 };
	struct iphdr *ip = s ? bytes_at(ctx, s->l3, sizeof(*ip)) : 0;
	__u32 *next_hop;

	if (!ip)
		return XDP_DROP;
	prefix.address = ip->daddr;
	next_hop = bpf_map_lookup_elem(&routes, &prefix);
	if (!next_hop)
		return XDP_DROP;
	s->next_hop = *next_hop;
	tail_call_static(ctx, &steps, STEP_REWRITE);
	return XDP_ABORTED;
}

SEC("xdp")
int rewrite(struct xdp_md *ctx)
{
	struct scratch *s = state();
	struct ethhdr *eth = bytes_at(ctx, 0, sizeof(*eth));
	struct iphdr *ip;

	if (!s || !eth)
		return XDP_DROP;
	ip = bytes_at(ctx, s->l3, sizeof(*ip));
	if (!ip)
		return XDP_DROP;
	__builtin_memcpy(eth->src, eth->dst, sizeof(eth->src));
	*(__u16 *)eth->dst = htons(0x0200);
	*(__u16 *)(eth->dst + 2) = s->next_hop >> 16;
	*(__u16 *)(eth->dst + 4) = s->next_hop;
	decrease_ttl(ip);
	return XDP_TX;
}
