import { OUT } from "../parts.ts";
import { type Draft, hand, type ThemeScript } from "../theme.ts";

const SKB = "r2 = 0\nr3 = r10\nr3 += -16\ncall kfunc bpf_dynptr_from_skb";
const XDP = "r2 = 0\nr3 = r10\nr3 += -16\ncall kfunc bpf_dynptr_from_xdp";
const SLICE = (size = "8") =>
	`r1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -64\nr4 = ${size}\ncall kfunc bpf_dynptr_slice`;
const ITER = "r1 = r10\nr1 += -8";
const RESERVE = "r1 = ring ll\nr2 = 16\nr3 = 0\nr4 = r10\nr4 += -16\ncall bpf_ringbuf_reserve_dynptr";
const DISCARD = "r1 = r10\nr1 += -16\nr2 = 0\ncall bpf_ringbuf_discard_dynptr";
const LOCAL = "r1 = one48[0]+0 ll\nr2 = 48\nr3 = 0\nr4 = r10\nr4 += -16\ncall bpf_dynptr_from_mem";

const BY_HAND: readonly (readonly [name: string, header: string, asm: string])[] = [
	// dynptrs of packets
	["skb-dynptr", "sched_cls", `${SKB}\nr0 = 0\nexit`],
	["skb-dynptr-in-xdp", "xdp", `${SKB}\nr0 = 0\nexit`],
	["xdp-dynptr", "xdp", `${XDP}\nr0 = 0\nexit`],
	["xdp-dynptr-in-tc", "sched_cls", `${XDP}\nr0 = 0\nexit`],
	["skb-dynptr-flags", "sched_cls", `${SKB.replace("r2 = 0", "r2 = 1")}\nr0 = 0\nexit`],
	["skb-dynptr-twice", "sched_cls", `r6 = r1\n${SKB}\nr1 = r6\n${SKB}\nr0 = 0\nexit`],
	["skb-dynptr-in-socket-filter", "socket_filter", `${SKB}\nr0 = 0\nexit`],
	["skb-dynptr-in-kprobe", "kprobe", `${SKB}\nr0 = 0\nexit`],
	["skb-dynptr-in-cgroup", "cgroup_skb", `${SKB}\nr0 = 1\nexit`],
	["dynptr-misaligned", "sched_cls", `${SKB.replace("-16", "-20")}\nr0 = 0\nexit`],
	["dynptr-too-high", "sched_cls", `${SKB.replace("-16", "-8")}\nr0 = 0\nexit`],
	[
		"dynptr-in-value",
		"sched_cls",
		"r2 = 0\nr3 = one48[0]+0 ll\ncall kfunc bpf_dynptr_from_skb\nr0 = 0\nexit",
	],
	["slice", "sched_cls", `${SKB}\n${SLICE()}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\n${OUT}`],
	["slice-past", "sched_cls", `${SKB}\n${SLICE()}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 1)\n${OUT}`],
	["slice-unchecked", "sched_cls", `${SKB}\n${SLICE()}\nr1 = *(u64 *)(r0 + 0)\nr0 = 0\nexit`],
	["slice-written", "sched_cls", `${SKB}\n${SLICE()}\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\n${OUT}`],
	["slice-unknown-size", "sched_cls", `r6 = *(u32 *)(r1 + 0)\n${SKB}\n${SLICE("r6")}\nr0 = 0\nexit`],
	["slice-too-large-buffer", "sched_cls", `${SKB}\n${SLICE("65")}\nr0 = 0\nexit`],
	["slice-of-nothing", "sched_cls", `${SLICE()}\nr0 = 0\nexit`],
	[
		"slice-null-buffer",
		"sched_cls",
		`${SKB}\n${SLICE().replace("r3 = r10\nr3 += -64", "r3 = 0")}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\n${OUT}`,
	],
	[
		"slice-rdwr",
		"sched_cls",
		`${SKB}\n${SLICE().replace("dynptr_slice", "dynptr_slice_rdwr")}\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\n${OUT}`,
	],
	[
		"slice-rdwr-cgroup",
		"cgroup_skb",
		`${SKB}\n${SLICE().replace("dynptr_slice", "dynptr_slice_rdwr")}\nr0 = 1\nexit`,
	],
	[
		"slice-behind-pull",
		"sched_cls",
		`r6 = r1\n${SKB}\n${SLICE()}\nif r0 == 0 goto out\nr7 = r0\nr1 = r6\nr2 = 0\ncall bpf_skb_pull_data\nr1 = *(u64 *)(r7 + 0)\n${OUT}`,
	],
	[
		"slice-behind-overwritten",
		"sched_cls",
		`${SKB}\n${SLICE()}\nif r0 == 0 goto out\n*(u64 *)(r10 - 16) = 0\nr1 = *(u64 *)(r0 + 0)\n${OUT}`,
	],
	["dynptr-overwritten-then-used", "sched_cls", `${SKB}\n*(u64 *)(r10 - 16) = 0\n${SLICE()}\nr0 = 0\nexit`],
	["dynptr-read-directly", "sched_cls", `${SKB}\nr0 = *(u64 *)(r10 - 16)\nr0 = 0\nexit`],
	[
		"dynptr-read-by-helper",
		"sched_cls",
		`${SKB}\nr2 = r10\nr2 += -16\nr1 = hash16 ll\ncall bpf_map_lookup_elem\nr0 = 0\nexit`,
	],
	["xdp-slice", "xdp", `${XDP}\n${SLICE()}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\n${OUT}`],
	[
		"xdp-slice-behind-adjust",
		"xdp",
		`r6 = r1\n${XDP}\n${SLICE()}\nif r0 == 0 goto out\nr7 = r0\nr1 = r6\nr2 = 1\ncall bpf_xdp_adjust_head\nr1 = *(u64 *)(r7 + 0)\n${OUT}`,
	],
	[
		"dynptr-read-helper",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -64\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall bpf_dynptr_read\nr0 = 0\nexit`,
	],
	[
		"dynptr-write-helper",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -64\nr4 = 8\nr5 = 0\ncall bpf_dynptr_write\nr0 = 0\nexit`,
	],
	[
		"dynptr-data-of-skb",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\n${OUT}`,
	],
	["dynptr-size", "sched_cls", `${SKB}\nr1 = r10\nr1 += -16\ncall kfunc bpf_dynptr_size\nr0 = 0\nexit`],
	[
		"dynptr-adjust",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -16\nr2 = 1\nr3 = 8\ncall kfunc bpf_dynptr_adjust\nr0 = 0\nexit`,
	],
	["dynptr-is-null", "sched_cls", `${SKB}\nr1 = r10\nr1 += -16\ncall kfunc bpf_dynptr_is_null\nr0 = 0\nexit`],
	[
		"dynptr-is-rdonly",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -16\ncall kfunc bpf_dynptr_is_rdonly\nr0 = 0\nexit`,
	],
	[
		"dynptr-clone",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -16\nr2 = r10\nr2 += -32\ncall kfunc bpf_dynptr_clone\nr1 = r10\nr1 += -32\ncall kfunc bpf_dynptr_size\nr0 = 0\nexit`,
	],
	[
		"dynptr-clone-onto-itself",
		"sched_cls",
		`${SKB}\nr1 = r10\nr1 += -16\nr2 = r10\nr2 += -16\ncall kfunc bpf_dynptr_clone\nr0 = 0\nexit`,
	],
	["dynptr-uninitialised-size", "sched_cls", "r1 = r10\nr1 += -16\ncall kfunc bpf_dynptr_size\nr0 = 0\nexit"],
	[
		"dynptr-in-sub",
		"sched_cls",
		`.btf\n${SKB}\nr1 = r10\nr1 += -16\ncall sub\nr0 = 0\nexit\nsub:\ncall kfunc bpf_dynptr_size\nr0 = 0\nexit`,
	],
	[
		"dynptr-on-one-branch",
		"sched_cls",
		`r6 = r1\nr7 = *(u32 *)(r1 + 0)\nif r7 == 0 goto +4\n${SKB}\nr1 = r10\nr1 += -16\ncall kfunc bpf_dynptr_size\nr0 = 0\nexit`,
	],
	// dynptrs of memory and of the ring
	["local-dynptr", "sched_cls", `${LOCAL}\nr0 = 0\nexit`],
	[
		"local-dynptr-of-stack",
		"sched_cls",
		"r1 = r10\nr1 += -64\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall bpf_dynptr_from_mem\nr0 = 0\nexit",
	],
	["local-dynptr-too-large", "sched_cls", `${LOCAL.replace("r2 = 48", "r2 = 49")}\nr0 = 0\nexit`],
	[
		"local-dynptr-data",
		"sched_cls",
		`${LOCAL}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\n${OUT}`,
	],
	[
		"local-dynptr-data-past",
		"sched_cls",
		`${LOCAL}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data\nif r0 == 0 goto out\n*(u64 *)(r0 + 1) = 1\n${OUT}`,
	],
	[
		"local-dynptr-data-unknown-size",
		"sched_cls",
		`r6 = *(u32 *)(r1 + 0)\n${LOCAL}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = r6\ncall bpf_dynptr_data\n${OUT.replace("out:\n", "")}`,
	],
	["ring-dynptr", "xdp", `${RESERVE}\n${DISCARD}\nr0 = 0\nexit`],
	["ring-dynptr-leaked", "xdp", `${RESERVE}\nr0 = 0\nexit`],
	["ring-dynptr-twice", "xdp", `${RESERVE}\n${DISCARD}\n${DISCARD}\nr0 = 0\nexit`],
	["ring-dynptr-overwritten", "xdp", `${RESERVE}\n*(u64 *)(r10 - 16) = 0\nr0 = 0\nexit`],
	["ring-dynptr-reserved-twice", "xdp", `${RESERVE}\n${RESERVE}\n${DISCARD}\nr0 = 0\nexit`],
	[
		"ring-dynptr-data",
		"xdp",
		`${RESERVE}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data\nif r0 == 0 goto end\n*(u64 *)(r0 + 0) = 1\nend:\n${DISCARD}\nr0 = 0\nexit`,
	],
	[
		"ring-dynptr-data-behind",
		"xdp",
		`${RESERVE}\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data\nr6 = r0\n${DISCARD}\nif r6 == 0 goto out\n*(u64 *)(r6 + 0) = 1\n${OUT}`,
	],
	["ring-dynptr-submitted", "xdp", `${RESERVE}\n${DISCARD.replace("discard", "submit")}\nr0 = 0\nexit`],
	["ring-dynptr-of-skb-discarded", "sched_cls", `${SKB}\n${DISCARD}\nr0 = 0\nexit`],
	["ring-dynptr-one-branch", "xdp", `${RESERVE}\nif r0 == 0 goto out\n${DISCARD}\n${OUT}`],
	// iterators
	[
		"iter-num",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr6 = *(u32 *)(r0 + 0)\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	["iter-num-not-destroyed", "xdp", `${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nr0 = 0\nexit`],
	["iter-num-not-made", "xdp", `${ITER}\ncall kfunc bpf_iter_num_next\nr0 = 0\nexit`],
	[
		"iter-num-made-twice",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\n${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nr0 = 0\nexit`,
	],
	[
		"iter-num-destroyed-twice",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\n${ITER}\ncall kfunc bpf_iter_num_destroy\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-unchecked",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\n${ITER}\ncall kfunc bpf_iter_num_next\nr6 = *(u32 *)(r0 + 0)\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-overwritten",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\n*(u64 *)(r10 - 8) = 0\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-read",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nr6 = *(u64 *)(r10 - 8)\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-value-as-index",
		"xdp",
		`r7 = one48[0]+0 ll\n${ITER}\nr2 = 0\nr3 = 48\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr6 = *(u32 *)(r0 + 0)\nr6 += r7\nr1 = *(u8 *)(r6 + 0)\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-value-checked",
		"xdp",
		`r7 = one48[0]+0 ll\n${ITER}\nr2 = 0\nr3 = 48\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr6 = *(u32 *)(r0 + 0)\nif r6 > 47 goto again\nr6 += r7\nr1 = *(u8 *)(r6 + 0)\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-sum",
		"xdp",
		`r7 = 0\n${ITER}\nr2 = 0\nr3 = 1000000\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr6 = *(u32 *)(r0 + 0)\nr7 += r6\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-counter-offset",
		"xdp",
		`r8 = one48[0]+0 ll\nr7 = 0\n${ITER}\nr2 = 0\nr3 = 4\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr1 = r8\nr1 += r7\nr1 = *(u8 *)(r1 + 0)\nr7 += 1\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-break",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr6 = *(u32 *)(r0 + 0)\nif r6 == 5 goto done\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-break-leaks",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr6 = *(u32 *)(r0 + 0)\nif r6 == 5 goto leak\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nleak:\nr0 = 0\nexit`,
	],
	[
		"iter-num-nested",
		"xdp",
		`${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nagain:\n${ITER}\ncall kfunc bpf_iter_num_next\nif r0 == 0 goto done\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 5\ncall kfunc bpf_iter_num_new\ninner:\nr1 = r10\nr1 += -16\ncall kfunc bpf_iter_num_next\nif r0 != 0 goto inner\nr1 = r10\nr1 += -16\ncall kfunc bpf_iter_num_destroy\ngoto again\ndone:\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	[
		"iter-num-of-value",
		"xdp",
		"r1 = one48[0]+0 ll\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\nr0 = 0\nexit",
	],
	[
		"iter-num-in-sub",
		"xdp",
		`.btf\n${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\n${ITER}\ncall sub\n${ITER}\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit\nsub:\ncall kfunc bpf_iter_num_next\nr0 = 0\nexit`,
	],
	[
		"iter-num-destroyed-in-sub",
		"xdp",
		`.btf\n${ITER}\nr2 = 0\nr3 = 10\ncall kfunc bpf_iter_num_new\n${ITER}\ncall sub\nr0 = 0\nexit\nsub:\ncall kfunc bpf_iter_num_destroy\nr0 = 0\nexit`,
	],
	// XDP metadata, casts, tasks
	[
		"xdp-rx-hash",
		"xdp",
		"r2 = r10\nr2 += -8\nr3 = r10\nr3 += -16\ncall kfunc bpf_xdp_metadata_rx_hash\nr0 = 0\nexit",
	],
	["xdp-rx-timestamp", "xdp", "r2 = r10\nr2 += -8\ncall kfunc bpf_xdp_metadata_rx_timestamp\nr0 = 0\nexit"],
	["cast-to-kern-ctx", "sched_cls", "call kfunc bpf_cast_to_kern_ctx\nr1 = *(u32 *)(r0 + 112)\nr0 = 0\nexit"],
	[
		"cast-to-kern-ctx-write",
		"sched_cls",
		"call kfunc bpf_cast_to_kern_ctx\n*(u32 *)(r0 + 112) = 0\nr0 = 0\nexit",
	],
	["cast-to-kern-ctx-xdp", "xdp", "call kfunc bpf_cast_to_kern_ctx\nr1 = *(u64 *)(r0 + 0)\nr0 = 0\nexit"],
	["cast-to-kern-ctx-scalar", "sched_cls", "r1 = 0\ncall kfunc bpf_cast_to_kern_ctx\nr0 = 0\nexit"],
	["rdonly-cast-bad-id", "sched_cls", "r2 = 0x7fffffff\ncall kfunc bpf_rdonly_cast\nr0 = 0\nexit"],
	[
		"rdonly-cast-void",
		"sched_cls",
		"r2 = 0\ncall kfunc bpf_rdonly_cast\nr1 = *(u64 *)(r0 + 0)\nr0 = 0\nexit",
	],
	[
		"task-from-pid",
		"sched_cls",
		"r1 = 1\ncall kfunc bpf_task_from_pid\nif r0 == 0 goto out\nr1 = r0\ncall kfunc bpf_task_release\nout:\nr0 = 0\nexit",
	],
	[
		"task-from-pid-syscall",
		"syscall sleepable",
		"r1 = 1\ncall kfunc bpf_task_from_pid\nif r0 == 0 goto out\nr1 = r0\ncall kfunc bpf_task_release\nout:\nr0 = 0\nexit",
	],
	["task-from-pid-syscall-leaked", "syscall sleepable", "r1 = 1\ncall kfunc bpf_task_from_pid\nr0 = 0\nexit"],
	[
		"task-from-pid-syscall-unchecked",
		"syscall sleepable",
		"r1 = 1\ncall kfunc bpf_task_from_pid\nr1 = r0\ncall kfunc bpf_task_release\nr0 = 0\nexit",
	],
	["task-acquire-untrusted", "syscall sleepable", "r1 = 0\ncall kfunc bpf_task_acquire\nr0 = 0\nexit"],
	["map-sum", "syscall sleepable", "r1 = hash8 ll\ncall kfunc bpf_map_sum_elem_count\nr0 = 0\nexit"],
	["ct-lookup-missing-module", "xdp", "call kfunc bpf_sk_assign_tcp_reqsk\nr0 = 0\nexit"],
	["sock-destroy", "sched_cls", "r1 = *(u64 *)(r1 + 168)\ncall kfunc bpf_sock_destroy\nr0 = 0\nexit"],
	["throw", "sched_cls", "r1 = 0\ncall kfunc bpf_throw\nexit"],
	["throw-with-result", "sched_cls", "r1 = 0\ncall kfunc bpf_throw\nr0 = 0\nexit"],
	["throw-bad-result", "cgroup_skb", "r1 = 64\ncall kfunc bpf_throw\nr0 = 0\nexit"],
	[
		"throw-holds-reference",
		"xdp",
		`r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = 0\ncall kfunc bpf_throw\n${OUT}`,
	],
	[
		"throw-in-sub",
		"sched_cls",
		".btf\ncall sub\nr0 = 0\nexit\nsub:\nr1 = 0\ncall kfunc bpf_throw\nr0 = 0\nexit",
	],
	[
		"kfunc-not-gpl",
		"sched_cls license=MIT",
		"call kfunc bpf_rcu_read_lock\ncall kfunc bpf_rcu_read_unlock\nr0 = 0\nexit",
	],
	[
		"kfunc-sleepable-in-atomic",
		"sched_cls",
		"r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\nr4 = 0\ncall kfunc bpf_copy_from_user_str\nr0 = 0\nexit",
	],
	["not-a-kfunc", "sched_cls", "call kfunc schedule\nr0 = 0\nexit"],
	[
		"r1-behind-kfunc",
		"sched_cls",
		"r6 = r1\ncall kfunc bpf_rcu_read_lock\nr1 = *(u32 *)(r1 + 0)\ncall kfunc bpf_rcu_read_unlock\nr0 = 0\nexit",
	],
	[
		"void-result",
		"sched_cls",
		"call kfunc bpf_rcu_read_lock\nr6 = r0\ncall kfunc bpf_rcu_read_unlock\nr0 = 0\nexit",
	],
	["get-kmem-cache-tc", "sched_cls", "r1 = 0\ncall kfunc bpf_get_kmem_cache\nr0 = 0\nexit"],
	["obj-new", "sched_cls", "r1 = 1\nr2 = 0\ncall kfunc bpf_obj_new_impl\nr0 = 0\nexit"],
	[
		"local-irq-nested-sub",
		"sched_cls",
		".btf\nr1 = r10\nr1 += -8\ncall sub\nr1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_restore\nr0 = 0\nexit\nsub:\ncall kfunc bpf_local_irq_save\nr0 = 0\nexit",
	],
];

export const kfuncs: ThemeScript = {
	about:
		"Kernel functions, dynptrs and iterators that network programs use. Ids come from the kernel's BTF, by name.",
	*programs(): Iterable<Draft> {
		for (const [name, header, asm] of BY_HAND) yield hand(name, header, asm);
	},
};
