import type { TailhopError } from "../errors/index.ts";
import {
	ETH_HLEN,
	helpersAllowed,
	MAX_FRAGS,
	PACKET,
	PACKET_KIND,
	PACKET_SIZE,
	PAGE_SIZE,
	refreshContext,
	SHARED_INFO_SIZE,
	XDP_FRAME_SIZE,
	XDP_HEADROOM,
	XDP_MD,
} from "../helpers/index.ts";
import { type LinearMemory, MACHINE } from "../memory/index.ts";
import { contextInput, contextRecord, EINVAL, ENOMEM, refuse } from "./context.ts";
import type { ContextField, Hook, HookInput, HookOutput } from "./types.ts";

const BPF_PROG_TYPE_XDP = 6;
/** BPF_XDP_DEVMAP: the only attach type whose programs see egress_ifindex. */
const BPF_XDP_DEVMAP = 33;

/** Every access to xdp_md is a load of one whole u32 (kernel: xdp_is_valid_access). */
const word = (name: string, offset: number): ContextField => ({
	name,
	offset,
	size: 4,
	read: true,
	write: false,
	narrow: false,
});

export const xdpFields: readonly ContextField[] = [
	{ ...word("data", XDP_MD.DATA), pointer: "packet" },
	{ ...word("data_end", XDP_MD.DATA_END), pointer: "packet_end" },
	{ ...word("data_meta", XDP_MD.DATA_META), pointer: "packet_meta" },
	word("ingress_ifindex", XDP_MD.INGRESS_IFINDEX),
	word("rx_queue_index", XDP_MD.RX_QUEUE_INDEX),
	{ ...word("egress_ifindex", XDP_MD.EGRESS_IFINDEX), attachTypes: [BPF_XDP_DEVMAP] },
];

/** In ctx_in, data and data_end are offsets in the packet: metadata goes up to data, the linear part to data_end. */
const SETTABLE = ["data", "data_end", "ingress_ifindex", "rx_queue_index"];

const VERDICTS = ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"];

/** The frame's area starts at a multiple of 64 behind the context. */
const FRAME = 64;

/**
 * XDP as bpf_prog_test_run_xdp runs it: 256 bytes of headroom in a frame of one page that ends with
 * skb_shared_info, so 3520 bytes are linear; the rest lies in up to 17 fragments of one page each, also for a
 * program without BPF_F_XDP_HAS_FRAGS. `context.ingress_ifindex` may be any: the devices are the caller's.
 */
