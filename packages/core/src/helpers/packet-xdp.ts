import { EACCES, EFAULT, EINVAL, EOPNOTSUPP } from "./errno.ts";
import { ETH_HLEN, PACKET, PAGE_SIZE, packetLength, refreshContext } from "./packet.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** An xdp_buff's bounds and bytes, fragments included (net/core/filter.c). */
export const xdpPrototypes = [
	{ id: 44, name: "xdp_adjust_head", args: ["ctx", "anything"], returns: "int", changesPacket: true },
	{ id: 54, name: "xdp_adjust_meta", args: ["ctx", "anything"], returns: "int", changesPacket: true },
	{ id: 65, name: "xdp_adjust_tail", args: ["ctx", "anything"], returns: "int", changesPacket: true },
	{ id: 188, name: "xdp_get_buff_len", args: ["ctx"], returns: "u64" },
	{ id: 189, name: "xdp_load_bytes", args: ["ctx", "anything", "mem_out", "size"], returns: "int" },
	{ id: 190, name: "xdp_store_bytes", args: ["ctx", "anything", "mem_in", "size"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [adjustHead, adjustMeta, adjustTail, buffLength, loadBytes, storeBytes] = xdpPrototypes;

/** Fragments grow by what is left in the last one's page, and shrink from the end; then the linear part shrinks. */
function adjustFragments(rt: HelperRuntime, offset: number): number {
	const { memory } = rt;
	const length = memory.u32(PACKET.FRAGS_LENGTH);
	if (offset < 0) {
		// the kernel negates it in 32 bits
		if (offset === -0x8000_0000) return 0;
		if (-offset > packetLength(memory) - ETH_HLEN) return EINVAL;
		const freed = Math.min(-offset, length);
		memory.setU32(PACKET.FRAGS_LENGTH, length - freed);
		memory.setU32(PACKET.END, memory.u32(PACKET.END) + offset + freed);
		return 0;
	}
	// A test run lends lo's queue a fragment size; other devices, as most drivers, have none.
	if (memory.u32(PACKET.INGRESS_IN) > 1) return EOPNOTSUPP;
	const tailroom = (PAGE_SIZE - (length % PAGE_SIZE)) % PAGE_SIZE;
	if (offset > tailroom) return EINVAL;
	const at = memory.u32(PACKET.FRAGS) + length;
	memory.u8.fill(0, at, at + offset);
	memory.setU32(PACKET.FRAGS_LENGTH, length + offset);
	return 0;
}

function adjustLinear(rt: HelperRuntime, offset: number): number {
	const { memory } = rt;
	const end = memory.u32(PACKET.END) + offset;
	if (end > memory.u32(PACKET.LIMIT) || end < memory.u32(PACKET.DATA) + ETH_HLEN) return EINVAL;
	if (offset > 0) memory.u8.fill(0, end - offset, end);
	memory.setU32(PACKET.END, end);
	return 0;
}

/** Copies between a buffer and the packet, across the end of the linear part. */
export function copyXdp(
	rt: HelperRuntime,
	offset: number,
	buffer: number,
	size: number,
	store: boolean,
): number {
	const { memory } = rt;
	if (offset >>> 0 > 0xffff || size >>> 0 > 0xffff) return EFAULT;
	if (offset + size > packetLength(memory)) return EINVAL;
	const data = memory.u32(PACKET.DATA);
	const linear = memory.u32(PACKET.END) - data;
	const here = Math.max(0, Math.min(size, linear - offset));
	const parts = [
		{ at: data + offset, from: 0, length: here },
		{ at: memory.u32(PACKET.FRAGS) + offset + here - linear, from: here, length: size - here },
	];
	for (const { at, from, length } of parts) {
		if (length === 0) continue;
		const other = (buffer >>> 0) + from;
		if (store) memory.u8.copyWithin(at, other, other + length);
		else memory.u8.copyWithin(other, at, at + length);
	}
	return 0;
}

export const xdpHelpers: readonly Helper[] = [
	{
		prototype: adjustHead,
		/** Metadata moves along with the start. */
		run(rt, _ctx, offset) {
			const { memory } = rt;
			const meta = memory.u32(PACKET.META);
			const data = memory.u32(PACKET.DATA);
			const metaLength = data - meta;
			const start = data + offset;
			if (start < memory.u32(PACKET.BUFFER) + metaLength || start > memory.u32(PACKET.END) - ETH_HLEN)
				return EINVAL;
			memory.u8.copyWithin(meta + offset, meta, data);
			memory.setU32(PACKET.META, meta + offset);
			memory.setU32(PACKET.DATA, start);
			refreshContext(memory);
			return 0;
		},
	},
	{
		prototype: adjustMeta,
		run(rt, _ctx, offset) {
			const { memory } = rt;
			const meta = memory.u32(PACKET.META) + offset;
			const data = memory.u32(PACKET.DATA);
			if (meta < memory.u32(PACKET.BUFFER) || meta > data) return EINVAL;
			// xdp_metalen_invalid: whole words that skb_shared_info's u8 can count
			if ((data - meta) % 4 !== 0 || data - meta > 0xff) return EACCES;
			memory.setU32(PACKET.META, meta);
			refreshContext(memory);
			return 0;
		},
	},
	{
		prototype: adjustTail,
		run(rt, _ctx, offset) {
			const fragments = rt.memory.u32(PACKET.FRAGS_LENGTH) !== 0;
			const result = fragments ? adjustFragments(rt, offset) : adjustLinear(rt, offset);
			refreshContext(rt.memory);
			return result;
		},
	},
	{
		prototype: buffLength,
		run(rt) {
			rt.resultHi = 0;
			return packetLength(rt.memory);
		},
	},
	{
		prototype: loadBytes,
		run: (rt, _ctx, offset, to, size) => copyXdp(rt, offset, to, size, false),
	},
	{
		prototype: storeBytes,
		run: (rt, _ctx, offset, from, size) => copyXdp(rt, offset, from, size, true),
	},
];
