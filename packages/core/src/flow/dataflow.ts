import {
	CALL,
	type Insn,
	LDDW,
	MAP_FLAG,
	type Op,
	operandOf,
	opOf,
	type Row,
	slotsOf,
	TABLE,
} from "../isa/index.ts";
import type { LinkedMap, LinkedProgram } from "../spec/index.ts";
import { type Block, type Cfg, cfgOf } from "./cfg.ts";
import type { CallFacts, FunctionFacts, KnownArgument, ProgramFacts, TailCallFacts } from "./facts.ts";
import { RankQueue } from "./rank-queue.ts";
import {
	ALU,
	ANY,
	CONDITION,
	CONTEXT,
	endian,
	mayBeStack,
	meet,
	number,
	OTHER,
	sameValue,
	type Value,
} from "./values.ts";

const TAIL_CALL = 12;
const FRAME_SIZE = 512;
/** A block that was visited this often has its registers and slots given up, so that the walk ends soon. */
const MAX_VISITS = 12;

/** What holds before an instruction. Mutable while a block is walked, copied at its ends. */
interface State {
	/** r0 to r10. */
	readonly registers: Value[];
	/** Values spilled to the frame with 8-byte stores, by offset from r10 (-8 to -512); absent: unknown. */
	readonly slots: Map<number, Value>;
	/** A pointer into the frame was stored or handed out: whatever is loaded, unless `slots` knows it, may be one. */
	escaped: boolean;
}

interface FunctionState {
	readonly index: number;
	readonly cfg: Cfg;
	/** r1 to r5 at entry, met over all calls; undefined until the first. */
	entry: readonly Value[] | undefined;
	stackDepth: number;
	/**
	 * By slot of 8 bytes: the one access that it has by r10, undefined where there are others. It and `reach` only ever
	 * lose, so what a guess of the walk noted may stay.
	 */
	readonly direct: Map<number, { readonly offset: number; readonly size: 1 | 2 | 4 | 8 } | undefined>;
	/** Lowest offset that is reached in another way. */
	reach: number;
	/** What holds before each block. */
	readonly before: (State | undefined)[];
	readonly visits: Uint8Array;
}

/**
 * Fills ProgramFacts by a forward walk that knows constants, maps, the context and the stack, in registers and in
 * 8-byte stack slots, through branches whose condition is known and through calls of static functions (a global
 * function's arguments are unknown, as in the kernel, which verifies it by its prototype).
 *
 * A constant map and slot at a tail call is what the kernel's verifier would prove at least in the cases that
 * matter to it (record_func_key: the same map and constant on every path); where it is smarter, the fact is absent.
 * Values loaded from read-only frozen data count as constants (bpf_map_direct_read). Works on unverified programs
 * too; time is linear in the number of instructions times a constant.
 */
export function analyze(program: LinkedProgram, maps: readonly LinkedMap[]): ProgramFacts {
	return new Dataflow(program, maps).run();
}

const found = new WeakMap<LinkedProgram, ProgramFacts>();

/** `analyze` of a linked program, done once. */
export function factsOf(program: LinkedProgram, maps: readonly LinkedMap[]): ProgramFacts {
	let facts = found.get(program);
	if (facts === undefined) {
		facts = analyze(program, maps);
		found.set(program, facts);
	}
	return facts;
}

class Dataflow {
	readonly #program: LinkedProgram;
	readonly #maps: readonly LinkedMap[];
	readonly #functions: readonly FunctionState[];
	readonly #byStart: ReadonlyMap<number, FunctionState>;
	readonly #hasCallbacks: boolean;
	readonly #pending: FunctionState[] = [];
	readonly #calls = new Map<number, CallFacts>();
	readonly #tailCalls = new Map<number, TailCallFacts>();

