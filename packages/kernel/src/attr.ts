/**
 * Structures of linux/bpf.h as tables: the fields in the header's order, each "u32", "u64", or a number of bytes
 * (a char array). Offsets follow from C's alignment rules, so that a table reads like the header it comes from;
 * attr.test.ts compares them with what a C compiler says.
 */
export type FieldKind = "u8" | "u32" | "u64" | number;

export interface Struct<Name extends string> {
	readonly offsets: Readonly<Record<Name, number>>;
	readonly kinds: Readonly<Record<Name, FieldKind>>;
	/** End of the last field: what `size` of bpf(2) covers. */
	readonly size: number;
}

export function struct<Name extends string>(fields: Readonly<Record<Name, FieldKind>>): Struct<Name> {
	const offsets = {} as Record<Name, number>;
	let size = 0;
	for (const name in fields) {
		const kind = fields[name];
		const width = kind === "u64" ? 8 : kind === "u32" ? 4 : 1;
		size = Math.ceil(size / width) * width;
		offsets[name] = size;
		size += typeof kind === "number" ? kind : width;
	}
	return { offsets, kinds: fields, size };
}

/** What a field may be given: a u64 that is a pointer takes the bytes themselves; a char array takes text. */
export type FieldValue = number | bigint | string | Uint8Array | undefined;

/** One structure in memory. Bytes that it points at live as long as it does. */
export class Attr<Name extends string> {
	readonly bytes: Uint8Array;
	readonly #struct: Struct<Name>;
	readonly #view: DataView;
	readonly #kept: Uint8Array[] = [];

	constructor(
		of: Struct<Name>,
		values: Partial<Record<Name, FieldValue>>,
		address: (bytes: Uint8Array) => bigint,
	) {
		this.#struct = of;
		this.bytes = new Uint8Array(Math.ceil(of.size / 8) * 8);
		this.#view = new DataView(this.bytes.buffer);
		for (const name in values) {
			const value = values[name];
			if (value === undefined) continue;
			const offset = of.offsets[name];
			const kind = of.kinds[name];
			if (typeof kind === "number") {
				// a C string: cut so that its NUL stays
				this.bytes.set(new TextEncoder().encode(String(value)).subarray(0, kind - 1), offset);
			} else if (value instanceof Uint8Array) {
				if (value.length === 0) continue;
				this.#kept.push(value);
				this.#view.setBigUint64(offset, address(value), true);
			} else if (kind === "u64") {
				this.#view.setBigUint64(offset, BigInt(value), true);
			} else {
				this.#view.setUint32(offset, Number(value), true);
			}
		}
	}

	/** Bytes to pass to bpf(2). */
	get size(): number {
		return this.#struct.size;
	}

	u32(name: Name): number {
		return this.#view.getUint32(this.#struct.offsets[name], true);
	}

	u64(name: Name): bigint {
		return this.#view.getBigUint64(this.#struct.offsets[name], true);
	}

	text(name: Name): string {
		const offset = this.#struct.offsets[name];
		const kind = this.#struct.kinds[name];
		return cString(this.bytes.subarray(offset, offset + (typeof kind === "number" ? kind : 0)));
	}
}

/** Text up to the first NUL. */
export function cString(bytes: Uint8Array): string {
	const end = bytes.indexOf(0);
	return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
