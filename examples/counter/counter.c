/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket filter that counts packets and bytes by protocol, and tells of every new protocol in a ring buffer.
 * A socket filter's packet starts at the network header here, as on an AF_PACKET socket of type SOCK_DGRAM.
 */
#include "../include/net.h"

struct count {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct count);
} protocols SEC(".maps");

struct event {
	__u32 protocol;
	__u32 length;
	__u32 saddr;
	__u32 daddr;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/* Bytes of each packet that the socket gets: 0 would drop it. */
const volatile __u32 snap_length = 64;

SEC("socket")
int counter(struct __sk_buff *skb)
{
	struct count first = { .packets = 1, .bytes = skb->len }, *known;
	struct event *event;
	struct iphdr ip;
	__u32 protocol;

	if (skb->protocol != htons(ETH_P_IP) || bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) < 0)
		return 0;
	protocol = ip.protocol;
	known = bpf_map_lookup_elem(&protocols, &protocol);
	if (known) {
		known->packets++;
		known->bytes += skb->len;
		return snap_length;
	}
	bpf_map_update_elem(&protocols, &protocol, &first, BPF_NOEXIST);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->protocol = protocol;
		event->length = skb->len;
		event->saddr = ip.saddr;
		event->daddr = ip.daddr;
		bpf_ringbuf_submit(event, 0);
	}
	return snap_length;
}

char _license[] SEC("license") = "Apache-2.0";
