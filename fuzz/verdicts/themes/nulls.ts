import { find, OUT } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** With r0 = value or null of hash8. */
const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["unchecked", "r1 = *(u64 *)(r0 + 0)"],
	["checked-eq", "if r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-ne", "if r0 != 0 goto +1\ngoto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-wrong-branch", "if r0 != 0 goto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-32", "if w0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-gt", "if r0 > 0 goto +1\ngoto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-against-register", "r2 = 0\nif r0 == r2 goto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-against-one", "if r0 == 1 goto out\nr1 = *(u64 *)(r0 + 0)"],
	["checked-signed", "if r0 s> 0 goto +1\ngoto out\nr1 = *(u64 *)(r0 + 0)"],
	["copy-before-check", "r6 = r0\nif r0 == 0 goto out\nr1 = *(u64 *)(r6 + 0)"],
	["copy-checked", "r6 = r0\nif r6 == 0 goto out\nr1 = *(u64 *)(r0 + 0)"],
	[
		"spilled-before-check",
		"*(u64 *)(r10 - 16) = r0\nif r0 == 0 goto out\nr6 = *(u64 *)(r10 - 16)\nr1 = *(u64 *)(r6 + 0)",
	],
	["arithmetic-before-check", "r0 += 4\nif r0 == 0 goto out\nr1 = *(u32 *)(r0 + 0)"],
	["arithmetic-zero-before-check", "r0 += 0\nif r0 == 0 goto out\nr1 = *(u32 *)(r0 + 0)"],
	["arithmetic-on-copy", "r6 = r0\nr6 += 4\nif r0 == 0 goto out\nr1 = *(u32 *)(r6 + 0)"],
	["arithmetic-behind-check", "if r0 == 0 goto out\nr0 += 4\nr1 = *(u32 *)(r0 + 0)"],
	["null-is-zero", "if r0 != 0 goto out\nr1 = r10\nr1 += -4\nr1 += r0\nr2 = *(u32 *)(r1 + 0)"],
	["null-copy-is-zero", "r6 = r0\nif r0 != 0 goto out\nr1 = r10\nr1 += -4\nr1 += r6\nr2 = *(u32 *)(r1 + 0)"],
	["store-unchecked", "*(u64 *)(r0 + 0) = 1"],
	["atomic-unchecked", "r1 = 1\nlock *(u64 *)(r0 + 0) += r1"],
	[
		"checked-once-is-enough",
		"if r0 == 0 goto out\nr6 = r0\nif r6 == 0 goto bad\nr1 = *(u64 *)(r6 + 0)\ngoto out\nbad:\nr1 = *(u64 *)(r9 + 0)",
	],
	["mov32-loses", "if r0 == 0 goto out\nw0 = w0\nr1 = *(u64 *)(r0 + 0)"],
	["xor-with-itself", "r0 ^= r0"],
	["or-null", "r0 |= r0\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)"],
	["pass-unchecked-as-key", "r2 = r0\nr1 = hash8 ll\ncall bpf_map_lookup_elem"],
	["pass-unchecked-as-map", "r1 = r0\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem"],
	["pass-unchecked-nullable", "r3 = r0\nr4 = 8\nr1 = 0\nr2 = 0\nr5 = 0\ncall bpf_csum_diff"],
	["pass-null-nullable", "r3 = 0\nr4 = 0\nr1 = 0\nr2 = 0\nr5 = 0\ncall bpf_csum_diff"],
	["pass-null-nullable-sized", "r3 = 0\nr4 = 8\nr1 = 0\nr2 = 0\nr5 = 0\ncall bpf_csum_diff"],
	["pass-null-as-key", "r2 = 0\nr1 = hash8 ll\ncall bpf_map_lookup_elem"],
	["return-unchecked", "exit"],
	["second-lookup-other-id", `r6 = r0\n${find("hash8", 1)}\nif r0 == 0 goto out\nr1 = *(u64 *)(r6 + 0)`],
	[
		"second-lookup-both-checked",
		`r6 = r0\n${find("hash8", 1)}\nif r0 == 0 goto out\nif r6 == 0 goto out\nr1 = *(u64 *)(r6 + 0)\nr1 = *(u64 *)(r0 + 0)`,
	],
	[
		"same-map-compare",
		`r6 = r0\n${find("hash8", 1)}\nif r0 == 0 goto out\nif r6 != r0 goto out\nr1 = *(u64 *)(r6 + 0)`,
	],
	[
		"compare-the-other-way",
		`r6 = r0\nif r6 == 0 goto out\n${find("hash8", 1)}\nif r6 == r0 goto same\ngoto out\nsame:\nr1 = *(u64 *)(r0 + 0)`,
	],
	[
		"compare-unequal-branch",
		`r6 = r0\nif r6 == 0 goto out\n${find("hash8", 1)}\nif r6 == r0 goto out\nr1 = *(u64 *)(r0 + 0)`,
	],
	[
		"compare-unprivileged",
		`r6 = r0\nif r6 == 0 goto out\n${find("array16", 1)}\nif r6 != r0 goto out\nr1 = *(u64 *)(r0 + 0)`,
	],
	[
		"loop-checked-each-round",
		`r6 = 3\nagain:\n${find("hash8")}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nr6 += -1\nif r6 != 0 goto again`,
	],
	[
		"loop-checked-once",
		`if r0 == 0 goto out\nr7 = r0\nr6 = 3\nagain:\nr1 = *(u64 *)(r7 + 0)\n${find("hash8")}\nr7 = r0\nr6 += -1\nif r6 != 0 goto again`,
	],
	["branches-join-checked", "call bpf_get_prandom_u32\nr6 = r0\nr0 = r7\nif r6 == 0 goto out"],
	[
		"callee-saved-through-call",
		"r6 = r0\ncall bpf_get_prandom_u32\nif r6 == 0 goto out\nr1 = *(u64 *)(r6 + 0)",
	],
	[
		"check-in-both-branches",
		"r6 = r0\ncall bpf_get_prandom_u32\nif r0 == 0 goto other\nif r6 == 0 goto out\ngoto join\nother:\nif r6 == 0 goto out\njoin:\nr1 = *(u64 *)(r6 + 0)",
	],
	[
		"check-in-one-branch",
		"r6 = r0\ncall bpf_get_prandom_u32\nif r0 == 0 goto join\nif r6 == 0 goto out\njoin:\nr1 = *(u64 *)(r6 + 0)",
	],
];

