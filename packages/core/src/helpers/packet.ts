import { type LinearMemory, MACHINE } from "../memory/index.ts";

/**
 * The packet of the running invocation: u32 words at MACHINE.PACKET, addresses unless said otherwise. What the
 * context shows to the program (mark, cb, hash, …) lives in the context only; here is what it does not show.
 *
 * Invariants: BUFFER <= META <= DATA <= END <= LIMIT; for an skb META = DATA (a test run has no metadata), and
 * the whole packet is linear. An xdp_buff may go on in FRAGS, pages of which all but the last are full.
 */
export const PACKET = {
	/** PACKET_KIND. */
	KIND: MACHINE.PACKET,
	/** The context that the program got. */
	CONTEXT: MACHINE.PACKET + 0x04,
	/** Lowest address that data or metadata may start at (xdp: data_hard_start + sizeof(struct xdp_frame)). */
	BUFFER: MACHINE.PACKET + 0x08,
	/** First byte behind the buffer (xdp: data_hard_end). */
	LIMIT: MACHINE.PACKET + 0x0c,
	META: MACHINE.PACKET + 0x10,
	DATA: MACHINE.PACKET + 0x14,
	/** End of the linear part: data_end. */
	END: MACHINE.PACKET + 0x18,
	/** Where an xdp_buff's fragments lie, one after the other; FRAGS_LENGTH bytes (0: none). */
	FRAGS: MACHINE.PACKET + 0x1c,
	FRAGS_LENGTH: MACHINE.PACKET + 0x20,
	/** skb_mac_header and skb_network_header. */
	MAC: MACHINE.PACKET + 0x28,
	NETWORK: MACHINE.PACKET + 0x2c,
	/** skb->ip_summed: CHECKSUM. A test run starts at NONE, and no helper makes COMPLETE or PARTIAL of it. */
	IP_SUMMED: MACHINE.PACKET + 0x30,
	CSUM_LEVEL: MACHINE.PACKET + 0x34,
	/** 1: the context's hash holds (set_hash, or computed); 0: get_hash_recalc computes it. */
	HASH_VALID: MACHINE.PACKET + 0x38,
	/** skb->encapsulation. */
	ENCAPSULATION: MACHINE.PACKET + 0x3c,
	/** skb_headroom as the kernel's skb has it, which shows in TRANSPORT only; this buffer has more. */
	HEADROOM: MACHINE.PACKET + 0x58,
	/** skb->mac_len, a number of bytes: 0 until a helper sets it (resetMacLength). */
	MAC_LENGTH: MACHINE.PACKET + 0x5c,
	/** skb->transport_header; 0 = not set. */
	TRANSPORT: MACHINE.PACKET + 0x40,
	/** The struct bpf_sock that skb->sk shows; 0 where a hook has none. */
	SOCK: MACHINE.PACKET + 0x44,
	/** xdp: ctx_in's ingress_ifindex and rx_queue_index, which ctx_out repeats. */
	INGRESS_IN: MACHINE.PACKET + 0x48,
	QUEUE_IN: MACHINE.PACKET + 0x4c,
	/** skb: ctx_in's gso_size, which ctx_out repeats. */
	GSO_SIZE_IN: MACHINE.PACKET + 0x50,
	/** TUNNEL_SIZE bytes for the tunnel metadata that a program sets: helpers/tunnel.ts has their fields. */
	TUNNEL: MACHINE.PACKET + 0x54,
} as const;

/** Bytes of MACHINE.PACKET that belong to the packet. */
export const PACKET_SIZE = 0x100;

export const PACKET_KIND = { NONE: 0, XDP: 1, SKB: 2 } as const;

/** skb->ip_summed. */
export const CHECKSUM = { NONE: 0, UNNECESSARY: 1, COMPLETE: 2, PARTIAL: 3 } as const;

