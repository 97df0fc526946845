import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Clocks (kernel/bpf/helpers.c). */
export const timePrototypes = [
	{ id: 5, name: "ktime_get_ns", args: [], returns: "u64" },
	{ id: 118, name: "jiffies64", args: [], returns: "u64" },
	{ id: 125, name: "ktime_get_boot_ns", args: [], returns: "u64" },
	{ id: 160, name: "ktime_get_coarse_ns", args: [], returns: "u64" },
	{ id: 208, name: "ktime_get_tai_ns", args: [], returns: "u64" },
] as const satisfies readonly HelperPrototype[];

const [mono, jiffies, boot, coarse, tai] = timePrototypes;

/** A tick of CONFIG_HZ=250, Debian's and Ubuntu's default. */
const TICK_NS = 4_000_000n;

/** INITIAL_JIFFIES: (unsigned int)(-300 * HZ), five minutes before the 32-bit counter wraps. */
const INITIAL_JIFFIES = 0x1_0000_0000n - 300n * 250n;

/** A u64 result: the low half is returned, the upper goes into `resultHi`. */
export function returnU64(runtime: HelperRuntime, value: bigint): number {
	runtime.resultHi = Number(BigInt.asIntN(32, value >> 32n));
	return Number(BigInt.asIntN(32, value));
}

export const timeHelpers: readonly Helper[] = [
	{ prototype: mono, run: (rt) => returnU64(rt, rt.clock()) },
	// the modelled machine never sleeps, so that boot time is monotonic time
	{ prototype: boot, run: (rt) => returnU64(rt, rt.clock()) },
	{
		prototype: coarse,
		run(rt) {
			const now = rt.clock();
			return returnU64(rt, now - (now % TICK_NS));
		},
	},
	// Linux starts with a TAI offset of 0 until user space sets it: TAI is CLOCK_REALTIME
	{ prototype: tai, run: (rt) => returnU64(rt, rt.clock() + (rt.environment.realtimeOffset ?? 0n)) },
	{ prototype: jiffies, run: (rt) => returnU64(rt, INITIAL_JIFFIES + rt.clock() / TICK_NS) },
];
