import { OUT } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

interface Kind {
	readonly name: string;
	readonly header: string;
	/** r0 = a new reference or null; the context is in r6. */
	readonly acquire: string;
	/** Of what is in r1. */
	readonly release: string;
	readonly use: string;
}

const TUPLE = "*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0";
const lookup = (helper: string) => `r1 = r6\nr2 = r10\nr2 += -16\nr3 = 12\nr4 = -1\nr5 = 0\ncall ${helper}`;

const KINDS: readonly Kind[] = [
	{
		name: "tcp",
		header: "sched_cls",
		acquire: lookup("bpf_sk_lookup_tcp"),
		release: "call bpf_sk_release",
		use: "r0 = *(u32 *)(r1 + 4)",
	},
	{
		name: "udp",
		header: "xdp",
		acquire: lookup("bpf_sk_lookup_udp"),
		release: "call bpf_sk_release",
		use: "r0 = *(u32 *)(r1 + 4)",
	},
	{
		name: "skc",
		header: "sched_cls",
		acquire: lookup("bpf_skc_lookup_tcp"),
		release: "call bpf_sk_release",
		use: "r0 = *(u32 *)(r1 + 4)",
	},
	{
		name: "cgroup",
		header: "cgroup_skb",
		acquire: lookup("bpf_sk_lookup_udp"),
		release: "call bpf_sk_release",
		use: "r0 = *(u32 *)(r1 + 4)",
	},
	{
		name: "ring",
		header: "xdp",
		acquire: "r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve",
		release: "r2 = 0\ncall bpf_ringbuf_submit",
		use: "*(u64 *)(r1 + 8) = 1",
	},
	{
		name: "sockmap",
		header: "sched_cls",
		acquire: "r1 = socks ll\nr2 = r10\nr2 += -16\ncall bpf_map_lookup_elem",
		release: "call bpf_sk_release",
		use: "r0 = *(u32 *)(r1 + 4)",
	},
];

