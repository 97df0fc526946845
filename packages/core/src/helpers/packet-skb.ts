import type { LinearMemory } from "../memory/index.ts";
import { EFAULT, EINVAL, ENOMEM } from "./errno.ts";
import { fits, PACKET, packetLength } from "./packet.ts";
import { clearHash } from "./skb-meta.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** An skb's bytes, read and written (net/core/filter.c). */
export const skbPrototypes = [
	{
		id: 9,
		name: "skb_store_bytes",
		args: ["ctx", "anything", "mem_in", "size", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 26, name: "skb_load_bytes", args: ["ctx", "anything", "mem_out", "size"], returns: "int" },
	{ id: 39, name: "skb_pull_data", args: ["ctx", "anything"], returns: "int", changesPacket: true },
	{
		id: 68,
		name: "skb_load_bytes_relative",
		args: ["ctx", "anything", "mem_out", "size", "anything"],
		returns: "int",
	},
] as const satisfies readonly HelperPrototype[];

const [storeBytes, loadBytes, pullData, loadBytesRelative] = skbPrototypes;

const RECOMPUTE_CSUM = 1;
const INVALIDATE_HASH = 2;

/** BPF_HDR_START_*. */
const START = { MAC: 0, NET: 1 } as const;

/** Copies `size` bytes to `to`, or clears them there and says EFAULT. */
function copyOut(rt: HelperRuntime, from: number | undefined, to: number, size: number): number {
	const { u8 } = rt.memory;
	const start = to >>> 0;
	if (from === undefined || from + (size >>> 0) > rt.memory.u32(PACKET.END)) {
		u8.fill(0, start, start + (size >>> 0));
		return EFAULT;
	}
	u8.copyWithin(start, from, from + (size >>> 0));
	return 0;
}

/** __bpf_skb_store_bytes; the flags are r5. */
export function storeSkb(
	rt: HelperRuntime,
	offset: number,
	from: number,
	size: number,
	flags: number,
): number {
	const { memory } = rt;
	// RECOMPUTE_CSUM corrects skb->csum, which a test run's skb doesn't have
	if ((flags & ~(RECOMPUTE_CSUM | INVALIDATE_HASH)) !== 0 || rt.argHi[4] !== 0) return EINVAL;
	if (offset < 0 || !fits(memory, offset, size)) return EFAULT;
	const start = from >>> 0;
	memory.u8.copyWithin(memory.u32(PACKET.DATA) + offset, start, start + (size >>> 0));
	if (flags & INVALIDATE_HASH) clearHash(memory);
	return 0;
}

/** __bpf_skb_load_bytes. */
export function loadSkb(rt: HelperRuntime, offset: number, to: number, size: number): number {
	return copyOut(rt, offset < 0 ? undefined : rt.memory.u32(PACKET.DATA) + offset, to, size);
}

export const skbHelpers: readonly Helper[] = [
	{
		prototype: storeBytes,
		run: (rt, _ctx, offset, from, size, flags) => storeSkb(rt, offset, from, size, flags),
	},
	{
		prototype: loadBytes,
		run: (rt, _ctx, offset, to, size) => loadSkb(rt, offset, to, size),
	},
	{
		prototype: pullData,
		/** The packet is linear and writable: only a length beyond it fails. 0 means all of it. */
		run: (rt, _ctx, length) => (length >>> 0 > packetLength(rt.memory) ? ENOMEM : 0),
	},
	{
		prototype: loadBytesRelative,
		run(rt, _ctx, offset, to, size, header) {
			const known = header === START.MAC || header === START.NET;
			if (offset >>> 0 > 0xffff || !known) return copyOut(rt, undefined, to, size);
			const start = rt.memory.u32(header === START.MAC ? PACKET.MAC : PACKET.NETWORK);
			return copyOut(rt, start + offset, to, size);
		},
	},
];

/** linux/filter.h SKF_*_OFF: negative offsets of packet loads start at the network or the MAC header. */
const SKF_NET_OFF = -0x10_0000;
const SKF_LL_OFF = -0x20_0000;

/**
 * LD_ABS and LD_IND (RFC 9669 section 5.5; kernel: bpf_skb_load_helper_*): the big-endian number of 1, 2 or 4 bytes at
 * a signed offset, from data on (tc: the MAC header; socket filters: the network header). undefined: out of the
 * packet, and the program ends with 0.
 */
export function loadAbsolute(memory: LinearMemory, offset: number, size: 1 | 2 | 4): number | undefined {
	const at = loadAddress(memory, offset);
	if (at === undefined || at + size > memory.u32(PACKET.END)) return undefined;
	const { view } = memory;
	return size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at) : view.getUint32(at);
}

function loadAddress(memory: LinearMemory, offset: number): number | undefined {
	if (offset >= 0) return memory.u32(PACKET.DATA) + offset;
	if (offset >= SKF_NET_OFF) return memory.u32(PACKET.NETWORK) + offset - SKF_NET_OFF;
	if (offset >= SKF_LL_OFF) return memory.u32(PACKET.MAC) + offset - SKF_LL_OFF;
	return undefined;
}
