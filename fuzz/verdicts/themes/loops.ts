import { ensure, find, lookup, OUT, packet, unknown } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["self", "r0 = 0\ngoto -1"],
	["endless", "r0 = 0\nagain:\nr0 += 1\ngoto again"],
	["endless-conditional", "again:\ncall bpf_get_prandom_u32\nif r0 != 0 goto again\nexit"],
	["endless-same-state", "r6 = 0\nagain:\nif r6 == 0 goto again\nr0 = 0\nexit"],
	[
		"endless-nothing-changes",
		"call bpf_get_prandom_u32\nr6 = r0\nagain:\nr7 = 1\nif r6 > 5 goto again\nr0 = 0\nexit",
	],
	["counter-up", "r6 = 0\nagain:\nr6 += 1\nif r6 < 10 goto again\nr0 = 0\nexit"],
	["counter-down", "r6 = 10\nagain:\nr6 += -1\nif r6 != 0 goto again\nr0 = 0\nexit"],
	["counter-down-signed", "r6 = 10\nagain:\nr6 += -1\nif r6 s> 0 goto again\nr0 = 0\nexit"],
	["counter-32", "w6 = 0\nagain:\nw6 += 1\nif w6 < 10 goto again\nr0 = 0\nexit"],
	["counter-step-3", "r6 = 0\nagain:\nr6 += 3\nif r6 < 100 goto again\nr0 = 0\nexit"],
	["counter-never-meets", "r6 = 0\nagain:\nr6 += 2\nif r6 != 9 goto again\nr0 = 0\nexit"],
	["counter-wraps", "w6 = -3\nagain:\nw6 += 1\nif w6 != 0 goto again\nr0 = 0\nexit"],
	["counter-shift", "r6 = 1\nagain:\nr6 <<= 1\nif r6 < 1000 goto again\nr0 = 0\nexit"],
	["counter-mul", "r6 = 1\nagain:\nr6 *= 3\nif r6 < 100000 goto again\nr0 = 0\nexit"],
	[
		"counter-spilled",
		"*(u64 *)(r10 - 8) = 0\nagain:\nr1 = *(u64 *)(r10 - 8)\nr1 += 1\n*(u64 *)(r10 - 8) = r1\nif r1 < 10 goto again\nr0 = 0\nexit",
	],
	[
		"counter-spilled-32",
		"*(u32 *)(r10 - 8) = 0\nagain:\nw1 = *(u32 *)(r10 - 8)\nw1 += 1\n*(u32 *)(r10 - 8) = w1\nif w1 < 10 goto again\nr0 = 0\nexit",
	],
	[
		"counter-spilled-atomic",
		"*(u64 *)(r10 - 8) = 0\nagain:\nr1 = 1\nr1 = atomic_fetch_add((u64 *)(r10 - 8), r1)\nif r1 < 10 goto again\nr0 = 0\nexit",
	],
	["bound-unknown", `${unknown(7)}\nr6 = 0\nagain:\nr6 += 1\nif r6 < r7 goto again\nr0 = 0\nexit`],
	["bound-masked", `${unknown(7)}\nr7 &= 31\nr6 = 0\nagain:\nr6 += 1\nif r6 < r7 goto again\nr0 = 0\nexit`],
	[
		"bound-checked-inside",
		`${unknown(7)}\nr6 = 0\nagain:\nr6 += 1\nif r6 > 40 goto out\nif r6 < r7 goto again\n${OUT}`,
	],
	[
		"two-exits",
		`${unknown(7)}\nr6 = 0\nagain:\nr6 += 1\ncall bpf_get_prandom_u32\nif r0 == 5 goto out\nif r6 < 20 goto again\n${OUT}`,
	],
	[
		"nested",
		"r6 = 0\nouter:\nr7 = 0\ninner:\nr7 += 1\nif r7 < 10 goto inner\nr6 += 1\nif r6 < 10 goto outer\nr0 = 0\nexit",
	],
	[
		"nested-large",
		"r6 = 0\nouter:\nr7 = 0\ninner:\nr7 += 1\nif r7 < 300 goto inner\nr6 += 1\nif r6 < 300 goto outer\nr0 = 0\nexit",
	],
	[
		"nested-too-large",
		"r6 = 0\nouter:\nr7 = 0\ninner:\nr7 += 1\nif r7 < 1000 goto inner\nr6 += 1\nif r6 < 1000 goto outer\nr0 = 0\nexit",
	],
	[
		"branch-inside-same-state",
		`r6 = 0\nagain:\ncall bpf_get_prandom_u32\nif r0 > 5 goto +1\nr7 = 1\nr6 += 1\nif r6 < 30 goto again\n${OUT.replace("out:\n", "")}`,
	],
	[
		"branch-inside-keeps-constant",
		`r6 = 0\nr7 = 0\nagain:\ncall bpf_get_prandom_u32\nif r0 > 5 goto +1\nr7 += 1\nr6 += 1\nif r6 < 12 goto again\nr0 = 0\nexit`,
	],
	[
		"branch-inside-precise",
		`${lookup("array48")}\nr8 = r0\nr6 = 0\nr7 = 0\nagain:\ncall bpf_get_prandom_u32\nif r0 > 5 goto +1\nr7 += 1\nr6 += 1\nif r6 < 8 goto again\nr8 += r7\nr0 = *(u8 *)(r8 + 0)\n${OUT}`,
	],
	[
		"branch-inside-precise-past",
		`${lookup("array48")}\nr8 = r0\nr6 = 0\nr7 = 0\nagain:\ncall bpf_get_prandom_u32\nif r0 > 5 goto +1\nr7 += 8\nr6 += 1\nif r6 < 8 goto again\nr8 += r7\nr0 = *(u8 *)(r8 + 0)\n${OUT}`,
	],
	[
		"walk-of-array",
		`${lookup("array48")}\nr6 = 0\nr7 = 0\nagain:\nr1 = *(u8 *)(r0 + 0)\nr7 += r1\nr0 += 1\nr6 += 1\nif r6 < 48 goto again\n${OUT}`,
	],
	[
		"walk-of-array-past",
		`${lookup("array48")}\nr6 = 0\nr7 = 0\nagain:\nr1 = *(u8 *)(r0 + 0)\nr7 += r1\nr0 += 1\nr6 += 1\nif r6 < 49 goto again\n${OUT}`,
	],
	[
		"walk-of-stack",
		"r6 = r10\nr7 = 0\nagain:\nr6 += -8\n*(u64 *)(r6 + 0) = 0\nr7 += 1\nif r7 < 64 goto again\nr0 = 0\nexit",
	],
	[
		"walk-of-stack-past",
		"r6 = r10\nr7 = 0\nagain:\nr6 += -8\n*(u64 *)(r6 + 0) = 0\nr7 += 1\nif r7 < 65 goto again\nr0 = 0\nexit",
	],
	[
		"walk-of-packet",
		`${packet("xdp")}\nr6 = 0\nagain:\nr4 = r2\nr4 += 1\nif r4 > r3 goto out\nr5 = *(u8 *)(r2 + 0)\nr2 = r4\nr6 += 1\nif r6 < 100 goto again\n${OUT}`,
	],
	[
		"walk-of-packet-no-counter",
		`${packet("xdp")}\nagain:\nr4 = r2\nr4 += 1\nif r4 > r3 goto out\nr5 = *(u8 *)(r2 + 0)\nr2 = r4\ngoto again\n${OUT}`,
	],
	[
		"walk-of-packet-by-length",
		`${packet("xdp")}\nr6 = 0\nagain:\n${ensure(2)}\nr5 = *(u8 *)(r2 + 1)\nr5 &= 7\nr2 += r5\nr6 += 1\nif r6 < 8 goto again\n${OUT}`,
	],
	[
		"lookup-each-round",
		`r6 = 0\nagain:\n${find("hash8")}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nr6 += 1\nif r6 < 10 goto again\n${OUT}`,
	],
	[
		"jump-into-middle",
		"call bpf_get_prandom_u32\nr6 = 0\nif r0 == 0 goto middle\nagain:\nr6 += 1\nmiddle:\nr7 = 1\nif r6 < 10 goto again\nr0 = 0\nexit",
	],
	[
		"irreducible",
		"call bpf_get_prandom_u32\nr6 = 0\nif r0 == 0 goto second\nfirst:\nr6 += 1\nif r6 > 20 goto out\nsecond:\nr6 += 1\nif r6 < 20 goto first\nout:\nr0 = 0\nexit",
	],
	["gotol-back", "r6 = 0\nagain:\nr6 += 1\nif r6 > 10 goto +1\ngotol again\nr0 = 0\nexit"],
	["may-goto", "r6 = 0\nagain:\nmay_goto out\nr6 += 1\ngoto again\nout:\nr0 = 0\nexit"],
	["may-goto-zero", "may_goto +0\nr0 = 0\nexit"],
	["may-goto-forward-only", "r0 = 0\nmay_goto +1\nr0 = 1\nexit"],
	[
		"may-goto-widened",
		`${lookup("array48")}\nr6 = 0\nagain:\nmay_goto out\nr6 += 1\nr1 = r0\nr1 += r6\nr2 = *(u8 *)(r1 + 0)\ngoto again\n${OUT}`,
	],
	[
		"may-goto-checked",
		`${lookup("array48")}\nr6 = 0\nagain:\nmay_goto out\nif r6 > 47 goto out\nr1 = r0\nr1 += r6\nr2 = *(u8 *)(r1 + 0)\nr6 += 1\ngoto again\n${OUT}`,
	],
	[
		"may-goto-spilled-checked",
		`${lookup("array48")}\n*(u64 *)(r10 - 16) = 0\nagain:\nmay_goto out\nr6 = *(u64 *)(r10 - 16)\nif r6 > 47 goto out\nr1 = r0\nr1 += r6\nr2 = *(u8 *)(r1 + 0)\nr6 += 1\n*(u64 *)(r10 - 16) = r6\ngoto again\n${OUT}`,
	],
	[
		"may-goto-counter-bound",
		"r6 = 0\nagain:\nmay_goto out\nr6 += 1\nif r6 != 1000000 goto again\nout:\nr0 = 0\nexit",
	],
	[
		"may-goto-nested",
		"r6 = 0\nouter:\nmay_goto out\nr7 = 0\ninner:\nmay_goto next\nr7 += 1\ngoto inner\nnext:\nr6 += 1\ngoto outer\nout:\nr0 = 0\nexit",
	],
	["may-goto-stack-504", "*(u64 *)(r10 - 504) = 0\nmay_goto out\nr0 = 1\nout:\nr0 = 0\nexit"],
	["may-goto-stack-512", "*(u64 *)(r10 - 512) = 0\nmay_goto out\nr0 = 1\nout:\nr0 = 0\nexit"],
	["may-goto-out-of-range", "may_goto +5\nr0 = 0\nexit"],
	["may-goto-back", "r0 = 0\nmay_goto -1\nexit"],
	[
		"may-goto-packet",
		`${packet("xdp")}\nagain:\nmay_goto out\n${ensure(1)}\nr5 = *(u8 *)(r2 + 0)\nr2 += 1\ngoto again\n${OUT}`,
	],
	[
		"may-goto-pointer-grows",
		`r6 = r10\nr6 += -512\nagain:\nmay_goto out\n*(u8 *)(r6 + 0) = 0\nr6 += 1\ngoto again\n${OUT}`,
	],
	[
		"may-goto-holds-reference",
		`r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr6 = r0\nagain:\nmay_goto done\ngoto again\ndone:\nr1 = r6\nr2 = 0\ncall bpf_ringbuf_discard\n${OUT}`,
	],
	[
		"may-goto-acquires",
		`again:\nmay_goto out\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\ngoto again\n${OUT}`,
	],
	[
		"may-goto-acquires-releases",
		`again:\nmay_goto out\nr1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\ngoto again\n${OUT}`,
	],
	[
		"in-subprogram",
		"r6 = 0\nagain:\ncall sub\nr6 += 1\nif r6 < 10 goto again\nr0 = 0\nexit\nsub:\nr6 = 0\nr0 = 0\nagain2:\nr6 += 1\nif r6 < 10 goto again2\nexit",
	],
	[
		"in-subprogram-endless",
		"call sub\nr0 = 0\nexit\nsub:\nr0 = 0\nagain:\nr0 += 1\nif r0 != 0 goto again\nexit",
	],
	[
		"caller-counts-in-stack-of-sub",
		"*(u64 *)(r10 - 8) = 0\nagain:\nr1 = r10\nr1 += -8\ncall sub\nr1 = *(u64 *)(r10 - 8)\nif r1 < 10 goto again\nr0 = 0\nexit\nsub:\nr2 = *(u64 *)(r1 + 0)\nr2 += 1\n*(u64 *)(r1 + 0) = r2\nr0 = 0\nexit",
	],
];

