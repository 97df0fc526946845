import {
	type EngineOutcome,
	formatMapKey,
	formatMapValue,
	type Hop,
	type JsonValue,
	type MapChange,
	type Output,
} from "@tailhop/core";
import { errorJson } from "./errors.ts";
import { hex } from "./output.ts";

/** Version of the JSON records; schema/run.schema.json describes it and changes with it. */
const SCHEMA = 1;

/** One packet's line of `tailhop run --json`. */
export function recordOf(
	program: string,
	outcome: EngineOutcome,
	changes: readonly MapChange[],
): Record<string, unknown> {
	const head = { schema: SCHEMA, program, engine: outcome.engine, verified: outcome.verified };
	const hops = outcome.hops.map(hopJson);
	const output = outcome.output.map(outputJson);
	if (outcome.error !== undefined) {
		return { ...head, error: errorJson(outcome.error), hops, ...(output.length === 0 ? {} : { output }) };
	}
	const { verdict, packet, context } = outcome;
	return {
		...head,
		verdict,
		hops,
		packet: hex(packet),
		...(Object.keys(context).length === 0 ? {} : { context }),
		...(changes.length === 0 ? {} : { maps: Object.fromEntries(changes.map(mapJson)) }),
		...(output.length === 0 ? {} : { output }),
	};
}

function hopJson(hop: Hop): Record<string, unknown> {
	const { source, ...from } = hop.from;
	return {
		...hop,
		from: { ...from, ...(source === undefined ? {} : { file: source.file, line: source.line }) },
	};
}

/** Entries that the run changed: `value` is absent for one that went, `before` for one that came. */
function mapJson({ map, entries }: MapChange): [name: string, entries: Record<string, JsonValue>[]] {
	return [
		map.name,
		entries.map(({ key, before, after }) => ({
			key: formatMapKey(map.btf, map.def, key),
			...(after === undefined ? {} : { value: formatMapValue(map.btf, map.def, after) }),
			...(before === undefined ? {} : { before: formatMapValue(map.btf, map.def, before) }),
		})),
	];
}

function outputJson(event: Output): Record<string, unknown> {
	return "data" in event ? { ...event, data: hex(event.data) } : { ...event };
}
