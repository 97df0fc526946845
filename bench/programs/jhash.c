/* SPDX-License-Identifier: Apache-2.0 */
/* Bob Jenkins' lookup3 over 84 groups of 12 bytes, and its final mix. */
#include "bench.h"

enum { GROUPS = 84 };

#define ROTATE(x, bits) (((x) << (bits)) | ((x) >> (32 - (bits))))
#define STEP(x, y, z, bits)        \
	do {                       \
		x -= z;            \
		x ^= ROTATE(z, bits); \
		z += y;            \
	} while (0)
#define FINAL(x, y, bits)             \
	do {                          \
		x ^= y;               \
		x -= ROTATE(y, bits); \
	} while (0)

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u32 *words = packet(ctx) + CONTENT;
	__u32 a = 0xdeadbeef + GROUPS * 12, b = a, c = a;

	if ((void *)(words + GROUPS * 3) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < GROUPS; i++) {
		a += words[0];
		b += words[1];
		c += words[2];
		STEP(a, b, c, 4);
		STEP(b, c, a, 6);
		STEP(c, a, b, 8);
		STEP(a, b, c, 16);
		STEP(b, c, a, 19);
		STEP(c, a, b, 4);
		words += 3;
	}
	FINAL(c, b, 14);
	FINAL(a, c, 11);
	FINAL(b, a, 25);
	FINAL(c, b, 16);
	FINAL(a, c, 4);
	FINAL(b, a, 14);
	FINAL(c, b, 24);
	return c;
}
