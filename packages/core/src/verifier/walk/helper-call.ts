import { helpersAllowed, helperTakesMap, takesFormat } from "../../helpers/index.ts";
import { HELPER_NAMES, type Insn, MAP_TYPE } from "../../isa/index.ts";
import { programAccess } from "../../maps/index.ts";
import {
	ACQUIRES,
	ACQUIRES_FROM_MAP,
	ARG,
	ASYNC_CALLBACKS,
	baseType,
	CHANGES_PKT_DATA,
	CONSTANT_KEY_MAPS,
	DYNPTR_REFS,
	type FuncProto,
	funcProto,
	NEEDS_BPF,
	needsPerfmon,
	PROGRAM_TYPES,
	PTR_CASTS,
	RESULT_IS_CPU,
	RESULT_UP_TO_SIZE,
	RET,
	SYNC_CALLBACKS,
	typeFlags,
} from "../data/index.ts";
import type { Env } from "../env.ts";
import { helperText } from "../log/print-insn.ts";
import { markChainPrecision } from "../prune/precision.ts";
import { FUNC_STATE, REG_STATE, STATE } from "../state/layout.ts";
import { FLAG, REG, typeName } from "../state/types.ts";
import { pushCallback } from "./callbacks.ts";
import { clearCallerSaved, leave } from "./calls.ts";
import { DYNPTR, DYNPTR_ID } from "./dynptr-slots.ts";
import { dynptrState, releaseDynptr } from "./dynptrs.ts";
import { type CallMeta, checkArgument } from "./helper-args.ts";
import { checkMemory } from "./memory.ts";
import { acquireReference, checkLeaks, clearPacketPointers, releaseAndInvalidate } from "./references.ts";
import { maybeNull, type Walk } from "./walk.ts";

const TAIL_CALL = 12;
const GET_LOCAL_STORAGE = 81;
const LOOP = 181;
const DYNPTR_FROM_MEM = 197;
const DYNPTR_WRITE = 202;
const DYNPTR_DATA = 203;
const SNPRINTF = 165;
/** Map operations that change a map. */
const WRITES_MAP: readonly number[] = [2, 3, 87, 88];
const MAX_ERRNO = 4095;

/** A call of a helper (check_helper_call). */
export function checkHelperCall(w: Walk, insn: Insn): void {
	const { core, env } = w;
	const { log } = env;
	const func = insn.imm;
	const text = `${helperText(func)}#${func}`;
	if (func < 0 || func >= HELPER_NAMES.length) log.reject("EINVAL", `invalid func ${text}`);
	const proto =
		allowedProto(env, func) ?? log.reject("EINVAL", `program of this type cannot use helper ${text}`);
	if (!env.gpl && proto.gplOnly)
		log.reject("EINVAL", "cannot call GPL-restricted function from non-GPL compatible program");
	if (proto.mightSleep) {
		if (w.word(STATE.IN_SLEEPABLE) === 0)
			log.reject("EINVAL", "helper call might sleep in a non-sleepable prog");
		for (const [word, where] of [
			[STATE.ACTIVE_RCU_LOCKS, "rcu_read_lock"],
			[STATE.ACTIVE_PREEMPT_LOCKS, "non-preemptible"],
			[STATE.ACTIVE_IRQ_ID, "IRQ-disabled"],
		] as const)
			if (w.word(word)) log.reject("EINVAL", `sleepable helper ${text} in ${where} region`);
	}
	const meta: CallMeta = {
		func,
		proto,
		raw: false,
		size: 0,
		regno: 0,
		map: undefined,
		mapUid: 0,
		constKey: -1,
		sizeMax: 0,
		memSize: 0,
		refObjId: 0,
		releaseRegno: 0,
		subprog: 0,
	};
	for (let i = 0; i < 5; i++) checkArgument(w, i, meta);
	recordMap(w, meta);
	for (let i = 0; i < meta.size; i++) checkMemory(w, meta.regno, i, 1, "write", -1);
	if (meta.releaseRegno !== 0) release(w, meta, text);

	let changesPacket = CHANGES_PKT_DATA.has(func);
	let dynptr = 0;
	const sync = SYNC_CALLBACKS[func] !== undefined;
	if (func === TAIL_CALL) {
		checkLeaks(w, "tail_call", false, true);
	} else if (func === GET_LOCAL_STORAGE) {
		if (!core.isNull(w.reg(2))) log.reject("EINVAL", "get_local_storage() doesn't support non-zero flags");
	} else if (func === LOOP) loop(w, meta);
	else if (sync || ASYNC_CALLBACKS[func] !== undefined) pushCallback(w, meta, !sync);
	else if (func === DYNPTR_FROM_MEM) {
		if (w.type(1) !== REG.MAP_VALUE)
			log.reject("EACCES", `Unsupported reg type ${typeName(w.type(1))} for bpf_dynptr_from_mem data`);
	} else if (func === DYNPTR_DATA) {
		const state = dynptrState(w, 1);
		dynptr = core.get(state, REG_STATE.ID);
		meta.refObjId = core.get(state, REG_STATE.REF_OBJ_ID);
	} else if (func === DYNPTR_WRITE) {
		const kind = core.get(dynptrState(w, 1), REG_STATE.AUX);
		if (kind === DYNPTR.SKB || kind === DYNPTR.SKB_META) changesPacket = true;
	} else if (func === SNPRINTF) checkFormat(w);

	clearCallerSaved(w, w.frame());
	setResult(w, meta, dynptr);
	if (meta.map !== undefined && !takesMap(w, meta))
		log.reject("EINVAL", `cannot pass map_type ${meta.map.map.type} into func ${text}`);
	if (func === TAIL_CALL) {
		if (w.curframe > 0) {
			returnFromTailCall(w);
			return;
		}
		changesPacket = false;
	}
	if (changesPacket) clearPacketPointers(w);
	w.insnIdx++;
}

