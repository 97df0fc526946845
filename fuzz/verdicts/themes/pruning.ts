import { lookup, OUT, unknown } from "../parts.ts";
import { type Draft, made, type ThemeScript } from "../theme.ts";

/** Two ways that leave r7, or the stack, different; r6 decides. */
const WAYS: readonly (readonly [name: string, one: string, other: string])[] = [
	["constants", "r7 = 1", "r7 = 2"],
	["same-constant", "r7 = 1", "r7 = 1"],
	["zero-and-unknown", "r7 = 0", "r7 = r9\nr7 &= 7"],
	["unknown-and-zero", "r7 = r9\nr7 &= 7", "r7 = 0"],
	["range-in-range", "r7 = r9\nr7 &= 7", "r7 = r9\nr7 &= 3"],
	["range-over-range", "r7 = r9\nr7 &= 3", "r7 = r9\nr7 &= 7"],
	["bits-in-range", "r7 = r9\nr7 &= 7", "r7 = r9\nr7 &= 5"],
	["32-bit", "w7 = 3", "w7 = w9\nw7 &= 3"],
	["pointer-and-scalar", "r7 = r10", "r7 = 1"],
	["pointers", "r7 = r10\nr7 += -8", "r7 = r10\nr7 += -16"],
	["uninitialised", "r7 = 1", "r8 = 1"],
	["spilled-constants", "r7 = 1\n*(u64 *)(r10 - 24) = r7", "r7 = 1\nr8 = 2\n*(u64 *)(r10 - 24) = r8"],
	["spilled-and-zero", "r7 = 1\n*(u64 *)(r10 - 24) = r9", "r7 = 1\n*(u64 *)(r10 - 24) = 0"],
	["stack-bytes", "r7 = 1\n*(u8 *)(r10 - 24) = 1", "r7 = 1\n*(u64 *)(r10 - 24) = 0"],
	["stack-untouched", "r7 = 1", "r7 = 1\n*(u64 *)(r10 - 24) = 0"],
	["linked", "r7 = r9", "r7 = r8"],
	["linked-and-not", "r7 = r9\nr7 &= 7", "r9 &= 7\nr7 = r9"],
];

/** What follows the meeting; r9 and r8 are unknown numbers, r6 a value of 48 bytes. */
const USES: readonly (readonly [name: string, asm: string])[] = [
	["nothing", "r1 = 1\nr2 = 2\nr3 = 3"],
	["overwritten", "r7 = 5\nr1 = r7"],
	["read", "r1 = r7\nr1 += 1"],
	["offset", "if r7 > 40 goto out\nr1 = r6\nr1 += r7\nr2 = *(u8 *)(r1 + 0)"],
	[
		"offset-later",
		"r1 = 1\nr2 = 2\ncall bpf_get_prandom_u32\nif r0 == 0 goto out\nif r7 > 40 goto out\nr1 = r6\nr1 += r7\nr2 = *(u8 *)(r1 + 0)",
	],
	["branch", "if r7 == 1 goto out\nr1 = 1\nr2 = 2"],
	["branch-32", "if w7 s> 1 goto out\nr1 = 1\nr2 = 2"],
	["stored", "*(u64 *)(r10 - 32) = r7\nr1 = *(u64 *)(r10 - 32)"],
	["stack-read", "r1 = *(u64 *)(r10 - 24)\nr1 += 1"],
	["stack-offset", "r1 = *(u64 *)(r10 - 24)\nif r1 > 40 goto out\nr2 = r6\nr2 += r1\nr3 = *(u8 *)(r2 + 0)"],
	["stack-to-helper", "r1 = queue8 ll\nr2 = r10\nr2 += -24\nr3 = 0\ncall bpf_map_push_elem"],
	["link-used", "if r9 > 40 goto out\nr1 = r6\nr1 += r7\nr2 = *(u8 *)(r1 + 0)"],
	["to-subprogram", "r1 = r7\ncall sub"],
	["size-argument", "r1 = r6\nr2 = r7\nif r2 == 0 goto out\nif r2 > 48 goto out\ncall bpf_trace_printk"],
	["shift", "r1 = 1\nr1 <<= r7\nr1 &= 15\nr6 += r1\nr2 = *(u8 *)(r6 + 0)"],
];

export const pruning: ThemeScript = {
	about:
		"Two ways meet: is the second one walked on? Seen in the instructions walked, by what differs and by what is used behind.",
	*programs(): Iterable<Draft> {
		for (const [way, one, other] of WAYS) {
			for (const [use, asm] of USES) {
				if (/stack/.test(use) !== /spill|stack/.test(way) && use !== "nothing" && use !== "read") continue;
				const sub = use === "to-subprogram" ? "\nsub:\nr0 = r1\nr0 &= 1\nexit" : "";
				const body = `${unknown(9)}${unknown(8)}\n${lookup("array48")}\nr6 = r0\ncall bpf_get_prandom_u32\nif r0 == 0 goto other\n${one}\ngoto meet\nother:\n${other}\nmeet:\n${asm}\n${OUT}${sub}`;
				yield made(`${way}-${use}`, "xdp", body);
			}
		}
		// the same in a row: states multiply, or not
		for (const [use, asm] of USES.slice(0, 9)) {
			const part = "call bpf_get_prandom_u32\nif r0 == 0 goto +1\nr7 += 1";
			for (const count of [2, 5])
				yield made(
					`row-${use}-${count}`,
					"xdp",
					`${unknown(9)}\n${lookup("array48")}\nr6 = r0\n*(u64 *)(r10 - 24) = 0\nr7 = 0\n.rept ${count}\n${part}\n.endr\n${asm}\n${OUT}`,
				);
			yield made(
				`row-${use}-state-freq`,
				"xdp test_state_freq",
				`${unknown(9)}\n${lookup("array48")}\nr6 = r0\n*(u64 *)(r10 - 24) = 0\nr7 = 0\n.rept 4\n${part}\n.endr\n${asm}\n${OUT}`,
			);
		}
	},
};
