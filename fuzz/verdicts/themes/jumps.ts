import { lookup, OUT, unknown } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

const UNSIGNED = ["==", "!=", ">", ">=", "<", "<=", "&"] as const;
const SIGNED = ["s>", "s>=", "s<", "s<="] as const;

/** A byte of 48 read at r6, on one side of a jump. */
function program(before: string, jump: string, taken: boolean, between = ""): string {
	const read = `r0 += r6\nr1 = *(u8 *)(r0 + 0)`;
	return taken
		? `${unknown(6)}\n${lookup("one48")}\n${before}\n${jump} goto hit\n${OUT}\nhit:\n${between}\n${read}\nr0 = 0\nexit`
		: `${unknown(6)}\n${lookup("one48")}\n${before}\n${jump} goto out\n${between}\n${read}\n${OUT}`;
}

const BY_HAND: readonly (readonly [name: string, before: string, jump: string])[] = [
	["reg-bounded-right", "r7 = r6\nr7 >>= 8\nr7 &= 31", "if r6 > r7"],
	["reg-bounded-right-64", "r7 = r6\nr7 >>= 8\nr7 &= 63", "if r6 > r7"],
	["reg-bounded-left", "r7 = r6\nr7 >>= 8\nr7 &= 31", "if r7 < r6"],
	["reg-equal-bounded", "r7 = r6\nr7 >>= 8\nr7 &= 31", "if r6 != r7"],
	["reg-equal-32", "r7 = r6\nr7 >>= 8\nr7 &= 31", "if w6 != w7"],
	["reg-equal-32-zext", "w6 = w6\nr7 = r6\nr7 >>= 8\nr7 &= 31", "if w6 != w7"],
	["reg-unbounded-right", "call bpf_get_prandom_u32\nr7 = r0", "if r6 > r7"],
	["same-register-le", "", "if r6 <= r6"],
	["same-register-lt", "", "if r6 < r6"],
	["two-jumps-hull", "if r6 s< 0 goto out", "if r6 s> 47"],
	["two-jumps-hull-past", "if r6 s< 0 goto out", "if r6 s> 48"],
	["two-jumps-32", "w6 = w6\nif w6 s< 0 goto out", "if w6 s> 47"],
	["two-jumps-32-no-zext", "if w6 s< 0 goto out", "if w6 s> 47"],
	["32-then-zext", "if w6 > 47 goto out\nw6 = w6", "if r6 == 100"],
	["32-then-movsx", "if w6 > 47 goto out\nr6 = (s32)r6", "if r6 == 100"],
	["32-high-then-zext", "if w6 > 48 goto out\nw6 = w6", "if r6 == 48"],
	["ne-cuts-edge", "r6 &= 63\nif r6 > 48 goto out", "if r6 == 48"],
	["ne-cuts-not-middle", "r6 &= 63\nif r6 > 48 goto out", "if r6 == 47"],
	["ne-cuts-edge-twice", "r6 &= 63\nif r6 > 49 goto out\nif r6 == 49 goto out", "if r6 == 48"],
	["jset-clears-bits", "r6 &= 63", "if r6 & 32"],
	["jset-clears-wrong-bits", "r6 &= 63", "if r6 & 16"],
	["jset-high-bits", "", "if r6 & -32"],
	["jset-high-bits-one-left", "", "if r6 & -64"],
	["jset-32", "w6 = w6", "if w6 & 0xffffffe0"],
	["jset-zero", "", "if r6 & 0"],
	["signed-known-unsigned", "r6 &= 255", "if r6 s> 47"],
	["unsigned-after-negative-add", "r6 &= 255\nr6 += -8", "if r6 > 47"],
	["signed-after-negative-add", "r6 &= 255\nr6 += -8", "if r6 s> 47"],
	["signed-minus-one", "", "if r6 s<= -1"],
	["unsigned-of-imm-sign-extended", "", "if r6 > -1"],
	["unsigned-32-imm-sign", "w6 = w6", "if w6 > -1"],
	[
		"bound-survives-spill",
		"if r6 > 47 goto out\n*(u64 *)(r10 - 16) = r6\nr6 = 0\nr6 = *(u64 *)(r10 - 16)",
		"if r6 == 99",
	],
	[
		"bound-reaches-spilled-copy",
		"*(u64 *)(r10 - 16) = r6\nif r6 > 47 goto out\nr6 = *(u64 *)(r10 - 16)",
		"if r6 == 99",
	],
	["bound-of-fill-reaches-register", "*(u64 *)(r10 - 16) = r6\nr7 = *(u64 *)(r10 - 16)", "if r7 > 47"],
	[
		"bound-lost-by-rewrite",
		"*(u64 *)(r10 - 16) = r6\n*(u8 *)(r10 - 16) = 1\nr7 = *(u64 *)(r10 - 16)",
		"if r7 > 47",
	],
	["bound-of-32-fill-zext", "w6 = w6\n*(u32 *)(r10 - 16) = w6\nr7 = *(u32 *)(r10 - 16)", "if r7 > 47"],
	["bound-of-32-fill", "*(u32 *)(r10 - 16) = w6\nr7 = *(u32 *)(r10 - 16)", "if r7 > 47"],
	["dead-branch-not-walked", "r6 = 5\nif r6 == 5 goto +1\nr6 = 1000", "if r6 == 7"],
	["dead-branch-32", "w6 = 5\nif w6 s< 6 goto +1\nr6 = 1000", "if r6 == 7"],
	["dead-branch-range", "r6 &= 7\nif r6 < 8 goto +1\nr6 = 1000", "if r6 == 7"],
	["live-branch-range", "r6 &= 7\nif r6 < 7 goto +1\nr6 = 1000", "if r6 == 99"],
	["dead-by-ne", "r6 &= 6\nif r6 != 5 goto +1\nr6 = 1000", "if r6 == 99"],
	["dead-by-jset", "r6 &= 6\nr6 |= 1\nif r6 & 1 goto +1\nr6 = 1000", "if r6 == 99"],
	[
		"range-vs-range-dead",
		"r7 = r6\nr7 >>= 32\nr7 &= 7\nr7 += 8\nr6 &= 7\nif r6 < r7 goto +1\nr6 = 1000",
		"if r6 == 99",
	],
	[
		"range-vs-range-live",
		"r7 = r6\nr7 >>= 32\nr7 &= 7\nr7 += 7\nr6 &= 7\nif r6 < r7 goto +1\nr6 = 1000",
		"if r6 == 99",
	],
	["correlated-branches", "r7 = 0\nif r6 > 47 goto +1\nr7 = 1", "if r7 == 0"],
	[
		"correlated-branches-broken",
		"r7 = 0\nif r6 > 47 goto +1\nr7 = 1\ncall bpf_get_prandom_u32\nr7 ^= r0",
		"if r7 == 0",
	],
	["tnum-multiple-of-16", "r6 &= 0xf0", "if r6 > 47"],
	["tnum-multiple-of-16-past", "r6 &= 0xf0", "if r6 > 48"],
	["tnum-odd", "r6 &= 0xfe\nr6 |= 1", "if r6 >= 49"],
	["tnum-odd-48", "r6 &= 0xfe\nr6 |= 1", "if r6 > 48"],
	["sign-bit-by-shift", "r7 = r6\nr7 s>>= 63\nif r7 != 0 goto out", "if r6 s> 47"],
	["min-from-two-registers", "r7 = 47\nif r6 < r7 goto +1\nr6 = r7", "if r6 == 99"],
	["min-from-two-registers-past", "r7 = 48\nif r6 < r7 goto +1\nr6 = r7", "if r6 == 99"],
];

