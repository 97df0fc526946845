import { ensure, OUT, PACKETS, packet, plus, SIZES, uint, unknown } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";
import { short } from "./exits.ts";

/** How a program may ask whether r4 = data + N stays below data_end; the other side is `out`. */
const CHECKS: readonly (readonly [name: string, jump: string])[] = [
	["gt", "if r4 > r3 goto out"],
	["ge", "if r4 >= r3 goto out"],
	["lt", "if r4 < r3 goto +1\ngoto out"],
	["le", "if r4 <= r3 goto +1\ngoto out"],
	["end-lt", "if r3 < r4 goto out"],
	["end-le", "if r3 <= r4 goto out"],
	["end-gt", "if r3 > r4 goto +1\ngoto out"],
	["end-ge", "if r3 >= r4 goto +1\ngoto out"],
	["wrong-way", "if r4 < r3 goto out"],
	["wrong-way-end", "if r3 >= r4 goto out"],
	["signed", "if r4 s> r3 goto out"],
	["eq", "if r4 == r3 goto +1\ngoto out"],
	["ne", "if r4 != r3 goto out"],
	["32", "if w4 > w3 goto out"],
];

/** Between a check and a load, with xdp's context in r6. */
const MOVES: readonly (readonly [name: string, header: string, call: string])[] = [
	["adjust-head", "xdp", "r1 = r6\nr2 = -4\ncall bpf_xdp_adjust_head"],
	["adjust-tail", "xdp", "r1 = r6\nr2 = 4\ncall bpf_xdp_adjust_tail"],
	["adjust-meta", "xdp", "r1 = r6\nr2 = -4\ncall bpf_xdp_adjust_meta"],
	["tail-call", "xdp", "r1 = r6\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call"],
	["prandom", "xdp", "call bpf_get_prandom_u32"],
	["redirect-map", "xdp", "r1 = devs ll\nr2 = 0\nr3 = 0\ncall bpf_redirect_map"],
	["xdp-load-bytes", "xdp", "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_load_bytes"],
	[
		"xdp-store-bytes",
		"xdp",
		"*(u64 *)(r10 - 8) = 0\nr1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_store_bytes",
	],
	["pull-data", "sched_cls", "r1 = r6\nr2 = 64\ncall bpf_skb_pull_data"],
	["vlan-push", "sched_cls", "r1 = r6\nr2 = 0x0081\nr3 = 5\ncall bpf_skb_vlan_push"],
	["vlan-pop", "sched_cls", "r1 = r6\ncall bpf_skb_vlan_pop"],
	["change-tail", "sched_cls", "r1 = r6\nr2 = 64\nr3 = 0\ncall bpf_skb_change_tail"],
	["change-head", "sched_cls", "r1 = r6\nr2 = 14\nr3 = 0\ncall bpf_skb_change_head"],
	["change-type", "sched_cls", "r1 = r6\nr2 = 0\ncall bpf_skb_change_type"],
	["change-proto", "sched_cls", "r1 = r6\nr2 = 0xdd86\nr3 = 0\ncall bpf_skb_change_proto"],
	["adjust-room", "sched_cls", "r1 = r6\nr2 = 8\nr3 = 0\nr4 = 0\ncall bpf_skb_adjust_room"],
	[
		"store-bytes",
		"sched_cls",
		"*(u64 *)(r10 - 8) = 0\nr1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\nr5 = 0\ncall bpf_skb_store_bytes",
	],
	["load-bytes", "sched_cls", "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_skb_load_bytes"],
	["l3-csum", "sched_cls", "r1 = r6\nr2 = 24\nr3 = 0\nr4 = 1\nr5 = 2\ncall bpf_l3_csum_replace"],
	["l4-csum", "sched_cls", "r1 = r6\nr2 = 36\nr3 = 0\nr4 = 1\nr5 = 2\ncall bpf_l4_csum_replace"],
	["csum-update", "sched_cls", "r1 = r6\nr2 = 1\ncall bpf_csum_update"],
	["clone-redirect", "sched_cls", "r1 = r6\nr2 = 1\nr3 = 0\ncall bpf_clone_redirect"],
	["redirect", "sched_cls", "r1 = 1\nr2 = 0\ncall bpf_redirect"],
	["get-hash", "sched_cls", "r1 = r6\ncall bpf_get_hash_recalc"],
	["set-hash-invalid", "sched_cls", "r1 = r6\ncall bpf_set_hash_invalid"],
	["set-tstamp", "sched_cls", "r1 = r6\nr2 = 0\nr3 = 0\ncall bpf_skb_set_tstamp"],
];