	constructor(program: LinkedProgram, maps: readonly LinkedMap[]) {
		this.#program = program;
		this.#maps = maps;
		this.#functions = program.functions.map(({ start, end }, index) => {
			const cfg = cfgOf(program, { start, end });
			return {
				index,
				cfg,
				entry: undefined,
				stackDepth: 0,
				direct: new Map(),
				reach: 0,
				before: new Array<State | undefined>(cfg.blocks.length),
				visits: new Uint8Array(cfg.blocks.length),
			};
		});
		this.#hasCallbacks = takesAddress(program.insns);
		this.#byStart = new Map(this.#functions.map((one) => [one.cfg.start, one]));
	}

	run(): ProgramFacts {
		const main = this.#functions[0];
		if (main !== undefined) this.#enter(main, [CONTEXT, OTHER, OTHER, OTHER, OTHER]);
		for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) this.#walk(next);
		// facts are read off the states once they are final, so that no early guess survives
		for (const one of this.#functions) {
			one.stackDepth = 0;
			for (const block of one.cfg.blocks) {
				const state = one.before[block.index];
				if (state !== undefined) this.#block(one, block, copy(state), true);
			}
		}
		const functions = this.#functions.map(
			(one): FunctionFacts => ({
				start: one.cfg.start,
				reached: one.entry !== undefined,
				stackDepth: Math.ceil(one.stackDepth / 8) * 8,
				spills: spillsOf(one),
			}),
		);
		return { calls: this.#calls, tailCalls: this.#tailCalls, functions };
	}

	/** A call of `to` with these r1 to r5. */
	#enter(to: FunctionState, args: readonly Value[]): void {
		const known = to.entry;
		// the caller's frame is not the callee's
		const given = args.map((arg) => (mayBeStack(arg) ? OTHER : arg));
		const entry = known === undefined ? given : known.map((value, i) => meet(value, given[i]!));
		if (known?.every((value, i) => sameValue(value, entry[i]!))) return;
		to.entry = entry;
		if (to.cfg.blocks.length === 0) return;
		const registers: Value[] = new Array<Value>(11).fill(OTHER);
		for (const [i, value] of entry.entries()) registers[i + 1] = value;
		registers[10] = { kind: "stack", offset: 0n };
		if (this.#join(to, 0, { registers, slots: new Map(), escaped: false })) this.#pending.push(to);
	}

	/** Meets a state into what holds before a block; true if that changed. */
	#join(one: FunctionState, block: number, state: State): boolean {
		const known = one.before[block];
		if (known === undefined) {
			one.before[block] = copy(state);
			return true;
		}
		let changed = false;
		const give = one.visits[block]! >= MAX_VISITS;
		for (let r = 0; r < 10; r++) {
			const was = known.registers[r]!;
			const value = meet(was, state.registers[r]!);
			if (sameValue(value, was)) continue;
			known.registers[r] = give ? ANY : value;
			changed = true;
		}
		for (const [offset, value] of known.slots) {
			const other = state.slots.get(offset);
			if (!give && other !== undefined && sameValue(value, other)) continue;
			known.slots.delete(offset);
			changed = true;
		}
		if (state.escaped && !known.escaped) {
			known.escaped = true;
			changed = true;
		}
		return changed;
	}

	/** Walks a function until nothing changes any more. */
	#walk(one: FunctionState): void {
		const { cfg, before, visits } = one;
		const rank = new Int32Array(cfg.blocks.length);
		for (const [i, block] of cfg.order.entries()) rank[block] = i;
		// always the first in reverse postorder: few visits are needed for the graphs that compilers make
		const queue = new RankQueue(cfg.order.length);
		queue.add(0);
		for (let next = queue.take(); next !== undefined; next = queue.take()) {
			const block = cfg.blocks[cfg.order[next]!]!;
			if (visits[block.index]! < 255) visits[block.index]!++;
			const state = copy(before[block.index]!);
			const taken = this.#block(one, block, state, false);
			for (const [edge, successor] of block.successors.entries()) {
				if (taken !== undefined && taken !== edge) continue;
				const refined = refine(this.#program.insns[block.last]!, block, edge, state);
				if (this.#join(one, successor, refined)) queue.add(rank[successor]!);
			}
		}
	}

	/** Runs a block over `state`; the index of the only edge that can be taken, or undefined for all. */
	#block(one: FunctionState, block: Block, state: State, final: boolean): number | undefined {
		const { insns } = this.#program;
		let taken: number | undefined;
		for (let at = block.start; at < block.end; ) {
			const insn = insns[at]!;
			const op = opOf(insn);
			if (op !== undefined && insn.dst <= 10 && (insn.src <= 10 || TABLE[op].family === "lddw"))
				taken = this.#step(one, state, at, insn, op, final);
			at += slotsOf(insn);
		}
		return block.successors.length === 2 ? taken : undefined;
	}

	#step(
		one: FunctionState,
		state: State,
		at: number,
		insn: Insn,
		op: Op,
		final: boolean,
	): number | undefined {
		const row: Row = TABLE[op];
		const { registers } = state;
		const set = (register: number, value: Value) => {
			if (register < 10) registers[register] = value;
		};
		switch (row.family) {
			case "alu": {
				const right = operandOf(insn, row) === "x" ? registers[insn.src]! : number(BigInt(insn.imm));
				set(insn.dst, alu(row.alu, row.bits, registers[insn.dst]!, right));
				return undefined;
			}
			case "neg": {
				const value = registers[insn.dst]!;
				set(
					insn.dst,
					value.kind === "number" ? number(BigInt.asUintN(row.bits, -value.value)) : scalar([value]),
				);
				return undefined;
			}
			case "movsx": {
				const value = registers[insn.src]!;
				set(
					insn.dst,
					value.kind === "number"
						? number(BigInt.asUintN(row.bits, BigInt.asIntN(row.from, value.value)))
						: scalar([value]),
				);
				return undefined;
			}
			case "endian": {
				const value = registers[insn.dst]!;
				set(
					insn.dst,
					value.kind === "number" ? number(endian(value.value, row.order, row.bits)) : scalar([value]),
				);
				return undefined;
			}
			case "addr_space_cast":
				set(insn.dst, scalar([registers[insn.src]!]));
				return undefined;
			case "lddw":
				set(insn.dst, this.#wide(at, insn));
				return undefined;
			case "ld_abs":
			case "ld_ind":
				for (let r = 0; r <= 5; r++) registers[r] = OTHER;
				return undefined;
			case "ldx":
			case "ldsx":
			case "load_acquire":
				set(insn.dst, this.#load(one, state, insn, row.size, row.family === "ldsx"));
				return undefined;
			case "st":
				this.#store(one, state, insn, row.size, number(BigInt(insn.imm)));
				return undefined;
			case "stx":
			case "store_release":
				this.#store(one, state, insn, row.size, registers[insn.src]!);
				return undefined;
			case "atomic": {
				this.#store(one, state, insn, row.size, scalar([registers[insn.src]!]), true);
				const loaded = state.escaped ? ANY : OTHER;
				if (row.fetch) set(row.atomic === "cmpxchg" ? 0 : insn.src, loaded);
				return undefined;
			}
			case "jcond": {
				const left = registers[insn.dst]!;
				const right = operandOf(insn, row) === "x" ? registers[insn.src]! : number(BigInt(insn.imm));
				if (left.kind !== "number" || right.kind !== "number") return undefined;
				const cut = (value: bigint) => BigInt.asUintN(row.bits, value);
				return CONDITION[row.cond]!(cut(left.value), cut(right.value), row.bits) ? 1 : 0;
			}
			case "call":
			case "callx":
				this.#call(one, state, at, insn, row.family === "callx", final);
				return undefined;
			default:
				return undefined;
		}
	}

	#wide(at: number, insn: Insn): Value {
		const high = this.#program.insns[at + 1]?.imm ?? 0;
		switch (insn.src) {
			case LDDW.IMM:
				return number((BigInt(high >>> 0) << 32n) | BigInt(insn.imm >>> 0));
			case LDDW.MAP_IDX:
				return { kind: "map", map: insn.imm };
			case LDDW.MAP_IDX_VALUE:
				return { kind: "map_value", map: insn.imm, offset: BigInt(high >>> 0) };
			case LDDW.FUNC: {
				const start = at + 1 + insn.imm;
				const callback = this.#byStart.get(start);
				// whoever calls it back decides what it is given
				if (callback !== undefined) this.#enter(callback, [OTHER, OTHER, OTHER, OTHER, OTHER]);
				return { kind: "function", start };
			}
			default:
				return OTHER;
		}
	}

	#load(one: FunctionState, state: State, insn: Insn, size: number, signed: boolean): Value {
		const base = state.registers[insn.src]!;
		const unknown = state.escaped ? ANY : OTHER;
		switch (base.kind) {
			case "stack": {
				const offset = this.#touch(one, base.offset + BigInt(insn.off));
				if (offset === undefined) return ANY;
				noteAccess(one, offset, size, insn.src === 10);
				const slot = state.slots.get(offset & ~7);
				if (slot === undefined) return unknown;
				if (size === 8 && (offset & 7) === 0) return slot;
				if (slot.kind !== "number" || (offset & 7) + size > 8) return unknown;
				const value = BigInt.asUintN(size * 8, slot.value >> BigInt((offset & 7) * 8));
				return number(signed ? BigInt.asIntN(size * 8, value) : value);
			}
			case "map_value":
				return this.#constant(base.map, base.offset + BigInt(insn.off), size, signed) ?? unknown;
			case "any":
				this.#touchAll(one);
				return ANY;
			default:
				return unknown;
		}
	}

	/** A load from data that user space froze and that programs cannot write (kernel: bpf_map_direct_read). */
	#constant(index: number, offset: bigint, size: number, signed: boolean): Value | undefined {
		const map = this.#maps[index];
		if (!map?.frozen || map.initial === undefined || !(map.flags & MAP_FLAG.RDONLY_PROG)) return undefined;
		if (offset < 0n || offset + BigInt(size) > BigInt(map.initial.length)) return undefined;
		let value = 0n;
		for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(map.initial[Number(offset) + i]!);
		return number(signed ? BigInt.asIntN(size * 8, value) : value);
	}

	#store(one: FunctionState, state: State, insn: Insn, size: number, value: Value, atomic = false): void {
		const base = state.registers[insn.dst]!;
		if (mayBeStack(value)) state.escaped = true;
		if (base.kind === "any") {
			this.#touchAll(one);
			state.slots.clear();
		} else if (base.kind === "stack") {
			const offset = this.#touch(one, base.offset + BigInt(insn.off));
			if (offset === undefined) {
				state.slots.clear();
				return;
			}
			noteAccess(one, offset, size, insn.dst === 10 && !atomic);
			const first = offset & ~7;
			// a store that covers two slots spoils both
			for (let at = first; at < offset + size; at += 8) state.slots.delete(at);
			if (size === 8 && first === offset && !atomic) state.slots.set(first, value);
		}
	}

	/** Notes an access below r10; the offset, or undefined if it lies outside the frame. */
	#touch(one: FunctionState, offset: bigint): number | undefined {
		const at = BigInt.asIntN(64, offset);
		if (at < -BigInt(FRAME_SIZE) || at >= 0n) {
			this.#touchAll(one);
			return undefined;
		}
		one.stackDepth = Math.max(one.stackDepth, -Number(at));
		return Number(at);
	}

	/** An access that may be anywhere in the frame. */
	#touchAll(one: FunctionState): void {
		one.stackDepth = FRAME_SIZE;
		one.reach = -FRAME_SIZE;
	}

	#call(one: FunctionState, state: State, at: number, insn: Insn, indirect: boolean, final: boolean): void {
		const { registers } = state;
		const args = registers.slice(1, 6);
		const local = !indirect && insn.src === CALL.LOCAL;
		if (local) {
			const start = at + 1 + insn.imm;
			const callee = this.#byStart.get(start);
			if (callee !== undefined) {
				const { linkage } = this.#program.functions[callee.index]!;
				const first = args[0]!.kind === "context" ? CONTEXT : OTHER;
				this.#enter(callee, linkage === "global" ? [first, OTHER, OTHER, OTHER, OTHER] : args);
			}
		}
		if (final && !indirect && insn.src === CALL.HELPER) this.#record(at, insn.imm, args);
		const code = local || indirect || insn.src === CALL.KFUNC || args.some((arg) => this.#mayCallBack(arg));
		for (const arg of args) {
			if (!mayBeStack(arg)) continue;
			const offset = arg.kind === "stack" ? this.#touch(one, arg.offset) : undefined;
			if (code || offset === undefined) {
				// code that is handed the pointer may go anywhere with it, store it, give it back
				this.#touchAll(one);
				state.slots.clear();
				state.escaped ||= code;
			} else {
				// a helper writes upwards from the pointer
				one.reach = Math.min(one.reach, offset);
				for (const slot of state.slots.keys()) if (slot + 8 > offset) state.slots.delete(slot);
			}
		}
		if (state.escaped) {
			// whoever is called may follow a pointer that lies in memory, as bpf_trace_vprintk does
			one.reach = -FRAME_SIZE;
			if (code) state.slots.clear();
		}
		registers[0] = state.escaped ? ANY : OTHER;
		for (let r = 1; r <= 5; r++) registers[r] = OTHER;
	}

	/** Whether a helper that is given this may run a function of the program. */
	#mayCallBack(arg: Value): boolean {
		return arg.kind === "function" || (this.#hasCallbacks && (arg.kind === "other" || arg.kind === "any"));
	}

	#record(at: number, helper: number, args: readonly Value[]): void {
		this.#calls.set(at, { insn: at, helper, args: args.map(known) });
		if (helper !== TAIL_CALL) return;
		const [, map, slot] = args;
		this.#tailCalls.set(at, {
			insn: at,
			...(map?.kind === "map" ? { map: map.map } : {}),
			...(slot?.kind === "number" ? { slot: Number(BigInt.asUintN(32, slot.value)) } : {}),
		});
	}
}

