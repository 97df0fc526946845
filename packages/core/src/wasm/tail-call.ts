import { MAX_TAIL_CALLS, OUTCOMES, type Outcome } from "../helpers/index.ts";
import { SLOTS_LAYOUT as SLOTS } from "../maps/index.ts";
import type { CompiledMap } from "./context.ts";
import { PROGRAM, storeCount } from "./convention.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

/**
 * bpf_tail_call. The words of the array say what is in a slot at this moment, so an update is right for the very
 * next hop; a word equal to the one compiled in becomes a jump inside the module (`return_call`), any other goes
 * through the machine's table.
 *
 * Order of checks as in the x86 JIT: index, limit, slot.
 */
export function tailCall(t: Translator): void {
	const { writer: w, context } = t;
	const { options, unit } = context;
	const fact = unit.facts.tailCalls.get(t.insn);
	const map = fact?.map === undefined ? undefined : unit.maps[fact.map];
	const word = t.a32;
	const slot = t.b32;
	const miss = (outcome: Outcome) => {
		if (options.trace) hop(t, outcome, () => w.get(slot));
	};

	if (options.trace || fact?.slot === undefined) {
		t.push32(3);
		w.set(slot);
	}
	w.op(W.block, T.void);
	// index
	if (map !== undefined && fact?.slot !== undefined) {
		if (fact.slot >= map.def.maxEntries) {
			miss("out-of-range");
			w.op(W.end);
			return;
		}
	} else {
		w.get(slot);
		if (map !== undefined) w.i32(map.def.maxEntries);
		else {
			t.push32(2);
			w.memory(W.i32_load, MAX_ENTRIES, 2);
		}
		w.op(W.i32_ge_u, W.if, T.void);
		miss("out-of-range");
		w.br(1);
		w.op(W.end);
	}
	// limit
	w.get(t.count);
	w.i32(MAX_TAIL_CALLS);
	w.op(W.i32_ge_u, W.if, T.void);
	miss("limit");
	w.br(1);
	w.op(W.end);
	// the slot's word
	if (map !== undefined && fact?.slot !== undefined) staticWord(t, map, fact.slot);
	else variableWord(t, map, slot);
	w.tee(word);
	w.op(W.i32_eqz, W.if, T.void);
	miss("empty");
	if (options.emptySlotCounts) count(t);
	w.br(1);
	w.op(W.end);
	if (options.trace) hop(t, "taken", () => w.get(slot));
	count(t);

	const target = map !== undefined && fact?.slot !== undefined ? context.slots(map.address, fact.slot) : 0;
	const known = context.programs.get(target);
	if (t.missed === t.insn) {
		// it isn't that one
	} else if (known !== undefined) {
		w.get(word);
		w.i32(target);
		w.op(W.i32_eq, W.if, T.void);
		passOn(t);
		w.returnCall(known);
		w.op(W.end);
	} else if (fact?.slot === undefined) {
		if (map !== undefined && map.def.maxEntries <= TABLE_TARGETS) targetsBySlot(t, map, slot, word);
		else targetsByWord(t, word);
	}
	leaveByWord(t, word);
	w.op(W.end);
}

/** Leaves for the program whose index a local has. */
export function leaveByWord(t: Translator, word: number): void {
	passOn(t);
	t.writer.get(word);
	t.writer.returnCallIndirect(t.context.module.type(PROGRAM));
}

/** Pushes the word of a slot: the array's header points at its words. */
function staticWord(t: Translator, map: CompiledMap, slot: number): void {
	t.writer.i32(map.address);
	t.writer.memory(W.i32_load, SLOTS.WORDS, 2);
	t.writer.memory(W.i32_load, slot * 4, 2);
}

/** The same of a slot that a local has; of the array in r2 where none is known. */
export function variableWord(t: Translator, map: CompiledMap | undefined, slot: number): void {
	const { writer: w } = t;
	if (map !== undefined) w.i32(map.address);
	else t.push32(2);
	w.memory(W.i32_load, SLOTS.WORDS, 2);
	w.get(slot);
	w.i32(2);
	w.op(W.i32_shl, W.i32_add);
	w.memory(W.i32_load, 0, 2);
}

