import { type ContextField, type FieldPointer, HOOKS } from "../../hooks/index.ts";
import { ATTACH_TYPE, PROG_TYPE } from "../../isa/index.ts";
import { FLAG, REG } from "../state/types.ts";
import * as rows from "./context-rows.ts";
import { type ContextRow, type Loaded, loadFits, storeFits } from "./context-rows.ts";

/** The context of a program type: what it points to, and what programs may do with each of its fields. */
export interface ContextSpec {
	/** The structure that programs name; the context argument of a global function is a pointer to it. */
	readonly name: string;
	readonly rows: readonly ContextRow[];
}

const A = ATTACH_TYPE;
const T = PROG_TYPE;

/** What a hook's pointer fields give. */
const POINTERS: Readonly<Record<FieldPointer, Loaded>> = {
	packet: { type: REG.PACKET },
	packet_end: { type: REG.PACKET_END },
	packet_meta: { type: REG.PACKET_META },
	sock_or_null: { type: REG.SOCK_COMMON | FLAG.MAYBE_NULL },
	flow_keys: { type: REG.FLOW_KEYS },
};

const rowOf = (field: ContextField): ContextRow =>
	field.pointer === undefined ? field : { ...field, gives: POINTERS[field.pointer] };

/** The fields of a hook; `writable` and no others of them may be written, where it is given. */
function ofHook(
	type: number,
	names?: readonly string[],
	writable?: readonly string[],
): readonly ContextRow[] {
	const fields = HOOKS.find(({ programType }) => programType === type)?.fields ?? [];
	return fields
		.filter(({ name }) => names?.includes(name) ?? true)
		.map(rowOf)
		.map((row) => (writable === undefined ? row : { ...row, write: writable.includes(row.name) }));
}

/** struct __sk_buff as it is seen on a route: what a socket filter sees, and the packet. */
const lwt: readonly ContextRow[] = [
	...ofHook(T.SOCKET_FILTER, undefined, ["mark", "priority", "cb"]),
	...ofHook(T.SCHED_CLS, ["data", "data_end"]),
];
/** … and in a stream parser or verdict program: as cgroup_skb sees it, without what was set on the way. */
const SK_SKB_LACKS = ["mark", "tc_classid", "data_meta", "tstamp", "tstamp_type", "wire_len", "hwtstamp"];
const skSkb = ofHook(
	T.CGROUP_SKB,
	ofHook(T.CGROUP_SKB)
		.map(({ name }) => name)
		.filter((name) => !SK_SKB_LACKS.includes(name)),
	["priority", "tc_index"],
);
const flowDissector: readonly ContextRow[] = [
	...ofHook(T.SCHED_CLS, ["data", "data_end"]),
	rows.pointer("flow_keys", 144, { type: REG.FLOW_KEYS }),
];

const skBuff = (fields: readonly ContextRow[]): ContextSpec => ({ name: "__sk_buff", rows: fields });

/**
 * By BPF_PROG_TYPE_*. Not here: tracing and struct_ops, whose contexts are the arguments of what they are attached to,
 * and the types that aren't modelled.
 */
