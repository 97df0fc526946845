/* SPDX-License-Identifier: Apache-2.0 */
/* Packet headers as they are on the wire (multi-byte fields are big endian), and the little arithmetic on them. */
#ifndef EXAMPLES_NET_H
#define EXAMPLES_NET_H

#include "bpf.h"

#define htons(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define ntohs(x) htons(x)
#define htonl(x) ((__u32)__builtin_bswap32((__u32)(x)))
#define ntohl(x) htonl(x)

enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_8021Q = 0x8100, ETH_P_IPV6 = 0x86dd };
enum { IPPROTO_ICMP = 1, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_ICMPV6 = 58 };

struct ethhdr {
	__u8 dst[6];
	__u8 src[6];
	__u16 proto;
};

struct vlanhdr {
	__u16 tci;
	__u16 proto;
};

struct iphdr {
	__u8 ihl : 4;
	__u8 version : 4;
	__u8 tos;
	__u16 tot_len;
	__u16 id;
	/* Flags in the upper three bits (more fragments: 0x2000), then the offset in units of 8 bytes. */
	__u16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__u16 check;
	__u32 saddr;
	__u32 daddr;
};

struct ipv6hdr {
	__u32 vtf;
	__u16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	__u32 saddr[4];
	__u32 daddr[4];
};

struct tcphdr {
	__u16 source;
	__u16 dest;
	__u32 seq;
	__u32 ack;
	__u16 flags;
	__u16 window;
	__u16 check;
	__u16 urg;
};

struct udphdr {
	__u16 source;
	__u16 dest;
	__u16 len;
	__u16 check;
};

/* A router's TTL decrement with the header checksum mended (RFC 1624): the sum grows by what the TTL lost. */
static __inline void decrease_ttl(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += htons(0x0100);
	ip->check = (__u16)(check + (check >= 0xffff));
	ip->ttl--;
}

#endif
