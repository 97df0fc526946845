// words.ts for plain TypeScript: memory is a DataView, 64-bit values are BigInts, 32-bit ones numbers.

type Int = bigint | number;

const casts = {
	u64: (value: Int): bigint => BigInt.asUintN(64, BigInt(value)),
	i64: (value: Int): bigint => BigInt.asIntN(64, BigInt(value)),
	u32: (value: Int): number => Number(BigInt.asUintN(32, BigInt(value))),
	i32: (value: Int): number => Number(BigInt.asIntN(32, BigInt(value))),
	i16: (value: Int): number => Number(BigInt.asIntN(16, BigInt(value))),
	i8: (value: Int): number => Number(BigInt.asIntN(8, BigInt(value))),
};
// AssemblyScript's casts are global functions
Object.assign(globalThis, casts);

const memory = new DataView(new ArrayBuffer(1 << 16));

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
	for (let i = 0n; i < 64n; i += 8n) swapped = (swapped << 8n) | ((value >> i) & 0xffn);
	return swapped;
}
export const bytes = new Uint8Array(memory.buffer);
