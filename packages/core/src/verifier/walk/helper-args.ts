import { MAP_TYPE } from "../../isa/index.ts";
import { programAccess } from "../../maps/index.ts";
import { ARG, baseType, CONSTANT_KEY_MAPS, type FuncProto } from "../data/index.ts";
import { helperText } from "../log/print-insn.ts";
import type { UsedMap } from "../program/map-references.ts";
import { markChainPrecision, markSlotPrecise } from "../prune/precision.ts";
import { REG_STATE, STACK_SPILL, STACK_ZERO } from "../state/layout.ts";
import { FLAG, kindOf, REG, typeName } from "../state/types.ts";
import { beginsWith } from "./btf-access.ts";
import { mayAccessPacket } from "./context.ts";
import { checkDynptr, dynptrReference } from "./dynptrs.ts";
import { checkHelperMemory, checkMemorySize } from "./helper-memory.ts";
import { processSpinLock, specialFieldAt } from "./locks.ts";
import { checkAlignmentOf, checkMapValue, checkPtrOff } from "./memory.ts";
import type { RawMode } from "./stack.ts";
import { isPacket, maybeNull, type Walk } from "./walk.ts";

/** What the arguments so far have said (kernel: struct bpf_call_arg_meta). */
export interface CallMeta extends RawMode {
	readonly func: number;
	readonly proto: FuncProto;
	map: UsedMap | undefined;
	mapUid: number;
	/** A key that is a known number, else -1. */
	constKey: number;
	sizeMax: number;
	memSize: number;
	refObjId: number;
	releaseRegno: number;
	subprog: number;
}

const SOCKS = [REG.SOCK_COMMON, REG.SOCKET, REG.TCP_SOCK, REG.XDP_SOCK];
const MEMORY = [
	REG.STACK,
	REG.PACKET,
	REG.PACKET_META,
	REG.MAP_KEY,
	REG.MAP_VALUE,
	REG.MEM,
	REG.MEM | FLAG.RINGBUF,
	REG.BUF,
	REG.BTF_ID | FLAG.TRUSTED,
];
const SCALAR = [REG.SCALAR];

/** Registers that an argument takes, in the order in which the log names them (compatible_reg_types). */
const COMPATIBLE: Readonly<Record<number, readonly number[]>> = {
	[ARG.PTR_TO_MAP_KEY]: MEMORY,
	[ARG.PTR_TO_MAP_VALUE]: MEMORY,
	[ARG.CONST_SIZE]: SCALAR,
	[ARG.CONST_SIZE_OR_ZERO]: SCALAR,
	[ARG.CONST_ALLOC_SIZE_OR_ZERO]: SCALAR,
	[ARG.CONST_MAP_PTR]: [REG.MAP_PTR],
	[ARG.PTR_TO_CTX]: [REG.CTX],
	[ARG.PTR_TO_SOCK_COMMON]: SOCKS,
	[ARG.PTR_TO_BTF_ID_SOCK_COMMON]: [...SOCKS, REG.BTF_ID, REG.BTF_ID | FLAG.TRUSTED],
	[ARG.PTR_TO_SOCKET]: [REG.SOCKET],
	[ARG.PTR_TO_BTF_ID]: [REG.BTF_ID, REG.BTF_ID | FLAG.TRUSTED, REG.BTF_ID | FLAG.RCU],
	[ARG.PTR_TO_SPIN_LOCK]: [REG.MAP_VALUE, REG.BTF_ID | FLAG.ALLOC],
	[ARG.PTR_TO_MEM]: MEMORY,
	[ARG.PTR_TO_RINGBUF_MEM]: [REG.MEM | FLAG.RINGBUF],
	[ARG.PTR_TO_PERCPU_BTF_ID]: [
		REG.BTF_ID | FLAG.PERCPU,
		REG.BTF_ID | FLAG.PERCPU | FLAG.RCU,
		REG.BTF_ID | FLAG.PERCPU | FLAG.TRUSTED,
	],
	[ARG.PTR_TO_FUNC]: [REG.FUNC],
	[ARG.PTR_TO_STACK]: [REG.STACK],
	[ARG.PTR_TO_CONST_STR]: [REG.MAP_VALUE],
	[ARG.PTR_TO_TIMER]: [REG.MAP_VALUE],
	[ARG.KPTR_XCHG_DEST]: [REG.MAP_VALUE, REG.BTF_ID | FLAG.ALLOC],
	[ARG.PTR_TO_DYNPTR]: [REG.STACK, REG.DYNPTR],
};

