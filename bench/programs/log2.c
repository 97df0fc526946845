/* SPDX-License-Identifier: Apache-2.0 */
/* 1,000 rounds of xorshift64, each with an integer logarithm of a shifted value. */
#include "bench.h"

static __inline __u32 log2_64(__u64 value)
{
	__u32 result = 0;

	if (value >> 32) {
		value >>= 32;
		result += 32;
	}
	if (value >> 16) {
		value >>= 16;
		result += 16;
	}
	if (value >> 8) {
		value >>= 8;
		result += 8;
	}
	if (value >> 4) {
		value >>= 4;
		result += 4;
	}
	if (value >> 2) {
		value >>= 2;
		result += 2;
	}
	if (value >> 1)
		result += 1;
	return result;
}

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u64 *content = packet(ctx) + CONTENT;
	__u64 x;
	__u32 sum = 0;

	if ((void *)(content + 1) > packet_end(ctx))
		return 0;
	x = *content | 1;
	LOOP
	for (int i = 0; i < 1000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += log2_64(x >> (i & 63));
	}
	return sum;
}
