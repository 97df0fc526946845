import type { LinearMemory } from "../memory/index.ts";
import { resetChecksum } from "./csum.ts";
import { EALREADY, EFAULT, EINVAL, ENOMEM, ENOTSUPP } from "./errno.ts";
import {
	ETH_HLEN,
	ETHERTYPE,
	encapsulatedProtocol,
	isGso,
	isVlan,
	moveEnd,
	moveStart,
	PACKET,
	packetLength,
	refreshContext,
	resetMacLength,
	SK_BUFF,
	SKB_MAX_LENGTH,
	setSkbField,
	skbField,
	VLAN_HLEN,
} from "./packet.ts";
import { clearHash } from "./skb-meta.ts";
import type { Helper, HelperPrototype, HelperRuntime } from "./types.ts";

/** Helpers that make an skb longer or shorter (net/core/filter.c; VLAN tags: net/core/skbuff.c). */
export const skbRoomPrototypes = [
	{
		id: 18,
		name: "skb_vlan_push",
		args: ["ctx", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{ id: 19, name: "skb_vlan_pop", args: ["ctx"], returns: "int", changesPacket: true },
	{
		id: 31,
		name: "skb_change_proto",
		args: ["ctx", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 38,
		name: "skb_change_tail",
		args: ["ctx", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 43,
		name: "skb_change_head",
		args: ["ctx", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
	{
		id: 50,
		name: "skb_adjust_room",
		args: ["ctx", "anything", "anything", "anything"],
		returns: "int",
		changesPacket: true,
	},
] as const satisfies readonly HelperPrototype[];

const [vlanPush, vlanPop, changeProto, changeTail, changeHead, adjustRoom] = skbRoomPrototypes;

const IPV4_HLEN = 20;
const IPV6_HLEN = 40;
/** Both MAC addresses, which stay in front of a VLAN tag. */
const ADDRESSES = 12;

const macHeaderLength = (memory: LinearMemory) => memory.u32(PACKET.NETWORK) - memory.u32(PACKET.MAC);
const networkOffset = (memory: LinearMemory) => memory.u32(PACKET.NETWORK) - memory.u32(PACKET.DATA);

function shift(memory: LinearMemory, header: number, delta: number): void {
	memory.setU32(header, memory.u32(header) + delta);
}

/**
 * Zeros come in at `offset` from data: what is before moves down, MAC and network header with it. Where a packet was
 * cut shorter than `offset`, what lies behind it moves and shows up again, in the kernel as here.
 */
function pushHeader(memory: LinearMemory, offset: number, length: number): boolean {
	if (!moveStart(memory, -length)) return false;
	const data = memory.u32(PACKET.DATA);
	const limit = memory.u32(PACKET.LIMIT);
	memory.u8.copyWithin(data, data + length, Math.min(data + length + offset, limit));
	memory.u8.fill(0, data + offset, Math.min(data + offset + length, limit));
	shift(memory, PACKET.MAC, -length);
	shift(memory, PACKET.NETWORK, -length);
	return true;
}

/** `length` bytes at `offset` from data go; false where the packet doesn't have them. */
function popHeader(memory: LinearMemory, offset: number, length: number): boolean {
	if (offset + length > packetLength(memory)) return false;
	const data = memory.u32(PACKET.DATA);
	memory.u8.copyWithin(data + length, data, data + offset);
	moveStart(memory, length);
	shift(memory, PACKET.MAC, length);
	shift(memory, PACKET.NETWORK, length);
	return true;
}

// VLAN tags. The outermost may be beside the packet (vlan_present), as hardware leaves it.

function putTag(memory: LinearMemory, protocol: number, tci: number): void {
	setSkbField(memory, SK_BUFF.VLAN_PRESENT, 1);
	setSkbField(memory, SK_BUFF.VLAN_PROTO, protocol);
	setSkbField(memory, SK_BUFF.VLAN_TCI, tci);
}

/** __vlan_insert_tag and what skb_vlan_push does after it: the tag from beside goes into the packet. */
function insertTag(memory: LinearMemory): number {
	const protocol = skbField(memory, SK_BUFF.VLAN_PROTO);
	if (!pushHeader(memory, ADDRESSES, VLAN_HLEN)) return ENOMEM;
	const tag = memory.u32(PACKET.DATA) + ADDRESSES;
	memory.view.setUint16(tag, protocol, true);
	memory.view.setUint16(tag + 2, skbField(memory, SK_BUFF.VLAN_TCI));
	setSkbField(memory, SK_BUFF.PROTOCOL, protocol);
	return 0;
}

/** __skb_vlan_pop: takes the tag out of the packet; its TCI, or -ENOMEM. */
function removeTag(memory: LinearMemory): number {
	if (packetLength(memory) < ETH_HLEN + VLAN_HLEN) return ENOMEM;
	const data = memory.u32(PACKET.DATA);
	const tci = memory.view.getUint16(data + ETH_HLEN);
	const protocol = encapsulatedProtocol(memory, data + ETH_HLEN + 2, memory.u32(PACKET.END));
	memory.u8.copyWithin(data + VLAN_HLEN, data, data + ADDRESSES);
	moveStart(memory, VLAN_HLEN);
	shift(memory, PACKET.MAC, VLAN_HLEN);
	setSkbField(memory, SK_BUFF.PROTOCOL, protocol);
	if (networkOffset(memory) < ETH_HLEN) memory.setU32(PACKET.NETWORK, data + VLAN_HLEN + ETH_HLEN);
	resetMacLength(memory);
	return tci;
}

function popTag(memory: LinearMemory): number {
	if (skbField(memory, SK_BUFF.VLAN_PRESENT) !== 0) {
		setSkbField(memory, SK_BUFF.VLAN_PRESENT, 0);
		setSkbField(memory, SK_BUFF.VLAN_PROTO, 0);
		setSkbField(memory, SK_BUFF.VLAN_TCI, 0);
	} else {
		if (!isVlan(skbField(memory, SK_BUFF.PROTOCOL))) return 0;
		const tci = removeTag(memory);
		if (tci < 0) return tci;
	}
	// The next tag, if there is one, goes beside the packet.
	const protocol = skbField(memory, SK_BUFF.PROTOCOL);
	if (!isVlan(protocol)) return 0;
	const tci = removeTag(memory);
	if (tci < 0) return tci;
	putTag(memory, protocol, tci);
	return 0;
}

// Room between headers: BPF_F_ADJ_ROOM_* and BPF_ADJ_ROOM_*.

const ROOM = {
	FIXED_GSO: 0x01,
	ENCAP_L3_IPV4: 0x02,
	ENCAP_L3_IPV6: 0x04,
	ENCAP_L4_GRE: 0x08,
	ENCAP_L4_UDP: 0x10,
	NO_CSUM_RESET: 0x20,
	ENCAP_L2_ETH: 0x40,
	DECAP_L3_IPV4: 0x80,
	DECAP_L3_IPV6: 0x100,
} as const;
const ROOM_FLAGS = 0x1ff;
const ENCAP_L3 = ROOM.ENCAP_L3_IPV4 | ROOM.ENCAP_L3_IPV6;
const ENCAP_L4 = ROOM.ENCAP_L4_GRE | ROOM.ENCAP_L4_UDP;
const DECAP_L3 = ROOM.DECAP_L3_IPV4 | ROOM.DECAP_L3_IPV6;
const MODE = { NET: 0, MAC: 1 } as const;
const MAX_ROOM = 0xfff;

const ipHeaderLength = (protocol: number) => (protocol === ETHERTYPE.IP ? IPV4_HLEN : IPV6_HLEN);

/** skb_adjust_room without its checks of flags' upper half: bits 56-63, the length of an inner MAC header. */
function adjust(
	rt: HelperRuntime,
	difference: number,
	mode: number,
	flags: number,
	innerMac: number,
): number {
	const { memory } = rt;
	const length = Math.abs(difference);
	const shrink = difference < 0;
	if (length > MAX_ROOM) return EFAULT;
	const protocol = skbField(memory, SK_BUFF.PROTOCOL);
	if (protocol !== ETHERTYPE.IP && protocol !== ETHERTYPE.IPV6) return ENOTSUPP;
	if (mode !== MODE.NET && mode !== MODE.MAC) return ENOTSUPP;
	const offset = macHeaderLength(memory) + (mode === MODE.NET ? ipHeaderLength(protocol) : 0);
	let minimum = ipHeaderLength(protocol);
	if (flags & DECAP_L3) {
		if (!shrink || (flags & DECAP_L3) === DECAP_L3) return EINVAL;
		minimum = flags & ROOM.DECAP_L3_IPV4 ? IPV4_HLEN : IPV6_HLEN;
	}
	// unsigned: a packet cut before its network header counts as long enough
	const fromNetwork = (memory.u32(PACKET.END) - memory.u32(PACKET.NETWORK)) >>> 0;
	if (shrink && (length >= fromNetwork || fromNetwork - length < minimum)) return ENOTSUPP;
	if (!shrink && packetLength(memory) + length > SKB_MAX_LENGTH && !isGso(memory)) return ENOTSUPP;
	return shrink
		? shrinkRoom(memory, offset, length, protocol, flags, innerMac)
		: growRoom(memory, offset, length, protocol, flags, innerMac);
}

/** bpf_skb_net_shrink. */
function shrinkRoom(
	memory: LinearMemory,
	offset: number,
	length: number,
	protocol: number,
	flags: number,
	innerMac: number,
): number {
	if ((flags & ~(ROOM.FIXED_GSO | DECAP_L3 | ROOM.NO_CSUM_RESET)) !== 0 || innerMac !== 0) return EINVAL;
	if (isGso(memory)) return ENOTSUPP;
	if (!popHeader(memory, offset, length)) return ENOMEM;
	if (flags & DECAP_L3) {
		const inner = flags & ROOM.DECAP_L3_IPV4 ? ETHERTYPE.IP : ETHERTYPE.IPV6;
		if (inner !== protocol) setSkbField(memory, SK_BUFF.PROTOCOL, inner);
	}
	return 0;
}

/** bpf_skb_net_grow. */
function growRoom(
	memory: LinearMemory,
	offset: number,
	length: number,
	protocol: number,
	flags: number,
	innerMac: number,
): number {
	if (isGso(memory)) return ENOTSUPP;
	const encapsulates = (flags & ENCAP_L3) !== 0;
	const macLength = macHeaderLength(memory);
	if (encapsulates) {
		if ((flags & ENCAP_L3) === ENCAP_L3 || (flags & ENCAP_L4) === ENCAP_L4) return EINVAL;
		if (flags & ROOM.ENCAP_L2_ETH && innerMac < ETH_HLEN) return EINVAL;
		if (memory.u32(PACKET.ENCAPSULATION) !== 0) return EALREADY;
		if (innerMac > length) return EINVAL;
	}
	if (!pushHeader(memory, offset, length)) return ENOMEM;
	if (encapsulates) {
		const outer = flags & ROOM.ENCAP_L3_IPV4 ? ETHERTYPE.IP : ETHERTYPE.IPV6;
		const network = memory.u32(PACKET.DATA) + macLength;
		memory.setU32(PACKET.ENCAPSULATION, 1);
		memory.setU32(PACKET.NETWORK, network);
		if (flags & ENCAP_L4) memory.setU32(PACKET.TRANSPORT, network + ipHeaderLength(outer));
		if (outer !== protocol) setSkbField(memory, SK_BUFF.PROTOCOL, outer);
	}
	return 0;
}

/** bpf_skb_proto_xlat: room for the other IP header; the program writes it. */
function translate(memory: LinearMemory, to: number): number {
	const from = skbField(memory, SK_BUFF.PROTOCOL);
	const difference = IPV6_HLEN - IPV4_HLEN;
	const offset = macHeaderLength(memory);
	const grows = from === ETHERTYPE.IP && to === ETHERTYPE.IPV6;
	if (!grows && (from !== ETHERTYPE.IPV6 || to !== ETHERTYPE.IP)) return ENOTSUPP;
	const move = grows ? pushHeader : popHeader;
	if (!move(memory, offset, difference)) return ENOMEM;
	setSkbField(memory, SK_BUFF.PROTOCOL, to);
	clearHash(memory);
	return 0;
}

/** __bpf_skb_min_len. */
function minimumLength(memory: LinearMemory): number {
	const transport = memory.u32(PACKET.TRANSPORT);
	const transportOffset = transport === 0 ? 0 : transport - memory.u32(PACKET.DATA);
	return Math.max(0, transportOffset > 0 ? transportOffset : networkOffset(memory));
}

/** The new length of the packet, grown with zeros or trimmed. */
function resize(memory: LinearMemory, length: number): void {
	const difference = length - packetLength(memory);
	moveEnd(memory, difference);
	const end = memory.u32(PACKET.END);
	if (difference > 0) memory.u8.fill(0, end - difference, end);
	if (isGso(memory)) {
		setSkbField(memory, SK_BUFF.GSO_SIZE, 0);
		setSkbField(memory, SK_BUFF.GSO_SEGS, 0);
	}
}

/** Runs `change` and shows the program where the packet is now. */
function changing(memory: LinearMemory, change: () => number): number {
	const result = change();
	refreshContext(memory);
	return result;
}

export const skbRoomHelpers: readonly Helper[] = [
	{
		prototype: vlanPush,
		run({ memory }, _ctx, protocol, tci) {
			return changing(memory, () => {
				const error = skbField(memory, SK_BUFF.VLAN_PRESENT) !== 0 ? insertTag(memory) : 0;
				if (error !== 0) return error;
				// anything but the two tag types means 802.1Q
				putTag(memory, isVlan(protocol & 0xffff) ? protocol & 0xffff : ETHERTYPE.VLAN, tci & 0xffff);
				resetMacLength(memory);
				return 0;
			});
		},
	},
	{ prototype: vlanPop, run: ({ memory }) => changing(memory, () => popTag(memory)) },
	{
		prototype: changeProto,
		run(rt, _ctx, protocol, flags) {
			if (flags !== 0 || rt.argHi[2] !== 0) return EINVAL;
			return changing(rt.memory, () => translate(rt.memory, protocol & 0xffff));
		},
	},
	{
		prototype: changeTail,
		run(rt, _ctx, length, flags) {
			const { memory } = rt;
			const wanted = length >>> 0;
			if (flags !== 0 || rt.argHi[2] !== 0) return EINVAL;
			if (wanted > SKB_MAX_LENGTH || wanted < minimumLength(memory)) return EINVAL;
			if (memory.u32(PACKET.ENCAPSULATION) !== 0) return ENOTSUPP;
			return changing(memory, () => {
				resize(memory, wanted);
				return 0;
			});
		},
	},
	{
		prototype: changeHead,
		/** Zeros come before the packet, and the MAC header starts with them. */
		run(rt, _ctx, room, flags) {
			const { memory } = rt;
			if (flags !== 0 || rt.argHi[2] !== 0 || room < 0) return EINVAL;
			if (packetLength(memory) + room > SKB_MAX_LENGTH && !isGso(memory)) return EINVAL;
			return changing(memory, () => {
				if (!moveStart(memory, -room)) return ENOMEM;
				const data = memory.u32(PACKET.DATA);
				memory.u8.fill(0, data, data + room);
				memory.setU32(PACKET.MAC, data);
				resetMacLength(memory);
				return 0;
			});
		},
	},
	{
		prototype: adjustRoom,
		run(rt, _ctx, difference, mode, flags) {
			const upper = rt.argHi[3]!;
			if ((flags & ~ROOM_FLAGS) !== 0 || (upper & 0xff_ffff) !== 0) return EINVAL;
			return changing(rt.memory, () => {
				const result = adjust(rt, difference, mode, flags, upper >>> 24);
				if (result === 0 && (flags & ROOM.NO_CSUM_RESET) === 0) resetChecksum(rt);
				return result;
			});
		},
	},
];
