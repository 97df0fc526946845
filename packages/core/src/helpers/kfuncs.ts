import { DYNPTR_TYPE, type Dynptr, inside, nullDynptr, pieceOf, readDynptr, writeDynptr } from "./dynptr.ts";
import { E2BIG, EINVAL, EOPNOTSUPP, ERANGE } from "./errno.ts";
import { packetLength } from "./packet.ts";
import { copyXdp } from "./packet-xdp.ts";
import type { Helper, HelperImplementation, HelperPrototype, HelperRuntime } from "./types.ts";

/**
 * Kernel functions that programs call by name (kernel/bpf/helpers.c, net/core/filter.c, net/core/xdp.c). They have
 * no ids of their own: those here are negative, so that none is a helper's.
 */
const kfunc = (
	index: number,
	name: string,
	args: HelperPrototype["args"],
	returns: HelperPrototype["returns"],
	more: Partial<HelperPrototype> = {},
): HelperPrototype => ({ id: -index, name, args, returns, ...more });

/** Prototypes without `bpf_`, as those of helpers. "alloc_size" is the size of the slice, and of the buffer before it. */
export const kfuncPrototypes: readonly HelperPrototype[] = [
	kfunc(1, "dynptr_from_skb", ["ctx", "anything", "dynptr_out"], "int"),
	kfunc(2, "dynptr_from_xdp", ["ctx", "anything", "dynptr_out"], "int"),
	kfunc(3, "dynptr_slice", ["dynptr", "anything", "mem_inout_or_null", "alloc_size"], "mem_or_null", {
		returned: { access: "r" },
	}),
	kfunc(4, "dynptr_slice_rdwr", ["dynptr", "anything", "mem_inout_or_null", "alloc_size"], "mem_or_null"),
	kfunc(5, "dynptr_adjust", ["dynptr", "anything", "anything"], "int"),
	kfunc(6, "dynptr_is_null", ["dynptr"], "int"),
	kfunc(7, "dynptr_is_rdonly", ["dynptr"], "int"),
	kfunc(8, "dynptr_size", ["dynptr"], "int"),
	kfunc(9, "dynptr_clone", ["dynptr", "dynptr_out"], "int"),
	kfunc(10, "xdp_metadata_rx_timestamp", ["ctx", "long_out"], "int"),
	kfunc(11, "xdp_metadata_rx_hash", ["ctx", "int_out", "int_out"], "int"),
	kfunc(12, "xdp_metadata_rx_vlan_tag", ["ctx", "mem_out", "mem_out"], "int", {
		fixedSizes: { 1: 2, 2: 2 },
	}),
	kfunc(13, "rcu_read_lock", [], "void"),
	kfunc(14, "rcu_read_unlock", [], "void"),
	kfunc(15, "iter_num_new", ["iter_out", "anything", "anything"], "int"),
	kfunc(16, "iter_num_next", ["iter"], "mem_or_null", { returned: { size: 4, access: "r" } }),
	kfunc(17, "iter_num_destroy", ["iter"], "void", { releases: 1 }),
];

/** BPF_PROG_TYPE_CGROUP_SKB, SOCKET_FILTER: programs that only read their packet. */
const READERS: readonly number[] = [1, 8];

const packetDynptr =
	(type: number): HelperImplementation =>
	(rt, context, flags, out) => {
		if (flags !== 0 || rt.argHi[1] !== 0) return nullDynptr(rt, out, EINVAL);
		const readOnly = READERS.includes(rt.programType);
		const size = packetLength(rt.memory);
		writeDynptr(rt, out, { data: context >>> 0, type, readOnly, size, offset: 0 });
		return 0;
	};

