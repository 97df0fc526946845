import type { FuzzCase } from "./case.ts";
import { type Difference, type Engine, leaks, runCase } from "./engines.ts";

export interface Shrunk {
	readonly test: FuzzCase;
	readonly verdict: Difference;
}

/** Wall-clock milliseconds that one case may be shrunk for. */
const PATIENCE = 20_000;

/** A smaller case counts if the first engine still takes it and the engines differ in the same way. */
export async function shrink(
	test: FuzzCase,
	verdict: Difference,
	engines: readonly Engine[],
): Promise<Shrunk> {
	const small = await minimize(test, verdict, async (smaller) => {
		const found = await runCase(smaller, engines);
		if (found.kind !== "difference" || kindOf(found) !== kindOf(verdict)) return undefined;
		return showsAddress(found) || (await leaks(smaller, engines)) ? undefined : found;
	});
	return { test: small.test, verdict: small.found };
}

/**
 * Delta debugging over what a case is made of: steps, programs, lines, maps, map entries. `again` says what is found
 * in a smaller case, undefined where it is not the same any more.
 */
export async function minimize<Found>(
	test: FuzzCase,
	found: Found,
	again: (smaller: FuzzCase) => Promise<Found | undefined>,
): Promise<{ readonly test: FuzzCase; readonly found: Found }> {
	let best = { test, found };
	const until = Date.now() + PATIENCE;
	const attempt = async (smaller: FuzzCase): Promise<boolean> => {
		if (Date.now() > until) return false;
		try {
			const still = await again(smaller);
			if (still === undefined) return false;
			best = { test: smaller, found: still };
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
			await attempt(withoutProgram(best.test, name));
		}
		for (const name of Object.keys(best.test.programs)) {
			await reduce(
				() => best.test.programs[name]!.asm,
				(asm) =>
					attempt({
						...best.test,
						programs: { ...best.test.programs, [name]: { ...best.test.programs[name]!, asm } },
					}),
			);
		}
		await reduce(
			() => best.test.maps,
			(maps) => attempt({ ...best.test, maps }),
		);
		for (const map of best.test.maps) {
			const { entries: _, ...bare } = map;
			if (map.entries !== undefined) {
				await attempt({ ...best.test, maps: best.test.maps.map((each) => (each === map ? bare : each)) });
			}
		}
	}
	return best;
}

/** Removes chunks of a list, from halves to single items. */
export async function reduce<T>(
	list: () => readonly T[],
	attempt: (smaller: readonly T[]) => Promise<boolean>,
): Promise<void> {
	for (let chunk = Math.ceil(list().length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
		for (let at = Math.max(0, list().length - chunk); ; at -= chunk) {
			const from = Math.max(0, at);
			if (list().length > 0) await attempt([...list().slice(0, from), ...list().slice(from + chunk)]);
			if (at <= 0) break;
		}
	}
}

function withoutProgram(test: FuzzCase, name: string): FuzzCase {
	const { [name]: _, ...programs } = test.programs;
	const slots = Object.entries(test.slots ?? {}).map(([map, filled]) => [
		map,
		Object.fromEntries(Object.entries(filled).filter(([, program]) => program !== name)),
	]);
	return {
		...test,
		programs,
		slots: Object.fromEntries(slots),
		steps: test.steps.filter(
			(step) => !("run" in step && step.run === name) && !("slot" in step && step.program === name),
		),
	};
}

/** Faults differ from wrong results, and places from each other. */
function kindOf({ where, answers }: Difference): string {
	const starts = Object.values(answers).map(
		(answer) => /^(fault \S+|threw \S+|refused)/.exec(answer)?.[1] ?? "",
	);
	return [where, ...starts].join("|");
}

function sizeOf(test: FuzzCase): number {
	const lines = Object.values(test.programs).reduce((sum, { asm }) => sum + asm.length, 0);
	return lines + test.steps.length + test.maps.length;
}

/** Bytes of a kernel address in the kernel's answer: of a map, which stands at one address in every Machine. */
function showsAddress({ answers }: Difference): boolean {
	return /88ffff|c9ffff|[89a-f]ffffffff/.test(answers.kernel ?? "");
}
