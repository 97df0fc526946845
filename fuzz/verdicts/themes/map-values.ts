import { find, lookup, lookup64, OUT, plus, SIZES, uint, unknown } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** With r0 = a value of `map`, not null. */
const BY_HAND: readonly (readonly [name: string, map: string, asm: string])[] = [
	["unused", "array48", ""],
	["store-constant", "array48", "*(u64 *)(r0 + 40) = -1"],
	["store-register", "array48", "r1 = 7\n*(u64 *)(r0 + 40) = r1"],
	["store-pointer", "array48", "*(u64 *)(r0 + 0) = r10"],
	["store-ctx-32", "array48", "*(u32 *)(r0 + 0) = w10"],
	["store-own-address", "array48", "*(u64 *)(r0 + 0) = r0"],
	["read-misaligned-root", "array48", "r1 = *(u64 *)(r0 + 1)"],
	["add-negative-back", "array48", "r0 += -8\nr1 = *(u64 *)(r0 + 8)"],
	["add-negative", "array48", "r0 += -8\nr1 = *(u64 *)(r0 + 0)"],
	["add-past-and-back", "array48", "r0 += 48\nr1 = *(u64 *)(r0 - 8)"],
	["sub-constant", "array48", "r0 += 40\nr0 -= 40\nr1 = *(u64 *)(r0 + 0)"],
	["sub-constant-below", "array48", "r0 += 32\nr0 -= 40\nr1 = *(u64 *)(r0 + 0)"],
	["sub-register", "array48", "r0 += 40\nr1 = 8\nr0 -= r1\nr1 = *(u64 *)(r0 + 8)"],
	["scalar-minus-value", "array48", "r1 = 8\nr1 -= r0"],
	["value-minus-value", "array48", "r1 = r0\nr1 -= r0\nr0 = r1"],
	["value-plus-value", "array48", "r0 += r0"],
	["offset-too-large", "array48", "r0 += 0x1fffffff\nr1 = *(u8 *)(r0 + 0)"],
	["offset-much-too-large", "array48", "r0 += 0x20000001"],
	["offset-lddw", "array48", "r1 = 0x100000000 ll\nr0 += r1"],
	["and-one", "array48", "r0 &= -8"],
	["or-one", "array48", "r0 |= 1"],
	["add32", "array48", "w0 += 8"],
	["mov32", "array48", "w1 = w0\nr1 += 1"],
	["mov32-deref", "array48", "w1 = w0\nr2 = *(u8 *)(r1 + 0)"],
	["percpu-array", "percpu_array16", "r1 = *(u64 *)(r0 + 8)"],
	["percpu-array-past", "percpu_array16", "r1 = *(u64 *)(r0 + 16)"],
	["percpu-hash", "percpu_hash16", "r1 = *(u64 *)(r0 + 8)"],
	["lru", "lru16", "*(u32 *)(r0 + 12) = 1"],
	["lru-past", "lru16", "*(u32 *)(r0 + 13) = 1"],
	["one-byte", "array1", "r1 = *(u8 *)(r0 + 0)"],
	["one-byte-past", "array1", "r1 = *(u16 *)(r0 + 0)"],
	["rdonly-read", "rdonly16", "r1 = *(u64 *)(r0 + 0)"],
	["rdonly-write", "rdonly16", "*(u64 *)(r0 + 0) = 1"],
	["rdonly-atomic", "rdonly16", "r1 = 1\nlock *(u64 *)(r0 + 0) += r1"],
	["wronly-read", "wronly16", "r1 = *(u64 *)(r0 + 0)"],
	["wronly-write", "wronly16", "*(u64 *)(r0 + 0) = 1"],
	["wronly-atomic", "wronly16", "r1 = 1\nlock *(u64 *)(r0 + 0) += r1"],
	["wronly-to-helper-as-input", "wronly16", "r1 = r0\nr2 = 8\ncall bpf_trace_printk"],
	["rdonly-to-helper-as-input", "rdonly16", "r1 = r0\nr2 = 8\ncall bpf_trace_printk"],
	["rdonly-to-helper-as-output", "rdonly16", "r2 = r0\nr1 = queue8 ll\ncall bpf_map_pop_elem"],
	["as-key", "array48", "r2 = r0\nr1 = hash16 ll\ncall bpf_map_lookup_elem"],
	["as-key-last", "array48", "r2 = r0\nr2 += 40\nr1 = hash16 ll\ncall bpf_map_lookup_elem"],
	["as-key-past", "array48", "r2 = r0\nr2 += 41\nr1 = hash16 ll\ncall bpf_map_lookup_elem"],
	["as-key-below", "array48", "r2 = r0\nr2 += -1\nr1 = hash16 ll\ncall bpf_map_lookup_elem"],
	["as-value", "array48", "r3 = r0\nr3 += 32\nr2 = r0\nr1 = hash16 ll\nr4 = 0\ncall bpf_map_update_elem"],
	[
		"as-value-past",
		"array48",
		"r3 = r0\nr3 += 33\nr2 = r0\nr1 = hash16 ll\nr4 = 0\ncall bpf_map_update_elem",
	],
	["as-output", "array48", "r2 = r0\nr2 += 40\nr1 = queue8 ll\ncall bpf_map_pop_elem"],
	["as-output-past", "array48", "r2 = r0\nr2 += 41\nr1 = queue8 ll\ncall bpf_map_pop_elem"],
	["as-sized", "array48", "r1 = r0\nr2 = 48\ncall bpf_trace_printk"],
	["as-sized-past", "array48", "r1 = r0\nr2 = 49\ncall bpf_trace_printk"],
	["as-sized-offset", "array48", "r1 = r0\nr1 += 40\nr2 = 8\ncall bpf_trace_printk"],
	[
		"as-sized-variable",
		"array48",
		"r6 = *(u8 *)(r0 + 0)\nr1 = r0\nr6 &= 31\nr2 = r6\nr2 += 1\ncall bpf_trace_printk",
	],
	[
		"as-sized-variable-past",
		"array48",
		"r6 = *(u8 *)(r0 + 0)\nr1 = r0\nr6 &= 63\nr2 = r6\nr2 += 1\ncall bpf_trace_printk",
	],
	[
		"as-sized-variable-both",
		"array48",
		"r6 = *(u8 *)(r0 + 0)\nr6 &= 15\nr1 = r0\nr1 += r6\nr2 = r6\nr2 += 18\ncall bpf_trace_printk",
	],
	["survives-call", "array48", "r6 = r0\ncall bpf_get_prandom_u32\nr1 = *(u64 *)(r6 + 0)"],
	["lost-in-caller-saved", "array48", "r1 = r0\ncall bpf_get_prandom_u32\nr1 = *(u64 *)(r1 + 0)"],
	["spilled", "array48", "*(u64 *)(r10 - 16) = r0\nr2 = *(u64 *)(r10 - 16)\nr1 = *(u64 *)(r2 + 40)"],
	["variable-in-scalar", "array48", "r6 = *(u8 *)(r0 + 0)\nr6 &= 7\nr6 += r0\nr1 = *(u64 *)(r6 + 33)"],
	["variable-in-scalar-past", "array48", "r6 = *(u8 *)(r0 + 0)\nr6 &= 7\nr6 += r0\nr1 = *(u64 *)(r6 + 34)"],
	["variable-minus", "array48", "r6 = *(u8 *)(r0 + 0)\nr6 &= 7\nr0 += 7\nr0 -= r6\nr1 = *(u64 *)(r0 + 33)"],
	[
		"variable-minus-below",
		"array48",
		"r6 = *(u8 *)(r0 + 0)\nr6 &= 7\nr0 += 6\nr0 -= r6\nr1 = *(u64 *)(r0 + 0)",
	],
	["variable-store", "array48", "r6 = *(u8 *)(r0 + 0)\nr6 &= 31\nr0 += r6\n*(u8 *)(r0 + 16) = 1"],
	["variable-store-past", "array48", "r6 = *(u8 *)(r0 + 0)\nr6 &= 31\nr0 += r6\n*(u8 *)(r0 + 17) = 1"],
	["value-as-offset", "array48", "r6 = *(u64 *)(r0 + 0)\nr0 += r6\nr1 = *(u8 *)(r0 + 0)"],
	["value-as-pointer", "array48", "r6 = *(u64 *)(r0 + 0)\nr1 = *(u8 *)(r6 + 0)"],
	["return-value", "array48", "r0 = r0\nexit"],
	[
		"outer-is-map-pointer",
		"outer_array",
		"r1 = r0\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 8)",
	],
	[
		"outer-inner-past",
		"outer_array",
		"r1 = r0\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 16)",
	],
	[
		"outer-inner-unchecked",
		"outer_array",
		"r1 = r0\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\nr1 = *(u64 *)(r0 + 8)",
	],
	["outer-read", "outer_array", "r1 = *(u64 *)(r0 + 0)"],
	["outer-write", "outer_array", "*(u64 *)(r0 + 0) = 0"],
	["outer-arithmetic", "outer_array", "r0 += 8"],
	[
		"outer-update-inner",
		"outer_hash",
		"r1 = r0\n*(u64 *)(r10 - 16) = 0\nr2 = r10\nr2 += -16\nr3 = r10\nr3 += -16\nr4 = 0\ncall bpf_map_update_elem",
	],
	["xsk-field", "xsks", "r1 = *(u32 *)(r0 + 0)"],
	["lock-read", "locked_array", "r1 = *(u32 *)(r0 + 8)"],
	["lock-write", "locked_array", "*(u32 *)(r0 + 8) = 0"],
	["lock-overlap", "locked_array", "r1 = *(u64 *)(r0 + 8)"],
	["lock-overlap-below", "locked_array", "r1 = *(u64 *)(r0 + 4)"],
	["lock-beside", "locked_array", "r1 = *(u64 *)(r0 + 0)"],
	["lock-behind", "locked_array", "r1 = *(u32 *)(r0 + 12)"],
	["lock-variable", "locked_array", "r6 = *(u8 *)(r0 + 0)\nr6 &= 7\nr0 += r6\nr1 = *(u8 *)(r0 + 0)"],
	["lock-variable-over", "locked_array", "r6 = *(u8 *)(r0 + 0)\nr6 &= 15\nr0 += r6\nr1 = *(u8 *)(r0 + 0)"],
	["lock-as-input", "locked_array", "r1 = r0\nr2 = 16\ncall bpf_trace_printk"],
	["timer-read", "timed_array", "r1 = *(u64 *)(r0 + 8)"],
	["timer-beside", "timed_array", "r1 = *(u64 *)(r0 + 0)"],
	["timer-write", "timed_array", "*(u8 *)(r0 + 23) = 0"],
];

