import type { Errno } from "../reject.ts";
import type { Walk } from "./walk.ts";

/** What a caller passes must be what the callee's BTF says; an errno if not (btf_check_subprog_call). */
export function checkGlobalArguments(w: Walk, subprog: number): Errno | undefined {
	const callee = w.env.subprograms[subprog]!;
	if (callee.global) w.env.notModelled("global subprograms");
	return undefined;
}

/** What a global subprogram that is verified alone finds in its arguments. */
export function setArguments(w: Walk, subprog: number): void {
	w.env.notModelled(`global subprogram ${subprog}`);
}
