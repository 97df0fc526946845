/* SPDX-License-Identifier: Apache-2.0 */
/* 32 times: the array element that a packet byte names is counted up, and its neighbour set to the new count. */
#include "bench.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u8 *bytes = packet(ctx) + CONTENT;
	__u64 sum = 0;

	if ((void *)(bytes + 32) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < 32; i++) {
		__u32 index = bytes[i], next = (index + 1) & 255;
		__u64 *count = bpf_map_lookup_elem(&counts, &index), value;

		if (!count)
			return 0;
		value = *count + i;
		*count = value;
		bpf_map_update_elem(&counts, &next, &value, BPF_ANY);
		sum += value;
	}
	return sum;
}
