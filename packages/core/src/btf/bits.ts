/** Little-endian integers of any width at any bit offset: BTF's ints, enums and bit fields. */

/** `width` bits at bit offset `at`, unsigned. */
export function readBits(bytes: Uint8Array, at: number, width: number): bigint {
	const first = Math.floor(at / 8);
	const last = Math.ceil((at + width) / 8);
	let value = 0n;
	for (let i = last - 1; i >= first; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
	return BigInt.asUintN(width, value >> BigInt(at % 8));
}

/** Stores the low `width` bits of `value`; the bits around stay. */
export function writeBits(bytes: Uint8Array, at: number, width: number, value: bigint): void {
	const first = Math.floor(at / 8);
	const last = Math.ceil((at + width) / 8);
	const shift = BigInt(at % 8);
	const mask = ((1n << BigInt(width)) - 1n) << shift;
	let bits = (BigInt.asUintN(width, value) << shift) & mask;
	let keep = ~mask;
	for (let i = first; i < last; i++) {
		bytes[i] = (bytes[i]! & Number(keep & 0xffn)) | Number(bits & 0xffn);
		bits >>= 8n;
		keep >>= 8n;
	}
}
