import { Attr } from "./attr.ts";
import type { KernelMap } from "./map.ts";
import type { Mapping } from "./native.ts";
import { rejected } from "./rejected.ts";
import { PERF_ATTR } from "./uapi.ts";

/** What a program gave to perf_event_output, as the kernel hands it over. */
export interface PerfEvent {
	readonly cpu: number;
	/** 8n + 4 bytes: the kernel fills up with zeros (core's `perfSample`). */
	readonly data: Uint8Array;
}

const PERF_TYPE_SOFTWARE = 1;
const PERF_COUNT_SW_BPF_OUTPUT = 10;
const PERF_SAMPLE_RAW = 1 << 10;
const PERF_EVENT_IOC_ENABLE = 0x2400;
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;

/** struct perf_event_mmap_page, as indexes of u64: data_head and data_tail; data begins at the next page. */
const HEAD = 1024 / 8;
const TAIL = 1032 / 8;
/** struct perf_event_header. */
const HEADER = 8;
const ENODEV = 19;

/**
 * Reads a perf event array: one software event a CPU (perf_event_open), put into the CPU's slot, its ring mapped
 * here. While it is open, a program's perf_event_output to these slots succeeds; without, it answers ENOENT.
 */
export class PerfReader {
	readonly map: KernelMap;
	readonly #pages: number;
	readonly #rings: PerfRing[] = [];
	/** Of rings that were replaced. */
	#lost = 0;

	/**
	 * `pages` (a power of two) is the size of each CPU's ring. Throws "kernel/rejected" where perf_event_open is
	 * refused (root or CAP_PERFMON; containers often filter it).
	 */
	constructor(map: KernelMap, pages = 64) {
		this.map = map;
		this.#pages = pages;
		const { kernel, definition } = map;
		try {
			for (let cpu = 0; cpu < Math.min(kernel.cpus, definition.maxEntries); cpu++) {
				const ring = PerfRing.open(map, cpu, pages);
				// a CPU that is not online runs nothing
				if (ring !== undefined) this.#rings.push(ring);
			}
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Everything since the last call, CPU by CPU, in each CPU's order. */
	read(): PerfEvent[] {
		const events = this.#rings.flatMap((ring) => ring.read().map((data) => ({ cpu: ring.cpu, data })));
		this.#rings.forEach((ring, index) => {
			if (ring.worn) this.#replace(ring, index);
		});
		return events;
	}

	#replace(ring: PerfRing, index: number): void {
		this.#lost += ring.lost;
		ring.close();
		this.#rings.splice(index, 1, ...[PerfRing.open(this.map, ring.cpu, this.#pages) ?? []].flat());
	}

	/** Events that found a ring full, so far. */
	get lost(): number {
		return this.#rings.reduce((sum, ring) => sum + ring.lost, this.#lost);
	}

	close(): void {
		for (const ring of this.#rings.splice(0)) ring.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

class PerfRing {
	readonly cpu: number;
	lost = 0;
	readonly #map: KernelMap;
	readonly #fd: number;
	readonly #mapping: Mapping;
	readonly #words: BigUint64Array;
	readonly #data: Uint8Array;
	/** Bytes of the last read. */
	#lastRead = 0;

	private constructor(map: KernelMap, cpu: number, fd: number, mapping: Mapping) {
		this.cpu = cpu;
		this.#map = map;
		this.#fd = fd;
		this.#mapping = mapping;
		this.#words = new BigUint64Array(mapping.memory, 0, TAIL + 1);
		this.#data = new Uint8Array(mapping.memory, map.kernel.native.pageSize);
	}

	static open(map: KernelMap, cpu: number, pages: number): PerfRing | undefined {
		const { native } = map.kernel;
		const attr = new Attr(
			PERF_ATTR,
			{
				type: PERF_TYPE_SOFTWARE,
				size: PERF_ATTR.size,
				config: PERF_COUNT_SW_BPF_OUTPUT,
				sample_period: 1,
				sample_type: PERF_SAMPLE_RAW,
				wakeup_events: 1,
			},
			native.address,
		);
		const fd = native.perfEventOpen(attr.bytes, cpu);
		if (fd === -ENODEV) return undefined;
		if (fd < 0) throw rejected(`perf_event_open on CPU ${cpu}`, -fd);
		const mapping = native.map(fd, (pages + 1) * native.pageSize, 0, true);
		if (typeof mapping === "number") {
			native.close(fd);
			throw rejected(`the ring of ${pages} pages on CPU ${cpu}`, -mapping);
		}
		const ring = new PerfRing(map, cpu, fd, mapping);
		const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
		const placed = map.hostUpdate(word(cpu), word(fd));
		const enabled = placed < 0 ? placed : native.ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
		if (enabled < 0) {
			ring.close();
			throw rejected(`the perf event of CPU ${cpu}`, -enabled);
		}
		return ring;
	}

	/**
	 * Half used up, and nothing is left to be said of events that found no room (a ring that was never full). The
	 * kernel skips the bytes that fill a sample up (perf_output_sample): in the first lap they are
	 * zeros, in the next they would show what lay there before; and what was read cannot be cleared (its pages are
	 * for reading only).
	 */
	get worn(): boolean {
		const half = this.#data.length / 2;
		return Atomics.load(this.#words, TAIL) > BigInt(half) && this.#lastRead < half;
	}

	/** Raw data of every sample between tail and head; the consumer's position moves. */
	read(): Uint8Array[] {
		const head = Atomics.load(this.#words, HEAD);
		let tail = Atomics.load(this.#words, TAIL);
		const samples: Uint8Array[] = [];
		while (tail < head) {
			const header = new DataView(this.#copy(tail, HEADER).buffer);
			const type = header.getUint32(0, true);
			const size = header.getUint16(6, true);
			if (size < HEADER) break;
			const body = this.#copy(tail + BigInt(HEADER), size - HEADER);
			const view = new DataView(body.buffer);
			if (type === PERF_RECORD_SAMPLE) samples.push(body.subarray(4, 4 + view.getUint32(0, true)));
			else if (type === PERF_RECORD_LOST) this.lost += Number(view.getBigUint64(8, true));
			tail += BigInt(size);
		}
		this.#lastRead = Number(head - Atomics.load(this.#words, TAIL));
		Atomics.store(this.#words, TAIL, head);
		return samples;
	}

	/** Bytes at a position, which may wrap. */
	#copy(position: bigint, length: number): Uint8Array {
		const data = this.#data;
		const start = Number(position % BigInt(data.length));
		const bytes = new Uint8Array(length);
		const first = data.subarray(start, start + length);
		bytes.set(first);
		bytes.set(data.subarray(0, length - first.length), first.length);
		return bytes;
	}

	close(): void {
		const { native } = this.#map.kernel;
		// the slot would keep the event alive
		if (!this.#map.closed) this.#map.hostDelete(new Uint8Array(Uint32Array.of(this.cpu).buffer));
		this.#mapping.unmap();
		native.close(this.#fd);
	}
}