/** XDP_PACKET_HEADROOM. */
export const XDP_HEADROOM = 256;
/** sizeof(struct xdp_frame), which adjust_head and adjust_meta leave free at the start of the page. */
export const XDP_FRAME_SIZE = 40;
/** A page: an xdp_buff's frame, and one fragment. */
export const PAGE_SIZE = 4096;
/** SKB_DATA_ALIGN(sizeof(struct skb_shared_info)) on x86-64. */
export const SHARED_INFO_SIZE = 320;
export const MAX_FRAGS = 17;
/** NET_SKB_PAD + NET_IP_ALIGN on x86-64: the headroom of a test run's skb. */
export const SKB_HEADROOM = 64;
/** SKB_MAX_ALLOC: no helper makes an skb longer. */
export const SKB_MAX_LENGTH = 4 * PAGE_SIZE - SHARED_INFO_SIZE;
export const ETH_HLEN = 14;
export const VLAN_HLEN = 4;
/** The room that an skb's bytes may move in: any length up to SKB_MAX_LENGTH, and some more for a VLAN tag. */
export const SKB_BUFFER_SIZE = 0x8000;

/** Room for a tunnel key (struct bpf_tunnel_key), its flags, and 252 bytes of options, and its state. */
export const TUNNEL_SIZE = 312;

/** Ethertypes as skb->protocol holds them: the two bytes on the wire, read little-endian. */
export const ETHERTYPE = {
	IP: 0x0008,
	IPV6: 0xdd86,
	VLAN: 0x0081,
	VLAN_AD: 0xa888,
	LLC: 0x0400,
	RAW_802_3: 0x0100,
} as const;

/** Offsets in struct xdp_md and struct __sk_buff that code refers to by name (linux/bpf.h). */
export const XDP_MD = {
	DATA: 0,
	DATA_END: 4,
	DATA_META: 8,
	INGRESS_IFINDEX: 12,
	RX_QUEUE_INDEX: 16,
	EGRESS_IFINDEX: 20,
	SIZE: 24,
} as const;
export const SK_BUFF = {
	LEN: 0,
	PKT_TYPE: 4,
	MARK: 8,
	QUEUE_MAPPING: 12,
	PROTOCOL: 16,
	VLAN_PRESENT: 20,
	VLAN_TCI: 24,
	VLAN_PROTO: 28,
	PRIORITY: 32,
	INGRESS_IFINDEX: 36,
	IFINDEX: 40,
	TC_INDEX: 44,
	CB: 48,
	HASH: 68,
	TC_CLASSID: 72,
	DATA: 76,
	DATA_END: 80,
	NAPI_ID: 84,
	FAMILY: 88,
	REMOTE_IP4: 92,
	LOCAL_IP4: 96,
	REMOTE_IP6: 100,
	LOCAL_IP6: 116,
	REMOTE_PORT: 132,
	LOCAL_PORT: 136,
	DATA_META: 140,
	TSTAMP: 152,
	WIRE_LEN: 160,
	GSO_SEGS: 164,
	SK: 168,
	GSO_SIZE: 176,
	TSTAMP_TYPE: 180,
	HWTSTAMP: 184,
	SIZE: 192,
} as const;

/** A u32 field of the running program's __sk_buff. */
export function skbField(memory: LinearMemory, offset: number): number {
	return memory.u32(memory.u32(PACKET.CONTEXT) + offset);
}

export function setSkbField(memory: LinearMemory, offset: number, value: number): void {
	memory.setU32(memory.u32(PACKET.CONTEXT) + offset, value >>> 0);
}

/** skb_is_gso. (No gso_type: ctx_in cannot set one.) */
export function isGso(memory: LinearMemory): boolean {
	return skbField(memory, SK_BUFF.GSO_SIZE) !== 0;
}

/** eth_type_vlan; the ethertype as it lies in memory. */
export function isVlan(protocol: number): boolean {
	return protocol === ETHERTYPE.VLAN || protocol === ETHERTYPE.VLAN_AD;
}

/** The ifindex of the device that the packet came in on. */
export function incomingDevice(memory: LinearMemory): number {
	const xdp = memory.u32(PACKET.KIND) === PACKET_KIND.XDP;
	return memory.u32(memory.u32(PACKET.CONTEXT) + (xdp ? XDP_MD.INGRESS_IFINDEX : SK_BUFF.IFINDEX));
}

/** Length of the whole packet: skb->len, or xdp_get_buff_len. */
export function packetLength(memory: LinearMemory): number {
	return memory.u32(PACKET.END) - memory.u32(PACKET.DATA) + memory.u32(PACKET.FRAGS_LENGTH);
}

/**
 * skb->protocol for what stands at `at`: Ethernet II types are 1536 and above; below is an 802.3 length, and 0xffff
 * behind it starts raw IPX (kernel: eth_type_trans, vlan_set_encap_proto).
 */
