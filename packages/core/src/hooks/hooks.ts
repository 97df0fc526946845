import { cgroupSkbHook } from "./cgroup-skb.ts";
import { socketFilterHook } from "./socket-filter.ts";
import { schedActHook, schedClsHook } from "./tc.ts";
import type { Hook } from "./types.ts";
import { xdpHook } from "./xdp.ts";

/** Linux's program types that Tailhop runs: the default of a Machine. */
export const HOOKS: readonly Hook[] = [socketFilterHook, schedClsHook, schedActHook, xdpHook, cgroupSkbHook];

/** The hook of a BPF_PROG_TYPE_*, among these. */
export function hookFor(programType: number, hooks: readonly Hook[] = HOOKS): Hook | undefined {
	return hooks.find((hook) => hook.programType === programType);
}
