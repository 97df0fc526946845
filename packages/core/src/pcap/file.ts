import { TailhopError } from "../errors/index.ts";

/** A capture's bytes with their byte order: every read is checked, and tells where it failed. */
export class CaptureFile {
	readonly bytes: Uint8Array;
	readonly #view: DataView;
	readonly littleEndian: boolean;

	constructor(bytes: Uint8Array, littleEndian: boolean) {
		this.bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.littleEndian = littleEndian;
	}

	u16(offset: number): number {
		this.need(offset, 2);
		return this.#view.getUint16(offset, this.littleEndian);
	}

	u32(offset: number): number {
		this.need(offset, 4);
		return this.#view.getUint32(offset, this.littleEndian);
	}

	i64(offset: number): bigint {
		this.need(offset, 8);
		return this.#view.getBigInt64(offset, this.littleEndian);
	}

	/** A view of `length` bytes. */
	slice(offset: number, length: number): Uint8Array {
		this.need(offset, length);
		return this.bytes.subarray(offset, offset + length);
	}

	need(offset: number, length: number): void {
		if (offset + length > this.bytes.length) {
			invalid(
				`the file ends at byte ${this.bytes.length}, inside something of ${length} bytes`,
				offset,
				"The file was cut; what stands before is intact.",
			);
		}
	}
}

export function invalid(message: string, offset: number, hint?: string): never {
	throw new TailhopError("pcap/invalid", message, { offset }, hint === undefined ? {} : { hint });
}
