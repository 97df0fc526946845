/** A difference, and what came before it. */
export interface Shown {
	readonly program: string;
	readonly packet: string;
	/** Of filling; 0: maps as the object has them. */
	readonly round: number;
	readonly what: string;
	readonly text: string;
	/** Why it is no disagreement. */
	cause?: string;
}

/** What happened with one file. */
export interface Report {
	readonly file: string;
	readonly folder: string;
	/** Why there was nothing to run: no program of these types, or no side takes the object. */
	skipped?: string;
	programs: number;
	/** Programs that the kernel refuses. */
	refused: string[];
	runs: number;
	same: number;
	/** Runs whose input both sides refuse. */
	refusedInputs: number;
	differences: Shown[];
	/** What was replaced by a constant. */
	replaced: string[];
	insns: number;
	covered: number;
	/** Distinct call sites that jumped, and jumps in all. */
	tailCalls: number;
	hops: number;
	longest: number;
	events: number;
	entries: number;
	/** Calls that ran, "6 51" = program type and helper. */
	helpers: Record<string, number>;
}

/** Nothing happened yet. */
export function emptyReport(file: string): Report {
	return {
		file,
		folder: file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : ".",
		programs: 0,
		refused: [],
		runs: 0,
		same: 0,
		refusedInputs: 0,
		differences: [],
		replaced: [],
		insns: 0,
		covered: 0,
		tailCalls: 0,
		hops: 0,
		longest: 0,
		events: 0,
		entries: 0,
		helpers: {},
	};
}

/** One file, and the first differences of each of its programs. */
export function printReport(report: Report, most: number): void {
	const { file, skipped, programs, runs, same, differences } = report;
	if (skipped !== undefined) {
		console.log(`${file}: ${skipped}`);
		return;
	}
	console.log(
		`${file}: ${programs} programs, ${runs} runs, ${same} same, ${differences.length} differences; ` +
			`${report.covered} of ${report.insns} instructions, ${report.tailCalls} tail calls (${report.hops} taken, ` +
			`chains to ${report.longest}), ${report.entries} entries, ${report.events} events` +
			(report.refused.length === 0 ? "" : `; refused: ${report.refused.join(", ")}`),
	);
	const shown = new Map<string, number>();
	for (const { program, packet, round, text, cause } of differences) {
		const count = (shown.get(program) ?? 0) + 1;
		shown.set(program, count);
		if (count <= most)
			console.log(
				`  ${program}, ${packet}, round ${round}: ${text}${cause === undefined ? "" : ` (${cause})`}`,
			);
	}
}

/** All of them, a line per folder. */
export function printTable(all: readonly Report[]): void {
	const folders = new Map<string, Report[]>();
	for (const report of all) folders.set(report.folder, [...(folders.get(report.folder) ?? []), report]);
	folders.set("all", [...all]);
	const head = [
		"folder",
		"files",
		"run",
		"programs",
		"refused",
		"runs",
		"same",
		"differ",
		"by chance",
		"insns",
		"covered",
		"tail calls",
		"taken",
		"events",
	];
	const sum = (of: readonly Report[], what: (report: Report) => number) =>
		of.reduce((n, report) => n + what(report), 0);
	const rows = [...folders].map(([folder, of]) => [
		folder,
		of.length,
		of.filter((report) => report.skipped === undefined).length,
		sum(of, (report) => report.programs),
		sum(of, (report) => report.refused.length),
		sum(of, (report) => report.runs),
		sum(of, (report) => report.same),
		sum(of, ({ differences }) => differences.filter(({ cause }) => cause === undefined).length),
		sum(of, ({ differences }) => differences.filter(({ cause }) => cause !== undefined).length),
		sum(of, (report) => report.insns),
		sum(of, (report) => report.covered),
		sum(of, (report) => report.tailCalls),
		sum(of, (report) => report.hops),
		sum(of, (report) => report.events),
	]);
	const lines = [head, ...rows].map((row) => row.map(String));
	const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
	for (const line of lines)
		console.log(
			line
				.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
				.join("  "),
		);
}
