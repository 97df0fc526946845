// A lock is a word: 0 free, 1 taken. Several instances (one per worker) run over one memory, so every change of
// shared structure happens under one of these. Spinning, not waiting: a browser's main thread may not wait, and a
// critical section is tens of nanoseconds. Order: LRU lock → bucket lock → spare's lock → map lock → allocator lock.
//
// A memory that is not shared has one thread, and no use for locks and barriers: they are a tenth of an update.

import { SHARED } from "./layout";

@inline function shared(): bool {
	return load<u32>(SHARED) != 0;
}

@inline export function acquire(word: usize): void {
	if (shared()) while (atomic.cmpxchg<u32>(word, 0, 1) != 0) {}
}

@inline export function release(word: usize): void {
	if (shared()) atomic.store<u32>(word, 0);
}

/** Lets readers without a lock see what `value` leads to. */
@inline export function publish<T extends number>(at: usize, value: T): void {
	if (shared()) atomic.store<T>(at, value);
	else store<T>(at, value);
}

/** Adds to a word that is under no lock. */
@inline export function count(word: usize, by: i32): void {
	if (shared()) atomic.add<i32>(word, by);
	else store<i32>(word, load<i32>(word) + by);
}
