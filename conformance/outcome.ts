import { conformanceInsns, HELPERS, parseDataFile, TailhopError, validate } from "@tailhop/core";
import { runBare } from "@tailhop/core/interpreter/index.ts";
import { runBareWasm } from "@tailhop/core/wasm/bare.ts";

export const ENGINES = ["interpreter", "wasm"] as const;
export type Engine = (typeof ENGINES)[number];

/** What became of one test file. Only "right" is the expected result; the others say who found what. */
export type OutcomeKind =
	/** r0 is the file's result. */
	| "right"
	/** It ran, and r0 is another value. */
	| "mismatch"
	/** The reader found no test in the file. */
	| "unreadable"
	/** The assembler refused the text. */
	| "unassembled"
	/** Validation found reserved fields in use. */
	| "reserved"
	/** Validation refused it for something else. */
	| "invalid"
	/** The run ended in a fault. */
	| "fault"
	/** The engine says that it does not run this. */
	| "unsupported";

export interface Outcome {
	readonly kind: OutcomeKind;
	/** The error, or what r0 was. */
	readonly detail: string;
}

/** Runs one `.data` file, with checks. */
export function outcomeOf(text: string, engine: Engine = "interpreter"): Outcome {
	const test = attempt("unreadable", () => parseDataFile(text));
	if ("kind" in test) return test;
	const insns = attempt("unassembled", () => conformanceInsns(test.value));
	if ("kind" in insns) return insns;
	const valid = attempt("invalid", () => validate(insns.value, { dialect: "conformance" }));
	if ("kind" in valid) return valid;
	const { memory } = test.value;
	const run = attempt("fault", () =>
		engine === "wasm"
			? runBareWasm(insns.value, { memory, helpers: HELPERS })
			: runBare(insns.value, { memory, callx: true, helpers: HELPERS }),
	);
	if ("kind" in run) return run;
	const { r0 } = run.value;
	return {
		kind: r0 === test.value.result ? "right" : "mismatch",
		detail: `r0 = 0x${r0.toString(16)}`,
	};
}

function attempt<T>(kind: OutcomeKind, action: () => T): { value: T } | Outcome {
	try {
		return { value: action() };
	} catch (error) {
		if (!(error instanceof TailhopError)) throw error;
		const exact =
			kind === "invalid" && error.detail?.reserved !== undefined
				? "reserved"
				: error.code === "machine/unsupported"
					? "unsupported"
					: kind;
		return { kind: exact, detail: `${error.code}: ${error.message}` };
	}
}

/** Counts by kind; every file is in one of them. */
export function count(outcomes: Iterable<Outcome>): Readonly<Record<OutcomeKind, number>> {
	const counts = {
		right: 0,
		mismatch: 0,
		unreadable: 0,
		unassembled: 0,
		reserved: 0,
		invalid: 0,
		fault: 0,
		unsupported: 0,
	};
	for (const { kind } of outcomes) counts[kind]++;
	return counts;
}
