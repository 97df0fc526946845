import type { Env } from "../env.ts";
import { isFunctionPointer, isLocalCall, subprogramAt } from "./subprograms.ts";

const MAX_STACK = 512;
const MAX_FRAMES = 8;
const TAIL_CALL_STACK = 256;
const round = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** All frames of any chain of calls fit into the stack (kernel: check_max_stack_depth). */
export function checkStackDepth(env: Env): void {
	for (const [i, each] of env.subprograms.entries()) if (i === 0 || each.isAsyncCallback) checkFrom(env, i);
}

function checkFrom(env: Env, first: number): void {
	const { insns, subprograms, log } = env;
	const callers: { idx: number; insn: number; tail: boolean }[] = [];
	let idx = first;
	let depth = 0;
	let frames = 0;
	let tail = false;
	for (;;) {
		// a frame of the kernel's own may lie between: callers of tail calls keep 256 bytes for the target
		if (idx > 0 && subprograms[idx]!.hasTailCall && depth >= TAIL_CALL_STACK)
			log.reject(
				"EACCES",
				`tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`,
			);
		depth += round(subprograms[idx]!.stackDepth);
		if (depth > MAX_STACK)
			log.reject("EACCES", `combined stack size of ${frames + 1} calls is ${depth}. Too large`);
		let i = subprograms[idx]!.start;
		for (;;) {
			let next = -1;
			for (; i < subprograms[idx]!.end; i++) {
				const insn = insns[i]!;
				if (!isLocalCall(insn) && !isFunctionPointer(insn)) continue;
				const target = subprogramAt(subprograms, i + insn.imm + 1);
				if (subprograms[target]!.isAsyncCallback) continue;
				next = target;
				break;
			}
			if (next >= 0) {
				callers.push({ idx, insn: i + 1, tail });
				idx = next;
				tail ||= subprograms[idx]!.hasTailCall;
				frames++;
				if (frames >= MAX_FRAMES) log.reject("E2BIG", `the call stack of ${frames} frames is too deep !`);
				break;
			}
			// the end of the subprogram: back to its caller
			const caller = callers.pop();
			if (caller === undefined) return;
			depth -= round(subprograms[idx]!.stackDepth);
			frames--;
			idx = caller.idx;
			i = caller.insn;
			tail = caller.tail;
		}
	}
}
