// Bob Jenkins' lookup3 (public domain) with the kernel's initial value: what its jhash() computes, and jhash2()
// too where the length is a multiple of four. With seed 0 (BPF_F_ZERO_SEED) buckets are the kernel's.

@inline const INITVAL: u32 = 0xdeadbeef;

export function jhash(key: usize, length: usize, seed: u32): u32 {
	let a: u32 = INITVAL + <u32>length + seed;
	let b = a;
	let c = a;
	while (length > 12) {
		a += load<u32>(key);
		b += load<u32>(key, 4);
		c += load<u32>(key, 8);
		a = (a - c) ^ rotl<u32>(c, 4); c += b;
		b = (b - a) ^ rotl<u32>(a, 6); a += c;
		c = (c - b) ^ rotl<u32>(b, 8); b += a;
		a = (a - c) ^ rotl<u32>(c, 16); c += b;
		b = (b - a) ^ rotl<u32>(a, 19); a += c;
		c = (c - b) ^ rotl<u32>(b, 4); b += a;
		length -= 12;
		key += 12;
	}
	if (length == 0) return c;
	if (length >= 8) {
		a += load<u32>(key);
		b += load<u32>(key, 4);
		c += tail(key + 8, length - 8);
	} else if (length >= 4) {
		a += load<u32>(key);
		b += tail(key + 4, length - 4);
	} else {
		a += tail(key, length);
	}
	c = (c ^ b) - rotl<u32>(b, 14);
	a = (a ^ c) - rotl<u32>(c, 11);
	b = (b ^ a) - rotl<u32>(a, 25);
	c = (c ^ b) - rotl<u32>(b, 16);
	a = (a ^ c) - rotl<u32>(c, 4);
	b = (b ^ a) - rotl<u32>(a, 14);
	return (c ^ b) - rotl<u32>(b, 24);
}

/** 0 to 4 bytes, little-endian. */
@inline function tail(key: usize, length: usize): u32 {
	if (length == 4) return load<u32>(key);
	let word: u32 = 0;
	if (length & 2) word = load<u16>(key);
	if (length & 1) word |= (<u32>load<u8>(key + (length & 2))) << ((<u32>length & 2) << 3);
	return word;
}
