import { lookup, OUT, unknown } from "../parts.ts";
import { type Draft, made, type ThemeScript } from "../theme.ts";

/** xorshift32: the same programs each time. */
function random(seed: number): (below: number) => number {
	let state = seed * 0x9e3779b1 || 1;
	return (below) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % below;
	};
}

const ALU = ["+=", "-=", "&=", "|=", "^=", "*=", "/=", "%=", "<<=", ">>=", "s>>="];
const CONDITIONS = ["==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"];
const CONSTANTS = [0, 1, 2, 3, 7, 8, 15, 31, 47, 48, 255, -1, -8, 0x7fffffff, 0x10000];

/** One line over r6 to r9, all numbers; jumps go forward by one line or two. */
function line(pick: (below: number) => number): string {
	const one = <T>(list: readonly T[]): T => list[pick(list.length)]!;
	const [a, b] = [6 + pick(4), 6 + pick(4)];
	const letter = pick(3) === 0 ? "w" : "r";
	switch (pick(10)) {
		case 0:
		case 1:
		case 2: {
			const op = one(ALU);
			const shift = op.endsWith("<=") || op.endsWith(">=") || op.endsWith(">>=") || op === "<<=";
			return `${letter}${a} ${op} ${shift ? 1 + pick(31) : one(CONSTANTS.slice(op === "/=" || op === "%=" ? 1 : 0))}`;
		}
		case 3:
			return `${letter}${a} ${one(ALU.slice(0, 6))} ${letter}${b}`;
		case 4:
			return `${letter}${a} = ${letter}${b}`;
		case 5:
			return `r${a} &= ${one([1, 3, 7, 15, 31])}`;
		case 6:
			return `if ${letter}${a} ${one(CONDITIONS)} ${one(CONSTANTS)} goto +1`;
		case 7:
			return `if ${letter}${a} ${one(CONDITIONS)} ${letter}${b} goto out`;
		case 8:
			return `if r${a} > ${one([7, 15, 31, 40, 47])} goto out`;
		default:
			return one([
				`*(u64 *)(r10 - 16) = r${a}`,
				`r${a} = *(u64 *)(r10 - 16)`,
				`*(u32 *)(r10 - 12) = w${a}`,
				`r${a} = *(u32 *)(r10 - 16)`,
				`r${a} = *(s8 *)(r10 - 16)`,
				`r${a} = (s16)r${b}`,
				`r${a} = -r${a}`,
			]);
	}
}

export const mixed: ThemeScript = {
	about:
		"Arithmetic, jumps and spills in no order, by a generator of fixed seeds; then one of four numbers is an offset into 48 bytes.",
	*programs(): Iterable<Draft> {
		for (let seed = 1; seed <= 400; seed++) {
			const pick = random(seed);
			const lines = Array.from({ length: 4 + pick(14) }, () => line(pick));
			const offset = 6 + pick(4);
			const last =
				pick(3) === 0 ? "" : `if r${offset} ${["> 47", "s> 47", ">= 48", "> 40"][pick(4)]} goto out`;
			yield made(
				`seed-${seed}`,
				"xdp",
				`${unknown(6)}${unknown(7)}${unknown(8)}${unknown(9)}\n*(u64 *)(r10 - 16) = 0\n${lookup("one48")}\n${lines.join("\n")}\n${last}\nr0 += r${offset}\nr1 = *(u8 *)(r0 + ${pick(3)})\n${OUT}`,
			);
		}
	},
};
