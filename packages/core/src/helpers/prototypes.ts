import { cpuPrototypes } from "./cpu.ts";
import { csumPrototypes } from "./csum.ts";
import { fibPrototypes } from "./fib.ts";
import { lockPrototypes } from "./lock.ts";
import { loopPrototypes } from "./loop.ts";
import { mapPrototypes } from "./map-ops.ts";
import { objectPrototypes } from "./objects.ts";
import { skbPrototypes } from "./packet-skb.ts";
import { xdpPrototypes } from "./packet-xdp.ts";
import { perfPrototypes } from "./perf.ts";
import { printkPrototypes } from "./printk.ts";
import { redirectPrototypes } from "./redirect.ts";
import { ringbufPrototypes } from "./ringbuf.ts";
import { skbMetaPrototypes } from "./skb-meta.ts";
import { skbOtherPrototypes } from "./skb-other.ts";
import { skbRoomPrototypes } from "./skb-room.ts";
import { socketPrototypes } from "./sockets.ts";
import { sockopsPrototypes } from "./sockops.ts";
import { stringPrototypes } from "./strings.ts";
import { syncookiePrototypes } from "./syncookies.ts";
import { tailCallPrototypes } from "./tail-call.ts";
import { taskPrototypes } from "./tasks.ts";
import { timePrototypes } from "./time.ts";
import { tracingPrototypes } from "./tracing.ts";
import { tunnelPrototypes } from "./tunnel.ts";
import type { HelperPrototype } from "./types.ts";

/** Every prototype, family by family; ids are unique. */
export const PROTOTYPE_LIST: readonly HelperPrototype[] = [
	...mapPrototypes,
	...timePrototypes,
	...cpuPrototypes,
	...loopPrototypes,
	...printkPrototypes,
	...lockPrototypes,
	...perfPrototypes,
	...stringPrototypes,
	...ringbufPrototypes,
	...socketPrototypes,
	...syncookiePrototypes,
	...sockopsPrototypes,
	...skbOtherPrototypes,
	...taskPrototypes,
	...objectPrototypes,
	...csumPrototypes,
	...fibPrototypes,
	...skbPrototypes,
	...xdpPrototypes,
	...redirectPrototypes,
	...skbMetaPrototypes,
	...skbRoomPrototypes,
	...tunnelPrototypes,
	...tracingPrototypes,
	...tailCallPrototypes,
];

/** Prototypes by helper id: what verifier and checked interpreter read. No implementation comes with them. */
export const PROTOTYPES: ReadonlyMap<number, HelperPrototype> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ PROTOTYPE_LIST.map((prototype) => [prototype.id, prototype]),
);

/** What is different about a helper in some program types. */
const BY_TYPE: readonly {
	readonly id: number;
	readonly types: (type: number) => boolean;
	readonly as: Partial<Pick<HelperPrototype, "args" | "gplOnly">>;
}[] = [
	// of the current task, except where there is an skb of the traffic control layer or of a route
	{ id: 17, types: (type) => ![3, 4, 10, 11, 12, 19].includes(type), as: { args: [] } },
	// sk_reuseport, syscall: of a socket
	{ id: 46, types: (type) => type === 21 || type === 31, as: { args: ["sock_common_or_null"] } },
	// cgroup_sockopt: of a socket
	{
		id: 49,
		types: (type) => type === 25,
		as: { args: ["sock_common", "anything", "anything", "mem_in", "size"] },
	},
	{
		id: 57,
		types: (type) => type === 25,
		as: { args: ["sock_common", "anything", "anything", "mem_out", "size"] },
	},
	// perf_event: of the sample that it gets, not of the task
	{ id: 27, types: (type) => type === 7, as: { gplOnly: false } },
	// cgroup_sock: the context is the socket
	{ id: 107, types: (type) => type === 9, as: { args: ["map", "ctx", "map_value_or_null", "anything"] } },
	// sk_lookup: NULL takes the choice back
	{ id: 124, types: (type) => type === 30, as: { args: ["ctx", "sock_or_null", "anything"] } },
	// syscall: of an xdp_md that a kernel function gave
	{ id: 188, types: (type) => type === 31, as: { args: ["btf_ptr"] } },
];

/** The prototype of helper `id` as a program of this type sees it. */
export function prototypeFor(id: number, programType: number): HelperPrototype | undefined {
	const prototype = PROTOTYPES.get(id);
	const other = BY_TYPE.find((row) => row.id === id && row.types(programType));
	return prototype === undefined || other === undefined ? prototype : { ...prototype, ...other.as };
}
