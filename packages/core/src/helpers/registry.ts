import { cpuHelpers } from "./cpu.ts";
import { csumHelpers } from "./csum.ts";
import { dynptrHelpers } from "./dynptr.ts";
import { fibHelpers } from "./fib.ts";
import { lockHelpers } from "./lock.ts";
import { loopHelpers } from "./loop.ts";
import { mapHelpers } from "./map-ops.ts";
import { skbHelpers } from "./packet-skb.ts";
import { xdpHelpers } from "./packet-xdp.ts";
import { perfHelpers } from "./perf.ts";
import { perfReadHelpers } from "./perf-read.ts";
import { printkHelpers } from "./printk.ts";
import { probeReadHelpers } from "./probe-read.ts";
import { redirectHelpers } from "./redirect.ts";
import { ringbufHelpers } from "./ringbuf.ts";
import { skbMetaHelpers } from "./skb-meta.ts";
import { skbOtherHelpers } from "./skb-other.ts";
import { skbRoomHelpers } from "./skb-room.ts";
import { socketHelpers } from "./sockets.ts";
import { storageHelpers } from "./storage-owners.ts";
import { stringHelpers } from "./strings.ts";
import { syncookieHelpers } from "./syncookies.ts";
import { tailCallPrototypes } from "./tail-call.ts";
import { taskHelpers } from "./tasks.ts";
import { timeHelpers } from "./time.ts";
import { timerHelpers } from "./timers.ts";
import { tunnelHelpers } from "./tunnel.ts";
import type { Helper } from "./types.ts";

const families: readonly (readonly Helper[])[] = [
	mapHelpers,
	timeHelpers,
	cpuHelpers,
	loopHelpers,
	lockHelpers,
	perfHelpers,
	stringHelpers,
	printkHelpers,
	ringbufHelpers,
	dynptrHelpers,
	timerHelpers,
	skbOtherHelpers,
	taskHelpers,
	probeReadHelpers,
	perfReadHelpers,
	storageHelpers,
	socketHelpers,
	syncookieHelpers,
	tunnelHelpers,
	skbRoomHelpers,
	skbMetaHelpers,
	redirectHelpers,
	xdpHelpers,
	skbHelpers,
	fibHelpers,
	csumHelpers,
];

/** Linux's helpers that have an implementation, by id; tail_call is the engine's own and not among them. */
export const HELPERS: ReadonlyMap<number, Helper> = /* @__PURE__ */ new Map(
	/* @__PURE__ */ families.flat().map((helper) => [helper.prototype.id, helper]),
);

/** Whether a program that calls helper `id` can run here, tail_call included. */
export function isImplemented(id: number): boolean {
	return HELPERS.has(id) || id === tailCallPrototypes[0].id;
}
