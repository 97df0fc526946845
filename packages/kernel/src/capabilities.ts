import type { Native } from "./native.ts";
import { rejected } from "./rejected.ts";

/** Bits of capability sets that bpf(2) asks for (linux/capability.h). */
const BITS = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
export type Capability = keyof typeof BITS;

/** _LINUX_CAPABILITY_VERSION_3: effective, permitted, inheritable; low words, then high words. */
const HEADER = Uint32Array.of(0x2008_0522, 0);
const WORDS = 6;
const EFFECTIVE = [0, 3] as const;

/**
 * The capabilities in effect for the calling thread. koffi calls bpf(2) on it, so what is limited here is what the
 * kernel sees; what was in effect stays permitted, and can be taken back.
 */
export class ThreadCapabilities {
	readonly #native: Native;

	constructor(native: Native) {
		this.#native = native;
	}

	has(capability: Capability): boolean {
		const bit = BITS[capability];
		return (this.#read()[EFFECTIVE[bit < 32 ? 0 : 1]]! & (1 << (bit % 32))) !== 0;
	}

	/** Only these are in effect until what comes back is called. Throws "kernel/rejected". */
	limit(kept: readonly Capability[]): () => void {
		const before = this.#read();
		const limited = before.slice();
		for (const word of EFFECTIVE) limited[word] = 0;
		for (const capability of kept) {
			const bit = BITS[capability];
			const word = EFFECTIVE[bit < 32 ? 0 : 1];
			limited[word] = limited[word]! | (1 << (bit % 32));
		}
		this.#write(limited);
		return () => this.#write(before);
	}

	/** `action` with only these in effect. It must not wait for anything: the thread does other things meanwhile. */
	only<Result>(kept: readonly Capability[], action: () => Result): Result {
		const restore = this.limit(kept);
		try {
			return action();
		} finally {
			restore();
		}
	}

	#read(): Uint32Array {
		const sets = new Uint32Array(WORDS);
		this.#check("capget(2)", this.#native.getCapabilities(HEADER.slice(), sets));
		return sets;
	}

	#write(sets: Uint32Array): void {
		this.#check("capset(2)", this.#native.setCapabilities(HEADER.slice(), sets));
	}

	#check(call: string, result: number): void {
		if (result < 0) throw rejected(call, -result);
	}
}
