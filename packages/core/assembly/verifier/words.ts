// Memory and the few operations that AssemblyScript and plain TypeScript do not spell alike. `words.twin.ts` is the
// same over a DataView with BigInts: the files that import this one also run as TypeScript, as the oracle of the
// binary. So that they do:
//   - every arithmetic result is cast to its type, u64(a + b); casts are no-ops here and wrap there;
//   - 64-bit values meet only 64-bit values in arithmetic (u64(1), not 1); comparisons may have a plain number;
//   - unsigned 32-bit words shift right with >>>, everything else with >>.

export function loadU64(at: usize): u64 { return load<u64>(at); }
export function loadI64(at: usize): i64 { return load<i64>(at); }
export function loadU32(at: usize): u32 { return load<u32>(at); }
export function loadI32(at: usize): i32 { return load<i32>(at); }
export function loadU8(at: usize): u32 { return load<u8>(at); }
export function storeU64(at: usize, value: u64): void { store<u64>(at, value); }
export function storeI64(at: usize, value: i64): void { store<i64>(at, value); }
export function storeU32(at: usize, value: u32): void { store<u32>(at, value); }
export function storeI32(at: usize, value: i32): void { store<i32>(at, value); }

export function bswap64(value: u64): u64 { return bswap<u64>(value); }

/** Bits up to the highest one that is set. */
export function fls64(value: u64): u64 { return 64 - clz<u64>(value); }
