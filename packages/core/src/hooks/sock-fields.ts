import { type HelperRuntime, isSocket, SOCK, TCP_SOCK } from "../helpers/index.ts";

/** A field of a socket's structure, which programs only read. */
export interface SockField {
	readonly name: string;
	readonly offset: number;
	readonly size: number;
	/** Narrower loads: "start" where only the field's first byte or half may be read by itself. */
	readonly narrow: "none" | "start" | "any";
	/** A wider load at its start that 6.18 allows as well. */
	readonly wide?: number;
	/** A load of all of it with 32 ones is 64 ones: 6.18 sets the register to -1. */
	readonly minusOne?: true;
}

const field = (
	name: string,
	offset: number,
	narrow: SockField["narrow"],
	more: Partial<SockField> = {},
): SockField => ({ name, offset, size: 4, narrow, ...more });

/** struct bpf_sock (kernel: bpf_sock_is_valid_access). */
const sock: readonly SockField[] = [
	field("bound_dev_if", SOCK.BOUND_DEV_IF, "none"),
	field("family", SOCK.FAMILY, "start"),
	field("type", SOCK.TYPE, "start"),
	field("protocol", SOCK.PROTOCOL, "start"),
	field("mark", SOCK.MARK, "none"),
	field("priority", SOCK.PRIORITY, "none"),
	field("src_ip4", SOCK.SRC_IP4, "any"),
	...[0, 1, 2, 3].map((i) => field(`src_ip6[${i}]`, SOCK.SRC_IP6 + 4 * i, "any")),
	field("src_port", SOCK.SRC_PORT, "start"),
	field("dst_port", SOCK.DST_PORT, "any", { size: 2, wide: 4 }),
	field("dst_ip4", SOCK.DST_IP4, "any"),
	...[0, 1, 2, 3].map((i) => field(`dst_ip6[${i}]`, SOCK.DST_IP6 + 4 * i, "any")),
	field("state", SOCK.STATE, "start"),
	field("rx_queue_mapping", SOCK.RX_QUEUE_MAPPING, "start", { minusOne: true }),
];

/** What a struct sock_common shows of it: not what only full sockets have (bpf_sock_common_is_valid_access). */
const sockCommon = sock.filter(({ offset }) => offset < SOCK.TYPE || offset > SOCK.PRIORITY);

/** struct bpf_tcp_sock (kernel: bpf_tcp_sock_is_valid_access). */
const tcpSock = TCP_SOCK.map(([name, size], index): SockField => {
	const offset = TCP_SOCK.slice(0, index).reduce((sum, [, bytes]) => sum + bytes, 0);
	return { name, offset, size, narrow: "none" };
});

/** What may be read through a pointer to a socket, by the kind of pointer; "none": it is only handed on. */
export const SOCKET_VIEWS = { none: [], sock_common: sockCommon, sock, tcp_sock: tcpSock } as const;
export type SocketView = keyof typeof SOCKET_VIEWS;

/** The field that a load of `size` bytes at `offset` reads, where 6.18 allows it. */
export function socketField(view: SocketView, offset: number, size: number): SockField | undefined {
	if (offset % size !== 0) return undefined;
	const fields: readonly SockField[] = SOCKET_VIEWS[view];
	const found = fields.find((each) => offset >= each.offset && offset < each.offset + each.size);
	if (found === undefined) return undefined;
	const from = offset - found.offset;
	if (from === 0 && (size === found.size || size === found.wide)) return found;
	if (size >= found.size || found.narrow === "none") return undefined;
	return found.narrow === "any" || from === 0 ? found : undefined;
}

/** The one field whose ones are 64. */
const ONES = sock.find(({ minusOne }) => minusOne)!;

/** Whether a load of `size` bytes at `offset` in a socket gives 64 ones where the field's are all set. */
export function onesAt(offset: number, size: number): boolean {
	return size > 1 && socketField("sock", offset, size) === ONES;
}

/** Whether the field at `address` belongs to a socket, the running skb's or one of the Environment's, and is ones. */
export function isSocketOnes(rt: HelperRuntime, address: number): boolean {
	const socket = address - ONES.offset;
	return isSocket(rt, socket) && rt.memory.u32(address) === 0xffff_ffff;
}
