/* SPDX-License-Identifier: Apache-2.0 */
/* 24 Collatz sequences of at most 150 steps, in 64 bits; the sum of the steps and a mix of where they ended. */
#include "bench.h"

/* Zero, but the kernel's verifier does not know: it sees the same unknown value after each step, and prunes. */
__u64 zero;

SEC("xdp")
int work(struct xdp_md *ctx)
{
	__u32 *starts = packet(ctx) + CONTENT;
	__u64 unknown = zero, result = 0;

	if ((void *)(starts + 24) > packet_end(ctx))
		return 0;
	LOOP
	for (int i = 0; i < 24; i++) {
		__u64 value = starts[i] | 1;
		__u64 steps = 0;

		LOOP
		for (int step = 0; step < 150; step++) {
			if (value == 1)
				break;
			if (value & 1)
				value = value * 3 + 1;
			else
				value >>= 1;
			value ^= unknown;
			steps++;
		}
		result = result * 31 + (value ^ steps);
	}
	return result;
}
