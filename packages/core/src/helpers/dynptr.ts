import { E2BIG, EINVAL } from "./errno.ts";
import { implement } from "./implement.ts";
import { mapAt, unsupported } from "./map-ops.ts";
import { objectPrototypes } from "./objects.ts";
import { PACKET, PAGE_SIZE } from "./packet.ts";
import { loadSkb, storeSkb } from "./packet-skb.ts";
import { copyXdp } from "./packet-xdp.ts";
import { finishRecord } from "./ringbuf.ts";
import type { HelperRuntime } from "./types.ts";

/**
 * struct bpf_dynptr_kern on the stack (kernel/bpf/helpers.c): the address of the data, or of the context for a
 * packet, 0 for none; then the size, which shares its word with type and read-only bit; then the offset.
 */
export const DYNPTR = { DATA: 0, SIZE: 8, OFFSET: 12, BYTES: 16 } as const;
export const DYNPTR_TYPE = { LOCAL: 1, RINGBUF: 2, SKB: 3, XDP: 4 } as const;
const TYPE_SHIFT = 28;
const READ_ONLY = 0x8000_0000;
/** DYNPTR_MAX_SIZE. */
const MAX_SIZE = 0xff_ffff;

export interface Dynptr {
	readonly data: number;
	readonly type: number;
	readonly readOnly: boolean;
	readonly size: number;
	readonly offset: number;
}

export function readDynptr({ memory }: HelperRuntime, address: number): Dynptr {
	const word = memory.u32((address >>> 0) + DYNPTR.SIZE);
	return {
		data: memory.u32((address >>> 0) + DYNPTR.DATA),
		type: (word >>> TYPE_SHIFT) & 7,
		readOnly: word >= READ_ONLY,
		size: word & MAX_SIZE,
		offset: memory.u32((address >>> 0) + DYNPTR.OFFSET),
	};
}

export function writeDynptr({ memory }: HelperRuntime, address: number, dynptr: Dynptr): void {
	const at = address >>> 0;
	memory.setU64(at + DYNPTR.DATA, BigInt(dynptr.data));
	const flags = (dynptr.type << TYPE_SHIFT) | (dynptr.readOnly ? READ_ONLY : 0);
	memory.setU32(at + DYNPTR.SIZE, (flags | dynptr.size) >>> 0);
	memory.setU32(at + DYNPTR.OFFSET, dynptr.offset);
}

/** bpf_dynptr_set_null; the errno goes through. */
export function nullDynptr({ memory }: HelperRuntime, address: number, errno = 0): number {
	const at = address >>> 0;
	memory.u8.fill(0, at, at + DYNPTR.BYTES);
	return errno;
}

/** Whether `length` bytes at an offset are inside (bpf_dynptr_check_off_len). */
export const inside = ({ size }: Dynptr, offset: number, length: number): boolean =>
	(offset >>> 0) + (length >>> 0) <= size;

/** A number with an upper half that cannot be one of the kernel's u32 flags. */
const flagged = (rt: HelperRuntime, index: number, flags: number): boolean =>
	flags !== 0 || rt.argHi[index] !== 0;

