import { TailhopError } from "../errors/index.ts";
import { type MapInstance, RING_LAYOUT } from "../maps/index.ts";
import { ALLOCATOR } from "../memory/index.ts";
import { mapAt, unsupported } from "./map-ops.ts";
import { returnU64 } from "./time.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Ring buffers (kernel/bpf/ringbuf.c). */
export const ringbufPrototypes = [
	{ id: 130, name: "ringbuf_output", args: ["map", "mem_in", "size_or_zero", "anything"], returns: "int" },
	{
		id: 131,
		name: "ringbuf_reserve",
		args: ["map", "alloc_size", "anything"],
		returns: "mem_or_null",
		acquires: true,
	},
	{ id: 132, name: "ringbuf_submit", args: ["ringbuf_mem", "anything"], returns: "void", releases: 1 },
	{ id: 133, name: "ringbuf_discard", args: ["ringbuf_mem", "anything"], returns: "void", releases: 1 },
	{ id: 134, name: "ringbuf_query", args: ["map", "anything"], returns: "u64" },
] as const satisfies readonly HelperPrototype[];

const [output, reserve, submit, discard, query] = ringbufPrototypes;

/** Stands for a u64 that is too large to be a size or a known flag. */
const TOO_MUCH = 0x7fff_ffff;

function u31(runtime: HelperRuntime, index: number, low: number): number {
	return runtime.argHi[index] !== 0 || low < 0 ? TOO_MUCH : low;
}

export const ringbufHelpers: readonly Helper[] = [
	{
		prototype: output,
		run(rt, address, data, size, flags) {
			const map = mapAt(rt, address, output.name);
			const ring = map.ring ?? unsupported(map, output.name);
			const result = ring.output(data >>> 0, u31(rt, 2, size), u31(rt, 3, flags));
			if (result === 0) committed(rt, map);
			return result;
		},
	},
	{
		prototype: reserve,
		run(rt, address, size, flags) {
			const map = mapAt(rt, address, reserve.name);
			const ring = map.ring ?? unsupported(map, reserve.name);
			return ring.reserve(u31(rt, 1, size), u31(rt, 2, flags));
		},
	},
	// unknown flags of submit and discard mean nothing to 6.18
	{ prototype: submit, run: (rt, sample) => finishRecord(rt, sample >>> 0, "submit") },
	{ prototype: discard, run: (rt, sample) => finishRecord(rt, sample >>> 0, "discard") },
	{
		prototype: query,
		run(rt, address, what) {
			const map = mapAt(rt, address, query.name);
			const ring = map.ring ?? unsupported(map, query.name);
			return returnU64(rt, BigInt(ring.query(u31(rt, 1, what))));
		},
	},
];

/** The ring that a record is in is found by asking all of them, the last made first: a program has few. */
export function finishRecord(rt: HelperRuntime, sample: number, how: "submit" | "discard"): number {
	for (
		let header = rt.memory.u32(ALLOCATOR.RINGBUFS);
		header !== 0;
		header = rt.memory.u32(header + RING_LAYOUT.CHAIN)
	) {
		const map = rt.map(header);
		if (map?.ring?.[how](sample) !== 0) continue;
		committed(rt, map);
		return 0;
	}
	throw new TailhopError(
		"fault/argument",
		`bpf_ringbuf_${how}: 0x${sample.toString(16)} is not a record that is being written`,
		{},
		{ hint: "Pass what bpf_ringbuf_reserve returned, once." },
	);
}

/** Discarding commits too: records behind it can be read now. */
function committed(rt: HelperRuntime, map: MapInstance): void {
	if (rt.ringbufCommitted) rt.ringbufCommitted(map);
	else readRing(rt, map);
}

/** The consumer: gives every committed record to the outside, in the ring's order, and its room back. */
export function readRing(rt: Pick<HelperRuntime, "output">, map: MapInstance): void {
	for (let data = map.ring?.consume(); data !== undefined; data = map.ring?.consume()) {
		rt.output({ kind: "ringbuf", map: map.def.name, data });
	}
}
