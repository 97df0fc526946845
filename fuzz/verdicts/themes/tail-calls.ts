import { OUT } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";
import { KINDS, short } from "./exits.ts";

const call = (context = "r1 = r6", map = "r2 = jumps ll", index = "r3 = 0"): string =>
	`${context}\n${map}\n${index}\ncall bpf_tail_call`;

const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["plain", `r6 = r1\n${call()}\nr0 = 0\nexit`],
	["result-read", `r6 = r1\n${call()}\nexit`],
	["result-of-before", `r6 = r1\nr0 = 5\n${call()}\nexit`],
	["r1-read-behind", `r6 = r1\n${call()}\nr0 = r1\nexit`],
	["r6-read-behind", `r6 = r1\n${call()}\nr0 = *(u32 *)(r6 + 0)\nr0 = 0\nexit`],
	["not-a-prog-array", `r6 = r1\n${call("r1 = r6", "r2 = array16 ll")}\nr0 = 0\nexit`],
	["map-is-number", `r6 = r1\n${call("r1 = r6", "r2 = 0")}\nr0 = 0\nexit`],
	["map-is-fp", `r6 = r1\n${call("r1 = r6", "r2 = r10")}\nr0 = 0\nexit`],
	["context-is-number", `r6 = r1\n${call("r1 = 0")}\nr0 = 0\nexit`],
	["context-is-fp", `r6 = r1\n${call("r1 = r10")}\nr0 = 0\nexit`],
	["context-plus-4", `r6 = r1\n${call("r1 = r6\nr1 += 4")}\nr0 = 0\nexit`],
	["context-plus-0", `r6 = r1\n${call("r1 = r6\nr1 += 0")}\nr0 = 0\nexit`],
	["context-through-stack", `*(u64 *)(r10 - 8) = r1\n${call("r1 = *(u64 *)(r10 - 8)")}\nr0 = 0\nexit`],
	["index-uninitialised", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll", "")}\nr0 = 0\nexit`],
	["index-out-of-range", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll", "r3 = 4")}\nr0 = 0\nexit`],
	["index-minus-one", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll", "r3 = -1")}\nr0 = 0\nexit`],
	["index-64-bits", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll", "r3 = 0x100000000 ll")}\nr0 = 0\nexit`],
	["index-pointer", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll", "r3 = r10")}\nr0 = 0\nexit`],
	[
		"index-unknown",
		`r6 = r1\ncall bpf_get_prandom_u32\nr7 = r0\n${call("r1 = r6", "r2 = jumps ll", "r3 = r7")}\nr0 = 0\nexit`,
	],
	[
		"index-by-branch",
		`r6 = r1\ncall bpf_get_prandom_u32\nr7 = 1\nif r0 == 0 goto +1\nr7 = 2\n${call("r1 = r6", "r2 = jumps ll", "r3 = r7")}\nr0 = 0\nexit`,
	],
	[
		"map-through-stack",
		`r6 = r1\nr2 = jumps ll\n*(u64 *)(r10 - 8) = r2\n${call("r1 = r6", "r2 = *(u64 *)(r10 - 8)")}\nr0 = 0\nexit`,
	],
	[
		"map-through-32-bit-stack",
		`r6 = r1\nr2 = jumps ll\n*(u64 *)(r10 - 8) = r2\n${call("r1 = r6", "r2 = *(u32 *)(r10 - 8)")}\nr0 = 0\nexit`,
	],
	[
		"map-by-branch",
		`r6 = r1\ncall bpf_get_prandom_u32\nr7 = jumps ll\nif r0 == 0 goto +2\nr7 = array16 ll\n${call("r1 = r6", "r2 = r7")}\nr0 = 0\nexit`,
	],
	["map-plus-8", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll\nr2 += 8")}\nr0 = 0\nexit`],
	["map-plus-0", `r6 = r1\n${call("r1 = r6", "r2 = jumps ll\nr2 += 0")}\nr0 = 0\nexit`],
	["map-read", "r2 = jumps ll\nr0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit"],
	[
		"map-lookup",
		"*(u32 *)(r10 - 4) = 0\nr1 = jumps ll\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
	],
	[
		"map-update",
		"*(u64 *)(r10 - 8) = 0\nr1 = jumps ll\nr2 = r10\nr2 += -8\nr3 = r2\nr4 = 0\ncall bpf_map_update_elem\nr0 = 0\nexit",
	],
	[
		"map-delete",
		"*(u64 *)(r10 - 8) = 0\nr1 = jumps ll\nr2 = r10\nr2 += -8\ncall bpf_map_delete_elem\nr0 = 0\nexit",
	],
	["map-value-address", "r1 = jumps[0]+0 ll\nr0 = 0\nexit"],
	["map-as-redirect", "r1 = jumps ll\nr2 = 0\nr3 = 0\ncall bpf_redirect_map\nr0 = 0\nexit"],
	["map-mentioned-only", "r1 = jumps ll\nr0 = 0\nexit"],
	[
		"reference-held",
		`r6 = r1\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\n${call()}\n${OUT}`,
	],
	[
		"reference-maybe-held",
		`r6 = r1\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nr7 = r0\n${call()}\nr0 = 0\nexit`,
	],
	[
		"reference-released",
		`r6 = r1\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\n${call()}\n${OUT}`,
	],
	[
		"packet-behind-failed",
		`r6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr2 = r7\nr2 += 1\nif r2 > r8 goto out\n${call()}\nr0 = *(u8 *)(r7 + 0)\n${OUT}`,
	],
	[
		"packet-behind-sub",
		`.btf\nr6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr2 = r7\nr2 += 1\nif r2 > r8 goto out\nr1 = r6\ncall sub\nr0 = *(u8 *)(r7 + 0)\n${OUT}\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"packet-behind-global-sub",
		`.func global int sub(struct xdp_md *ctx)\nr6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr2 = r7\nr2 += 1\nif r2 > r8 goto out\nr1 = r6\ncall sub\nr0 = *(u8 *)(r7 + 0)\n${OUT}\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"packet-behind-sub-without",
		`.btf\nr6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr2 = r7\nr2 += 1\nif r2 > r8 goto out\nr1 = r6\ncall sub\nr0 = *(u8 *)(r7 + 0)\n${OUT}\nsub:\nr0 = 0\nexit`,
	],
	[
		"sub-result-is-unknown",
		`.btf\ncall sub\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"sub-result-bounded",
		`.btf\ncall sub\nr0 &= 7\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	["sub-without-btf", `call sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`],
	["sub-with-btf", `.btf\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`],
	[
		"sub-returns-void",
		`.func static void sub(void *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"sub-returns-u64",
		`.func static u64 sub(void *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"sub-returns-u8",
		`.func static u8 sub(void *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"sub-returns-pointer",
		`.func static void *sub(void *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"sub-returns-enum",
		`.func static enum e sub(void *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"global-sub",
		`.func global int sub(struct xdp_md *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"saved-registers-of-caller",
		`.btf\nr6 = r1\ncall sub\nr0 = *(u32 *)(r6 + 0)\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	[
		"stack-of-caller-given",
		`.btf\nr6 = r1\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\ncall sub\nr0 = *(u64 *)(r10 - 8)\nr0 = 0\nexit\nsub:\nr6 = r1\n*(u64 *)(r2 + 0) = 7\n${call()}\nr0 = 0\nexit`,
	],
	[
		"stack-of-caller-known-behind",
		`.btf\nr6 = r1\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\ncall sub\nr1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 += -16\nr2 += r1\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr6 = r1\n${call()}\nr0 = 0\nexit`,
	],
	["in-loop", `r6 = r1\nr7 = 0\nagain:\n${call()}\nr7 += 1\nif r7 < 40 goto again\nr0 = 0\nexit`],
	["in-may-goto-loop", `r6 = r1\nagain:\nmay_goto out\n${call()}\ngoto again\n${OUT}`],
	[
		"in-callback",
		`.btf\nr1 = 1\nr2 = callback ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\ncallback:\nr1 = r2\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit`,
	],
	[
		"index-from-packet",
		`r6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 4)\nr2 = r7\nr2 += 1\nif r2 > r8 goto out\nr3 = *(u8 *)(r7 + 0)\nr1 = r6\nr2 = jumps ll\ncall bpf_tail_call\n${OUT}`,
	],
	["dead-call", `r6 = r1\nr0 = 0\nif r0 == 0 goto out\n${call()}\n${OUT}`],
	["chain-of-misses", `r6 = r1\n.rept 8\n${call()}\n.endr\nr0 = 0\nexit`],
];

/** main with `caller` bytes → … → a subprogram with `own` bytes and a tail call. */
const frames = (callers: readonly number[], own: number): string => {
	const touch = (bytes: number) => (bytes === 0 ? "" : `*(u64 *)(r10 - ${bytes}) = 0`);
	const parts = callers.map(
		(bytes, i) => `${i === 0 ? "" : `sub${i}:`}\n${touch(bytes)}\ncall sub${i + 1}\nr0 = 0\nexit`,
	);
	return `.btf\n${parts.join("\n")}\nsub${callers.length}:\n${touch(own)}\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit`;
};

export const tailCalls: ThemeScript = {
	about: "Tail calls: arguments, what is left behind them, subprograms and their frames, types.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) yield hand(name, "xdp", asm);
		for (const [name, asm] of BY_HAND.filter(([name]) => /index|map|context/.test(name)))
			yield made(`${name}-unprivileged`, "xdp cap_bpf", asm);
		for (const [callers, own] of [
			[[0], 8],
			[[8], 8],
			[[232], 8],
			[[240], 8],
			[[248], 8],
			[[256], 8],
			[[264], 8],
			[[8], 264],
			[[240], 264],
			[[240], 272],
			[[248], 264],
			[[112, 128], 8],
			[[112, 112], 8],
			[[128, 128], 8],
			[[120, 120], 8],
			[[120, 112], 8],
			[[8, 232], 8],
			[[8, 224], 8],
			[[16, 224], 8],
			[[64, 64, 64], 8],
			[[64, 64, 96], 8],
			[[64, 64, 112], 8],
			[[64, 64, 128], 8],
			[[0, 0, 0, 0, 0, 0], 8],
			[[0, 0, 0, 0, 0, 0, 0], 8],
			[[0, 0, 0, 0, 0, 0, 0, 0], 8],
			[[0], 512],
			[[0], 496],
			[[16], 496],
			[[8], 504],
			[[32], 480],
			[[512], 0],
			[[504], 0],
		] as const)
			yield hand(`frames-${callers.join("-")}-own-${own}`, "xdp", frames(callers, own));
		yield hand(
			"frames-main-calls-both",
			"xdp",
			"*(u64 *)(r10 - 248) = 0\nr6 = r1\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\ncall sub\nr0 = 0\nexit\nsub:\nr0 = 0\nexit",
		);
		yield hand(
			"frames-main-512",
			"xdp",
			"*(u64 *)(r10 - 512) = 0\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit",
		);
		yield hand(
			"frames-sub-above-without",
			"xdp",
			`.btf\n*(u64 *)(r10 - 248) = 0\nr6 = r1\ncall leaf\nr1 = r6\ncall sub\nr0 = 0\nexit\nleaf:\nr0 = 0\nexit\nsub:\nr2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit`,
		);
		for (const kind of KINDS) {
			yield made(`type-${short(kind)}`, kind, "r2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 1\nexit");
		}
		yield hand("not-gpl", "xdp license=MIT", "r2 = jumps ll\nr3 = 0\ncall bpf_tail_call\nr0 = 1\nexit");
		yield hand("sleepable", "xdp sleepable", "r0 = 1\nexit");
		for (const kind of ["xdp", "sched_cls", "socket_filter"])
			yield made(
				`spin-lock-held-${kind}`,
				kind,
				`r6 = r1\nr1 = locked_array[0]+8 ll\ncall bpf_spin_lock\n${call()}\nr0 = 0\nexit`,
			);
	},
};
