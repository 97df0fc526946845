/**
 * Small programs of scalars, and what 6.18's log says of each of their instructions compared with what we calculate.
 * Code is a tree (what a jump leads to is reached by this jump alone), so the kernel walks it in a known order and
 * nothing is pruned.
 */
import type { Insn } from "@tailhop/core";
import { StateCore } from "../../packages/core/src/verifier/state/core.ts";
import { BPF_ADD_CONST, REG_STATE } from "../../packages/core/src/verifier/state/layout.ts";
import {
	printScalar,
	scalarRanges,
	signedNumber,
	violationLine,
} from "../../packages/core/src/verifier/state/print-scalar.ts";
import { REG } from "../../packages/core/src/verifier/state/types.ts";

export const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({
	opcode,
	dst,
	src,
	off,
	imm,
});

export const PRANDOM = insn(0x85, 0, 0, 0, 7);
export const EXIT = insn(0x95);

/** xorshift: a seed makes one program for ever. */
export function random(seed: number): (below: number) => number {
	let x = (seed * 0x9e37_79b1) | 1;
	return (below) => {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		return (x >>> 0) % below;
	};
}
export type Random = ReturnType<typeof random>;

/** Numbers at which bounds change, and some others. */
function constant(rnd: Random): number {
	switch (rnd(6)) {
		case 0:
			return rnd(17) - 8;
		case 1:
			return ((1 << rnd(32)) - rnd(3)) | 0;
		case 2:
			return (-(1 << rnd(31)) + rnd(3)) | 0;
		case 3:
			return rnd(0x10000);
		case 4:
			return [0x7fff_ffff, -0x8000_0000, 0xffff, 0x8000, 0x7f, 0x80, 0xff, -1, 0, 1][rnd(10)]!;
		default:
			return rnd(0x1_0000_0000) | 0;
	}
}

const ARITHMETIC = [0x00, 0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xc0];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const SCALARS = [0, 6, 7, 8, 9];
/** Copies of r10 that pointer arithmetic works on. */
const POINTERS = [2, 3];

function arithmetic(rnd: Random): Insn {
	const dst = SCALARS[rnd(SCALARS.length)]!;
	const src = SCALARS[rnd(SCALARS.length)]!;
	const wide = rnd(2) === 0 ? 0x07 : 0x04;
	const kind = rnd(40);
	if (kind < 4) return insn(0xb0 | wide | 8, dst, src);
	if (kind < 6) return insn(0xb0 | wide, dst, 0, 0, constant(rnd));
	if (kind < 9) return insn(0xb0 | wide | 8, dst, src, wide === 7 ? 8 << rnd(3) : 8 << rnd(2));
	if (kind < 10) return insn(0x80 | wide, dst);
	if (kind < 11) {
		// div, mod; signed ones
		return insn((rnd(2) === 0 ? 0x30 : 0x90) | wide, dst, 0, rnd(2), 1 + rnd(100));
	}
	if (kind < 12)
		return rnd(2) === 0
			? insn(0xd4 | (rnd(2) << 3), dst, 0, 0, 16 << rnd(3))
			: insn(0xd7, dst, 0, 0, 16 << rnd(3));
	if (kind < 16) {
		// a narrow load of stack that was never written
		const opcode = [0x71, 0x69, 0x61, 0x91, 0x89, 0x81, 0x79][rnd(7)]!;
		return insn(opcode, dst, 10, -8);
	}
	const op = ARITHMETIC[rnd(ARITHMETIC.length)]!;
	const shift = op === 0x60 || op === 0x70 || op === 0xc0;
	if (rnd(2) === 0) return insn(op | wide | 8, dst, src);
	return insn(op | wide, dst, 0, 0, shift ? rnd(wide === 7 ? 64 : 32) : constant(rnd));
}

/** On a small scalar, most of the time: the kernel refuses stack pointers that may be anywhere. */
function pointerArithmetic(rnd: Random): Insn[] {
	const dst = POINTERS[rnd(POINTERS.length)]!;
	const src = SCALARS[rnd(SCALARS.length)]!;
	const small: Insn[] = [insn(0xbf, 4, src)];
	if (rnd(20) > 0) small.push(insn(0x57, 4, 0, 0, constant(rnd) & 0xff_ffff));
	if (rnd(3) === 0) small.push(insn(0x17, 4, 0, 0, rnd(1000)));
	switch (rnd(6)) {
		case 0:
			return [insn(0x07, dst, 0, 0, rnd(256) - 128)];
		case 1:
			return [insn(0xbf, dst, 10)];
		case 2:
			return [...small, insn(0x0f, 4, dst), insn(0xbf, dst, 4)];
		case 3:
			return [...small, insn(0x1f, dst, 4)];
		default:
			return [...small, insn(0x0f, dst, 4)];
	}
}

