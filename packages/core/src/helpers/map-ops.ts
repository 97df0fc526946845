import { TailhopError } from "../errors/index.ts";
import type { MapInstance } from "../maps/index.ts";
import { EINVAL } from "./errno.ts";
import type { Helper, HelperPrototype, HelperRuntime, Iteration } from "./types.ts";

/** Element operations on maps (kernel/bpf/helpers.c, map_iter.c). */
export const mapPrototypes = [
	{ id: 1, name: "map_lookup_elem", args: ["map", "map_key"], returns: "map_value_or_null" },
	{ id: 2, name: "map_update_elem", args: ["map", "map_key", "map_value", "anything"], returns: "int" },
	{ id: 3, name: "map_delete_elem", args: ["map", "map_key"], returns: "int" },
	{ id: 87, name: "map_push_elem", args: ["map", "map_value", "anything"], returns: "int" },
	{ id: 88, name: "map_pop_elem", args: ["map", "map_value_out"], returns: "int" },
	{ id: 89, name: "map_peek_elem", args: ["map", "map_value_out"], returns: "int" },
	{ id: 164, name: "for_each_map_elem", args: ["map", "func", "stack_or_null", "anything"], returns: "int" },
	{
		id: 195,
		name: "map_lookup_percpu_elem",
		args: ["map", "map_key", "anything"],
		returns: "map_value_or_null",
	},
] as const satisfies readonly HelperPrototype[];

const [lookup, update, remove, push, pop, peek, forEach, lookupPercpu] = mapPrototypes;

/** The map whose header is at `address`. The checked engines refuse anything else before they call a helper. */
export function mapAt(runtime: HelperRuntime, address: number, helper: string): MapInstance {
	const map = runtime.map(address >>> 0);
	if (map !== undefined) return map;
	throw new TailhopError(
		"fault/argument",
		`bpf_${helper}: 0x${(address >>> 0).toString(16)} is not a map`,
		{},
		{ hint: "Pass the map itself, as lddw loads it." },
	);
}

/** A map kind without this operation: the kernel refuses such a program when it is loaded. */
export function unsupported(map: MapInstance, helper: string): never {
	throw new TailhopError(
		"fault/argument",
		`cannot pass map_type ${map.def.type} into func bpf_${helper}`,
		{ map: map.def.name },
		{ hint: "The kernel refuses this program when it is loaded; use a map kind that has the operation." },
	);
}

/** No map knows this flag, whatever it masks out: stands for u64 flags that don't fit into 31 bits. */
const UNKNOWN_FLAGS = 0x7fffffff;

/** u64 flags of argument `index` (0 = r1) as a non-negative number that map code can compare. */
function flagsOf(runtime: HelperRuntime, index: number, low: number): number {
	return runtime.argHi[index] !== 0 || low < 0 ? UNKNOWN_FLAGS : low;
}

export const mapHelpers: readonly Helper[] = [
	{ prototype: lookup, run: (rt, map, key) => mapAt(rt, map, lookup.name).lookup(key >>> 0, rt.cpu) },
	{
		prototype: update,
		run: (rt, map, key, value, flags) =>
			mapAt(rt, map, update.name).update(key >>> 0, value >>> 0, flagsOf(rt, 3, flags), rt.cpu),
	},
	{ prototype: remove, run: (rt, map, key) => mapAt(rt, map, remove.name).delete(key >>> 0) },
	{
		prototype: push,
		run(rt, address, value, flags) {
			const map = mapAt(rt, address, push.name);
			return map.push?.(value >>> 0, flagsOf(rt, 2, flags)) ?? unsupported(map, push.name);
		},
	},
	{
		prototype: pop,
		run(rt, address, value) {
			const map = mapAt(rt, address, pop.name);
			return map.pop?.(value >>> 0) ?? unsupported(map, pop.name);
		},
	},
	{
		prototype: peek,
		run(rt, address, value) {
			const map = mapAt(rt, address, peek.name);
			return map.peek?.(value >>> 0) ?? unsupported(map, peek.name);
		},
	},
	{
		prototype: lookupPercpu,
		run(rt, map, key, cpu) {
			// a cpu that isn't possible gives NULL (kernel: cpu >= nr_cpu_ids)
			if (cpu >>> 0 >= rt.environment.cpus) return 0;
			return mapAt(rt, map, lookupPercpu.name).lookup(key >>> 0, cpu >>> 0);
		},
	},
	{
		prototype: forEach,
		callback: 2,
		callbackArgs: [1, "map_key", "map_value", 3],
		iterate(rt, address, _function, context, flags) {
			const map = mapAt(rt, address, forEach.name);
			if (flags !== 0 || rt.argHi[3] !== 0) return EINVAL;
			return walk(rt, map, [context, rt.argHi[2] ?? 0]);
		},
	},
];

/** Counts the elements visited, the one at which the callback said stop (not 0) included. */
function walk(
	runtime: HelperRuntime,
	map: MapInstance,
	context: readonly [lo: number, hi: number],
): Iteration {
	if (!map.next || !map.link || !map.cursorKey || !map.cursorValue) return unsupported(map, forEach.name);
	const { cpu } = runtime;
	/** Where the walk goes on, read before the callback, which may delete the element. */
	let link = 0;
	let visited = 0;
	return {
		next(previous) {
			if (previous !== undefined && previous !== 0) return undefined;
			const cursor = previous === undefined ? map.next!(0) : map.follow!(link);
			if (cursor === 0) return undefined;
			visited++;
			link = map.link!(cursor);
			return [map.address, map.cursorKey!(cursor), map.cursorValue!(cursor, cpu), context];
		},
		result: () => visited,
	};
}
