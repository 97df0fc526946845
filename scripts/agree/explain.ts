import type { Report, Shown } from "./report.ts";

const UNWRITTEN =
	"the program shows an address or memory that nobody wrote: the machine's answer depends on where things lie";
const VARIES = "the kernel's answer varies from run to run";

/**
 * Names the cause of differences that are no disagreement, from a second run of all of it in which the machine's
 * memory lies elsewhere and is filled with another byte.
 */
export function explain(report: Report, again: Report): void {
	const others = new Map(numbered(again.differences));
	for (const [key, shown] of numbered(report.differences)) {
		const other = others.get(key);
		// it differed before and no more, while programs, packets and maps are the same
		if (other === undefined) shown.cause = VARIES;
		else if (sideOf(other, "machine") !== sideOf(shown, "machine")) shown.cause = UNWRITTEN;
		else if (sideOf(other, "kernel") !== sideOf(shown, "kernel")) shown.cause = VARIES;
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
