/** The benchmark's figures as text. */

const n = (value, digits) => (value === undefined ? "" : value.toFixed(digits));
/** Three significant digits, roughly. */
const short = (value) => n(value, value < 10 ? 2 : value < 100 ? 1 : 0);

/** Columns of a table; the first is aligned to the left. */
function printTable(lines) {
	const widths = lines[0].map((_, i) =>
		Math.max(...lines.map((line) => (line.length === lines[0].length ? line[i].length : 0))),
	);
	for (const line of lines) {
		if (line.length !== widths.length) console.log(line.join("  "));
		else
			console.log(
				line
					.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
					.join("  ")
					.trimEnd(),
			);
	}
}

const spread = (ratio) =>
	ratio === undefined ? "" : `${n(ratio.median, 2)} (${n(ratio.lower, 2)}-${n(ratio.upper, 2)})`;

export function printReport({ machine, processes, rounds, rows, goals, start, noKernel, noNative }) {
	console.log(
		`${machine.node}, ${machine.os}, ${machine.cpu} (${machine.cpus}); ${processes} processes, ${rounds} rounds each`,
	);
	const engines = [
		"checked",
		"unchecked",
		"wasm-checked",
		"wasm-verified",
		"wasm-unchecked",
		"native",
		"kernel",
	];
	console.log("\nns per run, or per hop (medians, net of nop); instructions are those of a run\n");
	printTable([
		[
			"program",
			"insns",
			"interpreter",
			"unchecked",
			"wasm checked",
			"verified",
			"wasm unchecked",
			"native",
			"kernel",
			"ns/insn",
		],
		...rows
			.filter((row) => row.kind !== "compile")
			.map((row) =>
				row.error !== undefined
					? [row.name, row.unimplemented ? `not run: ${row.error}` : `FAILED: ${row.error}`]
					: [
							row.name,
							row.unit === "hop" ? "a hop" : n(row.instructions, 0),
							...engines.map((engine) => short(row.ns[engine])),
							row.unit === "hop" || row.kind === "base" || row.instructions === undefined
								? ""
								: n(row.ns.checked / row.instructions, 2),
						],
			),
	]);
	const pairs = [
		["wasm-unchecked/kernel", "wasm/kernel"],
		["wasm-checked/kernel", "wasm checked/kernel"],
		["wasm-unchecked/native", "wasm/native"],
		["wasm-checked/wasm-verified", "wasm checked/verified"],
		["wasm-verified/wasm-unchecked", "verified/unchecked"],
		["checked/unchecked", "interpreter checked/unchecked"],
	];
	console.log("\nratios of CPU time: median (middle half of the rounds)\n");
	printTable([
		["program", ...pairs.map(([, title]) => title)],
		...rows
			.filter((row) => row.ratios !== undefined && row.kind !== "compile")
			.map((row) => [row.name, ...pairs.map(([key]) => spread(row.ratios[key]))]),
	]);
	console.log("\ngoals\n");
	printTable([
		["what", "ratio", "measured", "goal", ""],
		...goals.map((goal) => [
			goal.name,
			goal.ratio,
			`${n(goal.value, 2)}${goal.worst === undefined ? "" : ` (${goal.worst})`}`,
			n(goal.goal, 2),
			goal.met ? "met" : "NOT MET",
		]),
	]);
	const translation = rows.find((row) => row.kind === "compile");
	if (translation !== undefined) {
		const { ns, cold, bytes } = translation;
		console.log(
			`\nper 1,000 instructions: translation ${n(ns.translate / 1e6, 2)} ms of CPU time (${n(cold.translate / 1e6, 2)} in a new process), ` +
				`V8's optimising compiler ${n(ns.compile / 1e6, 2)} ms; ${bytes} bytes of WebAssembly, plain and traced`,
		);
	}
	if (start !== undefined) {
		console.log("\nfirst packet, ms by the clock: machine made + first run; and memory\n");
		const pair = ({ create, run }) => `${n(create, 1)} + ${n(run, 1)}`;
		const names = ["parse", "route", "hop-static"];
		printTable([
			["engine", ...names.flatMap((name) => [`${name}, new process`, "later"]), "memory per machine"],
			...Object.entries(start).map(([engine, costs]) => [
				engine,
				...names.flatMap((name) => [pair(costs[name].first), pair(costs[name].later)]),
				`${n(costs.bytesPerMachine / 1e6, 2)} MB`,
			]),
		]);
	}
	for (const [what, why] of [
		["kernel", noKernel],
		["native code", noNative],
	])
		if (why !== undefined) console.log(`no ${what}: ${why}`);
	const failed = rows.filter((row) => row.error !== undefined).length;
	console.log(`results equal on every engine: ${rows.length - failed} of ${rows.length} rows`);
}
