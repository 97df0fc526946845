import { perfSample } from "@tailhop/core";
import { bytes, hex } from "./bytes.ts";
import type { Event } from "./side.ts";
import type { Bytes } from "./types.ts";

/**
 * Events as lines that compare between engines, in the order of each map and CPU: "events cpu 0: 2a2a", "ring: 2a".
 * Perf data is filled up with zeros, as the kernel hands it over: what lies behind a sample's end can't be told apart.
 */
export function eventLines(output: readonly Event[]): string[] {
	const line = (event: Event): string =>
		event.kind === "ringbuf"
			? `${event.map}: ${hex(event.data)}`
			: `${event.map} cpu ${event.cpu}: ${hex(perfSample(event.data))}`;
	const source = (event: Event): string =>
		event.kind === "ringbuf" ? event.map : `${event.map} cpu ${event.cpu}`;
	// stable: the order within a source stays
	return output.toSorted((a, b) => (source(a) < source(b) ? -1 : source(a) > source(b) ? 1 : 0)).map(line);
}

/** The data that went through one map, and what is wanted of it, both as hex in the same form. */
export function dataThrough(
	output: readonly Event[],
	map: string,
	wanted: readonly Bytes[],
): { readonly found: readonly string[]; readonly wanted: readonly string[] } {
	const events = output.filter((event) => event.map === map);
	const form = events[0]?.kind === "perf" ? perfSample : (data: Uint8Array) => data;
	return {
		found: events.map((event) => hex(form(event.data))),
		wanted: wanted.map((each) => hex(form(bytes(each, 8)))),
	};
}
