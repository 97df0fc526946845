/* SPDX-License-Identifier: Apache-2.0 */
/* Constant slots, which the kernel patches into direct jumps. */
#include "hop.h"

#define NEXT(k)           \
	if (k < HOPS)     \
	tail_call_static(ctx, &hops, k)

EACH(PROGRAM)

SEC("xdp")
int work(struct xdp_md *ctx)
{
	touch(ctx);
	NEXT(0);
	return 0;
}
