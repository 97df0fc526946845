import type { Insn } from "../../isa/index.ts";
import { offsetText } from "../log/print-state.ts";
import { Rejection } from "../reject.ts";
import { REG_STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG, typeName } from "../state/types.ts";
import { checkMapValue } from "./memory.ts";
import { MAX_VAR_OFF } from "./stack.ts";
import { isPacket, maybeNull, type Walk } from "./walk.ts";

const ADD = 0x00;
const SUB = 0x10;
const MAX_STACK = 512;
const SYMBOLS = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>="];

const MOVABLE: readonly number[] = [
	REG.CTX,
	REG.MAP_VALUE,
	REG.MAP_KEY,
	REG.STACK,
	REG.PACKET_META,
	REG.PACKET,
	REG.TP_BUFFER,
	REG.BTF_ID,
	REG.MEM,
	REG.BUF,
	REG.FUNC,
	REG.DYNPTR,
];

/** r`dst` = ptr ± off, one of which is r`dst` itself (adjust_ptr_min_max_vals). */
export function adjustPointer(w: Walk, insn: Insn, code: number, ptr: number, off: number): void {
	const { core } = w;
	const { log, privileges } = w.env;
	const { dst, opcode } = insn;
	const to = w.reg(dst);
	const known = core.isConst(off);
	const [smin, smax] = [core.smin(off), core.smax(off)];
	const [umin, umax] = [core.umin(off), core.umax(off)];
	if ((known && (smin !== smax || umin !== umax)) || smin > smax || umin > umax) {
		w.markUnknown(dst);
		return;
	}
	if ((opcode & 7) !== 7) {
		if (code === SUB && privileges.ptrLeaks) {
			w.markUnknown(dst);
			return;
		}
		log.reject("EACCES", `R${dst} 32-bit pointer arithmetic prohibited`);
	}
	const type = core.type(ptr);
	const kind = kindOf(type);
	if (maybeNull(type))
		log.reject("EACCES", `R${dst} pointer arithmetic on ${typeName(type)} prohibited, null-check it first`);
	if (kind === REG.MEM && type & FLAG.UNTRUSTED) return;
	const stays = kind === REG.MAP_PTR && known && smin === 0n && code === ADD;
	if (!MOVABLE.includes(kind) && !(kind === REG.FLOW_KEYS && known) && !stays)
		log.reject("EACCES", `R${dst} pointer arithmetic on ${typeName(type)} prohibited`);
	checkSaneOffset(w, off, type);
	checkSaneOffset(w, ptr, type);
	const window = sanitizePointer(w, insn, code, ptr, off, to, undefined);
	switch (code) {
		case ADD:
			break;
		case SUB:
			if (to === off) log.reject("EACCES", `R${dst} tried to subtract pointer from scalar`);
			if (type === REG.STACK) log.reject("EACCES", `R${dst} subtraction from stack pointer prohibited`);
			break;
		case 0x40:
		case 0x50:
		case 0xa0:
			log.reject("EACCES", `R${dst} bitwise operator ${SYMBOLS[code >> 4]} on pointer prohibited`);
			break;
		default:
			log.reject("EACCES", `R${dst} pointer arithmetic with ${SYMBOLS[code >> 4]} operator prohibited`);
	}
	if (core.ptrAlu(code, to, ptr, off) && isPacket(type)) {
		core.set(to, REG_STATE.ID, w.newId());
		if (code === ADD || smin < 0n) {
			core.set(to, REG_STATE.RANGE, 0);
			core.set(to, REG_STATE.AUX, 0);
			core.set(to, REG_STATE.AUX2, 0);
			core.set(to, REG_STATE.AUX3, 0);
		}
	}
	checkSaneOffset(w, to, type);
	checkSanitizedBounds(w, dst, to);
	if (window !== undefined) sanitizePointer(w, insn, code, to, off, to, window);
}

/** check_reg_sane_offset: no sum of offsets comes near an overflow. */
export function checkSaneOffset(w: Walk, reg: number, type: number): void {
	const { core } = w;
	const { log } = w.env;
	const value = core.signedNumber(reg, REG_STATE.TNUM_VALUE);
	if (core.isConst(reg) && (value >= MAX_VAR_OFF || value <= -MAX_VAR_OFF))
		log.reject(
			"EINVAL",
			`math between ${typeName(type)} pointer and ${BigInt.asIntN(64, core.tnumValue(reg))} is not allowed`,
		);
	const off = core.getSigned(reg, REG_STATE.OFF);
	// of a scalar it is the distance to another register, which the kernel looks at as well
	if (off >= MAX_VAR_OFF || off <= -MAX_VAR_OFF)
		log.reject("EINVAL", `${typeName(type)} pointer offset ${off} is not allowed`);
	const smin = core.smin(reg);
	if (smin === -(1n << 63n))
		log.reject(
			"EINVAL",
			`math between ${typeName(type)} pointer and register with unbounded min value is not allowed`,
		);
	if (smin >= BigInt(MAX_VAR_OFF) || smin <= BigInt(-MAX_VAR_OFF))
		log.reject("EINVAL", `value ${smin} makes ${typeName(type)} pointer be out of bounds`);
}

// ---- Spectre v1: without CAP_PERFMON, arithmetic that the CPU may do with wrong numbers is masked ----

interface Window {
	readonly state: number;
	readonly limit: number;
	readonly left: boolean;
}

