/* SPDX-License-Identifier: Apache-2.0 */
/* 32 lookups of 5-tuples in a hash map of 1,024; all are there. */
#include "flows.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u32 *content = packet(ctx) + CONTENT;
	struct flow flow;
	__u64 sum = 0;

	if ((void *)(content + LOOKUPS * 4) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < LOOKUPS; i++) {
		struct counter *counter;

		flow_at(&flow, content, i);
		counter = bpf_map_lookup_elem(&flows, &flow);
		if (counter)
			sum += counter->packets;
	}
	return sum;
}
