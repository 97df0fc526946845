import { E2BIG, EINVAL } from "./errno.ts";
import type { Helper, HelperPrototype } from "./types.ts";

/** BPF_MAX_LOOPS. */
export const MAX_LOOPS = 1 << 23;

/** bpf_loop (kernel/bpf/bpf_iter.c). */
export const loopPrototypes = [
	{ id: 181, name: "loop", args: ["anything", "func", "stack_or_null", "anything"], returns: "u64" },
] as const satisfies readonly HelperPrototype[];

const [loop] = loopPrototypes;

export const loopHelpers: readonly Helper[] = [
	{
		prototype: loop,
		callback: 2,
		callbackArgs: ["number", 3],
		/**
		 * r0 is the number of iterations done, the one that said stop included.
		 *
		 * With constant zero flags and one callback (what compilers emit) the kernel replaces the call by a loop of its
		 * own, which compares the count in all 64 bits and answers -E2BIG zero-extended: that form is the one modelled.
		 * The call proper, with flags that happen to be zero, would drop the count's upper half and sign-extend.
		 */
		iterate(rt, count, _function, context, flags) {
			if (flags !== 0 || rt.argHi[3] !== 0) {
				rt.resultHi = -1;
				return EINVAL;
			}
			rt.resultHi = 0;
			if (rt.argHi[0] !== 0 || count >>> 0 > MAX_LOOPS) return E2BIG;
			const ctx = [context, rt.argHi[2] ?? 0] as const;
			let done = 0;
			return {
				next(previous) {
					if (done === count || (previous !== undefined && previous !== 0)) return undefined;
					return [done++, ctx];
				},
				result() {
					// the callback may have called helpers that left something here
					rt.resultHi = 0;
					return done;
				},
			};
		},
	},
];
