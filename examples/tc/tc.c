/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tc chain that rewrites a destination: classify → translate → police. What classify found travels in
 * skb->cb, the 20 bytes that every program of the chain may use as it likes; skb->mark is what is left for the
 * rest of the stack.
 */
#include "../include/net.h"

int classify(struct __sk_buff *skb);
int translate(struct __sk_buff *skb);
int police(struct __sk_buff *skb);

enum step { STEP_TRANSLATE, STEP_POLICE, STEP_LOG, STEPS };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STEPS);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} steps SEC(".maps") = {
	.values = {
		[STEP_TRANSLATE] = (void *)&translate,
		[STEP_POLICE] = (void *)&police,
		/* STEP_LOG is left to whoever wants to see every packet. */
	},
};

/* Packets seen for each service, by its port in host order. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, __u64);
} services SEC(".maps");

/* 10.0.0.80:80 is really 10.0.9.9:8080. */
#define SERVICE htonl(0x0a000050)
#define BACKEND htonl(0x0a000909)
enum { SERVICE_PORT = 80, BACKEND_PORT = 8080 };

/* Words of skb->cb. */
enum { CB_L4, CB_PROTOCOL, CB_PORT, CB_TRANSLATED };

#define L3 14
#define OFFSET(type, member) ((__u32)__builtin_offsetof(type, member))

SEC("tc")
int classify(struct __sk_buff *skb)
{
	struct iphdr ip;
	struct udphdr ports;
	__u32 l4;

	if (skb->protocol != htons(ETH_P_IP) || bpf_skb_load_bytes(skb, L3, &ip, sizeof(ip)) < 0)
		return TC_ACT_OK;
	if (ip.ihl < 5 || (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP))
		return TC_ACT_OK;
	l4 = L3 + ip.ihl * 4;
	if (bpf_skb_load_bytes(skb, l4, &ports, sizeof(ports)) < 0)
		return TC_ACT_SHOT;
	skb->cb[CB_L4] = l4;
	skb->cb[CB_PROTOCOL] = ip.protocol;
	skb->cb[CB_PORT] = ntohs(ports.dest);
	skb->cb[CB_TRANSLATED] = 0;
	if (ip.daddr == SERVICE && ports.dest == htons(SERVICE_PORT))
		tail_call_static(skb, &steps, STEP_TRANSLATE);
	tail_call_static(skb, &steps, STEP_POLICE);
	return TC_ACT_SHOT;
}

/* Address and port change, and with them the checksums of IPv4 and of TCP or UDP. */
SEC("tc")
int translate(struct __sk_buff *skb)
{
	const __u32 old_address = SERVICE, new_address = BACKEND;
	const __u16 old_port = htons(SERVICE_PORT), new_port = htons(BACKEND_PORT);
	__u32 l4 = skb->cb[CB_L4];
	__u32 check = l4 + (skb->cb[CB_PROTOCOL] == IPPROTO_TCP ? OFFSET(struct tcphdr, check) : OFFSET(struct udphdr, check));

	bpf_l4_csum_replace(skb, check, old_address, new_address, BPF_F_PSEUDO_HDR | sizeof(new_address));
	bpf_l4_csum_replace(skb, check, old_port, new_port, sizeof(new_port));
	bpf_l3_csum_replace(skb, L3 + OFFSET(struct iphdr, check), old_address, new_address, sizeof(new_address));
	if (bpf_skb_store_bytes(skb, L3 + OFFSET(struct iphdr, daddr), &new_address, sizeof(new_address), 0) < 0)
		return TC_ACT_SHOT;
	if (bpf_skb_store_bytes(skb, l4 + OFFSET(struct udphdr, dest), &new_port, sizeof(new_port), 0) < 0)
		return TC_ACT_SHOT;
	skb->cb[CB_TRANSLATED] = 1;
	tail_call_static(skb, &steps, STEP_POLICE);
	return TC_ACT_SHOT;
}

SEC("tc")
int police(struct __sk_buff *skb)
{
	__u16 port = skb->cb[CB_PORT];
	__u64 first = 1, *seen = bpf_map_lookup_elem(&services, &port);

	if (seen)
		*seen += 1;
	else
		bpf_map_update_elem(&services, &port, &first, BPF_ANY);
	skb->mark = skb->cb[CB_TRANSLATED] ? 0x80 : 0x1;
	skb->priority = skb->cb[CB_PROTOCOL] == IPPROTO_UDP ? 6 : 0;
	tail_call_static(skb, &steps, STEP_LOG);
	return port == 23 ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Apache-2.0";
