/* SPDX-License-Identifier: Apache-2.0 */
/* As hmap, over an LRU hash that is full; every second flow is new, made from a counter. */
#include "flows.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

__u32 made;

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u32 *content = packet(ctx) + CONTENT;
	struct counter fresh;
	struct flow flow;
	__u64 known = 0;

	if ((void *)(content + LOOKUPS * 4) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < LOOKUPS; i++) {
		struct counter *counter;

		flow_at(&flow, content, i);
		if (i & 1)
			flow.saddr = made++;
		counter = bpf_map_lookup_elem(&flows, &flow);
		if (counter) {
			counter->packets++;
			counter->bytes += PACKET_SIZE;
			known++;
			if ((i & 3) != 2)
				continue;
			fresh = *counter;
		} else {
			fresh.packets = 1;
			fresh.bytes = PACKET_SIZE;
		}
		bpf_map_update_elem(&flows, &flow, &fresh, BPF_ANY);
	}
	return known;
}
