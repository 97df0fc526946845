import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { BaseMap } from "./base.ts";
import { EINVAL, ENOENT, ENOMEM, EOPNOTSUPP } from "./errno.ts";
import { ACCESS } from "./flags.ts";
import type { MapKind } from "./kind.ts";
import { BLOOM, HEADER_SIZE } from "./layout.ts";

/** The hash functions: map_extra, or 5. */
const hashes = ({ mapExtra }: LinkedMap) => Number(mapExtra) || 5;

/** Bits, a power of two: entries * hashes / ln 2, and 2^32 once a u32 does not hold that (bloom_map_alloc). */
function bitsOf(def: LinkedMap): number {
	const products = def.maxEntries * hashes(def);
	const bits = Math.floor(products / 5) * 7;
	if (products >= 2 ** 32 || bits > 2 ** 31) return 2 ** 32;
	return Math.max(64, 2 ** Math.ceil(Math.log2(bits || 1)));
}

/**
 * bloom_filter (kernel/bpf/bloom_filter.c), with the kernel's hashes: under BPF_F_ZERO_SEED even the false positives
 * are Linux's. It has values only; bpf(2)'s lookup asks about the value in its buffer: `hostContains`.
 */
class BloomFilter extends BaseMap {
	push(valuePtr: number, flags: number): number {
		if (flags !== 0) return EINVAL;
		for (const [at, bit] of this.#bits(valuePtr)) this.runtime.memory.u8[at]! |= bit;
		return 0;
	}

	peek(valuePtr: number): number {
		for (const [at, bit] of this.#bits(valuePtr))
			if ((this.runtime.memory.u8[at]! & bit) === 0) return ENOENT;
		return 0;
	}

	hostContains(value: Uint8Array): boolean {
		return this.withBytes(value, null, (at) => this.peek(at)) === 0;
	}

	*#bits(valuePtr: number): Iterable<readonly [address: number, bit: number]> {
		const { memory } = this.runtime;
		const { valueSize } = this.def;
		const word = (offset: number) => memory.u32(this.address + offset);
		const [data, mask, seed] = [word(BLOOM.DATA), word(BLOOM.MASK), word(BLOOM.SEED)];
		for (let i = 0; i < hashes(this.def); i++) {
			const bit = (this.code.jhash(valuePtr, valueSize, (seed + i) | 0) & mask) >>> 0;
			yield [data + (bit >>> 3), 1 << (bit & 7)];
		}
	}

	/** What bpf(2) answers about a buffer of zeros. */
	protected override getFromHost(_key: number, room: number): number {
		return this.peek(room) || room;
	}

	protected override putFromHost(_key: number, value: number, flags: number): number {
		return this.push(value, flags);
	}

	protected override deleteFromHost(): number {
		return EOPNOTSUPP;
	}

	protected override nextFromHost(): number {
		return EOPNOTSUPP;
	}
}

export const bloomFilter: MapKind = {
	type: 30,
	name: "bloom_filter",
	flags: ACCESS | MAP_FLAG.NUMA_NODE | MAP_FLAG.ZERO_SEED,
	mapExtra: 15n,
	check: ({ keySize, valueSize, maxEntries }) =>
		keySize !== 0 || valueSize === 0 || maxEntries === 0 ? EINVAL : 0,
	controlNeed: (def) => HEADER_SIZE + bitsOf(def) / 8,
	setup({ runtime, address, def, seed }) {
		const bits = bitsOf(def);
		const data = runtime.code.allocControl(bits / 8);
		if (data === ENOMEM) return ENOMEM;
		runtime.memory.setU32(address + BLOOM.DATA, data);
		runtime.memory.setU32(address + BLOOM.MASK, bits - 1);
		runtime.memory.setU32(address + BLOOM.SEED, seed);
		return 0;
	},
	open: (context) => new BloomFilter(context),
};
