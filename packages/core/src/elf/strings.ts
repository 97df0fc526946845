/** More than any compiler writes: what handles names need not cope with longer ones. */
const MAX_NAME = 0xffff;

/** Bytes that are searched for a NUL before the index of NULs is asked. */
const BLOCK = 64;

/**
 * A string table: NUL-terminated UTF-8 at byte offsets (ELF's SHT_STRTAB, BTF's string section).
 *
 * `at` answers undefined for an offset outside, or without a NUL in reach. Names that overlap cost nothing extra:
 * a table without NULs is not searched again for each of n names, and an ASCII table (nearly all of them) is decoded
 * once, its names are slices of that string.
 */
export class StringTable {
	readonly bytes: Uint8Array;
	/** By block: the first NUL at or behind its start; the table's length where there is none. */
	readonly #ends: Uint32Array;
	readonly #ascii: string | undefined;
	/** Names of a table with other characters, by offset. */
	readonly #decoded = new Map<number, string>();
	/** Bytes that may still be decoded for them. */
	#budget: number;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
		this.#ends = new Uint32Array(Math.ceil(bytes.length / BLOCK) + 1).fill(bytes.length);
		let isAscii = true;
		let end = bytes.length;
		for (let i = bytes.length - 1; i >= 0; i--) {
			if (bytes[i] === 0) end = i;
			else if (bytes[i]! > 0x7f) isAscii = false;
			if (i % BLOCK === 0) this.#ends[i / BLOCK] = end;
		}
		this.#ascii = isAscii ? new TextDecoder().decode(bytes) : undefined;
		this.#budget = bytes.length * 2 + 0x1_0000;
	}

	at(offset: number): string | undefined {
		if (offset >= this.bytes.length) return undefined;
		const end = this.#endAfter(offset);
		if (end === this.bytes.length || end - offset > MAX_NAME) return undefined;
		if (this.#ascii !== undefined) return this.#ascii.slice(offset, end);
		const known = this.#decoded.get(offset);
		if (known !== undefined) return known;
		this.#budget -= end - offset;
		if (this.#budget < 0) return undefined;
		const text = new TextDecoder().decode(this.bytes.subarray(offset, end));
		this.#decoded.set(offset, text);
		return text;
	}

	/** The first NUL at or behind `offset`; the table's length where there is none. */
	#endAfter(offset: number): number {
		const block = Math.floor(offset / BLOCK) + 1;
		const stop = Math.min(block * BLOCK, this.bytes.length);
		for (let i = offset; i < stop; i++) if (this.bytes[i] === 0) return i;
		return this.#ends[block]!;
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
