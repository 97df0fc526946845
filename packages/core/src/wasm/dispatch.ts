import { MAX_TAIL_CALLS } from "../helpers/index.ts";
import type { CompiledMap } from "./context.ts";
import { T, W } from "./opcodes.ts";
import { count, leaveByWord, passOn, variableWord } from "./tail-call.ts";
import type { Translator } from "./translate.ts";

/** The one place in a function from which its tail calls with variable slots of one array go on. */
export interface Dispatch {
	readonly map: CompiledMap;
	/** Locals of the slot, and of the word that is in it. */
	readonly slot: number;
	readonly word: number;
}

/**
 * At a call: pushes whether there is a program to go on with, by the checks of the x86 JIT in its order: index, limit,
 * slot. Then slot and word are set, and the call is counted.
 */
export function goesOn(t: Translator, { map, slot, word }: Dispatch): void {
	const { writer: w } = t;
	const { emptySlotCounts } = t.context.options;
	t.push32(3);
	w.set(slot);
	w.op(W.block, T.i32);
	w.i32(0);
	w.get(slot);
	w.i32(map.def.maxEntries);
	w.op(W.i32_ge_u);
	w.brIf(0);
	w.get(t.count);
	w.i32(MAX_TAIL_CALLS);
	w.op(W.i32_ge_u);
	w.brIf(0);
	variableWord(t, map, slot);
	w.set(word);
	if (emptySlotCounts) count(t);
	w.get(word);
	w.op(W.i32_eqz);
	w.brIf(0);
	w.op(W.drop);
	if (!emptySlotCounts) count(t);
	w.i32(1);
	w.op(W.end);
}

/** Leaves for the program of the module that the slot was found to hold, or for whatever it holds. */
export function leave(t: Translator, { word }: Dispatch, expected: number | undefined): void {
	const known = expected === undefined ? undefined : t.context.programs.get(expected);
	if (known === undefined) leaveByWord(t, word);
	else {
		passOn(t);
		t.writer.returnCall(known);
	}
}

/** Pushes whether the slot still holds the program whose code follows. */
export function isExpected(t: Translator, { word }: Dispatch, expected: number): void {
	const { writer: w } = t;
	w.get(word);
	w.i32(expected);
	w.op(W.i32_eq);
}
