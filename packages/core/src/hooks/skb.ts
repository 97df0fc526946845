import {
	AF_INET,
	AF_INET6,
	ETH_HLEN,
	ETHERTYPE,
	encapsulatedProtocol,
	helpersAllowed,
	loadAbsolute,
	PACKET,
	PACKET_KIND,
	PACKET_SIZE,
	PAGE_SIZE,
	refreshContext,
	SHARED_INFO_SIZE,
	SK_BUFF,
	SKB_BUFFER_SIZE,
	SKB_HEADROOM,
	SOCK,
	TCP_STATE,
	TUNNEL_SIZE,
} from "../helpers/index.ts";
import { type LinearMemory, MACHINE } from "../memory/index.ts";
import { fieldAt } from "./access.ts";
import { contextInput, contextRecord, EINVAL, refuse } from "./context.ts";
import { tcFields } from "./skb-fields.ts";
import type { FieldPointer, Hook, HookInput, HookOutput } from "./types.ts";

/** The longest packet that a test run takes: a page less headroom and skb_shared_info. */
const MAX_PACKET = PAGE_SIZE - SKB_HEADROOM - SHARED_INFO_SIZE;
/** GSO_LEGACY_MAX_SIZE and GSO_MAX_SEGS. */
const MAX_WIRE_LENGTH = 65536;
const MAX_GSO_SEGS = 65535;

/** pkt_type. */
const PACKET_TYPE = { HOST: 0, BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3 } as const;

/** What convert___skb_to_skb takes from ctx_in; all else must be zero. */
const SETTABLE = [
	"mark",
	"priority",
	"ingress_ifindex",
	"ifindex",
	"cb",
	"tstamp",
	"wire_len",
	"gso_segs",
	"gso_size",
	"hwtstamp",
];
/** What convert_skb_to___skb writes into ctx_out; the rest, gso_size among it, is what was given. */
const WRITTEN_BACK = SETTABLE.filter((name) => name !== "gso_size");

const settable = tcFields.filter(({ name }) => SETTABLE.includes(name));
const writtenBack = tcFields.filter(({ name }) => WRITTEN_BACK.includes(name));

// Area: context, socket, tunnel metadata, the buffer that the packet moves in.
const SOCK_AT = SK_BUFF.SIZE;
const TUNNEL_AT = SOCK_AT + SOCK.SIZE;
const BUFFER_AT = (TUNNEL_AT + TUNNEL_SIZE + 63) & ~63;

/**
 * The hooks whose context is struct __sk_buff differ in what they see of the packet: `layer` 2 from the MAC header
 * on (tc), 3 from the network header on (socket filters and cgroups, whose output has 14 zero bytes before it).
 */
