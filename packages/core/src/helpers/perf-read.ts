import { E2BIG, EINVAL, ENOENT } from "./errno.ts";
import { implement } from "./implement.ts";
import { mapAt } from "./map-ops.ts";
import { taskPrototypes } from "./tasks.ts";
import { returnU64 } from "./time.ts";
import type { HelperRuntime } from "./types.ts";

/**
 * Counters behind the slots of a perf event array (kernel/trace/bpf_trace.c). The only events are the readers of
 * perf_event_output, one a CPU, whose counters stay 0.
 */

/** BPF_F_CURRENT_CPU: the flags' low half, BPF_F_INDEX_MASK, all ones. */
const CURRENT_CPU = 0xffff_ffff;
/** struct bpf_perf_event_value: counter, time enabled, time running; u64s. */
const VALUE_SIZE = 24;

/** 0 where the slot has an event of this CPU. */
function counter(rt: HelperRuntime, helper: string, address: number, flags: number): number {
	const map = mapAt(rt, address, helper);
	if (rt.argHi[1] !== 0) return EINVAL;
	const slot = flags >>> 0 === CURRENT_CPU ? rt.cpu : flags >>> 0;
	if (slot >= map.def.maxEntries) return E2BIG;
	if (!map.slots?.word(slot)) return ENOENT;
	return slot === rt.cpu ? 0 : EINVAL;
}

export const perfReadHelpers = /* @__PURE__ */ implement(taskPrototypes, {
	22: (rt, map, flags) => returnU64(rt, BigInt(counter(rt, "perf_event_read", map, flags))),
	55(rt, map, flags, buffer, size) {
		const result = size === VALUE_SIZE ? counter(rt, "perf_event_read_value", map, flags) : EINVAL;
		const at = buffer >>> 0;
		rt.memory.u8.fill(0, at, at + size);
		if (result !== 0) return result;
		const time = rt.clock();
		rt.memory.setU64(at + 8, time);
		rt.memory.setU64(at + 16, time);
		return 0;
	},
});
