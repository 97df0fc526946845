import { type Draft, hand, made, type ThemeScript } from "../theme.ts";

/** One raw instruction: fields in hexadecimal as they lie in the 8 bytes, highest first. */
const raw = (opcode: number, dst: number, src: number, off: number, imm: number): string => {
	const value =
		(BigInt.asUintN(32, BigInt(imm)) << 32n) |
		(BigInt.asUintN(16, BigInt(off)) << 16n) |
		(BigInt((src << 4) | dst) << 8n) |
		BigInt(opcode);
	return `.8byte 0x${value.toString(16).padStart(16, "0")}`;
};

const OPERATIONS: readonly (readonly [
	name: string,
	opcode: number,
	src: number,
	off: number,
	imm: number,
])[] = [
	["alu64-k", 0x07, 0, 0, 1],
	["alu64-x", 0x0f, 2, 0, 0],
	["alu32-k", 0x04, 0, 0, 1],
	["alu32-x", 0x0c, 2, 0, 0],
	["mov-k", 0xb7, 0, 0, 1],
	["mov-x", 0xbf, 2, 0, 0],
	["mov32-k", 0xb4, 0, 0, 1],
	["mov32-x", 0xbc, 2, 0, 0],
	["div", 0x37, 0, 0, 2],
	["mod-x", 0x9f, 2, 0, 0],
	["neg", 0x87, 0, 0, 0],
	["neg32", 0x84, 0, 0, 0],
	["le", 0xd4, 0, 0, 16],
	["be", 0xdc, 0, 0, 32],
	["bswap", 0xd7, 0, 0, 64],
	["lsh", 0x67, 0, 0, 3],
	["jeq-k", 0x15, 0, 0, 1],
	["jeq-x", 0x1d, 2, 0, 0],
	["jeq32-k", 0x16, 0, 0, 1],
	["ja", 0x05, 0, 0, 0],
	["ja32", 0x06, 0, 0, 0],
	["call", 0x85, 0, 0, 7],
	["exit", 0x95, 0, 0, 0],
	["ldx", 0x79, 10, -8, 0],
	["stx", 0x7b, 2, -8, 0],
	["st", 0x7a, 0, -8, 1],
	["atomic", 0xdb, 2, -8, 0],
];

/** Opcodes that mean nothing, or nothing to the kernel. */
const UNKNOWN = [
	0x00, 0x01, 0x02, 0x03, 0x08, 0x0d, 0x10, 0x19, 0x1a, 0x38, 0x3b, 0x58, 0x60, 0x68, 0x70, 0x78, 0x8c, 0x8d,
	0x8e, 0x8f, 0x96, 0x99, 0x9d, 0xe7, 0xe4, 0xf7, 0xf5, 0xe6, 0xdf, 0xff,
];

