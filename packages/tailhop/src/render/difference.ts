import {
	type Difference,
	formatMapKey,
	formatMapValue,
	formatText,
	type LinkedObject,
	mapValues,
	TailhopError,
	variableCopies,
	type WatchedMap,
} from "@tailhop/core";
import pc from "picocolors";
import type { Engine } from "../engine.ts";
import { errorJson, errorText } from "../errors.ts";
import { hex } from "../output.ts";
import { hexDiff } from "./hexdiff.ts";
import { entryName, valueText } from "./maps.ts";

/** Differences that are printed before "and N more". */
const SHOWN = 20;

type Pair = readonly [a: Engine, b: Engine];
type MapDifference = Extract<Difference, { readonly what: "map" }>;

/** One thing that both engines have, in words. */
interface Sides {
	readonly title: string;
	readonly a: string;
	readonly b: string;
}

/** What two engines disagree about, the first engine's above the second's. */
export function differenceLines(
	linked: LinkedObject,
	differences: readonly Difference[],
	[a, b]: Pair,
): string[] {
	const width = Math.max(a.name.length, b.name.length);
	const lines = differences.slice(0, SHOWN).flatMap((difference) => {
		if (difference.what === "packet")
			return [
				`  ${pc.bold("packet")}  ${pc.dim(`- ${a.name}, + ${b.name}`)}`,
				...hexDiff(difference.a, difference.b, "    "),
			];
		return sidesOf(linked, difference, a).flatMap((sides) => [
			`  ${pc.bold(sides.title)}`,
			`    ${a.name.padEnd(width)}  ${sides.a}`,
			`    ${b.name.padEnd(width)}  ${sides.b}`,
		]);
	});
	if (differences.length > SHOWN) lines.push(`  and ${differences.length - SHOWN} more`);
	return lines;
}

function sidesOf(
	linked: LinkedObject,
	difference: Exclude<Difference, { what: "packet" }>,
	engine: Engine,
): readonly Sides[] {
	const sides = <T>(title: string, text: (value: T) => string, { a, b }: { a?: T; b?: T }): Sides[] => [
		{ title, a: a === undefined ? "none" : text(a), b: b === undefined ? "none" : text(b) },
	];
	switch (difference.what) {
		case "error": {
			const end = (error: TailhopError | undefined): string =>
				error === undefined ? "came to a verdict" : errorText(error).replaceAll("\n", "\n      ");
			return [{ title: "end", a: end(difference.a), b: end(difference.b) }];
		}
		case "verdict":
			return sides(
				"verdict",
				({ code, name }) => (name === undefined ? String(code) : `${name} (${code})`),
				difference,
			);
		case "r0":
			return sides("r0", (value) => `0x${value.toString(16)}`, difference);
		case "context":
			return sides(`context ${difference.field}`, String, difference);
		case "output": {
			const { map, cpu, index } = difference;
			return sides(`event ${index + 1} of ${map}${cpu === undefined ? "" : `, cpu ${cpu}`}`, hex, difference);
		}
		case "map":
			return mapSides(linked, mapOf(engine, difference.map), difference);
	}
}

/** A global section by variable, a per-CPU value by CPU: only what differs. */
function mapSides(linked: LinkedObject, map: WatchedMap, { key, a, b }: MapDifference): readonly Sides[] {
	const name = entryName(map, key);
	if (a === undefined || b === undefined) {
		const text = (value: Uint8Array | undefined) => (value === undefined ? "none" : valueText(map, value));
		return [{ title: name, a: text(a), b: text(b) }];
	}
	const parts = map.def.variables.length > 0 ? variableParts(linked, map) : valueParts(map, name, a);
	const found = parts.flatMap(({ title, typeId, from, size }) => {
		const text = (value: Uint8Array) => formatText(map.btf, typeId, value.subarray(from, from + size));
		return text(a) === text(b) ? [] : [{ title, a: text(a), b: text(b) }];
	});
	// padding, which no type shows
	return found.length > 0 ? found : [{ title: `${name}, bytes`, a: hex(a), b: hex(b) }];
}

interface Part {
	readonly title: string;
	readonly typeId: number;
	readonly from: number;
	readonly size: number;
}

function variableParts(linked: LinkedObject, { def }: WatchedMap): readonly Part[] {
	const copies = variableCopies(def, linked.target.cpus);
	return copies.flatMap((copy, cpu) =>
		def.variables.map(({ name, offset, size, typeId }) => ({
			title: copies.length > 1 ? `${name}, cpu ${cpu}` : name,
			typeId,
			from: copy + offset,
			size,
		})),
	);
}

function valueParts({ def }: WatchedMap, name: string, value: Uint8Array): readonly Part[] {
	const values = mapValues(def, value);
	return values.map((each, cpu) => ({
		title: values.length > 1 ? `${name}, cpu ${cpu}` : name,
		typeId: def.valueTypeId,
		from: each.byteOffset - value.byteOffset,
		size: def.valueSize,
	}));
}

function mapOf({ maps }: Engine, name: string): WatchedMap {
	return maps.find((each) => each.name === name)!;
}

/** A difference with the engines' names as keys. */
export function differenceJson(difference: Difference, [one, other]: Pair): Record<string, unknown> {
	const { what, a, b, ...rest } = difference;
	const value = valueJson(difference, one);
	return {
		what,
		...rest,
		...(difference.what === "map" ? { key: keyJson(difference, one) } : {}),
		...(a === undefined ? {} : { [one.name]: value(a) }),
		...(b === undefined ? {} : { [other.name]: value(b) }),
	};
}

function keyJson({ map, key }: MapDifference, engine: Engine): unknown {
	const { btf, def } = mapOf(engine, map);
	return formatMapKey(btf, def, key);
}

/** Errors as records have them, map values by their types; the rest as toJson does. */
function valueJson(difference: Difference, engine: Engine): (value: unknown) => unknown {
	if (difference.what === "map") {
		const { btf, def } = mapOf(engine, difference.map);
		return (value) => (value instanceof Uint8Array ? formatMapValue(btf, def, value) : value);
	}
	return (value) => (value instanceof TailhopError ? errorJson(value) : value);
}
