/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of 33 programs joined by tail calls. `work` starts a chain, `alone` is a chain of one: a hop costs
 * (work - alone) / 32. A file defines NEXT(k), how program k reaches the next; with TOUCH, each program also
 * checks the packet's bounds and counts up a byte of it.
 */
#ifndef HOP_H
#define HOP_H

#include "bench.h"

enum { HOPS = 32 };

#ifdef TOUCH
static __inline void touch(struct xdp_md *ctx)
{
	__u8 *byte = packet(ctx) + CONTENT;

	if ((void *)(byte + 1) <= packet_end(ctx))
		(*byte)++;
}
#else
static __inline void touch(struct xdp_md *ctx)
{
}
#endif

#define EACH(X)                                                                 \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)    \
	X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) \
	X(26) X(27) X(28) X(29) X(30) X(31) X(32)

#define DECLARE(k) int p##k(struct xdp_md *ctx);
#define SLOT(k) [k - 1] = (void *)&p##k,
#define PROGRAM(k)                     \
	SEC("xdp")                     \
	int p##k(struct xdp_md *ctx)   \
	{                              \
		touch(ctx);            \
		NEXT(k);               \
		return k;              \
	}

EACH(DECLARE)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, HOPS);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} hops SEC(".maps") = { .values = { EACH(SLOT) } };

SEC("xdp")
int alone(struct xdp_md *ctx)
{
	touch(ctx);
	return 0;
}

#endif
