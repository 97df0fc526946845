import {
	type LinkedObject,
	type LinkedProgram,
	readBtf,
	type Verdict,
	type VerifyOptions,
	verify,
} from "@tailhop/core";
import { debugInfo } from "../../packages/kernel/src/debug-info.ts";
import { type FuzzCase, link } from "../case.ts";
import { type Engine, runCase } from "../engines.ts";
import { openInterpreterSide } from "../harness.ts";

/** No generated program takes as many; may_goto's loops do, and are no fault. */
const BUDGET = 200_000;
/** may_goto may go at any time, and does after so many rounds. */
const MAY_GOTO = 64;
/** Instructions that our verifier walks at most. */
const LIMIT = 20_000;
/** These say nothing of the verifier. */
const NO_FAULT: readonly string[] = ["fault/budget", "fault/unimplemented"];

export type Soundness =
	| { readonly kind: "refused"; readonly errno: string; readonly line: string; readonly log: string }
	| { readonly kind: "unsupported"; readonly what: string }
	/** Accepted, and nothing went wrong. */
	| { readonly kind: "held"; readonly runs: number }
	/** Accepted, and an access, an argument, a register was wrong when it ran. */
	| { readonly kind: "unsound"; readonly code: string; readonly message: string; readonly step: number };

/** A program with the BTF of its functions, as the kernel bridge gives it to the kernel. */
export function withFunctionTypes(
	linked: LinkedObject,
): readonly (readonly [program: LinkedProgram, options: VerifyOptions])[] {
	const info = debugInfo(linked);
	if (info === undefined) return linked.programs.map((program) => [program, {}]);
	const btf = readBtf(info.btf);
	return linked.programs.map((program) => {
		const { funcInfo } = info.ofProgram(program);
		const ids = new Uint32Array(funcInfo!.slice().buffer);
		const functions = program.functions.map((each, i) => ({ ...each, typeId: ids[2 * i + 1]! }));
		return [{ ...program, functions }, { btf }];
	});
}

/** What our verifier says of each program. */
export function verdicts(linked: LinkedObject, options: VerifyOptions = {}): readonly Verdict[] {
	return withFunctionTypes(linked).map(([program, types]) =>
		verify(linked, program, { limit: LIMIT, ...options, ...types }),
	);
}

/** Verifies a case's programs; accepted ones run step by step in the checked interpreter. */
export async function check(test: FuzzCase): Promise<Soundness> {
	const linked = link(test);
	for (const verdict of verdicts(linked)) {
		if (verdict.unsupported !== undefined) return { kind: "unsupported", what: verdict.unsupported };
		const { accepted, errno = "", lastLine: line, log } = verdict;
		if (!accepted) return { kind: "refused", errno, line, log };
	}
	let unsound: Soundness | undefined;
	const engine: Engine = {
		name: "interpreter",
		async load(object) {
			const side = await openInterpreterSide(object, { budget: BUDGET, environment: { mayGoto: MAY_GOTO } });
			let runs = 0;
			return {
				...side,
				run(program, input) {
					const step = runs++;
					const outcome = side.run(program, input);
					if (outcome.kind === "fault" && !NO_FAULT.includes(outcome.code))
						unsound ??= { kind: "unsound", code: outcome.code, message: outcome.message, step };
					return outcome;
				},
			};
		},
	};
	const verdict = await runCase(test, [engine]);
	return unsound ?? { kind: "held", runs: verdict.kind === "agreed" ? verdict.runs : 0 };
}
