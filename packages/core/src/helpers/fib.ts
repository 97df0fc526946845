import type { LinearMemory } from "../memory/index.ts";
import { EAFNOSUPPORT, EINVAL, ENODEV } from "./errno.ts";
import { type Device, type Fib, type FibRoute, fibOf } from "./fib-table.ts";
import { sameBytes } from "./ip.ts";
import { incomingDevice, isGso, PACKET, PACKET_KIND, packetLength, SK_BUFF, VLAN_HLEN } from "./packet.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Route lookup over the Environment's routes, neighbours and interfaces (net/core/filter.c). */
export const fibPrototypes = [
	{
		id: 69,
		name: "fib_lookup",
		args: ["ctx", "mem_inout", "size", "anything"],
		returns: "int",
		gplOnly: true,
	},
	{
		id: 163,
		name: "check_mtu",
		args: ["ctx", "anything", "mem_inout", "anything", "anything"],
		returns: "int",
		fixedSizes: { 2: 4 },
		gplOnly: true,
	},
] as const satisfies readonly HelperPrototype[];

const [fibLookup, checkMtu] = fibPrototypes;

/** struct bpf_fib_lookup: offsets; some hold the question before and the answer after. */
const AT = {
	FAMILY: 0,
	TOT_LEN: 6,
	MTU_RESULT: 6,
	IFINDEX: 8,
	RT_METRIC: 12,
	SRC: 16,
	DST: 32,
	VLAN_PROTO: 48,
	VLAN_TCI: 50,
	TBID: 48,
	SMAC: 52,
	DMAC: 58,
	SIZE: 64,
} as const;

const AF_INET = 2;
const AF_INET6 = 10;

/** BPF_FIB_LOOKUP_*. */
const FLAG = { DIRECT: 1, OUTPUT: 2, SKIP_NEIGH: 4, TBID: 8, SRC: 16, MARK: 32 } as const;
const ALL_FLAGS = 0x3f;

/** BPF_FIB_LKUP_RET_*. */
const RET = {
	SUCCESS: 0,
	BLACKHOLE: 1,
	UNREACHABLE: 2,
	PROHIBIT: 3,
	NOT_FWDED: 4,
	FWD_DISABLED: 5,
	NO_NEIGH: 7,
	FRAG_NEEDED: 8,
	NO_SRC_ADDR: 9,
} as const;

/** RT_TABLE_*: the Environment's routes are the main table. */
const RT_TABLE = { MAIN: 254, LOCAL: 255 } as const;

/** BPF_MTU_CHK_SEGS, BPF_MTU_CHK_RET_*. */
const MTU_CHK_SEGS = 1;
const MTU_RET = { SUCCESS: 0, FRAG_NEEDED: 1, SEGS_TOOBIG: 2 } as const;

/** The question at `at`, answered in place. `checkMtu`: the length in tot_len must pass. */
function lookup(memory: LinearMemory, fib: Fib, at: number, flags: number, checkMtu: boolean): number {
	const { view } = memory;
	const ipv6 = memory.u8[at + AT.FAMILY] === AF_INET6;
	const size = ipv6 ? 16 : 4;
	const source = memory.read(at + AT.SRC, size);
	const destination = memory.read(at + AT.DST, size);
	if (ipv6 && (neverForwarded(destination) || neverForwarded(source))) return RET.NOT_FWDED;
	const from = fib.device(memory.u32(at + AT.IFINDEX));
	if (from === undefined) return ENODEV;
	if (!from.forwarding) return RET.FWD_DISABLED;

	let table: number | undefined;
	if (flags & FLAG.DIRECT) {
		table = flags & FLAG.TBID ? memory.u32(at + AT.TBID) : RT_TABLE.MAIN;
		if (flags & FLAG.TBID) memory.setU32(at + AT.TBID, 0);
	}
	const route = fib.route(destination, (candidate) => {
		if (table !== undefined && !inTable(candidate, table, ipv6)) return false;
		// IPv4 takes only routes through the device asked for
		const leads = candidate.kind === "unicast" || candidate.kind === "local";
		return ipv6 || !leads || (flags & FLAG.OUTPUT) === 0 || candidate.ifindex === from.ifindex;
	});
	if (route === undefined) return RET.NOT_FWDED;
	switch (route.kind) {
		case "blackhole":
			return RET.BLACKHOLE;
		case "unreachable":
			return RET.UNREACHABLE;
		case "prohibit":
			return RET.PROHIBIT;
		case "local":
			return RET.NOT_FWDED;
	}
	const device = fib.device(route.ifindex)!;
	const mtu = Math.min(route.mtu ?? device.mtu, 0xffff);
	if (checkMtu && view.getUint16(at + AT.TOT_LEN, true) > mtu) {
		view.setUint16(at + AT.MTU_RESULT, mtu, true);
		return RET.FRAG_NEEDED;
	}
	return forward(memory, fib, at, flags, route, device, checkMtu ? mtu : 0);
}

/** IPv4's main and local table are one until there are rules; 0 means main. */
function inTable(route: FibRoute, table: number, ipv6: boolean): boolean {
	if (ipv6 && table === RT_TABLE.LOCAL) return route.kind === "local";
	if (ipv6) return (table === 0 || table === RT_TABLE.MAIN) && route.kind !== "local";
	return table === 0 || table === RT_TABLE.MAIN || table === RT_TABLE.LOCAL;
}

