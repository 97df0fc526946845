/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that tail-calls itself. The kernel allows 33 tail calls to one packet: `again` runs 34 times, the
 * last time it falls through. The first byte of the packet counts the runs, `entered` counts them in a map.
 */
#include "../include/bpf.h"

int again(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} self SEC(".maps") = { .values = { [0] = (void *)&again } };

__u32 entered;

SEC("xdp")
int again(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	if (data + 1 > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	data[0]++;
	entered++;
	bpf_tail_call(ctx, &self, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