export interface ProgramOptions {
	readonly length: number;
	readonly pointers: boolean;
}

/** A program that ends well, as far as arithmetic goes. */
export function randomProgram(seed: number, { length, pointers }: ProgramOptions): Insn[] {
	const rnd = random(seed);
	const program: Insn[] = [];
	const later: { jump: number; depth: number }[] = [];
	const block = (count: number, depth: number) => {
		for (let i = 0; i < count; i++) {
			if (pointers && rnd(4) === 0) {
				program.push(...pointerArithmetic(rnd));
			} else if (depth < 3 && rnd(4) === 0) {
				const op = JUMPS[rnd(JUMPS.length)]! | (rnd(2) === 0 ? 0x05 : 0x06);
				const dst = SCALARS[rnd(SCALARS.length)]!;
				later.push({ jump: program.length, depth: depth + 1 });
				program.push(
					rnd(3) > 0
						? insn(op, dst, 0, 0, constant(rnd))
						: insn(op | 8, dst, rnd(4) === 0 ? dst : SCALARS[rnd(SCALARS.length)]!),
				);
			} else {
				program.push(arithmetic(rnd));
			}
		}
		program.push(insn(0xb7, 0), EXIT);
	};
	for (const reg of [6, 7, 8, 9]) {
		program.push(PRANDOM, insn(0xbf, reg, 0));
		// half of them start with a range
		if (rnd(2) === 0) program.push(arithmetic(rnd));
	}
	program.splice(0, program.length, ...program.filter(({ opcode, src, dst }) => ready(opcode, dst, src)));
	program.push(PRANDOM);
	for (const reg of POINTERS) if (pointers) program.push(insn(0xbf, reg, 10));
	block(length, 0);
	for (let next = later.shift(); next !== undefined; next = later.shift()) {
		const { jump, depth } = next;
		program[jump] = { ...program[jump]!, off: program.length - jump - 1 };
		block(2 + rnd(Math.max(1, length - 2)), depth);
	}
	return program;
}

/** Of the first instructions, those that only touch what is set by then: the calls, the moves, and immediates on r0. */
const ready = (opcode: number, dst: number, src: number): boolean =>
	opcode === 0x85 ||
	(opcode === 0xbf && src === 0 && dst >= 6) ||
	((opcode & 8) === 0 && dst === 0 && (opcode & 7) !== 1);

export interface Difference {
	readonly line: string;
	readonly register: string;
	readonly kernel: string;
	readonly ours: string;
}

/** `R1=…` of a state, in the log's text: values may have spaces inside parentheses. */
export function registersOf(text: string): Map<number, string> {
	const found = new Map<number, string>();
	for (const match of text.matchAll(/(?:^| )R(\d+)(?:_[a-z]+)?=/g)) {
		const start = match.index + match[0].length;
		let depth = 0;
		let end = start;
		for (; end < text.length; end++) {
			const char = text[end];
			if (char === "(") depth++;
			else if (char === ")") depth--;
			else if (char === " " && depth === 0) break;
		}
		found.set(Number(match[1]), text.slice(start, end));
	}
	return found;
}

const LINKED_REGS_MAX = 6;

const SCRATCH = 0;
/** Scratch registers of the constant operands of a jump. */
const CONSTANT = [1, 2] as const;

/** Walks a program of `randomProgram` along a log of level 2. */
export class Follower {
	readonly core = new StateCore();
	readonly state = this.core.newState();
	readonly differences: Difference[] = [];
	/** The log's table of live registers: a dead one is not linked any more. */
	readonly #live: string[] = [];
	/** Lines that the log must have next. */
	readonly #violations: string[] = [];
	/** Registers that were compared. */
	compared = 0;
	#idGen = 0;
	readonly #pushed: { state: number; insn: number }[] = [];

