import { MAP_TYPE } from "../../isa/index.ts";
import { FUNC_STATE, REG_STATE, STATE } from "../state/layout.ts";
import { REG } from "../state/types.ts";
import { enter, initFrame } from "./calls.ts";
import { DYNPTR } from "./dynptr-slots.ts";
import { markDynptr } from "./dynptrs.ts";
import { checkGlobalArguments } from "./global.ts";
import type { CallMeta } from "./helper-args.ts";
import { regAt, VState, type Walk } from "./walk.ts";

/** Fills a callback's arguments from its caller's frame. */
type SetArguments = (w: Walk, caller: number, callee: number, meta: CallMeta) => void;

const FOR_EACH: readonly number[] = [
	MAP_TYPE.HASH,
	MAP_TYPE.ARRAY,
	MAP_TYPE.PERCPU_HASH,
	MAP_TYPE.PERCPU_ARRAY,
	MAP_TYPE.LRU_HASH,
	MAP_TYPE.LRU_PERCPU_HASH,
];

function mapPointer(w: Walk, reg: number, type: number, map: number, uid = 0): void {
	w.core.markPointer(reg, type);
	w.core.set(reg, REG_STATE.AUX, map);
	if (uid !== 0) w.core.set(reg, REG_STATE.RANGE, uid);
}

function returns(w: Walk, callee: number, min: number, max: number, async = false): void {
	w.core.set(callee, async ? FUNC_STATE.IN_ASYNC_CALLBACK_FN : FUNC_STATE.IN_CALLBACK_FN, 1);
	w.core.set(callee, FUNC_STATE.CALLBACK_RET_MIN, min);
	w.core.set(callee, FUNC_STATE.CALLBACK_RET_MAX, max);
}

/** By helper: for_each_map_elem, timer_set_callback, find_vma, loop, user_ringbuf_drain. */
const CALLBACKS: Readonly<Record<number, SetArguments>> = {
	164: (w, caller, callee, meta) => {
		const { core } = w;
		if (!FOR_EACH.includes(meta.map?.map.type ?? 0))
			w.env.log.reject("ENOTSUPP", "callback function not allowed for map");
		const map = core.get(regAt(caller, 1), REG_STATE.AUX);
		core.copyReg(regAt(callee, 1), regAt(caller, 1));
		mapPointer(w, regAt(callee, 2), REG.MAP_KEY, map);
		mapPointer(w, regAt(callee, 3), REG.MAP_VALUE, map);
		core.copyReg(regAt(callee, 4), regAt(caller, 3));
		returns(w, callee, 0, 1);
	},
	170: (w, caller, callee) => {
		const { core } = w;
		const map = core.get(regAt(caller, 1), REG_STATE.AUX);
		const uid = core.get(regAt(caller, 1), REG_STATE.RANGE);
		mapPointer(w, regAt(callee, 1), REG.MAP_PTR, map, uid);
		mapPointer(w, regAt(callee, 2), REG.MAP_KEY, map);
		mapPointer(w, regAt(callee, 3), REG.MAP_VALUE, map, uid);
		returns(w, callee, 0, 0, true);
	},
	180: (w, caller, callee) => {
		const { core } = w;
		core.copyReg(regAt(callee, 1), regAt(caller, 1));
		core.markPointer(regAt(callee, 2), REG.BTF_ID);
		core.set(regAt(callee, 2), REG_STATE.AUX, w.env.structId("vm_area_struct"));
		core.copyReg(regAt(callee, 3), regAt(caller, 4));
		returns(w, callee, 0, 1);
	},
	181: (w, caller, callee) => {
		w.core.markUnknown(regAt(callee, 1));
		w.core.copyReg(regAt(callee, 2), regAt(caller, 3));
		returns(w, callee, 0, 1);
	},
	209: (w, caller, callee) => {
		const { core } = w;
		markDynptr(w, regAt(callee, 1), DYNPTR.LOCAL, true, w.newId());
		core.copyReg(regAt(callee, 2), regAt(caller, 3));
		returns(w, callee, 0, 1);
	},
};

/** The callback is walked as something that may be called from here, again and again (push_callback_call). */
export function pushCallback(w: Walk, meta: CallMeta, async: boolean): void {
	const { core, env } = w;
	const set = CALLBACKS[meta.func] ?? env.notModelled(`callbacks of helper ${meta.func}`);
	checkGlobalArguments(w, meta.subprog);
	const subprogram = env.subprograms[meta.subprog]!;
	subprogram.isCallback = true;
	const caller = w.frame();
	if (async) {
		subprogram.isAsyncCallback = true;
		const state = new VState(core.newState());
		state.branches = 1;
		w.pending.push({
			state,
			insnIdx: subprogram.start,
			prevInsnIdx: w.insnIdx,
			logPosition: env.log.position,
			mark: w.mark,
		});
		const callee = core.frame(state.at, 0);
		initFrame(w, callee, -1, 0, meta.subprog);
		core.set(callee, FUNC_STATE.ASYNC_ENTRY_CNT, core.get(caller, FUNC_STATE.ASYNC_ENTRY_CNT) + 1);
		set(w, caller, callee, meta);
		return;
	}
	const state = w.push(subprogram.start, w.insnIdx);
	const callee = enter(w, state, meta.subprog, w.insnIdx);
	set(w, caller, callee, meta);
	core.set(state.at, STATE.CALLBACK_UNROLL_DEPTH, core.get(state.at, STATE.CALLBACK_UNROLL_DEPTH) + 1);
	const outer = core.frame(state.at, core.curframe(state.at) - 1);
	core.set(outer, FUNC_STATE.CALLBACK_DEPTH, core.get(outer, FUNC_STATE.CALLBACK_DEPTH) + 1);
	core.set(w.frame(), FUNC_STATE.CALLBACK_DEPTH, 0);
}