export function skbHook(
	own: Pick<Hook, "name" | "programType" | "fields" | "verdictName" | "packetAccess"> & {
		readonly layer: 2 | 3;
	},
): Hook {
	const { layer, ...rest } = own;
	const hidden = layer === 3 ? ETH_HLEN : 0;
	return {
		...rest,
		contextName: "__sk_buff",
		contextSize: SK_BUFF.SIZE,
		helpers: helpersAllowed(own.programType)!,
		loadAbsolute,
		footprint: () => 64 + BUFFER_AT + SKB_BUFFER_SIZE,

		begin(memory: LinearMemory, area: number, input: HookInput): number {
			const { packet } = input;
			const given = contextInput(input, "__sk_buff", SK_BUFF.SIZE, tcFields, SETTABLE);
			checkLength(packet);
			if (given !== undefined) checkContext(given, packet.length - hidden);

			const context = (area + 63) & ~63;
			const buffer = context + BUFFER_AT;
			// A test run's skb has 64 bytes of headroom and gets more when it needs it; here it lies in the middle.
			const mac = buffer + SKB_BUFFER_SIZE / 2;
			const end = mac + packet.length;
			memory.write(mac, packet);
			// What an earlier run left behind the packet must not show in this one.
			memory.clear(end, buffer + SKB_BUFFER_SIZE);
			const protocol = encapsulatedProtocol(memory, mac + ETH_HLEN - 2, end);
			checkHeaders(packet, protocol);

			memory.clear(MACHINE.PACKET, MACHINE.PACKET + PACKET_SIZE);
			memory.setU32(PACKET.KIND, PACKET_KIND.SKB);
			memory.setU32(PACKET.CONTEXT, context);
			memory.setU32(PACKET.BUFFER, buffer);
			memory.setU32(PACKET.LIMIT, buffer + SKB_BUFFER_SIZE);
			memory.setU32(PACKET.DATA, mac + hidden);
			memory.setU32(PACKET.END, end);
			memory.setU32(PACKET.HEADROOM, SKB_HEADROOM + hidden);
			memory.setU32(PACKET.MAC, mac);
			memory.setU32(PACKET.NETWORK, mac + ETH_HLEN);
			memory.setU32(PACKET.SOCK, context + SOCK_AT);
			memory.setU32(PACKET.TUNNEL, context + TUNNEL_AT);
			writeSock(memory, context + SOCK_AT, packet, protocol);

			memory.clear(context + TUNNEL_AT, context + TUNNEL_AT + TUNNEL_SIZE);
			memory.clear(context, context + SK_BUFF.SIZE);
			if (given !== undefined)
				for (const { offset, size } of settable)
					memory.write(context + offset, given.subarray(offset, offset + size));
			memory.setU32(context + SK_BUFF.PKT_TYPE, packetType(packet));
			memory.setU32(context + SK_BUFF.PROTOCOL, protocol);
			if (memory.u32(context + SK_BUFF.IFINDEX) === 0) memory.setU32(context + SK_BUFF.IFINDEX, 1);
			if (memory.u32(context + SK_BUFF.WIRE_LEN) === 0)
				memory.setU32(context + SK_BUFF.WIRE_LEN, packet.length - hidden);
			memory.setU64(context + SK_BUFF.SK, BigInt(context + SOCK_AT));
			showSock(memory, context);
			// skb_shared_info has 16 bits for it; ctx_out repeats what was given.
			const gsoSize = memory.u32(context + SK_BUFF.GSO_SIZE);
			memory.setU32(PACKET.GSO_SIZE_IN, gsoSize);
			memory.setU32(context + SK_BUFF.GSO_SIZE, gsoSize & 0xffff);
			refreshContext(memory);
			return context;
		},

		bounds: (memory) => ({
			meta: memory.u32(PACKET.META),
			data: memory.u32(PACKET.DATA),
			end: memory.u32(PACKET.END),
		}),

		end(memory: LinearMemory, context: number): HookOutput {
			const data = memory.u32(PACKET.DATA);
			const length = memory.u32(PACKET.END) - data;
			const packet = new Uint8Array(hidden + length);
			packet.set(memory.u8.subarray(data, data + length), hidden);
			const seen = memory.read(context, SK_BUFF.SIZE);
			const contextBytes = new Uint8Array(SK_BUFF.SIZE);
			for (const { offset, size } of writtenBack)
				contextBytes.set(seen.subarray(offset, offset + size), offset);
			new DataView(contextBytes.buffer).setUint32(SK_BUFF.GSO_SIZE, memory.u32(PACKET.GSO_SIZE_IN), true);
			return { packet, context: contextRecord(seen, own.fields), contextBytes };
		},

		target: (memory: LinearMemory, pointer: FieldPointer) =>
			pointer === "sock_or_null" ? { address: memory.u32(PACKET.SOCK), size: SOCK.SIZE } : undefined,
	};
}

const tooShort = (packet: Uint8Array, what: string, minimum: number) =>
	refuse(
		`a packet of ${packet.length} bytes is shorter than ${what}`,
		EINVAL,
		`Give ${minimum} bytes or more.`,
	);

