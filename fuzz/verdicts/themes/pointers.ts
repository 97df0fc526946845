import { ensure, find, lookup, OUT, packet } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** How each kind of pointer comes into r7, with the context in r6; and a load of it that is right. */
const POINTERS: readonly (readonly [kind: string, header: string, make: string, release?: string])[] = [
	["ctx", "xdp", "r7 = r6"],
	["fp", "xdp", "*(u64 *)(r10 - 8) = 0\nr7 = r10"],
	["packet", "xdp", `${packet("xdp", 7, 8, 6)}\n${ensure(16, 7, 8)}`],
	[
		"packet-meta",
		"xdp",
		"r7 = *(u32 *)(r6 + 8)\nr8 = *(u32 *)(r6 + 0)\nr4 = r7\nr4 += 8\nif r4 > r8 goto out",
	],
	["packet-end", "xdp", "r7 = *(u32 *)(r6 + 4)"],
	["map", "xdp", "r7 = array16 ll"],
	["map-value", "xdp", `${lookup("array16")}\nr7 = r0`],
	["map-value-or-null", "xdp", `${find("array16")}\nr7 = r0`],
	["direct-value", "xdp", "r7 = one48[0]+0 ll"],
	["socket", "sched_cls", "r7 = *(u64 *)(r6 + 168)\nif r7 == 0 goto out"],
	["socket-or-null", "sched_cls", "r7 = *(u64 *)(r6 + 168)"],
	[
		"full-socket",
		"sched_cls",
		"r1 = *(u64 *)(r6 + 168)\nif r1 == 0 goto out\ncall bpf_sk_fullsock\nif r0 == 0 goto out\nr7 = r0",
	],
	[
		"tcp-socket",
		"sched_cls",
		"r1 = *(u64 *)(r6 + 168)\nif r1 == 0 goto out\ncall bpf_tcp_sock\nif r0 == 0 goto out\nr7 = r0",
	],
	[
		"ring-record",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr7 = r0",
		"r1 = r9\nr2 = 0\ncall bpf_ringbuf_discard",
	],
	[
		"ring-record-or-null",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nr7 = r0",
		"if r9 == 0 goto out\nr1 = r9\nr2 = 0\ncall bpf_ringbuf_discard",
	],
	["flow-keys", "flow_dissector attach=flow_dissector", "r7 = *(u64 *)(r6 + 144)"],
	["func", "xdp", "r7 = callback ll"],
	["xsk", "xdp", `${lookup("xsks")}\nr7 = r0`],
	["percpu-value", "xdp", `${lookup("percpu_array16")}\nr7 = r0`],
	["inner-map", "xdp", `${lookup("outer_array")}\nr7 = r0`],
	["task", "kprobe", "call bpf_get_current_task_btf\nr7 = r0"],
	["scalar", "xdp", "call bpf_get_prandom_u32\nr7 = r0"],
];

/** What is done to r7. */
const USES: readonly (readonly [name: string, asm: string])[] = [
	["load", "r0 = *(u32 *)(r7 + 0)"],
	["load-4", "r0 = *(u32 *)(r7 + 4)"],
	["load-negative", "r0 = *(u8 *)(r7 - 1)"],
	["load-fp", "r0 = *(u64 *)(r7 - 8)"],
	["store", "*(u32 *)(r7 + 0) = 0"],
	["add", "r7 += 4"],
	["add-load", "r7 += 4\nr0 = *(u32 *)(r7 + 0)"],
	["add-sub-load", "r7 += 4\nr7 -= 4\nr0 = *(u32 *)(r7 + 0)"],
	["add-zero-load", "r7 += 0\nr0 = *(u32 *)(r7 + 0)"],
	["sub", "r7 -= 4"],
	["add-register", "r1 = 4\nr7 += r1"],
	["added-to-scalar", "r1 = 4\nr1 += r7\nr0 = *(u32 *)(r1 - 4)"],
	["add-variable", "r0 = *(u8 *)(r10 - 16)\nr7 += r0"],
	["add-itself", "r7 += r7"],
	["sub-itself", "r7 -= r7\nr0 = r7"],
	["mul", "r7 *= 2"],
	["and", "r7 &= 7"],
	["xor", "r7 ^= 1"],
	["lsh", "r7 <<= 1"],
	["div", "r7 /= 2"],
	["neg", "r7 = -r7"],
	["endian", "r7 = be64 r7"],
	["add32", "w7 += 4"],
	["mov32", "w7 = w7"],
	["mov32-load", "w7 = w7\nr0 = *(u8 *)(r7 + 0)"],
	["movsx", "r7 = (s32)r7"],
	["compare-zero", "if r7 == 0 goto out"],
	["compare-constant", "if r7 > 16 goto out"],
	["compare-itself", "if r7 == r7 goto out"],
	["compare32", "if w7 == 0 goto out"],
	["store-to-stack", "*(u64 *)(r10 - 24) = r7\nr1 = *(u64 *)(r10 - 24)\nr0 = *(u32 *)(r1 + 0)"],
	["store-32-to-stack", "*(u32 *)(r10 - 24) = w7"],
	["store-to-map", "r1 = one48[0]+0 ll\n*(u64 *)(r1 + 8) = r7"],
	["return", "r0 = r7\nexit"],
	["to-ctx-argument", "r1 = r7\nr2 = 0\ncall bpf_redirect"],
	["to-memory-argument", "r2 = r7\nr1 = hash8 ll\ncall bpf_map_lookup_elem"],
	["to-map-argument", "r1 = r7\n*(u64 *)(r10 - 32) = 0\nr2 = r10\nr2 += -32\ncall bpf_map_lookup_elem"],
	["atomic", "r1 = 1\nlock *(u64 *)(r7 + 0) += r1"],
	["swap-in", "*(u64 *)(r10 - 24) = 0\nr7 = xchg_64(r10 - 24, r7)"],
	["load-acquire", "r0 = load_acquire((u32 *)(r7 + 0))"],
	["store-release", "r1 = 0\nstore_release((u32 *)(r7 + 0), w1)"],
	["sign-load", "r0 = *(s16 *)(r7 + 0)"],
];

