import { OUT } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** bpf_loop(nr, callback, ctx in r3, 0); the callback has (index, ctx). */
const loop = (body: string, nr = "r1 = 10", before = "r3 = 0", behind = ""): string => `
	.btf
	${before}
	${nr}
	r2 = callback ll
	r4 = 0
	call bpf_loop
	${behind}
	r0 = 0
	exit
	callback:
	${body}`;

const BODIES: readonly (readonly [name: string, body: string])[] = [
	["zero", "r0 = 0\nexit"],
	["one", "r0 = 1\nexit"],
	["two", "r0 = 2\nexit"],
	["negative", "r0 = -1\nexit"],
	["index", "r0 = r1\nexit"],
	["index-masked", "r0 = r1\nr0 &= 1\nexit"],
	["any", "call bpf_get_prandom_u32\nexit"],
	["none", "exit"],
	["context-null", "r0 = *(u64 *)(r2 + 0)\nr0 = 0\nexit"],
	["third-argument", "r0 = r3\nr0 = 0\nexit"],
	["saved-register", "r0 = r6\nr0 = 0\nexit"],
	["own-stack", "*(u64 *)(r10 - 8) = r1\nr0 = 0\nexit"],
	["tail-call", "r1 = 0\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit"],
	["nested", "r1 = 3\nr2 = inner ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\ninner:\nr0 = 0\nexit"],
	["recursive", "r1 = 3\nr2 = callback ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit"],
	["endless", "again:\nr0 = 0\ngoto again"],
	["pointer-returned", "r0 = r10\nexit"],
	["calls-sub", "call sub\nr0 = 0\nexit\nsub:\nr0 = 0\nexit"],
];

/** Bodies that get 8 bytes of the caller's stack in r2. */
const WITH_STACK: readonly (readonly [name: string, body: string, behind: string])[] = [
	["write", "*(u64 *)(r2 + 0) = 5\nr0 = 0\nexit", "r0 = *(u64 *)(r10 - 8)"],
	["count", "r3 = *(u64 *)(r2 + 0)\nr3 += 1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit", ""],
	[
		"count-is-unknown-behind",
		"r3 = *(u64 *)(r2 + 0)\nr3 += 1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit",
		"r1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 -= r1\n*(u8 *)(r2 - 9) = 0",
	],
	[
		"untouched-is-known-behind",
		"r0 = 0\nexit",
		"r1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 += r1\n*(u8 *)(r2 - 9) = 0",
	],
	[
		"bounded-inside",
		"r3 = *(u64 *)(r2 + 0)\nif r3 > 7 goto done\nr3 += 1\n*(u64 *)(r2 + 0) = r3\ndone:\nr0 = 0\nexit",
		"r1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 += -32\nr2 += r1\n*(u8 *)(r2 + 0) = 0",
	],
	["write-below", "*(u64 *)(r2 - 8) = 5\nr0 = 0\nexit", ""],
	["write-past", "*(u64 *)(r2 + 8) = 5\nr0 = 0\nexit", ""],
	["read-past", "r0 = *(u64 *)(r2 + 1)\nr0 = 0\nexit", ""],
	["store-own-frame", "*(u64 *)(r2 + 0) = r10\nr0 = 0\nexit", ""],
	[
		"spill-into-caller",
		"*(u64 *)(r2 + 0) = r2\nr0 = 0\nexit",
		"r1 = *(u64 *)(r10 - 8)\nr0 = *(u64 *)(r1 + 0)",
	],
	["index-as-offset", "if r1 > 7 goto done\nr2 += r1\n*(u8 *)(r2 + 0) = 1\ndone:\nr0 = 0\nexit", ""],
	["index-as-offset-unchecked", "r2 += r1\n*(u8 *)(r2 + 0) = 1\nr0 = 0\nexit", ""],
];

const EACH = (map: string, body: string, before = "r3 = 0", flags = 0): string => `
	.btf
	${before}
	r1 = ${map} ll
	r2 = callback ll
	r4 = ${flags}
	call bpf_for_each_map_elem
	r0 = 0
	exit
	callback:
	${body}`;

