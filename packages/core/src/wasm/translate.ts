import { TailhopError } from "../errors/index.ts";
import {
	type Cfg,
	cfgOf,
	type FlowNode,
	innerLoops,
	type ReducibleGraph,
	reducible,
	structure,
} from "../flow/index.ts";
import { CALL, type Decoded, decode, type Insn, operandOf, opOf, slotsOf, TABLE } from "../isa/index.ts";
import { MACHINE } from "../memory/index.ts";
import { atomic, load, store } from "./access.ts";
import { alu, condition, endian, movsx, negate } from "./alu.ts";
import { callHelper, callKfunc, callLocal, constant, packetLoad } from "./calls.ts";
import type { ModuleContext, Unit } from "./context.ts";
import { COUNT, loadCount, PROGRAM, SUBPROGRAM, storeCount, TAIL_CALL_ID } from "./convention.ts";
import { goesOn, isExpected, leave } from "./dispatch.ts";
import { inlineTargets, type Target, type Targets } from "./hits.ts";
import { type FunctionBody, FunctionWriter } from "./module.ts";
import {
	type Arm,
	type Callee,
	depthOf,
	INLINE_LEVELS,
	inlineCalls,
	type Node,
	nodesOf,
	selectTriangles,
	unrollLoops,
	written,
} from "./nodes.ts";
import { T, W } from "./opcodes.ts";
import { sumTurns } from "./sum-code.ts";
import { sumLoops } from "./sums.ts";
import { count, hits, tailCall } from "./tail-call.ts";

/** V8's limits of a function (kV8MaxWasmFunctionLocals, kV8MaxWasmFunctionSize), less room for what declares it. */
const MOST_LOCALS = 49_000;
const MOST_BYTES = 7_600_000;

/** MAX_BPF_STACK: most bytes of a frame. */
const FRAME = 512;

/** Where the registers and the stack of the running code are: the function's own, or an inlined one's. */
interface Frame {
	/** The program whose code runs in it. */
	readonly context: ModuleContext;
	/** A program that a tail call came to, not a function that returns. */
	readonly isTarget: boolean;
	/** Local of r0 to r9. */
	readonly registers: readonly number[];
	/** Local of r10. */
	readonly sp: number;
	/** Local that lies `depth` bytes below. */
	readonly frame: number;
	readonly depth: number;
	readonly level: number;
	/** Locals in the place of stack slots, by offset from r10. */
	readonly slots: ReadonlyMap<number, Slot>;
	/** Local that counts may_goto's rounds down, where the code has one. */
	mayGoto?: number;
}

/** A stack slot that is a local: so many bytes, zero-extended to 64 bits. */
export interface Slot {
	readonly local: number;
	readonly size: 1 | 2 | 4 | 8;
}

interface Shift {
	/** The value shifted, and the local that keeps it. */
	readonly of: number;
	readonly kept: number;
	readonly left: boolean;
	readonly by: number;
	/** The value that came out. */
	readonly value: number;
}

/**
 * Translates one eBPF function. r0-r9 are i64 locals; r10 is the i32 parameter `sp`, and `frame` lies below it by
 * the function's own depth, so that stack accesses have positive offsets and a callee's sp is this `frame`.
 */
export class Translator {
	readonly writer: FunctionWriter;
	readonly isProgram: boolean;
	/** The function's own frame, then those of inlined functions. */
	readonly #frames: Frame[];
	#current: Frame;
	/** Scratch locals of instructions. */
	readonly a32: number;
	readonly b32: number;
	/** And of what stands between them: lists by type. */
	readonly #scratch = new Map<number, number[]>();
	/** Number of the instruction being translated. */
	insn = 0;
	/** Number of a tail call that a hit of its known target doesn't come to, -1 for none. */
	missed = -1;
	readonly #cfg: Cfg;
	#nodes: readonly Node[] = [];
	/** Which value each register holds, within a node: equal numbers are equal values. */
	readonly #values: number[] = new Array(11).fill(0);
	#nextValue = 1;
	/** Shifts by a constant within the node, by register: what a rotation is put together from. */
	readonly #shifts: (Shift | undefined)[] = [];
	/** Locals that keep shifted values for rotations; used again in each node. */
	readonly #kept: number[] = [];
	#keptUsed = 0;
	readonly #dispatch: number[] = [];
	/** Conditions of selects by what they compare: whether the next one is negated. */
	readonly #negated = new Map<string, boolean>();
	/** Local that counts tail calls, where this function keeps it in one. */
	readonly #count: number | undefined;