/** Bodies where ACQUIRE, RELEASE and USE stand for a kind's. */
const BODIES: readonly (readonly [name: string, asm: string])[] = [
	["leaked", "ACQUIRE\nr0 = 0\nexit"],
	["leaked-checked", "ACQUIRE\nif r0 == 0 goto out\nr0 = 1\nexit\nOUT"],
	["released", "ACQUIRE\nif r0 == 0 goto out\nr1 = r0\nRELEASE\nOUT"],
	["released-unchecked", "ACQUIRE\nr1 = r0\nRELEASE\nr0 = 0\nexit"],
	["released-twice", "ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nr1 = r0\nRELEASE\nr1 = r7\nRELEASE\nOUT"],
	["used", "ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nr1 = r7\nUSE\nr1 = r7\nRELEASE\nOUT"],
	["used-behind", "ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nr1 = r0\nRELEASE\nr1 = r7\nUSE\nOUT"],
	[
		"copy-behind-released",
		"ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nr8 = r0\nr1 = r8\nRELEASE\nr0 = r7\nr0 = 0\nexit\nOUT",
	],
	[
		"spilled-copy-behind",
		"ACQUIRE\nif r0 == 0 goto out\n*(u64 *)(r10 - 24) = r0\nr1 = r0\nRELEASE\nr1 = *(u64 *)(r10 - 24)\nUSE\nOUT",
	],
	[
		"spilled-and-released",
		"ACQUIRE\n*(u64 *)(r10 - 24) = r0\nif r0 == 0 goto out\nr1 = *(u64 *)(r10 - 24)\nRELEASE\nOUT",
	],
	["spill-overwritten", "ACQUIRE\n*(u64 *)(r10 - 24) = r0\nr0 = 0\n*(u64 *)(r10 - 24) = 0\nexit"],
	["register-overwritten", "ACQUIRE\nif r0 == 0 goto out\nr0 = 5\nexit\nOUT"],
	[
		"one-branch",
		"ACQUIRE\nif r0 == 0 goto out\nr7 = r0\ncall bpf_get_prandom_u32\nif r0 == 0 goto out\nr1 = r7\nRELEASE\nOUT",
	],
	[
		"both-branches",
		"ACQUIRE\nif r0 == 0 goto out\nr7 = r0\ncall bpf_get_prandom_u32\nr1 = r7\nif r0 == 0 goto other\nRELEASE\ngoto out\nother:\nRELEASE\nOUT",
	],
	["offset", "ACQUIRE\nif r0 == 0 goto out\nr1 = r0\nr1 += 4\nRELEASE\nOUT"],
	["offset-zero", "ACQUIRE\nif r0 == 0 goto out\nr1 = r0\nr1 += 0\nRELEASE\nOUT"],
	[
		"two",
		"ACQUIRE\nr7 = r0\nACQUIRE\nr8 = r0\nif r7 == 0 goto a\nr1 = r7\nRELEASE\na:\nif r8 == 0 goto out\nr1 = r8\nRELEASE\nOUT",
	],
	["two-one-leaked", "ACQUIRE\nr7 = r0\nACQUIRE\nr8 = r0\nif r7 == 0 goto out\nr1 = r7\nRELEASE\nOUT"],
	[
		"two-swapped",
		"ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nACQUIRE\nif r0 == 0 goto one\nr1 = r0\nRELEASE\none:\nr1 = r7\nRELEASE\nOUT",
	],
	[
		"loop-each",
		"r9 = 0\nagain:\nACQUIRE\nif r0 == 0 goto next\nr1 = r0\nRELEASE\nnext:\nr9 += 1\nif r9 < 5 goto again\nr0 = 0\nexit",
	],
	[
		"loop-leak",
		"r9 = 0\nagain:\nACQUIRE\nif r0 == 0 goto next\nr7 = r0\nnext:\nr9 += 1\nif r9 < 5 goto again\nr0 = 0\nexit",
	],
	["to-subprogram", "ACQUIRE\nif r0 == 0 goto out\nr1 = r0\ncall sub\nOUT\nsub:\nRELEASE\nr0 = 0\nexit"],
	["to-subprogram-that-keeps", "ACQUIRE\nif r0 == 0 goto out\nr1 = r0\ncall sub\nOUT\nsub:\nr0 = 0\nexit"],
	[
		"from-subprogram",
		"r1 = r6\ncall sub\nif r0 == 0 goto out\nr1 = r0\nRELEASE\nOUT\nsub:\nr6 = r1\nTUPLE\nACQUIRE\nexit",
	],
	["from-subprogram-leaked", "r1 = r6\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\nTUPLE\nACQUIRE\nr0 = 0\nexit"],
	["release-null", "r1 = 0\nRELEASE\nr0 = 0\nexit"],
	["release-context", "r1 = r6\nRELEASE\nr0 = 0\nexit"],
	["release-stack", "r1 = r10\nr1 += -16\nRELEASE\nr0 = 0\nexit"],
	["returned", "ACQUIRE\nexit"],
	[
		"to-map",
		"ACQUIRE\nif r0 == 0 goto out\nr1 = one48[0]+0 ll\n*(u64 *)(r1 + 0) = r0\nr1 = r0\nRELEASE\nOUT",
	],
	["compared-copy", "ACQUIRE\nr7 = r0\nif r7 == 0 goto out\nr1 = r0\nRELEASE\nOUT"],
	[
		"behind-tail-call",
		"ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nr1 = r6\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr1 = r7\nRELEASE\nOUT",
	],
	[
		"in-map-key",
		"ACQUIRE\nif r0 == 0 goto out\nr7 = r0\nr2 = r0\nr1 = hash16 ll\ncall bpf_map_lookup_elem\nr1 = r7\nRELEASE\nOUT",
	],
	["write-first", "ACQUIRE\nif r0 == 0 goto out\nr7 = r0\n*(u32 *)(r7 + 0) = 5\nr1 = r7\nRELEASE\nOUT"],
];

