/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small router, split over eight programs that hand the packet on by tail calls:
 *
 *   parse ─┬─ ipv4 ─┐ by protocol  ┌─ ports ── acl ─┐
 *          │        ├──────────────┼─ echo ─────────┼─ route ── rewrite
 *          └─ ipv6 ─┘              └─ (empty)       ┘
 *
 * `steps` is called with constant slots, `protocols` with the packet's protocol number. Nothing is there for
 * ICMPv6 (58): those packets miss their hop, fall through and are counted as MISSED, and Tailhop says so.
 *
 * Registers and stack do not survive a tail call: what a later program needs lies in `scratch`.
 */
#include "../include/net.h"

int parse(struct xdp_md *ctx);
int ipv4(struct xdp_md *ctx);
int ipv6(struct xdp_md *ctx);
int ports(struct xdp_md *ctx);
int echo(struct xdp_md *ctx);
int acl(struct xdp_md *ctx);
int route(struct xdp_md *ctx);
int rewrite(struct xdp_md *ctx);

enum step { STEP_IPV4, STEP_IPV6, STEP_ACL, STEP_ROUTE, STEP_REWRITE, STEPS };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STEPS);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} steps SEC(".maps") = {
	.values = {
		[STEP_IPV4] = (void *)&ipv4,
		[STEP_IPV6] = (void *)&ipv6,
		[STEP_ACL] = (void *)&acl,
		[STEP_ROUTE] = (void *)&route,
		[STEP_REWRITE] = (void *)&rewrite,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} protocols SEC(".maps") = {
	.values = {
		[IPPROTO_ICMP] = (void *)&echo,
		[IPPROTO_TCP] = (void *)&ports,
		[IPPROTO_UDP] = (void *)&ports,
	},
};

/* What the programs of one packet tell each other. Offsets are bytes from the start of the frame. */
struct packet {
	__u16 l3;
	__u16 l4;
	__u16 vlan;
	__u8 version;
	__u8 protocol;
	__u8 hop;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} scratch SEC(".maps");

enum reason { FORWARDED, TO_HOST, MALFORMED, FRAGMENT, MISSED, DENIED, NO_ROUTE, EXPIRED, REASONS };

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct flow {
	__u32 saddr;
	__u32 daddr;
	__u16 sport;
	__u16 dport;
	__u8 protocol;
	__u8 pad[3];
};

struct verdict {
	__u32 denied;
	__u32 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct verdict);
} flows SEC(".maps");

/* Destinations 10.0.N.0/24 lie behind next_hops[N]; a next hop without a MAC address is no route. */
struct next_hop {
	__u8 mac[6];
	__u16 vlan;
};

const volatile struct next_hop next_hops[4] = {
	{ .mac = { 0x02, 0, 0, 0, 0, 0x10 } },
	{ .mac = { 0x02, 0, 0, 0, 0, 0x11 } },
	{ .mac = { 0x02, 0, 0, 0, 0, 0x12 } },
};

/* New flows to this destination port are denied. */
const volatile __u16 denied_port = 23;

static __inline int count(struct xdp_md *ctx, __u32 reason, int action)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &reason);

	if (counter) {
		counter->packets++;
		counter->bytes += ctx->data_end - ctx->data;
	}
	return action;
}

static __inline struct packet *state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

/* `size` bytes at an offset that came out of a map: bounded here, so that the verifier knows, or null. */
static __inline void *bytes_at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *data = (void *)(long)ctx->data;
	void *at;

	if (offset > 128)
		return 0;
	at = data + offset;
	if (at + size > (void *)(long)ctx->data_end)
		return 0;
	return at;
}

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	struct packet *packet = state();
	struct ethhdr *eth = bytes_at(ctx, 0, sizeof(*eth));
	__u16 proto;

	if (!packet || !eth)
		return count(ctx, MALFORMED, XDP_DROP);
	packet->l3 = sizeof(*eth);
	packet->vlan = 0;
	proto = eth->proto;
	if (proto == htons(ETH_P_8021Q)) {
		struct vlanhdr *vlan = bytes_at(ctx, sizeof(*eth), sizeof(*vlan));

		if (!vlan)
			return count(ctx, MALFORMED, XDP_DROP);
		packet->l3 += sizeof(*vlan);
		packet->vlan = ntohs(vlan->tci) & 0xfff;
		proto = vlan->proto;
	}
	if (proto == htons(ETH_P_IP))
		tail_call_static(ctx, &steps, STEP_IPV4);
	else if (proto == htons(ETH_P_IPV6))
		tail_call_static(ctx, &steps, STEP_IPV6);
	return count(ctx, TO_HOST, XDP_PASS); /* ARP and the like */
}

