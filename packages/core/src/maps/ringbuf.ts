import { MAP_FLAG } from "../isa/index.ts";
import { BaseMap } from "./base.ts";
import { EINVAL, ENOTSUPP } from "./errno.ts";
import type { MapContext, MapKind } from "./kind.ts";
import { HEADER_SIZE } from "./layout.ts";
import type { Ring } from "./types.ts";

const PAGE_SIZE = 4096;
/** BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP: nobody sleeps here, so both mean nothing, but others are refused. */
const WAKEUP_FLAGS = 3;

/** kernel/bpf/ringbuf.c. Element operations are ENOTSUPP; everything else is in `ring`. */
class RingbufMap extends BaseMap {
	readonly ring: Ring;

	constructor(context: MapContext) {
		super(context);
		const { code, memory } = context.runtime;
		const { address } = context;
		this.ring = {
			reserve: (size, flags) => (flags !== 0 ? 0 : code.ringbufReserve(address, size) >>> 0),
			submit: (sample) => code.ringbufSubmit(address, sample, 0),
			discard: (sample) => code.ringbufSubmit(address, sample, 1),
			output: (data, size, flags) =>
				(flags & ~WAKEUP_FLAGS) !== 0 ? EINVAL : code.ringbufOutput(address, data, size),
			query: (what) => code.ringbufQuery(address, what),
			consume() {
				const record = code.ringbufPeek(address) >>> 0;
				if (record === 0) return undefined;
				const length = memory.u32(record - 8) & 0x3fffffff;
				const data = memory.read(record, Math.min(length, context.def.maxEntries));
				code.ringbufAdvance(address);
				return data;
			},
		};
	}

	protected override putFromHost(): number {
		return ENOTSUPP;
	}

	protected override deleteFromHost(): number {
		return ENOTSUPP;
	}

	override *hostEntries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {}
}

export const ringbuf: MapKind = {
	type: 27,
	name: "ringbuf",
	flags: MAP_FLAG.NUMA_NODE,
	check({ keySize, valueSize, maxEntries }) {
		const pages = maxEntries / PAGE_SIZE;
		return keySize || valueSize || pages < 1 || !Number.isInteger(Math.log2(pages)) ? EINVAL : 0;
	},
	controlNeed: () => HEADER_SIZE,
	setup({ runtime, address }) {
		runtime.code.ringbufCreate(address);
		return 0;
	},
	open: (context) => new RingbufMap(context),
};
