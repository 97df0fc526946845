import type { Theme } from "./format.ts";

/** Counts by theme, and in all. */
export function summary(themes: readonly { readonly name: string; readonly theme: Theme }[]): string {
	const rows = themes.map(({ name, theme }) => ({
		name,
		count: theme.cases.length,
		accepted: theme.cases.filter(({ verdict }) => verdict?.accepted).length,
	}));
	const total = rows.reduce(
		(sum, row) => ({ ...sum, count: sum.count + row.count, accepted: sum.accepted + row.accepted }),
		{ name: "all", count: 0, accepted: 0 },
	);
	return [...rows, total]
		.map(({ name, count, accepted }) => {
			const share = count === 0 ? 0 : Math.round((accepted / count) * 100);
			return `${name.padEnd(20)} ${String(count).padStart(5)} programs, ${share} % accepted`;
		})
		.join("\n");
}
