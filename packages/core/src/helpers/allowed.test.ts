import { describe, expect, test } from "vitest";
import { ALLOWED_BY_TYPE, helpersAllowed } from "./allowed.ts";
import { PROTOTYPES } from "./prototypes.ts";

const [SOCKET_FILTER, SCHED_CLS, XDP, SOCK_ADDR, SOCKOPT] = [1, 3, 6, 18, 25];
/** kprobe, tracepoint, perf_event, raw tracepoints, syscall. */
const NOT_NETWORK = new Set([2, 5, 7, 17, 24, 31]);

describe("helpers allowed by program type", () => {
	test("as 6.18 has it", () => {
		expect([44, 9, 51, 12].map((id) => helpersAllowed(XDP)?.has(id))).toEqual([true, false, true, true]);
		expect([44, 9, 51, 12].map((id) => helpersAllowed(SCHED_CLS)?.has(id))).toEqual([
			false,
			true,
			false,
			true,
		]);
		expect(helpersAllowed(SOCKET_FILTER)?.size).toBe(88);
		expect(helpersAllowed(XDP)?.size).toBe(104);
		expect(helpersAllowed(SCHED_CLS)?.size).toBe(139);
		expect(helpersAllowed(99)).toBeUndefined();
	});

	test("some depend on the attach type", () => {
		const connect = helpersAllowed(SOCK_ADDR, 10);
		const recvmsg = helpersAllowed(SOCK_ADDR, 19);
		expect([64, 187, 49].map((id) => [connect?.has(id), recvmsg?.has(id)])).toEqual([
			[true, false],
			[true, false],
			[true, true],
		]);
		expect([helpersAllowed(SOCKOPT, 21)?.has(49), helpersAllowed(SOCKOPT, 22)?.has(49)]).toEqual([
			false,
			true,
		]);
	});

	test("every helper that a network program may call has a prototype", () => {
		const missing = new Set<number>();
		for (const type of Object.keys(ALLOWED_BY_TYPE).map(Number)) {
			if (NOT_NETWORK.has(type)) continue;
			for (const id of helpersAllowed(type) ?? []) if (!PROTOTYPES.has(id)) missing.add(id);
		}
		expect([...missing]).toEqual([]);
	});
});
