import { EINVAL, EOPNOTSUPP } from "./errno.ts";
import { implement } from "./implement.ts";
import { mapAt } from "./map-ops.ts";
import { incomingDevice, PACKET } from "./packet.ts";
import { AF_INET6, IPPROTO_TCP, IPPROTO_UDP, SOCKET_STRIDE, TCP_AT, TCP_STATE } from "./socket-layout.ts";
import { lookupSocket, type SocketEntry, socketsOf } from "./socket-table.ts";
import { FIRST_SOCKET, storageDelete, storageGet } from "./storage-owners.ts";
import { returnU64 } from "./time.ts";
import type { HelperImplementation, HelperPrototype, HelperRuntime } from "./types.ts";

/** Sockets: lookup, references, casts, storage (net/core/filter.c, bpf_sk_storage.c). */
export const socketPrototypes = [
	{ id: 81, name: "get_local_storage", args: ["map", "anything"], returns: "map_value" },
	{
		id: 84,
		name: "sk_lookup_tcp",
		args: ["ctx", "mem_in", "size_or_zero", "anything", "anything"],
		returns: "sock_or_null",
		acquires: true,
	},
	{
		id: 85,
		name: "sk_lookup_udp",
		args: ["ctx", "mem_in", "size_or_zero", "anything", "anything"],
		returns: "sock_or_null",
		acquires: true,
	},
	{ id: 86, name: "sk_release", args: ["sock_common"], returns: "int", releases: 1 },
	{ id: 95, name: "sk_fullsock", args: ["sock_common"], returns: "sock_or_null" },
	{ id: 96, name: "tcp_sock", args: ["sock_common"], returns: "tcp_sock_or_null" },
	{ id: 98, name: "get_listener_sock", args: ["sock_common"], returns: "sock_or_null" },
	{
		id: 99,
		name: "skc_lookup_tcp",
		args: ["ctx", "mem_in", "size_or_zero", "anything", "anything"],
		returns: "sock_common_or_null",
		acquires: true,
	},
	{
		id: 107,
		name: "sk_storage_get",
		args: ["map", "sock_common", "map_value_or_null", "anything"],
		returns: "map_value_or_null",
	},
	{ id: 108, name: "sk_storage_delete", args: ["map", "sock_common"], returns: "int" },
	{ id: 122, name: "get_netns_cookie", args: ["ctx_or_null"], returns: "u64" },
	{ id: 124, name: "sk_assign", args: ["ctx", "sock_common", "anything"], returns: "int" },
	{ id: 128, name: "sk_cgroup_id", args: ["sock_common"], returns: "u64" },
	{ id: 129, name: "sk_ancestor_cgroup_id", args: ["sock_common", "anything"], returns: "u64" },
	{ id: 136, name: "skc_to_tcp6_sock", args: ["sock_common"], returns: "btf_id_or_null" },
	{ id: 137, name: "skc_to_tcp_sock", args: ["sock_common"], returns: "btf_id_or_null" },
	{ id: 138, name: "skc_to_tcp_timewait_sock", args: ["sock_common"], returns: "btf_id_or_null" },
	{ id: 139, name: "skc_to_tcp_request_sock", args: ["sock_common"], returns: "btf_id_or_null" },
	{ id: 140, name: "skc_to_udp6_sock", args: ["sock_common"], returns: "btf_id_or_null" },
	{ id: 178, name: "skc_to_unix_sock", args: ["sock_common"], returns: "btf_id_or_null" },
	{ id: 196, name: "skc_to_mptcp_sock", args: ["sock_common"], returns: "btf_id_or_null" },
] as const satisfies readonly HelperPrototype[];

/** struct bpf_sock_tuple: addresses, then ports, for each family. */
const TUPLE_SIZE = { 12: 4, 36: 16 } as const;

/**
 * The socket that a tuple belongs to (kernel: __bpf_skc_lookup). Other network namespaces than the packet's are not
 * modelled: their ids are unknown, and the answer NULL.
 */
