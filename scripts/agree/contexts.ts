import type { RunInput } from "@tailhop/core";

const XDP = 6;
/** Magic marks of Cilium's datapath, and none. */
const MARKS = [0, 0x0d00, 0x0e00, 0x0f00, 0x0_0a00, 0x0_0b00, 0x0_0c00, 0x3_0f00, 0xffff_ffff];

/** What a run's context says: nothing in the first round, then marks, cb words and priorities for skbs. */
export function contextOf(
	type: number,
	round: number,
	index: number,
	next: () => number,
): NonNullable<RunInput["context"]> {
	if (round === 0 || type === XDP) return {};
	return {
		mark: MARKS[(round + index) % MARKS.length]!,
		priority: next() % 3,
		cb: Array.from({ length: 5 }, () => [0, 0, 1, 2, 0x0200_000a][next() % 5]!),
	};
}
