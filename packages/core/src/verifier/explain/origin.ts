import { CALL, type Insn } from "../../isa/index.ts";
import { CONTEXTS } from "../data/index.ts";
import { helperText } from "../log/print-insn.ts";
import { functionAt, isBranch } from "./path.ts";
import type { Sources } from "./source.ts";
import type { OriginEvent, RegView, Step } from "./types.ts";
import { isUnbounded, plural, rangeWords, valueWords } from "./words.ts";

/** What is followed back: a register, or bytes of the stack from `slot` on. */
type Holder = { readonly frame: number } & ({ readonly reg: number } | { readonly slot: number });

/** Of a pointer either where it came from, or the number that made its offset vary. */
export type Follow = "value" | "offset";

export interface Origin {
	/** First to last. */
	readonly events: readonly OriginEvent[];
	/** Steps of the events, in the same order. */
	readonly steps: readonly number[];
	/** The followed number at the end of its own way: the index that was added to a pointer. */
	readonly number: RegView | undefined;
	/** What multiplied the number since it was made: array indexes become offsets. */
	readonly scale: number;
}

const ALU = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"];
const [MUL, LSH, RSH, MOV, ARSH] = [2, 6, 7, 11, 12];
const SIZES = [4, 2, 1, 8];
export const sizeOf = (opcode: number): number => SIZES[(opcode >> 3) & 3]!;
const nameOf = (holder: Holder): string => ("reg" in holder ? `r${holder.reg}` : `fp${holder.slot}`);
const isCall = ({ opcode }: Insn): boolean => opcode === 0x85;

/** Follows a register back over the path, from the step before which it holds what is wrong. */
export function originOf(
	sources: Sources,
	steps: readonly Step[],
	last: number,
	reg: number,
	follow: Follow,
): Origin {
	return new Trace(sources, steps).from(last, reg, follow);
}

class Trace {
	readonly #sources: Sources;
	readonly #steps: readonly Step[];
	readonly #found: { readonly step: number; readonly event: OriginEvent }[] = [];
	#holder: Holder = { frame: 0, reg: 0 };
	#follow: Follow = "value";
	#number: RegView | undefined;
	#scale = 1;
	/** A step that the one behind it has told. */
	#skip = -1;

	constructor(sources: Sources, steps: readonly Step[]) {
		this.#sources = sources;
		this.#steps = steps;
	}

