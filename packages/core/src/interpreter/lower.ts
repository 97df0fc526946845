import { imm64, OP, type Op, type OpOf, operandOf, opOf, type Row, slotsOf, TABLE } from "../isa/index.ts";
import type { LinkedMap, LinkedProgram } from "../spec/index.ts";

/**
 * A program as the loop runs it: four int32 words a slot, so that instruction indexes stay the kernel's.
 *
 *   word 0   number of the op (isa/table.ts; LOWERED has the few that are the interpreter's own)
 *   word 1   d: index in the register file of dst
 *   word 2   s: index in the register file of the operand: src, or a constant
 *   word 3   a: offset of a memory access, target word of a jump or local call, helper id
 *
 * Constants are registers: every distinct immediate has a place behind r0-r10 in the register file. So an op has
 * one form, not two, and st is stx. Measured on the nine compute programs against testing the
 * form in the loop: no slower anywhere, and half the cases to write.
 */
export interface LoweredProgram {
	readonly program: LinkedProgram;
	/** The object's maps, which the program's instructions count from 0. */
	readonly maps: readonly LinkedMap[];
	readonly code: Int32Array;
	/** Index in the machine's function table. */
	readonly index: number;
}

/** Words an instruction slot takes in `code`. */
export const STRIDE = 4;

/** Ops that only lowered code has, numbered behind the table's. */
export const LOWERED = {
	TAIL_CALL: 131,
	/** lddw: a move of a constant that steps over its second slot. */
	CONSTANT: 133,
	// moves, which don't read d: so that the ops up to LAST_ARITHMETIC are those that read both d and s
	MOV32: 134,
	MOV64: 135,
	MOVSX8_32: 136,
	MOVSX16_32: 137,
	MOVSX8_64: 138,
	MOVSX16_64: 139,
	MOVSX32_64: 140,
	/** A slot that holds no instruction: behind a lddw, past the end, or undefined by the ISA. */
	INVALID: 132,
} as const;

/** The arithmetic ops are those up to here, moves apart; of neg and the byte orders s is d. */
export const LAST_ARITHMETIC = 44;

const MOVES: Partial<Record<Op, number>> = {
	mov32: LOWERED.MOV32,
	mov64: LOWERED.MOV64,
	movsx8_32: LOWERED.MOVSX8_32,
	movsx16_32: LOWERED.MOVSX16_32,
	movsx8_64: LOWERED.MOVSX8_64,
	movsx16_64: LOWERED.MOVSX16_64,
	movsx32_64: LOWERED.MOVSX32_64,
};

/** First constant's index in the register file; r0-r10 come before, two words each. */
export const FIRST_CONSTANT = 32;

/** The constants of all programs of a machine. Two constants of equal bits and provenance are one. */
export class ConstantPool {
	#values: { low: number; high: number; provenance: number }[] = [];
	#index = new Map<string, number>();

	/** Index in the register file. */
	add(low: number, high: number, provenance: number): number {
		const key = `${low},${high},${provenance}`;
		let index = this.#index.get(key);
		if (index === undefined) {
			index = FIRST_CONSTANT + 2 * this.#values.length;
			this.#values.push({ low, high, provenance });
			this.#index.set(key, index);
		}
		return index;
	}

	/** Words that a register file needs. */
	get size(): number {
		return FIRST_CONSTANT + 2 * this.#values.length;
	}

	/** Writes the constants into a register file and their provenance beside it. */
	fill(registers: Int32Array, provenance: Int32Array): void {
		this.#values.forEach((value, i) => {
			const at = FIRST_CONSTANT + 2 * i;
			registers[at] = value.low;
			registers[at + 1] = value.high;
			provenance[at] = value.provenance;
		});
	}
}

/** What lowering asks of the machine: addresses, and the provenance that goes with them. */
export interface Resolver {
	map(index: number): { readonly address: number; readonly provenance: number };
	mapValue(index: number, offset: number): { readonly address: number; readonly provenance: number };
	function(insn: number): { readonly address: number; readonly provenance: number };
}

/** Lowers a program. Undefined instructions become INVALID, which faults when it is reached. */
export function lower(
	program: LinkedProgram,
	maps: readonly LinkedMap[],
	index: number,
	pool: ConstantPool,
	resolver: Resolver,
): LoweredProgram {
	const { insns } = program;
	// one slot more: running off the end lands on INVALID
	const code = new Int32Array((insns.length + 1) * STRIDE);
	for (let i = 0; i <= insns.length; i++) code[i * STRIDE] = LOWERED.INVALID;
	const number = (value: number) => pool.add(value, value >> 31, 0);
	const target = (insn: number) => (insn >= 0 && insn < insns.length ? insn : insns.length) * STRIDE;

	for (let i = 0; i < insns.length; i++) {
		const insn = insns[i]!;
		const op = opOf(insn, "conformance");
		if (op === undefined) continue;
		const row: Row = TABLE[op];
		let num: number = MOVES[op] ?? row.num;
		let d = insn.dst * 2;
		let s = operandOf(insn, row) === "k" ? number(insn.imm) : insn.src * 2;
		let a = insn.off;
		switch (row.family) {
			case "neg":
			case "endian":
				s = d;
				break;
			case "ja":
			case "jcond":
			case "may_goto":
				a = target(i + 1 + insn.off);
				break;
			case "ja32":
				num = OP.ja;
				a = target(i + 1 + insn.imm);
				break;
			case "call":
				if (op === "call_local") a = target(i + 1 + insn.imm);
				else a = insn.imm;
				if (op === "call" && insn.imm === TAIL_CALL_ID) num = LOWERED.TAIL_CALL;
				break;
			case "st":
				num = STORE_OF[op as OpOf<"st">];
				s = number(insn.imm);
				break;
			case "lddw":
				num = LOWERED.CONSTANT;
				s = constant(op, i);
				if (s < 0) continue;
				break;
			case "ld_abs":
			case "ld_ind":
				d = 0;
				a = insn.imm;
				break;
			case "addr_space_cast":
				a = insn.imm;
				break;
		}
		code.set([num, d, s, a], i * STRIDE);
		i += slotsOf(insn) - 1;
	}
	return { program, maps, code, index };

	function constant(op: Op, i: number): number {
		const insn = insns[i]!;
		const next = insns[i + 1];
		if (next === undefined) return -1;
		switch (op) {
			case "lddw": {
				const value = imm64(insn, next);
				return pool.add(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)), 0);
			}
			case "lddw_map_idx": {
				const { address, provenance } = resolver.map(insn.imm);
				return pool.add(address | 0, 0, provenance);
			}
			case "lddw_map_idx_value": {
				const { address, provenance } = resolver.mapValue(insn.imm, next.imm);
				return pool.add(address | 0, 0, provenance);
			}
			case "lddw_func": {
				const { address, provenance } = resolver.function(i + 1 + insn.imm);
				return pool.add(address | 0, 0, provenance);
			}
			default:
				return -1; // descriptors and BTF ids mean something only to a kernel
		}
	}
}

/** bpf_tail_call's helper id. */
const TAIL_CALL_ID = 12;

const STORE_OF = { stb: OP.stxb, sth: OP.stxh, stw: OP.stxw, stdw: OP.stxdw } as const;
