import type { Insn } from "@tailhop/core";
import type { Random } from "../random.ts";

/** One instruction that is another now. */
export interface Mutation {
	readonly insn: number;
	/** What was done to it: a name of MUTATIONS. */
	readonly what: string;
}

export interface Mutant {
	readonly insns: readonly Insn[];
	readonly mutations: readonly Mutation[];
}

const classOf = ({ opcode }: Insn): number => opcode & 7;
const isJump = (insn: Insn): boolean => classOf(insn) === 5 || classOf(insn) === 6;
const isAlu = (insn: Insn): boolean => classOf(insn) === 4 || classOf(insn) === 7;
const isMemory = (insn: Insn): boolean => classOf(insn) >= 1 && classOf(insn) <= 3;
const isCall = ({ opcode }: Insn): boolean => opcode === 0x85;
const isExit = ({ opcode }: Insn): boolean => opcode === 0x95;
const isGoto = ({ opcode }: Insn): boolean => opcode === 0x05 || opcode === 0x06;
const isConditional = (insn: Insn): boolean =>
	isJump(insn) && !isCall(insn) && !isExit(insn) && !isGoto(insn) && (insn.opcode & 0xf0) !== 0xe0;
const usesImm = (insn: Insn): boolean =>
	((isAlu(insn) || isConditional(insn)) && (insn.opcode & 8) === 0) || classOf(insn) === 2;
/** Both halves of a lddw stay as they are, and stay together. */
const isWide = ({ opcode }: Insn): boolean => opcode === 0x18 || opcode === 0;
/** Calls of functions and kfuncs belong to records beside the code. */
const isTied = (insn: Insn): boolean => isWide(insn) || (isCall(insn) && insn.src !== 0);

const goto = (off: number): Insn => ({ opcode: 0x05, dst: 0, src: 0, off, imm: 0 });
const EDGES = [
	0, 1, -1, 2, 7, 8, 13, 14, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 511, 512, 0xffff, 0x10000,
	0x7fffffff, -0x80000000, -8, -16,
];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const OPERATIONS = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];
const SIZES = [0x00, 0x08, 0x10, 0x18];
const HELPERS = [1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 23, 25, 26, 28, 31, 34, 38, 43, 44, 51, 54, 65, 69, 84, 86];

interface Kind {
	/** How often, among those that fit. */
	readonly weight: number;
	readonly fits: (insn: Insn) => boolean;
	readonly change: (random: Random, insn: Insn) => Insn;
}

/** What is done to one instruction; each keeps the instruction's place, so that jumps and records stay right. */
const MUTATIONS: Readonly<Record<string, Kind>> = {
	"check dropped": { weight: 8, fits: isConditional, change: () => goto(0) },
	"check always": { weight: 3, fits: isConditional, change: (_, { off }) => goto(off) },
	"check inverted": {
		weight: 3,
		fits: isConditional,
		change: (random, insn) => ({ ...insn, opcode: (insn.opcode & 0x0f) | random.pick(JUMPS) }),
	},
	"bound moved": {
		weight: 8,
		fits: usesImm,
		change: (random, insn) => ({ ...insn, imm: (insn.imm + random.pick([-8, -4, -2, -1, 1, 2, 4, 8])) | 0 }),
	},
	"bound replaced": {
		weight: 5,
		fits: usesImm,
		change: (random, insn) => ({ ...insn, imm: random.pick(EDGES) }),
	},
	"operation changed": {
		weight: 3,
		fits: isAlu,
		change: (random, insn) => ({ ...insn, opcode: (insn.opcode & 0x0f) | random.pick(OPERATIONS) }),
	},
	"32 bits for 64": {
		weight: 4,
		fits: (insn) => isAlu(insn) || isConditional(insn),
		change: (_, insn) => ({ ...insn, opcode: insn.opcode ^ 3 }),
	},
	"offset moved": {
		weight: 8,
		fits: isMemory,
		change: (random, insn) => ({
			...insn,
			off: ((insn.off + random.pick([-16, -8, -4, -2, -1, 1, 2, 4, 8, 16, 64])) << 16) >> 16,
		}),
	},
	"size changed": {
		weight: 5,
		fits: isMemory,
		change: (random, insn) => ({ ...insn, opcode: (insn.opcode & ~0x18) | random.pick(SIZES) }),
	},
	"jump moved": {
		weight: 2,
		fits: (insn) => isConditional(insn) || insn.opcode === 0x05,
		change: (random, insn) => ({ ...insn, off: insn.off + random.pick([-2, -1, 1, 2, 3]) }),
	},
	"destination changed": {
		weight: 4,
		fits: (insn) => !isExit(insn) && !isCall(insn),
		change: (random, insn) => ({ ...insn, dst: random.below(11) }),
	},
	"source changed": {
		weight: 4,
		fits: (insn) => (insn.opcode & 8) !== 0 || isMemory(insn),
		change: (random, insn) => ({ ...insn, src: random.below(11) }),
	},
	"other helper": {
		weight: 2,
		fits: isCall,
		change: (random, insn) => ({ ...insn, imm: random.pick(HELPERS) }),
	},
	deleted: { weight: 6, fits: (insn) => !isConditional(insn) && !isExit(insn), change: () => goto(0) },
	"set to a number": {
		weight: 2,
		fits: isAlu,
		change: (random, { dst }) => ({ opcode: 0xb7, dst, src: 0, off: 0, imm: random.pick(EDGES) }),
	},
};
const NAMES: readonly (readonly [number, string])[] = [
	...Object.entries(MUTATIONS).map(([name, { weight }]) => [weight, name] as const),
	[5, "swapped"],
];

/** A few changes of a program, one mostly. */
export function mutate(random: Random, original: readonly Insn[]): Mutant {
	const insns = original.slice();
	const mutations: Mutation[] = [];
	const count = random.weighted([
		[7, 1],
		[2, 2],
		[1, 3],
	]);
	for (let tries = 0; mutations.length < count && tries < 1000; tries++) {
		const what = random.weighted(NAMES);
		const at = random.below(insns.length);
		const insn = insns[at]!;
		if (isTied(insn)) continue;
		if (what === "swapped") {
			const next = insns[at + 1];
			if (next === undefined || isTied(next) || isJump(insn) || isJump(next)) continue;
			[insns[at], insns[at + 1]] = [next, insn];
		} else {
			const { fits, change } = MUTATIONS[what]!;
			if (!fits(insn)) continue;
			insns[at] = change(random, insn);
		}
		mutations.push({ insn: at, what });
	}
	return { insns, mutations };
}

/**
 * Fewer instructions with the same answers: all that may go become `goto +0`, which keeps every other in its place.
 */
export function reduceInsns(
	insns: readonly Insn[],
	still: (insns: readonly Insn[]) => boolean,
	patience = 4000,
): readonly Insn[] {
	let best = insns;
	const until = Date.now() + patience;
	for (let chunk = insns.length >> 1; chunk >= 1; chunk >>= 1) {
		for (let at = insns.length - 1; at >= 0 && Date.now() < until; at -= chunk) {
			const from = Math.max(0, at - chunk + 1);
			const smaller = best.map((insn, i) =>
				i < from || i > at || isTied(insn) || isExit(insn) || isNothing(insn) ? insn : goto(0),
			);
			if (smaller.some((insn, i) => insn !== best[i]) && still(smaller)) best = smaller;
		}
	}
	return best;
}

export const isNothing = ({ opcode, off }: Insn): boolean => opcode === 0x05 && off === 0;
