/** Deterministic random numbers (mulberry32): the same stream for the same seed and case, on every machine. */
export class Random {
	#state: number;

	constructor(seed: number, stream: number) {
		this.#state = (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(stream + 1, 0x85eb_ca6b)) >>> 0;
		this.below(2);
	}

	/** 0 … n - 1. */
	below(n: number): number {
		this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
	}

	pick<T>(list: readonly T[]): T {
		return list[this.below(list.length)]!;
	}
}