/** One argument of a helper (check_func_arg). */
export function checkArgument(w: Walk, index: number, meta: CallMeta): void {
	const { core } = w;
	const { log } = w.env;
	const arg = meta.proto.args[index];
	if (arg === undefined || arg.type === ARG.DONTCARE) return;
	const regno = index + 1;
	w.read(regno);
	let argType = arg.type;
	if (argType === ARG.ANYTHING) {
		if (w.isPointerValue(regno)) log.reject("EACCES", `R${regno} leaks addr into helper function`);
		return;
	}
	const reg = w.reg(regno);
	const type = core.type(reg);
	if (isPacket(type) && !mayAccessPacket(w, "read", meta.proto.pktAccess))
		log.reject("EACCES", "helper access to the packet is not allowed");
	if (baseType(argType) === ARG.PTR_TO_MAP_VALUE) argType = mapArgument(w, meta, argType);
	if (!(core.isNull(reg) && argType & FLAG.MAYBE_NULL)) {
		checkType(w, regno, argType, meta, arg.btf);
		checkOffset(w, regno, argType);
	}
	if (argType & FLAG.RELEASE) checkRelease(w, regno, argType, meta);
	const ref = core.get(reg, REG_STATE.REF_OBJ_ID);
	if (ref !== 0 && baseType(argType) !== ARG.KPTR_XCHG_DEST) {
		if (meta.refObjId !== 0) {
			log.write(`more than one arg with ref_obj_id R${regno} ${ref} ${meta.refObjId}`);
			log.reject("EACCES", "");
		}
		meta.refObjId = ref;
	}
	checkValue(w, index, argType, meta);
}

function checkValue(w: Walk, index: number, argType: number, meta: CallMeta): void {
	const { core } = w;
	const { log } = w.env;
	const regno = index + 1;
	const reg = w.reg(regno);
	const access = argType & FLAG.WRITE ? "write" : "read";
	switch (baseType(argType)) {
		case ARG.CONST_MAP_PTR: {
			const map = w.mapOf(reg);
			const uid = core.get(reg, REG_STATE.RANGE);
			if (meta.map !== undefined && (meta.map !== map || meta.mapUid !== uid))
				log.reject(
					"EINVAL",
					`timer pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${uid}`,
				);
			meta.map = map;
			meta.mapUid = uid;
			return;
		}
		case ARG.PTR_TO_MAP_KEY: {
			const { map } = meta.map ?? log.reject("EACCES", "invalid map_ptr to access map->key");
			checkHelperMemory(w, regno, map.keySize, "read", false, undefined);
			if (CONSTANT_KEY_MAPS.has(map.type)) meta.constKey = constantKey(w, w.reg(regno), map.keySize);
			return;
		}
		case ARG.PTR_TO_MAP_VALUE: {
			if (argType & FLAG.MAYBE_NULL && core.isNull(reg)) return;
			const { map } = meta.map ?? log.reject("EACCES", "invalid map_ptr to access map->value");
			meta.raw = (argType & FLAG.UNINIT) !== 0;
			checkHelperMemory(w, regno, map.valueSize, access, false, meta);
			return;
		}
		case ARG.PTR_TO_PERCPU_BTF_ID:
			w.env.notModelled("per-CPU kernel variables");
			return;
		case ARG.PTR_TO_SPIN_LOCK:
			processSpinLock(w, regno, meta.func === 93);
			return;
		case ARG.PTR_TO_TIMER:
			processTimer(w, regno, meta);
			return;
		case ARG.PTR_TO_FUNC:
			meta.subprog = core.get(reg, REG_STATE.AUX);
			return;
		case ARG.PTR_TO_MEM: {
			meta.raw = (argType & FLAG.UNINIT) !== 0;
			if (!(argType & FLAG.FIXED_SIZE)) return;
			const size = meta.proto.args[index]!.size ?? 0;
			checkHelperMemory(w, regno, size, access, false, meta);
			if (argType & FLAG.ALIGNED) checkAlignmentOf(w, w.reg(regno), 0, size);
			return;
		}
		case ARG.CONST_SIZE:
		case ARG.CONST_SIZE_OR_ZERO: {
			const memory = meta.proto.args[index - 1]!.type;
			checkMemorySize(
				w,
				regno,
				memory & FLAG.WRITE ? "write" : "read",
				baseType(argType) === ARG.CONST_SIZE_OR_ZERO,
				meta,
			);
			return;
		}
		case ARG.PTR_TO_DYNPTR:
			checkDynptr(w, regno, argType);
			return;
		case ARG.CONST_ALLOC_SIZE_OR_ZERO:
			if (!core.isConst(reg)) log.reject("EACCES", `R${regno} is not a known constant'`);
			meta.memSize = core.constLow(reg) >>> 0;
			markChainPrecision(w, regno);
			return;
		case ARG.PTR_TO_CONST_STR:
			checkConstString(w, regno);
			return;
		case ARG.KPTR_XCHG_DEST:
			w.env.notModelled("kptr_xchg");
	}
}

