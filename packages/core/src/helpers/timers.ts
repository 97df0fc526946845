import { EBUSY, EINVAL } from "./errno.ts";
import { implement } from "./implement.ts";
import { objectPrototypes } from "./objects.ts";

/**
 * Timers (kernel/bpf/helpers.c). A run is over before any timer fires, and nothing happens between runs: a timer
 * that was started stays started until it is cancelled, and its callback is never called.
 *
 * Of the 16 bytes of a struct bpf_timer in a map value, the first word keeps the state.
 */
const STATE = { INITIALISED: 1, HAS_CALLBACK: 2, STARTED: 4 } as const;

/** CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME. */
const CLOCKS = [0, 1, 7];
/** BPF_F_TIMER_ABS, BPF_F_TIMER_CPU_PIN. */
const START_FLAGS = 3;

export const timerHelpers = /* @__PURE__ */ implement(objectPrototypes, {
	169({ memory, argHi }, timer, _map, flags) {
		if (argHi[2] !== 0 || !CLOCKS.includes(flags)) return EINVAL;
		if (memory.u32(timer >>> 0) !== 0) return EBUSY;
		memory.setU32(timer >>> 0, STATE.INITIALISED);
		return 0;
	},
	170({ memory }, timer) {
		const state = memory.u32(timer >>> 0);
		if (state === 0) return EINVAL;
		memory.setU32(timer >>> 0, state | STATE.HAS_CALLBACK);
		return 0;
	},
	171({ memory, argHi }, timer, _ns, flags) {
		const state = memory.u32(timer >>> 0);
		if (argHi[2] !== 0 || (flags & ~START_FLAGS) !== 0 || !(state & STATE.HAS_CALLBACK)) return EINVAL;
		memory.setU32(timer >>> 0, state | STATE.STARTED);
		return 0;
	},
	/** The callback goes with it: it must be set again before the next start. */
	172({ memory }, timer) {
		const state = memory.u32(timer >>> 0);
		if (state === 0) return EINVAL;
		memory.setU32(timer >>> 0, STATE.INITIALISED);
		return state & STATE.STARTED ? 1 : 0;
	},
});
