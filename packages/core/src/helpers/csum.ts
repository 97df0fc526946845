import { EACCES, EFAULT, EINVAL, ENOTSUPP } from "./errno.ts";
import { CHECKSUM, fits, PACKET } from "./packet.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Internet checksums (net/core/filter.c; arithmetic of include/net/checksum.h). */
export const csumPrototypes = [
	{
		id: 10,
		name: "l3_csum_replace",
		args: ["ctx", "anything", "anything", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 11,
		name: "l4_csum_replace",
		args: ["ctx", "anything", "anything", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 28,
		name: "csum_diff",
		args: ["mem_in_or_null", "size_or_zero", "mem_in_or_null", "size_or_zero", "anything"],
		returns: "int",
	},
	{ id: 40, name: "csum_update", args: ["ctx", "anything"], returns: "int" },
	{ id: 135, name: "csum_level", args: ["ctx", "anything"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [l3CsumReplace, l4CsumReplace, csumDiff, csumUpdate, csumLevel] = csumPrototypes;

/** BPF_F_HDR_FIELD_MASK: the size of the field that changed. */
const FIELD_MASK = 0xf;
const PSEUDO_HDR = 0x10;
const MARK_MANGLED_0 = 0x20;
const MARK_ENFORCE = 0x40;
/** Tells l4_csum_replace not to touch skb->csum of IPv6; no effect without CHECKSUM_COMPLETE. */
const IPV6 = 0x80;

const CSUM_MANGLED_0 = 0xffff;

/** SKB_MAX_CSUM_LEVEL, and BPF_CSUM_LEVEL_*. */
const MAX_LEVEL = 3;
const LEVEL = { QUERY: 0, INC: 1, DEC: 2, RESET: 3 } as const;

/** One's complement sum of two 32-bit numbers: the carry comes in again. */
function add(a: number, b: number): number {
	const sum = (a >>> 0) + (b >>> 0);
	return (sum > 0xffff_ffff ? sum - 0xffff_ffff : sum) >>> 0;
}

/** A 32-bit sum in 16 bits; 0 only for 0. */
function fold(sum: number): number {
	const once = (sum & 0xffff) + (sum >>> 16);
	return (once & 0xffff) + (once >>> 16);
}

/**
 * csum_partial: 32-bit words in memory order, the last one filled up with zeros. Not folded, and 0xffffffff rather
 * than 0 unless all is zero, as on x86-64.
 */
function partial(rt: HelperRuntime, address: number, size: number, seed: number): number {
	const { view, u8 } = rt.memory;
	const start = address >>> 0;
	let sum = seed >>> 0;
	const whole = size & ~3;
	for (let at = 0; at < whole; at += 4) sum = add(sum, view.getUint32(start + at, true));
	for (let at = whole; at < size; at++) sum = add(sum, u8[start + at]! << (8 * (at - whole)));
	return sum;
}

/** Replaces the checksum at `offset` of the packet, or says why not. l4 differs in its flags alone. */
function replace(
	rt: HelperRuntime,
	offset: number,
	from: number,
	to: number,
	flags: number,
	allowed: number,
) {
	if ((flags & ~allowed) !== 0 || rt.argHi[4] !== 0) return EINVAL;
	if (offset >>> 0 > 0xffff || offset & 1) return EFAULT;
	if (!fits(rt.memory, offset, 2)) return EFAULT;
	const { view } = rt.memory;
	const at = rt.memory.u32(PACKET.DATA) + offset;
	const old = view.getUint16(at, true);
	const mangledZero = (flags & MARK_MANGLED_0) !== 0;
	if (mangledZero && (flags & MARK_ENFORCE) === 0 && old === 0) return 0;
	let sum: number;
	switch (flags & FIELD_MASK) {
		case 0:
			if (from !== 0 || rt.argHi[2] !== 0) return EINVAL;
			sum = add(to, ~old);
			break;
		case 2:
			// l3 sums in 16 bits, l4 in 32: they differ where the sum is a zero
			sum =
				allowed === FIELD_MASK
					? add(add(~old & 0xffff, ~from & 0xffff), to & 0xffff)
					: add(add(~old, ~(from & 0xffff)), to & 0xffff);
			break;
		case 4:
			sum = add(add(~old, ~from), to);
			break;
		default:
			return EINVAL;
	}
	const folded = ~fold(sum) & 0xffff;
	view.setUint16(at, mangledZero && folded === 0 ? CSUM_MANGLED_0 : folded, true);
	return 0;
}

export const csumHelpers: readonly Helper[] = [
	{
		prototype: l3CsumReplace,
		run: (rt, _ctx, offset, from, to, flags) => replace(rt, offset, from, to, flags, FIELD_MASK),
	},
	{
		prototype: l4CsumReplace,
		run: (rt, _ctx, offset, from, to, flags) =>
			replace(rt, offset, from, to, flags, FIELD_MASK | PSEUDO_HDR | MARK_MANGLED_0 | MARK_ENFORCE | IPV6),
	},
	{
		prototype: csumDiff,
		/** The difference as 16 bits; 6.18 takes any sizes. */
		run(rt, from, fromSize, to, toSize, seed) {
			if (fromSize !== 0 && toSize !== 0)
				return fold(add(partial(rt, to, toSize, seed), ~partial(rt, from, fromSize, 0)));
			if (toSize !== 0) return fold(partial(rt, to, toSize, seed));
			if (fromSize !== 0) return fold(~partial(rt, from, fromSize, ~seed));
			return fold(seed);
		},
	},
	{
		prototype: csumUpdate,
		/** Adds to skb->csum, which exists with CHECKSUM_COMPLETE only. */
		run: () => ENOTSUPP,
	},
	{
		prototype: csumLevel,
		run(rt, _ctx, level) {
			const { memory } = rt;
			if (rt.argHi[1] !== 0) return EINVAL;
			const depth = memory.u32(PACKET.CSUM_LEVEL);
			const unnecessary = memory.u32(PACKET.IP_SUMMED) === CHECKSUM.UNNECESSARY;
			switch (level) {
				case LEVEL.QUERY:
					return unnecessary ? depth : EACCES;
				case LEVEL.INC:
					if (unnecessary) memory.setU32(PACKET.CSUM_LEVEL, Math.min(depth + 1, MAX_LEVEL));
					else memory.setU32(PACKET.IP_SUMMED, CHECKSUM.UNNECESSARY);
					return 0;
				case LEVEL.DEC:
					if (unnecessary && depth > 0) memory.setU32(PACKET.CSUM_LEVEL, depth - 1);
					else resetChecksum(rt);
					return 0;
				case LEVEL.RESET:
					resetChecksum(rt);
					return 0;
				default:
					return EINVAL;
			}
		},
	},
];

/** __skb_reset_checksum_unnecessary. */
export function resetChecksum(rt: HelperRuntime): void {
	rt.memory.setU32(PACKET.IP_SUMMED, CHECKSUM.NONE);
	rt.memory.setU32(PACKET.CSUM_LEVEL, 0);
}
