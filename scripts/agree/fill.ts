import type { Hop, JsonValue, ObjectSpec, ValueInput } from "@tailhop/core";
import type { Pair, PairMap } from "./pair.ts";

/** A small generator of numbers (mulberry32): the same seed gives the same fill. */
export function random(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b_79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return (t ^ (t >>> 14)) >>> 0;
	};
}

const HASHES: ReadonlySet<number> = new Set([1, 5, 9, 10, 11]);
const ARRAYS: ReadonlySet<number> = new Set([2, 6]);
const MAPS_IN_MAPS: ReadonlySet<number> = new Set([12, 13]);
const DEVICES: ReadonlySet<number> = new Set([14, 25]);
const CPUMAP = 16;
const QUEUES: ReadonlySet<number> = new Set([22, 23, 30]);
/** lo, and the devices of the world. */
const DEVICES_KNOWN = [1, 10, 11];
const CPUMAP_SIZE = 64;
/** Arrays get this many values from the start; further ones where a program looks. */
const ARRAY_START = 16;

/** What devices, CPUs and queues hold: once per object. */
export function fillOutside(pair: Pair, next: () => number): string[] {
	const said: (string | undefined)[] = [];
	for (const map of pair.maps.values()) {
		const { def } = map;
		const device = new Uint8Array(def.valueSize);
		if (DEVICES.has(def.type) || def.type === CPUMAP) {
			device[0] = def.type === CPUMAP ? CPUMAP_SIZE : DEVICES_KNOWN[next() % 3]!;
			const count = def.type === CPUMAP ? pair.machine.environment.cpus : 8;
			for (let i = 0; i < Math.min(count, def.maxEntries); i++) said.push(pair.update(map, word(i), device));
		}
		if (QUEUES.has(def.type)) {
			for (let i = 0; i < 4; i++) said.push(pair.update(map, new Uint8Array(), someValue(map, next)));
		}
		if (ARRAYS.has(def.type) && def.origin !== "data" && !def.frozen) {
			for (let i = 0; i < Math.min(ARRAY_START, def.maxEntries); i++) {
				if (next() % 3 !== 0) said.push(pair.update(map, word(i), someValue(map, next)));
			}
		}
	}
	return said.filter((line) => line !== undefined);
}

/**
 * Gives maps what programs looked for since the last time: most of the keys get a value (or another one), maps in
 * maps an inner map, empty slots a program. Each round thus leads a step deeper.
 */
export function fillFromLookups(
	pair: Pair,
	hops: readonly Hop[],
	programs: readonly string[],
	next: () => number,
): string[] {
	const said: (string | undefined)[] = [];
	for (const [name, keys] of pair.takeLookups()) {
		const map = pair.maps.get(name);
		if (map === undefined || map.def.origin === "data" || map.def.frozen) continue;
		for (const key of keys) {
			const { type } = map.def;
			if (MAPS_IN_MAPS.has(type)) {
				const inner = pair.addInner(map, key);
				if (typeof inner === "string") said.push(inner);
				else if (inner !== undefined && ARRAYS.has(inner.def.type))
					for (let i = 0; i < Math.min(64, inner.def.maxEntries); i++)
						said.push(pair.update(inner, word(i), someValue(inner, next)));
			} else if ((HASHES.has(type) && next() % 4 !== 0) || (ARRAYS.has(type) && next() % 4 === 0))
				said.push(pair.update(map, key, someValue(map, next)));
		}
	}
	const empty = new Map(
		hops.filter((hop) => hop.outcome === "empty").map((hop) => [`${hop.map} ${hop.slot}`, hop]),
	);
	for (const { map, slot } of empty.values()) {
		const program = programs[next() % programs.length];
		if (program !== undefined) said.push(pair.setSlot(map, slot, program));
	}
	return said.filter((line) => line !== undefined);
}

/** By the names of the map's BTF fields, where it has some, one time in two; else small numbers, or noise. */
function someValue({ machine, def }: PairMap, next: () => number): Uint8Array {
	const size = machine.instance.hostValueSize;
	const kind = next() % 4;
	if (def.valueTypeId !== 0 && kind < 2) {
		try {
			const named = machine.formatValue(new Uint8Array(size));
			return machine.valueBytes(filled(named, "", next));
		} catch {
			// a union, or a field too narrow for what its name promised
		}
	}
	const bytes = new Uint8Array(size);
	if (kind < 3) for (let i = 0; i < size; i += 2) bytes[i] = [0, 1, 1, 2, 3, 4][next() % 6]!;
	else for (let i = 0; i < size; i++) bytes[i] = next() & 0xff;
	// every CPU's value the same: whichever runs
	return bytes;
}

/** What fields of this name usually hold; 10.0.0.2 and port 80 in network order. */
const BY_NAME: readonly (readonly [RegExp, readonly number[]])[] = [
	[/addr|ip4|endpoint|^ip$|_ip$|dst$|src$/i, [0x0200_000a, 0x0100_000a, 0]],
	[/port/i, [0x5000, 0x3500, 0]],
	[/ifindex|^dev/i, DEVICES_KNOWN],
	[/life|time|expire|last|seen|deadline|interval/i, [0x7fff_ffff, 1, 1_000]],
	[/count|num|slots/i, [1, 2, 3]],
	[/flag|type|state|action|deny/i, [0, 1, 2, 4, 8, 16, 32, 64]],
	[/label|ident|sec/i, [1, 2, 6, 16, 300]],
];

function filled(value: JsonValue, name: string, next: () => number): ValueInput {
	if (Array.isArray(value)) return value.map((each) => filled(each, name, next));
	if (value !== null && typeof value === "object")
		return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, key, next)]));
	if (value === null) return 0;
	if (typeof value !== "number") return value;
	const choice = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? [0, 1, 1, 2, 3];
	return choice[next() % choice.length]!;
}

function word(value: number, size = 4): Uint8Array {
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setUint32(0, value, true);
	return bytes.slice(0, size);
}

/** Other values for the numbers in read-only data: switches, and what else is 1 to 8 bytes long. */
export function configuration(spec: ObjectSpec, next: () => number): Readonly<Record<string, Uint8Array>> {
	const found: Record<string, Uint8Array> = {};
	for (const { frozen, origin, variables } of spec.maps) {
		if (origin !== "data" || !frozen) continue;
		for (const { name, size } of variables) {
			// texts of messages, and constants that the compiler keeps for itself
			if (name.includes("fmt") || name.startsWith(".") || next() % 3 === 0) continue;
			const choice = { 1: [0, 1], 2: [0, 0x5000, 7], 4: [0, 1, 10, 0x0200_000a], 8: [0, 1] }[size];
			if (choice !== undefined) found[name] = word(choice[next() % choice.length]!, size);
		}
	}
	return found;
}