/** Forms of a jump that compare pointers, with the null pointer's constant, or with each other. */
const POINTERS: readonly (readonly [name: string, header: string, asm: string])[] = [
	["ctx-eq-zero", "xdp", "if r1 == 0 goto out\nr0 = *(u32 *)(r1 + 0)\nout:\nr0 = 0\nexit"],
	["ctx-eq-one", "xdp", "if r1 == 1 goto out\nout:\nr0 = 0\nexit"],
	["ctx-lt-zero", "xdp", "if r1 < 0 goto out\nout:\nr0 = 0\nexit"],
	["fp-eq-fp", "xdp", "r2 = r10\nif r2 == r10 goto out\nout:\nr0 = 0\nexit"],
	["fp-gt-ctx", "xdp", "if r10 > r1 goto out\nout:\nr0 = 0\nexit"],
	["fp-eq-zero-dead", "xdp", "if r10 != 0 goto out\nr0 = *(u8 *)(r9 + 0)\nout:\nr0 = 0\nexit"],
	["ctx-eq-zero-dead", "xdp", "if r1 != 0 goto out\nr0 = *(u8 *)(r9 + 0)\nout:\nr0 = 0\nexit"],
	["fp-32-eq-zero", "xdp", "if w10 == 0 goto out\nout:\nr0 = 0\nexit"],
	["ctx-eq-zero-unprivileged", "xdp cap_bpf", "if r1 == 0 goto out\nout:\nr0 = 0\nexit"],
	["ctx-eq-one-unprivileged", "xdp cap_bpf", "if r1 == 1 goto out\nout:\nr0 = 0\nexit"],
	["fp-gt-ctx-unprivileged", "xdp cap_bpf", "if r10 > r1 goto out\nout:\nr0 = 0\nexit"],
	["uninitialised-left", "xdp", "if r2 > 1 goto out\nout:\nr0 = 0\nexit"],
	["uninitialised-right", "xdp", "r2 = 1\nif r2 > r3 goto out\nout:\nr0 = 0\nexit"],
	["uninitialised-32", "xdp", "if w2 s> 1 goto out\nout:\nr0 = 0\nexit"],
	["to-itself", "xdp", "r0 = 0\nif r0 == 1 goto -1\nexit"],
	["goto-zero", "xdp", "goto +0\nr0 = 0\nexit"],
	["if-zero", "xdp", "r0 = 0\nif r0 == 0 goto +0\nexit"],
	["gotol", "xdp", "gotol out\nout:\nr0 = 0\nexit"],
	["gotol-back", "xdp", "goto +2\nr0 = 0\nexit\ngotol -3"],
];

