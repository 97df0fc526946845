/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same program as machine code of gcc: linked with one of ../programs, called through a pointer over a packet
 * that lies below 4 GiB, since the context's fields are 32 bits wide.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct xdp_md {
	uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

int work(struct xdp_md *ctx);

static int (*volatile program)(struct xdp_md *) = work;
static uint8_t *area;
static struct xdp_md ctx;

/* Puts the packet in place; 0, or -1 where no memory lies low enough. */
int bench_begin(const uint8_t *packet, uint32_t length)
{
	if (!area) {
		void *at = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

		if (at == MAP_FAILED)
			return -1;
		area = at;
	}
	memcpy(area + 256, packet, length);
	ctx.data = ctx.data_meta = (uint32_t)(uintptr_t)(area + 256);
	ctx.data_end = ctx.data + length;
	ctx.ingress_ifindex = 1;
	return 0;
}

/* Runs `times` times; CPU time of this thread in ns. `result` gets the last result, `packet` what it left. */
double bench_repeat(uint32_t times, uint32_t *result, uint8_t *packet)
{
	struct timespec from, to;
	int r = 0;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (uint32_t i = 0; i < times; i++)
		r = program(&ctx);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	*result = r;
	memcpy(packet, area + 256, ctx.data_end - ctx.data);
	return (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
}
