import { HELPER_IDS_6_18, helperName, helpersAllowed, PROG_TYPE } from "@tailhop/core";
import { parseHeader } from "../format.ts";
import { OUT } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";
import { KINDS, short } from "./exits.ts";

const ZERO = [8, 16, 24, 32, 40, 48, 56, 64].map((at) => `*(u64 *)(r10 - ${at}) = 0`).join("\n");

/** What an argument may be given. */
const ARGUMENTS: Readonly<Record<string, string>> = {
	zero: "rN = 0",
	one: "rN = 1",
	big: "rN = 0x7fffffff",
	negative: "rN = -1",
	unknown: "rN = *(u64 *)(r10 - 72)",
	context: "rN = r6",
	stack: "rN = r10\nrN += -64",
	fp: "rN = r10",
	map: "rN = hash8 ll",
	value: "rN = one48[0]+0 ll",
	constant: "rN = .rodata[0]+0 ll",
	nothing: "",
};

/** Right calls of helpers that network programs use: arguments by name of ARGUMENTS, or text. */
const CALLS: readonly (readonly [helper: string, header: string, args: readonly string[]])[] = [
	["bpf_map_lookup_elem", "xdp", ["map", "stack"]],
	["bpf_map_update_elem", "xdp", ["map", "stack", "value", "zero"]],
	["bpf_map_delete_elem", "sched_cls", ["map", "stack"]],
	["bpf_skb_load_bytes", "sched_cls", ["context", "zero", "stack", "rN = 8"]],
	["bpf_skb_store_bytes", "sched_cls", ["context", "zero", "stack", "rN = 8", "zero"]],
	["bpf_csum_diff", "sched_cls", ["stack", "rN = 8", "stack", "rN = 8", "zero"]],
	["bpf_l4_csum_replace", "sched_cls", ["context", "zero", "zero", "zero", "zero"]],
	["bpf_xdp_adjust_head", "xdp", ["context", "zero"]],
	["bpf_fib_lookup", "xdp", ["context", "stack", "rN = 64", "zero"]],
	["bpf_redirect", "sched_cls", ["one", "zero"]],
	["bpf_perf_event_output", "xdp", ["context", "rN = events ll", "zero", "stack", "rN = 8"]],
	["bpf_ringbuf_output", "sched_cls", ["rN = ring ll", "stack", "rN = 8", "zero"]],
	["bpf_skb_get_tunnel_key", "sched_cls", ["context", "stack", "rN = 44", "zero"]],
	["bpf_skb_set_tunnel_opt", "sched_cls", ["context", "stack", "rN = 8"]],
	["bpf_sk_lookup_tcp", "sched_cls", ["context", "stack", "rN = 12", "zero", "zero"]],
	["bpf_trace_printk", "xdp", ["constant", "rN = 8"]],
	["bpf_strtol", "cgroup_sysctl attach=cgroup_sysctl", ["stack", "rN = 8", "zero", "rN = r10\nrN += -8"]],
	["bpf_strncmp", "xdp", ["stack", "rN = 8", "constant"]],
	["bpf_snprintf", "sched_cls", ["stack", "rN = 16", "constant", "stack", "rN = 8"]],
	["bpf_probe_read_kernel", "kprobe", ["stack", "rN = 8", "unknown"]],
	["bpf_get_current_comm", "kprobe", ["stack", "rN = 16"]],
	["bpf_getsockopt", "sock_ops attach=cgroup_sock_ops", ["context", "one", "one", "stack", "rN = 4"]],
	["bpf_bind", "cgroup_sock_addr attach=cgroup_inet4_connect", ["context", "stack", "rN = 16"]],
	["bpf_msg_pull_data", "sk_msg attach=sk_msg_verdict", ["context", "zero", "rN = 8", "zero"]],
	[
		"bpf_sk_redirect_map",
		"sk_skb attach=sk_skb_stream_verdict",
		["context", "rN = socks ll", "zero", "zero"],
	],
	[
		"bpf_sk_select_reuseport",
		"sk_reuseport attach=sk_reuseport_select",
		["context", "rN = reuse ll", "stack", "zero"],
	],
	["bpf_sk_assign", "sk_lookup attach=sk_lookup", ["context", "zero", "zero"]],
	["bpf_get_stackid", "kprobe", ["context", "rN = stacks ll", "zero"]],
	["bpf_get_stack", "kprobe", ["context", "stack", "rN = 64", "zero"]],
	["bpf_map_push_elem", "xdp", ["rN = queue8 ll", "stack", "zero"]],
	["bpf_map_peek_elem", "xdp", ["rN = bloom8 ll", "stack"]],
	["bpf_xdp_load_bytes", "xdp", ["context", "zero", "stack", "rN = 8"]],
	["bpf_skb_under_cgroup", "sched_cls", ["context", "rN = cgroups ll", "zero"]],
	["bpf_get_local_storage", "cgroup_skb", ["rN = cgroup_store ll", "zero"]],
	["bpf_check_mtu", "xdp", ["context", "zero", "stack", "zero", "zero"]],
	["bpf_tcp_gen_syncookie", "sched_cls", ["zero", "stack", "rN = 20", "stack", "rN = 20"]],
	["bpf_tcp_raw_gen_syncookie_ipv4", "xdp", ["stack", "stack", "rN = 20"]],
	["bpf_load_hdr_opt", "sock_ops attach=cgroup_sock_ops", ["context", "stack", "rN = 8", "zero"]],
	["bpf_lwt_push_encap", "lwt_xmit", ["context", "zero", "stack", "rN = 40"]],
];

