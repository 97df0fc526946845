import { type Draft, hand, made, type ThemeScript } from "../theme.ts";
import { KINDS } from "./exits.ts";

const BODY = "r1 = 0\nr0 = 1\nexit";
const OTHERS = [
	"cgroup_inet_egress",
	"cgroup_inet4_bind",
	"xdp_devmap",
	"sk_lookup",
	"tcx_ingress",
	"perf_event",
	"99",
];

export const attach: ThemeScript = {
	about: "What BPF_PROG_LOAD itself refuses: expected attach types and flags that a type does not have.",
	*programs(): Iterable<Draft> {
		const types = [...new Set(KINDS.map((kind) => kind.split(" ")[0]!))];
		for (const [index, type] of types.entries()) {
			yield made(`${type}-none`, type, BODY);
			for (const [i, other] of OTHERS.entries())
				if ((i + index) % 3 === 0) yield made(`${type}-${other}`, `${type} attach=${other}`, BODY);
		}
		for (const [i, kind] of KINDS.entries()) {
			const name = kind.replace(/ (attach=)?/g, ".");
			if (i % 2 === 0)
				yield made(`${name}-sleepable`, kind.includes("sleepable") ? "syscall" : `${kind} sleepable`, BODY);
			if (i % 3 === 0 && !kind.includes("sleepable"))
				yield made(`${name}-frags`, `${kind} xdp_has_frags`, BODY);
			if (i % 4 === 0 && !kind.includes("sleepable"))
				yield made(`${name}-rnd-hi32`, `${kind} test_rnd_hi32`, BODY);
			if (i % 5 === 0)
				yield made(
					`${name}-reg-invariants`,
					`${kind.replace(" sleepable", "")} test_reg_invariants${kind.includes("sleepable") ? " sleepable" : ""}`,
					BODY,
				);
		}
		for (const [name, header, asm] of [
			["empty-license", "xdp license=x", BODY],
			[
				"frags-reads-packet",
				"xdp xdp_has_frags",
				"r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 8\nif r4 > r3 goto +1\nr0 = *(u64 *)(r2 + 0)\nr0 = 2\nexit",
			],
			[
				"frags-load-bytes",
				"xdp xdp_has_frags",
				"r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_load_bytes\nr0 = 2\nexit",
			],
			["frags-buff-len", "xdp xdp_has_frags", "call bpf_xdp_get_buff_len\nr0 = 2\nexit"],
			[
				"devmap-redirect",
				"xdp attach=xdp_devmap",
				"r1 = devs ll\nr2 = 0\nr3 = 0\ncall bpf_redirect_map\nexit",
			],
			[
				"cpumap-redirect",
				"xdp attach=xdp_cpumap",
				"r1 = cpus ll\nr2 = 0\nr3 = 0\ncall bpf_redirect_map\nexit",
			],
			[
				"sleepable-map",
				"syscall sleepable",
				"*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = hash8 ll\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
			],
			["sleepable-prog-array", "syscall sleepable", "r1 = jumps ll\nr0 = 0\nexit"],
			["sleepable-percpu-map", "syscall sleepable", "r1 = percpu_hash16 ll\nr0 = 0\nexit"],
			["sleepable-lpm", "syscall sleepable", "r1 = lpm8 ll\nr0 = 0\nexit"],
			["sleepable-queue", "syscall sleepable", "r1 = queue8 ll\nr0 = 0\nexit"],
			["sleepable-sockmap", "syscall sleepable", "r1 = socks ll\nr0 = 0\nexit"],
			["sleepable-ring", "syscall sleepable", "r1 = ring ll\nr0 = 0\nexit"],
			["sleepable-lock", "syscall sleepable", "r1 = locked_array ll\nr0 = 0\nexit"],
			["sleepable-timer", "syscall sleepable", "r1 = timed_array ll\nr0 = 0\nexit"],
			["kprobe-lock-map", "kprobe", "r1 = locked_array ll\nr0 = 0\nexit"],
			["kprobe-timer-map", "kprobe", "r1 = timed_array ll\nr0 = 0\nexit"],
			["perf-event-lock-map", "perf_event", "r1 = locked_hash ll\nr0 = 0\nexit"],
			["socket-filter-lock-map", "socket_filter", "r1 = locked_hash ll\nr0 = 0\nexit"],
			["tracepoint-percpu-map", "tracepoint", "r1 = percpu_hash16 ll\nr0 = 0\nexit"],
			["tracepoint-no-prealloc-map", "tracepoint", "r1 = hash48 ll\nr0 = 0\nexit"],
			["perf-event-no-prealloc-map", "perf_event", "r1 = hash48 ll\nr0 = 0\nexit"],
			["cgroup-storage-in-xdp", "xdp", "r1 = cgroup_store ll\nr0 = 0\nexit"],
		] as const)
			yield hand(name, header, asm);
	},
};
