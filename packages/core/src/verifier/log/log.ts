import { type Errno, Rejection } from "../reject.ts";

/** Bits of bpf_attr.log_level. */
export const LOG_LEVEL = { WALK: 1, STATES: 2, STATS: 4 } as const;

/** Characters from which on a piece of the log is closed. */
const PIECE = 4096;

/**
 * The verifier's log. Messages are always kept, for the last line; the walk is written at levels 1 and 2 only.
 * Level 1 forgets a path when it has been found safe, as the kernel does.
 */
export class Log {
	readonly level: number;
	/** The text in pieces, so that taking back the end of a long log doesn't copy all of it. */
	readonly #pieces: string[] = [];
	#closed = 0;
	#tail = "";

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
		return this.#closed + this.#tail.length;
	}

	get text(): string {
		return this.#pieces.join("") + this.#tail;
	}

	write(text: string): void {
		this.#tail += text;
		if (this.#tail.length < PIECE) return;
		this.#pieces.push(this.#tail);
		this.#closed += this.#tail.length;
		this.#tail = "";
	}

	reset(position: number): void {
		while (position < this.#closed) {
			this.#tail = this.#pieces.pop()!;
			this.#closed -= this.#tail.length;
		}
		this.#tail = this.#tail.slice(0, position - this.#closed);
	}

	/** Writes why, and ends the verification. */
	reject(errno: Errno, message: string): never {
		if (message !== "") this.write(`${message}\n`);
		throw new Rejection(errno);
	}
}
