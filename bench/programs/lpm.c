/* SPDX-License-Identifier: Apache-2.0 */
/* 32 longest-prefix lookups of IPv4 addresses among 10,000 prefixes. */
#include "bench.h"

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

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u32 *content = packet(ctx) + CONTENT;
	struct prefix prefix = { .length = 32 };
	__u32 sum = 0;

	if ((void *)(content + 32) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < 32; i++) {
		__u32 *route;

		prefix.address = content[i];
		route = bpf_map_lookup_elem(&routes, &prefix);
		if (route)
			sum = sum * 3 + *route;
	}
	return sum;
}