	constructor(context: ModuleContext, start: number, end: number, isProgram: boolean, depth: number) {
		this.isProgram = isProgram;
		this.#cfg = cfgOf(context.unit.program, { start, end });
		if (this.#cfg.problems.length > 0)
			throw new Unsupported(context.unit, "control leaves the function", this.#cfg.problems[0]!.insn);
		this.writer = new FunctionWriter((isProgram ? PROGRAM : SUBPROGRAM).params.length, 512);
		const registers: number[] = [];
		for (let i = 0; i < 10; i++)
			registers.push(!isProgram && i >= 1 && i <= 5 ? i - 1 : this.writer.local(T.i64));
		const frame = this.writer.local(T.i32);
		const sp = isProgram ? 1 : 5;
		const slots = this.#slots(context, start);
		this.#current = { context, isTarget: false, registers, sp, frame, depth, level: 0, slots };
		this.#frames = [this.#current];
		this.a32 = this.writer.local(T.i32);
		this.b32 = this.writer.local(T.i32);
		if (isProgram) this.#count = COUNT;
		else if (context.tailCallers.has(start)) this.#count = this.writer.local(T.i32);
	}

	get count(): number {
		return this.#count!;
	}

	/** Ends the function, not only an inlined one, with what `push` puts on the stack. */
	return(push: () => void): void {
		if (this.#count !== undefined) storeCount(this, this.#count);
		push();
		this.writer.op(W.return);
	}

	/** Around a call of a function that may tail call: the count goes by the word in memory. */
	sharingCount(call: () => void): void {
		if (this.#count !== undefined) storeCount(this, this.#count);
		call();
		if (this.#count !== undefined) loadCount(this, this.#count);
	}

	/** Of the program whose code is being translated. */
	get context(): ModuleContext {
		return this.#current.context;
	}

	get registers(): readonly number[] {
		return this.#current.registers;
	}

	get sp(): number {
		return this.#current.sp;
	}

	get frame(): number {
		return this.#current.frame;
	}

	/** The local that is the stack slot at `base + off`, if one is. */
	slot(base: number, off: number): Slot | undefined {
		return base === 10 ? this.#current.slots.get(off) : undefined;
	}

	/** Bytes from frame up to sp. */
	get depth(): number {
		return this.#current.depth;
	}

	/**
	 * Locals for what a function spills (measured: parse 148 ns a run with the slots in memory, 140 with locals). What a
	 * slot has before anything was stored is nobody's business.
	 */
	#slots({ unit, options }: ModuleContext, start: number): ReadonlyMap<number, Slot> {
		const slots = new Map<number, Slot>();
		const facts = unit.facts.functions.find((each) => each.start === start);
		if (!options.passes || facts === undefined) return slots;
		for (const [offset, size] of facts.spills) slots.set(offset, { local: this.writer.local(T.i64), size });
		return slots;
	}

	/** Registers for an inlined function called from a frame. Functions at one level never run at once: they share. */
	#addFrame(parent: number, { start, depth }: Callee): number {
		const level = this.#frames[parent]!.level + 1;
		const twin = this.#frames.find((frame) => frame.level === level);
		const { writer: w } = this;
		const registers = twin?.registers ?? Array.from({ length: 10 }, () => w.local(T.i64));
		const { context, frame: sp } = this.#frames[parent]!;
		this.#frames.push({
			context,
			isTarget: false,
			registers,
			sp,
			frame: w.local(T.i32),
			depth,
			level,
			slots: this.#slots(context, start),
		});
		return this.#frames.length - 1;
	}

	/** The frame of a tail call's target: the caller's registers and stack, which are gone with it. */
	#addTarget(from: number, unit: Unit): number {
		const frame = this.#frames[from]!;
		const context = frame.context.of(unit);
		context.inlined();
		const slots = this.#slots(context, 0);
		this.#frames.push({ ...frame, context, isTarget: true, depth: depthOf(unit, 0), slots });
		return this.#frames.length - 1;
	}

