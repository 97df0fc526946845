/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the hash-map programs: 5-tuples cut out of the packet's content, 16 bytes each. */
#ifndef FLOWS_H
#define FLOWS_H

#include "bench.h"

enum { FLOWS = 1024, LOOKUPS = 32 };

struct flow {
	__u32 saddr, daddr;
	__u16 sport, dport;
	__u8 protocol;
	__u8 pad[3];
};

struct counter {
	__u64 packets, bytes;
};

static __inline void flow_at(struct flow *flow, const __u32 *content, int i)
{
	flow->saddr = content[i * 4];
	flow->daddr = content[i * 4 + 1];
	*(__u32 *)&flow->sport = content[i * 4 + 2];
	*(__u32 *)&flow->protocol = content[i * 4 + 3] & 0xff;
}

#endif
