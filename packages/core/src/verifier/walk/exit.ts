import { exitRange } from "../data/index.ts";
import { markChainPrecision } from "../prune/precision.ts";
import { FUNC_STATE } from "../state/layout.ts";
import { typeName } from "../state/types.ts";
import type { Walk } from "./walk.ts";

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;

export interface Range {
	readonly min: number;
	readonly max: number;
}

export function withinRange(w: Walk, reg: number, { min, max }: Range): boolean {
	return w.core.smin(reg) >= BigInt(min) && w.core.smax(reg) <= BigInt(max);
}

/** verbose_invalid_scalar: what the number may be, and what it must. */
export function outsideRange(w: Walk, reg: number, { min, max }: Range, where: string, regno = 0): string {
	const smin = w.core.smin(reg);
	const smax = w.core.smax(reg);
	let has = "";
	if (smin > S64_MIN) has += ` smin=${smin}`;
	if (smax < S64_MAX) has += ` smax=${smax}`;
	return `${where} the register R${regno} has${has || " unknown scalar value"} should have been in [${min}, ${max}]`;
}

/** What r0 is where the program ends, or r1 where an exception ends it (check_return_code). */
export function checkReturn(w: Walk, regno = 0): void {
	const { core } = w;
	const { log, type, attachType } = w.env;
	const frame = w.frame();
	w.read(regno);
	if (w.isPointerValue(regno)) log.reject("EACCES", `R${regno} leaks addr as return value`);
	const reg = w.reg(regno);
	const async = core.get(frame, FUNC_STATE.IN_ASYNC_CALLBACK_FN) !== 0;
	let range: Range | undefined;
	let where = "At program exit";
	if (async) {
		where = "At async callback return";
		range = {
			min: core.getSigned(frame, FUNC_STATE.CALLBACK_RET_MIN),
			max: core.getSigned(frame, FUNC_STATE.CALLBACK_RET_MAX),
		};
	} else if (core.get(frame, FUNC_STATE.SUBPROGNO) !== 0) {
		if (!core.isScalar(reg))
			log.reject(
				"EINVAL",
				`At subprogram exit the register R${regno} is not a scalar value (${typeName(core.type(reg))})`,
			);
		return;
	} else range = exitRange(type, attachType);
	if (range === undefined) return;
	if (!core.isScalar(reg))
		log.reject(
			"EINVAL",
			`${where} the register R${regno} is not a known value (${typeName(core.type(reg))})`,
		);
	markChainPrecision(w, regno);
	if (withinRange(w, reg, range)) return;
	log.write(`${outsideRange(w, reg, range, where, regno)}\n`);
	log.reject("EINVAL", "");
}