export const xdpHook: Hook = {
	name: "xdp",
	programType: BPF_PROG_TYPE_XDP,
	contextName: "xdp_md",
	contextSize: XDP_MD.SIZE,
	fields: xdpFields,
	helpers: helpersAllowed(BPF_PROG_TYPE_XDP)!,

	verdictName: (code) => VERDICTS[code >>> 0],

	footprint: (packetLength) => FRAME + 64 + PAGE_SIZE + Math.ceil(packetLength / PAGE_SIZE) * PAGE_SIZE,

	begin(memory: LinearMemory, area: number, input: HookInput): number {
		const { packet } = input;
		const given = contextInput(withDataEnd(input), this.contextName, XDP_MD.SIZE, xdpFields, SETTABLE);
		const { meta, linear, ingress, queue } = given
			? checkContext(given, packet.length)
			: { meta: 0, linear: packet.length, ingress: 0, queue: 0 };
		if (packet.length - meta < ETH_HLEN)
			throw refuse(
				`a packet of ${packet.length - meta} bytes is shorter than an Ethernet header`,
				EINVAL,
				"XDP takes 14 bytes or more.",
			);
		const headroom = XDP_HEADROOM - meta;
		const linearLength = Math.min(linear, PAGE_SIZE - headroom - SHARED_INFO_SIZE);
		const fragsLength = packet.length - linearLength;
		if (fragsLength > MAX_FRAGS * PAGE_SIZE)
			throw refuse(
				`a packet of ${packet.length} bytes takes more than ${MAX_FRAGS} fragments`,
				ENOMEM,
				`XDP takes at most ${linearLength + MAX_FRAGS * PAGE_SIZE} bytes.`,
			);

		const context = (area + 63) & ~63;
		const frame = context + FRAME;
		const frags = frame + PAGE_SIZE;
		const metaStart = frame + headroom;
		memory.clear(frame, frame + PAGE_SIZE);
		memory.write(metaStart, packet.subarray(0, linearLength));
		if (fragsLength > 0) memory.write(frags, packet.subarray(linearLength));

		memory.clear(MACHINE.PACKET, MACHINE.PACKET + PACKET_SIZE);
		memory.setU32(PACKET.KIND, PACKET_KIND.XDP);
		memory.setU32(PACKET.CONTEXT, context);
		memory.setU32(PACKET.BUFFER, frame + XDP_FRAME_SIZE);
		memory.setU32(PACKET.LIMIT, frame + PAGE_SIZE - SHARED_INFO_SIZE);
		memory.setU32(PACKET.META, metaStart);
		memory.setU32(PACKET.DATA, metaStart + meta);
		memory.setU32(PACKET.END, metaStart + linearLength);
		memory.setU32(PACKET.FRAGS, frags);
		memory.setU32(PACKET.FRAGS_LENGTH, fragsLength);
		memory.setU32(PACKET.INGRESS_IN, ingress);
		memory.setU32(PACKET.QUEUE_IN, queue);

		memory.clear(context, context + XDP_MD.SIZE);
		// Without one given, the frame came in on lo, device 1 of the first network namespace.
		memory.setU32(context + XDP_MD.INGRESS_IFINDEX, ingress === 0 ? 1 : ingress);
		memory.setU32(context + XDP_MD.RX_QUEUE_INDEX, queue);
		refreshContext(memory);
		return context;
	},

	bounds: (memory) => ({
		meta: memory.u32(PACKET.META),
		data: memory.u32(PACKET.DATA),
		end: memory.u32(PACKET.END),
	}),

	end(memory: LinearMemory): HookOutput {
		const meta = memory.u32(PACKET.META);
		const linear = memory.u32(PACKET.END) - meta;
		const frags = memory.u32(PACKET.FRAGS_LENGTH);
		const packet = new Uint8Array(linear + frags);
		const bytes = memory.u8;
		packet.set(bytes.subarray(meta, meta + linear));
		const fragsAt = memory.u32(PACKET.FRAGS);
		if (frags > 0) packet.set(bytes.subarray(fragsAt, fragsAt + frags), linear);
		const contextBytes = new Uint8Array(XDP_MD.SIZE);
		const view = new DataView(contextBytes.buffer);
		view.setUint32(XDP_MD.DATA, memory.u32(PACKET.DATA) - meta, true);
		view.setUint32(XDP_MD.DATA_END, linear, true);
		view.setUint32(XDP_MD.INGRESS_IFINDEX, memory.u32(PACKET.INGRESS_IN), true);
		view.setUint32(XDP_MD.RX_QUEUE_INDEX, memory.u32(PACKET.QUEUE_IN), true);
		const context = {
			data: memory.u32(PACKET.DATA) - meta,
			data_end: linear,
			...contextRecord(contextBytes, xdpFields),
		};
		return { packet, context, contextBytes };
	},
};

/**
 * A context given by fields that doesn't speak of data_end means the whole packet. (The kernel reads zeros as "no
 * linear part", which is what a context given as bytes gets here too.)
 */
function withDataEnd(input: HookInput): HookInput {
	if (input.context === undefined || "data_end" in input.context) return input;
	return { ...input, context: { ...input.context, data_end: input.packet.length } };
}

function checkContext(bytes: Uint8Array, length: number) {
	const view = new DataView(bytes.buffer, bytes.byteOffset);
	const u32 = (offset: number) => view.getUint32(offset, true);
	const meta = u32(XDP_MD.DATA);
	const linear = u32(XDP_MD.DATA_END);
	const ingress = u32(XDP_MD.INGRESS_IFINDEX);
	const queue = u32(XDP_MD.RX_QUEUE_INDEX);
	const because = (message: string, hint: string): TailhopError => refuse(message, EINVAL, hint);
	if (u32(XDP_MD.DATA_META) !== 0)
		throw because("xdp_md.data_meta must be 0", "Metadata starts the packet; data says its length.");
	if (linear > length || meta > linear)
		throw because(
			`xdp_md.data (${meta}) and data_end (${linear}) are not offsets in a packet of ${length} bytes`,
			"Set 0 <= data <= data_end <= packet length.",
		);
	if (meta % 4 !== 0 || meta > XDP_HEADROOM - XDP_FRAME_SIZE)
		throw because(
			`metadata of ${meta} bytes is not possible`,
			`Take a multiple of 4 up to ${XDP_HEADROOM - XDP_FRAME_SIZE} for xdp_md.data.`,
		);
	if (u32(XDP_MD.EGRESS_IFINDEX) !== 0)
		throw because("xdp_md.egress_ifindex cannot be set for a run", "Leave it 0.");
	if (ingress === 0 && queue !== 0)
		throw because("xdp_md.rx_queue_index needs an ingress_ifindex", "Set ingress_ifindex as well.");
	return { meta, linear, ingress, queue };
}
