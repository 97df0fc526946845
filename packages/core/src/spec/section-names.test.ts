import { describe, expect, test } from "vitest";
import { ATTACH_TYPE, PROG_TYPE } from "../isa/index.ts";
import { contextKind, PROGRAM_FLAG, sectionKind } from "./section-names.ts";

const short = (section: string) => {
	const kind = sectionKind(section);
	if (kind === undefined) return undefined;
	const { type, expectedAttachType, flags, attachTo } = kind;
	return [type, expectedAttachType, flags, ...(attachTo === undefined ? [] : [attachTo])];
};

describe("sectionKind", () => {
	test.each([
		["xdp", PROG_TYPE.XDP, ATTACH_TYPE.XDP, 0],
		["?xdp", PROG_TYPE.XDP, ATTACH_TYPE.XDP, 0],
		["xdp.frags", PROG_TYPE.XDP, ATTACH_TYPE.XDP, PROGRAM_FLAG.XDP_HAS_FRAGS],
		["xdp/devmap", PROG_TYPE.XDP, ATTACH_TYPE.XDP_DEVMAP, 0],
		["xdp.frags/cpumap", PROG_TYPE.XDP, ATTACH_TYPE.XDP_CPUMAP, PROGRAM_FLAG.XDP_HAS_FRAGS],
		["tc", PROG_TYPE.SCHED_CLS, 0, 0],
		["classifier", PROG_TYPE.SCHED_CLS, 0, 0],
		["action", PROG_TYPE.SCHED_ACT, 0, 0],
		["tcx/egress", PROG_TYPE.SCHED_CLS, ATTACH_TYPE.TCX_EGRESS, 0],
		["tc/ingress", PROG_TYPE.SCHED_CLS, ATTACH_TYPE.TCX_INGRESS, 0],
		["netkit/peer", PROG_TYPE.SCHED_CLS, ATTACH_TYPE.NETKIT_PEER, 0],
		["netfilter", PROG_TYPE.NETFILTER, ATTACH_TYPE.NETFILTER, 0],
		["cgroup/connect4", PROG_TYPE.CGROUP_SOCK_ADDR, ATTACH_TYPE.CGROUP_INET4_CONNECT, 0],
		["cgroup/sock_release", PROG_TYPE.CGROUP_SOCK, ATTACH_TYPE.CGROUP_INET_SOCK_RELEASE, 0],
		["cgroup_skb/egress", PROG_TYPE.CGROUP_SKB, ATTACH_TYPE.CGROUP_INET_EGRESS, 0],
		["syscall", PROG_TYPE.SYSCALL, 0, PROGRAM_FLAG.SLEEPABLE],
		["freplace/foo", PROG_TYPE.EXT, 0, 0, "foo"],
		["kprobe", PROG_TYPE.KPROBE, 0, 0],
		["kprobe/do_sys_open", PROG_TYPE.KPROBE, 0, 0, "do_sys_open"],
		["kprobe.multi/tcp_*", PROG_TYPE.KPROBE, ATTACH_TYPE.TRACE_KPROBE_MULTI, 0, "tcp_*"],
		["fentry.s/x", PROG_TYPE.TRACING, ATTACH_TYPE.TRACE_FENTRY, PROGRAM_FLAG.SLEEPABLE, "x"],
		["iter/tcp", PROG_TYPE.TRACING, ATTACH_TYPE.TRACE_ITER, 0, "tcp"],
		["tp/sched/sched_switch", PROG_TYPE.TRACEPOINT, 0, 0, "sched/sched_switch"],
	])("%s as libbpf", (section, ...kind) => {
		expect(short(section)).toEqual(kind);
	});

	test.each([
		["xdp/tail", PROG_TYPE.XDP, ATTACH_TYPE.XDP],
		["xdp_fwd_direct", PROG_TYPE.XDP, ATTACH_TYPE.XDP],
		["tc/entry", PROG_TYPE.SCHED_CLS, 0],
		["socket/3", PROG_TYPE.SOCKET_FILTER, 0],
		["cgroup/sock2", PROG_TYPE.CGROUP_SOCK, ATTACH_TYPE.CGROUP_INET_SOCK_CREATE],
	])("%s by prefix", (section, type, attach) => {
		expect(short(section)).toEqual([type, attach, 0]);
	});

	test.each(["", "from-container", "2/1", ".text", "kprobe_foo", "kprobes", "filter", "maps"])(
		"%s says nothing",
		(section) => {
			expect(sectionKind(section)).toBeUndefined();
		},
	);
});

test("a context structure stands for its program type", () => {
	expect(contextKind("xdp_md")).toMatchObject({ type: PROG_TYPE.XDP, expectedAttachType: ATTACH_TYPE.XDP });
	expect(contextKind("__sk_buff")).toMatchObject({ type: PROG_TYPE.SCHED_CLS });
	expect(contextKind("bpf_sk_lookup")).toMatchObject({ type: PROG_TYPE.SK_LOOKUP });
	expect(contextKind("constructor")).toBeUndefined();
});