/** Calls whose result may be null, with the context in r6; the load that is right once it was checked. */
const SOURCES: readonly (readonly [
	name: string,
	header: string,
	call: string,
	load: string,
	release?: string,
])[] = [
	["array", "xdp", find("array16"), "r1 = *(u64 *)(r0 + 8)"],
	["lru", "xdp", find("lru16"), "r1 = *(u64 *)(r0 + 8)"],
	["percpu", "xdp", find("percpu_hash16"), "r1 = *(u64 *)(r0 + 8)"],
	["inner-map", "xdp", find("outer_array"), "r1 = r0\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem"],
	["xsk", "xdp", find("xsks"), "r1 = *(u32 *)(r0 + 0)"],
	[
		"percpu-elem",
		"xdp",
		"*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr3 = 0\nr1 = percpu_array16 ll\ncall bpf_map_lookup_percpu_elem",
		"r1 = *(u64 *)(r0 + 8)",
	],
	[
		"local-storage",
		"sched_cls",
		"r2 = *(u64 *)(r6 + 168)\nif r2 == 0 goto out\nr1 = r2\ncall bpf_sk_fullsock\nif r0 == 0 goto out\nr2 = r0\nr3 = 0\nr4 = 1\nr1 = storage ll\ncall bpf_sk_storage_get",
		"r1 = *(u64 *)(r0 + 0)",
	],
	[
		"cgroup-storage",
		"cgroup_skb",
		"r1 = cgroup_store ll\nr2 = 0\ncall bpf_get_local_storage",
		"r1 = *(u64 *)(r0 + 0)",
	],
	[
		"ring",
		"xdp",
		"r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve",
		"*(u64 *)(r0 + 0) = 1",
		"r1 = r0\nr2 = 0\ncall bpf_ringbuf_submit",
	],
	[
		"fullsock",
		"sched_cls",
		"r1 = *(u64 *)(r6 + 168)\nif r1 == 0 goto out\ncall bpf_sk_fullsock",
		"r1 = *(u32 *)(r0 + 4)",
	],
	[
		"tcp-sock",
		"sched_cls",
		"r1 = *(u64 *)(r6 + 168)\nif r1 == 0 goto out\ncall bpf_tcp_sock",
		"r1 = *(u32 *)(r0 + 0)",
	],
	[
		"listener",
		"sched_cls",
		"r1 = *(u64 *)(r6 + 168)\nif r1 == 0 goto out\ncall bpf_get_listener_sock",
		"r1 = *(u32 *)(r0 + 4)",
	],
	[
		"sk-lookup",
		"sched_cls",
		"*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\nr1 = r6\nr2 = r10\nr2 += -16\nr3 = 12\nr4 = -1\nr5 = 0\ncall bpf_sk_lookup_udp",
		"r1 = *(u32 *)(r0 + 4)",
		"r1 = r0\ncall bpf_sk_release",
	],
	[
		"skc-lookup",
		"sched_cls",
		"*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\nr1 = r6\nr2 = r10\nr2 += -16\nr3 = 12\nr4 = -1\nr5 = 0\ncall bpf_skc_lookup_tcp",
		"r1 = *(u32 *)(r0 + 4)",
		"r1 = r0\ncall bpf_sk_release",
	],
	["ctx-sk", "sched_cls", "r0 = *(u64 *)(r6 + 168)", "r1 = *(u32 *)(r0 + 4)"],
	["sk-lookup-ctx", "sk_lookup attach=sk_lookup", "r0 = *(u64 *)(r6 + 0)", "r1 = *(u32 *)(r0 + 4)"],
];