function checkLength(packet: Uint8Array): void {
	if (packet.length < ETH_HLEN) throw tooShort(packet, "an Ethernet header", ETH_HLEN);
	if (packet.length > MAX_PACKET)
		throw refuse(
			`a packet of ${packet.length} bytes is longer than a test run's skb`,
			EINVAL,
			`Give at most ${MAX_PACKET} bytes.`,
		);
}

function checkHeaders(packet: Uint8Array, protocol: number): void {
	if (protocol === ETHERTYPE.IP && packet.length < 34)
		throw tooShort(packet, "its Ethernet and IPv4 headers", 34);
	if (protocol === ETHERTYPE.IPV6 && packet.length < 54)
		throw tooShort(packet, "its Ethernet and IPv6 headers", 54);
}

/** Against lo, whose address and broadcast address are zero: a broadcast frame counts as multicast there. */
function packetType(packet: Uint8Array): number {
	if (packet.subarray(0, 6).every((byte) => byte === 0)) return PACKET_TYPE.HOST;
	return packet[0]! & 1 ? PACKET_TYPE.MULTICAST : PACKET_TYPE.OTHERHOST;
}

function checkContext(given: Uint8Array, length: number): void {
	for (let offset = 0; offset < SK_BUFF.SIZE; offset++) {
		if (given[offset] === 0) continue;
		const name = fieldAt(tcFields, offset)?.name;
		if (name !== undefined && SETTABLE.includes(name)) continue;
		throw refuse(
			`__sk_buff.${name ?? `byte ${offset}`} cannot be set for a run`,
			EINVAL,
			`These fields can: ${SETTABLE.join(", ")}.`,
		);
	}
	const view = new DataView(given.buffer, given.byteOffset);
	const wireLength = view.getUint32(SK_BUFF.WIRE_LEN, true);
	if (wireLength !== 0 && (wireLength < length || wireLength > MAX_WIRE_LENGTH))
		throw refuse(
			`__sk_buff.wire_len ${wireLength} is not possible for ${length} bytes`,
			EINVAL,
			`Set 0 or ${length} to ${MAX_WIRE_LENGTH}.`,
		);
	if (view.getUint32(SK_BUFF.GSO_SEGS, true) > MAX_GSO_SEGS)
		throw refuse("__sk_buff.gso_segs is too large", EINVAL, `Set at most ${MAX_GSO_SEGS}.`);
}

/** The socket of a test run: closed, without ports, with the packet's addresses. */
function writeSock(memory: LinearMemory, at: number, packet: Uint8Array, protocol: number): void {
	memory.clear(at, at + SOCK.SIZE);
	memory.setU32(at + SOCK.STATE, TCP_STATE.close);
	memory.setU32(at + SOCK.RX_QUEUE_MAPPING, 0xffffffff);
	if (protocol === ETHERTYPE.IP) {
		memory.setU32(at + SOCK.FAMILY, AF_INET);
		memory.write(at + SOCK.SRC_IP4, packet.subarray(26, 30));
		memory.write(at + SOCK.DST_IP4, packet.subarray(30, 34));
	} else if (protocol === ETHERTYPE.IPV6) {
		memory.setU32(at + SOCK.FAMILY, AF_INET6);
		memory.write(at + SOCK.SRC_IP6, packet.subarray(22, 38));
		memory.write(at + SOCK.DST_IP6, packet.subarray(38, 54));
	}
}

/** The socket's own view of the connection, which cgroup_skb programs read from the context. */
const SHOWN = [
	[SK_BUFF.FAMILY, SOCK.FAMILY, 4],
	[SK_BUFF.REMOTE_IP4, SOCK.DST_IP4, 4],
	[SK_BUFF.LOCAL_IP4, SOCK.SRC_IP4, 4],
	[SK_BUFF.REMOTE_IP6, SOCK.DST_IP6, 16],
	[SK_BUFF.LOCAL_IP6, SOCK.SRC_IP6, 16],
] as const;

function showSock(memory: LinearMemory, context: number): void {
	for (const [field, of, size] of SHOWN)
		memory.write(context + field, memory.read(context + SOCK_AT + of, size));
}
