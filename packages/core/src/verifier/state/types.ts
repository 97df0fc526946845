/**
 * What a register may hold: the `type` word of a register record. The low byte is the kind (the kernel's enum bpf_reg_type),
 * the bits above say more of it (enum bpf_type_flag).
 */
export const REG = {
	NOT_INIT: 0,
	SCALAR: 1,
	CTX: 2,
	MAP_PTR: 3,
	MAP_VALUE: 4,
	MAP_KEY: 5,
	STACK: 6,
	PACKET_META: 7,
	PACKET: 8,
	PACKET_END: 9,
	FLOW_KEYS: 10,
	SOCKET: 11,
	SOCK_COMMON: 12,
	TCP_SOCK: 13,
	TP_BUFFER: 14,
	XDP_SOCK: 15,
	BTF_ID: 16,
	MEM: 17,
	ARENA: 18,
	BUF: 19,
	FUNC: 20,
	DYNPTR: 21,
} as const;
export type RegKind = (typeof REG)[keyof typeof REG];

export const KIND_MASK = 0xff;

/** The kernel's numbers, so that the tables of prototypes speak of the same bits. */
export const FLAG = {
	MAYBE_NULL: 0x100,
	RDONLY: 0x200,
	RINGBUF: 0x400,
	USER: 0x800,
	PERCPU: 0x1000,
	RELEASE: 0x2000,
	UNTRUSTED: 0x4000,
	UNINIT: 0x8000,
	FIXED_SIZE: 0x40000,
	ALLOC: 0x80000,
	TRUSTED: 0x100000,
	RCU: 0x200000,
	NON_OWN_REF: 0x400000,
	ALIGNED: 0x2000000,
	WRITE: 0x4000000,
} as const;

/** A kind as the log names it. */
const NAMES: Readonly<Record<RegKind, string>> = {
	[REG.NOT_INIT]: "?",
	[REG.SCALAR]: "scalar",
	[REG.CTX]: "ctx",
	[REG.MAP_PTR]: "map_ptr",
	[REG.MAP_VALUE]: "map_value",
	[REG.MAP_KEY]: "map_key",
	[REG.STACK]: "fp",
	[REG.PACKET_META]: "pkt_meta",
	[REG.PACKET]: "pkt",
	[REG.PACKET_END]: "pkt_end",
	[REG.FLOW_KEYS]: "flow_keys",
	[REG.SOCKET]: "sock",
	[REG.SOCK_COMMON]: "sock_common",
	[REG.TCP_SOCK]: "tcp_sock",
	[REG.TP_BUFFER]: "tp_buffer",
	[REG.XDP_SOCK]: "xdp_sock",
	[REG.BTF_ID]: "ptr_",
	[REG.MEM]: "mem",
	[REG.ARENA]: "arena",
	[REG.BUF]: "buf",
	[REG.FUNC]: "func",
	[REG.DYNPTR]: "dynptr_ptr",
};

/** Flags that the log puts before the kind, in its order. */
const PREFIXES: readonly (readonly [flag: number, text: string])[] = [
	[FLAG.RDONLY, "rdonly_"],
	[FLAG.RINGBUF, "ringbuf_"],
	[FLAG.USER, "user_"],
	[FLAG.PERCPU, "percpu_"],
	[FLAG.RCU, "rcu_"],
	[FLAG.UNTRUSTED, "untrusted_"],
	[FLAG.TRUSTED, "trusted_"],
];

export const kindOf = (type: number): number => type & KIND_MASK;
export const mayBeNull = (type: number): boolean => (type & FLAG.MAYBE_NULL) !== 0;

/** `pkt`, `map_value_or_null`, `rcu_ptr_or_null_`. */
export function typeName(type: number): string {
	let prefix = "";
	for (const [flag, text] of PREFIXES) if (type & flag) prefix += text;
	const kind = kindOf(type);
	const postfix = mayBeNull(type) ? (kind === REG.BTF_ID ? "or_null_" : "_or_null") : "";
	return prefix + NAMES[kind as RegKind] + postfix;
}
