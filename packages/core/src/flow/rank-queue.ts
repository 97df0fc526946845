/** A binary heap of the numbers 0 to `count - 1`, each at most once; the least comes first. */
export class RankQueue {
	readonly #heap: number[] = [];
	readonly #present: Uint8Array;

	constructor(count: number) {
		this.#present = new Uint8Array(count);
	}

	add(rank: number): void {
		if (this.#present[rank]) return;
		this.#present[rank] = 1;
		const heap = this.#heap;
		let at = heap.length;
		heap.push(rank);
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (heap[parent]! <= rank) break;
			heap[at] = heap[parent]!;
			at = parent;
		}
		heap[at] = rank;
	}

	take(): number | undefined {
		const heap = this.#heap;
		const first = heap[0];
		const last = heap.pop();
		if (first === undefined || last === undefined) return undefined;
		this.#present[first] = 0;
		if (heap.length === 0) return first;
		let at = 0;
		for (;;) {
			let child = 2 * at + 1;
			if (child >= heap.length) break;
			if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
			if (heap[child]! >= last) break;
			heap[at] = heap[child]!;
			at = child;
		}
		heap[at] = last;
		return first;
	}
}