/** Kinds that go through all uses; the others through SHORT. */
const WHOLE = ["ctx", "fp", "packet", "map-value", "socket", "ring-record"];
const SHORT = [
	"load",
	"load-4",
	"load-negative",
	"store",
	"add",
	"add-load",
	"add-zero-load",
	"mov32-load",
	"compare-zero",
	"store-to-stack",
	"return",
	"to-memory-argument",
	"atomic",
	"swap-in",
];

export const pointers: ThemeScript = {
	about:
		"Every kind of pointer, in r7, under every operation: arithmetic, comparison, loads, stores, spills, arguments.",
	*programs(): Iterable<Draft> {
		for (const [kind, header, make, release] of POINTERS) {
			const close = release === undefined ? "" : `${release}\n`;
			const callback = kind === "func" ? "\ncallback:\nr0 = 0\nexit" : "";
			const btf = kind === "func" ? ".btf\n" : "";
			for (const [name, asm] of USES) {
				if (!WHOLE.includes(kind) && !SHORT.includes(name)) continue;
				const keep = release === undefined ? "" : "r9 = r7\n";
				const body = `${btf}r6 = r1\n*(u64 *)(r10 - 16) = 0\n${make}\n${keep}${asm}\n`;
				const end = name !== "return" || body.includes("goto out") ? OUT : "";
				yield made(`${kind}-${name}`, header, `${body}${name === "return" ? "" : close}${end}${callback}`);
			}
		}
		// two pointers meet
		const pairs = ["fp", "packet", "packet-end", "map-value", "ctx"];
		for (const left of pairs) {
			for (const right of pairs) {
				const find = (kind: string) => POINTERS.find(([name]) => name === kind)!;
				const make = `r6 = r1\n${find(left)[2]}\nr9 = r7\n${find(right)[2]}`;
				yield made(`${left}-minus-${right}`, "xdp", `${make}\nr9 -= r7\n${OUT}`);
				yield made(`${left}-minus-${right}-unprivileged`, "xdp cap_bpf", `${make}\nr9 -= r7\n${OUT}`);
				yield made(`${left}-above-${right}`, "xdp", `${make}\nif r9 > r7 goto out\n${OUT}`);
				yield made(
					`${left}-above-${right}-unprivileged`,
					"xdp cap_bpf",
					`${make}\nif r9 > r7 goto out\n${OUT}`,
				);
			}
		}
		// one load, two kinds of pointer
		for (const [name, other, verdict] of [
			["stack", "r7 = r10\nr7 += -16", "r0 = *(u64 *)(r7 + 0)"],
			["scalar", "r7 = 0", "r0 = *(u64 *)(r7 + 0)"],
			["ctx", "r7 = r6", "r0 = *(u32 *)(r7 + 0)"],
			["packet", packet("xdp", 7, 8, 6), "r0 = *(u8 *)(r7 + 0)"],
		] as const) {
			yield hand(
				`joined-value-${name}`,
				"xdp",
				`r6 = r1\n*(u64 *)(r10 - 16) = 0\ncall bpf_get_prandom_u32\nr9 = r0\n${lookup("array16")}\nr7 = r0\nif r9 != 0 goto join\n${other}\njoin:\n${verdict}\n${OUT}`,
			);
			yield hand(
				`joined-ctx-${name}`,
				"xdp",
				`r6 = r1\n*(u64 *)(r10 - 16) = 0\ncall bpf_get_prandom_u32\nr7 = r6\nif r0 != 0 goto join\n${other}\njoin:\n${verdict.replace("u64", "u32")}\n${OUT}`,
			);
		}
	},
};