/** Pushes whether the tail call at `t.insn`, whose target's code stands here, succeeds with that target. */
export function hits(t: Translator): void {
	const { writer: w, context } = t;
	const { map: index, slot } = context.unit.facts.tailCalls.get(t.insn)!;
	const map = context.unit.maps[index!]!;
	staticWord(t, map, slot!);
	w.i32(context.slots(map.address, slot!));
	w.op(W.i32_eq);
	w.get(t.count);
	w.i32(MAX_TAIL_CALLS);
	w.op(W.i32_lt_u, W.i32_and);
}

/** Most targets that a br_table is worth for. */
export const TABLE_TARGETS = 256;

/**
 * A variable slot of a known array: br_table on the slot, then one compare with the word that was there when this
 * was compiled (measured: 2.1 ns a hop with a slot that can be predicted, where br_table on the word takes 3.0).
 */
function targetsBySlot(t: Translator, map: CompiledMap, slot: number, word: number): void {
	const { writer: w, context } = t;
	const words = Array.from({ length: map.def.maxEntries }, (_, i) => context.slots(map.address, i));
	const other = words.length;
	// blocks from the inside out: one a slot, and the outermost for what isn't there any more
	for (let i = 0; i <= other; i++) w.op(W.block, T.void);
	w.get(slot);
	w.op(W.br_table);
	w.code.u32(other);
	for (const [i, each] of words.entries()) w.code.u32(context.programs.has(each) ? i : other);
	w.code.u32(other);
	for (const [i, each] of words.entries()) {
		w.op(W.end);
		const target = context.programs.get(each);
		if (target !== undefined) {
			w.get(word);
			w.i32(each);
			w.op(W.i32_eq, W.if, T.void);
			passOn(t);
			w.returnCall(target);
			w.op(W.end);
		}
		w.br(other - 1 - i);
	}
	w.op(W.end);
}

/**
 * A variable slot of an array that isn't known, or of a large one, jumps inside the module for the programs that are
 * compiled in it: br_table on the word, which is the program's index.
 */
function targetsByWord(t: Translator, word: number): void {
	const { writer: w, context } = t;
	const indexes = [...context.programs.keys()].sort((a, b) => a - b);
	const first = indexes[0];
	if (first === undefined || indexes.length > TABLE_TARGETS) return;
	const last = indexes[indexes.length - 1]!;
	if (last - first >= TABLE_TARGETS) return;
	// blocks from the inside out: one a program, and the outermost for every other word
	for (let i = 0; i <= indexes.length; i++) w.op(W.block, T.void);
	w.get(word);
	w.i32(first);
	w.op(W.i32_sub, W.br_table);
	w.code.u32(last - first + 1);
	for (let index = first; index <= last; index++) {
		const at = indexes.indexOf(index);
		w.code.u32(at < 0 ? indexes.length : at);
	}
	w.code.u32(indexes.length);
	for (const index of indexes) {
		w.op(W.end);
		passOn(t);
		w.returnCall(context.programs.get(index)!);
	}
	w.op(W.end);
}

/** BPF map header: max_entries. */
const MAX_ENTRIES = 16;

/** One tail call more is spent. */
export function count(t: Translator): void {
	const { writer: w } = t;
	w.get(t.count);
	w.i32(1);
	w.op(W.i32_add);
	w.set(t.count);
}

/** What a target gets: the context, this frame's place, and the count. */
export function passOn(t: Translator): void {
	if (t.isProgram) t.writer.get(0);
	else t.push32(1);
	t.writer.get(t.sp);
	t.writer.get(t.count);
}

function hop(t: Translator, outcome: Outcome, slot: () => void): void {
	const { writer: w, context } = t;
	storeCount(t, t.count);
	w.i32(context.unit.index);
	w.i32(t.insn);
	t.push32(2);
	slot();
	w.i32(OUTCOMES.indexOf(outcome));
	if (outcome === "taken") w.get(t.a32);
	else w.i32(0);
	w.call(context.imports.named("hop"));
}
