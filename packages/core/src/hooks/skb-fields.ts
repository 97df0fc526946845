import { SK_BUFF } from "../helpers/index.ts";
import type { ContextField } from "./types.ts";

/** A u32 that may be read also by its bytes and halves (kernel: bpf_ctx_narrow_access_ok). */
const u32 = (name: string, offset: number): ContextField => ({
	name,
	offset,
	size: 4,
	read: true,
	write: false,
	narrow: true,
});

/** That sk_buff has fewer bytes for. */
const kept = (bytes: number, field: ContextField): ContextField => ({ ...field, kept: bytes });

/** Fields of struct __sk_buff that every program type sees, in order, as a socket filter may use them. */
const common: readonly ContextField[] = [
	u32("len", SK_BUFF.LEN),
	kept(1, u32("pkt_type", SK_BUFF.PKT_TYPE)),
	u32("mark", SK_BUFF.MARK),
	kept(2, u32("queue_mapping", SK_BUFF.QUEUE_MAPPING)),
	kept(2, u32("protocol", SK_BUFF.PROTOCOL)),
	u32("vlan_present", SK_BUFF.VLAN_PRESENT),
	kept(2, u32("vlan_tci", SK_BUFF.VLAN_TCI)),
	kept(2, u32("vlan_proto", SK_BUFF.VLAN_PROTO)),
	u32("priority", SK_BUFF.PRIORITY),
	u32("ingress_ifindex", SK_BUFF.INGRESS_IFINDEX),
	u32("ifindex", SK_BUFF.IFINDEX),
	kept(2, u32("tc_index", SK_BUFF.TC_INDEX)),
	{
		name: "cb",
		offset: SK_BUFF.CB,
		size: 20,
		count: 5,
		read: true,
		write: true,
		narrow: true,
		loadWidths: [1, 2, 4, 8],
		storeWidths: [1, 2, 4, 8],
	},
	u32("hash", SK_BUFF.HASH),
	u32("napi_id", SK_BUFF.NAPI_ID),
	kept(2, u32("gso_segs", SK_BUFF.GSO_SEGS)),
	{
		name: "sk",
		offset: SK_BUFF.SK,
		size: 8,
		read: true,
		write: false,
		narrow: false,
		pointer: "sock_or_null",
	},
	kept(2, u32("gso_size", SK_BUFF.GSO_SIZE)),
];

export const socketFilterFields: readonly ContextField[] = common;

/** What a sched_cls or sched_act program may write beside cb, and what 6.18 makes of the value. */
const written: Readonly<Record<string, ContextField["store"]>> = {
	mark: undefined,
	priority: undefined,
	/** skb->queue_mapping is a u16, whose 0xffff says none: NO_QUEUE_MAPPING or more is not stored. */
	queue_mapping(value, high = 0, immediate = false) {
		const stored = immediate ? (value | 0) < 0xffff : high === 0 && value >>> 0 < 0xffff;
		return stored ? value & 0xffff : undefined;
	},
	tc_index: (value) => value & 0xffff,
	tc_classid: (value) => value & 0xffff,
};

const whole = (field: ContextField): ContextField => ({ ...field, narrow: false });

const tcOnly: readonly ContextField[] = [
	kept(2, u32("tc_classid", SK_BUFF.TC_CLASSID)),
	{ ...whole(u32("data", SK_BUFF.DATA)), pointer: "packet" },
	{ ...whole(u32("data_end", SK_BUFF.DATA_END)), pointer: "packet_end" },
	{ ...whole(u32("data_meta", SK_BUFF.DATA_META)), pointer: "packet_meta" },
	{ name: "tstamp", offset: SK_BUFF.TSTAMP, size: 8, read: true, write: true, narrow: false },
	u32("wire_len", SK_BUFF.WIRE_LEN),
	{ name: "tstamp_type", offset: SK_BUFF.TSTAMP_TYPE, size: 1, read: true, write: false, narrow: false },
	{ name: "hwtstamp", offset: SK_BUFF.HWTSTAMP, size: 8, read: true, write: false, narrow: false },
];

/** struct __sk_buff as sched_cls and sched_act programs see it. */
export const tcFields: readonly ContextField[] = [...common, ...tcOnly]
	.map((field) => {
		if (!(field.name in written)) return field;
		const store = written[field.name];
		return { ...field, write: true, ...(store === undefined ? {} : { store }) };
	})
	.sort((a, b) => a.offset - b.offset);

/** struct __sk_buff as cgroup_skb programs see it: less of the link layer, and they write less. */
const CGROUP_LACKS = ["tc_classid", "data_meta", "wire_len", "tstamp_type"];
const CGROUP_KEEPS = ["queue_mapping", "tc_index"];
/** What only cgroup_skb sees: the socket's addresses, through the skb. */
const ofSocket: readonly ContextField[] = [
	kept(2, u32("family", SK_BUFF.FAMILY)),
	whole(u32("remote_ip4", SK_BUFF.REMOTE_IP4)),
	whole(u32("local_ip4", SK_BUFF.LOCAL_IP4)),
	{ ...whole(u32("remote_ip6", SK_BUFF.REMOTE_IP6)), size: 16, count: 4 },
	{ ...whole(u32("local_ip6", SK_BUFF.LOCAL_IP6)), size: 16, count: 4 },
	kept(2, u32("remote_port", SK_BUFF.REMOTE_PORT)),
	kept(2, u32("local_port", SK_BUFF.LOCAL_PORT)),
];
export const cgroupSkbFields: readonly ContextField[] = [
	...tcFields
		.filter(({ name }) => !CGROUP_LACKS.includes(name))
		.map((field) => (CGROUP_KEEPS.includes(field.name) ? { ...field, write: false } : field)),
	...ofSocket,
].sort((a, b) => a.offset - b.offset);
