import { lookup, OUT, plus, SIZES, uint, unknown } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** Bodies that end by themselves, in r0. */
const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["read-uninitialised", "r0 = *(u64 *)(r10 - 8)"],
	["read-partly-initialised", "*(u32 *)(r10 - 8) = 0\nr0 = *(u64 *)(r10 - 8)"],
	["read-other-half", "*(u32 *)(r10 - 8) = 0\nr0 = *(u32 *)(r10 - 4)"],
	["read-misc-as-pointer", "*(u64 *)(r10 - 8) = 0\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u8 *)(r2 + 0)"],
	["spill-ctx-fill", "*(u64 *)(r10 - 8) = r1\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)"],
	["spill-ctx-fill-32", "*(u64 *)(r10 - 8) = r1\nr2 = *(u32 *)(r10 - 8)"],
	["spill-ctx-fill-byte", "*(u64 *)(r10 - 8) = r1\nr2 = *(u8 *)(r10 - 8)"],
	["spill-ctx-fill-shifted", "*(u64 *)(r10 - 16) = r1\nr2 = *(u64 *)(r10 - 12)"],
	["spill-ctx-32", "*(u32 *)(r10 - 8) = w1"],
	["spill-ctx-16", "*(u16 *)(r10 - 8) = w1"],
	["spill-ctx-8", "*(u8 *)(r10 - 8) = w1"],
	["spill-ctx-misaligned", "*(u64 *)(r10 - 12) = r1"],
	["spill-fp-fill", "*(u64 *)(r10 - 8) = r10\nr2 = *(u64 *)(r10 - 8)\n*(u64 *)(r2 - 16) = 0"],
	[
		"spill-overwritten-byte",
		"*(u64 *)(r10 - 8) = r1\n*(u8 *)(r10 - 5) = 0\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-overwritten-fill-scalar",
		"*(u64 *)(r10 - 8) = r1\n*(u8 *)(r10 - 5) = 0\nr2 = *(u64 *)(r10 - 8)\nr2 += 1",
	],
	[
		"spill-overwritten-word",
		"*(u64 *)(r10 - 8) = r1\n*(u32 *)(r10 - 4) = 0\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-overwritten-whole",
		"*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 8) = 0\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-neighbour-write",
		"*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 16) = 0\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-overlapping-write",
		"*(u64 *)(r10 - 16) = r1\n*(u64 *)(r10 - 12) = 0\nr2 = *(u64 *)(r10 - 16)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-null-checked-later",
		`${lookup("hash8").replace("if r0 == 0 goto out", "")}\n*(u64 *)(r10 - 16) = r0\nif r0 == 0 goto out\nr2 = *(u64 *)(r10 - 16)\nr3 = *(u64 *)(r2 + 0)`,
	],
	[
		"spill-null-unchecked",
		`${lookup("hash8").replace("if r0 == 0 goto out", "")}\n*(u64 *)(r10 - 16) = r0\nr2 = *(u64 *)(r10 - 16)\nr3 = *(u64 *)(r2 + 0)`,
	],
	[
		"spill-survives-call",
		"*(u64 *)(r10 - 8) = r1\ncall bpf_get_prandom_u32\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-written-by-helper",
		"*(u64 *)(r10 - 8) = r1\nr2 = r10\nr2 += -8\nr1 = queue8 ll\ncall bpf_map_pop_elem\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)",
	],
	[
		"spill-read-by-helper",
		"*(u64 *)(r10 - 8) = r1\nr2 = r10\nr2 += -8\nr1 = queue8 ll\nr3 = 0\ncall bpf_map_push_elem",
	],
	[
		"fill-scalar-adds",
		"r2 = 5\n*(u64 *)(r10 - 8) = r2\nr2 = *(u64 *)(r10 - 8)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 + 0) = 1",
	],
	[
		"fill-32-adds",
		"r2 = 5\n*(u32 *)(r10 - 8) = w2\nr2 = *(u32 *)(r10 - 8)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 + 0) = 1",
	],
	[
		"fill-8-adds",
		"r2 = 5\n*(u8 *)(r10 - 8) = w2\nr2 = *(u8 *)(r10 - 8)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 + 0) = 1",
	],
	[
		"fill-32-of-64-adds",
		"r2 = 5\n*(u64 *)(r10 - 8) = r2\nr2 = *(u32 *)(r10 - 8)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 + 0) = 1",
	],
	[
		"fill-high-half-of-64",
		"r2 = 5\n*(u64 *)(r10 - 8) = r2\nr2 = *(u32 *)(r10 - 4)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 - 1) = 1",
	],
	[
		"fill-64-of-two-32",
		"*(u32 *)(r10 - 8) = 5\n*(u32 *)(r10 - 4) = 0\nr2 = *(u64 *)(r10 - 8)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 + 0) = 1",
	],
	[
		"fill-zeros-are-known",
		"*(u64 *)(r10 - 8) = 0\nr2 = *(u32 *)(r10 - 7)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 - 1) = 1",
	],
	[
		"fill-nonzeros-are-not",
		"*(u64 *)(r10 - 8) = 1\nr2 = *(u32 *)(r10 - 7)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 - 1) = 1",
	],
	[
		"fill-zeros-of-bytes",
		"*(u8 *)(r10 - 2) = 0\n*(u8 *)(r10 - 1) = 0\nr2 = *(u16 *)(r10 - 2)\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 - 1) = 1",
	],
	[
		"sign-fill-of-spill",
		"r2 = -1\n*(u32 *)(r10 - 8) = w2\nr2 = *(s32 *)(r10 - 8)\nr3 = r10\nr3 += r2\n*(u8 *)(r3 + 0) = 1",
	],
	["fp-written", "r10 = r1"],
	["fp-added", "r10 += -8"],
	["fp-by-load", "r10 = *(u64 *)(r10 - 8)"],
	["fp-by-mov32", "w10 = 0"],
	["fp-by-fetch", "*(u64 *)(r10 - 8) = 0\nr10 = atomic_fetch_add((u64 *)(r10 - 8), r10)"],
	["fp-copy-subtracted", "r2 = r10\nr2 -= 8\n*(u64 *)(r2 + 0) = 0"],
	["fp-copy-subtracted-twice", "r2 = r10\nr2 -= 8\nr2 -= 505\n*(u8 *)(r2 + 0) = 0"],
	["fp-minus-fp", "r2 = r10\nr2 -= r10\nr0 = r2"],
	["fp-plus-register", "r2 = -8\nr2 += r10\n*(u64 *)(r2 + 0) = 0"],
	["scalar-minus-fp", "r2 = 8\nr2 -= r10"],
	["fp-or", "r2 = r10\nr2 |= 1"],
	["fp-xor", "r2 = r10\nr2 ^= r2"],
	["fp-mul", "r2 = r10\nr2 *= 1"],
	["fp-neg", "r2 = r10\nr2 = -r2"],
	["fp-bswap", "r2 = r10\nr2 = be64 r2"],
	["fp-32-add", "r2 = r10\nw2 += -8"],
	["fp-lsh", "r2 = r10\nr2 <<= 0"],
	["fp-movsx", "r2 = (s32)r10"],
	["fp-mov32", "w2 = w10\nr0 = r2"],
	["zero-then-read-all", "*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\nr1 = *(u64 *)(r10 - 12)"],
	["helper-reads-uninitialised", "r2 = r10\nr2 += -8\nr1 = hash16 ll\ncall bpf_map_lookup_elem"],
	[
		"helper-reads-partly",
		"*(u32 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = hash16 ll\ncall bpf_map_lookup_elem",
	],
	[
		"helper-reads-past-fp",
		"*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -4\nr1 = hash16 ll\ncall bpf_map_lookup_elem",
	],
	["helper-reads-at-fp", "r2 = r10\nr1 = hash16 ll\ncall bpf_map_lookup_elem"],
	[
		"helper-writes-uninitialised",
		"r2 = r10\nr2 += -8\nr1 = queue8 ll\ncall bpf_map_pop_elem\nr0 = *(u64 *)(r10 - 8)",
	],
	["helper-writes-past-fp", "r2 = r10\nr2 += -4\nr1 = queue8 ll\ncall bpf_map_pop_elem"],
	["helper-size-zero-no", "r1 = r10\nr1 += -8\nr2 = 0\ncall bpf_trace_printk"],
	["helper-size-negative", "r1 = r10\nr1 += -8\nr2 = -1\ncall bpf_trace_printk"],
	["helper-size-512", "r1 = r10\nr1 += -512\nr2 = 512\ncall bpf_get_current_comm"],
	["helper-size-513", "r1 = r10\nr1 += -512\nr2 = 513\ncall bpf_get_current_comm"],
	[
		"helper-size-variable",
		`${unknown(2)}\nr2 &= 63\nr2 += 1\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm`,
	],
	[
		"helper-size-variable-past",
		`${unknown(2)}\nr2 &= 63\nr2 += 2\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm`,
	],
	[
		"helper-size-variable-maybe-zero",
		`${unknown(2)}\nr2 &= 63\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm`,
	],
	["helper-size-unbounded", `${unknown(2)}\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm`],
	[
		"helper-size-signed",
		`${unknown(2)}\nif r2 s> 64 goto out\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm`,
	],
	[
		"helper-size-signed-both",
		`${unknown(2)}\nif r2 s> 64 goto out\nif r2 s<= 0 goto out\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm`,
	],
	["helper-size-uninitialised", "r1 = r10\nr1 += -64\ncall bpf_get_current_comm"],
	["helper-size-pointer", "r2 = r10\nr1 = r10\nr1 += -64\ncall bpf_get_current_comm"],
];

