import type { KnownArgument } from "../flow/index.ts";
import { MAX_LOOPS } from "../helpers/index.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

export const BPF_LOOP = 181;

const E2BIG = 7;

/**
 * bpf_loop with a callback that is known and no flags: a loop with a direct call, as the kernel makes one
 * (inline_bpf_loop). Whether the call was done here.
 */
export function loopCall(t: Translator, args: readonly (KnownArgument | undefined)[]): boolean {
	const { writer: w, context } = t;
	const [, callback, , flags] = args;
	if (callback?.kind !== "function" || flags?.kind !== "number" || flags.value !== 0n) return false;
	const target = context.functions.get(callback.start);
	if (target === undefined) return false;
	const done = w.local(T.i64);
	t.push(1);
	w.i64(MAX_LOOPS);
	w.op(W.i64_gt_u, W.if, T.i64);
	w.i64(-E2BIG, 0);
	w.op(W.else);
	w.i64(0);
	w.set(done);
	w.op(W.block, T.void, W.loop, T.void);
	w.get(done);
	t.push(1);
	w.op(W.i64_eq);
	w.brIf(1);
	const call = () => {
		w.get(done);
		t.push(3);
		for (let i = 3; i <= 5; i++) w.i64(0);
		w.get(t.frame);
		w.call(target);
	};
	if (context.tailCallers.has(callback.start)) t.sharingCount(call);
	else call();
	w.get(done);
	w.i64(1);
	w.op(W.i64_add);
	w.set(done);
	// 0: the next round
	w.op(W.i32_wrap_i64, W.i32_eqz);
	w.brIf(0);
	w.op(W.end, W.end);
	w.get(done);
	w.op(W.end);
	t.pop(0);
	return true;
}
