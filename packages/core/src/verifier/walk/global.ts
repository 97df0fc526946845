import { ARG } from "../data/index.ts";
import { type Argument, type BadPrototype, functionArguments } from "../program/arguments.ts";
import { type Errno, Rejection } from "../reject.ts";
import { REG_STATE } from "../state/layout.ts";
import { FLAG, REG } from "../state/types.ts";
import { DYNPTR } from "./dynptr-slots.ts";
import { checkDynptr, markDynptr } from "./dynptrs.ts";
import { checkOffset, checkType } from "./helper-args.ts";
import { checkHelperMemory } from "./helper-memory.ts";
import { markNotNull } from "./nulls.ts";
import { maybeNull, type Walk } from "./walk.ts";

const isBad = (found: readonly Argument[] | BadPrototype): found is BadPrototype => "errno" in found;

/**
 * What a caller passes must be what the callee's BTF says; an errno if it isn't (btf_check_subprog_call). Of a static
 * function it says nothing more than that its BTF is not to be believed.
 */
export function checkGlobalArguments(w: Walk, subprog: number): Errno | undefined {
	const { env } = w;
	const { log } = env;
	if (!env.hasFuncInfo || env.unreliable.has(subprog)) return "EINVAL";
	const found = functionArguments(env, subprog);
	let errno: Errno | undefined;
	if (isBad(found)) {
		if (found.message !== undefined) log.write(`${found.message}\n`);
		errno = found.errno;
	} else {
		try {
			for (const [i, argument] of found.entries()) checkOne(w, i, argument);
		} catch (error) {
			if (!(error instanceof Rejection)) throw error;
			errno = error.errno;
		}
	}
	if (errno !== undefined) env.unreliable.add(subprog);
	return errno;
}

function checkOne(w: Walk, i: number, argument: Argument): void {
	const { core } = w;
	const { log } = w.env;
	const regno = i + 1;
	const reg = w.reg(regno);
	switch (argument.kind) {
		case "scalar":
			if (!core.isScalar(reg)) log.reject("EINVAL", `R${regno} is not a scalar`);
			return;
		case "ctx":
			checkOffset(w, regno, ARG.DONTCARE);
			if (core.type(reg) !== REG.CTX) log.reject("EINVAL", `arg#${i} expects pointer to ctx`);
			return;
		case "mem":
			checkOffset(w, regno, ARG.DONTCARE);
			try {
				checkMemoryArgument(w, regno, argument.size);
			} catch (error) {
				if (!(error instanceof Rejection)) throw error;
				throw new Rejection("EINVAL");
			}
			if (!argument.nullable && maybeNull(core.type(reg)))
				log.reject("EINVAL", `arg#${i} is expected to be non-NULL`);
			return;
		case "struct": {
			if (argument.nullable && core.isNull(reg)) return;
			const type = ARG.PTR_TO_BTF_ID | FLAG.TRUSTED | (argument.nullable ? FLAG.MAYBE_NULL : 0);
			checkType(w, regno, type, { func: 0 }, argument.struct);
			checkOffset(w, regno, type);
			return;
		}
		case "dynptr":
			checkOffset(w, regno, ARG.PTR_TO_DYNPTR);
			checkDynptr(w, regno, ARG.PTR_TO_DYNPTR | FLAG.RDONLY);
	}
}

/** check_mem_reg: as if it were not null, and whoever is called reads and writes it. */
function checkMemoryArgument(w: Walk, regno: number, size: number): void {
	const { core } = w;
	const reg = w.reg(regno);
	if (core.isNull(reg)) return;
	const saved = core.scratch(4);
	const nullable = maybeNull(core.type(reg));
	if (nullable) {
		core.copyReg(saved, reg);
		markNotNull(w, reg);
	}
	try {
		checkHelperMemory(w, regno, size, "read", true, undefined);
		checkHelperMemory(w, regno, size, "write", true, undefined);
	} finally {
		if (nullable) core.copyReg(reg, saved);
	}
}

/** What a global subprogram that is verified alone finds in its arguments. */
export function setArguments(w: Walk, subprog: number): void {
	const { core, env } = w;
	const found = functionArguments(env, subprog);
	const list = isBad(found) ? env.log.reject(found.errno, found.message ?? "") : found;
	for (const [i, argument] of list.entries()) {
		const reg = w.reg(i + 1);
		switch (argument.kind) {
			case "scalar":
				w.markUnknown(i + 1);
				break;
			case "ctx":
				core.markPointer(reg, REG.CTX);
				break;
			case "struct":
				core.markPointer(reg, REG.BTF_ID | FLAG.TRUSTED | (argument.nullable ? FLAG.MAYBE_NULL : 0));
				core.set(reg, REG_STATE.AUX, env.structId(argument.struct));
				core.set(reg, REG_STATE.ID, w.newId());
				break;
			case "dynptr":
				markDynptr(w, reg, DYNPTR.LOCAL, true, w.newId());
				break;
			case "mem":
				core.markPointer(reg, REG.MEM | (argument.nullable ? FLAG.MAYBE_NULL : 0));
				core.set(reg, REG_STATE.AUX, argument.size);
				if (argument.nullable) core.set(reg, REG_STATE.ID, w.newId());
		}
	}
}
