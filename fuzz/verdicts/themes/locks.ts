import { OUT } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

const LOCK = "r1 = locked_array[0]+8 ll\ncall bpf_spin_lock";
const UNLOCK = "r1 = locked_array[0]+8 ll\ncall bpf_spin_unlock";
const END = "r0 = 0\nexit";

const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["direct", `${LOCK}\n${UNLOCK}\n${END}`],
	["never-unlocked", `${LOCK}\n${END}`],
	["unlock-only", `${UNLOCK}\n${END}`],
	["twice", `${LOCK}\n${LOCK}\n${UNLOCK}\n${UNLOCK}\n${END}`],
	["again-behind", `${LOCK}\n${UNLOCK}\n${LOCK}\n${UNLOCK}\n${END}`],
	["unlocked-twice", `${LOCK}\n${UNLOCK}\n${UNLOCK}\n${END}`],
	["write-inside", `${LOCK}\nr1 = locked_array[0]+0 ll\n*(u64 *)(r1 + 0) = 1\n${UNLOCK}\n${END}`],
	["helper-inside", `${LOCK}\ncall bpf_get_prandom_u32\n${UNLOCK}\n${END}`],
	["ktime-inside", `${LOCK}\ncall bpf_ktime_get_ns\n${UNLOCK}\n${END}`],
	["call-inside", `${LOCK}\ncall sub\n${UNLOCK}\n${END}\nsub:\nr0 = 0\nexit`],
	[
		"global-call-inside",
		`.func global int sub(void)\n${LOCK}\ncall sub\n${UNLOCK}\n${END}\nsub:\nr0 = 0\nexit`,
	],
	["call-unlocks", `${LOCK}\ncall sub\n${END}\nsub:\n${UNLOCK}\n${END}`],
	["exit-in-sub", `call sub\n${END}\nsub:\n${LOCK}\n${END}`],
	["branch-unlocks-once", `r6 = r1\n${LOCK}\nr7 = *(u32 *)(r6 + 12)\nif r7 == 0 goto out\n${UNLOCK}\n${OUT}`],
	[
		"branch-unlocks-both",
		`r6 = r1\n${LOCK}\nr7 = *(u32 *)(r6 + 12)\nif r7 == 0 goto other\n${UNLOCK}\n${END}\nother:\n${UNLOCK}\n${END}`,
	],
	["loop-inside", `${LOCK}\nr6 = 0\nagain:\nr6 += 1\nif r6 < 10 goto again\n${UNLOCK}\n${END}`],
	["wrong-offset", `r1 = locked_array[0]+0 ll\ncall bpf_spin_lock\n${END}`],
	["wrong-offset-behind", `r1 = locked_array[0]+12 ll\ncall bpf_spin_lock\n${END}`],
	["no-lock-in-map", `r1 = one48[0]+0 ll\ncall bpf_spin_lock\n${END}`],
	["of-stack", `*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall bpf_spin_lock\n${END}`],
	["of-context", `call bpf_spin_lock\n${END}`],
	["exit-inside-with-zero", `r0 = 0\n${LOCK}\nexit`],
	[
		"tail-call-inside",
		`r6 = r1\n${LOCK}\nr1 = r6\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\n${UNLOCK}\n${END}`,
	],
	[
		"packet-inside",
		`r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr6 = r2\nr2 += 1\nif r2 > r3 goto out\n${LOCK}\nr7 = *(u8 *)(r6 + 0)\n${UNLOCK}\n${OUT}`,
	],
	["may-goto-inside", `${LOCK}\nagain:\nmay_goto end\ngoto again\nend:\n${UNLOCK}\n${END}`],
	[
		"atomic-inside",
		`${LOCK}\nr1 = locked_array[0]+0 ll\nr2 = 1\nlock *(u64 *)(r1 + 0) += r2\n${UNLOCK}\n${END}`,
	],
];

const FROM_LOOKUP =
	"*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = locked_hash ll\ncall bpf_map_lookup_elem\nif r0 == 0 goto out";
