/** What the verifier keeps about each instruction of a program (kernel: struct bpf_insn_aux_data), as columns. */
export class InsnAux {
	/** Bits of INSN. */
	readonly flags: Uint8Array;
	/** Registers that are read before they are written, from here on: bit n is rn. */
	readonly liveRegs: Uint16Array;
	/** Loop (strongly connected component) that the instruction is in; 0: none. */
	readonly scc: Int32Array;
	/** Of a memory access: the kind of pointer seen here first. */
	readonly ptrType: Int32Array;
	/** Of a lddw: index of the map, or -1. */
	readonly mapIndex: Int32Array;
	/** Of a direct map value: its offset. */
	readonly mapOffset: Int32Array;

	constructor(count: number) {
		this.flags = new Uint8Array(count);
		this.liveRegs = new Uint16Array(count);
		this.scc = new Int32Array(count);
		this.ptrType = new Int32Array(count);
		this.mapIndex = new Int32Array(count).fill(-1);
		this.mapOffset = new Int32Array(count);
	}

	has(insn: number, flag: number): boolean {
		return (this.flags[insn]! & flag) !== 0;
	}

	mark(insn: number, flag: number): void {
		this.flags[insn]! |= flag;
	}
}

export const INSN = {
	/** States are compared here. */
	PRUNE: 1,
	/** The way here is recorded for backtracking. */
	JUMP: 2,
	/** A state is always kept here. */
	CHECKPOINT: 4,
	/** Calls a helper that calls back. */
	CALLBACK: 8,
	/** Speculation must not pass (kernel: aux->nospec), and what is behind it (nospec_result). */
	NOSPEC: 16,
	NOSPEC_RESULT: 32,
	/** Part of a spill or fill around a bpf_fastcall, which the kernel removes. */
	FASTCALL: 64,
	SEEN: 128,
} as const;
