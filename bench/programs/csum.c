/* SPDX-License-Identifier: Apache-2.0 */
/* The internet checksum of 740 16-bit words from offset 14. */
#include "bench.h"

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u16 *words = packet(ctx) + 14;
	__u32 sum = 0;

	if ((void *)(words + 740) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < 740; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}
