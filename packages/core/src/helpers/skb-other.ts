import { EINVAL } from "./errno.ts";
import { implement } from "./implement.ts";
import { underCgroup } from "./tasks.ts";
import { returnU64 } from "./time.ts";
import type { HelperPrototype } from "./types.ts";

/**
 * Rarer helpers of programs with an skb: cgroups, xfrm, encapsulation (net/core/filter.c,
 * net/ipv6/seg6_local.c).
 */
export const skbOtherPrototypes = [
	{ id: 33, name: "skb_under_cgroup", args: ["ctx", "map", "anything"], returns: "int" },
	{
		id: 66,
		name: "skb_get_xfrm_state",
		args: ["ctx", "anything", "mem_out", "size", "anything"],
		returns: "int",
	},
	{
		id: 73,
		name: "lwt_push_encap",
		args: ["ctx", "anything", "mem_in", "size"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 74,
		name: "lwt_seg6_store_bytes",
		args: ["ctx", "anything", "mem_in", "size"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 75,
		name: "lwt_seg6_adjust_srh",
		args: ["ctx", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 76,
		name: "lwt_seg6_action",
		args: ["ctx", "anything", "mem_in", "size"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 79, name: "skb_cgroup_id", args: ["ctx"], returns: "u64" },
	{ id: 83, name: "skb_ancestor_cgroup_id", args: ["ctx", "anything"], returns: "u64" },
	{ id: 151, name: "skb_cgroup_classid", args: ["ctx"], returns: "u64" },
] as const satisfies readonly HelperPrototype[];

/** A test run's socket is in the root cgroup, whose id is 1 and which has no class. */
export const skbOtherHelpers = /* @__PURE__ */ implement(skbOtherPrototypes, {
	33: (rt, _context, map, slot) => underCgroup(rt, "skb_under_cgroup", map, slot),
	/** Nothing came through IPsec: the memory is cleared. */
	66(rt, _context, _index, to, size) {
		rt.memory.write(to >>> 0, new Uint8Array(size >>> 0));
		return EINVAL;
	},
	79: (rt) => returnU64(rt, 1n),
	83: (rt, _context, level) => returnU64(rt, level === 0 ? 1n : 0n),
	151: (rt) => returnU64(rt, 0n),
});