export const CONTEXTS: Readonly<Record<number, ContextSpec>> = {
	[T.SOCKET_FILTER]: skBuff(ofHook(T.SOCKET_FILTER)),
	[T.KPROBE]: { name: "bpf_user_pt_regs_t", rows: rows.bytes("pt_regs", 0, 168) },
	[T.SCHED_CLS]: skBuff(ofHook(T.SCHED_CLS)),
	[T.SCHED_ACT]: skBuff(ofHook(T.SCHED_ACT)),
	[T.TRACEPOINT]: { name: "__u64", rows: rows.bytes("args", 8, 8192) },
	[T.XDP]: { name: "xdp_md", rows: ofHook(T.XDP) },
	[T.PERF_EVENT]: { name: "bpf_perf_event_data", rows: rows.perfEvent },
	[T.CGROUP_SKB]: skBuff(ofHook(T.CGROUP_SKB)),
	[T.CGROUP_SOCK]: { name: "bpf_sock", rows: rows.cgroupSock },
	[T.LWT_IN]: skBuff(lwt),
	[T.LWT_OUT]: skBuff(lwt),
	[T.LWT_XMIT]: skBuff(lwt),
	[T.SOCK_OPS]: { name: "bpf_sock_ops", rows: rows.sockOps },
	[T.SK_SKB]: skBuff(skSkb),
	[T.CGROUP_DEVICE]: { name: "bpf_cgroup_dev_ctx", rows: rows.cgroupDevice },
	[T.SK_MSG]: { name: "sk_msg_md", rows: rows.skMsg },
	[T.RAW_TRACEPOINT]: { name: "bpf_raw_tracepoint_args", rows: rows.bytes("args", 0, 96) },
	[T.CGROUP_SOCK_ADDR]: { name: "bpf_sock_addr", rows: rows.cgroupSockAddr },
	[T.LWT_SEG6LOCAL]: skBuff(lwt),
	[T.SK_REUSEPORT]: { name: "sk_reuseport_md", rows: rows.skReuseport },
	[T.FLOW_DISSECTOR]: skBuff(flowDissector),
	[T.CGROUP_SYSCTL]: { name: "bpf_sysctl", rows: rows.cgroupSysctl },
	[T.RAW_TRACEPOINT_WRITABLE]: {
		name: "bpf_raw_tracepoint_args",
		rows: [rows.pointer("args[0]", 0, { type: REG.TP_BUFFER }), ...rows.bytes("args", 1, 96)],
	},
	[T.CGROUP_SOCKOPT]: { name: "bpf_sockopt", rows: rows.cgroupSockopt },
	[T.SK_LOOKUP]: { name: "bpf_sk_lookup", rows: rows.skLookup },
	[T.SYSCALL]: { name: "void", rows: rows.bytes("ctx", 0, 0xffff, true) },
	[T.NETFILTER]: {
		name: "bpf_nf_ctx",
		rows: [
			rows.pointer("state", 0, { type: REG.BTF_ID | FLAG.TRUSTED, btf: "nf_hook_state" }),
			rows.pointer("skb", 8, { type: REG.BTF_ID | FLAG.TRUSTED, btf: "sk_buff" }),
		],
	},
};

/** Fields of sk_reuseport and cgroup_sock that an attach type of 0 has are those of what it stands for. */
const STANDS_FOR: Readonly<Record<number, number>> = {
	[T.CGROUP_SOCK]: A.CGROUP_INET_SOCK_CREATE,
	[T.SK_REUSEPORT]: A.SK_REUSEPORT_SELECT,
};

const SCALAR: Loaded = { type: REG.SCALAR };

/**
 * What a load of `size` bytes at `offset` in the context gives, or what a store takes, where 6.18 allows it to a program
 * of this type and expected attach type. `offset` is a multiple of `size`: whether it is, is asked before.
 */
export function contextAccess(
	programType: number,
	attachType: number,
	offset: number,
	size: number,
	write: boolean,
): Loaded | undefined {
	const row = CONTEXTS[programType]?.rows.find(
		(each) =>
			(write ? each.write : each.read) &&
			seenBy(each, programType, attachType) &&
			(write ? storeFits(each, offset, size) : loadFits(each, offset, size)),
	);
	if (row === undefined) return undefined;
	return (write ? undefined : row.gives) ?? SCALAR;
}

export const contextLoad = (
	programType: number,
	attachType: number,
	offset: number,
	size: number,
): Loaded | undefined => contextAccess(programType, attachType, offset, size, false);

export const contextStore = (
	programType: number,
	attachType: number,
	offset: number,
	size: number,
): boolean => contextAccess(programType, attachType, offset, size, true) !== undefined;

function seenBy(row: ContextRow, programType: number, attachType: number): boolean {
	if (row.attachTypes === undefined) return true;
	return row.attachTypes.includes(attachType === 0 ? (STANDS_FOR[programType] ?? 0) : attachType);
}
