import { ensure, lookup, OUT, packet } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["plain", "call sub\nexit\nsub:\nr0 = 0\nexit"],
	[
		"result-bounded",
		"call sub\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr0 = 7\nexit",
	],
	[
		"result-past",
		"call sub\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr0 = 8\nexit",
	],
	["result-none", "call sub\nr0 = 0\nexit\nsub:\nexit"],
	["result-none-read", "call sub\nexit\nsub:\nexit"],
	["result-fp", "call sub\nr0 = 0\nexit\nsub:\nr0 = r10\nexit"],
	[
		"result-caller's-stack",
		"*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall sub\nr1 = *(u64 *)(r0 + 0)\nr0 = 0\nexit\nsub:\nr0 = r1\nexit",
	],
	["result-context", "call sub\nr1 = *(u32 *)(r0 + 0)\nr0 = 0\nexit\nsub:\nr0 = r1\nexit"],
	[
		"result-map-value",
		`call sub\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 40)\n${OUT}\nsub:\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = array48 ll\ncall bpf_map_lookup_elem\nexit`,
	],
	["argument-uninitialised", "call sub\nr0 = 0\nexit\nsub:\nr0 = r2\nexit"],
	[
		"argument-five",
		"r1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall sub\nr0 = 0\nexit\nsub:\nr0 = r1\nr0 += r5\nexit",
	],
	["argument-r6", "r6 = 5\ncall sub\nr0 = 0\nexit\nsub:\nr0 = r6\nexit"],
	["argument-r0", "r0 = 5\ncall sub\nr0 = 0\nexit\nsub:\nexit"],
	["caller-saved-behind", "r3 = 7\ncall sub\nr0 = r3\nexit\nsub:\nr0 = 0\nexit"],
	["callee-saved-behind", "r6 = 7\ncall sub\nr0 = r6\nexit\nsub:\nr6 = 0\nr0 = 0\nexit"],
	[
		"callee-saved-is-pointer",
		"r6 = r1\ncall sub\nr0 = *(u32 *)(r6 + 0)\nr0 = 0\nexit\nsub:\nr6 = 0\nr0 = 0\nexit",
	],
	[
		"stack-written-by-callee",
		"r1 = r10\nr1 += -8\ncall sub\nr0 = *(u64 *)(r10 - 8)\nr0 = 0\nexit\nsub:\n*(u64 *)(r1 + 0) = 7\nr0 = 0\nexit",
	],
	[
		"stack-of-callee-past-caller",
		"r1 = r10\ncall sub\nr0 = 0\nexit\nsub:\n*(u64 *)(r1 + 0) = 7\nr0 = 0\nexit",
	],
	[
		"stack-of-caller-below",
		"r1 = r10\nr1 += -512\ncall sub\nr0 = 0\nexit\nsub:\n*(u64 *)(r1 + 0) = 7\nr0 = 0\nexit",
	],
	[
		"stack-of-caller-too-deep",
		"r1 = r10\nr1 += -512\ncall sub\nr0 = 0\nexit\nsub:\n*(u64 *)(r1 - 8) = 7\nr0 = 0\nexit",
	],
	[
		"spill-into-caller-scalar",
		"r1 = r10\nr1 += -8\ncall sub\nr1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 += -8\nr2 += r1\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\nsub:\nr2 = 3\n*(u64 *)(r1 + 0) = r2\nr0 = 0\nexit",
	],
	[
		"spill-into-caller-pointer",
		"r2 = r1\nr1 = r10\nr1 += -8\ncall sub\nr1 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit\nsub:\n*(u64 *)(r1 + 0) = r2\nr0 = 0\nexit",
	],
	[
		"spill-into-caller-own-frame",
		"r1 = r10\nr1 += -8\ncall sub\nr0 = 0\nexit\nsub:\n*(u64 *)(r1 + 0) = r10\nr0 = 0\nexit",
	],
	["recursion", "call sub\nr0 = 0\nexit\nsub:\ncall sub\nr0 = 0\nexit"],
	[
		"recursion-conditional",
		"call sub\nr0 = 0\nexit\nsub:\nr1 += -1\nif r1 == 0 goto +1\ncall sub\nr0 = 0\nexit",
	],
	["mutual-recursion", "call a\nr0 = 0\nexit\na:\ncall b\nr0 = 0\nexit\nb:\ncall a\nr0 = 0\nexit"],
	["main-called", "r0 = 0\nif r0 == 1 goto +1\nexit\ncall -4\nexit"],
	["unused-subprogram", "r0 = 0\nexit\nsub:\nr0 = 0\nexit"],
	["only-dead-call", "r0 = 0\nif r0 == 0 goto out\ncall sub\nout:\nr0 = 0\nexit\nsub:\nr0 = 0\nexit"],
	["fallthrough", "call sub\nr0 = 0\nsub:\nr0 = 0\nexit"],
	["fallthrough-jump-back", "call sub\nr0 = 0\nexit\nsub:\nr0 = 0\ngoto -3"],
	["jump-into-sub", "if r1 == 0 goto sub\ncall sub\nr0 = 0\nexit\nsub:\nr0 = 0\nexit"],
	["jump-out-of-sub", "call sub\nend:\nr0 = 0\nexit\nsub:\nr0 = 0\ngoto end"],
	["last-is-jump", "call sub\nr0 = 0\nexit\nsub:\nr0 = 0\ngoto +1\nr0 = 1\nexit"],
	["last-is-conditional", "call sub\nr0 = 0\nexit\nsub:\nr0 = 0\nif r0 == 0 goto -2"],
	["call-out-of-range", "call +5\nr0 = 0\nexit"],
	["call-before-start", "call -3\nr0 = 0\nexit"],
	["call-itself", "call -1\nr0 = 0\nexit"],
	["call-into-lddw", "call +2\nr0 = 0\nexit\nr0 = 1 ll\nexit"],
	["call-next", "call +0\nr0 = 0\nexit"],
	["two-callers", "r1 = 1\ncall sub\nr1 = 2\ncall sub\nr0 = 0\nexit\nsub:\nr0 = r1\nexit"],
	[
		"chain-8",
		"call f1\nr0 = 0\nexit\nf1:\ncall f2\nr0 = 0\nexit\nf2:\ncall f3\nr0 = 0\nexit\nf3:\ncall f4\nr0 = 0\nexit\nf4:\ncall f5\nr0 = 0\nexit\nf5:\ncall f6\nr0 = 0\nexit\nf6:\ncall f7\nr0 = 0\nexit\nf7:\nr0 = 0\nexit",
	],
	[
		"chain-9",
		"call f1\nr0 = 0\nexit\nf1:\ncall f2\nr0 = 0\nexit\nf2:\ncall f3\nr0 = 0\nexit\nf3:\ncall f4\nr0 = 0\nexit\nf4:\ncall f5\nr0 = 0\nexit\nf5:\ncall f6\nr0 = 0\nexit\nf6:\ncall f7\nr0 = 0\nexit\nf7:\ncall f8\nr0 = 0\nexit\nf8:\nr0 = 0\nexit",
	],
	[
		"packet-to-sub",
		`${packet("xdp")}\n${ensure(8)}\nr1 = r2\ncall sub\n${OUT}\nsub:\nr0 = *(u64 *)(r1 + 0)\nexit`,
	],
	[
		"packet-to-sub-past",
		`${packet("xdp")}\n${ensure(8)}\nr1 = r2\ncall sub\n${OUT}\nsub:\nr0 = *(u64 *)(r1 + 1)\nexit`,
	],
	[
		"packet-checked-in-sub",
		`r6 = r1\n${packet("xdp", 7, 8)}\nr1 = r7\nr2 = r8\ncall sub\nif r0 == 0 goto out\nr0 = *(u8 *)(r7 + 0)\n${OUT}\nsub:\nr0 = 0\nr3 = r1\nr3 += 8\nif r3 > r2 goto +1\nr0 = 1\nexit`,
	],
	[
		"packet-checked-in-sub-for-sub",
		`${packet("xdp", 1, 2).replace("r1 = *(u32 *)(r1 + 0)\n\tr2 = *(u32 *)(r1 + 4)", "r2 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 0)")}\ncall sub\nr0 = 0\nexit\nsub:\nr0 = 0\nr3 = r1\nr3 += 8\nif r3 > r2 goto +1\nr0 = *(u8 *)(r1 + 7)\nexit`,
	],
	[
		"packet-moved-in-sub",
		`r6 = r1\n${packet("xdp", 7, 8)}\n${ensure(8, 7, 8)}\nr1 = r6\ncall sub\nr0 = *(u8 *)(r7 + 0)\n${OUT}\nsub:\nr2 = 1\ncall bpf_xdp_adjust_head\nr0 = 0\nexit`,
	],
	[
		"packet-moved-in-sub-of-sub",
		`r6 = r1\n${packet("xdp", 7, 8)}\n${ensure(8, 7, 8)}\nr1 = r6\ncall sub\nr0 = *(u8 *)(r7 + 0)\n${OUT}\nsub:\ncall leaf\nr0 = 0\nexit\nleaf:\nr2 = 1\ncall bpf_xdp_adjust_head\nr0 = 0\nexit`,
	],
	[
		"null-checked-in-sub",
		`${lookup("array48").replace("if r0 == 0 goto out", "")}\nr6 = r0\nr1 = r0\ncall sub\nr0 = *(u64 *)(r6 + 0)\nr0 = 0\nexit\nsub:\nr0 = 0\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 0)\nexit`,
	],
	[
		"null-unchecked-in-sub",
		`${lookup("array48").replace("if r0 == 0 goto out", "")}\nr1 = r0\ncall sub\nr0 = 0\nexit\nsub:\nr0 = *(u64 *)(r1 + 0)\nexit`,
	],
	[
		"bound-by-sub",
		`${lookup("array48")}\nr6 = r0\nr1 = *(u64 *)(r0 + 0)\ncall sub\nr6 += r0\nr0 = *(u8 *)(r6 + 0)\n${OUT}\nsub:\nr0 = r1\nif r0 < 48 goto +1\nr0 = 0\nexit`,
	],
	[
		"bound-by-sub-past",
		`${lookup("array48")}\nr6 = r0\nr1 = *(u64 *)(r0 + 0)\ncall sub\nr6 += r0\nr0 = *(u8 *)(r6 + 0)\n${OUT}\nsub:\nr0 = r1\nif r0 <= 48 goto +1\nr0 = 0\nexit`,
	],
	["exit-in-sub-only", "call sub\ngoto -2\nsub:\nr0 = 0\nexit"],
	["ld-abs-in-sub", "r6 = r1\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[0]\nexit"],
	["btf-main-only", ".btf\nr0 = 0\nexit"],
];

