import type { FuzzCase } from "../case.ts";
import { reduce } from "../shrink.ts";
import { check, type Soundness } from "./check.ts";

type Unsound = Extract<Soundness, { kind: "unsound" }>;

export interface Finding {
	readonly test: FuzzCase;
	readonly found: Unsound;
}

/** Wall-clock milliseconds that one finding may be shrunk for. */
const PATIENCE = 20_000;

/** Fewer lines, steps and maps, as long as our verifier accepts it and it still ends in a fault of the same kind. */
export async function shrink(test: FuzzCase, found: Unsound): Promise<Finding> {
	let best: Finding = { test, found };
	const until = Date.now() + PATIENCE;
	const attempt = async (smaller: FuzzCase): Promise<boolean> => {
		if (Date.now() > until) return false;
		try {
			const again = await check(smaller);
			if (again.kind !== "unsound" || again.code !== found.code) return false;
			best = { test: smaller, found: again };
			return true;
		} catch {
			// a label, a map or a program that something else needs is gone
			return false;
		}
	};
	for (let size = Number.POSITIVE_INFINITY; sizeOf(best.test) < size && Date.now() < until; ) {
		size = sizeOf(best.test);
		await reduce(
			() => best.test.steps,
			(steps) => attempt({ ...best.test, steps }),
		);
		for (const name of Object.keys(best.test.programs)) {
			const programs = (asm: readonly string[]) => ({
				...best.test.programs,
				[name]: { ...best.test.programs[name]!, asm },
			});
			await reduce(
				() => best.test.programs[name]!.asm,
				(asm) => attempt({ ...best.test, programs: programs(asm) }),
			);
		}
	}
	return best;
}

function sizeOf(test: FuzzCase): number {
	return Object.values(test.programs).reduce((sum, { asm }) => sum + asm.length, test.steps.length);
}
