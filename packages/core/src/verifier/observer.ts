import type { Walk } from "./walk/walk.ts";

/**
 * Is told what the verifier walks. The walk goes over one path at a time: where it takes up a branch that waited, the
 * observed path is shortened to what it was there.
 */
export interface WalkObserver {
	/** The walk of a subprogram that is verified on its own begins: 0, or a global one. */
	begin(subprog: number): void;
	/** An instruction counts as processed; all visits together are the kernel's "processed N insns". */
	visit(insn: number): void;
	/** An instruction is about to be checked, in the state that `walk.cur` is. */
	step(walk: Walk, insn: number): void;
	/** Length of the path so far. */
	mark(): number;
	/** Back to a path of that length. */
	rewind(mark: number): void;
}
