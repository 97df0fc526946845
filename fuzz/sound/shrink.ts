import type { FuzzCase } from "../case.ts";
import { minimize } from "../shrink.ts";
import { check, type Soundness } from "./check.ts";

type Unsound = Extract<Soundness, { kind: "unsound" }>;

export interface Finding {
	readonly test: FuzzCase;
	readonly found: Unsound;
}

/** As small as it can be while our verifier accepts it and it still ends in a fault of the same kind. */
export function shrink(test: FuzzCase, found: Unsound): Promise<Finding> {
	return minimize(test, found, async (smaller) => {
		const again = await check(smaller);
		return again.kind === "unsound" && again.code === found.code ? again : undefined;
	});
}