	#reg(n: number): number {
		return this.core.reg(this.state, n);
	}

	/** `arrive` is told of each instruction before it is walked, and whether 6.18 pruned there ("safe"). */
	follow(program: readonly Insn[], log: string, arrive?: (at: number, safe: boolean) => void): void {
		const { core } = this;
		this.#live.length = 0;
		this.#idGen = 0;
		for (const { state } of this.#pushed) core.freeState(state);
		this.#pushed.length = 0;
		this.#violations.length = 0;
		for (let n = 0; n < 11; n++) core.markNotInit(this.#reg(n));
		core.markPointer(this.#reg(1), REG.CTX);
		core.markPointer(this.#reg(10), REG.STACK);
		for (const line of log.split("\n")) {
			const from = /^from (\d+) to (\d+): (.*)$/.exec(line);
			if (from) {
				const next = this.#pushed.pop();
				if (next === undefined || next.insn !== Number(from[2])) {
					this.differences.push({ line, register: "", kernel: "branches here", ours: "does not" });
					return;
				}
				core.copyInto(this.state, next.state);
				core.freeState(next.state);
				if (from[3] === "safe") arrive?.(next.insn, true);
				else this.#compare(line, from[3]!);
				continue;
			}
			const safe = /^(\d+): safe$/.exec(line);
			if (safe) arrive?.(Number(safe[1]), true);
			if (line.startsWith("verifier bug: ")) this.#expectLine(line);
			const live = /^ +(\d+): ([.0-9]{10}) /.exec(line);
			if (live) this.#live[Number(live[1])] = live[2]!;
			const step = /^(\d+): \([0-9a-f]{2}\) .*?(?:; (R.*))?$/.exec(line);
			if (!step) continue;
			arrive?.(Number(step[1]), false);
			this.#step(Number(step[1]), program);
			if (step[2] !== undefined) this.#compare(line, step[2]);
		}
	}

	#expectLine(line: string): void {
		const ours = this.#violations.shift() ?? "nothing";
		if (ours !== line) this.differences.push({ line, register: "", kernel: line, ours });
	}

	get lastId(): number {
		return this.#idGen;
	}

	/** live_regs_before of an instruction. */
	liveRegs(at: number): number {
		return [...this.#live[at]!].reduce((mask, char, n) => (char === "." ? mask : mask | (1 << n)), 1 << 10);
	}

	#compare(line: string, text: string): void {
		for (const [n, value] of registersOf(text)) {
			const kernel = value.replace(/^P/, "");
			const ours = this.#print(n);
			if (ours === undefined) continue;
			this.compared++;
			if (ours !== kernel) this.differences.push({ line, register: `R${n}`, kernel, ours });
		}
	}

	#print(n: number): string | undefined {
		const { core } = this;
		const reg = this.#reg(n);
		if (core.isScalar(reg)) return printScalar(core, reg);
		if (core.type(reg) !== REG.STACK) return undefined;
		const off = core.getSigned(reg, REG_STATE.OFF);
		if (core.isConst(reg)) return `fp${signedNumber(BigInt(off))}`;
		const parts = scalarRanges(core, reg);
		if (off !== 0) parts.unshift(`off=${signedNumber(BigInt(off))}`);
		return `fp(${parts.join(",")})`;
	}

	#assignId(reg: number): void {
		const { core } = this;
		if (core.get(reg, REG_STATE.ID) & BPF_ADD_CONST) core.clearScalarId(reg);
		if (core.get(reg, REG_STATE.ID) === 0 && !core.isConst(reg)) core.set(reg, REG_STATE.ID, ++this.#idGen);
	}

	#step(at: number, program: readonly Insn[]): void {
		const { core } = this;
		const { opcode, dst, src, off, imm } = program[at]!;
		const cls = opcode & 7;
		const op = opcode & 0xf0;
		const d = this.#reg(dst);
		if (opcode === 0x85) {
			for (let n = 0; n < 6; n++) core.markNotInit(this.#reg(n));
			core.markUnknown(this.#reg(0));
		} else if (opcode === 0x95 || opcode === 0x05) {
			// the log goes on with what was pushed, or at the target
		} else if (cls === 1) {
			core.markUnknown(d);
			const size = [4, 2, 1, 8][(opcode >> 3) & 3]!;
			if (size < 8) (opcode & 0xe0) === 0x80 ? core.coerceToSizeSx(d, size) : core.coerceToSize(d, size);
		} else if (cls === 5 || cls === 6) {
			this.#jump(at, op, cls === 6, opcode & 8 ? src : undefined, program[at]!);
		} else if (op === 0xb0) {
			this.#move(d, opcode & 8 ? this.#reg(src) : undefined, cls === 4, off, imm);
		} else if (op === 0xd0) {
			// bswap always, be on a little-endian machine
			core.byteSwap(d, imm / 8, cls === 7 || (opcode & 8) !== 0);
		} else {
			const s = opcode & 8 ? this.#reg(src) : core.scratch(SCRATCH);
			if (!(opcode & 8)) core.markConst(s, imm);
			this.#fork(at, op, d, s);
			const scalars = core.isScalar(d) && core.isScalar(s);
			if (scalars) core.alu(op, cls === 4, d, s);
			else core.ptrAlu(op, d, core.isScalar(d) ? s : d, core.isScalar(d) ? d : s);
		}
		if (cls === 4 || cls === 7) this.#sanityCheck(d, "alu");
	}

	#fork(at: number, op: number, d: number, s: number): void {
		const { core, state } = this;
		const width = core.isScalar(d) ? core.forkWidth(op, d, s) : 0;
		if (width === 0) return;
		const other = core.copyState(state);
		this.#pushed.push({ state: other, insn: at });
		core.setForked(core.frame(other) + d - core.frame(state), width, 0);
		core.setForked(d, width, -1);
	}

	#move(d: number, s: number | undefined, alu32: boolean, extend: number, imm: number): void {
		const { core } = this;
		if (s === undefined) {
			core.markConst(d, imm, alu32 ? 0 : imm >> 31);
			return;
		}
		if (!core.isScalar(s)) {
			core.copyReg(d, s);
			return;
		}
		const keepsId = extend ? core.umax(s) < 1n << BigInt(extend - 1) : !alu32 || core.umax(s) <= 0xffff_ffffn;
		if (keepsId) this.#assignId(s);
		core.copyReg(d, s);
		if (!keepsId) core.clearScalarId(d);
		if (extend === 0) {
			if (alu32) core.assignInto32(d);
		} else if (alu32) core.coerceSubregToSizeSx(d, extend / 8);
		else core.coerceToSizeSx(d, extend / 8);
	}

	#jump(at: number, op: number, jmp32: boolean, src: number | undefined, { dst, imm, off }: Insn): void {
		const { core, state } = this;
		const constants = CONSTANT.map((n) => core.scratch(n));
		if (src === undefined) for (const reg of constants) core.markConst(reg, imm);
		const d = this.#reg(dst);
		const s = src === undefined ? constants[0]! : this.#reg(src);
		const taken = core.branchTaken(op, jmp32, d, s);
		if (taken >= 0) {
			// the log goes on at the target
			return;
		}
		const operands = src === undefined ? [dst] : [src, dst];
		const linked = operands.flatMap((n) => this.#linked(this.#reg(n), this.#live[at]!));
		// the kernel remembers six and unlinks the rest
		for (const n of linked.splice(LINKED_REGS_MAX)) core.clearScalarId(this.#reg(n));
		const other = core.copyState(state);
		this.#pushed.push({ state: other, insn: at + 1 + off });
		const otherD = core.reg(other, dst);
		const otherS = src === undefined ? constants[1]! : core.reg(other, src);
		core.refine(op, jmp32, otherD, otherS, d, s);
		this.#sanityCheck(otherD, "true_reg1");
		this.#sanityCheck(otherS, "true_reg2");
		this.#sanityCheck(d, "false_reg1");
		this.#sanityCheck(s, "false_reg2");
		for (const n of operands) {
			for (const where of [state, other]) this.#syncLinked(where, core.reg(where, n), linked);
		}
	}

	/** Numbers of the live registers that share the base of this one's id. */
	#linked(known: number, live: string): number[] {
		const { core, state } = this;
		const id = core.get(known, REG_STATE.ID);
		if (id === 0) return [];
		const count = core.collect(state, REG_STATE.ID, id & ~BPF_ADD_CONST, ~BPF_ADD_CONST);
		const all = Array.from({ length: count }, (_, i) => (core.found(i) - this.#reg(0)) / REG_STATE.SIZE);
		return all.filter((n) => live[n] !== ".");
	}

	/** reg_bounds_sanity_check: what contradicts itself is printed and forgotten. */
	#sanityCheck(reg: number, which: string): void {
		const { core } = this;
		if (core.boundsViolation(reg) === 0) return;
		this.#violations.push(violationLine(core, reg, which));
		core.markUnbounded(reg);
	}

	#syncLinked(state: number, known: number, linked: readonly number[]): void {
		const { core } = this;
		const base = (reg: number) => core.get(reg, REG_STATE.ID) & ~BPF_ADD_CONST;
		if (core.get(known, REG_STATE.ID) === 0) return;
		for (const n of linked) {
			const reg = core.reg(state, n);
			if (reg !== known && core.isScalar(reg) && base(reg) === base(known)) core.syncLinked(reg, known);
		}
	}
}
