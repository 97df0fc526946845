import type { TailhopError } from "../errors/index.ts";
import type { Output } from "../helpers/index.ts";
import { type ContextField, fieldAt, type Hook } from "../hooks/index.ts";
import { entryChanges, isWatched, type WatchedMap } from "./map-watch.ts";
import type { EngineOutcome, EngineResult } from "./outcome.ts";

type FieldValue = number | bigint | readonly number[];

/** Something that two engines disagree about; `a` and `b` are what each has. */
export type Difference =
	/** One run ended in an error, or both in different ones; absent: it ended in a verdict. */
	| { readonly what: "error"; readonly a?: TailhopError; readonly b?: TailhopError }
	| { readonly what: "verdict"; readonly a: EngineResult["verdict"]; readonly b: EngineResult["verdict"] }
	| { readonly what: "r0"; readonly a: bigint; readonly b: bigint }
	| { readonly what: "packet"; readonly a: Uint8Array; readonly b: Uint8Array }
	| { readonly what: "context"; readonly field: string; readonly a?: FieldValue; readonly b?: FieldValue }
	/** The event of this number, from 0, of a map (and a CPU, for perf). */
	| {
			readonly what: "output";
			readonly map: string;
			readonly cpu?: number;
			readonly index: number;
			readonly a?: Uint8Array;
			readonly b?: Uint8Array;
	  }
	/** A value as bpf(2) moves it; absent where there is no such entry. */
	| {
			readonly what: "map";
			readonly map: string;
			readonly key: Uint8Array;
			readonly a?: Uint8Array;
			readonly b?: Uint8Array;
	  };

/**
 * What two engines' runs of the same input differ in: verdict, r0 where both show it, packet, context, perf events
 * and records of ring buffers. Hops, printk and redirects are not compared: the kernel shows none. `hook` names the
 * fields of the context.
 */
export function compareOutcomes(
	a: EngineOutcome,
	b: EngineOutcome,
	hook: Pick<Hook, "fields">,
): readonly Difference[] {
	if (a.error !== undefined || b.error !== undefined) return compareErrors(a.error, b.error);
	const found: Difference[] = [];
	if (a.verdict.code !== b.verdict.code) found.push({ what: "verdict", a: a.verdict, b: b.verdict });
	if (a.r0 !== undefined && b.r0 !== undefined && a.r0 !== b.r0) found.push({ what: "r0", a: a.r0, b: b.r0 });
	if (!sameBytes(a.packet, b.packet)) found.push({ what: "packet", a: a.packet, b: b.packet });
	return [
		...found,
		...compareContexts(a.contextBytes, b.contextBytes, hook.fields),
		...compareOutput(a.output, b.output),
	];
}

/** Entries in which maps of the same object differ; kinds without entries, and frozen maps, are left out. */
export function compareMaps(a: Iterable<WatchedMap>, b: Iterable<WatchedMap>): readonly Difference[] {
	const others = new Map([...b].map((map) => [map.name, map]));
	return [...a].filter(isWatched).flatMap((map) => {
		const other = others.get(map.name);
		const changes = other === undefined ? [] : entryChanges(map, other);
		return changes.map(
			({ key, before, after }): Difference => ({
				what: "map",
				map: map.name,
				key,
				...(before === undefined ? {} : { a: before }),
				...(after === undefined ? {} : { b: after }),
			}),
		);
	});
}

/** The same refusal is agreement: an input that both answer with the same errno. */
function compareErrors(a?: TailhopError, b?: TailhopError): readonly Difference[] {
	const errno = (error?: TailhopError) => error?.detail?.errno;
	if (errno(a) !== undefined && errno(a) === errno(b)) return [];
	return [{ what: "error", ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) }];
}

/** ctx_out by fields; bytes of no field by their offset. */
function compareContexts(
	a: Uint8Array = new Uint8Array(),
	b: Uint8Array = new Uint8Array(),
	fields: readonly ContextField[] = [],
): Difference[] {
	const differ = Array.from({ length: Math.max(a.length, b.length) }, (_, at) => at).filter(
		(at) => a[at] !== b[at],
	);
	const found = new Map<string, Difference>();
	for (const at of differ) {
		const field = fieldAt(fields, at);
		const name = field?.name ?? `byte ${at}`;
		if (found.has(name)) continue;
		const [one, other] = [valueAt(a, at, field), valueAt(b, at, field)];
		found.set(name, {
			what: "context",
			field: name,
			...(one === undefined ? {} : { a: one }),
			...(other === undefined ? {} : { b: other }),
		});
	}
	return [...found.values()];
}

/** The field's value in a context, an array's elements as a list; undefined where the context ends before. */
function valueAt(bytes: Uint8Array, at: number, field: ContextField | undefined): FieldValue | undefined {
	if (field === undefined) return bytes[at];
	const { offset, size, count = 1 } = field;
	if (offset + size > bytes.length) return undefined;
	const width = size / count;
	const numbers = Array.from({ length: count }, (_, index) => {
		const from = offset + index * width;
		// little-endian, of any width
		return bytes.subarray(from, from + width).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
	});
	return field.count === undefined ? numbers[0] : numbers.map(Number);
}

type Event = Extract<Output, { readonly kind: "perf" | "ringbuf" }>;

/** Events in the order of each map and CPU; engines hand maps over in different orders. */
function compareOutput(a: readonly Output[], b: readonly Output[]): Difference[] {
	const [one, other] = [bySource(a), bySource(b)];
	const sources = [...new Set([...one.keys(), ...other.keys()])];
	return sources.flatMap((source) => {
		const [mine, theirs] = [one.get(source) ?? [], other.get(source) ?? []];
		const longer = mine.length > theirs.length ? mine : theirs;
		return longer.flatMap((event, index): Difference[] => {
			const [left, right] = [dataOf(mine[index]), dataOf(theirs[index])];
			if (left !== undefined && right !== undefined && sameBytes(left, right)) return [];
			return [
				{
					what: "output",
					map: event.map,
					...(event.kind === "perf" ? { cpu: event.cpu } : {}),
					index,
					...(left === undefined ? {} : { a: left }),
					...(right === undefined ? {} : { b: right }),
				},
			];
		});
	});
}

function bySource(output: readonly Output[]): ReadonlyMap<string, readonly Event[]> {
	const found = new Map<string, Event[]>();
	for (const event of output) {
		if (event.kind !== "perf" && event.kind !== "ringbuf") continue;
		const source = event.kind === "perf" ? `${event.map} ${event.cpu}` : event.map;
		const list = found.get(source) ?? [];
		found.set(source, [...list, event]);
	}
	return found;
}

function dataOf(event: Event | undefined): Uint8Array | undefined {
	return event === undefined || event.kind === "ringbuf" ? event?.data : perfSample(event.data);
}

/**
 * Perf data as the kernel hands it over: filled up with zeros so that its u32 length and the data end on 8
 * (perf_prepare_sample). The length that the program gave cannot be told from it.
 */
export function perfSample(data: Uint8Array): Uint8Array {
	const whole = new Uint8Array(Math.ceil((data.length + 4) / 8) * 8 - 4);
	whole.set(data);
	return whole;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