/** What the answer says of a route that forwards. */
function forward(
	memory: LinearMemory,
	fib: Fib,
	at: number,
	flags: number,
	route: FibRoute,
	device: Device,
	mtu: number,
): number {
	const { view } = memory;
	const size = memory.u8[at + AT.FAMILY] === AF_INET6 ? 16 : 4;
	if (size === 16 && route.via !== undefined) memory.write(at + AT.DST, route.via);
	memory.setU32(at + AT.RT_METRIC, route.metric);
	memory.setU32(at + AT.IFINDEX, device.ifindex);
	if (flags & FLAG.SRC) {
		const source = fib.sourceAddress(device, size);
		if (source !== undefined) memory.write(at + AT.SRC, source);
		else if (size === 16) return RET.NO_SRC_ADDR;
		else memory.setU32(at + AT.SRC, 0);
	}
	if (size === 4 && route.via !== undefined) {
		// an IPv4 route by way of an IPv6 neighbour answers as IPv6
		if (route.via.length === 16) memory.u8[at + AT.FAMILY] = AF_INET6;
		memory.write(at + AT.DST, route.via);
	}
	if ((flags & FLAG.SKIP_NEIGH) === 0) {
		const hop = memory.read(at + AT.DST, memory.u8[at + AT.FAMILY] === AF_INET6 ? 16 : 4);
		const mac = fib.neighbour(device.ifindex, hop);
		if (mac === undefined) return RET.NO_NEIGH;
		memory.write(at + AT.DMAC, mac);
		memory.write(at + AT.SMAC, device.mac);
	}
	view.setUint16(at + AT.VLAN_TCI, 0, true);
	view.setUint16(at + AT.VLAN_PROTO, 0, true);
	if (mtu !== 0) view.setUint16(at + AT.MTU_RESULT, mtu, true);
	return RET.SUCCESS;
}

/** rt6_need_strict: multicast, link-local and loopback addresses. */
function neverForwarded(address: Uint8Array): boolean {
	const linkLocal = address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
	return address[0] === 0xff || linkLocal || sameBytes(address, LOOPBACK);
}

const LOOPBACK = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** is_skb_forwardable: the frame with a VLAN tag, or GSO. */
function fitsDevice(rt: HelperRuntime, device: Device): boolean {
	const { memory } = rt;
	if (isGso(memory)) return true;
	return packetLength(memory) <= device.mtu + device.hardHeaderLength + VLAN_HLEN;
}

export const fibHelpers: readonly Helper[] = [
	{
		prototype: fibLookup,
		run(rt, _ctx, params, size, flags) {
			const { memory } = rt;
			const at = params >>> 0;
			if (size < AT.SIZE || (flags & ~ALL_FLAGS) !== 0) return EINVAL;
			const family = memory.u8[at + AT.FAMILY];
			if (family !== AF_INET && family !== AF_INET6) return EAFNOSUPPORT;
			const fib = fibOf(rt.environment);
			if (memory.u32(PACKET.KIND) === PACKET_KIND.XDP) return lookup(memory, fib, at, flags, true);
			const checkMtu = memory.view.getUint16(at + AT.TOT_LEN, true) !== 0;
			const result = lookup(memory, fib, at, flags, checkMtu);
			if (result !== RET.SUCCESS || checkMtu) return result;
			const device = fib.device(memory.u32(at + AT.IFINDEX))!;
			memory.view.setUint16(at + AT.MTU_RESULT, device.mtu, true);
			return fitsDevice(rt, device) ? RET.SUCCESS : RET.FRAG_NEEDED;
		},
	},
	{
		prototype: checkMtu,
		/**
		 * A length in L3 (or the packet's, when that is 0) and a difference against a device's MTU, which comes back.
		 * Sums wrap in 32 bits.
		 */
		run(rt, _ctx, ifindex, lengthPtr, difference, flags) {
			const { memory } = rt;
			const context = memory.u32(PACKET.CONTEXT);
			const at = lengthPtr >>> 0;
			const xdp = memory.u32(PACKET.KIND) === PACKET_KIND.XDP;
			if ((flags & ~(xdp ? 0 : MTU_CHK_SEGS)) !== 0 || rt.argHi[4] !== 0) return EINVAL;
			const length = memory.u32(at);
			if (flags !== 0 && (difference !== 0 || length !== 0)) return EINVAL;
			const device = fibOf(rt.environment).device(ifindex === 0 ? incomingDevice(memory) : ifindex >>> 0);
			if (device === undefined) return ENODEV;
			const linear = memory.u32(PACKET.END) - memory.u32(PACKET.DATA);
			const total = ((length === 0 ? linear : length + device.hardHeaderLength) + difference) | 0;
			const fits = total <= device.mtu + device.hardHeaderLength;
			const gsoSize = xdp ? 0 : memory.u32(context + SK_BUFF.GSO_SIZE);
			const segments = !fits && gsoSize !== 0 && flags !== 0;
			const transport = memory.u32(PACKET.TRANSPORT);
			if (segments && transport === 0) return EINVAL;
			memory.setU32(at, device.mtu);
			if (segments && transport - memory.u32(PACKET.NETWORK) + gsoSize > device.mtu)
				return MTU_RET.SEGS_TOOBIG;
			return fits || gsoSize !== 0 ? MTU_RET.SUCCESS : MTU_RET.FRAG_NEEDED;
		},
	},
];
