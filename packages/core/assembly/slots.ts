// Arrays of words in the control area, which the machine fills and understands: prog_array, perf_event_array and
// the like. WORDS is a pointer so that a whole array is exchanged by one store.

import { allocControl } from "./alloc";
import { KIND, ENOMEM, MAX_ENTRIES, isError } from "./layout";

@inline const WORDS: usize = KIND;

export function slotsCreate(map: usize): i32 {
	const bytes = <u64>load<u32>(map, MAX_ENTRIES) << 2;
	if (bytes > 0x80000000) return ENOMEM;
	const words = allocControl(<usize>bytes);
	if (isError(words)) return ENOMEM;
	store<u32>(map, <u32>words, WORDS);
	return 0;
}

/** The word of a slot, 0 where it is empty or out of range. */
export function slotLoad(map: usize, index: u32): u32 {
	if (index >= load<u32>(map, MAX_ENTRIES)) return 0;
	return atomic.load<u32>(atomic.load<u32>(map, WORDS) + (index << 2));
}

/** Puts a word into a slot below max_entries; the word before. */
export function slotExchange(map: usize, index: u32, word: u32): u32 {
	return atomic.xchg<u32>(atomic.load<u32>(map, WORDS) + (index << 2), word);
}

/** Makes `words` the array's words, all at once; the words before. */
export function slotsSwap(map: usize, words: usize): usize {
	return atomic.xchg<u32>(map, <u32>words, WORDS);
}
