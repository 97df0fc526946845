import { CALL, type Insn, opOf, TABLE } from "../isa/index.ts";
import { MACHINE } from "../memory/index.ts";
import type { LinkedProgram } from "../spec/index.ts";
import type { FunctionType } from "./module.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

// The calling convention. A tail call needs equal results, not equal parameters: a subprogram may leave for a program.

/** The context, r10, and the tail calls that the invocation has spent. */
export const PROGRAM: FunctionType = { params: [T.i32, T.i32, T.i32], results: [T.i64] };
/** Parameter of a program that counts tail calls. */
export const COUNT = 2;

/** r1 to r5, and r10. */
export const SUBPROGRAM: FunctionType = {
	params: [T.i64, T.i64, T.i64, T.i64, T.i64, T.i32],
	results: [T.i64],
};

/** A program's entry for the host: the context and r10; r0's low half, the other in memory. */
export const ENTRY: FunctionType = { params: [T.i32, T.i32], results: [T.i32] };

// The count of tail calls is one an invocation, shared with subprograms by reference. A program keeps it in its
// parameter (measured: a chain of loads and stores of one word costs 0.6 ns a hop), and the word in memory is right
// wherever a function begins or ends: programs store theirs at the exit and before calls of what may tail call, and
// load it afterwards.

/** The word into the local. */
export function loadCount(t: Translator, local: number): void {
	t.writer.i32(0);
	t.writer.memory(W.i32_load, MACHINE.TAIL_CALLS, 2);
	t.writer.set(local);
}

/** The local into the word. */
export function storeCount(t: Translator, local: number): void {
	t.writer.i32(0);
	t.writer.get(local);
	t.writer.memory(W.i32_store, MACHINE.TAIL_CALLS, 2);
}

/** First instructions of the functions that tail call, themselves or through what they call. */
export function tailCallers({ insns, functions }: LinkedProgram): ReadonlySet<number> {
	const found = new Set<number>();
	// a program of one function calls none, unless it calls itself
	if (functions.length <= 1 && !callsItself(insns)) return found;
	const callees = functions.map(({ start, end }) => {
		const starts = new Set<number>();
		for (let i = start; i < end; i++) {
			const op = opOf(insns[i]!);
			const { imm } = insns[i]!;
			if (op === "call" && imm === TAIL_CALL_ID) found.add(start);
			// a callback is called by whoever is given its address
			if (op === "call_local" || op === "lddw_func") starts.add(i + 1 + imm);
		}
		return { start, starts };
	});
	for (let size = -1; size !== found.size; ) {
		size = found.size;
		for (const { start, starts } of callees)
			if ([...starts].some((each) => found.has(each))) found.add(start);
	}
	return found;
}

export const TAIL_CALL_ID = 12;

/** Whether a function that is alone in its program calls: itself, then. */
export function callsItself(insns: readonly Insn[]): boolean {
	// a loop: V8 is slow with callbacks over frozen arrays (measured: a seventh of the translation)
	for (let i = 0; i < insns.length; i++) {
		const { opcode, src, imm } = insns[i]!;
		if (opcode === TABLE.call_local.opcode && src === CALL.LOCAL && i + 1 + imm === 0) return true;
	}
	return false;
}
