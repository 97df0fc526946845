/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 over 128 words of 64 bits (Aumasson and Bernstein, 2012), with a fixed key. */
#include "bench.h"

enum { WORDS = 128 };

#define ROTATE(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))
#define ROUND                        \
	do {                         \
		v0 += v1;            \
		v2 += v3;            \
		v1 = ROTATE(v1, 13); \
		v3 = ROTATE(v3, 16); \
		v1 ^= v0;            \
		v3 ^= v2;            \
		v0 = ROTATE(v0, 32); \
		v2 += v1;            \
		v0 += v3;            \
		v1 = ROTATE(v1, 17); \
		v3 = ROTATE(v3, 21); \
		v1 ^= v2;            \
		v3 ^= v0;            \
		v2 = ROTATE(v2, 32); \
	} while (0)

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u64 *words = packet(ctx) + CONTENT;
	const __u64 k0 = 0x0706050403020100, k1 = 0x0f0e0d0c0b0a0908;
	__u64 v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
	__u64 v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
	__u64 last = (__u64)(WORDS * 8) << 56;

	if ((void *)(words + WORDS) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < WORDS; i++) {
		__u64 m = words[i];

		v3 ^= m;
		ROUND;
		ROUND;
		v0 ^= m;
	}
	v3 ^= last;
	ROUND;
	ROUND;
	v0 ^= last;
	v2 ^= 0xff;
	LOOP
	for (int i = 0; i < 4; i++)
		ROUND;
	v0 ^= v1 ^ v2 ^ v3;
	return v0 ^ (v0 >> 32);
}
