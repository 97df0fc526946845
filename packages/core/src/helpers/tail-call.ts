import type { HelperPrototype } from "./types.ts";

/** Tail calls that one invocation may make (MAX_TAIL_CALL_CNT). */
export const MAX_TAIL_CALLS = 33;

/** Why a tail call did what it did; the order is the kernel's order of checks. Compiled code names one by its index. */
export const OUTCOMES = ["taken", "out-of-range", "limit", "empty"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * bpf_tail_call: not a function that returns, so its implementation is the engine's. On success it does not come
 * back; when it falls through, r0 is not readable ("void") and the packet pointers of the same frame stay valid.
 */
export const tailCallPrototypes = [
	{ id: 12, name: "tail_call", args: ["ctx", "map", "anything"], returns: "void" },
] as const satisfies readonly HelperPrototype[];
