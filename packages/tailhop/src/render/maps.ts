import {
	type EntryChange,
	formatText,
	type MapChange,
	mapValues,
	type Output,
	variableCopies,
	type WatchedMap,
} from "@tailhop/core";
import pc from "picocolors";
import { hex } from "../output.ts";

/** Changes of one map that are printed before "and N more". */
const SHOWN = 20;

/** "counts[{port: 80}]: 4 → 5" */
export function mapLines(changes: readonly MapChange[], indent: string, cpus: number): string[] {
	return changes.flatMap(({ map, entries }) => {
		const lines = entries.slice(0, SHOWN).flatMap((entry) => entryLines(map, entry, indent, cpus));
		if (entries.length > SHOWN) lines.push(`${indent}${map.name}: and ${entries.length - SHOWN} more`);
		return lines;
	});
}

function entryLines(
	map: WatchedMap,
	{ key, before, after }: EntryChange,
	indent: string,
	cpus: number,
): string[] {
	const { variables } = map.def;
	if (variables.length > 0 && before !== undefined && after !== undefined)
		return variableLines(map, before, after, indent, cpus);
	const name = entryName(map, key);
	if (after === undefined) return [`${indent}${name}: ${pc.red("deleted")}, was ${valueText(map, before!)}`];
	const was = before === undefined ? pc.green("new") : valueText(map, before);
	if (before !== undefined) {
		const [old, now] = [mapValues(map.def, before), mapValues(map.def, after)];
		if (old.length > 1) {
			// only the CPUs whose value changed
			return old.flatMap((value, cpu) => {
				const [a, b] = [oneText(map, value), oneText(map, now[cpu] ?? value)];
				return a === b ? [] : [`${indent}${name} cpu ${cpu}: ${a} → ${b}`];
			});
		}
	}
	return [`${indent}${name}: ${was} → ${valueText(map, after)}`];
}

/** "counts[{port: 80}]" */
export function entryName(map: WatchedMap, key: Uint8Array): string {
	return `${map.name}[${formatText(map.btf, map.def.keyTypeId, key)}]`;
}

/** Global data by variable, only those that changed; data that every CPU has its copy of says whose. */
function variableLines(
	{ btf, def }: WatchedMap,
	before: Uint8Array,
	after: Uint8Array,
	indent: string,
	cpus: number,
): string[] {
	const copies = variableCopies(def, cpus);
	return copies.flatMap((copy, cpu) =>
		def.variables.flatMap(({ name, offset, size, typeId }) => {
			const at = copy + offset;
			const a = formatText(btf, typeId, before.subarray(at, at + size));
			const b = formatText(btf, typeId, after.subarray(at, at + size));
			if (a === b) return [];
			return [`${indent}${name}${copies.length > 1 ? ` (cpu ${cpu})` : ""}: ${a} → ${b}`];
		}),
	);
}

/** A value; of a per-CPU map every CPU's, as a list. */
export function valueText(map: WatchedMap, bytes: Uint8Array): string {
	const values = mapValues(map.def, bytes).map((value) => oneText(map, value));
	return values.length === 1 ? values[0]! : `per CPU [${values.join(", ")}]`;
}

function oneText({ btf, def }: WatchedMap, value: Uint8Array): string {
	return formatText(btf, def.valueTypeId, value);
}

export function outputLines(output: readonly Output[], indent: string): string[] {
	return output.map((event) => indent + outputText(event));
}

function outputText(event: Output): string {
	switch (event.kind) {
		case "printk":
			return `printk  ${event.text.trimEnd()}`;
		case "perf":
			return `perf    ${event.map} cpu ${event.cpu}: ${hex(event.data)}`;
		case "ringbuf":
			return `ringbuf ${event.map}: ${hex(event.data)}`;
		case "redirect":
			return `${event.via} to interface ${event.ifindex}`;
	}
}
