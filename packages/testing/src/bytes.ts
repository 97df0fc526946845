import type { Bytes } from "./types.ts";

/** Bytes as a test writes them; numbers take `size` bytes, little-endian, two's complement. */
export function bytes(value: Bytes, size: number): Uint8Array {
	if (value instanceof Uint8Array) return value;
	if (typeof value === "string") {
		const digits = value.replace(/\s+/g, "");
		if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new Error(`not hex bytes: ${value}`);
		return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
	}
	const result = new Uint8Array(size);
	let rest = BigInt.asUintN(size * 8, BigInt(value));
	for (let at = 0; at < size; at++, rest >>= 8n) result[at] = Number(rest & 0xffn);
	return result;
}

export function hex(data: Uint8Array): string {
	return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
