import { type EntryChange, formatText, type MapChange, type MapHandle, type Output } from "@tailhop/core";
import pc from "picocolors";
import { hex } from "../output.ts";

/** Changes of one map that are printed before "and N more". */
const SHOWN = 20;

/** "counts[{port: 80}]: 4 → 5" */
export function mapLines(changes: readonly MapChange[], indent: string): string[] {
	return changes.flatMap(({ map, entries }) => {
		const lines = entries.slice(0, SHOWN).flatMap((entry) => entryLines(map, entry, indent));
		if (entries.length > SHOWN) lines.push(`${indent}${map.name}: and ${entries.length - SHOWN} more`);
		return lines;
	});
}

function entryLines(map: MapHandle, { key, before, after }: EntryChange, indent: string): string[] {
	const { variables } = map.def;
	if (variables.length > 0 && before !== undefined && after !== undefined)
		return variableLines(map, before, after, indent);
	const name = `${map.name}[${formatText(map.record.linked.btf, map.def.keyTypeId, key)}]`;
	if (after === undefined) return [`${indent}${name}: ${pc.red("deleted")}, was ${valueText(map, before!)}`];
	const was = before === undefined ? pc.green("new") : valueText(map, before);
	return [`${indent}${name}: ${was} → ${valueText(map, after)}`];
}

/** Global data by variable, only those that changed. */
function variableLines(map: MapHandle, before: Uint8Array, after: Uint8Array, indent: string): string[] {
	const { btf } = map.record.linked;
	return map.def.variables.flatMap(({ name, offset, size, typeId }) => {
		const a = formatText(btf, typeId, before.subarray(offset, offset + size));
		const b = formatText(btf, typeId, after.subarray(offset, offset + size));
		return a === b ? [] : [`${indent}${name}: ${a} → ${b}`];
	});
}

/** A value; of a per-CPU map every CPU's, as a list. */
function valueText(map: MapHandle, bytes: Uint8Array): string {
	const { valueSize, valueTypeId } = map.def;
	const { btf } = map.record.linked;
	if (bytes.length === valueSize) return formatText(btf, valueTypeId, bytes);
	const stride = Math.ceil(valueSize / 8) * 8;
	const values: string[] = [];
	for (let at = 0; at < bytes.length; at += stride)
		values.push(formatText(btf, valueTypeId, bytes.subarray(at, at + valueSize)));
	return values.length === 1 ? values[0]! : `per CPU [${values.join(", ")}]`;
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