export const loops: ThemeScript = {
	about:
		"Loops: bounded, endless, by counter, packet, stack and may_goto; what the verifier walks and what it takes for endless.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) yield hand(name, "xdp", asm);
		for (const [name, asm] of BY_HAND.slice(0, 12)) yield made(`${name}-privilege`, "xdp cap_bpf", asm);
		for (const [name, asm] of BY_HAND.slice(5, 22))
			yield made(`${name}-state-freq`, "xdp test_state_freq", asm);
		for (const rounds of [1, 2, 63, 64, 65, 1000, 100_000, 249_000, 333_000, 334_000, 500_000]) {
			yield hand(
				`rounds-${rounds}`,
				"xdp",
				`r6 = 0\nagain:\nr6 += 1\nif r6 < ${rounds} goto again\nr0 = 0\nexit`,
			);
			if (rounds < 1000)
				yield hand(
					`rounds-${rounds}-branch`,
					"xdp",
					`r6 = 0\nr7 = 0\nagain:\ncall bpf_get_prandom_u32\nif r0 > 5 goto +1\nr7 = 1\nr6 += 1\nif r6 < ${rounds} goto again\nr0 = r7\nexit`,
				);
		}
		// branches whose states cannot be merged: twice as many each time
		for (const count of [4, 8, 10, 13]) {
			const part = "call bpf_get_prandom_u32\nif r0 > 5 goto +1\nr7 += 1\nr7 <<= 1";
			yield hand(
				`doubling-${count}`,
				"xdp",
				`r7 = 1\n.rept ${count}\n${part}\n.endr\nr8 = r10\nr7 &= 7\nr8 -= r7\n*(u8 *)(r8 - 8) = 0\nr0 = 0\nexit`,
			);
			yield hand(`mergeable-${count}`, "xdp", `r7 = 1\n.rept ${count}\n${part}\n.endr\nr0 = 0\nexit`);
			yield hand(
				`merged-by-rewrite-${count}`,
				"xdp",
				`r7 = 1\n.rept ${count}\n${part}\nr7 = 0\n.endr\nr0 = r7\nexit`,
			);
		}
	},
};
