/* SPDX-License-Identifier: Apache-2.0 */
/* What a run costs by itself. */
#include "bench.h"

SEC("xdp")
int work(struct xdp_md *ctx)
{
	return XDP_PASS;
}
