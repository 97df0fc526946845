import { ensure, lookup, OUT, packet, unknown } from "../parts.ts";
import { type Draft, hand, type ThemeScript } from "../theme.ts";

/** Each is asked twice: with all capabilities, and with CAP_BPF and CAP_NET_ADMIN alone. */
const BODIES: readonly (readonly [name: string, header: string, asm: string])[] = [
	["return-pointer", "socket_filter", "r0 = r10\nexit"],
	["return-map", "socket_filter", "r0 = hash8 ll\nexit"],
	["pointer-to-value", "socket_filter", `${lookup("array48")}\n*(u64 *)(r0 + 0) = r10\n${OUT}`],
	["pointer-in-scalar-arithmetic", "socket_filter", "r0 = 5\nr0 += r10\nr0 = 0\nexit"],
	["scalar-minus-pointer", "socket_filter", "r0 = 5\nr0 -= r10\nr0 = 0\nexit"],
	["pointer-minus-pointer", "socket_filter", "r0 = r10\nr1 = r10\nr0 -= r1\nr0 = 0\nexit"],
	["packet-minus-packet", "sched_cls", `${packet("sched_cls")}\nr3 -= r2\nr0 = 0\nexit`],
	["pointer-and", "socket_filter", "r0 = r10\nr0 &= 7\nr0 = 0\nexit"],
	["pointer-or-pointer", "socket_filter", "r0 = r10\nr0 |= r1\nr0 = 0\nexit"],
	["pointer-xor-itself", "socket_filter", "r0 = r10\nr0 ^= r0\nr0 = 0\nexit"],
	["pointer-mul", "socket_filter", "r0 = r10\nr0 *= 2\nr0 = 0\nexit"],
	["pointer-neg", "socket_filter", "r0 = r10\nr0 = -r0\nr0 = 0\nexit"],
	["pointer-32", "socket_filter", "w0 = w10\nr0 = 0\nexit"],
	["pointer-32-add", "socket_filter", "r0 = r10\nw0 += 1\nr0 = 0\nexit"],
	["pointer-movsx", "socket_filter", "r0 = (s32)r10\nr0 = 0\nexit"],
	["pointer-endian", "socket_filter", "r0 = r10\nr0 = be32 r0\nr0 = 0\nexit"],
	["pointer-compare-constant", "socket_filter", "if r10 > 100 goto out\nout:\nr0 = 0\nexit"],
	["pointer-compare-pointer", "socket_filter", "if r10 > r1 goto out\nout:\nr0 = 0\nexit"],
	["pointer-compare-null", "socket_filter", "if r1 == 0 goto out\nout:\nr0 = 0\nexit"],
	["value-compare-null", "socket_filter", `${lookup("array48")}\nif r0 == 0 goto out\n${OUT}`],
	["value-compare-value", "socket_filter", `${lookup("array48")}\nr6 = r0\nif r0 > r6 goto out\n${OUT}`],
	["packet-compare-end", "sched_cls", `${packet("sched_cls")}\n${ensure(8)}\n${OUT}`],
	["packet-compare-constant", "sched_cls", `${packet("sched_cls")}\nif r2 > 100 goto out\n${OUT}`],
	["spill-partial", "socket_filter", "*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)\nr0 = 0\nexit"],
	["spill-overwritten", "socket_filter", "*(u64 *)(r10 - 8) = r1\n*(u8 *)(r10 - 8) = 0\nr0 = 0\nexit"],
	["spill-overwritten-whole", "socket_filter", "*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 8) = 0\nr0 = 0\nexit"],
	["stack-uninitialised", "socket_filter", "r0 = *(u64 *)(r10 - 8)\nr0 = 0\nexit"],
	["stack-partly", "socket_filter", "*(u32 *)(r10 - 8) = 0\nr0 = *(u64 *)(r10 - 8)\nr0 = 0\nexit"],
	[
		"stack-uninitialised-to-helper",
		"socket_filter",
		"r2 = r10\nr2 += -8\nr1 = hash16 ll\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
	],
	[
		"stack-variable-read",
		"socket_filter",
		"r6 = *(u32 *)(r1 + 0)\nr6 &= 7\n*(u64 *)(r10 - 8) = 0\nr7 = r10\nr7 += -8\nr7 += r6\nr0 = *(u8 *)(r7 + 0)\nr0 = 0\nexit",
	],
	[
		"stack-variable-write",
		"socket_filter",
		"r6 = *(u32 *)(r1 + 0)\nr6 &= 7\n*(u64 *)(r10 - 8) = 0\nr7 = r10\nr7 += -8\nr7 += r6\n*(u8 *)(r7 + 0) = 0\nr0 = 0\nexit",
	],
	[
		"stack-variable-to-helper",
		"socket_filter",
		"r6 = *(u32 *)(r1 + 0)\nr6 &= 4\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr2 += r6\nr1 = hash8 ll\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
	],
	["stack-pointer-past", "socket_filter", "r2 = r10\nr2 += 8\nr0 = 0\nexit"],
	["stack-pointer-below", "socket_filter", "r2 = r10\nr2 += -520\nr0 = 0\nexit"],
	[
		"stack-pointer-past-unused",
		"socket_filter",
		"r2 = r10\nr2 += -516\nr2 += 8\n*(u32 *)(r2 + 0) = 0\nr0 = 0\nexit",
	],
	["value-pointer-past", "socket_filter", `${lookup("array48")}\nr0 += 48\n${OUT}`],
	["value-pointer-below", "socket_filter", `${lookup("array48")}\nr0 += -1\n${OUT}`],
	["value-pointer-last", "socket_filter", `${lookup("array48")}\nr0 += 47\n${OUT}`],
	[
		"value-variable-in",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nr6 &= 31\nr0 += r6\nr1 = *(u8 *)(r0 + 0)\n${OUT}`,
	],
	[
		"value-variable-unbounded",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nr0 += r6\n${OUT}`,
	],
	[
		"value-variable-mixed-sign",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nr6 &= 7\nr6 += -4\nr0 += 8\nr0 += r6\nr1 = *(u8 *)(r0 + 0)\n${OUT}`,
	],
	[
		"value-variable-minus",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nr6 &= 7\nr0 += 8\nr0 -= r6\nr1 = *(u8 *)(r0 + 0)\n${OUT}`,
	],
	[
		"value-two-paths-constants",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nr7 = 8\nif r6 == 0 goto +1\nr7 = 16\nr0 += r7\nr1 = *(u8 *)(r0 + 0)\n${OUT}`,
	],
	[
		"value-two-pointers-one-add",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nr7 = r0\nif r6 == 0 goto +2\nr7 = r10\nr7 += -16\nr6 &= 7\nr7 += r6\nr1 = *(u8 *)(r7 + 0)\n${OUT}`,
	],
	[
		"speculative-dead-branch",
		"socket_filter",
		"r6 = 0\nif r6 == 0 goto out\nr0 = *(u8 *)(r10 + 8)\nout:\nr0 = 0\nexit",
	],
	[
		"speculative-dead-branch-uninitialised",
		"socket_filter",
		"r6 = 0\nif r6 == 0 goto out\nr0 = r9\nout:\nr0 = 0\nexit",
	],
	[
		"speculative-bounds",
		"socket_filter",
		`r6 = *(u32 *)(r1 + 0)\n${lookup("array48")}\nif r6 > 40 goto out\nr0 += r6\nr1 = *(u8 *)(r0 + 7)\n${OUT}`,
	],
	["speculative-dead-exit", "socket_filter", "r6 = 1\nif r6 != 1 goto bad\nr0 = 0\nexit\nbad:\nexit"],
	[
		"speculative-dead-map",
		"socket_filter",
		"r6 = 1\nif r6 != 1 goto bad\nr0 = 0\nexit\nbad:\nr1 = 0\nr2 = 0\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
	],
	["bounded-loop", "socket_filter", "r6 = 0\nagain:\nr6 += 1\nif r6 < 10 goto again\nr0 = 0\nexit"],
	["subprogram", "socket_filter", "call sub\nexit\nsub:\nr0 = 0\nexit"],
	[
		"callback",
		"socket_filter",
		".btf\nr1 = 1\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\ncb:\nr0 = 0\nexit",
	],
	["kfunc", "sched_cls", "call kfunc bpf_rcu_read_lock\ncall kfunc bpf_rcu_read_unlock\nr0 = 0\nexit"],
	["printk", "socket_filter", "r1 = .rodata[0]+0 ll\nr2 = 4\ncall bpf_trace_printk\nr0 = 0\nexit"],
	["get-task", "socket_filter", "call bpf_get_current_task\nr0 = 0\nexit"],
	["probe-read", "kprobe", "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall bpf_probe_read_kernel\nr0 = 0\nexit"],
	["kprobe", "kprobe", "r0 = 0\nexit"],
	["tracepoint", "tracepoint", "r0 = 0\nexit"],
	["raw-tracepoint", "raw_tracepoint", "r0 = 0\nexit"],
	["perf-event", "perf_event", "r0 = 0\nexit"],
	[
		"cgroup-skb-packet",
		"cgroup_skb",
		`${packet("cgroup_skb")}\n${ensure(8)}\nr0 = *(u8 *)(r2 + 0)\nr0 = 1\nexit\nout:\nr0 = 1\nexit`,
	],
	["cgroup-skb-tstamp", "cgroup_skb", "r0 = *(u64 *)(r1 + 152)\n*(u64 *)(r1 + 152) = r0\nr0 = 1\nexit"],
	["sk-reuseport", "sk_reuseport attach=sk_reuseport_select", "r0 = 1\nexit"],
	["sk-lookup", "sk_lookup attach=sk_lookup", "r0 = 1\nexit"],
	["flow-dissector", "flow_dissector attach=flow_dissector", "r0 = 0\nexit"],
	["netfilter", "netfilter attach=netfilter", "r0 = 1\nexit"],
	["syscall", "syscall sleepable", "r0 = 0\nexit"],
	["tail-call-pointer-index", "socket_filter", "r2 = jumps ll\nr3 = r10\ncall bpf_tail_call\nr0 = 0\nexit"],
	["atomic-pointer", "socket_filter", "*(u64 *)(r10 - 8) = 0\nlock *(u64 *)(r10 - 8) += r10\nr0 = 0\nexit"],
	[
		"cmpxchg-pointer",
		"socket_filter",
		"*(u64 *)(r10 - 8) = 0\nr0 = r10\nr1 = 0\nr0 = cmpxchg_64(r10 - 8, r0, r1)\nr0 = 0\nexit",
	],
	[
		"helper-leaks-pointer",
		"socket_filter",
		"*(u64 *)(r10 - 8) = r1\nr2 = r10\nr2 += -8\nr1 = hash16 ll\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
	],
	[
		"queue-leaks-pointer",
		"socket_filter",
		"*(u64 *)(r10 - 8) = r1\nr2 = r10\nr2 += -8\nr1 = queue8 ll\nr3 = 0\ncall bpf_map_push_elem\nr0 = 0\nexit",
	],
	["ctx-cb-pointer", "socket_filter", "*(u64 *)(r1 + 48) = r1\nr0 = 0\nexit"],
	["scalar-helper-argument-pointer", "sched_cls", "r1 = r10\nr2 = 0\ncall bpf_redirect\nr0 = 0\nexit"],
	[
		"state-merge-with-precise",
		"socket_filter",
		`${unknown(6)}\nr7 = 0\nif r6 > 5 goto +1\nr7 = 1\nr8 = r10\nr8 += -8\nr8 += r7\n*(u8 *)(r8 + 0) = 0\nr0 = 0\nexit`,
	],
];

/** Whose program with all capabilities another theme has. */
const ELSEWHERE = [
	"kfunc",
	"kprobe",
	"tracepoint",
	"raw-tracepoint",
	"perf-event",
	"sk-reuseport",
	"sk-lookup",
	"flow-dissector",
	"netfilter",
	"syscall",
];

export const privilege: ThemeScript = {
	about: "The same program with all capabilities, and with CAP_BPF and CAP_NET_ADMIN but not CAP_PERFMON.",
	*programs(): Iterable<Draft> {
		for (const [name, header, asm] of BODIES) {
			if (!ELSEWHERE.includes(name)) yield hand(`${name}-all`, header, asm);
			yield hand(`${name}-cap-bpf`, `${header} cap_bpf`, asm);
		}
	},
};
