/* SPDX-License-Identifier: Apache-2.0 */
/* Slots from the context (rx_queue_index is 0 in a test run) plus a constant: known only as the packet comes. */
#include "hop.h"

#define NEXT(k)           \
	if (k < HOPS)     \
	bpf_tail_call(ctx, &hops, ctx->rx_queue_index + k)

EACH(PROGRAM)

SEC("xdp")
int work(struct xdp_md *ctx)
{
	touch(ctx);
	NEXT(0);
	return 0;
}
