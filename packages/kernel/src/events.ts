import type { ObjectMap } from "./object-map.ts";
import { PerfReader } from "./perf-reader.ts";
import { RingReader } from "./ring-reader.ts";

/** What programs gave to user space; a part of core's Output. */
export type KernelEvent =
	| { readonly kind: "perf"; readonly map: string; readonly cpu: number; readonly data: Uint8Array }
	| { readonly kind: "ringbuf"; readonly map: string; readonly data: Uint8Array };

const PERF_EVENT_ARRAY = 4;
const RINGBUF = 27;

interface EventSource {
	read(): readonly KernelEvent[];
	close(): void;
}

/** A reader for each perf event array and each ring buffer of an object. */
export class EventReaders {
	readonly #sources: EventSource[] = [];

	constructor(maps: readonly ObjectMap[], perf: boolean) {
		const ofType = (type: number) => maps.filter((map) => map.def.type === type);
		try {
			if (perf) for (const map of ofType(PERF_EVENT_ARRAY)) this.#sources.push(perfEvents(map));
			for (const map of ofType(RINGBUF)) this.#sources.push(ringRecords(map));
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Everything since the last call, map by map. */
	read(): KernelEvent[] {
		return this.#sources.flatMap((source) => source.read());
	}

	close(): void {
		for (const source of this.#sources) source.close();
	}
}

function perfEvents(map: ObjectMap): EventSource {
	const reader = new PerfReader(map);
	return {
		read: () => reader.read().map((event) => ({ kind: "perf", map: map.name, ...event })),
		close: () => reader.close(),
	};
}

function ringRecords(map: ObjectMap): EventSource {
	const reader = new RingReader(map);
	return {
		read: () => reader.read().map((data) => ({ kind: "ringbuf", map: map.name, data })),
		close: () => reader.close(),
	};
}
