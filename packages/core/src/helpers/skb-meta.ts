import type { LinearMemory } from "../memory/index.ts";
import { EINVAL, EOPNOTSUPP } from "./errno.ts";
import { ETH_HLEN, ETHERTYPE, isVlan, PACKET, SK_BUFF, setSkbField, skbField, VLAN_HLEN } from "./packet.ts";
import type { Helper, HelperPrototype } from "./types.ts";

/** What an skb carries beside its bytes: hash, type, and the socket and cgroup it came from (net/core/filter.c). */
export const skbMetaPrototypes = [
	{ id: 17, name: "get_cgroup_classid", args: ["ctx"], returns: "int" },
	{ id: 24, name: "get_route_realm", args: ["ctx"], returns: "int" },
	{ id: 32, name: "skb_change_type", args: ["ctx", "anything"], returns: "int" },
	{ id: 34, name: "get_hash_recalc", args: ["ctx"], returns: "u64" },
	{ id: 41, name: "set_hash_invalid", args: ["ctx"], returns: "int" },
	{ id: 46, name: "get_socket_cookie", args: ["ctx"], returns: "u64" },
	{ id: 47, name: "get_socket_uid", args: ["ctx"], returns: "u64" },
	{ id: 48, name: "set_hash", args: ["ctx", "anything"], returns: "int" },
	{ id: 97, name: "skb_ecn_set_ce", args: ["ctx"], returns: "int" },
	{ id: 192, name: "skb_set_tstamp", args: ["ctx", "anything", "anything"], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [
	cgroupClassid,
	routeRealm,
	changeType,
	hashRecalc,
	setHashInvalid,
	socketCookie,
	socketUid,
	setHash,
	ecnSetCe,
	setTstamp,
] = skbMetaPrototypes;

/** PACKET_OTHERHOST: types beyond are the kernel's own. */
const MAX_PACKET_TYPE = 3;

/** skb_clear_hash. */
export function clearHash(memory: LinearMemory): void {
	memory.setU32(PACKET.HASH_VALID, 0);
	setSkbField(memory, SK_BUFF.HASH, 0);
}

/** The same number for both directions of a flow, never 0. The kernel's is keyed with a random secret. */
function flowHash(memory: LinearMemory): number {
	const { view, u8 } = memory;
	const network = memory.u32(PACKET.NETWORK);
	const end = memory.u32(PACKET.END);
	const protocol = skbField(memory, SK_BUFF.PROTOCOL);
	const size = protocol === ETHERTYPE.IP ? 4 : protocol === ETHERTYPE.IPV6 ? 16 : 0;
	const source = network + (size === 4 ? 12 : 8);
	if (size === 0 || source + 2 * size > end) return mix(1, protocol);
	const next = u8[network + (size === 4 ? 9 : 6)]!;
	const transport = network + (size === 4 ? (u8[network]! & 0xf) * 4 : 40);
	const fragment = size === 4 && (view.getUint16(network + 6) & 0x3fff) !== 0;
	const ports = (next === 6 || next === 17) && !fragment && transport + 4 <= end;
	const ends = [0, 1].map((side) => {
		let hash = mix(next, ports ? view.getUint16(transport + 2 * side) : 0);
		for (let at = 0; at < size; at += 4) hash = mix(hash, view.getUint32(source + side * size + at));
		return hash;
	});
	return mix(Math.min(ends[0]!, ends[1]!), Math.max(ends[0]!, ends[1]!)) || 1;
}

/** One round of MurmurHash3's 32-bit mixing. */
function mix(hash: number, value: number): number {
	let k = Math.imul(value, 0xcc9e2d51);
	k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
	const h = hash ^ k;
	return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) >>> 0;
}

/** INET_ECN_CE: congestion experienced; the bits 01 and 10 say that the sender understands it. */
const CE = 3;

/** VLAN_MAX_DEPTH, less the one at which the kernel gives up. */
const MAX_TAGS = 7;

/** __vlan_get_protocol: behind the VLAN tags in the packet, which begin where mac_len says, if it is set. */
function innerProtocol(memory: LinearMemory): number {
	let protocol = skbField(memory, SK_BUFF.PROTOCOL);
	const end = memory.u32(PACKET.END);
	const length = memory.u32(PACKET.MAC_LENGTH);
	if (isVlan(protocol) && length > 0 && length < VLAN_HLEN) return 0;
	const first = length === 0 ? ETH_HLEN : length - VLAN_HLEN;
	let at = memory.u32(PACKET.DATA) + first;
	for (let tags = 1; isVlan(protocol); tags++, at += VLAN_HLEN) {
		if (tags > MAX_TAGS || at + VLAN_HLEN > end) return 0;
		protocol = memory.view.getUint16(at + 2, true);
	}
	return protocol;
}

/** IP_ECN_set_ce: 1 if the packet says CE now; the checksum follows. */
function markIpv4(memory: LinearMemory, network: number): number {
	const tos = memory.u8[network + 1]!;
	const next = (tos + 1) & CE;
	if ((next & 2) === 0) return next === 0 ? 1 : 0;
	const { view } = memory;
	const sum = view.getUint16(network + 10, true) + 0xfbff + (next << 8);
	view.setUint16(network + 10, sum + (sum > 0xffff ? 1 : 0), true);
	memory.u8[network + 1] = tos | CE;
	return 1;
}

/** IP6_ECN_set_ce. */
function markIpv6(memory: LinearMemory, network: number): number {
	const bits = memory.u8[network + 1]!;
	if (((bits >> 4) & CE) === 0) return 0;
	memory.u8[network + 1] = bits | (CE << 4);
	return 1;
}

/** BPF_SKB_CLOCK_*: the value of tstamp_type. */
const CLOCK = { REALTIME: 0, TAI: 2 } as const;

export const skbMetaHelpers: readonly Helper[] = [
	// no net_cls cgroup, no route: 0, as in a test run
	{ prototype: cgroupClassid, run: () => 0 },
	{ prototype: routeRealm, run: () => 0 },
	{
		prototype: changeType,
		run({ memory }, _ctx, type) {
			if (type >>> 0 > MAX_PACKET_TYPE) return EINVAL;
			setSkbField(memory, SK_BUFF.PKT_TYPE, type);
			return 0;
		},
	},
	{
		prototype: hashRecalc,
		run(rt) {
			const { memory } = rt;
			const at = memory.u32(PACKET.CONTEXT) + SK_BUFF.HASH;
			if (memory.u32(PACKET.HASH_VALID) === 0) {
				memory.setU32(at, flowHash(memory));
				memory.setU32(PACKET.HASH_VALID, 1);
			}
			rt.resultHi = 0;
			return memory.u32(at) | 0;
		},
	},
	{
		prototype: setHashInvalid,
		run({ memory }) {
			clearHash(memory);
			return 0;
		},
	},
	{
		prototype: socketCookie,
		/** The test run's own socket: the first of a machine. */
		run(rt) {
			rt.resultHi = 0;
			return rt.memory.u32(PACKET.SOCK) === 0 ? 0 : 1;
		},
	},
	{
		prototype: socketUid,
		run(rt) {
			rt.resultHi = 0;
			return 0;
		},
	},
	{
		prototype: setHash,
		run({ memory }, _ctx, hash) {
			setSkbField(memory, SK_BUFF.HASH, hash >>> 0);
			memory.setU32(PACKET.HASH_VALID, 1);
			return 0;
		},
	},
	{
		prototype: ecnSetCe,
		run({ memory }) {
			const network = memory.u32(PACKET.NETWORK);
			const left = memory.u32(PACKET.END) - network;
			const protocol = innerProtocol(memory);
			if (protocol === ETHERTYPE.IP && left >= 20) return markIpv4(memory, network);
			return protocol === ETHERTYPE.IPV6 && left >= 40 ? markIpv6(memory, network) : 0;
		},
	},
	{
		prototype: setTstamp,
		run(rt, _ctx, time, clock) {
			const { memory } = rt;
			const context = memory.u32(PACKET.CONTEXT);
			const protocol = memory.u32(context + SK_BUFF.PROTOCOL);
			if (protocol !== ETHERTYPE.IP && protocol !== ETHERTYPE.IPV6) return EOPNOTSUPP;
			const none = time === 0 && rt.argHi[1] === 0;
			if (clock >>> 0 > CLOCK.TAI || (clock !== CLOCK.REALTIME && none)) return EINVAL;
			memory.setU32(context + SK_BUFF.TSTAMP, time >>> 0);
			memory.setU32(context + SK_BUFF.TSTAMP + 4, rt.argHi[1]! >>> 0);
			memory.u8[context + SK_BUFF.TSTAMP_TYPE] = clock;
			return 0;
		},
	},
];
