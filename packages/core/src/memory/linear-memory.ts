/**
 * A Machine's WebAssembly.Memory and the views on it.
 *
 * Growing an unshared memory detaches every view, also when Wasm grows it in the middle of a run. So nobody keeps
 * a view across a call that may grow: ask here again. The check is one compare of identities.
 */
export class LinearMemory {
	readonly memory: WebAssembly.Memory;
	readonly shared: boolean;
	#buffer: ArrayBufferLike;
	#u8!: Uint8Array;
	#i32!: Int32Array;
	#view!: DataView;

	constructor(memory: WebAssembly.Memory) {
		this.memory = memory;
		this.#buffer = memory.buffer;
		this.shared = typeof SharedArrayBuffer !== "undefined" && this.#buffer instanceof SharedArrayBuffer;
		this.#refresh();
	}

	#refresh(): void {
		this.#buffer = this.memory.buffer;
		this.#u8 = new Uint8Array(this.#buffer);
		this.#i32 = new Int32Array(this.#buffer);
		this.#view = new DataView(this.#buffer);
	}

	get u8(): Uint8Array {
		if (this.memory.buffer !== this.#buffer) this.#refresh();
		return this.#u8;
	}

	get i32(): Int32Array {
		if (this.memory.buffer !== this.#buffer) this.#refresh();
		return this.#i32;
	}

	get view(): DataView {
		if (this.memory.buffer !== this.#buffer) this.#refresh();
		return this.#view;
	}

	/** A copy of `length` bytes at `address`. */
	read(address: number, length: number): Uint8Array {
		return this.u8.slice(address, address + length);
	}

	write(address: number, bytes: Uint8Array): void {
		this.u8.set(bytes, address);
	}

	u32(address: number): number {
		return this.view.getUint32(address, true);
	}

	setU32(address: number, value: number): void {
		this.view.setUint32(address, value, true);
	}

	u64(address: number): bigint {
		return this.view.getBigUint64(address, true);
	}

	setU64(address: number, value: bigint): void {
		this.view.setBigUint64(address, value, true);
	}
}