const call = (helper: string, args: readonly string[], accepted = "r0 = 1"): string => {
	const give = args
		.map((arg, i) => (ARGUMENTS[arg] ?? arg).replaceAll("rN", `r${i + 1}`))
		.filter((text) => text !== "");
	return `r6 = r1\n${ZERO}\n${give.join("\n")}\ncall ${helper}\n${accepted}\nexit`;
};

/** Sizes that stand behind memory: what is below, at and above what lies there. */
const SIZES = [
	"rN = 0",
	"rN = 64",
	"rN = 65",
	"rN = -1",
	"rN = *(u8 *)(r10 - 72)",
	"rN = *(u8 *)(r10 - 72)\nrN &= 63",
	"rN = *(u8 *)(r10 - 72)\nrN &= 63\nrN += 1",
	"rN = r6",
	"rN = *(u64 *)(r10 - 72)\nif rN s> 64 goto +0",
];

export const helpers: ThemeScript = {
	about:
		"Arguments of helpers, each in turn made wrong; sizes; and who may call which helper, under which license.",
	*programs(): Iterable<Draft> {
		for (const [helper, header, args] of CALLS) {
			const name = helper.replace("bpf_", "");
			yield made(name, header, call(helper, args));
			yield made(`${name}-cap-bpf`, `${header} cap_bpf`, call(helper, args));
			for (const [i] of args.entries()) {
				for (const wrong of ["zero", "unknown", "context", "stack", "map", "value", "nothing"]) {
					// one in two, so that kinds of arguments meet all mistakes over the helpers
					if ((i * 3 + wrong.length + name.length) % 2 === 0) continue;
					yield made(
						`${name}-${i + 1}-${wrong}`,
						header,
						call(
							helper,
							args.map((arg, at) => (at === i ? wrong : arg)),
						),
					);
				}
			}
		}
		for (const [helper, header, args] of CALLS.slice(3, 30)) {
			const at = args.findIndex((arg) => /^rN = \d+$/.test(arg));
			if (at < 0 || args[at - 1] !== "stack") continue;
			for (const size of SIZES)
				yield made(
					`${helper.replace("bpf_", "")}-size-${size.replace(/\W+/g, "-")}`,
					header,
					call(
						helper,
						args.map((arg, i) => (i === at ? size : arg)),
					),
				);
		}
		// who may call: helpers that some type has and others lack
		const ids = [...HELPER_IDS_6_18].sort((a, b) => a - b);
		for (const [index, kind] of KINDS.entries()) {
			const { type, attach } = parseHeader(kind);
			const allowed = helpersAllowed(type, attach) ?? new Set<number>();
			const zeros = [1, 2, 3, 4, 5].map((register) => `r${register} = 0`).join("\n");
			for (const id of ids.filter((each) => each % KINDS.length === index)) {
				const helper = helperName(id);
				if (helper === undefined) continue;
				yield made(
					`${short(kind)}-calls-${helper.replace("bpf_", "")}`,
					kind,
					`${zeros}\ncall ${helper}\nr0 = 1\nexit`,
				);
			}
			for (const id of [5, 7, 8, 14, 15, 16, 25, 27, 35, 46, 113, 118, 125, 160].filter(
				(each) => (each + index) % 5 === 0,
			)) {
				const helper = helperName(id)!;
				yield made(
					`${short(kind)}-may-${helper.replace("bpf_", "")}`,
					kind,
					`${zeros.replace("r1 = 0\n", "")}\ncall ${helper}\nr0 = ${allowed.has(id) ? 1 : 0}\nexit`,
				);
			}
		}
		for (const [helper, header] of [
			["bpf_trace_printk", "xdp"],
			["bpf_ktime_get_ns", "xdp"],
			["bpf_get_prandom_u32", "xdp"],
			["bpf_get_current_task", "kprobe"],
			["bpf_perf_event_output", "xdp"],
			["bpf_ktime_get_coarse_ns", "sched_cls"],
			["bpf_ringbuf_output", "xdp"],
			["bpf_skb_load_bytes", "sched_cls"],
			["bpf_probe_read_kernel", "kprobe"],
			["bpf_fib_lookup", "xdp"],
			["bpf_redirect", "xdp"],
			["bpf_get_stackid", "kprobe"],
			["bpf_tcp_sock", "sched_cls"],
			["bpf_sk_storage_get", "sched_cls"],
			["bpf_jiffies64", "socket_filter"],
			["bpf_skb_ecn_set_ce", "cgroup_skb"],
			["bpf_lwt_seg6_store_bytes", "lwt_seg6local"],
		] as const) {
			const found = CALLS.find(([name]) => name === helper);
			const args = found?.[2] ?? ["zero", "zero", "zero", "zero"];
			for (const license of ["GPL", "MIT", "Dual", "Proprietary"])
				yield made(
					`license-${license}-${helper.replace("bpf_", "")}`,
					license === "GPL" ? header : `${header} license=${license}`,
					call(helper, args),
				);
		}
		for (const [name, header, asm] of [
			["unknown-helper-212", "xdp", "call 212\nr0 = 0\nexit"],
			["unknown-helper-0", "xdp", "call 0\nr0 = 0\nexit"],
			["unknown-helper-large", "xdp", "call 100000\nr0 = 0\nexit"],
			[
				"result-is-unknown",
				"xdp",
				`call bpf_get_prandom_u32\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\n${OUT.replace("out:\n", "")}`,
			],
			[
				"cpu-is-bounded",
				"xdp",
				"call bpf_get_smp_processor_id\nr0 >>= 8\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"cpu-unbounded-enough",
				"xdp",
				"call bpf_get_smp_processor_id\nr2 = r10\nr2 += -512\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"load-bytes-result-negative",
				"sched_cls",
				"r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_skb_load_bytes\nif r0 s> 0 goto dead\nr0 = 0\nexit\ndead:\nr0 = *(u8 *)(r9 + 0)\nexit",
			],
			[
				"get-stack-result-bounded",
				"kprobe",
				"r2 = r10\nr2 += -64\nr3 = 64\nr4 = 0\ncall bpf_get_stack\nif r0 s< 0 goto out\nr2 = r10\nr2 += -64\nr3 = 64\nr3 -= r0\nif r3 == 0 goto out\nout:\nr0 = 0\nexit",
			],
			[
				"probe-read-str-result",
				"kprobe",
				"r3 = r1\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_probe_read_kernel_str\nif r0 s< 0 goto out\nif r0 s> 8 goto dead\nout:\nr0 = 0\nexit\ndead:\nr0 = *(u8 *)(r9 + 0)\nexit",
			],
			[
				"load-bytes-initialises",
				"sched_cls",
				"r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_skb_load_bytes\nr1 = *(u64 *)(r10 - 8)\nr0 = 0\nexit",
			],
			[
				"load-bytes-initialises-part",
				"sched_cls cap_bpf",
				"r2 = 0\nr3 = r10\nr3 += -8\nr4 = 4\ncall bpf_skb_load_bytes\nr1 = *(u64 *)(r10 - 8)\nr0 = 0\nexit",
			],
		] as const)
			yield hand(name, header, asm);
		yield hand("type-without-number", "unspec", "r0 = 0\nexit");
		yield hand("type-too-large", String(Object.keys(PROG_TYPE).length), "r0 = 0\nexit");
	},
};
