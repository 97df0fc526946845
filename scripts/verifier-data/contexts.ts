/** Contexts: each load and store of each width at each byte, and what a load leaves in its register. */
import { PROG_TYPE } from "@tailhop/core";
import { CONTEXTS, contextLoad, contextStore } from "../../packages/core/src/verifier/data/contexts.ts";
import { PROGRAM_TYPES } from "../../packages/core/src/verifier/data/program-types.ts";
import { typeName } from "../../packages/core/src/verifier/state/types.ts";
import { EXIT, insn, move } from "../probe-insns.ts";
import type { Prober, Way } from "./prober.ts";

const LOAD = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 } as const;
const STORE = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b } as const;
const WIDTHS = [1, 2, 4, 8] as const;
const END = [move(0, 1), EXIT];

/** xdp_md.egress_ifindex is for devmap programs. */
const MORE_ATTACH_TYPES: Readonly<Record<number, readonly number[]>> = { [PROG_TYPE.XDP]: [0, 33, 35] };
/** Where the kernel has a limit further out, only the beginning is asked; what begins at 8 is asked from 0. */
const UP_TO = 256;

/** The type in `R2=sock_or_null(id=1)` of the state behind the first instruction. */
function loaded(log: string): string | undefined {
	return /^0: .*; .*R2=([a-z_]+?)(?:\(.*)?$/m.exec(log)?.[1];
}

function checkContext(prober: Prober, way: Way): void {
	const { attachType } = way;
	for (let offset = 0; offset < UP_TO; offset++) {
		for (const width of WIDTHS) {
			const where = `${way.name} (${attachType}) ${width} at ${offset}`;
			const ours = contextLoad(way.type, attachType, offset, width);
			const load = [insn(LOAD[width], 2, 1, offset), ...END];
			const { ok } = prober.ask(way, load);
			prober.compare(`${where}: load`, ours !== undefined, ok);
			if (ok && ours !== undefined) {
				const name = typeName(ours.type) + (ours.btf ?? "");
				prober.compare(`${where}: gives`, name, loaded(prober.ask(way, load, { log: 2 }).log));
			}
			const stored = prober.ask(way, [move(2, 1), insn(STORE[width], 1, 2, offset), ...END]).ok;
			prober.compare(`${where}: store`, contextStore(way.type, attachType, offset, width), stored);
		}
	}
}

export function checkContexts(prober: Prober): void {
	for (const way of prober.ways()) {
		if (CONTEXTS[way.type] === undefined) continue;
		const attachTypes = MORE_ATTACH_TYPES[way.type] ??
			PROGRAM_TYPES[way.type]?.attachTypes ?? [way.attachType];
		for (const attachType of attachTypes) checkContext(prober, { ...way, attachType });
	}
}
