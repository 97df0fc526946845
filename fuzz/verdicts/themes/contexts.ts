import { type Draft, hand, made, type ThemeScript } from "../theme.ts";
import { KINDS, short } from "./exits.ts";

/** Offsets of interest by type: starts of fields, their insides, holes, and the end. */
const OFFSETS: Readonly<Record<string, readonly number[]>> = {
	socket_filter: [
		0, 4, 8, 12, 16, 20, 28, 40, 44, 48, 52, 64, 72, 76, 88, 92, 128, 136, 144, 152, 160, 164, 168, 176, 184,
		192,
	],
	sched_cls: [
		0, 1, 2, 4, 8, 10, 12, 16, 20, 24, 28, 40, 44, 48, 49, 52, 64, 68, 72, 76, 80, 84, 88, 92, 108, 128, 136,
		140, 144, 148, 152, 156, 160, 164, 168, 172, 176, 180, 182, 184, 188, 192,
	],
	sched_act: [0, 8, 44, 48, 72, 76, 140, 168, 192],
	xdp: [-4, -1, 0, 1, 2, 4, 6, 8, 10, 12, 13, 14, 16, 20, 22, 23, 24],
	cgroup_skb: [0, 4, 8, 12, 40, 48, 64, 72, 76, 80, 92, 136, 140, 144, 152, 168, 176, 192],
	"cgroup_sock attach=cgroup_inet_sock_create": [0, 4, 8, 12, 16, 18, 20, 24, 28, 40, 44, 48, 52, 72, 76, 80],
	"cgroup_sock attach=cgroup_inet4_post_bind": [0, 16, 24, 28, 44, 48, 72, 76],
	"cgroup_sock attach=cgroup_inet6_post_bind": [24, 28, 40, 44],
	lwt_in: [0, 8, 16, 20, 40, 48, 76, 136, 144, 152, 168],
	lwt_xmit: [0, 8, 16, 20, 40, 48, 68, 72, 76, 136, 140, 152, 168],
	lwt_seg6local: [0, 8, 48, 76],
	"sock_ops attach=cgroup_sock_ops": [
		0, 4, 8, 12, 16, 18, 20, 24, 28, 44, 60, 64, 68, 72, 76, 80, 84, 88, 96, 100, 140, 144, 152, 160, 168,
		176, 184, 192, 200, 204, 208, 216,
	],
	"sk_skb attach=sk_skb_stream_verdict": [
		0, 8, 12, 16, 32, 48, 68, 72, 76, 80, 88, 108, 124, 132, 136, 140, 152, 168,
	],
	"cgroup_device attach=cgroup_device": [0, 1, 2, 4, 6, 8, 10, 12],
	"sk_msg attach=sk_msg_verdict": [0, 4, 8, 16, 20, 24, 28, 44, 60, 64, 68, 72, 80],
	"cgroup_sock_addr attach=cgroup_inet4_bind": [
		0, 4, 5, 6, 8, 20, 24, 26, 28, 32, 36, 40, 44, 48, 60, 64, 72,
	],
	"cgroup_sock_addr attach=cgroup_inet6_bind": [4, 8, 12, 16, 20, 24, 40, 44, 64],
	"cgroup_sock_addr attach=cgroup_udp4_sendmsg": [4, 8, 24, 40, 44, 64],
	"cgroup_sock_addr attach=cgroup_udp6_sendmsg": [4, 8, 24, 40, 44, 48, 56, 60],
	"cgroup_sock_addr attach=cgroup_unix_connect": [0, 4, 8, 24, 32, 64],
	"sk_reuseport attach=sk_reuseport_select": [0, 8, 16, 17, 20, 22, 24, 28, 32, 36, 40, 48, 56],
	"flow_dissector attach=flow_dissector": [0, 12, 16, 20, 24, 48, 76, 80, 140, 144, 168],
	"cgroup_sysctl attach=cgroup_sysctl": [0, 1, 2, 4, 6, 8],
	"cgroup_sockopt attach=cgroup_getsockopt": [0, 8, 16, 24, 28, 32, 36, 40],
	"cgroup_sockopt attach=cgroup_setsockopt": [0, 8, 16, 24, 28, 32, 36, 40],
	"sk_lookup attach=sk_lookup": [0, 4, 8, 12, 16, 20, 36, 38, 40, 44, 60, 64, 68, 72],
	"netfilter attach=netfilter": [0, 4, 8, 16],
	kprobe: [-8, 0, 4, 8, 100, 160, 168],
	tracepoint: [0, 7, 8, 100, 8184, 8192],
	raw_tracepoint: [0, 8, 88, 96, 104],
	raw_tracepoint_writable: [0, 8, 88, 96],
	perf_event: [0, 8, 160, 168, 176, 184],
	"syscall sleepable": [0, 8, 0x7ff8],
};

