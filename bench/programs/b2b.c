/* SPDX-License-Identifier: Apache-2.0 */
/* 32 calls of f1, which calls f2 twice, which calls f3 twice; 64-bit arguments. */
#include "bench.h"

static __noinline __u64 f3(__u64 a, __u64 b)
{
	HIDE(a);
	return a * 3 + (b ^ (a >> 7));
}

static __noinline __u64 f2(__u64 a, __u64 b)
{
	return f3(a, b) + f3(b, a + 1);
}

static __noinline __u64 f1(__u64 a, __u64 b)
{
	return f2(a, b) + (f2(b + 3, a) << 1);
}

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u64 *content = packet(ctx) + CONTENT;
	__u64 result;

	if ((void *)(content + 1) > packet_end(ctx))
		return 0;
	result = *content;
	LOOP
	for (int i = 0; i < 32; i++)
		result = f1(result, i);
	return result ^ (result >> 32);
}
