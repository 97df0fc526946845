import { ensure, lookup, OUT, packet } from "../parts.ts";
import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** Forms with PTR for `r7 + 0` and so on. */
const FORMS: readonly (readonly [name: string, text: string])[] = [
	["add-64", "lock *(u64 *)(PTR) += r1"],
	["add-32", "lock *(u32 *)(PTR) += w1"],
	["or-64", "lock *(u64 *)(PTR) |= r1"],
	["and-32", "lock *(u32 *)(PTR) &= w1"],
	["xor-64", "lock *(u64 *)(PTR) ^= r1"],
	["fetch-add-64", "r1 = atomic_fetch_add((u64 *)(PTR), r1)"],
	["fetch-or-32", "w1 = atomic_fetch_or((u32 *)(PTR), w1)"],
	["fetch-and-64", "r1 = atomic_fetch_and((u64 *)(PTR), r1)"],
	["xchg-64", "r1 = xchg_64(PTR, r1)"],
	["xchg-32", "w1 = xchg32_32(PTR, w1)"],
	["cmpxchg-64", "r0 = cmpxchg_64(PTR, r0, r1)"],
	["cmpxchg-32", "w0 = cmpxchg32_32(PTR, w0, w1)"],
	["load-acquire-64", "r2 = load_acquire((u64 *)(PTR))"],
	["load-acquire-8", "w2 = load_acquire((u8 *)(PTR))"],
	["store-release-64", "store_release((u64 *)(PTR), r1)"],
	["store-release-16", "store_release((u16 *)(PTR), w1)"],
];

const TARGETS: readonly (readonly [name: string, header: string, make: string, place: string])[] = [
	["stack", "xdp", "", "r10 - 8"],
	["stack-uninitialised", "xdp", "", "r10 - 32"],
	["stack-misaligned", "xdp", "", "r10 - 12"],
	["stack-odd", "xdp", "", "r10 - 7"],
	["stack-past", "xdp", "", "r10 + 0"],
	["value", "xdp", `${lookup("array48")}\nr7 = r0\nr0 = 0`, "r7 + 40"],
	["value-past", "xdp", `${lookup("array48")}\nr7 = r0\nr0 = 0`, "r7 + 48"],
	["value-misaligned", "xdp", `${lookup("array48")}\nr7 = r0\nr0 = 0`, "r7 + 1"],
	["context", "xdp", "", "r6 + 0"],
	["packet", "xdp", `${packet("xdp", 7, 8, 6)}\n${ensure(16, 7, 8)}`, "r7 + 0"],
	["scalar", "xdp", "r7 = 5", "r7 + 0"],
	[
		"ring",
		"xdp",
		"r1 = ring ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr7 = r0\nr0 = 0",
		"r7 + 0",
	],
	["unprivileged-stack", "xdp cap_bpf", "", "r10 - 8"],
	["uninitialised-register", "xdp", "", "r9 + 0"],
];