/** A global function `g`, and what main gives it in r1…. */
const GLOBALS: readonly (readonly [name: string, prototype: string, give: string, body: string])[] = [
	["scalar", "int g(u64 a)", "r1 = 1", "r0 = r1\nexit"],
	[
		"scalar-is-unknown-inside",
		"int g(u64 a)",
		"r1 = 1",
		"r2 = r10\nr2 += -8\nr2 += r1\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
	],
	[
		"scalar-bounded-inside",
		"int g(u64 a)",
		"r1 = 1",
		"r1 &= 7\nr2 = r10\nr2 += -8\nr2 += r1\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit",
	],
	["scalar-from-pointer", "int g(u64 a)", "r1 = r10", "r0 = r1\nexit"],
	["scalar-uninitialised", "int g(u64 a, u64 b)", "r1 = 1", "r0 = r2\nexit"],
	["more-than-declared", "int g(u64 a)", "r1 = 1\nr2 = 2", "r0 = r2\nexit"],
	["u8", "int g(u8 a)", "r1 = 300", "r0 = r1\nexit"],
	["bool", "int g(bool a)", "r1 = 5", "r0 = r1\nexit"],
	["enum", "int g(enum e a)", "r1 = 5", "r0 = r1\nexit"],
	["no-arguments", "int g(void)", "", "r0 = 0\nexit"],
	["reads-undeclared", "int g(void)", "r1 = 1", "r0 = r1\nexit"],
	[
		"five",
		"int g(u64 a, u64 b, u64 c, u64 d, u64 e)",
		"r1 = 1\nr2 = 1\nr3 = 1\nr4 = 1\nr5 = 1",
		"r0 = r5\nexit",
	],
	[
		"six",
		"int g(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)",
		"r1 = 1\nr2 = 1\nr3 = 1\nr4 = 1\nr5 = 1",
		"r0 = r5\nexit",
	],
	["context", "int g(struct xdp_md *ctx)", "", "r0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit"],
	["context-of-other-type", "int g(struct __sk_buff *ctx)", "", "r0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit"],
	["context-by-tag", "int g(void *ctx __tag(ctx))", "", "r0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit"],
	["context-given-scalar", "int g(struct xdp_md *ctx)", "r1 = 0", "r0 = 0\nexit"],
	["context-given-offset", "int g(struct xdp_md *ctx)", "r1 += 4", "r0 = 0\nexit"],
	[
		"context-second",
		"int g(u64 a, struct xdp_md *ctx)",
		"r2 = r1\nr1 = 0",
		"r0 = *(u32 *)(r2 + 12)\nr0 = 0\nexit",
	],
	[
		"context-packet",
		"int g(struct xdp_md *ctx)",
		"",
		"r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 1\nif r4 > r3 goto +1\nr0 = *(u8 *)(r2 + 0)\nr0 = 0\nexit",
	],
	["void-pointer", "int g(void *p)", "r1 = r10", "r0 = 0\nexit"],
	["memory-unchecked", "int g(struct s16 *p)", "r1 = r10\nr1 += -16", "r0 = *(u64 *)(r1 + 8)\nexit"],
	[
		"memory-checked",
		"int g(struct s16 *p)",
		"r1 = r10\nr1 += -16",
		"r0 = 0\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 8)\nexit",
	],
	[
		"memory-past",
		"int g(struct s16 *p)",
		"r1 = r10\nr1 += -16",
		"r0 = 0\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 9)\nexit",
	],
	[
		"memory-nonnull",
		"int g(struct s16 *p __tag(nonnull))",
		"r1 = r10\nr1 += -16",
		"r0 = *(u64 *)(r1 + 8)\nexit",
	],
	[
		"memory-nonnull-given-null",
		"int g(struct s16 *p __tag(nonnull))",
		"r1 = 0",
		"r0 = *(u64 *)(r1 + 8)\nexit",
	],
	["memory-given-null", "int g(struct s16 *p)", "r1 = 0", "r0 = 0\nexit"],
	["memory-given-short", "int g(struct s16 *p)", "r1 = r10\nr1 += -8", "r0 = 0\nexit"],
	[
		"memory-given-map-value",
		"int g(struct s16 *p)",
		"r1 = one48[0]+32 ll",
		"r0 = 0\nif r1 == 0 goto +1\n*(u64 *)(r1 + 8) = 1\nexit",
	],
	["memory-given-map-value-short", "int g(struct s16 *p)", "r1 = one48[0]+40 ll", "r0 = 0\nexit"],
	[
		"memory-given-rodata",
		"int g(struct s16 *p)",
		"r1 = .rodata[0]+0 ll",
		"r0 = 0\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 8)\nexit",
	],
	["memory-given-context", "int g(struct s16 *p)", "", "r0 = 0\nexit"],
	["memory-given-scalar", "int g(struct s16 *p)", "r1 = 5", "r0 = 0\nexit"],
	[
		"memory-int",
		"int g(int *p)",
		"r1 = r10\nr1 += -8",
		"r0 = 0\nif r1 == 0 goto +1\nr0 = *(u32 *)(r1 + 0)\nexit",
	],
	[
		"memory-int-past",
		"int g(int *p)",
		"r1 = r10\nr1 += -8",
		"r0 = 0\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 0)\nexit",
	],
	[
		"memory-const",
		"int g(const struct s16 *p __tag(nonnull))",
		"r1 = r10\nr1 += -16",
		"*(u64 *)(r1 + 0) = 1\nr0 = 0\nexit",
	],
	[
		"memory-variable",
		"int g(struct s16 *p __tag(nonnull), u64 i)",
		"r2 = 3\nr1 = r10\nr1 += -16",
		"r2 &= 15\nr1 += r2\nr0 = *(u8 *)(r1 + 0)\nexit",
	],
	["memory-array", "int g(char[16] *p)", "r1 = r10\nr1 += -16", "r0 = 0\nexit"],
	["pointer-to-pointer", "int g(u64 **p)", "r1 = r10\nr1 += -8", "r0 = 0\nexit"],
	["struct-by-value", "int g(struct s8 p)", "r1 = 0", "r0 = 0\nexit"],
	["float", "int g(float p)", "r1 = 0", "r0 = 0\nexit"],
	["tag-nullable-without-trust", "int g(struct s16 *p __tag(nullable))", "r1 = 0", "r0 = 0\nexit"],
	["tag-unknown", "int g(struct s16 *p __tag(strange))", "r1 = r10\nr1 += -16", "r0 = 0\nexit"],
	["tag-on-scalar", "int g(u64 p __tag(nonnull))", "r1 = 1", "r0 = 0\nexit"],
	[
		"trusted-task",
		"int g(struct task_struct *t __tag(trusted))",
		"call bpf_get_current_task_btf\nr1 = r0",
		"r0 = *(u32 *)(r1 + 0)\nr0 = 0\nexit",
	],
	["returns-void", "void g(u64 a)", "r1 = 1", "exit"],
	["returns-void-used", "void g(u64 a)", "r1 = 1", "r0 = 0\nexit"],
	["returns-pointer", "void *g(u64 a)", "r1 = 1", "r0 = r10\nexit"],
	["returns-struct", "struct s8 g(u64 a)", "r1 = 1", "r0 = 0\nexit"],
	["returns-u64", "u64 g(u64 a)", "r1 = 1", "r0 = -1\nexit"],
	["returns-nothing-set", "int g(u64 a)", "r1 = 1", "exit"],
	["calls-global", "int g(u64 a)", "r1 = 1", "r1 = 2\ncall h\nexit\nh:\nr0 = 0\nexit"],
	["recursion", "int g(u64 a)", "r1 = 1", "call g\nexit"],
	["broken", "int g(u64 a)", "r1 = 1", "r0 = *(u64 *)(r1 + 0)\nexit"],
	[
		"reference-leaked",
		"int g(u64 a)",
		"r1 = 1",
		"r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nr0 = 0\nexit",
	],
	["deep-stack", "int g(u64 a)", "r1 = 1", "*(u64 *)(r10 - 496) = 0\nr0 = 0\nexit"],
];

