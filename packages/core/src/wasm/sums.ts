import type { InnerLoop } from "../flow/index.ts";
import { decode, type Insn, type RowOf, slotsOf } from "../isa/index.ts";
import { COMPARE } from "./alu.ts";
import type { Node } from "./nodes.ts";

/** The sum of registers as a round finds them, and a constant; of 32 bits: its low half, zero-extended. */
export interface Linear {
	readonly kind: "linear";
	readonly terms: readonly number[];
	readonly add: number;
	readonly bits: 32 | 64;
}

/** What a register holds within a round. */
type Symbol =
	| Linear
	/** What the load of this number read. */
	| { readonly kind: "load"; readonly load: number }
	/** A register as the round found it, and what loads read. */
	| {
			readonly kind: "sum";
			readonly register: number;
			readonly loads: readonly number[];
			readonly bits: 32 | 64;
	  }
	/** Computed from what the round found, without effect. */
	| { readonly kind: "other" };

type Condition = Exclude<RowOf<"jcond">["cond"], "jset">;

/** A branch that leaves the loop. */
export interface SumExit {
	readonly value: Linear;
	readonly bound: Linear;
	/** By so much the value comes nearer to the bound each round; below 0 from above. */
	readonly step: number;
	/** The loop goes on while it holds between value and bound, in so many bits. */
	readonly stay: Condition;
	readonly bits: 32 | 64;
}

/** Elements side by side that are added to a register. */
export interface SumStream {
	readonly terms: readonly number[];
	readonly add: number;
	readonly size: 1 | 2 | 4 | 8;
	readonly register: number;
	readonly bits: 32 | 64;
	/** The load, or the first of them. */
	readonly insn: number;
}

/** A loop that adds up what lies side by side in memory, and does nothing else that lasts. */
export interface SumLoop {
	/** Rounds of a turn, a power of two. */
	readonly rounds: number;
	/** Bytes that each stream goes on by in a turn; a multiple of 16. */
	readonly bytes: number;
	readonly exits: readonly SumExit[];
	readonly streams: readonly SumStream[];
	/** Registers that go on by the same step each round. */
	readonly inductions: readonly {
		readonly register: number;
		readonly step: number;
		readonly bits: 32 | 64;
	}[];
}

/** Two vectors a turn: the loop's own instructions count as much as the sums. */
const TURN_BYTES = 32;
const MOST_BYTES = 128;
const MOST_TERMS = 4;
const FAR = 2 ** 31;

/**
 * Loops that sum get a node in front that does as many rounds as surely stay in the loop, by vectors; what is left,
 * at least one round, does the loop itself, and so leaves every register as it would have. Sums modulo 2^32 or 2^64
 * may be taken in any order. Measured: csum 2.5 times gcc's vectorised code before, see bench/README.md for now.
 * gcc and clang do the same to native code; a checksum over a packet is the loop that datapaths have.
 */
export function sumLoops(nodes: Node[], loops: readonly InnerLoop[]): void {
	const fronts = new Map<number, { readonly front: number; readonly body: ReadonlySet<number> }>();
	for (const { header, body } of loops) {
		const sum = sumLoop(nodes, header, body);
		if (sum === undefined) continue;
		const { start, unit, frame } = nodes[header]!;
		fronts.set(header, { front: nodes.length, body });
		nodes.push({
			unit,
			start,
			end: start,
			frame,
			enter: undefined,
			leave: undefined,
			terminator: "fall",
			branch: -1,
			successors: [header],
			arms: [],
			sum,
		});
	}
	if (fronts.size === 0) return;
	for (const [index, node] of nodes.entries()) {
		node.successors = node.successors.map((to) => {
			const found = fronts.get(to);
			return found === undefined || found.body.has(index) || found.front === index ? to : found.front;
		});
	}
}

/** What such a loop does, if it is one. */
function sumLoop(nodes: readonly Node[], header: number, body: ReadonlySet<number>): SumLoop | undefined {
	const round = new Round();
	const { frame } = nodes[header]!;
	let at = header;
	for (let seen = 0; seen < body.size; seen++) {
		const node = nodes[at]!;
		const inside = node.successors.filter((to) => body.has(to));
		if (inside.length !== 1 || node.frame !== frame || node.arms.length > 0) return undefined;
		if (node.enter !== undefined || node.leave !== undefined) return undefined;
		const { insns } = node.unit.program;
		for (let i = node.start; i < node.end; i += slotsOf(insns[i]!))
			if (!round.step(insns[i]!, i)) return undefined;
		if (node.terminator === "branch") {
			if (node.successors.length !== 2) return undefined;
			if (!round.exit(insns[node.branch]!, node.branch, inside[0] === node.successors[1])) return undefined;
		} else if (node.terminator !== "fall" && node.terminator !== "jump") return undefined;
		at = inside[0]!;
		if (at === header && seen + 1 < body.size) return undefined;
	}
	return at === header ? round.loop() : undefined;
}

