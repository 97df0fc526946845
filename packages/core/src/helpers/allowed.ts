/**
 * Which helpers Linux 6.18 lets a program type call: what its verifier answers to a program that calls just that one.
 * `node scripts/run-ts.mjs scripts/probe-helpers.ts` asks the running kernel again and prints the table.
 */

/** "1-3 5": ids and ranges of ids. */
function ids(text: string): number[] {
	return text.split(" ").flatMap((part) => {
		const [first = 0, last = first] = part.split("-").map(Number);
		return Array.from({ length: last - first + 1 }, (_, i) => first + i);
	});
}

/** Every type below may call these. */
const ALLOWED_EVERYWHERE =
	"1-3 5-8 12 14-17 22 35 37 42 55 80 87-89 93-94 105-106 109 112-115 117-118 120 123 125 130-134 141 148-149 153-154 156-158 164-165 169-172 175-177 180-182 191 194-195 197-203 208-211";

const SCHED =
	"9-11 13 18-21 23-26 28-34 38-41 43 46-48 50 66 68-69 79 83-86 95-100 107-108 110 122 124 135-140 151-152 155 160 163 178 192 196 204-207";
const TRACING = "4 25 27 45 67 173-174";

/** What a type may call besides, by BPF_PROG_TYPE_*. Types that this table lacks are not restricted by it. */
export const ALLOWED_BY_TYPE: Readonly<Record<number, { readonly name: string; readonly ids: string }>> = {
	1: { name: "socket_filter", ids: "25-26 46-47 68 122 136-140 160 178 196" },
	2: { name: "kprobe", ids: TRACING },
	3: { name: "sched_cls", ids: SCHED },
	4: { name: "sched_act", ids: SCHED },
	5: { name: "tracepoint", ids: TRACING },
	6: {
		name: "xdp",
		ids: "23 25 28 44 51 54 65 69 84-86 99-100 110 136-140 160 163 178 188-190 196 204-207",
	},
	7: { name: "perf_event", ids: "4 25 27 45 56 67 119 173-174" },
	8: {
		name: "cgroup_skb",
		ids: "25-26 46-47 68 79 81 83-86 95-99 107-108 122 128-129 136-140 160 178 196",
	},
	9: { name: "cgroup_sock", ids: "25 46 81 107 122 160 186-187" },
	10: { name: "lwt_in", ids: "24-26 28 33-34 39 73 136-140 160 178 196" },
	11: { name: "lwt_out", ids: "24-26 28 33-34 39 136-140 160 178 196" },
	12: {
		name: "lwt_xmit",
		ids: "9-11 13 20-21 23-26 28-30 33-34 38-41 43 73 135-140 160 178 196",
	},
	13: { name: "sock_ops", ids: "25 46 49 53 57 59 70 81 96 107-108 122 136-140 142-144 160 178 196" },
	14: { name: "sk_skb", ids: "9 25-26 38-39 43 46-47 50 52 72 84-86 99 136-140 160 178 196" },
	15: { name: "cgroup_device", ids: "25 81 186-187" },
	16: { name: "sk_msg", ids: "25 60-63 71 90-91 107-108 122 136-140 160 178 196" },
	17: { name: "raw_tracepoint", ids: TRACING },
	18: {
		name: "cgroup_sock_addr",
		ids: "25 46 49 57 64 81 84-86 99 107-108 122 136-140 160 178 186-187 196",
	},
	19: { name: "lwt_seg6local", ids: "24-26 28 33-34 39 74-76 136-140 160 178 196" },
	21: { name: "sk_reuseport", ids: "26 46 68 82 160" },
	22: { name: "flow_dissector", ids: "26 136-140 160 178 196" },
	23: { name: "cgroup_sysctl", ids: "25 81 101-104 160 186-187" },
	24: { name: "raw_tracepoint_writable", ids: TRACING },
	25: { name: "cgroup_sockopt", ids: "25 49 57 81 96 107-108 122 186-187" },
	26: {
		name: "tracing",
		ids: "4 25 27 45-46 49 57 67 107-108 111 121 126-127 136-140 147 150 162 173-174 178 183-185 188 196",
	},
	/** tcp_congestion_ops: what else a structure's functions may call is the structure's affair. */
	27: { name: "struct_ops", ids: "49 57 107-108 116 160" },
	30: { name: "sk_lookup", ids: "25 86 124 136-140 160 178 196" },
	31: {
		name: "syscall",
		ids: "4 25 27 45-46 67 111 121 136-140 162 166-168 173 178-179 188 196",
	},
	32: { name: "netfilter", ids: "" },
};

/** Helpers that need one of these expected attach types besides: BPF_CGROUP_*. */
export const ALLOWED_BY_ATTACH_TYPE: readonly {
	readonly type: number;
	readonly ids: readonly number[];
	readonly attachTypes: readonly number[];
}[] = [
	// bind: INET4/6_CONNECT; get_retval and set_retval: bind, connect, UNIX_CONNECT, sendmsg
	{ type: 18, ids: [64], attachTypes: [10, 11] },
	{ type: 18, ids: [186, 187], attachTypes: [8, 9, 10, 11, 14, 15, 49, 50] },
	// setsockopt and getsockopt: SETSOCKOPT
	{ type: 25, ids: [49, 57], attachTypes: [22] },
	// seq_* and d_path: TRACE_ITER; get_attach_cookie, get_func_arg*, get_func_ret: where there is a trampoline. An iterator
	// over sockets may call setsockopt and getsockopt, which depends on the iterator.
	{ type: 26, ids: [126, 127, 147, 150], attachTypes: [28] },
	{ type: 26, ids: [174], attachTypes: [23, 24, 25, 26] },
	{ type: 26, ids: [183, 184, 185], attachTypes: [24, 25, 26] },
	{ type: 26, ids: [49, 57], attachTypes: [] },
];

const cache = new Map<string, ReadonlySet<number>>();

/**
 * Ids that a program of this type and expected attach type may call in 6.18; undefined for a type that isn't known
 * (nothing is said of it). tail_call (12) is among them.
 */
export function helpersAllowed(programType: number, expectedAttachType = 0): ReadonlySet<number> | undefined {
	const row = ALLOWED_BY_TYPE[programType];
	if (row === undefined) return undefined;
	const key = `${programType}/${expectedAttachType}`;
	const known = cache.get(key);
	if (known !== undefined) return known;
	const allowed = new Set(ids(row.ids === "" ? ALLOWED_EVERYWHERE : `${ALLOWED_EVERYWHERE} ${row.ids}`));
	for (const rule of ALLOWED_BY_ATTACH_TYPE) {
		if (rule.type !== programType || rule.attachTypes.includes(expectedAttachType)) continue;
		for (const id of rule.ids) allowed.delete(id);
	}
	cache.set(key, allowed);
	return allowed;
}
