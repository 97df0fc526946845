/**
 * `words.ts` of packages/core/assembly/verifier for plain TypeScript: memory is a DataView, 64-bit values are
 * BigInts, 32-bit ones numbers. With it in the other's place the scalar code runs as it stands, without WebAssembly.
 */

type Int = bigint | number;

const casts = {
	u64: (value: Int): bigint => BigInt.asUintN(64, BigInt(value)),
	i64: (value: Int): bigint => BigInt.asIntN(64, BigInt(value)),
	u32: (value: Int): number => Number(BigInt.asUintN(32, BigInt(value))),
	i32: (value: Int): number => Number(BigInt.asIntN(32, BigInt(value))),
	i16: (value: Int): number => Number(BigInt.asIntN(16, BigInt(value))),
	i8: (value: Int): number => Number(BigInt.asIntN(8, BigInt(value))),
	usize: (value: number): number => value,
};
// in AssemblyScript casts are global functions
Object.assign(globalThis, casts);

const memory = new DataView(new ArrayBuffer(1 << 14));

/** The twin's memory. */
export const bytes = new Uint8Array(memory.buffer);

export const loadU64 = (at: number): bigint => memory.getBigUint64(at, true);
export const loadI64 = (at: number): bigint => memory.getBigInt64(at, true);
export const loadU32 = (at: number): number => memory.getUint32(at, true);
export const loadI32 = (at: number): number => memory.getInt32(at, true);
export const loadU8 = (at: number): number => memory.getUint8(at);
export const storeU64 = (at: number, value: Int): void => memory.setBigUint64(at, casts.u64(value), true);
export const storeI64 = (at: number, value: Int): void => memory.setBigInt64(at, casts.i64(value), true);
export const storeU32 = (at: number, value: number): void => memory.setUint32(at, value, true);
export const storeI32 = (at: number, value: number): void => memory.setInt32(at, value, true);

export const fls64 = (value: bigint): bigint => (value === 0n ? 0n : BigInt(value.toString(2).length));

export function bswap64(value: bigint): bigint {
	let swapped = 0n;
	for (let shift = 0n; shift < 64n; shift += 8n) swapped = (swapped << 8n) | ((value >> shift) & 0xffn);
	return swapped;
}
