/** Case number n of a seed, the same wherever it is made. */
import type { Original } from "./corpus.ts";
import { type Edit, type Places, randomEdits } from "./mutate.ts";
import { Random } from "./random.ts";

export interface CaseData {
	readonly index: number;
	readonly original: Original;
	readonly edits: readonly Edit[];
}

export function makeCase(
	originals: readonly (Original & { readonly places: Places | undefined })[],
	seed: number,
	index: number,
): CaseData {
	const random = new Random(seed, index);
	const original = random.pick(originals);
	const other = random.pick(originals);
	return { index, original, edits: randomEdits(random, original.bytes, original.places, other.bytes) };
}
