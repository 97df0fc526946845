/* SPDX-License-Identifier: Apache-2.0 */
/* Every byte from 64 to 1,499 is xored with a running key; the packet's end is checked for each. */
#include "bench.h"

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u8 *at = packet(ctx) + CONTENT;
	__u8 *end = packet_end(ctx);
	__u8 key = 1;

	LOOP
	for (int i = CONTENT; i < PACKET_SIZE; i++) {
		if (at + 1 > end)
			break;
		*at++ ^= key;
		key = key * 5 + 1;
	}
	return key;
}