interface Load {
	readonly insn: number;
	readonly address: Linear;
	readonly size: 1 | 2 | 4 | 8;
}

interface Exit {
	readonly value: Linear;
	readonly bound: Linear;
	readonly stay: Condition;
	readonly bits: 32 | 64;
}

/** What one round does, instruction by instruction. */
class Round {
	/** By register: what it holds now; absent: what the round found in it. */
	readonly #now = new Map<number, Symbol>();
	/** Registers of which the round reads what it found in them. */
	readonly #found = new Set<number>();
	readonly #loads: Load[] = [];
	readonly #exits: Exit[] = [];

	#read(register: number): Symbol {
		const known = this.#now.get(register);
		if (known !== undefined) return known;
		this.#found.add(register);
		return { kind: "linear", terms: [register], add: 0, bits: 64 };
	}

	/** False: not a loop of this kind. */
	step(insn: Insn, at: number): boolean {
		const { row, operand } = decode(insn, at);
		switch (row.family) {
			case "alu": {
				const right = operand === "x" ? this.#read(insn.src) : number(insn.imm);
				const left = row.alu === "mov" ? right : this.#read(insn.dst);
				this.#now.set(insn.dst, this.#alu(row, left, right));
				return true;
			}
			case "neg":
			case "endian":
				this.#read(insn.dst);
				this.#now.set(insn.dst, OTHER);
				return true;
			case "movsx":
				this.#read(insn.src);
				this.#now.set(insn.dst, OTHER);
				return true;
			case "ldx": {
				const base = this.#read(insn.src);
				if (base.kind !== "linear" || base.bits !== 64) return false;
				this.#loads.push({ insn: at, address: { ...base, add: base.add + insn.off }, size: row.size });
				this.#now.set(insn.dst, { kind: "load", load: this.#loads.length - 1 });
				return true;
			}
			case "lddw":
				this.#now.set(insn.dst, OTHER);
				return true;
			default:
				return false;
		}
	}

	#alu({ alu, bits }: RowOf<"alu">, left: Symbol, right: Symbol): Symbol {
		if (alu === "mov") {
			if (bits === 64) return right;
			if (right.kind === "linear") return narrow(right);
			return right.kind === "load" && this.#loads[right.load]!.size <= 4 ? right : OTHER;
		}
		if (alu === "sub" && left.kind === "linear" && right.kind === "linear" && right.terms.length === 0)
			return sum(left, { ...right, add: -right.add }, bits);
		if (alu !== "add") return OTHER;
		if (left.kind === "linear" && right.kind === "linear") return sum(left, right, bits);
		if (right.kind === "load") return this.#addLoad(left, right.load, bits);
		if (left.kind === "load") return this.#addLoad(right, left.load, bits);
		return OTHER;
	}

	#addLoad(to: Symbol, load: number, bits: 32 | 64): Symbol {
		if (bits === 32 && this.#loads[load]!.size > 4) return OTHER;
		if (to.kind === "sum" && to.bits === bits) return { ...to, loads: [...to.loads, load] };
		if (to.kind === "linear" && to.bits === 64 && to.terms.length === 1 && to.add === 0)
			return { kind: "sum", register: to.terms[0]!, loads: [load], bits };
		return OTHER;
	}

	/** A branch out of the loop. */
	exit(insn: Insn, at: number, staysIfTaken: boolean): boolean {
		const { row, operand } = decode(insn, at);
		if (row.family !== "jcond" || row.cond === "jset") return false;
		const value = this.#read(insn.dst);
		const bound = operand === "x" ? this.#read(insn.src) : number(insn.imm);
		if (value.kind !== "linear" || bound.kind !== "linear") return false;
		const stay = staysIfTaken ? row.cond : COMPARE[row.cond][2];
		// a number of 32 bits against another: the same in 32 bits, without signs
		const narrows = row.bits === 64 && value.bits === 32 && isNarrow(bound) && !stay.startsWith("js");
		const bits = narrows ? 32 : row.bits;
		if (bits === 64 && (value.bits === 32 || bound.bits === 32)) return false;
		this.#exits.push({ value, bound, stay, bits });
		return true;
	}

	/** The loop, when all of a round has been seen. */
	loop(): SumLoop | undefined {
		const inductions: { register: number; step: number; bits: 32 | 64 }[] = [];
		const sums: Extract<Symbol, { kind: "sum" }>[] = [];
		for (const [register, end] of this.#now) {
			const own = end.kind === "linear" && end.terms.length === 1 && end.terms[0] === register;
			if (own && end.bits === 64 && end.add === 0) continue;
			if (own) inductions.push({ register, step: end.add, bits: end.bits });
			else if (end.kind === "sum" && end.register === register) sums.push(end);
			// made anew each round, and so by the one that is left
			else if (this.#found.has(register)) return undefined;
		}
		const steps = new Map(inductions.map((each) => [each.register, each]));
		const written = (register: number) => this.#now.has(register) && !this.#isKept(register);
		/** What a linear value goes on by each round. */
		const stepOf = ({ terms }: Linear, bits: 32 | 64): number | undefined => {
			let step = 0;
			for (const term of terms) {
				const induction = steps.get(term);
				if (induction === undefined ? written(term) : bits === 64 && induction.bits === 32) return undefined;
				step += induction?.step ?? 0;
			}
			return step;
		};
		const exits: SumExit[] = [];
		for (const exit of this.#exits) {
			const value = stepOf(exit.value, exit.bits);
			const bound = stepOf(exit.bound, exit.bits);
			if (value === undefined || bound === undefined || bound !== 0 || Math.abs(value) >= FAR)
				return undefined;
			const upwards = UPWARDS[exit.stay];
			if (value === 0 || upwards === undefined || (upwards !== 0 && upwards !== Math.sign(value)))
				return undefined;
			exits.push({ ...exit, step: value });
		}
		if (exits.length === 0 || sums.flatMap(({ loads }) => loads).length !== this.#loads.length)
			return undefined;
		let stride: number | undefined;
		const streams: SumStream[] = [];
		for (const { register, loads, bits } of sums) {
			const all = loads.map((load) => this.#loads[load]!).sort((a, b) => a.address.add - b.address.add);
			const [first] = all;
			const { insn, size, address } = first!;
			const step = stepOf(address, 64);
			if (new Set(loads).size !== loads.length || step !== size * all.length) return undefined;
			stride ??= step;
			if (step !== stride || Math.abs(address.add) >= FAR) return undefined;
			const beside = all.every(
				(each, i) =>
					each.size === size &&
					each.address.add === address.add + i * size &&
					sameTerms(each.address.terms, address.terms),
			);
			if (!beside) return undefined;
			streams.push({ terms: address.terms, add: address.add, size, register, bits, insn });
		}
		if (stride === undefined || stride > MOST_BYTES || (stride & (stride - 1)) !== 0) return undefined;
		const bytes = Math.max(TURN_BYTES, stride);
		return { rounds: bytes / stride, bytes, exits, streams, inductions };
	}

	/** Written, but with what was in it. */
	#isKept(register: number): boolean {
		const end = this.#now.get(register);
		return end?.kind === "linear" && end.bits === 64 && end.add === 0 && sameTerms(end.terms, [register]);
	}
}

const OTHER: Symbol = { kind: "other" };

/** Which way a value must go for a loop that goes on while the condition holds to end: 0 either; absent: none. */
const UPWARDS: Readonly<Partial<Record<Condition, -1 | 0 | 1>>> = {
	jne: 0,
	jlt: 1,
	jle: 1,
	jslt: 1,
	jsle: 1,
	jgt: -1,
	jge: -1,
	jsgt: -1,
	jsge: -1,
};

function number(value: number): Linear {
	return { kind: "linear", terms: [], add: value, bits: 64 };
}

function narrow(value: Linear): Linear {
	return value.terms.length === 0 ? number(value.add >>> 0) : { ...value, bits: 32 };
}

/** Whether it is the number that its low 32 bits are. */
function isNarrow(value: Linear): boolean {
	return value.bits === 32 || (value.terms.length === 0 && value.add >= 0);
}

function sum(left: Linear, right: Linear, bits: 32 | 64): Symbol {
	const terms = [...left.terms, ...right.terms].sort((a, b) => a - b);
	const add = left.add + right.add;
	if (terms.length > MOST_TERMS || Math.abs(add) >= FAR) return OTHER;
	if (bits === 32) return narrow({ kind: "linear", terms, add, bits });
	return left.bits === 64 && right.bits === 64 ? { kind: "linear", terms, add, bits } : OTHER;
}

function sameTerms(a: readonly number[], b: readonly number[]): boolean {
	return a.length === b.length && a.every((term, i) => term === b[i]);
}