	/** What tail calls reach now, where its code may stand here. */
	#targets(): Targets {
		const { context, writer: w } = this;
		const targetOf = (unit: Unit | undefined): Target | undefined => {
			const main = unit?.program.functions[0];
			return unit === undefined || main === undefined ? undefined : { unit, cfg: cfgOf(unit.program, main) };
		};
		return {
			one: (unit, insn) => targetOf(context.target(unit, insn)),
			many: (unit, insn) => {
				const many = context.targets(unit, insn);
				return many && { ...many, bySlot: () => many.bySlot.map(targetOf) };
			},
			room: context.room,
			addFrame: (frame, unit) => this.#addTarget(frame, unit),
			addDispatch: (map) => ({ map, slot: w.local(T.i32), word: w.local(T.i32) }),
		};
	}

	/** A function that may be inlined: one of the program's that doesn't tail call. */
	#callee(unit: Unit, start: number): Callee | undefined {
		const found = unit.program.functions.find((each) => each.start === start);
		if (found === undefined || start === 0) return undefined;
		for (let i = found.start; i < found.end; i++) {
			const { opcode, src, imm } = unit.program.insns[i]!;
			if (opcode === TABLE.call.opcode && src === CALL.HELPER && imm === TAIL_CALL_ID) return undefined;
			// ends the function from its middle
			if ((opcode & 0x07) === 0 && opcode !== 0 && opcode !== TABLE.lddw.opcode) return undefined;
		}
		const cfg = cfgOf(unit.program, found);
		return { start, cfg, depth: depthOf(unit, start) };
	}

	/** A local that keeps nothing beyond one piece of code; the `index`-th of its type. */
	scratch(type: number, index: number): number {
		let list = this.#scratch.get(type);
		if (list === undefined) {
			list = [];
			this.#scratch.set(type, list);
		}
		while (list.length <= index) list.push(this.writer.local(type));
		return list[index]!;
	}

	/** What can't be compiled: the interpreter runs the program. */
	unsupported(what: string): never {
		throw new Unsupported(this.context.unit, what, this.insn);
	}

	/** The function's body: locals and code. */
	translate(): FunctionBody {
		const { writer: w, context } = this;
		w.get(this.sp);
		w.i32(this.depth);
		w.op(W.i32_sub);
		w.set(this.frame);
		const own = this.#current;
		if (!this.isProgram) {
			if (context.options.fuel) this.#burn();
			if (context.options.regionChecks) this.#checkStack();
			if (this.#count !== undefined) loadCount(this, this.#count);
		}
		if (this.isProgram) {
			w.get(0);
			w.op(W.i64_extend_i32_u);
			w.set(this.registers[1]!);
		}
		const nodes = nodesOf(this.#cfg, context.unit);
		if (context.options.passes) {
			if (this.isProgram && context.unit.facts.tailCalls.size > 0) inlineTargets(nodes, this.#targets());
			if (nodes.some(({ unit }) => unit.program.functions.length > 1))
				inlineCalls(
					nodes,
					(unit, start) => this.#callee(unit, start),
					(parent, callee) => this.#addFrame(parent, callee),
				);
			selectTriangles(nodes);
			const loops = innerLoops(nodes);
			// checks are for each access, fuel for each round
			const isBare = ({ frame }: Node) => {
				const { regionChecks, fuel } = this.#frames[frame]!.context.options;
				return !regionChecks && !fuel;
			};
			sumLoops(
				nodes,
				loops.filter(({ header }) => isBare(nodes[header]!)),
			);
			unrollLoops(nodes, loops);
		}
		this.#nodes = nodes;
		const graph = reducible({ blocks: nodes });
		for (let i = 0; i < graph.dispatches; i++) this.#dispatch.push(w.local(T.i32));
		for (const { terminator, frame } of nodes)
			if (terminator === "may_goto") this.#frames[frame]!.mayGoto ??= w.local(T.i32);
		this.#allowRounds(own);
		structure(graph, {
			block: () => w.op(W.block, T.void),
			loop: (node) => {
				w.op(W.loop, T.void);
				if (this.#burns(node, graph)) this.#burn();
			},
			ifBranch: (node) => {
				this.#condition(node);
				w.op(W.if, T.void);
			},
			otherwise: () => w.op(W.else),
			end: () => w.op(W.end),
			body: (node) => this.#body(node),
			br: (depth) => w.br(depth),
			brIf: (node, depth, negated) => {
				this.#condition(node);
				if (negated) w.op(W.i32_eqz);
				w.brIf(depth);
			},
			brTable: (node, depths) => {
				w.get(
					node.kind === "block" ? this.#nodes[node.block]!.dispatch!.slot : this.#dispatch[node.dispatch]!,
				);
				w.op(W.br_table);
				w.code.u32(depths.length - 1);
				for (const depth of depths) w.code.u32(depth);
			},
			leave: (node) => {
				const block = node.kind === "block" ? this.#nodes[node.block]! : undefined;
				this.#current = this.#frames[block?.frame ?? 0]!;
				if (block?.terminator === "elsewhere") leave(this, block.dispatch!, block.expected);
				else this.return(() => w.get(this.registers[0]!));
			},
		});
		// every path has returned or branched
		w.op(W.unreachable);
		if (w.locals > MOST_LOCALS) this.unsupported(`a function with more than ${MOST_LOCALS} locals`);
		if (w.code.length > MOST_BYTES) this.unsupported(`a function of more than ${MOST_BYTES} bytes`);
		return w.finish();
	}

	/** Whether rounds of the loop that begins with a node are counted: as the programs want it whose loop it is. */
	#burns(header: FlowNode, { blocks }: ReducibleGraph): boolean {
		// a loop with several entries begins with nodes of its own
		const seen = new Set([header]);
		for (const node of seen) {
			if (node.kind !== "block") for (const to of node.successors) seen.add(blocks[to]!);
			else {
				const { terminator, frame } = this.#nodes[node.block]!;
				// where tail calls go on; they have a limit of their own
				if (terminator !== "switch" && this.#frames[frame]!.context.options.fuel) return true;
			}
		}
		return false;
	}

	/** Traps where this frame, and those of inlined functions below it, would leave the stack area. */
	#checkStack(): void {
		const { writer: w } = this;
		w.get(this.frame);
		w.i32(this.context.options.stackBase + INLINE_LEVELS * FRAME);
		w.op(W.i32_lt_u, W.if, T.void);
		w.i32(0);
		w.i32(1);
		w.memory(W.i32_store, MACHINE.TRAP, 2);
		w.op(W.unreachable, W.end);
	}

	/** A loop round or a call from the budget; at its end the invocation traps with the budget word at 0. */
	#burn(): void {
		const { writer: w } = this;
		w.i32(0);
		w.i32(0);
		w.memory(W.i32_load, MACHINE.BUDGET, 2);
		w.i32(1);
		w.op(W.i32_sub);
		w.tee(this.a32);
		w.memory(W.i32_store, MACHINE.BUDGET, 2);
		w.get(this.a32);
		w.op(W.i32_eqz);
		w.op(W.if, T.void, W.unreachable, W.end);
	}

	#body(node: FlowNode): void {
		const { writer: w } = this;
		if (node.kind === "set") {
			w.i32(node.value);
			w.set(this.#dispatch[node.dispatch]!);
			return;
		}
		if (node.kind === "switch") return;
		const { start, end, arms, branch, frame, enter, leave, sum, missed, counted } = this.#nodes[node.block]!;
		this.#current = this.#frames[frame]!;
		this.#values.forEach((_, i) => {
			this.#values[i] = this.#nextValue++;
		});
		this.#keptUsed = 0;
		if (sum !== undefined) sumTurns(this, sum);
		this.missed = missed === true ? start : -1;
		this.#straight(start, end);
		let before = start;
		for (const arm of arms) {
			if (!this.#flag(arm, before)) this.#select(arm);
			this.#straight(arm.behind.start, arm.behind.end);
			before = arm.behind.start;
		}
		if (enter !== undefined) this.#enter(this.#frames[enter]!, counted !== true);
		if (leave !== undefined) {
			w.get(this.registers[0]!);
			w.set(this.#frames[leave]!.registers[0]!);
		}
		if (branch >= 0) this.insn = branch;
	}

	/** may_goto's budget is a frame's. */
	#allowRounds({ mayGoto, context }: Frame): void {
		if (mayGoto === undefined) return;
		this.writer.i32(context.options.mayGoto);
		this.writer.set(mayGoto);
	}

	/**
	 * Arguments into the registers of an inlined function, and its stack below this one; a target gets the context, and
	 * `counts` the call.
	 */
	#enter(callee: Frame, counts: boolean): void {
		const { writer: w } = this;
		if (callee.isTarget) {
			if (counts) count(this);
			w.get(0);
			w.op(W.i64_extend_i32_u);
			w.set(callee.registers[1]!);
		} else {
			for (let i = 1; i <= 5; i++) {
				w.get(this.registers[i]!);
				w.set(callee.registers[i]!);
			}
		}
		this.#allowRounds(callee);
		w.get(callee.sp);
		w.i32(callee.depth);
		w.op(W.i32_sub);
		w.set(callee.frame);
	}

	#straight(start: number, end: number): void {
		const { insns } = this.context.unit.program;
		for (let i = start; i < end; i += slotsOf(insns[i]!)) {
			this.insn = i;
			this.writer.line(this.context.unit.index, i);
			this.#translate(decode(insns[i]!, i), insns[i + 1]);
		}
	}

	/**
	 * `r = 1; if (c) goto T; r = 0; T:` is the condition itself (or its contrary): what C's comparisons become
	 * (measured: parse 157 ns a run with a select, 148 with). `from`: where the code that leads to the branch begins.
	 * Whether the arm was one.
	 */
	#flag({ branch, start, end }: Arm, from: number): boolean {
		const { insns } = this.context.unit.program;
		if (end !== start + 1 || branch - 1 < from) return false;
		const [before, after] = [insns[branch - 1]!, insns[start]!];
		if (!isMoveOfFlag(before) || !isMoveOfFlag(after)) return false;
		if (before.dst !== after.dst || before.imm === after.imm) return false;
		this.insn = branch;
		condition(this, decode(insns[branch]!, branch), after.imm === 1);
		this.pop32(after.dst);
		return true;
	}

	/**
	 * The arm's code, its results thrown away where the branch would have skipped it. Each select has a condition of
	 * its own, and of equal ones every other is negated: V8 merges equal ones, and then makes a number of what could
	 * have stayed a flag (measured: log2 1.09 of the kernel's time with).
	 */
	#select(arm: Arm): void {
		const { writer: w } = this;
		const { insns } = this.context.unit.program;
		const branch = decode(insns[arm.branch]!, arm.branch);
		const frame = this.#current;
		const { opcode, dst, src, imm } = branch.insn;
		const key = [opcode, dst, src, imm].join();
		const before = [...frame.registers];
		const changed = written(insns, arm.start, arm.end);
		for (const register of changed) {
			before[register] = w.local(T.i64);
			this.push(register);
			w.set(before[register]!);
		}
		this.#straight(arm.start, arm.end);
		this.insn = arm.branch;
		const after = changed.map((register) => {
			if (changed.length === 1) return frame.registers[register]!;
			const local = w.local(T.i64);
			this.push(register);
			w.set(local);
			return local;
		});
		for (const [i, register] of changed.entries()) {
			const negated = this.#negated.get(key) ?? false;
			this.#negated.set(key, !negated);
			w.get(negated ? after[i]! : before[register]!);
			w.get(negated ? before[register]! : after[i]!);
			this.#current = { ...frame, registers: before };
			condition(this, branch, negated);
			this.#current = frame;
			w.op(W.select);
			this.pop(register);
		}
	}

	/** The condition of a block's branch, as an i32. */
	#condition(node: FlowNode): void {
		const { writer: w } = this;
		if (node.kind !== "block") return;
		const { branch, terminator, frame, dispatch, expected } = this.#nodes[node.block]!;
		this.#current = this.#frames[frame]!;
		this.insn = branch;
		if (terminator === "may_goto") {
			// taken when the count is used up
			const mayGoto = this.#current.mayGoto!;
			w.get(mayGoto);
			w.op(W.i32_eqz);
			w.op(W.if, T.i32);
			w.i32(1);
			w.op(W.else);
			w.get(mayGoto);
			w.i32(1);
			w.op(W.i32_sub);
			w.set(mayGoto);
			w.i32(0);
			w.op(W.end);
			return;
		}
		if (terminator === "expected") {
			isExpected(this, dispatch!, expected!);
			return;
		}
		w.line(this.context.unit.index, branch);
		if (terminator === "site") goesOn(this, dispatch!);
		else if (terminator === "hit") hits(this);
		else condition(this, decode(this.context.unit.program.insns[branch]!, branch));
	}

	#translate(d: Decoded, next: Insn | undefined): void {
		const { row } = d;
		switch (row.family) {
			case "alu":
				alu(this, d, row);
				break;
			case "neg":
				negate(this, d, row);
				break;
			case "movsx":
				movsx(this, d, row);
				break;
			case "endian":
				endian(this, d, row);
				break;
			case "lddw":
				constant(this, d, next!);
				break;
			case "ldx":
			case "ldsx":
			case "load_acquire":
				load(this, d, row);
				break;
			case "st":
			case "stx":
			case "store_release":
				store(this, d, row);
				break;
			case "atomic":
				atomic(this, d, row);
				break;
			case "ld_abs":
			case "ld_ind":
				packetLoad(this, d, row);
				break;
			case "call":
				if (d.op === "call_local") callLocal(this, d);
				else if (d.op === "call_kfunc") callKfunc(this);
				else if (d.insn.imm === TAIL_CALL_ID) tailCall(this);
				else callHelper(this, d);
				break;
			case "addr_space_cast":
				this.unsupported("an arena");
				break;
			default:
				this.unsupported(d.op);
		}
	}

	// small words that the families share

	/** Pushes a register, 64 bits. */
	push(register: number): void {
		if (register === 10) {
			this.writer.get(this.sp);
			this.writer.op(W.i64_extend_i32_u);
		} else this.writer.get(this.registers[register]!);
	}

	/** Pushes a register's low 32 bits. */
	push32(register: number): void {
		if (register === 10) this.writer.get(this.sp);
		else {
			this.writer.get(this.registers[register]!);
			this.writer.op(W.i32_wrap_i64);
		}
	}

	/** Pops 64 bits into a register, which then holds a new value. */
	pop(register: number): void {
		this.writer.set(this.registers[register]!);
		this.#values[register] = this.#nextValue++;
	}

	/** After a move: dst holds src's value. */
	same(dst: number, src: number): void {
		this.#values[dst] = this.#values[src]!;
		this.#shifts[dst] = this.#shifts[src];
	}

	/** Before a 64-bit shift by a constant: keeps the value, so that a rotation can be made of it. */
	beforeShift(register: number): { readonly of: number; readonly kept: number } {
		const of = this.#values[register]!;
		const known = this.#shifts.find((shift) => shift !== undefined && shift.of === of && this.#isLive(shift));
		if (known !== undefined) return known;
		if (this.#keptUsed === this.#kept.length) this.#kept.push(this.writer.local(T.i64));
		const kept = this.#kept[this.#keptUsed++]!;
		this.push(register);
		this.writer.set(kept);
		return { of, kept };
	}

	afterShift(
		register: number,
		from: { readonly of: number; readonly kept: number },
		left: boolean,
		by: number,
	): void {
		this.#shifts[register] = { ...from, left, by, value: this.#values[register]! };
	}

	#isLive({ value }: Shift): boolean {
		return this.#values.includes(value);
	}

	/**
	 * The rotation that `a | b` (or ^ or +) is, if both registers hold opposite shifts of one value by 64 in sum:
	 * the local of the value and the left count. V8 makes rotations of 32-bit shifts only (measured: siphash 0.99 of
	 * the kernel's time without, 0.58 with).
	 */
	rotation(a: number, b: number): { readonly kept: number; readonly by: number } | undefined {
		const one = this.#shifts[a];
		const other = this.#shifts[b];
		if (one === undefined || other === undefined || one.of !== other.of || one.left === other.left)
			return undefined;
		if (one.value !== this.#values[a] || other.value !== this.#values[b]) return undefined;
		const { kept } = one;
		const by = one.left ? one.by : other.by;
		return one.by + other.by === 64 ? { kept, by } : undefined;
	}

	/** Pops 32 bits into a register, zero-extended. */
	pop32(register: number): void {
		this.writer.op(W.i64_extend_i32_u);
		this.pop(register);
	}
}

/** r = 0 or r = 1. */
function isMoveOfFlag(insn: Insn): boolean {
	const op = opOf(insn);
	if ((op !== "mov32" && op !== "mov64") || operandOf(insn, TABLE[op]) !== "k") return false;
	return insn.imm === 0 || insn.imm === 1;
}

/** "machine/unsupported": what keeps a program from being compiled. */
export class Unsupported extends TailhopError {
	readonly unit: Unit;

	constructor(unit: Unit, what: string, insn: number) {
		const { name: program, section } = unit.program;
		const hint = "The interpreter runs it.";
		super(
			"machine/unsupported",
			`${what}: not compiled to WebAssembly`,
			{ program, section, insn },
			{ hint },
		);
		this.unit = unit;
	}
}