/** Arguments of bpf_snprintf are an array of u64 in r5 bytes; the format (r3) is a constant that ends. */
function checkFormat(w: Walk): void {
	const { core } = w;
	const { log } = w.env;
	const size = core.tnumValue(w.reg(5));
	if (size % 8n !== 0n) log.reject("EINVAL", "");
	const reg = w.reg(3);
	const bytes = w.mapOf(reg).map.initial ?? new Uint8Array(0);
	const text = bytes.subarray(core.getSigned(reg, REG_STATE.OFF) + core.constLow(reg));
	if (!takesFormat(text.subarray(0, text.indexOf(0)), Number(size / 8n)))
		log.reject("EINVAL", "Invalid format string");
}

/** Some messages of the kernel lack their newline. */
function rejectWithoutNewline(w: Walk, message: string): never {
	w.env.log.write(message);
	return w.env.log.reject("EINVAL", "");
}

/** The prototype of a helper that this program may call; undefined: it may not (get_helper_proto). */
export function allowedProto(env: Env, func: number): FuncProto | undefined {
	const { bpf, ptrLeaks } = env.privileges;
	const allowed =
		helpersAllowed(env.type, env.attachType)?.has(func) === true &&
		(bpf || !NEEDS_BPF.has(func)) &&
		(ptrLeaks || !needsPerfmon(func, env.type));
	return allowed ? funcProto(func, env.type, env.attachType) : undefined;
}

/** record_func_map and record_func_key. */
function recordMap(w: Walk, { func, map }: CallMeta): void {
	const { log } = w.env;
	if (map !== undefined && programAccess(map.map) === "r" && WRITES_MAP.includes(func))
		log.reject("EACCES", "write into map forbidden");
	if (func !== TAIL_CALL) return;
	const array =
		(map?.map.type === MAP_TYPE.PROG_ARRAY ? map : undefined) ??
		rejectWithoutNewline(w, "expected prog array map for tail call");
	const key = w.reg(3);
	const { core } = w;
	const slot =
		core.isScalar(key) && core.isConst(key) ? core.unsignedNumber(key, REG_STATE.TNUM_VALUE) : undefined;
	const isStatic = slot !== undefined && slot < array.map.maxEntries;
	if (isStatic) markChainPrecision(w, 3);
	noteTailCall(w, array.index, isStatic ? slot : undefined);
}

/** What was the same on every path so far; what differs once is unknown for good. */
function noteTailCall({ env, insnIdx: insn }: Walk, map: number, slot: number | undefined): void {
	const known = env.tailCalls.get(insn) ?? { insn, map, ...(slot === undefined ? {} : { slot }) };
	env.tailCalls.set(insn, {
		insn,
		...(known.map === map ? { map } : {}),
		...(slot === undefined || known.slot !== slot ? {} : { slot }),
	});
}

function release(w: Walk, { releaseRegno, proto, refObjId }: CallMeta, text: string): void {
	const argType = proto.args[releaseRegno - 1]!.type;
	let done = true;
	if (baseType(argType) === ARG.PTR_TO_DYNPTR) releaseDynptr(w, releaseRegno);
	else if (refObjId !== 0) done = releaseAndInvalidate(w, refObjId);
	else done = w.core.isNull(w.reg(releaseRegno));
	if (!done) w.env.log.reject("EINVAL", `func ${text} reference has not been acquired before`);
}

/** A tail call in a subprogram: where it succeeds, its caller goes on with another program's result. */
function returnFromTailCall(w: Walk): void {
	w.push(w.insnIdx + 1, w.insnIdx);
	clearPacketPointers(w);
	w.markUnknown(0);
	leave(w);
}

