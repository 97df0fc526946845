import type { Helper, HelperImplementation, HelperPrototype } from "./types.ts";

/** The helpers of a family that have an implementation, by id; its other prototypes stay without. */
export function implement(
	prototypes: readonly HelperPrototype[],
	implementations: Readonly<Record<number, HelperImplementation>>,
): readonly Helper[] {
	return prototypes.flatMap((prototype) => {
		const run = implementations[prototype.id];
		return run === undefined ? [] : [{ prototype, run }];
	});
}
