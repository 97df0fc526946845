/**
 * How many cases each engine ran. The harness counts on the running test's `meta`, which vitest carries from
 * workers and browsers to the reporter; the reporter adds up and prints.
 */
export interface Counts {
	/** Cases by engine: "interpreter", "kernel". */
	readonly engines: Record<string, number>;
	/** Cases that the kernel had to refuse, and did. */
	rejected: number;
	/** Perf events and records of ring buffers that were compared. */
	events: number;
	/** Cases that the kernel cannot run, by reason. */
	readonly notComparable: Record<string, number>;
	/** Cases that had no kernel to run on, by reason. */
	readonly noKernel: Record<string, number>;
	/** Cases that were compared with the kernel, by what their programs call: "6 51", program type and helper. */
	readonly helpers: Record<string, number>;
}

declare module "vitest" {
	interface TaskMeta {
		cases?: Counts;
	}
}

export const emptyCounts = (): Counts => ({
	engines: {},
	rejected: 0,
	events: 0,
	notComparable: {},
	noKernel: {},
	helpers: {},
});

export function increase(table: Record<string, number>, key: string, by = 1): void {
	table[key] = (table[key] ?? 0) + by;
}

export function addCounts(sum: Counts, more: Counts): void {
	sum.rejected += more.rejected;
	sum.events += more.events;
	for (const table of ["engines", "notComparable", "noKernel", "helpers"] as const) {
		for (const [key, count] of Object.entries(more[table])) increase(sum[table], key, count);
	}
}

const total = (table: Record<string, number>): number =>
	Object.values(table).reduce((sum, count) => sum + count, 0);

const reasons = (table: Record<string, number>): string =>
	Object.entries(table)
		.sort(([, a], [, b]) => b - a)
		.map(([reason, count]) => `${count} ${reason}`)
		.join("; ");

/** "cases: interpreter 812, kernel 640 (31 refused as expected), …" */
export function describeCounts(counts: Counts): string {
	const { interpreter = 0, kernel = 0, ...others } = counts.engines;
	const parts = [
		`interpreter ${interpreter}`,
		...Object.entries(others).map(([name, count]) => `${name} ${count}`),
		`kernel ${kernel}${counts.rejected === 0 ? "" : ` and ${counts.rejected} refused as expected`}`,
	];
	if (counts.events > 0) parts.push(`${counts.events} events compared`);
	for (const [what, table] of [
		["not comparable", counts.notComparable],
		["without a kernel", counts.noKernel],
	] as const) {
		if (total(table) > 0) parts.push(`${what} ${total(table)} (${reasons(table)})`);
	}
	return `cases: ${parts.join(", ")}`;
}

/** Whether a kernel that is there was never asked although something could be compared with it. */
export function neverAsked(counts: Counts): boolean {
	return (
		(counts.engines.kernel ?? 0) + counts.rejected === 0 &&
		(total(counts.engines) > total(counts.notComparable) || total(counts.engines) === 0)
	);
}