function lookup(
	rt: HelperRuntime,
	protocol: number,
	tuple: number,
	size: number,
	netns: number,
	flags: number,
): SocketEntry | undefined {
	const addressSize = TUPLE_SIZE[size as keyof typeof TUPLE_SIZE];
	if (addressSize === undefined || rt.argHi[2] !== 0) return undefined;
	if (flags !== 0 || rt.argHi[4] !== 0 || netns >= 0) return undefined;
	if ((rt.sockets ?? 0) === 0) return undefined;
	const bytes = rt.memory.read(tuple >>> 0, size);
	const port = (at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
	const ports = 2 * addressSize;
	return lookupSocket(
		rt.environment,
		protocol,
		{
			source: { address: bytes.subarray(0, addressSize), port: port(ports) },
			target: { address: bytes.subarray(addressSize, ports), port: port(ports + 2) },
		},
		incomingDevice(rt.memory),
	);
}

const addressOf = (rt: HelperRuntime, entry: SocketEntry | undefined): number =>
	entry === undefined ? 0 : rt.sockets! + entry.index * SOCKET_STRIDE;

/** Which socket of the Environment a pointer means; undefined: the test run's own, or one of a map. */
export function socketAt(rt: HelperRuntime, address: number): SocketEntry | undefined {
	const { sockets = 0 } = rt;
	if (sockets === 0) return undefined;
	return socketsOf(rt.environment)[Math.floor(((address >>> 0) - sockets) / SOCKET_STRIDE)];
}

/** Whether a socket begins at this address: the running skb's own, or one of the Environment's. */
export function isSocket(rt: HelperRuntime, address: number): boolean {
	const { sockets = 0 } = rt;
	if (address === rt.memory.u32(PACKET.SOCK)) return address !== 0;
	const index = (address - sockets) / SOCKET_STRIDE;
	return sockets !== 0 && socketsOf(rt.environment)[index] !== undefined;
}

/** The listener that a request belongs to. */
const listenerOf = (rt: HelperRuntime, { local }: SocketEntry): SocketEntry | undefined =>
	lookupSocket(
		rt.environment,
		IPPROTO_TCP,
		{ source: { address: new Uint8Array(local.address.length), port: 0 }, target: local },
		0,
	);

/** sk_to_full_sk: of a request its listener, of a socket in time-wait nothing. */
function fullSocket(rt: HelperRuntime, entry: SocketEntry | undefined): SocketEntry | undefined {
	if (entry?.state === TCP_STATE["time-wait"]) return undefined;
	return entry?.state === TCP_STATE["new-syn-recv"] ? listenerOf(rt, entry) : entry;
}

const isMini = ({ state }: SocketEntry): boolean =>
	state === TCP_STATE["time-wait"] || state === TCP_STATE["new-syn-recv"];

/** skc_to_*: the pointer itself if the socket is of that kind. */
const castIf =
	(test: (entry: SocketEntry) => boolean): HelperImplementation =>
	(rt, socket) => {
		const entry = socketAt(rt, socket);
		return entry !== undefined && test(entry) ? addressOf(rt, entry) : 0;
	};

const isTcp = (entry: SocketEntry): boolean => entry.protocol === IPPROTO_TCP && !isMini(entry);

/** Every socket is in the root cgroup, whose id is 1. */
const ROOT_CGROUP = 1n;
const inCgroup = (rt: HelperRuntime, socket: number): boolean => {
	const entry = socketAt(rt, socket);
	return entry === undefined || fullSocket(rt, entry) !== undefined;
};

/**
 * The sockets are those that the Environment declares, and the one that a test run's skb belongs to: a full socket,
 * neither TCP nor UDP, that no lookup finds.
 */
export const socketHelpers = /* @__PURE__ */ implement(socketPrototypes, {
	84: (rt, _context, tuple, size, netns, flags) =>
		addressOf(rt, fullSocket(rt, lookup(rt, IPPROTO_TCP, tuple, size, netns, flags))),
	85: (rt, _context, tuple, size, netns, flags) =>
		addressOf(rt, lookup(rt, IPPROTO_UDP, tuple, size, netns, flags)),
	99: (rt, _context, tuple, size, netns, flags) =>
		addressOf(rt, lookup(rt, IPPROTO_TCP, tuple, size, netns, flags)),
	86: () => 0,
	95(rt, socket) {
		const entry = socketAt(rt, socket);
		return entry !== undefined && isMini(entry) ? 0 : socket;
	},
	96(rt, socket) {
		const entry = socketAt(rt, socket);
		return entry !== undefined && isTcp(entry) ? addressOf(rt, entry) + TCP_AT : 0;
	},
	98(rt, socket) {
		const entry = fullSocket(rt, socketAt(rt, socket));
		return entry?.state === TCP_STATE.listen ? addressOf(rt, entry) : 0;
	},
	81: (rt, map) => mapAt(rt, map, "get_local_storage").storage?.of(rt.cpu, 0, true) ?? 0,
	107: (rt, map, socket, value, flags) =>
		storageGet(rt, "sk_storage_get", map, owner(rt, socket), value, flags),
	108: (rt, map, socket) => storageDelete(rt, "sk_storage_delete", map, owner(rt, socket)),
	122: (rt) => returnU64(rt, rt.environment.netnsCookie ?? 1n),
	// a test run is not at the ingress hook
	124: (rt, _context, _socket, flags) => (flags !== 0 || rt.argHi[2] !== 0 ? EINVAL : EOPNOTSUPP),
	128: (rt, socket) => returnU64(rt, inCgroup(rt, socket) ? ROOT_CGROUP : 0n),
	129: (rt, socket, level) => returnU64(rt, level === 0 && inCgroup(rt, socket) ? ROOT_CGROUP : 0n),
	136: castIf((entry) => isTcp(entry) && entry.family === AF_INET6),
	137: castIf(isTcp),
	138: castIf(({ state }) => state === TCP_STATE["time-wait"]),
	139: castIf(({ state }) => state === TCP_STATE["new-syn-recv"]),
	140: castIf(({ protocol, family }) => protocol === IPPROTO_UDP && family === AF_INET6),
	// neither kind can be declared
	178: () => 0,
	196: () => 0,
});

/** What storage hangs on: the socket, however the pointer to it was made. */
function owner(rt: HelperRuntime, socket: number): number {
	const entry = socketAt(rt, socket);
	return entry === undefined ? socket >>> 0 : FIRST_SOCKET + entry.index;
}