/** The implementations; those of a ring buffer's dynptrs keep a null one where no record could be reserved. */
export const dynptrHelpers = /* @__PURE__ */ implement(objectPrototypes, {
	197(rt, data, size, flags, out) {
		if (size >>> 0 > MAX_SIZE) return nullDynptr(rt, out, E2BIG);
		if (flagged(rt, 2, flags)) return nullDynptr(rt, out, EINVAL);
		writeDynptr(rt, out, { data: data >>> 0, type: DYNPTR_TYPE.LOCAL, readOnly: false, size, offset: 0 });
		return 0;
	},
	198(rt, address, size, flags, out) {
		if (flagged(rt, 2, flags)) return nullDynptr(rt, out, EINVAL);
		if (size >>> 0 > MAX_SIZE) return nullDynptr(rt, out, E2BIG);
		const map = mapAt(rt, address, "ringbuf_reserve_dynptr");
		const data = (map.ring ?? unsupported(map, "ringbuf_reserve_dynptr")).reserve(size, 0) >>> 0;
		if (data === 0) return nullDynptr(rt, out, EINVAL);
		writeDynptr(rt, out, { data, type: DYNPTR_TYPE.RINGBUF, readOnly: false, size, offset: 0 });
		return 0;
	},
	199: (rt, dynptr) => finishDynptr(rt, dynptr, "submit"),
	200: (rt, dynptr) => finishDynptr(rt, dynptr, "discard"),
	201(rt, to, length, from, offset, flags) {
		const dynptr = readDynptr(rt, from);
		if (dynptr.data === 0 || flagged(rt, 4, flags)) return EINVAL;
		if (!inside(dynptr, offset, length)) return E2BIG;
		const at = dynptr.offset + (offset >>> 0);
		switch (dynptr.type) {
			case DYNPTR_TYPE.SKB:
				return loadSkb(rt, at, to, length);
			case DYNPTR_TYPE.XDP:
				return copyXdp(rt, at, to, length, false);
			default:
				rt.memory.u8.copyWithin(to >>> 0, dynptr.data + at, dynptr.data + at + (length >>> 0));
				return 0;
		}
	},
	202(rt, to, offset, from, length, flags) {
		const dynptr = readDynptr(rt, to);
		if (dynptr.data === 0 || dynptr.readOnly) return EINVAL;
		if (!inside(dynptr, offset, length)) return E2BIG;
		const at = dynptr.offset + (offset >>> 0);
		if (dynptr.type === DYNPTR_TYPE.SKB) return storeSkb(rt, at, from, length, flags);
		if (flagged(rt, 4, flags)) return EINVAL;
		if (dynptr.type === DYNPTR_TYPE.XDP) return copyXdp(rt, at, from, length, true);
		const start = from >>> 0;
		rt.memory.u8.copyWithin(dynptr.data + at, start, start + (length >>> 0));
		return 0;
	},
	203(rt, pointer, offset, length) {
		const dynptr = readDynptr(rt, pointer);
		const plain = dynptr.type === DYNPTR_TYPE.LOCAL || dynptr.type === DYNPTR_TYPE.RINGBUF;
		if (dynptr.data === 0 || dynptr.readOnly || !plain || !inside(dynptr, offset, length)) return 0;
		return dynptr.data + dynptr.offset + (offset >>> 0);
	},
});

function finishDynptr(rt: HelperRuntime, address: number, how: "submit" | "discard"): number {
	const { data } = readDynptr(rt, address);
	if (data !== 0) finishRecord(rt, data, how);
	return nullDynptr(rt, address);
}

/** Where `length` bytes of a dynptr lie in one piece; 0: nowhere, though inside (an xdp_buff's fragments). */
export function pieceOf(rt: HelperRuntime, dynptr: Dynptr, offset: number, length: number): number {
	const at = dynptr.offset + (offset >>> 0);
	if (dynptr.type !== DYNPTR_TYPE.SKB && dynptr.type !== DYNPTR_TYPE.XDP) return dynptr.data + at;
	return pieceOfPacket(rt, at, length >>> 0);
}

function pieceOfPacket({ memory }: HelperRuntime, offset: number, length: number): number {
	const data = memory.u32(PACKET.DATA);
	const linear = memory.u32(PACKET.END) - data;
	if (offset + length <= linear) return data + offset;
	// skb_header_pointer and bpf_xdp_pointer look into one fragment, which is a page
	const from = offset - linear;
	if (from < 0) return 0;
	const samePage = Math.floor(from / PAGE_SIZE) === Math.floor((from + length - 1) / PAGE_SIZE);
	const there = from + length <= memory.u32(PACKET.FRAGS_LENGTH);
	return samePage && there ? memory.u32(PACKET.FRAGS) + from : 0;
}