const BY_HAND: readonly (readonly [name: string, header: string, asm: string])[] = [
	[
		"ring-discard",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	[
		"ring-last-byte",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\n*(u8 *)(r0 + 15) = 1\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	[
		"ring-past",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\n*(u8 *)(r0 + 16) = 1\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	[
		"ring-size-zero",
		"xdp",
		"r1 = ring ll\nr2 = 0\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	[
		"ring-size-variable",
		"xdp",
		"call bpf_get_prandom_u32\nr2 = r0\nr2 &= 31\nr1 = ring ll\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	[
		"ring-size-large",
		"xdp",
		"r1 = ring ll\nr2 = 0x3fffffff\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	["ring-wrong-map", "xdp", "r1 = hash8 ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nOUT"],
	[
		"ring-as-key",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr7 = r0\nr1 = hash16 ll\nr2 = r7\ncall bpf_map_lookup_elem\nr1 = r7\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	["ring-submit-map-value", "xdp", "r1 = one48[0]+0 ll\nr2 = 0\ncall bpf_ringbuf_submit\nr0 = 0\nexit"],
	[
		"ring-output-of-record",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr7 = r0\nr1 = ring ll\nr2 = r7\nr3 = 16\nr4 = 0\ncall bpf_ringbuf_output\nr1 = r7\nr2 = 0\ncall bpf_ringbuf_discard\nOUT",
	],
	["ring-query", "xdp", "r1 = ring ll\nr2 = 0\ncall bpf_ringbuf_query\nr0 = 0\nexit"],
	["ctx-sk-released", "sched_cls", "r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\ncall bpf_sk_release\nOUT"],
	[
		"ctx-sk-full-released",
		"sched_cls",
		"r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\ncall bpf_sk_fullsock\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nOUT",
	],
	[
		"looked-up-full-released",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_skc_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr1 = r0\ncall bpf_sk_fullsock\nr8 = r0\nr1 = r7\ncall bpf_sk_release\nif r8 == 0 goto out\nr0 = *(u32 *)(r8 + 4)\nOUT`,
	],
	[
		"looked-up-full-used-before",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_skc_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr1 = r0\ncall bpf_sk_fullsock\nif r0 == 0 goto end\nr1 = *(u32 *)(r0 + 4)\nend:\nr1 = r7\ncall bpf_sk_release\nOUT`,
	],
	[
		"looked-up-tcp-used-behind",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr1 = r0\ncall bpf_tcp_sock\nr8 = r0\nr1 = r7\ncall bpf_sk_release\nif r8 == 0 goto out\nr0 = *(u32 *)(r8 + 0)\nOUT`,
	],
	[
		"released-through-full",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_skc_lookup_tcp")}\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_fullsock\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nOUT`,
	],
	[
		"listener-released",
		"sched_cls",
		"r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\ncall bpf_get_listener_sock\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nOUT",
	],
	[
		"sk-assign",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_skc_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr1 = r6\nr2 = r7\nr3 = 0\ncall bpf_sk_assign\nr1 = r7\ncall bpf_sk_release\nOUT`,
	],
	[
		"sk-assign-leaked",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_skc_lookup_tcp")}\nif r0 == 0 goto out\nr1 = r6\nr2 = r0\nr3 = 0\ncall bpf_sk_assign\nOUT`,
	],
	[
		"ld-abs-held",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr0 = *(u8 *)skb[0]\nr1 = r7\ncall bpf_sk_release\nOUT`,
	],
	[
		"ld-abs-before",
		"sched_cls",
		`r6 = r1\nr0 = *(u8 *)skb[0]\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp")}\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nOUT`,
	],
	[
		"sk-lookup-size-12",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp").replace("r3 = 12", "r3 = 36")}\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nOUT`,
	],
	[
		"sk-lookup-size-zero",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp").replace("r3 = 12", "r3 = 0")}\nif r0 == 0 goto out\nr1 = r0\ncall bpf_sk_release\nOUT`,
	],
	[
		"sk-write-mark",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\n*(u32 *)(r7 + 16) = 1\nr1 = r7\ncall bpf_sk_release\nOUT`,
	],
	[
		"sk-storage",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr1 = storage ll\nr2 = r7\nr3 = 0\nr4 = 1\ncall bpf_sk_storage_get\nif r0 == 0 goto end\n*(u64 *)(r0 + 0) = 1\nend:\nr1 = r7\ncall bpf_sk_release\nOUT`,
	],
	[
		"packet-move-held",
		"sched_cls",
		`r6 = r1\n${TUPLE}\n${lookup("bpf_sk_lookup_tcp")}\nif r0 == 0 goto out\nr7 = r0\nr1 = r6\nr2 = 0\ncall bpf_skb_pull_data\nr1 = r7\ncall bpf_sk_release\nOUT`,
	],
];

const FIELDS = [0, 4, 8, 12, 16, 20, 24, 28, 40, 44, 48, 52, 56, 72, 76, 80, 84] as const;

export const references: ThemeScript = {
	about:
		"References: sockets and ring-buffer records, acquired, checked, copied, released, leaked; and fields of sockets.",
	*programs(): Iterable<Draft> {
		for (const { name, header, acquire, release, use } of KINDS) {
			for (const [body, asm] of BODIES) {
				const text = asm
					.replaceAll("ACQUIRE", acquire)
					.replaceAll("RELEASE", release)
					.replaceAll("USE", use)
					.replaceAll("TUPLE", TUPLE)
					.replaceAll("OUT", OUT);
				yield made(`${name}-${body}`, header, `r6 = r1\n${TUPLE}\n${text}`);
			}
		}
		for (const [name, header, asm] of BY_HAND) yield hand(name, header, asm.replaceAll("OUT", OUT));
		for (const offset of FIELDS) {
			for (const width of ["u8", "u16", "u32", "u64"]) {
				yield made(
					`sock-${width}-${offset}`,
					"sched_cls",
					`r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\ncall bpf_sk_fullsock\nif r0 == 0 goto out\nr1 = *(${width} *)(r0 + ${offset})\n${OUT}`,
				);
				if (width === "u32") {
					yield made(
						`sock-common-${width}-${offset}`,
						"sched_cls",
						`r0 = *(u64 *)(r1 + 168)\nif r0 == 0 goto out\nr1 = *(${width} *)(r0 + ${offset})\n${OUT}`,
					);
					yield made(
						`tcp-sock-${width}-${offset}`,
						"sched_cls",
						`r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\ncall bpf_tcp_sock\nif r0 == 0 goto out\nr1 = *(${width} *)(r0 + ${offset})\n${OUT}`,
					);
				}
			}
		}
	},
};
