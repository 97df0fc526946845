import { describe, expect, it } from "vitest";
import { addCounts, type Counts, describeCounts, emptyCounts, neverAsked } from "./counts.ts";

const counts = (some: Partial<Counts>): Counts => ({ ...emptyCounts(), ...some });

describe("the line of counts", () => {
	it("names every engine, and the reasons of what could not be compared, the most frequent first", () => {
		const sum = emptyCounts();
		addCounts(
			sum,
			counts({
				engines: { interpreter: 10, kernel: 3 },
				rejected: 2,
				events: 4,
				notComparable: { clock: 1 },
			}),
		);
		addCounts(sum, counts({ engines: { interpreter: 5, wasm: 5 }, notComparable: { random: 3, clock: 1 } }));
		addCounts(sum, counts({ engines: { interpreter: 1 }, events: 1, noKernel: { "not Linux": 1 } }));
		expect(describeCounts(sum)).toBe(
			"cases: interpreter 16, wasm 5, kernel 3 and 2 refused as expected, 5 events compared, " +
				"not comparable 5 (3 random; 2 clock), without a kernel 1 (1 not Linux)",
		);
	});

	it("says zero where nothing ran", () => {
		expect(describeCounts(emptyCounts())).toBe("cases: interpreter 0, kernel 0");
	});
});

it("a kernel that nobody asked is noticed, unless every case says why", () => {
	expect(neverAsked(emptyCounts())).toBe(true);
	expect(neverAsked(counts({ engines: { interpreter: 2 }, notComparable: { clock: 1 } }))).toBe(true);
	expect(neverAsked(counts({ engines: { interpreter: 2 }, notComparable: { clock: 2 } }))).toBe(false);
	expect(neverAsked(counts({ engines: { interpreter: 2, kernel: 1 } }))).toBe(false);
	expect(neverAsked(counts({ rejected: 1 }))).toBe(false);
});