const STATE = { SANITIZE_SRC: 1, SANITIZE_DST: 2, NEG_VALUE: 4, NON_POINTER: 8, IMMEDIATE: 16 };
const PROHIBITED = "pointer arithmetic with it prohibited for !root";

const canSkip = (w: Walk, { opcode }: Insn): boolean =>
	w.env.privileges.bypassSpecV1 || (opcode & 8) === 0 || w.env.isNospec(w.insnIdx);

/** sanitize_val_alu: the instruction is used with numbers; with pointers elsewhere it cannot be masked. */
export function sanitizeScalar(w: Walk, insn: Insn, code: number): void {
	if ((code !== ADD && code !== SUB) || canSkip(w, insn)) return;
	if (!w.env.setAluState(w.insnIdx, STATE.NON_POINTER, 0)) fail(w, insn, "paths", 0, 0);
}

/** sanitize_ptr_alu, before the operation and (with the window that it gave) behind it. */
function sanitizePointer(
	w: Walk,
	insn: Insn,
	code: number,
	ptr: number,
	off: number,
	to: number,
	window: Window | undefined,
): Window | undefined {
	const { core } = w;
	if ((code !== ADD && code !== SUB) || canSkip(w, insn)) return undefined;
	const immediate = core.isConst(off);
	const negative = core.smin(off) < 0n;
	const ptrIsDst = ptr === to;
	let result: Window | undefined = window;
	if (!w.speculative) {
		if (window === undefined && !immediate && negative !== core.smax(off) < 0n)
			fail(w, insn, "bounds", off, to);
		const left = window?.left ?? ((code === ADD && negative) || (code === SUB && !negative));
		const limit = pointerLimit(w, insn, ptr, left, off, to);
		if (window !== undefined) {
			if (!w.env.setAluState(w.insnIdx, window.state, Math.abs(window.limit - limit)))
				fail(w, insn, "paths", off, to);
		} else {
			const state =
				(negative ? STATE.NEG_VALUE : 0) |
				(immediate ? STATE.IMMEDIATE : 0) |
				(ptrIsDst ? STATE.SANITIZE_SRC : STATE.SANITIZE_DST);
			if (!immediate) w.exploreAluLimits();
			result = { state, limit, left };
		}
	}
	if (window !== undefined || immediate) return result;
	// what if the CPU adds 0 instead?
	const saved = core.scratch(3);
	if (!ptrIsDst) {
		core.copyReg(saved, to);
		core.copyReg(to, ptr);
	}
	w.push(w.insnIdx + 1, w.insnIdx, true);
	if (!ptrIsDst) core.copyReg(to, saved);
	return result ?? { state: 0, limit: 0, left: false };
}

/** retrieve_ptr_limit. */
function pointerLimit(w: Walk, insn: Insn, ptr: number, left: boolean, off: number, to: number): number {
	const { core } = w;
	const own = core.getSigned(ptr, REG_STATE.OFF);
	let max: number;
	let limit: number;
	switch (core.type(ptr)) {
		case REG.STACK:
			max = MAX_STACK + (left ? 1 : 0);
			limit = -(core.signedNumber(ptr, REG_STATE.TNUM_VALUE) + own);
			break;
		case REG.MAP_VALUE:
			max = w.mapOf(ptr).map.valueSize;
			limit =
				(left ? core.signedNumber(ptr, REG_STATE.SMIN) : core.unsignedNumber(ptr, REG_STATE.UMAX)) + own;
			break;
		default:
			return fail(w, insn, "type", off, to);
	}
	if (limit >>> 0 >= max) fail(w, insn, "limit", off, to);
	return limit;
}

function fail(w: Walk, { opcode, dst, src }: Insn, reason: string, off: number, to: number): never {
	const op = (opcode & 0xf0) === ADD ? "add" : "sub";
	const text = {
		bounds: `R${off === to ? dst : src} has unknown scalar with mixed signed bounds`,
		type: `R${off === to ? src : dst} has pointer with unsupported alu operation`,
		paths: `R${dst} tried to ${op} from different maps, paths or scalars`,
		limit: `R${dst} tried to ${op} beyond pointer bounds`,
	}[reason];
	return w.env.log.reject("EACCES", `${text}, ${PROHIBITED}`);
}

/** sanitize_check_bounds: the pointer stays in its object. */
function checkSanitizedBounds(w: Walk, dst: number, reg: number): void {
	const { core } = w;
	const { log, privileges } = w.env;
	if (privileges.bypassSpecV1) return;
	switch (core.type(reg)) {
		case REG.STACK: {
			const off = core.getSigned(reg, REG_STATE.OFF) + core.constLow(reg);
			if (!core.isConst(reg))
				log.reject(
					"EACCES",
					`R${dst} variable stack access prohibited for !root, var_off=${offsetText(w, reg)} off=${off}`,
				);
			if (off >= 0 || off < -MAX_STACK)
				log.reject(
					"EACCES",
					`R${dst} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`,
				);
			return;
		}
		case REG.MAP_VALUE:
			try {
				checkMapValue(w, dst, core.getSigned(reg, REG_STATE.OFF), 1, false, false);
			} catch (error) {
				if (!(error instanceof Rejection)) throw error;
				log.reject(
					"EACCES",
					`R${dst} pointer arithmetic of map value goes out of range, prohibited for !root`,
				);
			}
	}
}
