import type { Report, Shown } from "./report.ts";

const UNWRITTEN = "the program shows an address, or memory that nobody wrote";
const VARIES = "the kernel's answer varies from run to run";

/**
 * Names the cause of differences that are no disagreement, from two more runs of all of it on the interpreter: as
 * ever (for the interpreter that is the report itself), and where the machine's memory lies elsewhere and unwritten
 * stack reads as another byte.
 */
export function explain(report: Report, here: Report, elsewhere: Report): void {
	const [one, other] = [new Map(numbered(here.differences)), new Map(numbered(elsewhere.differences))];
	for (const [key, shown] of numbered(report.differences)) {
		const [a, b] = [one.get(key), other.get(key)];
		if (a === undefined) continue;
		// it differed before and no more, while programs, packets and maps are the same
		if (b === undefined) shown.cause = VARIES;
		else if (sideOf(a, "machine") !== sideOf(b, "machine")) shown.cause = UNWRITTEN;
		else if (sideOf(a, "kernel") !== sideOf(b, "kernel")) shown.cause = VARIES;
	}
}

/** By where it was found, and a number for those of one place. */
function numbered(differences: readonly Shown[]): [string, Shown][] {
	const counts = new Map<string, number>();
	return differences.map((shown) => {
		const place = [shown.program, shown.packet, shown.round, shown.what].join("|");
		const count = counts.get(place) ?? 0;
		counts.set(place, count + 1);
		return [`${place}|${count}`, shown];
	});
}

const sideOf = ({ text }: Shown, side: string) => new RegExp(`${side} (\\S+)`).exec(text)?.[1];
