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
import { tailCallPrototypes } from "./tail-call.ts";
import { taskPrototypes } from "./tasks.ts";
import { timePrototypes } from "./time.ts";
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
	...tailCallPrototypes,
];

/** Prototypes by helper id: what verifier and checked interpreter read. No implementation comes with them. */
export const PROTOTYPES: ReadonlyMap<number, HelperPrototype> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ PROTOTYPE_LIST.map((prototype) => [prototype.id, prototype]),
);
