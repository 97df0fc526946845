import type { Theme } from "./format.ts";

interface Named {
	readonly name: string;
	readonly theme: Theme;
}

interface Row {
	readonly name: string;
	readonly count: number;
	readonly accepted: number;
}

/** One row for each theme, and one for all. */
function rows(themes: readonly Named[]): Row[] {
	const each = themes.map(({ name, theme }) => ({
		name,
		count: theme.cases.length,
		accepted: theme.cases.filter(({ verdict }) => verdict?.accepted).length,
	}));
	const sum = (of: (row: Row) => number) => each.reduce((total, row) => total + of(row), 0);
	return [...each, { name: "all", count: sum((row) => row.count), accepted: sum((row) => row.accepted) }];
}

const percent = ({ count, accepted }: Row): string =>
	`${count === 0 ? 0 : Math.round((accepted / count) * 100)} %`;

/** Counts by theme, and in all, for a terminal. */
export function summary(themes: readonly Named[]): string {
	return rows(themes)
		.map(
			(row) => `${row.name.padEnd(20)} ${String(row.count).padStart(5)} programs, ${percent(row)} accepted`,
		)
		.join("\n");
}

/** The table of README.md. */
export function table(themes: readonly Named[]): string {
	const about = new Map(themes.map(({ name, theme }) => [name, theme.about.join(" ")]));
	return [
		"| theme | programs | accepted | what it asks |",
		"|---|---:|---:|---|",
		...rows(themes).map(
			(row) => `| ${row.name} | ${row.count} | ${percent(row)} | ${about.get(row.name) ?? ""} |`,
		),
	].join("\n");
}

/** README.md with its table made anew. */
export function withTable(readme: string, themes: readonly Named[]): string {
	return readme.replace(/^\| theme \|[\s\S]*?\n(?=\n|$)/m, `${table(themes)}\n`);
}
