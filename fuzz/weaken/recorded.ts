import { readTheme, themeNames } from "../verdicts/files.ts";
import { needsKernel, OurVerifier } from "../verdicts/ours.ts";

/** Programs of a million instructions. */
const SLOW: readonly string[] = ["loops", "limits"];
/** Instructions that ours walks of a program, which is no verdict then. */
const LIMIT = 50_000;

export interface Wrong {
	/** THEME/NAME. */
	readonly name: string;
	/** Programs looked at, this one included. */
	readonly programs: number;
	readonly ours: string;
}

/** OurVerifier programs of which our verifier accepts what Linux refused, or the other way round; the first `enough`. */
export function wrongVerdicts(enough: number, only?: ReadonlySet<string>): readonly Wrong[] {
	const verifier = new OurVerifier();
	const wrong: Wrong[] = [];
	let programs = 0;
	for (const theme of themeNames().filter((each) => !SLOW.includes(each)))
		for (const { program, verdict } of readTheme(theme).cases) {
			const name = `${theme}/${program.name}`;
			if (verdict === undefined || (only !== undefined && !only.has(name))) continue;
			if (needsKernel(program)) continue;
			programs++;
			let ours: string;
			try {
				const found = verifier.verify(program, { limit: LIMIT });
				if (found.unsupported !== undefined || found.accepted === verdict.accepted) continue;
				if (found.stats.insnsProcessed > LIMIT) continue;
				ours = found.accepted ? "accepted" : `${found.errno}: ${found.lastLine}`;
			} catch (error) {
				ours = `crash: ${(error as Error).message}`;
			}
			wrong.push({ name, programs, ours });
			if (wrong.length >= enough) return wrong;
		}
	return wrong;
}
