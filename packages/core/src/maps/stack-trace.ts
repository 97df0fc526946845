import { MAP_FLAG } from "../isa/index.ts";
import { BaseMap } from "./base.ts";
import { E2BIG, EINVAL, ENOENT } from "./errno.ts";
import type { MapKind } from "./kind.ts";
import { HEADER_SIZE } from "./layout.ts";

/** kernel/bpf/stackmap.c. Programs here have no kernel stack, so it stays empty; bpf_get_stackid is not there. */
class StackTrace extends BaseMap {
	protected override getFromHost(): number {
		return ENOENT;
	}

	protected override takeFromHost(): number {
		return ENOENT;
	}

	/** Past the buckets, max_entries rounded up to a power of two: E2BIG. */
	protected override deleteFromHost(key: number): number {
		const buckets = 2 ** Math.ceil(Math.log2(this.def.maxEntries));
		return this.runtime.memory.u32(key) >= buckets ? E2BIG : ENOENT;
	}

	protected override nextFromHost(): number {
		return ENOENT;
	}
}

/** sysctl kernel.perf_event_max_stack. */
const MAX_DEPTH = 127;

export const stackTrace: MapKind = {
	type: 7,
	name: "stack_trace",
	flags: MAP_FLAG.NUMA_NODE | MAP_FLAG.RDONLY | MAP_FLAG.WRONLY | MAP_FLAG.STACK_BUILD_ID,
	check({ keySize, valueSize, maxEntries, flags }) {
		const entry = flags & MAP_FLAG.STACK_BUILD_ID ? 32 : 8;
		if (maxEntries === 0 || keySize !== 4 || valueSize < 8 || valueSize % entry !== 0) return EINVAL;
		return valueSize / entry > MAX_DEPTH ? EINVAL : 0;
	},
	controlNeed: () => HEADER_SIZE,
	setup: () => 0,
	open: (context) => new StackTrace(context),
};