const frames = (sizes: readonly number[]): string => {
	const touch = (bytes: number) => (bytes === 0 ? "" : `*(u64 *)(r10 - ${bytes}) = 0`);
	return sizes
		.map(
			(bytes, i) =>
				`${i === 0 ? "" : `f${i}:`}\n${touch(bytes)}\n${i + 1 < sizes.length ? `call f${i + 1}` : ""}\nr0 = 0\nexit`,
		)
		.join("\n");
};

export const subprograms: ThemeScript = {
	about:
		"Subprograms: arguments, results, frames, shape of the code; and global ones, verified by their BTF prototype.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) {
			const header = /ld-abs/.test(name) ? "socket_filter" : "xdp";
			yield hand(name, header, asm);
			if (/result|recursion|chain|argument/.test(name))
				yield made(`${name}-with-btf`, header, `.btf\n${asm}`.replace(".btf\n.btf", ".btf"));
		}
		yield hand(
			"ld-abs-in-sub-with-btf",
			"socket_filter",
			".btf\nr6 = r1\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[0]\nexit",
		);
		yield hand(
			"ld-abs-in-void-sub",
			"socket_filter",
			".func static void sub(void *ctx)\nr6 = r1\ncall sub\nr0 = 0\nexit\nsub:\nr6 = r1\nr0 = *(u8 *)skb[0]\nexit",
		);
		for (const [name, prototype, give, body] of GLOBALS) {
			const header = /task/.test(name) ? "kprobe" : "xdp";
			const prepare = "*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0";
			const more = body.includes("call h") ? ".func global int h(u64 a)\n" : "";
			const main = `${prepare}\n${give}\ncall g\n${/void-used|recursion/.test(name) ? "" : "r0 = 0\n"}exit`;
			yield hand(`global-${name}`, header, `.func global ${prototype}\n${more}${main}\ng:\n${body}`);
			yield made(`static-${name}`, header, `.func static ${prototype}\n${more}${main}\ng:\n${body}`);
		}
		yield hand(
			"global-result-unknown",
			"xdp",
			".func global int g(void)\ncall g\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\ng:\nr0 = 3\nexit",
		);
		yield hand(
			"global-result-masked",
			"xdp",
			".func global int g(void)\ncall g\nr0 &= 7\nr2 = r10\nr2 += -8\nr2 += r0\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\ng:\nr0 = 3\nexit",
		);
		yield hand(
			"global-stack-is-misc-behind",
			"xdp",
			".func global int g(struct s8 *p __tag(nonnull))\n*(u64 *)(r10 - 8) = 1\nr1 = r10\nr1 += -8\ncall g\nr1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 -= r1\n*(u8 *)(r2 + 0) = 0\nr0 = 0\nexit\ng:\nr0 = 0\nexit",
		);
		yield hand(
			"global-uncalled-bad",
			"xdp",
			".func global int g(u64 a)\nr0 = 0\nif r0 == 0 goto out\nr1 = 0\ncall g\nout:\nr0 = 0\nexit\ng:\nr0 = *(u8 *)(r1 + 0)\nexit",
		);
		yield hand(
			"global-moves-packet",
			"xdp",
			`.func global int g(struct xdp_md *ctx)\nr6 = r1\n${packet("xdp", 7, 8)}\n${ensure(8, 7, 8)}\nr1 = r6\ncall g\nr0 = *(u8 *)(r7 + 0)\n${OUT}\ng:\nr2 = 1\ncall bpf_xdp_adjust_head\nr0 = 0\nexit`,
		);
		yield hand(
			"global-leaves-packet",
			"xdp",
			`.func global int g(struct xdp_md *ctx)\nr6 = r1\n${packet("xdp", 7, 8)}\n${ensure(8, 7, 8)}\nr1 = r6\ncall g\nr0 = *(u8 *)(r7 + 0)\n${OUT}\ng:\nr0 = 0\nexit`,
		);
		for (const sizes of [
			[512],
			[504, 8],
			[256, 256],
			[256, 248],
			[248, 248],
			[496, 16],
			[480, 32],
			[488, 32],
			[480, 40],
			[128, 128, 128, 128],
			[128, 128, 128, 136],
			[0, 512],
			[8, 496],
			[8, 504],
			[64, 64, 64, 64, 64, 64, 64, 64],
			[64, 64, 64, 64, 64, 64, 64, 72],
			[32, 0, 0, 480],
			[0, 0, 0, 0, 0, 0, 0, 512],
			[0, 0, 0, 0, 0, 0, 0, 0, 0],
		])
			yield made(`frames-${sizes.join("-")}`, "xdp", frames(sizes));
		yield hand(
			"frames-two-branches",
			"xdp",
			"*(u64 *)(r10 - 256) = 0\ncall a\ncall b\nr0 = 0\nexit\na:\n*(u64 *)(r10 - 256) = 0\nr0 = 0\nexit\nb:\n*(u64 *)(r10 - 256) = 0\nr0 = 0\nexit",
		);
		yield hand(
			"frames-touched-in-dead-code",
			"xdp",
			"call a\nr0 = 0\nexit\na:\nr0 = 0\nif r0 == 0 goto +1\n*(u64 *)(r10 - 512) = 0\nexit",
		);
		yield hand(
			"frames-read-counts",
			"xdp",
			"*(u64 *)(r10 - 256) = 0\ncall a\nr0 = 0\nexit\na:\nr0 = *(u64 *)(r10 - 264)\nr0 = 0\nexit",
		);
	},
};