export const nulls: ThemeScript = {
	about: "Pointers that may be null: what counts as a check, what shares it, what loses it.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) yield hand(name, "xdp", `r7 = 0\n${find("hash8")}\n${asm}\n${OUT}`);
		for (const [name, asm] of BY_HAND.slice(0, 28))
			yield made(`${name}-privilege`, "xdp cap_bpf", `r7 = 0\n${find("hash8")}\n${asm}\n${OUT}`);
		for (const [name, header, call, load, release = ""] of SOURCES) {
			const start = `r6 = r1\n${call}`;
			yield hand(
				`from-${name}`,
				header,
				`${start}\nif r0 == 0 goto out\nr7 = r0\n${load}\n${release.replace("r0", "r7")}\n${OUT}`,
			);
			yield hand(
				`from-${name}-unchecked`,
				header,
				`${start}\nr7 = r0\n${load}\n${release.replace("r0", "r7")}\n${OUT}`,
			);
			yield hand(
				`from-${name}-copy`,
				header,
				`${start}\nr7 = r0\nif r7 == 0 goto out\n${load}\n${release.replace("r0", "r7")}\n${OUT}`,
			);
			yield hand(
				`from-${name}-add`,
				header,
				`${start}\nr7 = r0\nr0 += 4\nif r0 == 0 goto out\n${release.replace("r0", "r7")}\n${OUT}`,
			);
			yield hand(
				`from-${name}-wrong-branch`,
				header,
				`${start}\nif r0 != 0 goto out\nr7 = r0\n${load}\n${OUT}`,
			);
		}
	},
};
