// Copies and compares of keys and values. A bulk instruction costs a call out of compiled code; below 128 bytes
// a loop over words is faster, and the sizes that most keys and values have need neither a loop nor a call.

@inline export function align8(n: usize): usize {
	return (n + 7) & ~7;
}

@inline export function copyBytes(to: usize, from: usize, length: usize): void {
	if (length == 8) {
		store<u64>(to, load<u64>(from));
	} else if (length == 16) {
		store<u64>(to, load<u64>(from));
		store<u64>(to, load<u64>(from, 8), 8);
	} else if (length == 4) {
		store<u32>(to, load<u32>(from));
	} else {
		copyAny(to, from, length);
	}
}

function copyAny(to: usize, from: usize, length: usize): void {
	if (length > 128) {
		memory.copy(to, from, length);
		return;
	}
	while (length >= 8) {
		store<u64>(to, load<u64>(from));
		to += 8;
		from += 8;
		length -= 8;
	}
	if (length & 4) {
		store<u32>(to, load<u32>(from));
		to += 4;
		from += 4;
	}
	if (length & 2) {
		store<u16>(to, load<u16>(from));
		to += 2;
		from += 2;
	}
	if (length & 1) store<u8>(to, load<u8>(from));
}

@inline export function equalBytes(a: usize, b: usize, length: usize): bool {
	if (length == 8) return load<u64>(a) == load<u64>(b);
	if (length == 16) return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a, 8) ^ load<u64>(b, 8))) == 0;
	if (length == 4) return load<u32>(a) == load<u32>(b);
	return equalAny(a, b, length);
}

function equalAny(a: usize, b: usize, length: usize): bool {
	while (length >= 8) {
		if (load<u64>(a) != load<u64>(b)) return false;
		a += 8;
		b += 8;
		length -= 8;
	}
	if (length & 4) {
		if (load<u32>(a) != load<u32>(b)) return false;
		a += 4;
		b += 4;
	}
	if (length & 2) {
		if (load<u16>(a) != load<u16>(b)) return false;
		a += 2;
		b += 2;
	}
	return !(length & 1) || load<u8>(a) == load<u8>(b);
}