export const jumps: ThemeScript = {
	about: "What each conditional jump teaches about its operands, on each side: a byte of 48 is read at r6.",
	*programs(): Iterable<Draft> {
		for (const [name, before, jump] of BY_HAND) {
			yield hand(name, "xdp", program(before, jump, false));
			if (/^(reg|jset|signed|unsigned|tnum)/.test(name))
				yield hand(`${name}-taken`, "xdp", program(before, jump, true));
		}
		for (const [name, header, asm] of POINTERS) yield hand(`pointer-${name}`, header, asm);
		for (const bits of [64, 32]) {
			const register = bits === 64 ? "r6" : "w6";
			const right = bits === 64 ? "r7" : "w7";
			for (const condition of [...UNSIGNED, ...SIGNED]) {
				for (const taken of [true, false]) {
					for (const constant of condition === "&" ? [-32, 16] : [47, 48]) {
						for (const before of condition.startsWith("s")
							? ["", "if r6 s< 0 goto out"]
							: bits === 32
								? ["", "w6 = w6"]
								: [""]) {
							const name = `${register}${condition}${constant}-${taken ? "taken" : "else"}${before === "" ? "" : "-before"}`;
							yield made(name, "xdp", program(before, `if ${register} ${condition} ${constant}`, taken));
							if (constant === 48) continue;
							const load = `r7 = ${constant}\n${before}`;
							yield made(`${name}-reg`, "xdp", program(load, `if ${register} ${condition} ${right}`, taken));
							const swapped = program(load, `if ${right} ${condition} ${register}`, taken);
							yield made(`${name}-swapped`, "xdp", swapped);
						}
					}
				}
			}
		}
	},
};