/** Whether there is a function whose address is taken. */
function takesAddress(insns: readonly Insn[]): boolean {
	// a loop: V8 is slow with callbacks over frozen arrays
	for (let i = 0; i < insns.length; i++)
		if (insns[i]!.opcode === TABLE.lddw_func.opcode && insns[i]!.src === LDDW.FUNC) return true;
	return false;
}

/** Notes an access of the frame. */
function noteAccess(one: FunctionState, offset: number, size: number, byR10: boolean): void {
	const first = offset & ~7;
	const isFirst = !one.direct.has(first);
	const known = one.direct.get(first);
	const isSame = known?.offset === offset && known.size === size;
	if (byR10 && offset + size <= first + 8 && (isFirst || isSame)) {
		if (isFirst) one.direct.set(first, { offset, size: size as 1 | 2 | 4 | 8 });
	} else for (let slot = first; slot < offset + size; slot += 8) one.direct.set(slot, undefined);
}

function spillsOf({ direct, reach }: FunctionState): FunctionFacts["spills"] {
	const spills = new Map<number, 1 | 2 | 4 | 8>();
	for (const [slot, only] of direct)
		if (only !== undefined && slot + 8 <= reach) spills.set(only.offset, only.size);
	return spills;
}

function known(value: Value): KnownArgument | undefined {
	switch (value.kind) {
		case "number":
		case "map":
		case "context":
		case "function":
			return value;
		case "stack":
			return { kind: "stack", offset: Number(value.offset) };
		default:
			return undefined;
	}
}

