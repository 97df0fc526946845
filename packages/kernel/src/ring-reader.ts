import type { KernelMap } from "./map.ts";
import type { Mapping } from "./native.ts";
import { rejected } from "./rejected.ts";

const BUSY = 0x8000_0000;
const DISCARD = 0x4000_0000;
/** struct bpf_ringbuf_hdr: length with the two bits, and the page that it lies in. */
const HEADER = 8;

/**
 * The consumer of a ring buffer: its position's page mapped for writing, the producer's and the data (twice in a
 * row, so that no record wraps) for reading (kernel/bpf/ringbuf.c).
 */
export class RingReader {
	readonly map: KernelMap;
	readonly #consumer: Mapping;
	readonly #producer: Mapping;
	readonly #consumed: BigUint64Array;
	readonly #produced: BigUint64Array;
	readonly #data: DataView;
	readonly #mask: bigint;

	/** Throws "kernel/rejected" where the map can't be mapped. */
	constructor(map: KernelMap) {
		this.map = map;
		const { native } = map.kernel;
		const { maxEntries } = map.definition;
		const page = native.pageSize;
		const consumer = native.map(map.fd, page, 0, true);
		if (typeof consumer === "number") throw rejected("the consumer's page of a ring buffer", -consumer);
		const producer = native.map(map.fd, page + 2 * maxEntries, page, false);
		if (typeof producer === "number") {
			consumer.unmap();
			throw rejected("the data of a ring buffer", -producer);
		}
		this.#consumer = consumer;
		this.#producer = producer;
		this.#consumed = new BigUint64Array(consumer.memory, 0, 1);
		this.#produced = new BigUint64Array(producer.memory, 0, 1);
		this.#data = new DataView(producer.memory, page);
		this.#mask = BigInt(maxEntries) - 1n;
	}

	/** Every committed record since the last call, oldest first; stops at one that is still being written. */
	read(): Uint8Array[] {
		const records: Uint8Array[] = [];
		let position = Atomics.load(this.#consumed, 0);
		const end = Atomics.load(this.#produced, 0);
		while (position < end) {
			const at = Number(position & this.#mask);
			const word = this.#data.getUint32(at, true);
			if ((word & BUSY) !== 0) break;
			const length = word & ~(BUSY | DISCARD);
			if ((word & DISCARD) === 0) {
				const from = this.#data.byteOffset + at + HEADER;
				records.push(new Uint8Array(this.#data.buffer.slice(from, from + length)));
			}
			position += BigInt(Math.ceil((length + HEADER) / 8) * 8);
			Atomics.store(this.#consumed, 0, position);
		}
		return records;
	}

	close(): void {
		this.#consumer.unmap();
		this.#producer.unmap();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}