/** Maps that programs may not look into, or only so. */
const LOOKUPS = [
	"array16",
	"hash8",
	"hash16",
	"lru16",
	"percpu_array16",
	"percpu_hash16",
	"lpm8",
	"queue8",
	"stack8",
	"bloom8",
	"jumps",
	"events",
	"ring",
	"user_ring",
	"devs",
	"devs_hash",
	"cpus",
	"xsks",
	"socks",
	"socks_hash",
	"reuse",
	"storage",
	"cgroups",
	"outer_array",
	"outer_hash",
	"stacks",
	"cgroup_store",
	"percpu_cgroup_store",
	"rdonly16",
	"wronly16",
] as const;

/** Calls on a map in r1 with key and value on the stack. */
const OPERATIONS: readonly (readonly [name: string, rest: string])[] = [
	["lookup", "call bpf_map_lookup_elem"],
	["update", "r3 = r10\nr3 += -48\nr4 = 0\ncall bpf_map_update_elem"],
	["delete", "call bpf_map_delete_elem"],
	["push", "r3 = 0\ncall bpf_map_push_elem"],
	["peek", "call bpf_map_peek_elem"],
	["percpu-lookup", "r3 = 0\ncall bpf_map_lookup_percpu_elem"],
	["redirect", "r2 = 0\nr3 = 0\ncall bpf_redirect_map"],
];