const LOOKED_UP: readonly (readonly [name: string, asm: string])[] = [
	["locked", "r6 = r0\nr1 = r0\nr1 += 8\ncall bpf_spin_lock\nr1 = r6\nr1 += 8\ncall bpf_spin_unlock"],
	[
		"other-value-unlocked",
		`r6 = r0\n${FROM_LOOKUP}\nr1 = r6\nr1 += 8\nr7 = r0\ncall bpf_spin_lock\nr1 = r7\nr1 += 8\ncall bpf_spin_unlock`,
	],
	["other-map-unlocked", `r6 = r0\nr1 = r6\nr1 += 8\ncall bpf_spin_lock\n${UNLOCK}`],
	[
		"copy-unlocked",
		"r6 = r0\nr7 = r0\nr1 = r6\nr1 += 8\ncall bpf_spin_lock\nr1 = r7\nr1 += 8\ncall bpf_spin_unlock",
	],
	["variable-offset", "r6 = *(u8 *)(r0 + 0)\nr6 &= 8\nr1 = r0\nr1 += r6\ncall bpf_spin_lock"],
	[
		"offset-by-zero-variable",
		"r6 = 0\nr1 = r0\nr1 += 8\nr1 += r6\nr7 = r0\ncall bpf_spin_lock\nr1 = r7\nr1 += 8\ncall bpf_spin_unlock",
	],
	[
		"count-inside",
		"r6 = r0\nr1 = r0\nr1 += 8\ncall bpf_spin_lock\nr2 = *(u64 *)(r6 + 0)\nr2 += 1\n*(u64 *)(r6 + 0) = r2\nr1 = r6\nr1 += 8\ncall bpf_spin_unlock",
	],
	[
		"lookup-inside",
		`r6 = r0\nr1 = r0\nr1 += 8\ncall bpf_spin_lock\n${FROM_LOOKUP}\nr1 = r6\nr1 += 8\ncall bpf_spin_unlock`,
	],
	[
		"null-path-holds",
		`r6 = r0\nr1 = r0\nr1 += 8\ncall bpf_spin_lock\nr7 = *(u64 *)(r6 + 0)\nif r7 == 5 goto out\nr1 = r6\nr1 += 8\ncall bpf_spin_unlock`,
	],
];

/** Regions that a pair of kfuncs opens and closes. */
const REGIONS: readonly (readonly [name: string, open: string, close: string])[] = [
	["rcu", "call kfunc bpf_rcu_read_lock", "call kfunc bpf_rcu_read_unlock"],
	["preempt", "call kfunc bpf_preempt_disable", "call kfunc bpf_preempt_enable"],
	[
		"irq",
		"r1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_save",
		"r1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_restore",
	],
];
const REGION_BODIES: readonly (readonly [name: string, asm: string])[] = [
	["closed", "OPEN\nCLOSE\nr0 = 0\nexit"],
	["open-at-exit", "OPEN\nr0 = 0\nexit"],
	["closed-only", "CLOSE\nr0 = 0\nexit"],
	["nested", "OPEN\nOPEN\nCLOSE\nCLOSE\nr0 = 0\nexit"],
	["nested-closed-once", "OPEN\nOPEN\nCLOSE\nr0 = 0\nexit"],
	["helper-inside", "OPEN\ncall bpf_get_prandom_u32\nCLOSE\nr0 = 0\nexit"],
	[
		"lookup-inside",
		"OPEN\n*(u32 *)(r10 - 16) = 0\nr2 = r10\nr2 += -16\nr1 = hash8 ll\ncall bpf_map_lookup_elem\nCLOSE\nr0 = 0\nexit",
	],
	["static-call-inside", "OPEN\ncall sub\nCLOSE\nr0 = 0\nexit\nsub:\nr0 = 0\nexit"],
	[
		"global-call-inside",
		".func global int sub(void)\nOPEN\ncall sub\nCLOSE\nr0 = 0\nexit\nsub:\nr0 = 0\nexit",
	],
	["closed-by-sub", "OPEN\ncall sub\nr0 = 0\nexit\nsub:\nCLOSE\nr0 = 0\nexit"],
	["opened-by-sub", "call sub\nCLOSE\nr0 = 0\nexit\nsub:\nOPEN\nr0 = 0\nexit"],
	[
		"tail-call-inside",
		"r6 = r1\nOPEN\nr1 = r6\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nCLOSE\nr0 = 0\nexit",
	],
	["one-branch", "OPEN\ncall bpf_get_prandom_u32\nif r0 == 0 goto out\nCLOSE\nout:\nr0 = 0\nexit"],
	["ld-abs-inside", "r6 = r1\nOPEN\nr0 = *(u8 *)skb[0]\nCLOSE\nr0 = 0\nexit"],
	["loop-inside", "OPEN\nr6 = 0\nagain:\nr6 += 1\nif r6 < 5 goto again\nCLOSE\nr0 = 0\nexit"],
	["opened-in-loop", "r6 = 0\nagain:\nOPEN\nCLOSE\nr6 += 1\nif r6 < 5 goto again\nr0 = 0\nexit"],
	["spin-lock-inside", `OPEN\n${LOCK}\n${UNLOCK}\nCLOSE\nr0 = 0\nexit`],
	["inside-spin-lock", `${LOCK}\nOPEN\nCLOSE\n${UNLOCK}\nr0 = 0\nexit`],
];

