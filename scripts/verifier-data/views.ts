/** What lies behind pointers to flow keys and to AF_XDP sockets: each load and store of each width. */
import type { Insn } from "@tailhop/core";
import { FLOW_KEYS_SIZE, XDP_SOCK_FIELD } from "../../packages/core/src/verifier/data/views.ts";
import { add, call, copy, EXIT, insn, lddw, move } from "../probe-insns.ts";
import type { Prober } from "./prober.ts";

const LOAD = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 } as const;
const STORE = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b } as const;
const XSKMAP = 17;

export function checkViews(prober: Prober): void {
	const xsks = prober.kernel.createMap({ type: XSKMAP, keySize: 4, valueSize: 4, maxEntries: 1 });
	const key = [insn(0x62, 10, 0, -8), ...lddw(1, 5, 0), copy(2, 10), add(2, -8)];
	const check = (
		name: string,
		pointer: readonly Insn[],
		read: (at: number, size: number) => boolean,
		writes: boolean,
	) => {
		const way = prober.ways().find((each) => each.name === name)!;
		for (let at = 0; at < FLOW_KEYS_SIZE + 8; at++) {
			for (const size of [1, 2, 4, 8] as const) {
				const ask = (access: readonly Insn[]) =>
					prober.ask(way, [...pointer, ...access, move(0, 1), EXIT], { maps: [xsks] }).ok;
				prober.compare(
					`${name}: load of ${size} at ${at}`,
					read(at, size),
					ask([insn(LOAD[size], 3, 0, at)]),
				);
				prober.compare(
					`${name}: store of ${size} at ${at}`,
					writes && read(at, size),
					ask([move(3, 1), insn(STORE[size], 0, 3, at)]),
				);
			}
		}
	};
	// over the access and what follows, to the exit
	const orOut = insn(0x15, 0, 0, 1);
	const whole = (at: number, size: number) => at === XDP_SOCK_FIELD.offset && size === XDP_SOCK_FIELD.size;
	check("xdp", [...key, call(1), orOut], whole, false);
	check("flow_dissector", [insn(0x79, 0, 1, 144)], (at, size) => at + size <= FLOW_KEYS_SIZE, true);
	xsks.close();
}
