/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots from a table of 32,768 random ones, at a position that goes on from run to run, so that no branch
 * predictor learns the chain. Every program but the first stops where the position is a multiple of 32.
 */
#include "hop.h"

/* The driver fills it with numbers below 32. */
const volatile __u8 table[32768];
__u32 position;

#define HOP bpf_tail_call(ctx, &hops, table[position++ & 32767])
#define NEXT(k)            \
	if (position & 31) \
	HOP

EACH(PROGRAM)

SEC("xdp")
int work(struct xdp_md *ctx)
{
	touch(ctx);
	HOP;
	return 0;
}