export const locks: ThemeScript = {
	about: "Spin locks in map values, and the regions of RCU, preemption and interrupts.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) yield hand(name, "xdp", asm);
		for (const [name, asm] of LOOKED_UP)
			yield hand(`value-${name}`, "sched_cls", `${FROM_LOOKUP}\n${asm}\n${OUT}`);
		for (const type of [
			"socket_filter",
			"kprobe",
			"tracepoint",
			"cgroup_skb",
			"sk_skb attach=sk_skb_stream_verdict",
			"raw_tracepoint",
			"perf_event",
		])
			yield hand(
				`in-${type.split(" ")[0]}`,
				type,
				`${LOCK}\n${UNLOCK}\n${END.replace("0", type === "cgroup_skb" ? "1" : "0")}`,
			);
		for (const [name, open, close] of REGIONS)
			for (const [body, asm] of REGION_BODIES)
				yield made(`${name}-${body}`, "sched_cls", asm.replaceAll("OPEN", open).replaceAll("CLOSE", close));
		yield hand(
			"irq-flag-on-wrong-slot",
			"sched_cls",
			"r1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_save\nr1 = r10\nr1 += -16\ncall kfunc bpf_local_irq_restore\nr0 = 0\nexit",
		);
		yield hand(
			"irq-flag-overwritten",
			"sched_cls",
			"r1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_save\n*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_restore\nr0 = 0\nexit",
		);
		yield hand(
			"irq-out-of-order",
			"sched_cls",
			"r1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_save\nr1 = r10\nr1 += -16\ncall kfunc bpf_local_irq_save\nr1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_restore\nr1 = r10\nr1 += -16\ncall kfunc bpf_local_irq_restore\nr0 = 0\nexit",
		);
		yield hand(
			"irq-in-order",
			"sched_cls",
			"r1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_save\nr1 = r10\nr1 += -16\ncall kfunc bpf_local_irq_save\nr1 = r10\nr1 += -16\ncall kfunc bpf_local_irq_restore\nr1 = r10\nr1 += -8\ncall kfunc bpf_local_irq_restore\nr0 = 0\nexit",
		);
		yield hand(
			"rcu-pointer-behind",
			"sched_cls",
			"call kfunc bpf_rcu_read_lock\ncall bpf_get_current_task_btf\nr6 = r0\ncall kfunc bpf_rcu_read_unlock\nr0 = *(u32 *)(r6 + 0)\nr0 = 0\nexit",
		);
	},
};