/** The callback has (map, key, value, ctx). */
const EACH_BODIES: readonly (readonly [name: string, body: string])[] = [
	["zero", "r0 = 0\nexit"],
	["two", "r0 = 2\nexit"],
	["read-key", "r0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit"],
	["read-key-past", "r0 = *(u64 *)(r2 + 0)\nr0 = 0\nexit"],
	["write-key", "*(u32 *)(r2 + 0) = 0\nr0 = 0\nexit"],
	["read-value", "r0 = *(u64 *)(r3 + 0)\nr0 = 0\nexit"],
	["read-value-past", "r0 = *(u64 *)(r3 + 9)\nr0 = 0\nexit"],
	["write-value", "*(u64 *)(r3 + 0) = 0\nr0 = 0\nexit"],
	["delete", "call bpf_map_delete_elem\nr0 = 0\nexit"],
	["lookup", "call bpf_map_lookup_elem\nif r0 == 0 goto done\nr1 = *(u64 *)(r0 + 0)\ndone:\nr0 = 0\nexit"],
	["read-map", "r0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit"],
	["context-null", "r0 = *(u32 *)(r4 + 0)\nr0 = 0\nexit"],
];

export const callbacks: ThemeScript = {
	about:
		"Callbacks of bpf_loop, bpf_for_each_map_elem, timers and the user ring: arguments, results, what is known behind them.",
	*programs(): Iterable<Draft> {
		for (const [name, body] of BODIES)
			yield hand(`loop-${name}`, "xdp", loop(body, "r1 = 10", "r6 = 1\nr3 = 0"));
		for (const [name, body, behind] of WITH_STACK)
			yield hand(
				`loop-stack-${name}`,
				"xdp",
				loop(body, "r1 = 10", "*(u64 *)(r10 - 8) = 0\nr3 = r10\nr3 += -8", behind),
			);
		for (const nr of [0, 1, 0x800000, 0x800001, -1])
			yield made(`loop-nr-${nr}`, "xdp", loop("r0 = 0\nexit", `r1 = ${nr}`));
		yield hand(
			"loop-nr-unknown",
			"xdp",
			loop("r0 = 0\nexit", "call bpf_get_prandom_u32\nr1 = r0", "r3 = 0\nr6 = 0").replace(
				"call bpf_get_prandom_u32\nr1 = r0",
				"call bpf_get_prandom_u32\nr1 = r0\nr3 = 0",
			),
		);
		yield hand("loop-ctx-uninitialised", "xdp", loop("r0 = 0\nexit", "r1 = 1", ""));
		yield hand(
			"loop-ctx-is-program-context",
			"xdp",
			loop("r0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit", "r1 = 1", "r3 = r1"),
		);
		yield hand(
			"loop-ctx-is-map-value",
			"xdp",
			loop("r0 = *(u64 *)(r2 + 40)\nr0 = 0\nexit", "r1 = 1", "r3 = one48[0]+0 ll"),
		);
		yield hand(
			"loop-ctx-is-map-value-past",
			"xdp",
			loop("r0 = *(u64 *)(r2 + 41)\nr0 = 0\nexit", "r1 = 1", "r3 = one48[0]+0 ll"),
		);
		yield hand("loop-flags", "xdp", loop("r0 = 0\nexit").replace("r4 = 0", "r4 = 1"));
		yield hand("loop-without-btf", "xdp", loop("r0 = 0\nexit").replace(".btf", ""));
		yield hand(
			"loop-callback-is-number",
			"xdp",
			".btf\nr1 = 1\nr2 = 0\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit",
		);
		yield hand(
			"loop-callback-is-main",
			"xdp",
			".btf\nmain:\nr1 = 1\nr2 = main ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit",
		);
		yield hand(
			"loop-callback-is-global",
			"xdp",
			loop("r0 = 0\nexit").replace(".btf", ".func global int callback(u64 index, void *ctx)"),
		);
		yield hand(
			"loop-callback-also-called",
			"xdp",
			loop("r0 = 0\nexit", "r1 = 1", "r1 = 0\nr2 = 0\ncall callback\nr3 = 0"),
		);
		yield hand(
			"loop-callback-never-used",
			"xdp",
			".btf\nr1 = callback ll\nr0 = 0\nexit\ncallback:\nr0 = 0\nexit",
		);
		yield hand(
			"loop-callback-in-register-8",
			"xdp",
			loop("r0 = 0\nexit", "r1 = 1\nr8 = callback ll", "r3 = 0").replace("r2 = callback ll", "r2 = r8"),
		);
		yield hand(
			"loop-callback-plus-one",
			"xdp",
			loop("r0 = 0\nexit", "r1 = 1", "r3 = 0").replace("r2 = callback ll", "r2 = callback ll\nr2 += 8"),
		);
		yield hand(
			"loop-result",
			"xdp",
			loop("r0 = 0\nexit", "r1 = 1", "r3 = 0", "exit").replace(
				"exit\nr0 = 0\nexit\ncallback",
				"exit\ncallback",
			),
		);
		yield hand("loop-clobbers-r1", "xdp", loop("r0 = 0\nexit", "r1 = 1", "r3 = 0", "r0 = r1"));
		yield hand(
			"loop-keeps-r6",
			"xdp",
			loop("r6 = 5\nr0 = 0\nexit", "r1 = 1", "r6 = r1\nr3 = 0", "r0 = *(u32 *)(r6 + 0)"),
		);
		yield hand(
			"loop-holds-reference",
			"xdp",
			`.btf\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr6 = r0\nr1 = 2\nr2 = callback ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr1 = r6\nr2 = 0\ncall bpf_ringbuf_submit\n${OUT}\ncallback:\nr0 = 0\nexit`,
		);
		yield hand(
			"loop-leaks-in-callback",
			"xdp",
			loop("r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nr0 = 0\nexit"),
		);
		yield hand(
			"loop-releases-in-callback",
			"xdp",
			loop(
				"r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto done\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\ndone:\nr0 = 0\nexit",
			),
		);
		yield hand(
			"loop-releases-caller's",
			"xdp",
			`.btf\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\n*(u64 *)(r10 - 8) = r0\nr1 = 1\nr2 = callback ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall bpf_loop\n${OUT}\ncallback:\nr1 = *(u64 *)(r2 + 0)\nr2 = 0\ncall bpf_ringbuf_submit\nr0 = 0\nexit`,
		);
		yield hand(
			"loop-in-subprogram",
			"xdp",
			".btf\ncall sub\nr0 = 0\nexit\nsub:\nr1 = 3\nr2 = callback ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\ncallback:\nr0 = 0\nexit",
		);
		yield hand(
			"loop-stack-sum",
			"xdp",
			loop("*(u64 *)(r10 - 256) = 0\nr0 = 0\nexit", "r1 = 1", "*(u64 *)(r10 - 256) = 0\nr3 = 0"),
		);
		yield hand(
			"loop-stack-sum-too-large",
			"xdp",
			loop("*(u64 *)(r10 - 264) = 0\nr0 = 0\nexit", "r1 = 1", "*(u64 *)(r10 - 256) = 0\nr3 = 0"),
		);
		yield hand(
			"loop-changes-packet",
			"xdp",
			`.btf\nr6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr3 = r7\nr3 += 1\nif r3 > r8 goto out\n*(u64 *)(r10 - 8) = r6\nr1 = 1\nr2 = callback ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall bpf_loop\nr0 = *(u8 *)(r7 + 0)\n${OUT}\ncallback:\nr1 = *(u64 *)(r2 + 0)\nr2 = 1\ncall bpf_xdp_adjust_head\nr0 = 0\nexit`,
		);
		yield hand(
			"loop-leaves-packet",
			"xdp",
			`.btf\nr6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr3 = r7\nr3 += 1\nif r3 > r8 goto out\n*(u64 *)(r10 - 8) = r6\nr1 = 1\nr2 = callback ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall bpf_loop\nr0 = *(u8 *)(r7 + 0)\n${OUT}\ncallback:\nr0 = 0\nexit`,
		);
		for (const [name, body] of EACH_BODIES) yield hand(`each-hash-${name}`, "xdp", EACH("lru16", body));
		for (const map of [
			"array16",
			"hash8",
			"percpu_array16",
			"percpu_hash16",
			"lpm8",
			"queue8",
			"jumps",
			"ring",
			"devs",
			"socks",
			"outer_array",
			"bloom8",
			"rdonly16",
		])
			yield made(`each-of-${map}`, "xdp", EACH(map, "r0 = 0\nexit"));
		yield hand("each-flags", "xdp", EACH("hash8", "r0 = 0\nexit", "r3 = 0", 1));
		yield hand(
			"each-stack-context",
			"xdp",
			EACH("hash8", "*(u64 *)(r4 + 0) = 1\nr0 = 0\nexit", "*(u64 *)(r10 - 8) = 0\nr3 = r10\nr3 += -8"),
		);
		yield hand(
			"each-stack-context-past",
			"xdp",
			EACH("hash8", "*(u64 *)(r4 + 8) = 1\nr0 = 0\nexit", "*(u64 *)(r10 - 8) = 0\nr3 = r10\nr3 += -8"),
		);
		const timer = (rest: string, callback = "r0 = 0\nexit") =>
			`.btf\nr1 = timed_array[0]+8 ll\n${rest}\nr0 = 0\nexit\ncallback:\n${callback}`;
		for (const [name, rest, callback] of [
			["init", "r2 = timed_array ll\nr3 = 1\ncall bpf_timer_init\nr2 = callback ll", undefined],
			["init-other-map", "r2 = locked_array ll\nr3 = 1\ncall bpf_timer_init\nr2 = callback ll", undefined],
			["set-callback", "r2 = callback ll\ncall bpf_timer_set_callback", undefined],
			["set-callback-returns-one", "r2 = callback ll\ncall bpf_timer_set_callback", "r0 = 1\nexit"],
			[
				"set-callback-reads-value",
				"r2 = callback ll\ncall bpf_timer_set_callback",
				"r0 = *(u64 *)(r3 + 0)\nr0 = 0\nexit",
			],
			[
				"set-callback-reads-key",
				"r2 = callback ll\ncall bpf_timer_set_callback",
				"r0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit",
			],
			["set-callback-fourth", "r2 = callback ll\ncall bpf_timer_set_callback", "r0 = r4\nr0 = 0\nexit"],
			["start", "r2 = 0\nr3 = 0\ncall bpf_timer_start\nr2 = callback ll", undefined],
			["cancel", "call bpf_timer_cancel\nr2 = callback ll", undefined],
			["wrong-offset", "r1 += -8\nr2 = 0\nr3 = 0\ncall bpf_timer_start\nr2 = callback ll", undefined],
		] as const)
			yield hand(`timer-${name}`, "sched_cls", timer(rest, callback));
		yield hand(
			"timer-of-stack",
			"sched_cls",
			"*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 0\ncall bpf_timer_start\nr0 = 0\nexit",
		);
		yield hand(
			"timer-tracing",
			"kprobe",
			"r1 = timed_array[0]+8 ll\nr2 = 0\nr3 = 0\ncall bpf_timer_start\nr0 = 0\nexit",
		);
		const drain = (body: string) =>
			`.btf\nr1 = user_ring ll\nr2 = callback ll\nr3 = 0\nr4 = 0\ncall bpf_user_ringbuf_drain\nr0 = 0\nexit\ncallback:\n${body}`;
		yield hand("drain", "sched_cls", drain("r0 = 0\nexit"));
		yield hand("drain-returns-two", "sched_cls", drain("r0 = 2\nexit"));
		yield hand("drain-reads", "sched_cls", drain("r0 = *(u64 *)(r1 + 0)\nr0 = 0\nexit"));
		yield hand(
			"drain-data",
			"sched_cls",
			drain("r2 = 0\nr3 = 8\ncall bpf_dynptr_data\nif r0 == 0 goto +1\nr1 = *(u64 *)(r0 + 0)\nr0 = 0\nexit"),
		);
		yield hand("drain-writes", "sched_cls", drain("*(u64 *)(r1 + 0) = 0\nr0 = 0\nexit"));
		yield hand(
			"find-vma",
			"kprobe",
			".btf\ncall bpf_get_current_task_btf\nr1 = r0\nr2 = 0\nr3 = callback ll\nr4 = 0\nr5 = 0\ncall bpf_find_vma\nr0 = 0\nexit\ncallback:\nr0 = 0\nexit",
		);
	},
};
