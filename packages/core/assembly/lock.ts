// A lock is a word: 0 free, 1 taken. Several instances (one per worker) run over one memory, so every change of
// shared structure happens under one of these. Spinning, not waiting: a browser's main thread may not wait, and a
// critical section is tens of nanoseconds. Order: LRU lock → bucket lock → map lock → allocator lock.

@inline export function acquire(word: usize): void {
	while (atomic.cmpxchg<u32>(word, 0, 1) != 0) {}
}

@inline export function release(word: usize): void {
	atomic.store<u32>(word, 0);
}