/** What the value of this map is as an argument (resolve_map_arg_type). */
function mapArgument(w: Walk, meta: CallMeta, argType: number): number {
	const { log } = w.env;
	const { map } = meta.map ?? log.reject("EACCES", "invalid map_ptr to access map->type");
	if (map.type === MAP_TYPE.SOCKMAP || map.type === MAP_TYPE.SOCKHASH) {
		if (argType === ARG.PTR_TO_MAP_VALUE) return ARG.PTR_TO_BTF_ID_SOCK_COMMON;
		log.reject("EINVAL", "invalid arg_type for sockmap/sockhash");
	}
	if (map.type === MAP_TYPE.BLOOM_FILTER && meta.func === 89) return ARG.PTR_TO_MAP_VALUE;
	return argType;
}

/** check_reg_type. */
export function checkType(
	w: Walk,
	regno: number,
	argType: number,
	meta: Pick<CallMeta, "func">,
	struct: string | undefined,
): void {
	const { log } = w.env;
	const whole = w.type(regno);
	let type = whole;
	if (argType & FLAG.RDONLY) type &= ~FLAG.RDONLY;
	if (argType & FLAG.MAYBE_NULL) type &= ~FLAG.MAYBE_NULL;
	const compatible = COMPATIBLE[baseType(argType)] ?? w.env.notModelled(`argument kind ${baseType(argType)}`);
	if (!compatible.includes(type))
		log.reject("EACCES", `R${regno} type=${typeName(whole)} expected=${compatible.map(typeName).join(", ")}`);
	if (kindOf(whole) !== REG.BTF_ID) return;
	if (compatible === MEMORY) {
		if (!(argType & FLAG.RDONLY))
			log.reject(
				"EACCES",
				`${helperText(meta.func)}() may write into memory pointed by R${regno} type=${typeName(whole)}`,
			);
		return;
	}
	if (maybeNull(whole) && (!(argType & FLAG.MAYBE_NULL) || argType & FLAG.RELEASE))
		log.reject("EACCES", `Possibly NULL pointer passed to helper arg${regno}`);
	const name = w.btfName(w.core.get(w.reg(regno), REG_STATE.AUX));
	const expected =
		struct ?? (baseType(argType) === ARG.PTR_TO_BTF_ID_SOCK_COMMON ? "sock_common" : undefined);
	const moved = w.core.getSigned(w.reg(regno), REG_STATE.OFF);
	if (expected !== undefined && !beginsWith(w, name, expected, moved))
		log.reject("EACCES", `R${regno} is of type ${name} but ${expected} is expected`);
}