/** A variable offset in r6 from `from` to `to`, then an access at r10 + r6. */
const variable = (from: number, mask: number, access: string, before = ""): string => `
	${before}
	${unknown(6)}
	r6 &= ${mask}
	r6 += ${from}
	r7 = r10
	r7 += r6
	${access}
	r0 = 0
	exit`;

const fill = (bytes: number): string =>
	Array.from({ length: bytes / 8 }, (_, i) => `*(u64 *)(r10 - ${(i + 1) * 8}) = 0`).join("\n");

export const stack: ThemeScript = {
	about:
		"The stack: frames, sizes and alignment, uninitialised bytes, spills and fills, variable offsets, helpers.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) {
			const program = asm.includes("goto out") ? `${asm}\n${OUT}` : `${asm}\nr0 = 0\nexit`;
			const header = /comm|printk/.test(asm) ? "sched_cls" : "xdp";
			yield hand(name, header, program);
			if (/uninit|partly|spill|fp|other-half/.test(name))
				yield made(`${name}-unprivileged`, `${header} cap_bpf`, program);
		}
		for (const size of SIZES) {
			for (const offset of [-520, -513, -512, -511, -9, -size - 1, -size, -size + 1, -1, 0, 1]) {
				yield made(
					`st-${size}-${offset}`,
					"xdp",
					`*(${uint(size)} *)(r10 ${plus(offset)}) = 1\nr0 = 0\nexit`,
				);
				yield made(
					`stx-${size}-${offset}`,
					"xdp",
					`r1 = 1\n*(${uint(size)} *)(r10 ${plus(offset)}) = r1\nr0 = 0\nexit`.replace(
						"= r1",
						size < 8 ? "= w1" : "= r1",
					),
				);
				yield made(
					`ldx-${size}-${offset}`,
					"xdp",
					`r0 = *(${uint(size)} *)(r10 ${plus(offset)})\nr0 = 0\nexit`,
				);
				if (size < 8)
					yield made(
						`ldsx-${size}-${offset}`,
						"xdp",
						`r0 = *(s${size * 8} *)(r10 ${plus(offset)})\nr0 = 0\nexit`,
					);
			}
			for (const deep of [8, 504, 505, 512])
				yield made(
					`copy-${size}-${deep}`,
					"xdp",
					`r2 = r10\nr2 += -${deep}\n*(${uint(size)} *)(r2 + 0) = 1\nr0 = 0\nexit`,
				);
		}
		for (const from of [-16, -24, -512, -520]) {
			for (const mask of [7, 15, 8, 0xff]) {
				const name = `${-from}-${mask}`;
				yield made(`variable-write-${name}`, "xdp", variable(from, mask, "*(u8 *)(r7 + 0) = 1"));
				yield made(`variable-read-${name}`, "xdp", variable(from, mask, "r0 = *(u8 *)(r7 + 0)"));
				yield made(
					`variable-read-filled-${name}`,
					"xdp",
					variable(from, mask, "r0 = *(u8 *)(r7 + 0)", fill(32)),
				);
				yield made(`variable-read8-${name}`, "xdp", variable(from, mask, "r0 = *(u64 *)(r7 + 0)", fill(32)));
				yield made(
					`variable-read-unprivileged-${name}`,
					"xdp cap_bpf",
					variable(from, mask, "r0 = *(u8 *)(r7 + 0)", fill(32)),
				);
				yield made(
					`variable-helper-${name}`,
					"xdp",
					variable(from, mask, "r2 = r7\nr1 = hash8 ll\ncall bpf_map_lookup_elem", fill(32)),
				);
			}
		}
		yield hand(
			"variable-write-then-fill",
			"xdp",
			variable(-16, 7, "*(u8 *)(r7 + 0) = 1\nr1 = *(u64 *)(r10 - 16)\nr2 = r10\nr2 += r1", fill(16)),
		);
		yield hand(
			"variable-write-over-spill",
			"xdp",
			variable(
				-16,
				7,
				"*(u8 *)(r7 + 0) = 1\nr1 = *(u64 *)(r10 - 16)\nr0 = *(u32 *)(r1 + 0)",
				"*(u64 *)(r10 - 16) = r1",
			),
		);
		yield hand(
			"variable-write-beside-spill",
			"xdp",
			variable(
				-16,
				7,
				"*(u8 *)(r7 + 0) = 1\nr1 = *(u64 *)(r10 - 24)\nr0 = *(u32 *)(r1 + 0)",
				"*(u64 *)(r10 - 24) = r1",
			),
		);
		yield hand("variable-spill-pointer", "xdp", variable(-16, 8, "*(u64 *)(r7 + 0) = r10"));
		yield hand(
			"variable-fill-pointer",
			"xdp",
			variable(-16, 8, "r1 = *(u64 *)(r7 + 0)", "*(u64 *)(r10 - 8) = r10\n*(u64 *)(r10 - 16) = r10"),
		);
		yield hand(
			"variable-unbounded",
			"xdp",
			`${unknown(6)}\nr7 = r10\nr7 += r6\n*(u8 *)(r7 + 0) = 1\nr0 = 0\nexit`,
		);
		yield hand(
			"variable-unbounded-32",
			"xdp",
			`${unknown(6)}\nw6 = w6\nr7 = r10\nr7 += r6\n*(u8 *)(r7 + 0) = 1\nr0 = 0\nexit`,
		);
		yield hand(
			"variable-minus",
			"xdp",
			`${unknown(6)}\nr6 &= 7\nr6 += 1\nr7 = r10\nr7 -= r6\n*(u8 *)(r7 + 0) = 1\nr0 = 0\nexit`,
		);
		yield hand(
			"variable-zeros-stay-zero",
			"xdp",
			variable(
				-16,
				7,
				"*(u8 *)(r7 + 0) = 0\nr1 = *(u64 *)(r10 - 16)\nr2 = r10\nr2 += -1\nr2 += r1\n*(u8 *)(r2 + 0) = 1",
				fill(16),
			),
		);
	},
};
