/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest chain: `first` jumps into slot 0; were the slot empty, it would go on and drop the packet. */
#include "../include/bpf.h"

int second(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} hops SEC(".maps") = { .values = { [0] = (void *)&second } };

SEC("xdp")
int first(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &hops, 1); /* nobody is there */
	bpf_tail_call(ctx, &hops, 0);
	return XDP_DROP;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
