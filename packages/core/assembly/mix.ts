// The hash of tables with a random seed. The kernel's order of keys is then a secret, and another one each time, so
// that any good hash will do; this one takes a quarter of jhash's instructions. Words of 8 bytes go in one after
// another: a multiplication carries each bit upwards, and the upper half comes down by exclusive or.

@inline const FACTOR: u64 = 0x9e3779b97f4a7c15;
@inline const LAST: u64 = 0xbf58476d1ce4e5b9;

/** The state after one more word; before the first it is the seed. */
@inline export function mix(state: u64, word: u64): u64 {
	const product = (state ^ word) * FACTOR;
	return product ^ (product >> 32);
}

/** The hash: the low bits choose the bucket. */
@inline export function mixed(state: u64): u32 {
	return <u32>((state * LAST) >> 32);
}

/** Of any number of bytes; zeros stand behind the last. */
export function mixBytes(key: usize, length: usize, seed: u32): u32 {
	let state: u64 = seed;
	while (length >= 8) {
		state = mix(state, load<u64>(key));
		key += 8;
		length -= 8;
	}
	if (length != 0) {
		let word: u64 = 0;
		for (let i: usize = 0; i < length; i++) word |= <u64>load<u8>(key + i) << (i << 3);
		state = mix(state, word);
	}
	return mixed(state);
}