export const contexts: ThemeScript = {
	about:
		"Fields of contexts by type: loads and stores of each width, insides of fields, holes, the end, odd ways to get there.",
	*programs(): Iterable<Draft> {
		for (const [kind, offsets] of Object.entries(OFFSETS)) {
			const zero = /cgroup|lookup|device/.test(kind) ? 1 : 0;
			for (const offset of offsets) {
				const at = offset < 0 ? `- ${-offset}` : `+ ${offset}`;
				for (const width of ["u8", "u16", "u32", "u64"])
					yield made(
						`${short(kind)}-load-${width}-${offset}`,
						kind,
						`r2 = *(${width} *)(r1 ${at})\nr0 = ${zero}\nexit`,
					);
				for (const width of ["u8", "u32", "u64"])
					yield made(
						`${short(kind)}-store-${width}-${offset}`,
						kind,
						`r2 = 0\n*(${width} *)(r1 ${at}) = ${width === "u64" ? "r2" : "w2"}\nr0 = ${zero}\nexit`,
					);
			}
		}
		for (const kind of KINDS) {
			const name = short(kind);
			yield made(`${name}-plus-zero`, kind, "r1 += 0\nr2 = *(u32 *)(r1 + 0)\nr0 = 1\nexit");
			yield made(`${name}-plus-four`, kind, "r1 += 4\nr2 = *(u32 *)(r1 + 4)\nr0 = 1\nexit");
			yield made(`${name}-st-imm`, kind, "*(u32 *)(r1 + 8) = 5\nr0 = 1\nexit");
			yield made(`${name}-atomic`, kind, "r2 = 1\nlock *(u32 *)(r1 + 8) += w2\nr0 = 1\nexit");
			yield made(`${name}-sign`, kind, "r2 = *(s32 *)(r1 + 8)\nr0 = 1\nexit");
			yield made(`${name}-pointer-store`, kind, "*(u64 *)(r1 + 0) = r10\nr0 = 1\nexit");
		}
		for (const [name, header, asm] of [
			[
				"variable-offset",
				"sched_cls",
				"r2 = *(u32 *)(r1 + 0)\nr2 &= 4\nr1 += r2\nr0 = *(u32 *)(r1 + 8)\nr0 = 0\nexit",
			],
			["variable-is-constant", "sched_cls", "r2 = 8\nr1 += r2\nr0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit"],
			["minus-and-back", "sched_cls", "r1 += 8\nr1 += -8\nr0 = *(u32 *)(r1 + 8)\nr0 = 0\nexit"],
			["negative", "sched_cls", "r1 += -4\nr0 = *(u32 *)(r1 + 8)\nr0 = 0\nexit"],
			["syscall-plus", "syscall sleepable", "r1 += 8\nr0 = *(u32 *)(r1 + 8)\nr0 = 0\nexit"],
			[
				"syscall-variable",
				"syscall sleepable",
				"r2 = *(u32 *)(r1 + 0)\nr2 &= 15\nr1 += r2\nr0 = *(u32 *)(r1 + 8)\nr0 = 0\nexit",
			],
			["cb-cross", "sched_cls", "r0 = *(u64 *)(r1 + 64)\nr0 = 0\nexit"],
			["cb-whole", "sched_cls", "r0 = *(u64 *)(r1 + 48)\n*(u64 *)(r1 + 56) = r0\nr0 = 0\nexit"],
			["cb-misaligned", "sched_cls", "r0 = *(u32 *)(r1 + 49)\nr0 = 0\nexit"],
			["cb-pointer", "sched_cls", "*(u64 *)(r1 + 48) = r1\nr0 = 0\nexit"],
			[
				"mark-is-bounded",
				"sched_cls",
				"r2 = *(u32 *)(r1 + 8)\nr2 >>= 29\nr3 = r10\nr3 += -8\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"mark-is-32-bit",
				"sched_cls",
				"r2 = *(u32 *)(r1 + 8)\nr2 >>= 32\nr3 = r10\nr3 += -8\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"protocol-narrow-is-bounded",
				"sched_cls",
				"r2 = *(u16 *)(r1 + 16)\nr2 >>= 13\nr3 = r10\nr3 += -8\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			["through-two-registers", "sched_cls", "r6 = r1\nr7 = r6\nr0 = *(u32 *)(r7 + 0)\nr0 = 0\nexit"],
			["xdp-devmap-egress", "xdp attach=xdp_devmap", "r0 = *(u32 *)(r1 + 20)\nr0 = 2\nexit"],
			["xdp-egress-elsewhere", "xdp", "r0 = *(u32 *)(r1 + 20)\nr0 = 2\nexit"],
			["xdp-cpumap", "xdp attach=xdp_cpumap", "r0 = *(u32 *)(r1 + 20)\nr0 = 2\nexit"],
			["xdp-frags", "xdp xdp_has_frags", "r0 = *(u32 *)(r1 + 0)\nr0 = 2\nexit"],
			[
				"flow-keys-load",
				"flow_dissector attach=flow_dissector",
				"r2 = *(u64 *)(r1 + 144)\nr0 = *(u16 *)(r2 + 0)\nr0 = 0\nexit",
			],
			[
				"flow-keys-store",
				"flow_dissector attach=flow_dissector",
				"r2 = *(u64 *)(r1 + 144)\n*(u16 *)(r2 + 2) = 14\nr0 = 0\nexit",
			],
			[
				"flow-keys-past",
				"flow_dissector attach=flow_dissector",
				"r2 = *(u64 *)(r1 + 144)\nr0 = *(u64 *)(r2 + 56)\nr0 = 0\nexit",
			],
			[
				"flow-keys-last",
				"flow_dissector attach=flow_dissector",
				"r2 = *(u64 *)(r1 + 144)\nr0 = *(u32 *)(r2 + 52)\nr0 = 0\nexit",
			],
			[
				"sockopt-optval",
				"cgroup_sockopt attach=cgroup_setsockopt",
				"r2 = *(u64 *)(r1 + 8)\nr3 = *(u64 *)(r1 + 16)\nr4 = r2\nr4 += 4\nif r4 > r3 goto +1\n*(u32 *)(r2 + 0) = 1\nr0 = 1\nexit",
			],
			[
				"sockopt-optval-unchecked",
				"cgroup_sockopt attach=cgroup_setsockopt",
				"r2 = *(u64 *)(r1 + 8)\n*(u32 *)(r2 + 0) = 1\nr0 = 1\nexit",
			],
			[
				"sock-addr-sk",
				"cgroup_sock_addr attach=cgroup_inet4_connect",
				"r2 = *(u64 *)(r1 + 64)\nr0 = *(u32 *)(r2 + 4)\nr0 = 1\nexit",
			],
			[
				"sock-addr-sk-checked",
				"cgroup_sock_addr attach=cgroup_inet4_connect",
				"r2 = *(u64 *)(r1 + 64)\nif r2 == 0 goto +1\nr0 = *(u32 *)(r2 + 4)\nr0 = 1\nexit",
			],
			[
				"sock-ops-sk",
				"sock_ops attach=cgroup_sock_ops",
				"r2 = *(u64 *)(r1 + 184)\nif r2 == 0 goto +1\nr0 = *(u32 *)(r2 + 4)\nr0 = 1\nexit",
			],
			[
				"sock-ops-skb-data",
				"sock_ops attach=cgroup_sock_ops",
				"r2 = *(u64 *)(r1 + 192)\nr3 = *(u64 *)(r1 + 200)\nr4 = r2\nr4 += 4\nif r4 > r3 goto +1\nr0 = *(u32 *)(r2 + 0)\nr0 = 1\nexit",
			],
		] as const)
			yield hand(name, header, asm);
	},
};
