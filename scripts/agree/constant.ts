import type { Insn, LinkedObject } from "@tailhop/core";

/**
 * Helpers whose answers nobody can compare, since the kernel does not let us choose them: random numbers, clocks,
 * a hash with a secret. Both sides get the same programs, in which a call is `r0 = CONSTANT`.
 */
export const CONSTANTS: Readonly<Record<number, { readonly name: string; readonly value: number }>> = {
	5: { name: "ktime_get_ns", value: 1_000_000_007 },
	7: { name: "get_prandom_u32", value: 0x3a5c_7e91 },
	34: { name: "get_hash_recalc", value: 0x1357_9bdf },
	46: { name: "get_socket_cookie", value: 4321 },
	118: { name: "jiffies64", value: 4_300_000 },
	122: { name: "get_netns_cookie", value: 1 },
	125: { name: "ktime_get_boot_ns", value: 1_000_000_009 },
	160: { name: "ktime_get_coarse_ns", value: 1_000_000_000 },
	208: { name: "ktime_get_tai_ns", value: 1_000_000_033 },
};

const CALL = 0x85;
const MOV64 = 0xb7;

/** The object with constants for these helpers, and the names of those that it called. */
export function withConstants(linked: LinkedObject): {
	readonly linked: LinkedObject;
	readonly replaced: ReadonlySet<string>;
} {
	const replaced = new Set<string>();
	const constant = (insn: Insn): Insn => {
		const found = insn.opcode === CALL && insn.src === 0 ? CONSTANTS[insn.imm] : undefined;
		if (found === undefined) return insn;
		replaced.add(found.name);
		return { opcode: MOV64, dst: 0, src: 0, off: 0, imm: found.value };
	};
	const programs = linked.programs.map((program) => ({ ...program, insns: program.insns.map(constant) }));
	return { linked: { ...linked, programs }, replaced };
}
