import { E2BIG, EFAULT, EINVAL, ENOENT, EOPNOTSUPP } from "./errno.ts";
import { mapAt } from "./map-ops.ts";
import { PACKET, PACKET_KIND, packetLength } from "./packet.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Perf events (kernel/trace/bpf_trace.c bpf_event_output; net/core/filter.c bpf_skb_/bpf_xdp_event_output). */
export const perfPrototypes = [
	{
		id: 25,
		name: "perf_event_output",
		args: ["ctx", "map", "anything", "mem_in", "size_or_zero"],
		returns: "int",
		gplOnly: true,
	},
] as const satisfies readonly HelperPrototype[];

const [output] = perfPrototypes;

/** BPF_F_CURRENT_CPU: the flags' low half, BPF_F_INDEX_MASK, all ones. */
const CURRENT_CPU = 0xffff_ffff;
/** BPF_F_CTXLEN_MASK >> 32. */
const CONTEXT_LENGTH_MASK = 0xf_ffff;

export const perfHelpers: readonly Helper[] = [
	{
		prototype: output,
		/**
		 * The flags' low half is a slot of the map; bits 32-51 say how many bytes of the packet follow the data.
		 * A slot's word says whether it has a reader; the reader of slot i is bound to CPU i.
		 */
		run(rt, _context, address, flags, data, size) {
			const map = mapAt(rt, address, output.name);
			const hi = rt.argHi[2] ?? 0;
			const kind = rt.memory.u32(PACKET.KIND);
			// program types without a packet know the index only
			if ((hi & ~(kind === PACKET_KIND.NONE ? 0 : CONTEXT_LENGTH_MASK)) !== 0) return EINVAL;
			if (hi > 0 && hi > packetLength(rt.memory)) return EFAULT;
			const slot = flags >>> 0 === CURRENT_CPU ? rt.cpu : flags >>> 0;
			if (slot >= map.def.maxEntries) return E2BIG;
			if (!map.slots?.word(slot)) return ENOENT;
			if (slot !== rt.cpu) return EOPNOTSUPP;
			const bytes = new Uint8Array((size >>> 0) + hi);
			bytes.set(rt.memory.read(data >>> 0, size >>> 0));
			copyPacket(rt, bytes.subarray(size >>> 0));
			rt.output({ kind: "perf", map: map.def.name, cpu: slot, data: bytes });
			return 0;
		},
	},
];

/** The packet's first bytes, fragments included, as many as `into` takes. */
function copyPacket(rt: HelperRuntime, into: Uint8Array): void {
	const { memory } = rt;
	const data = memory.u32(PACKET.DATA);
	const linear = Math.min(into.length, memory.u32(PACKET.END) - data);
	into.set(memory.read(data, linear));
	if (linear < into.length) into.set(memory.read(memory.u32(PACKET.FRAGS), into.length - linear), linear);
}
