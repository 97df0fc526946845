import { type Errno, Rejection } from "../reject.ts";

/** Bits of bpf_attr.log_level. */
export const LOG_LEVEL = { WALK: 1, STATES: 2, STATS: 4 } as const;

/**
 * The verifier's log. Messages are always kept, for the last line; the walk is written at levels 1 and 2 only.
 * Level 1 forgets a path when it has been found safe, as the kernel does.
 */
export class Log {
	readonly level: number;
	#text = "";
	/** Bytes written, as the kernel counts them: not undone by `reset`. */

	constructor(level: number) {
		this.level = level;
	}

	/** Levels 1 and 2: instructions are printed. */
	get walks(): boolean {
		return (this.level & (LOG_LEVEL.WALK | LOG_LEVEL.STATES)) !== 0;
	}

	/** Level 2: states are printed, and nothing is forgotten. */
	get states(): boolean {
		return (this.level & LOG_LEVEL.STATES) !== 0;
	}

	get position(): number {
		return this.#text.length;
	}

	get text(): string {
		return this.#text;
	}

	write(text: string): void {
		this.#text += text;
	}

	reset(position: number): void {
		if (position < this.#text.length) this.#text = this.#text.slice(0, position);
	}

	/** Writes why, and ends the verification. */
	reject(errno: Errno, message: string): never {
		if (message !== "") this.write(`${message}\n`);
		throw new Rejection(errno);
	}
}