	from(last: number, reg: number, follow: Follow): Origin {
		this.#holder = { frame: this.#steps[last]!.frame, reg };
		this.#follow = follow;
		if (follow === "value") this.#number = this.#steps[last]!.regs[reg];
		for (let i = last - 1; i >= 0; i--) if (i !== this.#skip && this.#back(i)) break;
		this.#found.reverse();
		return {
			events: this.#found.map(({ event }) => event),
			steps: this.#found.map(({ step }) => step),
			number: this.#number,
			scale: this.#scale,
		};
	}

	#event(i: number, kind: OriginEvent["kind"], words: string, value?: RegView): void {
		const view = value ?? this.#after(i);
		const event = {
			...this.#sources.place(this.#steps[i]!.insn),
			kind,
			holder: nameOf(this.#holder),
			value: view === undefined ? "" : valueWords(view),
			words,
		};
		this.#found.push({ step: i, event });
	}

	#at(i: number): RegView | undefined {
		const step = this.#steps[i]!;
		const holder = this.#holder;
		return "reg" in holder && step.frame === holder.frame ? step.regs[holder.reg] : undefined;
	}
	#after(i: number): RegView | undefined {
		return this.#at(i + 1);
	}

	/** Over one step; true: this is where it came from. */
	#back(i: number): boolean {
		const step = this.#steps[i]!;
		const next = this.#steps[i + 1]!;
		const insn = this.#sources.program.insns[step.insn]!;
		const holder = this.#holder;
		if (next.frame > step.frame && holder.frame === next.frame) return this.#enteredBy(i, insn);
		if (next.frame < step.frame && holder.frame === next.frame && "reg" in holder && holder.reg <= 5)
			return this.#returnedBy(i);
		if ("slot" in holder) return this.#slotBack(i, insn, holder.slot);
		if (step.frame !== holder.frame || next.frame !== step.frame) return false;
		if (isCall(insn)) return this.#callBack(i, insn, holder.reg);
		if (isBranch(insn)) {
			this.#checkBack(i);
			return false;
		}
		const kind = insn.opcode & 7;
		const fetches = kind === 3 && (insn.opcode & 0xe0) === 0xc0 && (insn.imm & 1) === 1;
		const written = fetches ? (insn.imm === 0xf1 ? 0 : insn.src) : kind === 2 || kind === 3 ? -1 : insn.dst;
		if (kind === 5 || kind === 6 || written !== holder.reg) return false;
		if (kind === 4 || kind === 7) return this.#aluBack(i, insn);
		if (kind === 1) return this.#loadBack(i, insn);
		this.#event(
			i,
			"made",
			fetches ? "an atomic operation reads it from memory" : `set to ${valueWords(this.#after(i))}`,
		);
		return true;
	}

	// ---- calls ----

	#enteredBy(i: number, insn: Insn): boolean {
		const holder = this.#holder;
		const { frame } = this.#steps[i]!;
		const isArgument = "reg" in holder && holder.reg >= 1 && holder.reg <= 5;
		const local = isCall(insn) && insn.src === CALL.LOCAL;
		const callee = functionAt(this.#sources, this.#steps[i + 1]!.insn);
		if (!isArgument || !local) {
			if ("reg" in holder && this.#after(i) !== undefined)
				this.#event(
					i,
					"made",
					isArgument ? `an argument of the callback ${callee}` : `set where ${callee} begins`,
				);
			else this.#event(i, "made", `${callee} begins, and nothing has written it`);
			return true;
		}
		this.#event(i, "moved", `passed to ${callee} as argument ${holder.reg}`);
		this.#holder = { frame, reg: holder.reg };
		return false;
	}

	#returnedBy(i: number): boolean {
		const holder = this.#holder as { reg: number };
		if (holder.reg !== 0) {
			this.#event(i, "voided", "the call took r1 to r5 away");
			return true;
		}
		this.#event(i, "moved", "returned by the function");
		this.#holder = { frame: this.#steps[i]!.frame, reg: 0 };
		return false;
	}

	#callBack(i: number, insn: Insn, reg: number): boolean {
		const name = callName(this.#sources, this.#steps[i]!.insn, insn);
		if (reg === 0) {
			this.#event(i, "made", `returned by ${name}`);
			return true;
		}
		if (reg <= 5) {
			this.#event(i, "voided", `${name} took r1 to r5 away: a call keeps only r6 to r10`);
			return true;
		}
		const before = this.#at(i);
		const after = this.#after(i);
		if (before?.kind !== after?.kind) {
			const was = before === undefined ? "" : ` (it was ${valueWords(before)})`;
			this.#event(i, "voided", `${name} made it void${was}`);
			return before !== undefined && after?.kind === "scalar";
		}
		return false;
	}

	// ---- comparisons ----

	#checkBack(i: number): void {
		const before = this.#at(i);
		const after = this.#after(i);
		if (before === undefined || after === undefined || before === after) return;
		if (before.kind !== after.kind) this.#event(i, "checked", `after this check it is ${valueWords(after)}`);
		else if (after.range !== before.range)
			this.#event(i, "checked", `this check proves ${plural(after.range, "byte")} of the packet`);
		else if (rangeWords(before) !== rangeWords(after))
			this.#event(i, "checked", `after this check it is ${rangeWords(after)}`);
		else if (before.low !== after.low)
			this.#event(i, "checked", `this check bounds only the lower 32 bits: ${after.low}`);
	}

	// ---- arithmetic ----

	#aluBack(i: number, insn: Insn): boolean {
		const { regs } = this.#steps[i]!;
		const { opcode, src, imm } = insn;
		const code = opcode >> 4;
		const fromReg = (opcode & 8) !== 0;
		const after = this.#after(i);
		if (code === MOV) {
			if (!fromReg) {
				this.#event(i, "made", `set to ${imm}`);
				return true;
			}
			if (src === 10) {
				this.#event(i, "made", "the address of the stack");
				return true;
			}
			const lost = boundLost(regs[src], after);
			if (lost === undefined) this.#event(i, "moved", `copied from r${src}`);
			else this.#event(i, "widened", `copied from r${src}, ${lost}`);
			this.#holder = { frame: this.#holder.frame, reg: src };
			return false;
		}
		if (this.#extends(i, insn)) return false;
		const before = this.#at(i);
		const operand = fromReg ? regs[src] : undefined;
		if (before === undefined || after === undefined) return false;
		const text = `${nameOf(this.#holder)} ${ALU[code]} ${fromReg ? `r${src}` : imm}`;
		if (after.kind !== "scalar") return this.#pointerBack(i, text, before, operand, src, fromReg);
		if (code === LSH && !fromReg) this.#scale *= 2 ** imm;
		if (code === MUL && !fromReg) this.#scale *= imm;
		const lost = boundLost(before, after);
		const operandToBlame =
			operand !== undefined &&
			(before.kind !== "scalar" || before.umin === before.umax || operand.umax > before.umax);
		const how = operandToBlame && operand !== undefined ? `, where r${src} is ${valueWords(operand)}` : "";
		if (lost === undefined) this.#event(i, "computed", `${text}${how}: now ${rangeWords(after)}`);
		else this.#event(i, "widened", `${text}${how}: ${lost}`);
		if (operandToBlame && code !== LSH) this.#holder = { frame: this.#holder.frame, reg: src };
		return false;
	}

	/** `r1 <<= 32; r1 s>>= 32`, told as one: how compilers widen a number of 32 bits. */
	#extends(i: number, { opcode, dst, imm }: Insn): boolean {
		const code = opcode >> 4;
		const first = this.#steps[i - 1];
		const shift = first === undefined ? undefined : this.#sources.program.insns[first.insn]!;
		const pair =
			(code === RSH || code === ARSH) &&
			(opcode & 15) === 7 &&
			shift?.opcode === 0x67 &&
			shift.dst === dst &&
			shift.imm === imm &&
			first?.frame === this.#holder.frame;
		if (!pair) return false;
		const after = this.#after(i);
		const lost = boundLost(this.#at(i - 1), after);
		const how = code === ARSH ? "sign-extended from" : "cut to";
		const range = after === undefined ? "" : `: ${lost ?? `now ${rangeWords(after)}`}`;
		this.#event(i, lost === undefined ? "computed" : "widened", `${how} ${64 - imm} bits${range}`);
		this.#skip = i - 1;
		return true;
	}

	/** Arithmetic that gives a pointer: the number in it is what varies. */
	#pointerBack(
		i: number,
		text: string,
		before: RegView,
		operand: RegView | undefined,
		src: number,
		fromReg: boolean,
	): boolean {
		const { frame } = this.#holder;
		// `r1 += r2` where r1 is the number and r2 the pointer
		const numberFirst = before.kind === "scalar";
		const number = numberFirst ? before : operand;
		const varies = fromReg && number !== undefined && number.umin !== number.umax;
		if (!varies) {
			this.#event(i, "computed", `${text}`);
			if (numberFirst && fromReg) this.#holder = { frame, reg: src };
			return false;
		}
		this.#event(
			i,
			"computed",
			`${text}, where ${numberFirst ? nameOf(this.#holder) : `r${src}`} is ${rangeWords(number)}`,
		);
		if (this.#follow === "offset") {
			this.#number ??= number;
			this.#follow = "value";
			if (!numberFirst) this.#holder = { frame, reg: src };
		} else if (numberFirst) this.#holder = { frame, reg: src };
		return false;
	}

	// ---- memory ----

	#loadBack(i: number, insn: Insn): boolean {
		const { regs, insn: index } = this.#steps[i]!;
		const base = regs[insn.src];
		if (base?.kind === "fp" && base.umin === base.umax) {
			const slot = base.off + Number(base.smin) + insn.off;
			this.#event(i, "filled", `read back from the stack at fp${slot}`);
			this.#holder = { frame: base.frame, slot };
			return false;
		}
		this.#event(i, "made", loadWords(this.#sources, index, insn, base));
		return true;
	}

	#slotBack(i: number, insn: Insn, slot: number): boolean {
		const { regs, insn: index, frame } = this.#steps[i]!;
		const kind = insn.opcode & 7;
		const covers = (base: RegView | undefined, off: number, size: number): boolean => {
			if (base?.kind !== "fp" || base.frame !== this.#holder.frame || base.umin !== base.umax) return false;
			const start = base.off + Number(base.smin) + off;
			return start <= slot && slot < start + size;
		};
		if ((kind === 2 || kind === 3) && covers(regs[insn.dst], insn.off, sizeOf(insn.opcode))) {
			if (kind === 2) {
				this.#event(i, "made", `${insn.imm} is stored there`);
				return true;
			}
			this.#event(i, "spilled", `r${insn.src} is stored on the stack`, regs[insn.src]);
			this.#holder = { frame, reg: insn.src };
			return false;
		}
		if (!isCall(insn) || insn.src === CALL.LOCAL) return false;
		for (let n = 1; n <= 5; n++) {
			const size = n < 5 ? regs[n + 1] : undefined;
			const bytes = size?.kind === "scalar" && size.umax <= 512n ? Number(size.umax) : 8;
			if (!covers(regs[n], 0, bytes)) continue;
			this.#event(i, "made", `${callName(this.#sources, index, insn)} may write there (argument ${n})`);
			return true;
		}
		return false;
	}
}

