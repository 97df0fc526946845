/** More than any compiler writes: what handles names need not cope with longer ones. */
const MAX_NAME = 0xffff;

/**
 * A string table: NUL-terminated UTF-8 at byte offsets (ELF's SHT_STRTAB, BTF's string section).
 *
 * `at` answers undefined for an offset outside, or without a NUL in reach, and never does more work than the
 * length of the answer: an ASCII table (nearly all of them) is decoded once, its names are slices of that string.
 */
export class StringTable {
	readonly bytes: Uint8Array;
	/** Offsets of all NULs, ascending: a table without NULs must not be searched again for each of n names. */
	readonly #ends: Uint32Array;
	readonly #ascii: string | undefined;
	/** Decoded bytes that a table with other characters may still cost: overlapping names are not free there. */
	#budget: number;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
		const ends: number[] = [];
		let isAscii = true;
		for (let i = 0; i < bytes.length; i++) {
			if (bytes[i] === 0) ends.push(i);
			else if (bytes[i]! > 0x7f) isAscii = false;
		}
		this.#ends = Uint32Array.from(ends);
		this.#ascii = isAscii ? new TextDecoder().decode(bytes) : undefined;
		this.#budget = bytes.length * 8 + 0x10_0000;
	}

	at(offset: number): string | undefined {
		const end = this.#endAfter(offset);
		if (end === undefined || end - offset > MAX_NAME) return undefined;
		if (this.#ascii !== undefined) return this.#ascii.slice(offset, end);
		this.#budget -= end - offset;
		return this.#budget < 0 ? undefined : new TextDecoder().decode(this.bytes.subarray(offset, end));
	}

	/** The first NUL at or behind `offset`. */
	#endAfter(offset: number): number | undefined {
		let low = 0;
		let high = this.#ends.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#ends[middle]! < offset) low = middle + 1;
			else high = middle;
		}
		return this.#ends[low];
	}
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
