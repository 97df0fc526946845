/** What the figures are held against: ratios of CPU time, below 1 is faster. Programs, sizes and goals stay as they are. */

/** The nine, whose geometric mean counts. */
export const COMPUTE = ["prime", "collatz", "log2", "memxor", "memcpy", "csum", "siphash", "jhash", "parse"];

/** Ratios that are printed for every row: [engine, against]. */
export const RATIOS = [
	["checked", "unchecked"],
	["wasm-unchecked", "kernel"],
	["wasm-checked", "kernel"],
	["wasm-unchecked", "native"],
	["wasm-checked", "wasm-unchecked"],
	["wasm-checked", "wasm-verified"],
	["wasm-verified", "wasm-unchecked"],
	["wasm-unchecked", "unchecked"],
];

/**
 * `rows`: one row, or several of which the geometric mean is taken, or `each` of which must stay below.
 * @type {{ name: string, rows: string[], ratio: [string, string], goal: number, each?: boolean }[]}
 */
export const GOALS = [
	{
		name: "interpreter, each of the nine",
		rows: COMPUTE,
		ratio: ["checked", "unchecked"],
		goal: 2.5,
		each: true,
	},
	{ name: "compute, geometric mean", rows: COMPUTE, ratio: ["wasm-unchecked", "kernel"], goal: 0.8 },
	{ name: "each of the nine", rows: COMPUTE, ratio: ["wasm-unchecked", "kernel"], goal: 1.1, each: true },
	{ name: "compute, geometric mean", rows: COMPUTE, ratio: ["wasm-unchecked", "native"], goal: 1.1 },
	...[
		["hop-static", 0.28],
		["hop-static-touch", 0.4],
		["hop-dynamic", 0.12],
		["hop-random", 0.32],
		["hop-dynamic-apart", 0.4],
		["b2b", 0.1],
		["amap", 0.25],
		["hlook", 0.45],
		["hmap", 0.37],
		["lru", 0.45],
		["lpm", 0.75],
		["slot-update", 0.05],
		["route", 0.83],
	].map(([name, goal]) => ({ name, rows: [name], ratio: ["wasm-unchecked", "kernel"], goal })),
	{
		name: "translation",
		rows: ["translation"],
		ratio: ["translate", "compile"],
		goal: 0.35,
	},
];
