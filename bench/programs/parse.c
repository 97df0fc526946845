/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32 times: Ethernet with VLAN, IPv4 with options, TCP, UDP or ICMP, every length checked; a flow key mixed into
 * the result, the TTL decremented and the header checksum mended. The TTL is not tested for zero, so that every
 * run does the same work.
 */
#include "bench.h"

struct key {
	__u32 saddr, daddr;
	__u16 sport, dport;
	__u8 protocol;
};

static __inline int parse_once(void *data, void *end, struct key *key)
{
	struct ethhdr *eth = data;
	void *at = eth + 1;
	struct iphdr *ip;
	__u32 length;
	__u16 proto;

	if (at > end)
		return -1;
	proto = eth->proto;
	if (proto == htons(ETH_P_8021Q)) {
		struct vlanhdr *vlan = at;

		at = vlan + 1;
		if (at > end)
			return -1;
		proto = vlan->proto;
	}
	if (proto != htons(ETH_P_IP))
		return -1;
	ip = at;
	if ((void *)(ip + 1) > end || ip->version != 4)
		return -1;
	length = ip->ihl * 4;
	if (length < sizeof(*ip) || at + length > end)
		return -1;
	if (ntohs(ip->tot_len) < length)
		return -1;
	key->saddr = ip->saddr;
	key->daddr = ip->daddr;
	key->protocol = ip->protocol;
	at += length;
	if (key->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = at;

		if ((void *)(tcp + 1) > end || (ntohs(tcp->flags) >> 12) < 5)
			return -1;
		key->sport = tcp->source;
		key->dport = tcp->dest;
	} else if (key->protocol == IPPROTO_UDP) {
		struct udphdr *udp = at;

		if ((void *)(udp + 1) > end || ntohs(udp->len) < sizeof(*udp))
			return -1;
		key->sport = udp->source;
		key->dport = udp->dest;
	} else if (key->protocol == IPPROTO_ICMP) {
		__u16 *icmp = at;

		if ((void *)(icmp + 4) > end)
			return -1;
		key->sport = icmp[0];
		key->dport = icmp[2];
	} else {
		return -1;
	}
	decrease_ttl(ip);
	return 0;
}

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u32 result = 0;

	LOOP
	for (int i = 0; i < 32; i++) {
		void *data = packet(ctx), *end = packet_end(ctx);
		struct key key = {};

		HIDE(data);
		if (parse_once(data, end, &key))
			return 0;
		result = result * 33 + (key.saddr ^ key.daddr ^ key.sport ^ ((__u32)key.dport << 16) ^ key.protocol);
	}
	return result;
}