export const mapValues: ThemeScript = {
	about:
		"Values of maps: fixed and variable offsets, direct addresses, flags, special fields, and what may be called on which map.",
	*programs(): Iterable<Draft> {
		for (const [name, map, asm] of BY_HAND) yield hand(name, "sched_cls", `${lookup(map)}\n${asm}\n${OUT}`);
		for (const size of SIZES) {
			for (const offset of [-1, 0, 48 - size, 48 - size + 1]) {
				yield made(
					`load-${size}-${offset}`,
					"xdp",
					`${lookup("array48")}\nr1 = *(${uint(size)} *)(r0 ${plus(offset)})\n${OUT}`,
				);
				yield made(
					`store-${size}-${offset}`,
					"xdp",
					`${lookup("hash8")}\n*(${uint(size)} *)(r0 ${plus(offset - 40)}) = 1\n${OUT}`,
				);
				yield made(
					`direct-${size}-${offset}`,
					"xdp",
					`r1 = one48[0]+0 ll\nr0 = *(${uint(size)} *)(r1 ${plus(offset)})\n${OUT}`,
				);
				yield made(
					`direct-end-${size}-${offset}`,
					"xdp",
					`r1 = one48[0]+48 ll\nr0 = *(${uint(size)} *)(r1 ${plus(offset - 48)})\n${OUT}`,
				);
			}
			for (const mask of [7, 15, 31]) {
				for (const past of [0, 1]) {
					const at = 48 - size - mask + past;
					yield made(
						`variable-${size}-${mask}-${past}`,
						"xdp",
						`${unknown(6)}\n${lookup64("hash48")}\nr6 &= ${mask}\nr0 += r6\nr1 = *(${uint(size)} *)(r0 + ${at})\n${OUT}`,
					);
				}
			}
		}
		for (const offset of [0, 8, 15, 16, 40, 47, 48, 0x7fffffff])
			yield made(`address-${offset}`, "xdp", `r1 = one48[0]+${offset} ll\nr0 = *(u8 *)(r1 + 0)\n${OUT}`);
		for (const map of LOOKUPS) yield hand(`address-of-${map}`, "xdp", `r1 = ${map}[0]+0 ll\n${OUT}`);
		for (const [name, asm] of [
			["read", "r0 = *(u32 *)(r1 + 0)"],
			["known", "r2 = *(u32 *)(r1 + 8)\nr3 = one48[0]+44 ll\nr3 += r2\nr0 = *(u8 *)(r3 + 0)"],
			["known-past", "r2 = *(u32 *)(r1 + 8)\nr3 = one48[0]+45 ll\nr3 += r2\nr0 = *(u8 *)(r3 + 0)"],
			["known-dead-branch", "r2 = *(u32 *)(r1 + 0)\nif r2 == 1 goto out\nr0 = *(u8 *)(r9 + 0)"],
			["known-live-branch", "r2 = *(u32 *)(r1 + 0)\nif r2 != 1 goto out\nr0 = *(u8 *)(r9 + 0)"],
			["known-byte", "r2 = *(u8 *)(r1 + 12)\nif r2 == 255 goto out\nr0 = *(u8 *)(r9 + 0)"],
			["known-signed", "r2 = *(s8 *)(r1 + 12)\nif r2 s< 0 goto out\nr0 = *(u8 *)(r9 + 0)"],
			[
				"known-8-bytes",
				"r2 = *(u64 *)(r1 + 0)\nr3 = 0x200000001 ll\nif r2 == r3 goto out\nr0 = *(u8 *)(r9 + 0)",
			],
			["known-16", "r2 = *(u16 *)(r1 + 18)\nif r2 == 1 goto out\nr0 = *(u8 *)(r9 + 0)"],
			["known-unaligned", "r2 = *(u16 *)(r1 + 1)\nif r2 == 0 goto out\nr0 = *(u8 *)(r9 + 0)"],
			[
				"variable-is-unknown",
				"r2 = *(u32 *)(r1 + 8)\nr2 &= 1\nr1 += r2\nr3 = *(u8 *)(r1 + 0)\nif r3 == 0 goto out\nr0 = *(u8 *)(r9 + 0)",
			],
			["write", "*(u32 *)(r1 + 0) = 1"],
			["past", "r0 = *(u32 *)(r1 + 21)"],
			["as-format", "r2 = 4\ncall bpf_trace_printk"],
			["atomic", "r2 = 1\nlock *(u32 *)(r1 + 0) += w2"],
		] as const)
			yield hand(`rodata-${name}`, "xdp", `r1 = .rodata[0]+0 ll\n${asm}\n${OUT}`);
		for (const map of LOOKUPS) {
			for (const [name, rest] of OPERATIONS) {
				const fill = [8, 16, 24, 32, 40, 48].map((at) => `*(u64 *)(r10 - ${at}) = 0`).join("\n");
				const header = /percpu_cgroup|cgroup_store/.test(map)
					? "cgroup_skb"
					: /storage|cgroups/.test(map)
						? "sched_cls"
						: "xdp";
				yield made(
					`${name}-${map}`,
					header,
					`${fill}\nr2 = r10\nr2 += -48\nr1 = ${map} ll\n${rest}\nr0 = 0\nexit`,
				);
			}
		}
		for (const key of [0, 3, 4])
			yield made(`array-inlined-key-${key}`, "xdp", `${find("array16", key)}\nr1 = *(u64 *)(r0 + 0)\n${OUT}`);
		for (const key of [-1, 0, 1, 3, 4, 5])
			yield made(`constant-key-${key}`, "xdp", `${lookup("array16", key)}\nr1 = *(u64 *)(r0 + 8)\n${OUT}`);
	},
};