/** check_func_arg_reg_off: which pointers may have been moved. */
export function checkOffset(w: Walk, regno: number, argType: number): void {
	const { core } = w;
	const reg = w.reg(regno);
	const type = core.type(reg);
	if (argType & FLAG.RELEASE) {
		if (baseType(argType) === ARG.PTR_TO_DYNPTR && type === REG.STACK) return;
		if (core.getSigned(reg, REG_STATE.OFF) !== 0)
			w.env.log.reject(
				"EINVAL",
				`R${regno} must have zero offset when passed to release func or trusted arg to kfunc`,
			);
		checkPtrOff(w, reg, regno);
		return;
	}
	switch (type) {
		case REG.STACK:
		case REG.PACKET:
		case REG.PACKET_META:
		case REG.MAP_KEY:
		case REG.MAP_VALUE:
		case REG.MEM:
		case REG.MEM | FLAG.RDONLY:
		case REG.MEM | FLAG.RINGBUF:
		case REG.BUF:
		case REG.BUF | FLAG.RDONLY:
		case REG.ARENA:
		case REG.SCALAR:
			return;
	}
	checkPtrOff(w, reg, regno, kindOf(type) === REG.BTF_ID);
}

function checkRelease(w: Walk, regno: number, argType: number, meta: CallMeta): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	if (baseType(argType) === ARG.PTR_TO_DYNPTR) {
		if (core.type(reg) !== REG.STACK) log.reject("EINVAL", "cannot release unowned const bpf_dynptr");
		if (dynptrReference(w, regno) === 0) log.reject("EINVAL", `arg ${regno} is an unacquired reference`);
	} else if (core.get(reg, REG_STATE.REF_OBJ_ID) === 0 && !core.isNull(reg))
		log.reject("EINVAL", `R${regno} must be referenced when passed to release function`);
	meta.releaseRegno = regno;
}

/** The number that the key on the stack is known to be; -1: it isn't (get_constant_map_key). */
function constantKey(w: Walk, reg: number, size: number): number {
	const { core } = w;
	if (!w.env.privileges.bpf || core.type(reg) !== REG.STACK || !core.isConst(reg)) return -1;
	const slot = -(core.getSigned(reg, REG_STATE.OFF) + core.constLow(reg)) - 1;
	const spi = slot >> 3;
	const frame = w.frame(w.frameOf(reg));
	const types = core.slot(frame, spi);
	let zeros = 0;
	for (let i = slot & 7; i >= 0 && core.u8[types + i] === STACK_ZERO; i--) zeros++;
	if (zeros >= size) return 0;
	const stored = core.slotReg(frame, spi);
	if (core.u8[types + 7] !== STACK_SPILL || !core.isScalar(stored)) return -1;
	let spilled = 0;
	for (let i = slot & 7; i >= 0 && core.u8[types + i] === STACK_SPILL; i--) spilled++;
	if (spilled !== size || !core.isConst(stored)) return -1;
	markSlotPrecise(w, w.frameOf(reg), spi);
	return core.signedNumber(stored, REG_STATE.TNUM_VALUE);
}

/** process_timer_func: an argument of that kind is a map's value (or refused before). */
function processTimer(w: Walk, regno: number, meta: CallMeta): void {
	meta.map = specialFieldAt(w, regno, "bpf_timer");
	meta.mapUid = w.core.get(w.reg(regno), REG_STATE.RANGE);
}

/** A string in read-only data, with its end (check_reg_const_str). */
function checkConstString(w: Walk, regno: number): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const { map } = w.mapOf(reg);
	if (!map.frozen || programAccess(map) !== "r")
		log.reject("EACCES", `R${regno} does not point to a readonly map'`);
	if (!core.isConst(reg)) log.reject("EACCES", `R${regno} is not a constant address'`);
	if (map.type !== MAP_TYPE.ARRAY) log.reject("EACCES", "no direct value access support for this map type");
	const off = core.getSigned(reg, REG_STATE.OFF);
	checkMapValue(w, regno, off, map.valueSize - off, false, false);
	const bytes = map.initial ?? new Uint8Array(0);
	if (!bytes.subarray(off + core.constLow(reg)).includes(0))
		log.reject("EINVAL", "string is not zero-terminated");
}
