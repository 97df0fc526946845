import type { Insn } from "../../isa/index.ts";
import { printState } from "../log/print-state.ts";
import { INSN } from "../program/aux.ts";
import { subprogramAt } from "../program/subprograms.ts";
import { markChainPrecision } from "../prune/precision.ts";
import { findPrevEntry, widenImprecise } from "../prune/visited.ts";
import { FUNC_STATE, REG_STATE, STATE } from "../state/layout.ts";
import { REG } from "../state/types.ts";
import { outsideRange, withinRange } from "./exit.ts";
import { checkGlobalArguments } from "./global.ts";
import { clearPacketPointers } from "./references.ts";
import { regAt, type VState, type Walk } from "./walk.ts";

const MAX_FRAMES = 8;

/** A fresh frame's registers: nothing but r10 (init_func_state). */
export function initFrame(w: Walk, frame: number, callsite: number, frameno: number, subprog: number): void {
	const { core } = w;
	core.set(frame, FUNC_STATE.CALLSITE, callsite);
	core.set(frame, FUNC_STATE.FRAMENO, frameno);
	core.set(frame, FUNC_STATE.SUBPROGNO, subprog);
	core.set(frame, FUNC_STATE.CALLBACK_RET_MIN, 0);
	core.set(frame, FUNC_STATE.CALLBACK_RET_MAX, 0);
	for (let i = 0; i < 11; i++) core.markNotInit(regAt(frame, i));
	const fp = regAt(frame, 10);
	core.markPointer(fp, REG.STACK);
	core.set(fp, REG_STATE.FRAMENO, frameno);
	w.scratchAll();
}

/** A frame for a callee in `state`; its address (setup_func_entry). */
export function enter(w: Walk, state: VState, subprog: number, callsite: number): number {
	const curframe = w.core.curframe(state.at);
	if (curframe + 1 >= MAX_FRAMES)
		w.env.log.reject("E2BIG", `the call stack of ${curframe + 2} frames is too deep`);
	const frame = w.core.pushFrame(state.at);
	initFrame(w, frame, callsite, curframe + 1, subprog);
	return frame;
}

/** r0 to r5 are unknown behind a call. */
export function clearCallerSaved(w: Walk, frame: number): void {
	for (let i = 0; i <= 5; i++) {
		w.scratch(i);
		w.core.markNotInit(regAt(frame, i));
	}
}

/** A call of a subprogram: a static one is walked into, a global one believed (check_func_call). */
export function checkCall(w: Walk, insn: Insn): void {
	const { core, env } = w;
	const { log } = env;
	const target = w.insnIdx + insn.imm + 1;
	const subprog = subprogramAt(env.subprograms, target);
	const callee = env.subprograms[subprog]!;
	const invalid = checkGlobalArguments(w, subprog);
	if (callee.global) {
		if (w.word(STATE.ACTIVE_LOCKS))
			log.reject(
				"EINVAL",
				"global function calls are not allowed while holding a lock,\nuse static function instead",
			);
		if (
			callee.mightSleep &&
			(w.word(STATE.ACTIVE_RCU_LOCKS) ||
				w.word(STATE.ACTIVE_PREEMPT_LOCKS) ||
				w.word(STATE.ACTIVE_IRQ_ID) ||
				!w.word(STATE.IN_SLEEPABLE))
		)
			log.reject(
				"EINVAL",
				"global functions that may sleep are not allowed in non-sleepable context,\ni.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context",
			);
		if (invalid !== undefined)
			log.reject(invalid, `Caller passes invalid args into func#${subprog} ('${callee.name}')`);
		if (log.walks) log.write(`Func#${subprog} ('${callee.name}') is global and assumed valid.\n`);
		if (callee.changesPacket) clearPacketPointers(w);
		callee.called = true;
		clearCallerSaved(w, w.frame());
		w.markUnknown(0);
		w.insnIdx++;
		return;
	}
	const frame = enter(w, w.cur, subprog, w.insnIdx);
	const caller = w.frame(w.curframe - 1);
	for (let i = 1; i <= 5; i++) core.copyReg(regAt(frame, i), regAt(caller, i));
	clearCallerSaved(w, caller);
	if (log.walks) {
		log.write(`caller:\n${printState(w, w.cur.at, w.curframe - 1)}\n`);
		log.write(`callee:\n${printState(w, w.cur.at, w.curframe)}\n`);
	}
	w.insnIdx = callee.start;
	w.liveness.resetChain();
}

/** Back to the caller, or to the helper that called back (prepare_func_exit). */
export function leave(w: Walk): void {
	const { core, env } = w;
	const { log } = env;
	w.liveness.update(w);
	const callee = w.frame();
	const caller = w.frame(w.curframe - 1);
	const r0 = regAt(callee, 0);
	if (core.type(r0) === REG.STACK) log.reject("EINVAL", "cannot return stack pointer to the caller");
	const callsite = core.get(callee, FUNC_STATE.CALLSITE);
	const callback = core.get(callee, FUNC_STATE.IN_CALLBACK_FN) !== 0;
	if (callback) {
		if (!core.isScalar(r0)) log.reject("EACCES", "R0 not a scalar value");
		markChainPrecision(w, 0);
		const range = {
			min: core.getSigned(callee, FUNC_STATE.CALLBACK_RET_MIN),
			max: core.getSigned(callee, FUNC_STATE.CALLBACK_RET_MAX),
		};
		if (!withinRange(w, r0, range)) {
			log.write(`${outsideRange(w, r0, range, "At callback return")}\n`);
			log.reject("EINVAL", "");
		}
		if (!env.aux.has(callsite, INSN.CALLBACK))
			log.reject(
				"EFAULT",
				`verifier bug: in callback at ${callsite}, callsite ${callsite} does not call callback`,
			);
	} else core.copyReg(regAt(caller, 0), r0);
	w.insnIdx = callback ? callsite : callsite + 1;
	if (log.walks) {
		log.write(`returning from callee:\n${printState(w, w.cur.at, w.curframe)}\n`);
		log.write(`to caller at ${w.insnIdx}:\n${printState(w, w.cur.at, w.curframe - 1)}\n`);
	}
	core.popFrame(w.cur.at);
	w.liveness.resetChain();
	if (callback) {
		const previous = findPrevEntry(w, w.cur, w.insnIdx);
		if (previous !== undefined) widenImprecise(w, previous, w.cur);
	}
}