function loop(w: Walk, meta: CallMeta): void {
	const { core } = w;
	const zeroFlags = core.isNull(w.reg(4));
	if (zeroFlags) markChainPrecision(w, 4);
	w.env.noteLoop(w.insnIdx, zeroFlags, meta.subprog);
	markChainPrecision(w, 1);
	const frame = w.frame();
	if (core.get(frame, FUNC_STATE.CALLBACK_DEPTH) < core.unsignedNumber(w.reg(1), REG_STATE.UMAX)) {
		pushCallback(w, meta, false);
		return;
	}
	core.set(frame, FUNC_STATE.CALLBACK_DEPTH, 0);
	if (w.env.log.states) w.env.log.write(`frame${w.curframe} bpf_loop iteration limit reached\n`);
}

/** r0 by what the helper returns. */
function setResult(w: Walk, meta: CallMeta, dynptr: number): void {
	const { core, env } = w;
	const { func, proto } = meta;
	const reg = w.reg(0);
	let flags = typeFlags(proto.ret.type);
	const pointer = (kind: number) => {
		core.clearReg(reg);
		core.markPointer(reg, kind | flags);
	};
	switch (baseType(proto.ret.type)) {
		case RET.INTEGER:
			w.markUnknown(0);
			break;
		case RET.VOID:
			core.set(reg, REG_STATE.TYPE, REG.NOT_INIT);
			break;
		case RET.PTR_TO_MAP_VALUE: {
			const map = meta.map ?? env.notModelled("a map value without a map");
			const { type, maxEntries } = map.map;
			const elides = CONSTANT_KEY_MAPS.has(type);
			if (func === 1 && elides && meta.constKey >= 0 && meta.constKey < maxEntries) flags &= ~FLAG.MAYBE_NULL;
			pointer(REG.MAP_VALUE);
			core.set(reg, REG_STATE.AUX, map.index);
			core.set(reg, REG_STATE.RANGE, meta.mapUid);
			const locks = map.fields.some(({ name }) => name === "bpf_spin_lock" || name === "bpf_res_spin_lock");
			if (!(flags & FLAG.MAYBE_NULL) && locks) core.set(reg, REG_STATE.ID, w.newId());
			break;
		}
		case RET.PTR_TO_SOCKET:
			pointer(REG.SOCKET);
			break;
		case RET.PTR_TO_SOCK_COMMON:
			pointer(REG.SOCK_COMMON);
			break;
		case RET.PTR_TO_TCP_SOCK:
			pointer(REG.TCP_SOCK);
			break;
		case RET.PTR_TO_MEM:
			pointer(REG.MEM);
			core.set(reg, REG_STATE.AUX, meta.memSize);
			break;
		case RET.PTR_TO_BTF_ID:
			pointer(REG.BTF_ID);
			core.set(reg, REG_STATE.AUX, env.structId(proto.ret.btf ?? ""));
			break;
		default:
			env.notModelled(`result of helper ${helperText(func)}`);
	}
	if (maybeNull(core.type(reg))) core.set(reg, REG_STATE.ID, w.newId());
	if (DYNPTR_REFS.has(func)) core.set(reg, DYNPTR_ID, dynptr);
	const fromMap =
		func === ACQUIRES_FROM_MAP.helper &&
		meta.map !== undefined &&
		ACQUIRES_FROM_MAP.mapTypes.has(meta.map.map.type);
	if (PTR_CASTS.has(func) || DYNPTR_REFS.has(func)) core.set(reg, REG_STATE.REF_OBJ_ID, meta.refObjId);
	else if (ACQUIRES.has(func) || fromMap) {
		const id = acquireReference(w);
		core.set(w.reg(0), REG_STATE.ID, id);
		core.set(w.reg(0), REG_STATE.REF_OBJ_ID, id);
	}
	refineResult(w, meta);
}

/** do_refine_retval_range. */
function refineResult(w: Walk, { func, sizeMax }: CallMeta): void {
	const { core } = w;
	const reg = w.reg(0);
	if (RESULT_UP_TO_SIZE.has(func)) {
		core.setSignedRange(reg, BigInt(-MAX_ERRNO), BigInt(sizeMax));
		core.setSigned32Range(reg, -MAX_ERRNO, sizeMax);
		core.boundsSync(reg);
	} else if (RESULT_IS_CPU.has(func)) {
		const last = w.env.object.target.cpus - 1;
		core.setUnsignedRange(reg, 0n, BigInt(last));
		core.setUnsigned32Range(reg, 0, last);
		core.setSignedRange(reg, 0n, BigInt(last));
		core.setSigned32Range(reg, 0, last);
		core.boundsSync(reg);
	}
}

/** check_map_func_compatibility. */
function takesMap(w: Walk, { func, map }: CallMeta): boolean {
	const type = map!.map.type;
	if (!helperTakesMap(func, type)) return false;
	if (type !== MAP_TYPE.SOCKMAP && type !== MAP_TYPE.SOCKHASH) return true;
	const sockmap = PROGRAM_TYPES[w.env.type]?.sockmap;
	// a program may change it only where no lock of sockets is held
	if (func === 2) return sockmap === "update";
	return true;
}
