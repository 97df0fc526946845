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

	/** from … to, both included. */
	between(from: number, to: number): number {
		return from + this.below(to - from + 1);
	}

	/** True in `percent` of 100 cases. */
	chance(percent: number): boolean {
		return this.below(100) < percent;
	}

	/** One of the alternatives, each as likely as its weight says. */
	weighted<T>(alternatives: readonly (readonly [weight: number, value: T])[]): T {
		let at = this.below(alternatives.reduce((sum, [weight]) => sum + weight, 0));
		for (const [weight, value] of alternatives) {
			if (at < weight) return value;
			at -= weight;
		}
		throw new Error("no alternative");
	}

	u32(): number {
		return this.below(0x1_0000) * 0x1_0000 + this.below(0x1_0000);
	}

	bytes(length: number): Uint8Array {
		return Uint8Array.from({ length }, () => this.below(256));
	}
}
