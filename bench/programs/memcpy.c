/* SPDX-License-Identifier: Apache-2.0 */
/* 88 words of 8 bytes from offset 64 to offset 768, the packet's end checked for each; and their sum. */
#include "bench.h"

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u64 *from = packet(ctx) + CONTENT;
	__u64 *to = packet(ctx) + 768;
	void *end = packet_end(ctx);
	__u64 sum = 0;

	LOOP
	for (int i = 0; i < 88; i++) {
		__u64 word;

		if ((void *)(to + 1) > end)
			break;
		if ((void *)(from + 1) > end)
			break;
		word = *from++;
		*to++ = word;
		sum += word;
	}
	return sum ^ (sum >> 32);
}