SEC("xdp")
int ipv4(struct xdp_md *ctx)
{
	struct packet *packet = state();
	struct iphdr *ip = packet ? bytes_at(ctx, packet->l3, sizeof(*ip)) : 0;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return count(ctx, MALFORMED, XDP_DROP);
	if (ip->frag_off & htons(0x3fff))
		return count(ctx, FRAGMENT, XDP_PASS);
	if (ip->ttl <= 1)
		return count(ctx, EXPIRED, XDP_PASS); /* the host answers */
	packet->l4 = packet->l3 + ip->ihl * 4;
	packet->version = 4;
	packet->protocol = ip->protocol;
	packet->hop = ntohl(ip->daddr) >> 8;
	bpf_tail_call(ctx, &protocols, ip->protocol);
	return count(ctx, MISSED, XDP_DROP);
}

SEC("xdp")
int ipv6(struct xdp_md *ctx)
{
	struct packet *packet = state();
	struct ipv6hdr *ip = packet ? bytes_at(ctx, packet->l3, sizeof(*ip)) : 0;

	if (!ip)
		return count(ctx, MALFORMED, XDP_DROP);
	if (ip->hop_limit <= 1)
		return count(ctx, EXPIRED, XDP_PASS);
	packet->l4 = packet->l3 + sizeof(*ip);
	packet->version = 6;
	packet->protocol = ip->nexthdr;
	packet->hop = ntohl(ip->daddr[3]) >> 8;
	bpf_tail_call(ctx, &protocols, ip->nexthdr);
	return count(ctx, MISSED, XDP_DROP);
}

/* TCP and UDP both start with their ports. */
SEC("xdp")
int ports(struct xdp_md *ctx)
{
	struct packet *packet = state();

	if (!packet || !bytes_at(ctx, packet->l4, sizeof(struct udphdr)))
		return count(ctx, MALFORMED, XDP_DROP);
	if (packet->version == 4)
		tail_call_static(ctx, &steps, STEP_ACL);
	else
		tail_call_static(ctx, &steps, STEP_ROUTE);
	return count(ctx, MISSED, XDP_DROP);
}

SEC("xdp")
int echo(struct xdp_md *ctx)
{
	tail_call_static(ctx, &steps, STEP_ROUTE);
	return count(ctx, MISSED, XDP_DROP);
}

SEC("xdp")
int acl(struct xdp_md *ctx)
{
	struct packet *packet = state();
	struct flow flow = {};
	struct verdict first = { .packets = 1 }, *known;
	struct iphdr *ip;
	struct udphdr *udp;

	ip = packet ? bytes_at(ctx, packet->l3, sizeof(*ip)) : 0;
	if (!ip)
		return count(ctx, MALFORMED, XDP_DROP);
	flow.saddr = ip->saddr;
	flow.daddr = ip->daddr;
	flow.protocol = ip->protocol;
	udp = bytes_at(ctx, packet->l4, sizeof(*udp));
	if (!udp)
		return count(ctx, MALFORMED, XDP_DROP);
	flow.sport = udp->source;
	flow.dport = udp->dest;

	known = bpf_map_lookup_elem(&flows, &flow);
	if (known) {
		known->packets++;
	} else {
		first.denied = flow.dport == htons(denied_port);
		bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST);
		known = &first;
	}
	if (known->denied)
		return count(ctx, DENIED, XDP_DROP);
	tail_call_static(ctx, &steps, STEP_ROUTE);
	return count(ctx, MISSED, XDP_DROP);
}

/*
 * A tail call in a subprogram: the target's result comes back to the caller, as if the subprogram had returned
 * it. `missed` is volatile because the compiler would otherwise take it for the subprogram's only result.
 */
static __noinline int forward(struct xdp_md *ctx)
{
	volatile int missed = -1;

	tail_call_static(ctx, &steps, STEP_REWRITE);
	return missed;
}

SEC("xdp")
int route(struct xdp_md *ctx)
{
	struct packet *packet = state();
	int action;

	if (!packet)
		return count(ctx, MALFORMED, XDP_DROP);
	if (packet->hop >= 4 || !next_hops[packet->hop].mac[0])
		return count(ctx, NO_ROUTE, XDP_DROP);
	action = forward(ctx);
	if (action < 0)
		return count(ctx, MISSED, XDP_DROP);
	return count(ctx, action == XDP_TX ? FORWARDED : MALFORMED, action);
}

SEC("xdp")
int rewrite(struct xdp_md *ctx)
{
	struct packet *packet = state();
	struct ethhdr *eth = bytes_at(ctx, 0, sizeof(*eth));
	__u32 hop;

	if (!packet || !eth)
		return XDP_DROP;
	hop = packet->hop & 3;
	for (int i = 0; i < 6; i++) {
		eth->src[i] = eth->dst[i];
		eth->dst[i] = next_hops[hop].mac[i];
	}
	if (packet->version == 4) {
		struct iphdr *ip = bytes_at(ctx, packet->l3, sizeof(*ip));

		if (!ip)
			return XDP_DROP;
		decrease_ttl(ip);
	} else {
		struct ipv6hdr *ip = bytes_at(ctx, packet->l3, sizeof(*ip));

		if (!ip)
			return XDP_DROP;
		ip->hop_limit--;
	}
	return XDP_TX;
}

char _license[] SEC("license") = "Apache-2.0";
