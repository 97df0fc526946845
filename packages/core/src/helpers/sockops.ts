import type { HelperPrototype } from "./types.ts";

/**
 * Socket options, socket maps and messages: sock_ops, sk_msg, sk_skb, sk_reuseport, cgroup_sock_addr,
 * cgroup_sysctl (net/core/filter.c, sock_map.c, kernel/bpf/cgroup.c). Not implemented yet.
 */
export const sockopsPrototypes = [
	{ id: 49, name: "setsockopt", args: ["ctx", "anything", "anything", "mem_in", "size"], returns: "int" },
	{ id: 52, name: "sk_redirect_map", args: ["ctx", "map", "anything", "anything"], returns: "int" },
	{ id: 53, name: "sock_map_update", args: ["ctx", "map", "map_key", "anything"], returns: "int" },
	{ id: 57, name: "getsockopt", args: ["ctx", "anything", "anything", "mem_out", "size"], returns: "int" },
	{ id: 59, name: "sock_ops_cb_flags_set", args: ["ctx", "anything"], returns: "int" },
	{ id: 60, name: "msg_redirect_map", args: ["ctx", "map", "anything", "anything"], returns: "int" },
	{ id: 61, name: "msg_apply_bytes", args: ["ctx", "anything"], returns: "int" },
	{ id: 62, name: "msg_cork_bytes", args: ["ctx", "anything"], returns: "int" },
	{
		id: 63,
		name: "msg_pull_data",
		args: ["ctx", "anything", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 64, name: "bind", args: ["ctx", "mem_in", "size"], returns: "int" },
	{ id: 70, name: "sock_hash_update", args: ["ctx", "map", "map_key", "anything"], returns: "int" },
	{ id: 71, name: "msg_redirect_hash", args: ["ctx", "map", "map_key", "anything"], returns: "int" },
	{ id: 72, name: "sk_redirect_hash", args: ["ctx", "map", "map_key", "anything"], returns: "int" },
	{ id: 82, name: "sk_select_reuseport", args: ["ctx", "map", "map_key", "anything"], returns: "int" },
	{
		id: 90,
		name: "msg_push_data",
		args: ["ctx", "anything", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 91,
		name: "msg_pop_data",
		args: ["ctx", "anything", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 101, name: "sysctl_get_name", args: ["ctx", "mem_out", "size", "anything"], returns: "int" },
	{ id: 102, name: "sysctl_get_current_value", args: ["ctx", "mem_out", "size"], returns: "int" },
	{ id: 103, name: "sysctl_get_new_value", args: ["ctx", "mem_out", "size"], returns: "int" },
	{ id: 104, name: "sysctl_set_new_value", args: ["ctx", "mem_in", "size"], returns: "int" },
	{ id: 142, name: "load_hdr_opt", args: ["ctx", "mem_inout", "size", "anything"], returns: "int" },
	{
		id: 143,
		name: "store_hdr_opt",
		args: ["ctx", "mem_in", "size", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 144, name: "reserve_hdr_opt", args: ["ctx", "anything", "anything"], returns: "int" },
	{ id: 186, name: "get_retval", args: [], returns: "int" },
	{ id: 187, name: "set_retval", args: ["anything"], returns: "int" },
] as const satisfies readonly HelperPrototype[];