/** A pointer to the bytes themselves where they lie in one piece, else to the buffer with a copy of them. */
function slice(rt: HelperRuntime, dynptr: Dynptr, offset: number, buffer: number, size: number): number {
	if (dynptr.data === 0 || !inside(dynptr, offset, size)) return 0;
	const piece = pieceOf(rt, dynptr, offset, size);
	if (piece !== 0 || buffer === 0) return piece;
	copyXdp(rt, dynptr.offset + (offset >>> 0), buffer, size, false);
	return buffer;
}

/** BPF_MAX_LOOPS. */
const MAX_LOOPS = 8 << 20;

function setNumbers(rt: HelperRuntime, iterator: number, current: number, end: number, result: number) {
	rt.memory.setU32(iterator >>> 0, current >>> 0);
	rt.memory.setU32((iterator >>> 0) + 4, end >>> 0);
	return result;
}

const implementations: Readonly<Record<string, HelperImplementation>> = {
	dynptr_from_skb: packetDynptr(DYNPTR_TYPE.SKB),
	dynptr_from_xdp: packetDynptr(DYNPTR_TYPE.XDP),
	dynptr_slice: (rt, pointer, offset, buffer, size) =>
		slice(rt, readDynptr(rt, pointer), offset, buffer, size),
	dynptr_slice_rdwr(rt, pointer, offset, buffer, size) {
		const dynptr = readDynptr(rt, pointer);
		return dynptr.readOnly ? 0 : slice(rt, dynptr, offset, buffer, size);
	},
	dynptr_adjust(rt, pointer, start, end) {
		const dynptr = readDynptr(rt, pointer);
		if (dynptr.data === 0 || start >>> 0 > end >>> 0) return EINVAL;
		if (end >>> 0 > dynptr.size) return ERANGE;
		writeDynptr(rt, pointer, { ...dynptr, offset: dynptr.offset + start, size: end - start });
		return 0;
	},
	dynptr_is_null: (rt, pointer) => (readDynptr(rt, pointer).data === 0 ? 1 : 0),
	dynptr_is_rdonly(rt, pointer) {
		const { data, readOnly } = readDynptr(rt, pointer);
		return data !== 0 && readOnly ? 1 : 0;
	},
	dynptr_size(rt, pointer) {
		const { data, size } = readDynptr(rt, pointer);
		return data === 0 ? EINVAL : size;
	},
	dynptr_clone(rt, pointer, out) {
		const dynptr = readDynptr(rt, pointer);
		if (dynptr.data === 0) return nullDynptr(rt, out, EINVAL);
		writeDynptr(rt, out, dynptr);
		return 0;
	},
	// what a device without metadata answers
	xdp_metadata_rx_timestamp: () => EOPNOTSUPP,
	xdp_metadata_rx_hash: () => EOPNOTSUPP,
	xdp_metadata_rx_vlan_tag: () => EOPNOTSUPP,
	rcu_read_lock: () => 0,
	rcu_read_unlock: () => 0,
	/** struct bpf_iter_num_kern: the number before the next, and the end. */
	iter_num_new(rt, iterator, start, end) {
		const refused = start > end ? EINVAL : end - start > MAX_LOOPS ? E2BIG : 0;
		return setNumbers(rt, iterator, refused === 0 ? start - 1 : 0, refused === 0 ? end : 0, refused);
	},
	iter_num_next({ memory }, iterator) {
		const at = iterator >>> 0;
		const next = (memory.view.getInt32(at, true) + 1) | 0;
		if (next >= memory.view.getInt32(at + 4, true)) {
			memory.setU64(at, 0n);
			return 0;
		}
		memory.setU32(at, next >>> 0);
		return at;
	},
	iter_num_destroy: (rt, iterator) => setNumbers(rt, iterator, 0, 0, 0),
};

/** Linux's kernel functions that have an implementation, by the name that programs call them by. */
export const KFUNCS: ReadonlyMap<string, Helper> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ kfuncPrototypes.map((prototype): [string, Helper] => [
		`bpf_${prototype.name}`,
		{ prototype, run: implementations[prototype.name]! },
	]),
);