export const atomics: ThemeScript = {
	about:
		"Atomic operations, load-acquire and store-release on every kind of memory, and what their results are.",
	*programs(): Iterable<Draft> {
		for (const [target, header, make, place] of TARGETS) {
			for (const [form, text] of FORMS) {
				const close = target === "ring" ? "r1 = r7\nr2 = 0\ncall bpf_ringbuf_discard\n" : "";
				const end = make.includes("goto out") ? OUT : "r0 = 0\nexit";
				yield made(
					`${target}-${form}`,
					header,
					`r6 = r1\n*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\nr0 = 0\n${make}\nr1 = 1\n${text.replace("PTR", place)}\n${close}${end}`,
				);
			}
		}
		const stack = "*(u64 *)(r10 - 8) = 0\n";
		for (const [name, header, asm] of [
			["pointer-added", "xdp", `${stack}lock *(u64 *)(r10 - 8) += r1\nr0 = 0\nexit`],
			["pointer-swapped", "xdp", `${stack}r1 = xchg_64(r10 - 8, r1)\nr0 = 0\nexit`],
			[
				"pointer-swapped-back",
				"xdp",
				`*(u64 *)(r10 - 8) = r1\nr2 = 0\nr2 = xchg_64(r10 - 8, r2)\nr0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit`,
			],
			["pointer-compared", "xdp", `${stack}r0 = r1\nr2 = 1\nr0 = cmpxchg_64(r10 - 8, r0, r2)\nr0 = 0\nexit`],
			[
				"pointer-compared-unprivileged",
				"xdp cap_bpf",
				`${stack}r0 = r1\nr2 = 1\nr0 = cmpxchg_64(r10 - 8, r0, r2)\nr0 = 0\nexit`,
			],
			["pointer-stored-in-value", "xdp", "r6 = one48[0]+0 ll\nr6 = xchg_64(r6 + 0, r6)\nr0 = 0\nexit"],
			[
				"release-of-pointer",
				"xdp",
				`${stack}store_release((u64 *)(r10 - 8), r1)\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit`,
			],
			[
				"acquire-of-pointer",
				"xdp",
				"*(u64 *)(r10 - 8) = r1\nr2 = load_acquire((u64 *)(r10 - 8))\nr0 = *(u32 *)(r2 + 0)\nr0 = 0\nexit",
			],
			[
				"acquire-keeps-bounds",
				"xdp",
				"r2 = 5\n*(u64 *)(r10 - 8) = r2\nr2 = load_acquire((u64 *)(r10 - 8))\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"fetch-result-unknown",
				"xdp",
				"*(u64 *)(r10 - 8) = 5\nr2 = 1\nr2 = atomic_fetch_add((u64 *)(r10 - 8), r2)\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"fetch-32-zero-extends",
				"xdp",
				"*(u64 *)(r10 - 8) = 5\nw2 = 1\nw2 = atomic_fetch_add((u32 *)(r10 - 8), w2)\nr2 >>= 29\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"memory-unknown-behind",
				"xdp",
				"*(u64 *)(r10 - 8) = 5\nr2 = 1\nlock *(u64 *)(r10 - 8) += r2\nr2 = *(u64 *)(r10 - 8)\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			[
				"neighbour-known-behind",
				"xdp",
				"*(u64 *)(r10 - 16) = 5\n*(u64 *)(r10 - 8) = 5\nr2 = 1\nlock *(u64 *)(r10 - 8) += r2\nr2 = *(u64 *)(r10 - 16)\nr3 = r10\nr3 += -16\nr3 += r2\n*(u8 *)(r3 + 0) = 0\nr0 = 0\nexit",
			],
			["cmpxchg-uninitialised-r0", "xdp", `${stack}r2 = 1\nr0 = cmpxchg_64(r10 - 8, r0, r2)\nr0 = 0\nexit`],
			[
				"cmpxchg-uninitialised-source",
				"xdp",
				`${stack}r0 = 1\nr0 = cmpxchg_64(r10 - 8, r0, r2)\nr0 = 0\nexit`,
			],
			[
				"over-spilled-pointer",
				"xdp",
				"*(u64 *)(r10 - 8) = r1\nr2 = 1\nlock *(u64 *)(r10 - 8) += r2\nr0 = 0\nexit",
			],
			[
				"over-spilled-pointer-unprivileged",
				"xdp cap_bpf",
				"*(u64 *)(r10 - 8) = r1\nr2 = 1\nlock *(u64 *)(r10 - 8) += r2\nr0 = 0\nexit",
			],
			["wrong-operation", "xdp", `${stack}r1 = 1\n.8byte 0x00000010fff81adb\nr0 = 0\nexit`],
			["wrong-size", "xdp", `${stack}r1 = 1\n.8byte 0x00000000fff81ad3\nr0 = 0\nexit`],
			["size-16", "xdp", `${stack}r1 = 1\n.8byte 0x00000000fff81acb\nr0 = 0\nexit`],
		] as const)
			yield hand(name, header, asm);
	},
};
