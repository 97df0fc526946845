/**
 * Sockets as programs see them: struct bpf_sock and, for TCP, struct bpf_tcp_sock behind it (linux/bpf.h). The
 * Environment's sockets are a table of such pairs; the socket of a test run's skb is a struct bpf_sock alone.
 */
export const SOCK = {
	BOUND_DEV_IF: 0,
	FAMILY: 4,
	TYPE: 8,
	PROTOCOL: 12,
	MARK: 16,
	PRIORITY: 20,
	SRC_IP4: 24,
	SRC_IP6: 28,
	/** In host order. */
	SRC_PORT: 44,
	/** In network order, 2 bytes. */
	DST_PORT: 48,
	DST_IP4: 52,
	DST_IP6: 56,
	STATE: 72,
	/** 32 ones: none. */
	RX_QUEUE_MAPPING: 76,
	SIZE: 80,
} as const;

/** Fields of struct bpf_tcp_sock with their sizes, in order. */
export const TCP_SOCK: readonly (readonly [name: string, size: 4 | 8])[] = [
	...(
		[
			"snd_cwnd",
			"srtt_us",
			"rtt_min",
			"snd_ssthresh",
			"rcv_nxt",
			"snd_nxt",
			"snd_una",
			"mss_cache",
			"ecn_flags",
			"rate_delivered",
			"rate_interval_us",
			"packets_out",
			"retrans_out",
			"total_retrans",
			"segs_in",
			"data_segs_in",
			"segs_out",
			"data_segs_out",
			"lost_out",
			"sacked_out",
		] as const
	).map((name) => [name, 4] as const),
	["bytes_received", 8],
	["bytes_acked", 8],
	["dsack_dups", 4],
	["delivered", 4],
	["delivered_ce", 4],
	["icsk_retransmits", 4],
];
export const TCP_SOCK_SIZE = 112;

/** Bytes from one socket of the table to the next; `TCP_AT` into each, its struct bpf_tcp_sock. */
export const SOCKET_STRIDE = 192;
export const TCP_AT = SOCK.SIZE;

export const AF_INET = 2;
export const AF_INET6 = 10;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;

/** TCP_* of linux/tcp_states.h; UDP sockets have CLOSE or, connected, ESTABLISHED. */
export const TCP_STATE = {
	established: 1,
	"syn-sent": 2,
	"syn-recv": 3,
	"fin-wait-1": 4,
	"fin-wait-2": 5,
	"time-wait": 6,
	close: 7,
	"close-wait": 8,
	"last-ack": 9,
	listen: 10,
	closing: 11,
	"new-syn-recv": 12,
} as const;
