import { EINVAL, EOPNOTSUPP } from "./errno.ts";
import { implement } from "./implement.ts";
import { mapAt } from "./map-ops.ts";
import { returnU64 } from "./time.ts";
import type { HelperPrototype } from "./types.ts";

/** BPF_SK_STORAGE_GET_F_CREATE. */
const SK_STORAGE_CREATE = 1;

/** Sockets: lookup, references, cookies, storage, SYN cookies (net/core/filter.c, bpf_sk_storage.c). */
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
		id: 100,
		name: "tcp_check_syncookie",
		args: ["sock_common", "mem_in", "size", "mem_in", "size"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 107,
		name: "sk_storage_get",
		args: ["map", "sock_common", "map_value_or_null", "anything"],
		returns: "map_value_or_null",
	},
	{ id: 108, name: "sk_storage_delete", args: ["map", "sock_common"], returns: "int" },
	{
		id: 110,
		name: "tcp_gen_syncookie",
		args: ["sock_common", "mem_in", "size", "mem_in", "size"],
		returns: "int",
		gplOnly: true,
	},
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
	{
		id: 204,
		name: "tcp_raw_gen_syncookie_ipv4",
		args: ["mem_in", "mem_in", "size_or_zero"],
		returns: "int",
		fixedSizes: { 0: 20 },
		gplOnly: true,
	},
	{
		id: 205,
		name: "tcp_raw_gen_syncookie_ipv6",
		args: ["mem_in", "mem_in", "size_or_zero"],
		returns: "int",
		fixedSizes: { 0: 40 },
		gplOnly: true,
	},
	{
		id: 206,
		name: "tcp_raw_check_syncookie_ipv4",
		args: ["mem_in", "mem_in"],
		returns: "int",
		fixedSizes: { 0: 20, 1: 20 },
		gplOnly: true,
	},
	{
		id: 207,
		name: "tcp_raw_check_syncookie_ipv6",
		args: ["mem_in", "mem_in"],
		returns: "int",
		fixedSizes: { 0: 40, 1: 20 },
		gplOnly: true,
	},
] as const satisfies readonly HelperPrototype[];

/**
 * The modelled network has no sockets but the one that a test run's skb belongs to: a full socket, neither TCP nor
 * listening. So every lookup answers NULL, as a test run in an idle network namespace does.
 */
export const socketHelpers = /* @__PURE__ */ implement(socketPrototypes, {
	84: () => 0,
	85: () => 0,
	99: () => 0,
	86: () => 0,
	95: (_rt, socket) => socket,
	96: () => 0,
	98: () => 0,
	81: (rt, map) => mapAt(rt, map, "get_local_storage").storage?.of(rt.cpu, 0, true) ?? 0,
	107(rt, map, socket, value, flags) {
		if (rt.argHi[3] !== 0 || flags >>> 0 > SK_STORAGE_CREATE) return 0;
		return mapAt(rt, map, "sk_storage_get").storage?.of(socket >>> 0, value >>> 0, flags !== 0) ?? 0;
	},
	108: (rt, map, socket) => mapAt(rt, map, "sk_storage_delete").storage?.remove(socket >>> 0) ?? EINVAL,
	122: (rt) => returnU64(rt, rt.environment.netnsCookie ?? 1n),
	// a test run is not at the ingress hook
	124: (rt, _context, _socket, flags) => (flags !== 0 || rt.argHi[2] !== 0 ? EINVAL : EOPNOTSUPP),
});
