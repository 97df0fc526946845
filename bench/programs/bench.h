/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark's packet has 1,500 bytes: 62 of headers (Ethernet, VLAN, IPv4 with options, TCP), then from byte 64
 * on fixed pseudo-random content (bench/packet.mjs). Loops stay loops, so that what is measured is their body.
 */
#ifndef BENCH_H
#define BENCH_H

#include "../../examples/include/net.h"

enum { PACKET_SIZE = 1500, CONTENT = 64 };

#define LOOP _Pragma("clang loop unroll(disable)")
/* The compiler may know nothing of `x` from here on. */
#define HIDE(x) asm volatile("" : "+r"(x))

static __inline void *packet(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

static __inline void *packet_end(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

char _license[] SEC("license") = "Apache-2.0";

#endif