const BY_HAND: readonly (readonly [name: string, header: string, asm: string])[] = [
	["no-check", "xdp", `${packet("xdp")}\nr0 = *(u8 *)(r2 + 0)\n${OUT}`],
	["empty-check", "xdp", `${packet("xdp")}\nif r2 > r3 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`],
	["empty-check-ge", "xdp", `${packet("xdp")}\nif r2 >= r3 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`],
	["negative", "xdp", `${packet("xdp")}\n${ensure(8)}\nr0 = *(u8 *)(r2 - 1)\n${OUT}`],
	["negative-add", "xdp", `${packet("xdp")}\n${ensure(8)}\nr2 += -1\nr0 = *(u8 *)(r2 + 0)\n${OUT}`],
	["negative-add-back", "xdp", `${packet("xdp")}\n${ensure(8)}\nr2 += -1\nr0 = *(u8 *)(r2 + 1)\n${OUT}`],
	["through-checked-copy", "xdp", `${packet("xdp")}\n${ensure(8)}\nr0 = *(u8 *)(r4 - 8)\n${OUT}`],
	["through-checked-copy-past", "xdp", `${packet("xdp")}\n${ensure(8)}\nr0 = *(u8 *)(r4 + 0)\n${OUT}`],
	["older-copy-profits", "xdp", `${packet("xdp")}\nr5 = r2\n${ensure(8)}\nr0 = *(u8 *)(r5 + 7)\n${OUT}`],
	[
		"reloaded-data-is-same",
		"xdp",
		`${packet("xdp")}\n${ensure(8)}\nr5 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r5 + 7)\n${OUT}`,
	],
	[
		"check-after-reload-of-end",
		"xdp",
		`${packet("xdp")}\nr3 = *(u32 *)(r1 + 4)\n${ensure(8)}\nr0 = *(u8 *)(r2 + 7)\n${OUT}`,
	],
	["advance-then-read", "xdp", `${packet("xdp")}\n${ensure(20)}\nr2 += 14\nr0 = *(u32 *)(r2 + 2)\n${OUT}`],
	[
		"advance-then-read-past",
		"xdp",
		`${packet("xdp")}\n${ensure(20)}\nr2 += 14\nr0 = *(u32 *)(r2 + 3)\n${OUT}`,
	],
	[
		"second-check-larger",
		"xdp",
		`${packet("xdp")}\n${ensure(14)}\n${ensure(34)}\nr0 = *(u8 *)(r2 + 33)\n${OUT}`,
	],
	[
		"second-check-smaller",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\n${ensure(14)}\nr0 = *(u8 *)(r2 + 33)\n${OUT}`,
	],
	["sub-register", "xdp", `${packet("xdp")}\n${ensure(20)}\nr5 = 4\nr4 -= r5\nr0 = *(u8 *)(r4 + 3)\n${OUT}`],
	[
		"length-by-subtraction",
		"xdp",
		`${packet("xdp")}\nr5 = r3\nr5 -= r2\nif r5 < 8 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
	],
	["subtract-end-from-data", "xdp", `${packet("xdp")}\nr2 -= r3\nr0 = r2\nexit\n${OUT}`],
	["add-end", "xdp", `${packet("xdp")}\nr3 += 1\n${OUT}`],
	["sub-end", "xdp", `${packet("xdp")}\nr3 -= 1\n${OUT}`],
	["read-at-end", "xdp", `${packet("xdp")}\nr0 = *(u8 *)(r3 - 1)\n${OUT}`],
	["data-plus-data", "xdp", `${packet("xdp")}\nr2 += r2\n${OUT}`],
	["data-32-bit", "xdp", `${packet("xdp")}\nw2 += 4\n${OUT}`],
	["data-and", "xdp", `${packet("xdp")}\nr2 &= -4\n${OUT}`],
	["data-shift", "xdp", `${packet("xdp")}\nr2 <<= 1\n${OUT}`],
	["data-neg", "xdp", `${packet("xdp")}\nr2 = -r2\n${OUT}`],
	["data-mov32", "xdp", `${packet("xdp")}\nw5 = w2\nr0 = *(u8 *)(r5 + 0)\n${OUT}`],
	["data-64-bit-load", "xdp", `r2 = *(u64 *)(r1 + 0)\n${OUT}`],
	["data-16-bit-load", "xdp", `r2 = *(u16 *)(r1 + 0)\n${OUT}`],
	["write", "xdp", `${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r2 + 0) = 1\n${OUT}`],
	["write-past", "xdp", `${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r2 + 1) = 1\n${OUT}`],
	["write-pointer", "xdp", `${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r2 + 0) = r1\n${OUT}`],
	[
		"write-pointer-unprivileged",
		"xdp cap_bpf",
		`${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r2 + 0) = r1\n${OUT}`,
	],
	["write-packet-pointer", "xdp", `${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r2 + 0) = r2\n${OUT}`],
	[
		"spilled-pointer-keeps-range",
		"xdp",
		`${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r10 - 8) = r2\nr5 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r5 + 7)\n${OUT}`,
	],
	[
		"spilled-before-check",
		"xdp",
		`${packet("xdp")}\n*(u64 *)(r10 - 8) = r2\n${ensure(8)}\nr5 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r5 + 7)\n${OUT}`,
	],
	[
		"spilled-then-moved",
		"xdp",
		`r6 = r1\n${packet("xdp")}\n${ensure(8)}\n*(u64 *)(r10 - 8) = r2\nr1 = r6\nr2 = 1\ncall bpf_xdp_adjust_head\nr5 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r5 + 7)\n${OUT}`,
	],
	[
		"moved-then-loaded",
		"xdp",
		`r6 = r1\nr2 = 1\ncall bpf_xdp_adjust_head\n${packet("xdp", 2, 3, 6)}\n${ensure(8)}\nr0 = *(u8 *)(r2 + 7)\n${OUT}`,
	],
	[
		"moved-on-one-branch",
		"xdp",
		`r6 = r1\n${packet("xdp", 7, 8)}\n${ensure(8, 7, 8)}\ncall bpf_get_prandom_u32\nif r0 == 0 goto +3\nr1 = r6\nr2 = 1\ncall bpf_xdp_adjust_head\nr0 = *(u8 *)(r7 + 0)\n${OUT}`,
	],
	[
		"checked-on-one-branch",
		"xdp",
		`r6 = r1\n${packet("xdp", 7, 8)}\ncall bpf_get_prandom_u32\nif r0 == 0 goto +3\n${ensure(8, 7, 8)}\nr0 = *(u8 *)(r7 + 0)\n${OUT}`,
	],
	[
		"old-end-new-data",
		"xdp",
		`r6 = r1\nr8 = *(u32 *)(r1 + 4)\nr2 = 1\ncall bpf_xdp_adjust_head\nr7 = *(u32 *)(r6 + 0)\n${ensure(8, 7, 8)}\nr0 = *(u8 *)(r7 + 0)\n${OUT}`,
	],
	[
		"meta-against-data",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\n${ensure(4)}\nr0 = *(u32 *)(r2 + 0)\n${OUT}`,
	],
	[
		"meta-against-data-past",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\n${ensure(4)}\nr0 = *(u32 *)(r2 + 1)\n${OUT}`,
	],
	[
		"meta-against-end",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 4)\n${ensure(4)}\nr0 = *(u32 *)(r2 + 0)\n${OUT}`,
	],
	[
		"meta-against-advanced-data",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\nr3 += 8\n${ensure(4)}\nr0 = *(u32 *)(r2 + 0)\n${OUT}`,
	],
	[
		"meta-check-then-data",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\n${ensure(4)}\nr0 = *(u8 *)(r3 + 0)\n${OUT}`,
	],
	[
		"meta-write",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\n${ensure(4)}\n*(u32 *)(r2 + 0) = 1\n${OUT}`,
	],
	[
		"meta-write-tc",
		"sched_cls",
		`r2 = *(u32 *)(r1 + 140)\nr3 = *(u32 *)(r1 + 76)\n${ensure(4)}\n*(u32 *)(r2 + 0) = 1\n${OUT}`,
	],
	["meta-cgroup-skb", "cgroup_skb", `r2 = *(u32 *)(r1 + 140)\n${OUT}`],
	[
		"meta-reversed",
		"xdp",
		`r2 = *(u32 *)(r1 + 8)\nr3 = *(u32 *)(r1 + 0)\nr4 = r2\nr4 += 4\nif r3 < r4 goto out\nr0 = *(u32 *)(r2 + 0)\n${OUT}`,
	],
	[
		"meta-after-adjust",
		"xdp",
		`r6 = r1\nr2 = -4\ncall bpf_xdp_adjust_meta\nr2 = *(u32 *)(r6 + 8)\nr3 = *(u32 *)(r6 + 0)\n${ensure(4)}\n*(u32 *)(r2 + 0) = 1\n${OUT}`,
	],
	["range-of-xdp-in-r0", "xdp", `${packet("xdp")}\nr0 = r2\nexit`],
	["end-to-map", "xdp", `${packet("xdp")}\n*(u64 *)(r10 - 8) = r3\nr3 = *(u32 *)(r10 - 8)\n${OUT}`],
	["write-u16-in-u8-range", "xdp", `${packet("xdp")}\n${ensure(1)}\n*(u16 *)(r2 + 0) = 1\n${OUT}`],
	[
		"read-in-two-branches",
		"xdp",
		`${packet("xdp")}\n${ensure(14)}\nr5 = *(u16 *)(r2 + 12)\nif r5 == 8 goto ip\n${ensure(54)}\nr0 = *(u8 *)(r2 + 53)\ngoto out\nip:\n${ensure(34)}\nr0 = *(u8 *)(r2 + 33)\n${OUT}`,
	],
	[
		"read-of-other-branch",
		"xdp",
		`${packet("xdp")}\n${ensure(14)}\nr5 = *(u16 *)(r2 + 12)\nif r5 == 8 goto ip\n${ensure(54)}\ngoto out\nip:\nr0 = *(u8 *)(r2 + 33)\n${OUT}`,
	],
	[
		"joined-branches-smaller",
		"xdp",
		`${packet("xdp")}\n${ensure(14)}\nr5 = *(u16 *)(r2 + 12)\nif r5 == 8 goto ip\n${ensure(54)}\nip:\nr0 = *(u8 *)(r2 + 13)\n${OUT}`,
	],
	[
		"joined-branches-larger",
		"xdp",
		`${packet("xdp")}\n${ensure(14)}\nr5 = *(u16 *)(r2 + 12)\nif r5 == 8 goto ip\n${ensure(54)}\nip:\nr0 = *(u8 *)(r2 + 14)\n${OUT}`,
	],
	[
		"ip-header-length",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr5 &= 15\nr5 <<= 2\nr2 += 14\nr2 += r5\n${ensure(4)}\nr0 = *(u16 *)(r2 + 2)\n${OUT}`,
	],
	[
		"ip-header-length-no-check",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr5 &= 15\nr5 <<= 2\nr2 += 14\nr2 += r5\nr0 = *(u16 *)(r2 + 2)\n${OUT}`,
	],
	[
		"check-before-variable",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr5 &= 15\nr2 += r5\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
	],
	[
		"two-variables-same-value",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr5 &= 15\nr4 = r2\nr4 += r5\nr2 += r5\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
	],
	[
		"variable-copy-same-id",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr2 += r5\nr4 = r2\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 + 7)\n${OUT}`,
	],
	[
		"scalar-plus-packet",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr5 += r2\nr4 = r5\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u8 *)(r5 + 7)\n${OUT}`,
	],
	[
		"packet-minus-variable",
		"xdp",
		`${packet("xdp")}\n${ensure(34)}\nr5 = *(u8 *)(r2 + 14)\nr2 -= r5\nr4 = r2\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
	],
	["sched-act-read", "sched_act", `${packet("sched_act")}\n${ensure(8)}\nr0 = *(u8 *)(r2 + 7)\n${OUT}`],
	["socket-filter-data", "socket_filter", `r2 = *(u32 *)(r1 + 76)\n${OUT}`],
	[
		"flow-dissector-write",
		"flow_dissector attach=flow_dissector",
		`${packet("flow_dissector attach=flow_dissector")}\n${ensure(8)}\n*(u8 *)(r2 + 0) = 0\n${OUT}`,
	],
	[
		"nonzero-data-check-against-ctx",
		"xdp",
		`${packet("xdp")}\nif r2 > r1 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
	],
	["data-eq-zero", "xdp", `${packet("xdp")}\nif r2 == 0 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`],
	[
		"check-against-constant",
		"xdp",
		`${packet("xdp")}\nr4 = r2\nr4 += 8\nif r4 > 100 goto out\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
	],
];

/** With a packet of `room` checked bytes in r2, r10-16 zeroed and the context in r6. */
const TO_HELPERS: readonly (readonly [name: string, header: string, room: number, call: string])[] = [
	["csum-diff", "sched_cls", 20, "r1 = r2\nr2 = 20\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_csum_diff"],
	["csum-diff-past", "sched_cls", 20, "r1 = r2\nr2 = 24\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_csum_diff"],
	["csum-diff-xdp", "xdp", 20, "r3 = r2\nr1 = 0\nr2 = 0\nr4 = 20\nr5 = 0\ncall bpf_csum_diff"],
	["map-key", "xdp", 4, "r1 = hash8 ll\ncall bpf_map_lookup_elem"],
	["map-key-past", "xdp", 3, "r1 = hash8 ll\ncall bpf_map_lookup_elem"],
	["map-value", "xdp", 8, "r3 = r2\nr1 = hash8 ll\nr2 = r10\nr2 += -16\nr4 = 0\ncall bpf_map_update_elem"],
	[
		"map-value-past",
		"xdp",
		7,
		"r3 = r2\nr1 = hash8 ll\nr2 = r10\nr2 += -16\nr4 = 0\ncall bpf_map_update_elem",
	],
	["load-bytes-into", "sched_cls", 8, "r3 = r2\nr1 = r6\nr2 = 0\nr4 = 8\ncall bpf_skb_load_bytes"],
	["store-bytes-from", "sched_cls", 8, "r3 = r2\nr1 = r6\nr2 = 0\nr4 = 8\nr5 = 0\ncall bpf_skb_store_bytes"],
	["xdp-load-into", "xdp", 8, "r3 = r2\nr1 = r6\nr2 = 0\nr4 = 8\ncall bpf_xdp_load_bytes"],
	["fib-lookup-params", "xdp", 64, "r1 = r6\nr3 = 64\nr4 = 0\ncall bpf_fib_lookup"],
	["perf-output", "xdp", 8, "r4 = r2\nr1 = r6\nr2 = events ll\nr3 = 0\nr5 = 8\ncall bpf_perf_event_output"],
	[
		"perf-output-past",
		"xdp",
		8,
		"r4 = r2\nr1 = r6\nr2 = events ll\nr3 = 0\nr5 = 9\ncall bpf_perf_event_output",
	],
	["ringbuf-output", "xdp", 8, "r1 = ring ll\nr3 = 8\nr4 = 0\ncall bpf_ringbuf_output"],
	["ringbuf-output-zero", "xdp", 8, "r1 = ring ll\nr3 = 0\nr4 = 0\ncall bpf_ringbuf_output"],
	["sk-lookup-tuple", "sched_cls", 12, "r1 = r6\nr3 = 12\nr4 = -1\nr5 = 0\ncall bpf_skc_lookup_tcp"],
	["queue-push", "xdp", 8, "r1 = queue8 ll\nr3 = 0\ncall bpf_map_push_elem"],
	["queue-pop-into", "xdp", 8, "r1 = queue8 ll\ncall bpf_map_pop_elem"],
	["strncmp", "xdp", 8, "r1 = r2\nr2 = 8\nr3 = .rodata[0]+0 ll\ncall bpf_strncmp"],
	["printk", "xdp", 8, "r1 = r2\nr2 = 8\ncall bpf_trace_printk"],
];

export const packets: ThemeScript = {
	about:
		"Direct access to packets: ranges by check and by id, variable offsets, limits, and what ends a range.",
	*programs(): Iterable<Draft> {
		for (const [name, header, asm] of BY_HAND) yield hand(name, header, asm);
		for (const [check, jump] of CHECKS) {
			for (const offset of [6, 7, 8]) {
				yield made(
					`${check}-${offset}`,
					"xdp",
					`${packet("xdp")}\nr4 = r2\nr4 += 8\n${jump}\nr0 = *(u8 *)(r2 + ${offset})\n${OUT}`,
				);
			}
			yield made(
				`${check}-else`,
				"xdp",
				`${packet("xdp")}\nr4 = r2\nr4 += 8\n${jump}\nr0 = 1\nexit\nout:\nr0 = *(u8 *)(r2 + 7)\nexit`,
			);
		}
		for (const size of SIZES) {
			for (const room of [1, 14, 0x7fff]) {
				for (const past of [0, 1]) {
					const at = room - size + past;
					yield made(
						`u${size * 8}-of-${room}${past ? "-past" : ""}`,
						"xdp",
						`${packet("xdp")}\n${ensure(room)}\nr0 = *(${uint(size)} *)(r2 ${plus(at)})\n${OUT}`,
					);
					if (size < 8)
						yield made(
							`s${size * 8}-of-${room}${past ? "-past" : ""}`,
							"xdp",
							`${packet("xdp")}\n${ensure(room)}\nr0 = *(s${size * 8} *)(r2 ${plus(at)})\n${OUT}`,
						);
				}
			}
		}
		// offsets near the largest packet that the verifier believes in
		for (const room of [0xfffe, 0xffff, 0x10000, 0x10001, 0x1fffffff, 0x20000000, -1])
			yield made(`room-${room}`, "xdp", `${packet("xdp")}\n${ensure(room)}\nr0 = *(u8 *)(r2 + 0)\n${OUT}`);
		for (const mask of [0xff, 0x7fff, 0xfff0, 0xffff, 0x1ffff, 0x7fffffff]) {
			for (const room of [1, 8, 0x100]) {
				yield made(
					`variable-${mask}-${room}`,
					"xdp",
					`r6 = r1\n${unknown(5)}\n${packet("xdp", 2, 3, 6)}\nr5 &= ${mask}\nr2 += r5\n${ensure(room)}\nr0 = *(u8 *)(r2 + ${room - 1})\n${OUT}`,
				);
				yield made(
					`variable-${mask}-${room}-past`,
					"xdp",
					`r6 = r1\n${unknown(5)}\n${packet("xdp", 2, 3, 6)}\nr5 &= ${mask}\nr2 += r5\n${ensure(room)}\nr0 = *(u8 *)(r2 + ${room})\n${OUT}`,
				);
			}
			yield made(
				`variable-twice-${mask}`,
				"xdp",
				`r6 = r1\n${unknown(5)}\n${packet("xdp", 2, 3, 6)}\nr5 &= ${mask}\nr2 += r5\nr2 += r5\n${ensure(8)}\nr0 = *(u8 *)(r2 + 0)\n${OUT}`,
			);
		}
		for (const [name, header, call] of MOVES) {
			const before = `r6 = r1\n${packet(header, 7, 8)}\n${ensure(8, 7, 8)}\n${call}`;
			yield hand(`${name}-read-behind`, header, `${before}\nr0 = *(u8 *)(r7 + 0)\n${OUT}`);
			yield hand(
				`${name}-check-again`,
				header,
				`${before}\n${packet(header, 7, 8, 6)}\n${ensure(8, 7, 8, 9)}\nr0 = *(u8 *)(r7 + 0)\n${OUT}`,
			);
		}
		for (const [name, header, room, call] of TO_HELPERS)
			yield hand(
				name,
				header,
				`r6 = r1\n*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\n${packet(header)}\n${ensure(room)}\n${call}\n${OUT}`,
			);
		for (const header of Object.keys(PACKETS)) {
			yield made(
				`${short(header)}-read`,
				header,
				`${packet(header)}\n${ensure(8)}\nr0 = *(u64 *)(r2 + 0)\n${OUT}`,
			);
			yield made(
				`${short(header)}-read-past`,
				header,
				`${packet(header)}\n${ensure(8)}\nr0 = *(u64 *)(r2 + 1)\n${OUT}`,
			);
			yield made(
				`${short(header)}-write`,
				header,
				`${packet(header)}\n${ensure(8)}\n*(u8 *)(r2 + 0) = 0\n${OUT}`,
			);
			yield made(
				`${short(header)}-key`,
				header,
				`${packet(header)}\n${ensure(8)}\nr1 = hash8 ll\ncall bpf_map_lookup_elem\n${OUT}`,
			);
		}
	},
};
