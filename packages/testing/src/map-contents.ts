import { type LinkedObject, MAP_TYPE } from "@tailhop/core";
import { hex } from "./bytes.ts";
import type { Side } from "./side.ts";

/** Kinds whose entries both sides can list; the others are compared through what programs see of them. */
const LISTED: ReadonlySet<number> = new Set([
	MAP_TYPE.HASH,
	MAP_TYPE.ARRAY,
	MAP_TYPE.PERCPU_HASH,
	MAP_TYPE.PERCPU_ARRAY,
	MAP_TYPE.LRU_HASH,
	MAP_TYPE.LRU_PERCPU_HASH,
	MAP_TYPE.LPM_TRIE,
]);

const PER_CPU: ReadonlySet<number> = new Set([
	MAP_TYPE.PERCPU_HASH,
	MAP_TYPE.PERCPU_ARRAY,
	MAP_TYPE.LRU_PERCPU_HASH,
]);

/** Entries that are looked at: arrays of Cilium's size would make every comparison slow. */
const LIMIT = 4096;

/**
 * "key = value" lines, sorted: what can be compared of a map between engines. Prog arrays by program name, per-CPU
 * values of the CPU that ran.
 */
export function mapContents(side: Side, linked: LinkedObject, name: string): string[] {
	const definition = linked.maps.find((map) => map.name === name)!;
	const { type } = definition;
	const lines: string[] = [];
	if (type === MAP_TYPE.PROG_ARRAY) {
		for (let slot = 0; slot < Math.min(definition.maxEntries, LIMIT); slot++) {
			const program = side.slot(name, slot);
			if (program !== undefined) lines.push(`${slot} = ${program}`);
		}
		return lines;
	}
	if (!LISTED.has(type)) return lines;
	const map = side.map(name);
	const size = sizesOf(linked, name).value;
	let key = map.hostNextKey(null);
	for (let count = 0; typeof key !== "number" && count < LIMIT; count++) {
		const value = map.hostLookup(key);
		if (typeof value !== "number") {
			const own = PER_CPU.has(type) ? value.subarray(side.cpu * size, (side.cpu + 1) * size) : value;
			lines.push(`${hex(key)} = ${hex(own)}`);
		}
		key = map.hostNextKey(key);
	}
	return lines.sort();
}

/** Bytes of a key and of one CPU's value, as bpf(2) sees them. */
export function sizesOf(
	linked: LinkedObject,
	name: string,
): { readonly key: number; readonly value: number } {
	const map = linked.maps.find((each) => each.name === name);
	if (map === undefined)
		throw new Error(`no map ${name}: ${linked.maps.map((each) => each.name).join(", ")}`);
	return {
		key: map.keySize,
		value: PER_CPU.has(map.type) ? Math.ceil(map.valueSize / 8) * 8 : map.valueSize,
	};
}