export function encapsulatedProtocol(memory: LinearMemory, at: number, end: number): number {
	const protocol = memory.view.getUint16(at, true);
	if ((protocol & 0xff) >= 6) return protocol;
	const raw = at + 4 <= end && memory.view.getUint16(at + 2, true) === 0xffff;
	return raw ? ETHERTYPE.RAW_802_3 : ETHERTYPE.LLC;
}

/** Writes the packet's bounds into the context after the packet moved or changed its length. */
export function refreshContext(memory: LinearMemory): void {
	const context = memory.u32(PACKET.CONTEXT);
	const data = memory.u32(PACKET.DATA);
	const end = memory.u32(PACKET.END);
	if (memory.u32(PACKET.KIND) === PACKET_KIND.XDP) {
		memory.setU32(context + XDP_MD.DATA, data);
		memory.setU32(context + XDP_MD.DATA_END, end);
		memory.setU32(context + XDP_MD.DATA_META, memory.u32(PACKET.META));
	} else {
		memory.setU32(PACKET.META, data);
		memory.setU32(context + SK_BUFF.LEN, end - data);
		memory.setU32(context + SK_BUFF.DATA, data);
		memory.setU32(context + SK_BUFF.DATA_END, end);
		memory.setU32(context + SK_BUFF.DATA_META, data);
	}
}

/** Whether `size` bytes at an unsigned offset from data lie in the linear packet. */
export function fits(memory: LinearMemory, offset: number, size: number): boolean {
	return (offset >>> 0) + (size >>> 0) <= memory.u32(PACKET.END) - memory.u32(PACKET.DATA);
}

/** skb_reset_mac_len. */
export function resetMacLength(memory: LinearMemory): void {
	memory.setU32(PACKET.MAC_LENGTH, (memory.u32(PACKET.NETWORK) - memory.u32(PACKET.MAC)) & 0xffff);
}

/** NET_SKB_PAD: headroom comes in such steps. */
const HEADROOM_STEP = 64;

/**
 * Moves an skb's start by `delta` (negative: into the headroom). When the buffer's headroom ends, the packet moves
 * in the buffer, which programs don't see. False, and nothing moved, when the buffer is full: -ENOMEM.
 */
export function moveStart(memory: LinearMemory, delta: number): boolean {
	const data = memory.u32(PACKET.DATA);
	const headroom = memory.u32(PACKET.HEADROOM);
	if (data + delta < memory.u32(PACKET.BUFFER)) {
		if (memory.u32(PACKET.END) - data - delta > SKB_BUFFER_SIZE) return false;
		recentre(memory, -delta);
	}
	let added = 0;
	if (-delta > headroom) {
		added = Math.ceil((-delta - headroom) / HEADROOM_STEP) * HEADROOM_STEP;
		// pskb_expand_head shifts the header offsets, u16, one that is not set (0xffff) too: it wraps to here
		if (memory.u32(PACKET.TRANSPORT) === 0)
			memory.setU32(PACKET.TRANSPORT, memory.u32(PACKET.DATA) - headroom - 1);
	}
	memory.setU32(PACKET.HEADROOM, headroom + added + delta);
	memory.setU32(PACKET.DATA, memory.u32(PACKET.DATA) + delta);
	return true;
}

/** Moves an skb's end by `delta`; bytes that come in are not cleared here. The caller keeps to SKB_MAX_LENGTH. */
export function moveEnd(memory: LinearMemory, delta: number): void {
	if (memory.u32(PACKET.END) + delta > memory.u32(PACKET.LIMIT)) recentre(memory, 0);
	memory.setU32(PACKET.END, memory.u32(PACKET.END) + delta);
}

const HEADERS = [PACKET.MAC, PACKET.NETWORK, PACKET.TRANSPORT] as const;

/** Puts the packet where `headroom` bytes before it are free, and as much as possible behind it. */
function recentre(memory: LinearMemory, headroom: number): void {
	const data = memory.u32(PACKET.DATA);
	const end = memory.u32(PACKET.END);
	const shift = memory.u32(PACKET.BUFFER) + headroom - data;
	memory.u8.copyWithin(data + shift, data, end);
	memory.setU32(PACKET.DATA, data + shift);
	memory.setU32(PACKET.END, end + shift);
	for (const header of HEADERS) {
		const address = memory.u32(header);
		if (address !== 0) memory.setU32(header, address + shift);
	}
}