function copy(state: State): State {
	return { registers: state.registers.slice(), slots: new Map(state.slots), escaped: state.escaped };
}

/** A result that is computed from these and not known. */
function scalar(from: readonly Value[]): Value {
	return from.some(mayBeStack) ? ANY : OTHER;
}

function alu(operation: string, bits: 32 | 64, left: Value, right: Value): Value {
	if (operation === "mov") {
		if (bits === 64) return right;
		return right.kind === "number" ? number(BigInt.asUintN(32, right.value)) : scalar([right]);
	}
	if (left.kind === "number" && right.kind === "number") {
		const cut = (value: bigint) => BigInt.asUintN(bits, value);
		return number(cut(ALU[operation]!(cut(left.value), cut(right.value), bits)));
	}
	if (bits === 64 && (operation === "add" || operation === "sub")) {
		const moved =
			offsetBy(left, right, operation) ?? (operation === "add" ? offsetBy(right, left, "add") : undefined);
		if (moved !== undefined) return moved;
	}
	return scalar([left, right]);
}

function offsetBy(pointer: Value, by: Value, operation: string): Value | undefined {
	if (by.kind !== "number" || (pointer.kind !== "stack" && pointer.kind !== "map_value")) return undefined;
	const offset = BigInt.asIntN(
		64,
		operation === "add" ? pointer.offset + by.value : pointer.offset - by.value,
	);
	return { ...pointer, offset };
}

/** What an edge of `if rX == constant` adds: rX is that constant there. */
function refine(insn: Insn, block: Block, edge: number, state: State): State {
	if (block.terminator !== "branch") return state;
	const op = opOf(insn);
	if (op !== "jeq64" && op !== "jne64") return state;
	if ((op === "jeq64") !== (edge === 1)) return state;
	const constant = operandOf(insn, TABLE[op]) === "x" ? state.registers[insn.src]! : number(BigInt(insn.imm));
	const value = state.registers[insn.dst];
	if (constant.kind !== "number" || (value?.kind !== "other" && value?.kind !== "any") || insn.dst > 9)
		return state;
	const refined = copy(state);
	refined.registers[insn.dst] = constant;
	return refined;
}
