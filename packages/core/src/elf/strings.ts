/** More than any compiler writes; a table without NULs must not turn n names into n copies of itself. */
const MAX_NAME = 0xffff;

/**
 * A string table: NUL-terminated UTF-8 at byte offsets (ELF's SHT_STRTAB, BTF's string section).
 *
 * `at` answers undefined for an offset outside, or without a NUL in reach, and never does more work than the
 * length of the answer: an ASCII table (nearly all of them) is decoded once, its names are slices of that string.
 */
export class StringTable {
	readonly bytes: Uint8Array;
	readonly #ascii: string | undefined;
	/** Decoded bytes that a table with other characters may still cost: overlapping names are not free there. */
	#budget: number;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
		this.#ascii = isAscii(bytes) ? new TextDecoder().decode(bytes) : undefined;
		this.#budget = bytes.length * 8 + 0x10_0000;
	}

	at(offset: number): string | undefined {
		if (offset >= this.bytes.length) return undefined;
		if (this.#ascii !== undefined) {
			const end = this.#ascii.indexOf("\0", offset);
			return end < 0 || end - offset > MAX_NAME ? undefined : this.#ascii.slice(offset, end);
		}
		const end = this.bytes.indexOf(0, offset);
		if (end < 0 || end - offset > MAX_NAME) return undefined;
		this.#budget -= end - offset;
		return this.#budget < 0 ? undefined : new TextDecoder().decode(this.bytes.subarray(offset, end));
	}
}

function isAscii(bytes: Uint8Array): boolean {
	for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return false;
	return true;
}

/** Collects strings for a table that a `StringTable` reads: each once, in the order of first use, "" at 0. */
export class StringTableBuilder {
	readonly #offsets = new Map<string, number>([["", 0]]);
	readonly #chunks: Uint8Array[] = [new Uint8Array(1)];
	#size = 1;

	/** Offset of `text`, which has no NUL. */
	add(text: string): number {
		const known = this.#offsets.get(text);
		if (known !== undefined) return known;
		const bytes = new TextEncoder().encode(`${text}\0`);
		const offset = this.#size;
		this.#offsets.set(text, offset);
		this.#chunks.push(bytes);
		this.#size += bytes.length;
		return offset;
	}

	/** Offset of a text that was added. */
	find(text: string): number | undefined {
		return this.#offsets.get(text);
	}

	get size(): number {
		return this.#size;
	}

	finish(): Uint8Array {
		const out = new Uint8Array(this.#size);
		let at = 0;
		for (const chunk of this.#chunks) {
			out.set(chunk, at);
			at += chunk.length;
		}
		return out;
	}
}