/** What an operation took from a number's bounds; undefined: nothing. */
function boundLost(before: RegView | undefined, after: RegView | undefined): string | undefined {
	if (before?.kind !== "scalar" || after?.kind !== "scalar") return undefined;
	if (before.smin >= 0n && after.smin < 0n) return `now it may be negative: ${rangeWords(after)}`;
	if (!isUnbounded(before) && isUnbounded(after))
		return `here the upper bound is lost: now ${rangeWords(after)}`;
	return undefined;
}

function loadWords(sources: Sources, index: number, insn: Insn, base: RegView | undefined): string {
	const size = sizeOf(insn.opcode);
	const bytes = plural(size, "byte");
	const kind = base?.kind ?? "";
	if (kind === "ctx") {
		const spec = CONTEXTS[sources.program.type];
		const off = insn.off + (base?.off ?? 0);
		const row = spec?.rows.find((each) => each.offset <= off && off < each.offset + each.size);
		return row === undefined ? "read from the context" : `read from the context's field ${row.name}`;
	}
	if (kind === "pkt") return `read from the packet (${bytes})`;
	if (kind === "map_value") {
		const name = base?.map?.name ?? "";
		return `read from ${name === "" ? "a map's value" : `the value of map ${name}`} (${bytes})`;
	}
	void index;
	return `read from memory (${bytes}) behind r${insn.src}`;
}

export function callName(sources: Sources, index: number, insn: Insn): string {
	if (insn.src === CALL.HELPER) return helperText(insn.imm);
	if (insn.src === CALL.LOCAL) return functionAt(sources, index + 1 + insn.imm);
	return sources.program.kfuncs.find((each) => each.insn === index)?.name ?? "the kernel function";
}
