import { type Draft, hand, made, type ThemeScript } from "../theme.ts";
import { KINDS, short } from "./exits.ts";

const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["byte", "r6 = r1\nr0 = *(u8 *)skb[14]\nexit"],
	["half", "r6 = r1\nr0 = *(u16 *)skb[12]\nexit"],
	["word", "r6 = r1\nr0 = *(u32 *)skb[26]\nexit"],
	["negative", "r6 = r1\nr0 = *(u8 *)skb[-0x100000]\nexit"],
	["r6-missing", "r0 = *(u8 *)skb[14]\nexit"],
	["r6-scalar", "r6 = 0\nr0 = *(u8 *)skb[14]\nexit"],
	["r6-moved", "r6 = r1\nr6 += 4\nr0 = *(u8 *)skb[14]\nexit"],
	["r6-fp", "r6 = r10\nr0 = *(u8 *)skb[14]\nexit"],
	["r1-behind", "r6 = r1\nr0 = *(u8 *)skb[14]\nr0 = r1\nexit"],
	["r5-behind", "r6 = r1\nr5 = 1\nr0 = *(u8 *)skb[14]\nr0 = r5\nexit"],
	["r7-behind", "r6 = r1\nr7 = 1\nr0 = *(u8 *)skb[14]\nr0 = r7\nexit"],
	["r6-behind", "r6 = r1\nr0 = *(u8 *)skb[14]\nr0 = *(u32 *)(r6 + 0)\nexit"],
	["ind", "r6 = r1\nr7 = 14\nr0 = *(u8 *)skb[r7 + 2]\nexit"],
	["ind-unknown", "r6 = r1\nr7 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)skb[r7]\nexit"],
	["ind-uninitialised", "r6 = r1\nr0 = *(u8 *)skb[r7 + 2]\nexit"],
	["ind-pointer", "r6 = r1\nr7 = r10\nr0 = *(u8 *)skb[r7 + 2]\nexit"],
	["ind-r1", "r6 = r1\nr1 = 1\nr0 = *(u16 *)skb[r1]\nexit"],
	[
		"result-byte-bounded",
		"r6 = r1\nr0 = *(u8 *)skb[14]\nr2 = r10\nr2 += -256\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
	],
	[
		"result-half-shifted",
		"r6 = r1\nr0 = *(u16 *)skb[14]\nr0 >>= 13\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
	],
	[
		"result-masked",
		"r6 = r1\nr0 = *(u8 *)skb[14]\nr0 &= 7\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
	],
	["two", "r6 = r1\nr0 = *(u8 *)skb[14]\nr7 = r0\nr0 = *(u8 *)skb[15]\nr0 += r7\nexit"],
	["loop", "r6 = r1\nr7 = 0\nagain:\nr0 = *(u8 *)skb[r7]\nr7 += 1\nif r7 < 10 goto again\nexit"],
	["dst-not-zero", "r6 = r1\n.8byte 0x0000000e00000130\nexit"],
	["off-not-zero", "r6 = r1\n.8byte 0x0000000e00010030\nexit"],
	["src-not-zero", "r6 = r1\n.8byte 0x0000000e00001030\nexit"],
	["size-64", "r6 = r1\n.8byte 0x0000000e00000038\nexit"],
	["ind-size-64", "r6 = r1\nr7 = 0\n.8byte 0x0000000e00007058\nexit"],
	["behind-helper", "r6 = r1\ncall bpf_get_prandom_u32\nr0 = *(u8 *)skb[14]\nexit"],
	["context-through-stack", "*(u64 *)(r10 - 8) = r1\nr6 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)skb[14]\nexit"],
	["in-sub", "call sub\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[14]\nexit"],
	["in-sub-with-btf", ".btf\ncall sub\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[14]\nexit"],
	[
		"in-sub-bounded-constant",
		".btf\ncall sub\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[14]\nr0 = 3\nexit",
	],
	[
		"in-global",
		".func global int sub(struct __sk_buff *ctx)\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[14]\nexit",
	],
	[
		"in-callback",
		".btf\nr1 = 1\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\ncb:\nr6 = r2\nr0 = *(u8 *)skb[14]\nexit",
	],
];

export const ldAbs: ThemeScript = {
	about: "Classic packet loads (LD_ABS, LD_IND): registers they take and leave, forms, subprograms, types.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) yield hand(name, "socket_filter", asm);
		for (const [name, asm] of BY_HAND.slice(0, 20)) yield made(`${name}-tc`, "sched_cls", asm);
		for (const kind of KINDS)
			yield made(`type-${short(kind)}`, kind, "r6 = r1\nr0 = *(u8 *)skb[14]\nr0 = 1\nexit");
	},
};
