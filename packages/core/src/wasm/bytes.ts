/** A growing run of bytes, with WebAssembly's integer encodings (core specification, section 5.2). */
export class Bytes {
	#data: Uint8Array;
	#length = 0;

	constructor(capacity = 256) {
		this.#data = new Uint8Array(capacity);
	}

	get length(): number {
		return this.#length;
	}

	/** A view; it is overwritten by the next write. */
	get view(): Uint8Array {
		return this.#data.subarray(0, this.#length);
	}

	#room(count: number): void {
		if (this.#length + count <= this.#data.length) return;
		const wider = new Uint8Array(Math.max(this.#data.length * 2, this.#length + count));
		wider.set(this.#data.subarray(0, this.#length));
		this.#data = wider;
	}

	byte(value: number): void {
		if (this.#length === this.#data.length) this.#room(1);
		this.#data[this.#length++] = value;
	}

	append(bytes: Uint8Array): void {
		this.#room(bytes.length);
		this.#data.set(bytes, this.#length);
		this.#length += bytes.length;
	}

	/** Unsigned LEB128 of a u32. */
	u32(value: number): void {
		let rest = value >>> 0;
		while (rest > 0x7f) {
			this.byte((rest & 0x7f) | 0x80);
			rest >>>= 7;
		}
		this.byte(rest);
	}

	/** Unsigned LEB128 in five bytes whatever the value: `patch` can change it. */
	padded(value: number): void {
		for (let i = 0; i < 4; i++) this.byte(((value >>> (7 * i)) & 0x7f) | 0x80);
		this.byte(value >>> 28);
	}

	/** Writes a padded value over the one at `at`. */
	patch(at: number, value: number): void {
		for (let i = 0; i < 4; i++) this.#data[at + i] = ((value >>> (7 * i)) & 0x7f) | 0x80;
		this.#data[at + 4] = value >>> 28;
	}

	/** Signed LEB128 of an i32. */
	s32(value: number): void {
		let rest = value | 0;
		for (;;) {
			const low = rest & 0x7f;
			rest >>= 7;
			if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
				this.byte(low);
				return;
			}
			this.byte(low | 0x80);
		}
	}

	/** Signed LEB128 of the i64 with these halves. */
	s64(low: number, high: number): void {
		if (high === low >> 31) {
			this.s32(low);
			return;
		}
		let lo = low | 0;
		let hi = high | 0;
		for (;;) {
			const bits = lo & 0x7f;
			lo = (lo >>> 7) | (hi << 25);
			hi >>= 7;
			if ((lo === 0 && hi === 0 && (bits & 0x40) === 0) || (lo === -1 && hi === -1 && (bits & 0x40) !== 0)) {
				this.byte(bits);
				return;
			}
			this.byte(bits | 0x80);
		}
	}

	name(text: string): void {
		const bytes = new TextEncoder().encode(text);
		this.u32(bytes.length);
		this.append(bytes);
	}
}
