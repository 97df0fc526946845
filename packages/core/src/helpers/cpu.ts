import type { Helper, HelperPrototype } from "./types.ts";

/** Which CPU, which node, and random numbers (kernel/bpf/helpers.c, core.c). */
export const cpuPrototypes = [
	// zero-extended: the kernel's function returns a u64 made of a u32
	{ id: 7, name: "get_prandom_u32", args: [], returns: "u64" },
	{ id: 8, name: "get_smp_processor_id", args: [], returns: "int" },
	{ id: 42, name: "get_numa_node_id", args: [], returns: "int" },
] as const satisfies readonly HelperPrototype[];

const [prandom, cpuId, numaNode] = cpuPrototypes;

export const cpuHelpers: readonly Helper[] = [
	{
		prototype: prandom,
		run(rt) {
			rt.resultHi = 0;
			return rt.random() | 0;
		},
	},
	{ prototype: cpuId, run: (rt) => rt.cpu },
	// one node: what a machine without CONFIG_NUMA says, too
	{ prototype: numaNode, run: () => 0 },
];