const BY_HAND: readonly (readonly [name: string, asm: string])[] = [
	["no-exit", "r0 = 0"],
	["ends-with-call", "call bpf_get_prandom_u32"],
	["ends-with-goto-back", "r0 = 0\nexit\ngoto -2"],
	["ends-with-lddw", "r0 = 0 ll"],
	["ends-with-half-lddw", `r0 = 0\n${raw(0x18, 0, 0, 0, 0)}`],
	["unreachable", "r0 = 0\nexit\nr0 = 1\nexit"],
	["unreachable-behind-goto", "r0 = 0\ngoto +1\nr0 = 1\nexit"],
	["dead-by-value-is-reachable", "r0 = 0\nif r0 == 0 goto +1\nr0 = 1\nexit"],
	["goto-past-end", "r0 = 0\ngoto +1\nexit"],
	["goto-at-end", "r0 = 0\ngoto +0\nexit"],
	["goto-before-start", "r0 = 0\ngoto -3\nexit"],
	["if-past-end", "r0 = 0\nif r0 == 0 goto +1\nexit"],
	["gotol-past-end", "r0 = 0\ngotol +100000\nexit"],
	["gotol-before-start", "r0 = 0\ngotol -100000\nexit"],
	["goto-into-lddw", "r0 = 0\ngoto +1\nr1 = 1 ll\nexit"],
	["if-into-lddw", "r0 = 0\nif r0 == 0 goto +1\nr1 = 1 ll\nexit"],
	["goto-over-lddw", "r0 = 0\ngoto +2\nr1 = 1 ll\nexit"],
	["lddw-second-opcode", `${raw(0x18, 0, 0, 0, 1)}\n${raw(0x07, 0, 0, 0, 0)}\nexit`],
	["lddw-second-dst", `${raw(0x18, 0, 0, 0, 1)}\n${raw(0, 1, 0, 0, 0)}\nexit`],
	["lddw-second-src", `${raw(0x18, 0, 0, 0, 1)}\n${raw(0, 0, 1, 0, 0)}\nexit`],
	["lddw-second-off", `${raw(0x18, 0, 0, 0, 1)}\n${raw(0, 0, 0, 1, 0)}\nexit`],
	["lddw-second-imm", `${raw(0x18, 0, 0, 0, 1)}\n${raw(0, 0, 0, 0, -1)}\nexit`],
	["lddw-off", `${raw(0x18, 0, 0, 1, 1)}\n${raw(0, 0, 0, 0, 0)}\nexit`],
	["lddw-src-7", `${raw(0x18, 0, 7, 0, 0)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-src-15", `${raw(0x18, 0, 15, 0, 0)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-bad-fd", `${raw(0x18, 1, 1, 0, 9999)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-bad-fd-value", `${raw(0x18, 1, 2, 0, 9999)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-fd-high", `${raw(0x18, 1, 1, 0, 9999)}\n${raw(0, 0, 0, 0, 1)}\nr0 = 0\nexit`],
	["lddw-index-without-array", `${raw(0x18, 1, 5, 0, 0)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-func-out-of-range", `${raw(0x18, 1, 4, 0, 100)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-btf-id-zero", `${raw(0x18, 1, 3, 0, 0)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-btf-id-huge", `${raw(0x18, 1, 3, 0, 0x7fffffff)}\n${raw(0, 0, 0, 0, 0)}\nr0 = 0\nexit`],
	["lddw-into-fp", "r10 = 1 ll\nr0 = 0\nexit"],
	["register-11", `${raw(0xb7, 11, 0, 0, 0)}\nr0 = 0\nexit`],
	["register-15-source", `${raw(0xbf, 0, 15, 0, 0)}\nr0 = 0\nexit`],
	["register-12-in-load", `${raw(0x79, 0, 12, 0, 0)}\nr0 = 0\nexit`],
	["div-off-2", `r0 = 1\n${raw(0x37, 0, 0, 2, 2)}\nexit`],
	["sdiv-imm-zero", "r0 = 1\nr0 s/= 0\nexit"],
	["mov-off-8", `r0 = 1\n${raw(0xbf, 0, 0, 8, 0)}\nexit`],
	["mov-off-9", `r0 = 1\n${raw(0xbf, 0, 0, 9, 0)}\nexit`],
	["mov32-off-32", `r0 = 1\n${raw(0xbc, 0, 0, 32, 0)}\nexit`],
	["mov-imm-off-8", `r0 = 1\n${raw(0xb7, 0, 0, 8, 1)}\nexit`],
	["le-imm-8", `r0 = 1\n${raw(0xd4, 0, 0, 0, 8)}\nexit`],
	["be-imm-0", `r0 = 1\n${raw(0xdc, 0, 0, 0, 0)}\nexit`],
	["bswap-x", `r0 = 1\n${raw(0xdf, 0, 0, 0, 16)}\nexit`],
	["call-src-3", `${raw(0x85, 0, 3, 0, 7)}\nr0 = 0\nexit`],
	["call-dst", `${raw(0x85, 1, 0, 0, 7)}\nr0 = 0\nexit`],
	["call-x", `r1 = 0\n${raw(0x8d, 1, 0, 0, 0)}\nr0 = 0\nexit`],
	["call-32-class", `${raw(0x86, 0, 0, 0, 7)}\nr0 = 0\nexit`],
	["exit-32-class", `r0 = 0\n${raw(0x96, 0, 0, 0, 0)}\nexit`],
	["exit-imm", `r0 = 0\n${raw(0x95, 0, 0, 0, 1)}`],
	["exit-dst", `r0 = 0\n${raw(0x95, 1, 0, 0, 0)}`],
	["exit-off", `r0 = 0\n${raw(0x95, 0, 0, 5, 0)}`],
	["ja-dst", `r0 = 0\n${raw(0x05, 1, 0, 0, 0)}\nexit`],
	["ja-x", `r0 = 0\n${raw(0x0d, 0, 0, 0, 0)}\nexit`],
	["may-goto-imm", `r0 = 0\n${raw(0xe5, 0, 0, 0, 1)}\nexit`],
	["may-goto-src-1", `r0 = 0\n${raw(0xe5, 0, 1, 0, 0)}\nexit`],
	["may-goto-dst", `r0 = 0\n${raw(0xe5, 1, 0, 0, 0)}\nexit`],
	["addr-space-cast-without-arena", "r0 = 1\nr0 = addr_space_cast(r0, 0, 1)\nexit"],
	["addr-space-cast-wrong-imm", `r0 = 1\n${raw(0xbf, 0, 0, 1, 5)}\nexit`],
	["kfunc-id-zero", `${raw(0x85, 0, 2, 0, 0)}\nr0 = 0\nexit`],
	["kfunc-id-huge", `${raw(0x85, 0, 2, 0, 0x7ffffff)}\nr0 = 0\nexit`],
	["kfunc-off-without-array", `${raw(0x85, 0, 2, 1, 1)}\nr0 = 0\nexit`],
	["ldx-64-sign", `r1 = r10\n${raw(0x99, 0, 10, -8, 0)}\nexit`],
	["load-acquire-imm-100", `*(u64 *)(r10 - 8) = 0\n${raw(0xdb, 0, 10, -8, 0x100)}\nexit`],
	["store-release-imm-111", `*(u64 *)(r10 - 8) = 0\nr0 = 0\n${raw(0xdb, 10, 0, -8, 0x111)}\nexit`],
	["large-4096", "r0 = 0\n.rept 4095\nr0 += 1\n.endr\nexit"],
	["large-20000", "r0 = 0\n.rept 20000\nr0 += 1\n.endr\nexit"],
	["jump-32767", "r0 = 0\nif r0 == 0 goto end\n.rept 32767\nr0 += 1\n.endr\nend:\nexit"],
	["gotol-far", "r0 = 0\ngotol end\n.rept 40000\nr0 += 1\n.endr\nend:\nexit"],
	[
		"gotol-far-both",
		"call bpf_get_prandom_u32\nif r0 == 0 goto +1\ngotol end\n.rept 40000\nr0 += 1\n.endr\nend:\nr0 = 0\nexit",
	],
];

export const encoding: ThemeScript = {
	about:
		"Fields that must be zero, opcodes that do not exist, jumps out of the program, code that nothing reaches.",
	*programs(): Iterable<Draft> {
		for (const [name, asm] of BY_HAND) yield hand(name, "socket_filter", asm);
		for (const [name, opcode, src, off, imm] of OPERATIONS) {
			const before = "r0 = 1\nr2 = 1\n*(u64 *)(r10 - 8) = 0";
			const one = (fields: { src?: number; off?: number; imm?: number; dst?: number }) =>
				`${before}\n${raw(opcode, fields.dst ?? (/stx|st$|atomic/.test(name) ? 10 : /^(ja|call|exit)/.test(name) ? 0 : 0), fields.src ?? src, fields.off ?? off, fields.imm ?? imm)}\nr0 = 0\nexit`;
			yield made(`field-${name}-right`, "socket_filter", one({}));
			if (src === 0) yield made(`field-${name}-src`, "socket_filter", one({ src: 2 }));
			if (imm === 0) yield made(`field-${name}-imm`, "socket_filter", one({ imm: 1 }));
			if (off === 0) yield made(`field-${name}-off`, "socket_filter", one({ off: 1 }));
			if (/^(ja|exit|call)/.test(name)) yield made(`field-${name}-dst`, "socket_filter", one({ dst: 1 }));
		}
		for (const opcode of UNKNOWN)
			yield made(
				`opcode-${opcode.toString(16)}`,
				"socket_filter",
				`r0 = 0\n${raw(opcode, 0, 0, 0, 0)}\nexit`,
			);
	},
};
