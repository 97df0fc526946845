import { type Errno, Rejection } from "../reject.ts";

/** Bits of bpf_attr.log_level. */
export const LOG_LEVEL = { WALK: 1, STATES: 2, STATS: 4 } as const;

/**
 * The verifier's log. Messages are always kept, for the last line; the walk is written at levels 1 and 2 only.
 * Level 1 forgets a path when it has been found safe, as the kernel does.
 */
export class Log {
	readonly level: number;
	/** In pieces as they were written: cutting the last characters off must not cost the whole text (#length is theirs). */
	#pieces: string[] = [];
	#length = 0;

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
		return this.#length;
	}

	get text(): string {
		if (this.#pieces.length > 1) this.#pieces = [this.#pieces.join("")];
		return this.#pieces[0] ?? "";
	}

	write(text: string): void {
		this.#pieces.push(text);
		this.#length += text.length;
	}

	/** Forgets what was written behind `position`. */
	reset(position: number): void {
		while (this.#length > position) {
			const last = this.#pieces.pop()!;
			this.#length -= last.length;
			if (this.#length < position) this.write(last.slice(0, position - this.#length));
		}
	}

	/** Writes why, and ends the verification. */
	reject(errno: Errno, message: string): never {
		if (message !== "") this.write(`${message}\n`);
		throw new Rejection(errno);
	}
}
