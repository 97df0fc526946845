import { tnumText } from "../log/print-state.ts";
import { markChainPrecision } from "../prune/precision.ts";
import {
	BPF_ADD_CONST,
	FUNC_STATE,
	REG_STATE,
	STACK_DYNPTR,
	STACK_INVALID,
	STACK_MISC,
	STACK_SPILL,
	STACK_ZERO,
} from "../state/layout.ts";
import { kindOf, REG } from "../state/types.ts";
import { destroyIfDynptr } from "./dynptr-slots.ts";
import { HISTORY, type Walk } from "./walk.ts";

/** Offsets beyond are refused before they can overflow (BPF_MAX_VAR_OFF). */
export const MAX_VAR_OFF = 1 << 29;
const MAX_STACK = 512;
const SLOT_SIZE = 8;

export type Access = "read" | "write";

/** Where a helper that writes memory says how much, to be looked at behind all arguments (kernel: meta->raw_mode). */
export interface RawMode {
	raw: boolean;
	size: number;
	regno: number;
}

const slotOf = (off: number): number => -off - 1;
const spiOf = (off: number): number => (slotOf(off) / SLOT_SIZE) | 0;

export const stackFlags = (frameno: number, spi: number): number =>
	HISTORY.STACK_ACCESS | (spi << HISTORY.SPI_SHIFT) | frameno;

/** is_spilled_reg: the last byte tells, since spills fill a slot from its end. */
export const isSpilledReg = (w: Walk, frame: number, spi: number): boolean =>
	w.core.u8[w.core.slot(frame, spi) + 7] === STACK_SPILL;

/** The number of bits that a value can have, as get_reg_width has it, is at most `bits`. */
function fits(w: Walk, reg: number, bits: number): boolean {
	if (bits >= 64) return true;
	const at = (reg + REG_STATE.UMAX) >>> 2;
	const high = w.core.u32[at + 1]!;
	if (bits === 32) return high === 0;
	return high === 0 && w.core.u32[at]! < 2 ** bits;
}

/** A scalar gets an id, so that copies of it can be narrowed together (assign_scalar_id_before_mov). */
export function assignScalarId(w: Walk, reg: number): void {
	const { core } = w;
	if (!core.isScalar(reg)) return;
	if (core.get(reg, REG_STATE.ID) & BPF_ADD_CONST) clearScalarId(w, reg);
	if (core.get(reg, REG_STATE.ID) === 0 && !core.isConst(reg)) core.set(reg, REG_STATE.ID, w.newId());
}

export function clearScalarId(w: Walk, reg: number): void {
	w.core.set(reg, REG_STATE.ID, 0);
	w.core.set(reg, REG_STATE.OFF, 0);
}

/** Bounds of an access through r`regno`, and room for it (check_stack_access_within_bounds). */
export function checkStackBounds(w: Walk, regno: number, off: number, size: number, access: Access): void {
	const { core } = w;
	const { log } = w.env;
	const reg = w.reg(regno);
	const frameno = w.frameOf(reg);
	const frame = w.frame(frameno);
	const words = access === "read" ? " read from" : " write to";
	let min: number;
	let max: number;
	if (core.isConst(reg)) {
		min = core.signedNumber(reg, REG_STATE.TNUM_VALUE) + off;
		max = min + size;
	} else {
		const smin = core.signedNumber(reg, REG_STATE.SMIN);
		const smax = core.signedNumber(reg, REG_STATE.SMAX);
		if (smax >= MAX_VAR_OFF || smin <= -MAX_VAR_OFF)
			log.reject("EACCES", `invalid unbounded variable-offset${words} stack R${regno}`);
		min = smin + off;
		max = smax + off + size;
	}
	const lowest =
		access === "write" || w.env.privileges.uninitStack ? -MAX_STACK : -core.slots(frame) * SLOT_SIZE;
	const errno = min < lowest || min > -1 ? "EACCES" : max > 0 ? "EINVAL" : size < 0 ? "EFAULT" : undefined;
	if (errno !== undefined)
		log.reject(
			errno,
			core.isConst(reg)
				? `invalid${words} stack R${regno} off=${min} size=${size}`
				: `invalid variable-offset${words} stack R${regno} var_off=${tnumText(w, reg)} off=${off} size=${size}`,
		);
	growTo(w, frameno, -min);
}

/** The frame has `size` bytes of stack, and its subprogram is known to need them. */
export function growTo(w: Walk, frameno: number, size: number): void {
	const slots = Math.ceil(size / SLOT_SIZE);
	const frame = w.frame(frameno);
	if (w.core.slots(frame) >= slots) return;
	w.core.growStack(w.cur.at, frameno, slots);
	const subprogram = w.env.subprograms[w.core.get(w.frame(frameno), FUNC_STATE.SUBPROGNO)]!;
	subprogram.stackDepth = Math.max(subprogram.stackDepth, slots * SLOT_SIZE);
}

/** Reads to r`dst`; dst -1: only asks whether the bytes may be used as a number. */
export function checkStackRead(w: Walk, regno: number, off: number, size: number, dst: number): void {
	const { core } = w;
	const reg = w.reg(regno);
	if (core.isConst(reg)) {
		readFixed(w, w.frameOf(reg), off + core.constLow(reg), size, dst);
		return;
	}
	if (dst < 0)
		w.env.log.reject(
			"EACCES",
			`variable offset stack pointer cannot be passed into helper function; var_off=${tnumText(w, reg)} off=${off} size=${size}`,
		);
	checkStackRange(w, regno, off, size, false, "read", undefined);
	const again = w.reg(regno);
	const min = core.signedNumber(again, REG_STATE.SMIN) + off;
	const max = core.signedNumber(again, REG_STATE.SMAX) + off + size;
	const frameno = w.frameOf(again);
	markFromStack(w, frameno, min, max, dst);
	fastcallContract(w, frameno, min);
}

function readFixed(w: Walk, frameno: number, off: number, size: number, dst: number): void {
	const { core } = w;
	const { log, privileges } = w.env;
	const slot = slotOf(off);
	const spi = spiOf(off);
	const frame = w.frame(frameno);
	const types = core.slot(frame, spi);
	const reg = core.slotReg(frame, spi);
	w.scratchSlot(spi);
	fastcallContract(w, frameno, off);
	w.liveness.read(w, frameno, spi);
	const unreadable = (i: number): never =>
		log.reject("EACCES", `invalid read from stack off ${off}+${i} size ${size}`);
	if (!isSpilledReg(w, frame, spi)) {
		for (let i = 0; i < size; i++) {
			const type = core.u8[types + ((slot - i) % SLOT_SIZE)]!;
			if (type === STACK_MISC || type === STACK_ZERO) continue;
			if (type === STACK_INVALID && privileges.uninitStack) continue;
			unreadable(i);
		}
		if (dst >= 0) markFromStack(w, frameno, off, off + size, dst);
		return;
	}
	let spillSize = 1;
	for (let i = 7; i > 0 && core.u8[types + i - 1] === STACK_SPILL; i--) spillSize++;
	const target = dst >= 0 ? w.reg(dst) : 0;
	let restores = true;
	if (size !== 8 || spillSize !== 8) {
		if (!core.isScalar(reg)) {
			w.env.linfo(w.insnIdx);
			log.reject("EACCES", "invalid size of register fill");
		}
		if (dst < 0) return;
		if (size <= spillSize && off % SLOT_SIZE === 0) {
			const subreg = core.get(target, REG_STATE.SUBREG_DEF);
			if (privileges.bpf && size === 4 && spillSize === 4 && fits(w, reg, 32)) assignScalarId(w, reg);
			core.copyReg(target, reg);
			core.set(target, REG_STATE.SUBREG_DEF, subreg);
			if (!fits(w, reg, size * 8)) clearScalarId(w, target);
		} else {
			let spilled = 0;
			let zeros = 0;
			for (let i = 0; i < size; i++) {
				const type = core.u8[types + ((slot - i) % SLOT_SIZE)]!;
				if (type === STACK_SPILL) spilled++;
				else if (type === STACK_ZERO) zeros++;
				else if (type !== STACK_MISC && !(type === STACK_INVALID && privileges.uninitStack)) unreadable(i);
			}
			if (spilled === size && core.isNull(reg)) knownZero(w, target);
			else {
				if (zeros === size) knownZero(w, target);
				else w.markUnknown(dst);
				restores = false;
			}
		}
	} else if (dst >= 0) {
		core.copyReg(target, reg);
	} else if (!privileges.ptrLeaks && !core.isScalar(reg)) {
		log.reject("EACCES", `leaking pointer from stack off ${off}`);
	}
	if (restores) w.pushHistory(stackFlags(frameno, spi));
}

/** Bytes that are all known to be 0 are the number 0. */
function markFromStack(w: Walk, frameno: number, min: number, max: number, dst: number): void {
	const { core } = w;
	const frame = w.frame(frameno);
	let zeros = 0;
	for (let i = min; i < max; i++) {
		w.scratchSlot(spiOf(i));
		if (core.u8[core.slot(frame, spiOf(i)) + (slotOf(i) % SLOT_SIZE)] !== STACK_ZERO) break;
		zeros++;
	}
	if (zeros === max - min) knownZero(w, w.reg(dst));
	else w.markUnknown(dst);
}

function knownZero(w: Walk, reg: number): void {
	w.core.markKnownZero(reg);
	if (!w.env.privileges.bpf) w.core.set(reg, REG_STATE.PRECISE, 1);
}

/** Kinds that keep what they are when they are spilled. */
const spillable = (type: number): boolean => {
	const kind = kindOf(type);
	return kind >= REG.CTX && kind !== REG.DYNPTR && kind !== REG.TP_BUFFER;
};

/** Writes r`value`, or the instruction's imm (value -1). */
export function checkStackWrite(
	w: Walk,
	regno: number,
	off: number,
	size: number,
	value: number,
	insnIdx = w.insnIdx,
): void {
	const reg = w.reg(regno);
	if (w.core.isConst(reg)) writeFixed(w, w.frameOf(reg), off + w.core.constLow(reg), size, value, insnIdx);
	else writeVariable(w, regno, off, size, value, insnIdx);
}

const storesImm = (opcode: number): boolean => (opcode & 7) === 2 && (opcode & 0xe0) === 0x60;

function writeFixed(
	w: Walk,
	frameno: number,
	off: number,
	size: number,
	value: number,
	insnIdx: number,
): void {
	const { core } = w;
	const { log, privileges } = w.env;
	const slot = slotOf(off);
	const spi = spiOf(off);
	let frame = w.frame(frameno);
	const insn = w.env.insns[insnIdx]!;
	const stored = core.slotReg(frame, spi);
	if (!privileges.ptrLeaks && isSpilledReg(w, frame, spi) && !core.isScalar(stored) && size !== 8)
		log.reject("EACCES", "attempt to corrupt spilled pointer on stack");
	const reg = value >= 0 ? w.reg(value) : 0;
	if (!privileges.bypassSpecV4)
		w.sanitizeStore(insnIdx, frame, spi, size, reg !== 0 && spillable(core.type(reg)));
	destroyIfDynptr(w, frameno, spi);
	frame = w.frame(frameno);
	if (off % SLOT_SIZE === 0 && size === SLOT_SIZE) w.liveness.write(frameno, spi);
	fastcallContract(w, frameno, off, insnIdx);
	w.scratchSlot(spi);
	const aligned = off % SLOT_SIZE === 0;
	const types = core.slot(frame, spi);
	if (reg !== 0 && aligned && core.isScalar(reg) && privileges.bpf) {
		const whole = fits(w, reg, 8 * size);
		if (whole) assignScalarId(w, reg);
		save(w, frame, spi, reg, size);
		if (!whole) core.set(core.slotReg(frame, spi), REG_STATE.ID, 0);
	} else if (reg === 0 && aligned && storesImm(insn.opcode) && privileges.bpf) {
		const imm = core.scratch(0);
		core.markConst(imm, insn.imm);
		save(w, frame, spi, imm, size);
	} else if (reg !== 0 && spillable(core.type(reg))) {
		if (size !== SLOT_SIZE) {
			w.env.linfo(insnIdx);
			log.reject("EACCES", "invalid size of register spill");
		}
		if (frameno !== w.curframe && core.type(reg) === REG.STACK)
			log.reject("EINVAL", "cannot spill pointers to stack into stack frame of the caller");
		save(w, frame, spi, reg, size);
	} else {
		core.set(core.slotReg(frame, spi), REG_STATE.TYPE, REG.NOT_INIT);
		scrubSpecial(w, frame, spi);
		let type: number = STACK_MISC;
		if (reg !== 0 ? core.isNull(reg) : storesImm(insn.opcode) && insn.imm === 0) {
			if (value >= 0) markChainPrecision(w, value);
			type = STACK_ZERO;
		}
		for (let i = 0; i < size; i++) core.u8[types + ((slot - i) % SLOT_SIZE)] = type;
		return;
	}
	w.pushHistory(stackFlags(frameno, spi));
}

/** Spills a register: its bytes at the slot's end. */
function save(w: Walk, frame: number, spi: number, reg: number, size: number): void {
	const { core } = w;
	core.copyReg(core.slotReg(frame, spi), reg);
	const types = core.slot(frame, spi);
	for (let i = 8; i > 0; i--) {
		if (i > 8 - size) core.u8[types + i - 1] = STACK_SPILL;
		else if (core.u8[types + i - 1] !== STACK_ZERO && core.u8[types + i - 1] !== STACK_INVALID)
			core.u8[types + i - 1] = STACK_MISC;
	}
}

/** What was a spill, a dynptr or an iterator is plain bytes. */
function scrubSpecial(w: Walk, frame: number, spi: number): void {
	const types = w.core.slot(frame, spi);
	const last = w.core.u8[types + 7]!;
	if (last !== STACK_SPILL && last < STACK_DYNPTR) return;
	scrub(w, types);
}

function scrub(w: Walk, types: number): void {
	for (let i = 0; i < SLOT_SIZE; i++)
		if (w.core.u8[types + i] !== STACK_INVALID) w.core.u8[types + i] = STACK_MISC;
}

function writeVariable(
	w: Walk,
	regno: number,
	off: number,
	size: number,
	value: number,
	insnIdx: number,
): void {
	const { core } = w;
	const { log, privileges } = w.env;
	const ptr = w.reg(regno);
	const frameno = w.frameOf(ptr);
	const min = core.signedNumber(ptr, REG_STATE.SMIN) + off;
	const max = core.signedNumber(ptr, REG_STATE.SMAX) + off + size;
	const insn = w.env.insns[insnIdx]!;
	const zero = value >= 0 ? core.isNull(w.reg(value)) : storesImm(insn.opcode) && insn.imm === 0;
	let zeroUsed = false;
	for (let i = min; i < max; i++) destroyIfDynptr(w, frameno, spiOf(i));
	fastcallContract(w, frameno, min, insnIdx);
	const frame = w.frame(frameno);
	for (let i = min; i < max; i++) {
		const spi = spiOf(i);
		const types = core.slot(frame, spi);
		const at = types + (slotOf(i) % SLOT_SIZE);
		const type = core.u8[at]!;
		w.scratchSlot(spi);
		if (!privileges.ptrLeaks && type !== STACK_MISC && type !== STACK_ZERO) {
			log.write(`spilled ptr in range of var-offset stack write; insn ${insnIdx}, ptr off: ${i}`);
			log.reject("EINVAL", "");
		}
		const stored = core.slotReg(frame, spi);
		if (zero && type === STACK_SPILL && core.isNull(stored)) {
			zeroUsed = true;
			continue;
		}
		if (isSpilledReg(w, frame, spi)) scrub(w, types);
		core.set(stored, REG_STATE.TYPE, REG.NOT_INIT);
		let next: number = STACK_MISC;
		if (zero && type === STACK_ZERO) {
			next = STACK_ZERO;
			zeroUsed = true;
		}
		if (type === STACK_INVALID && !privileges.uninitStack) {
			log.write(`uninit stack in range of var-offset write prohibited for !root; insn ${insnIdx}, off: ${i}`);
			log.reject("EINVAL", "");
		}
		core.u8[at] = next;
	}
	if (zeroUsed && value >= 0) markChainPrecision(w, value);
}

/**
 * A helper reads or writes `size` bytes through r`regno` (check_stack_range_initialized); in raw mode it only writes,
 * and the walk marks the bytes behind all arguments.
 */
export function checkStackRange(
	w: Walk,
	regno: number,
	off: number,
	size: number,
	zeroAllowed: boolean,
	access: Access,
	meta: RawMode | undefined,
): void {
	const { core } = w;
	const { log, privileges } = w.env;
	if (size === 0 && !zeroAllowed) log.reject("EACCES", "invalid zero-sized read");
	checkStackBounds(w, regno, off, size, access);
	const reg = w.reg(regno);
	const frameno = w.frameOf(reg);
	const constant = core.isConst(reg);
	let min: number;
	let max: number;
	let raw = meta?.raw === true ? meta : undefined;
	if (constant) min = max = core.signedNumber(reg, REG_STATE.TNUM_VALUE) + off;
	else {
		if (!privileges.bypassSpecV1)
			log.reject(
				"EACCES",
				`R${regno} variable offset stack access prohibited for !root, var_off=${tnumText(w, reg)}`,
			);
		raw = undefined;
		min = core.signedNumber(reg, REG_STATE.SMIN) + off;
		max = core.signedNumber(reg, REG_STATE.SMAX) + off;
	}
	const frame = w.frame(frameno);
	if (raw !== undefined) {
		for (let i = min; i < max + size; i++) {
			if (core.slots(frame) * SLOT_SIZE <= slotOf(i)) continue;
			if (core.u8[core.slot(frame, spiOf(i)) + (slotOf(i) % SLOT_SIZE)] === STACK_DYNPTR)
				log.reject("EACCES", `potential write to dynptr at off=${i} disallowed`);
		}
		raw.size = size;
		raw.regno = regno;
		return;
	}
	const clobbers = access === "write";
	for (let i = min; i < max + size; i++) {
		const spi = spiOf(i);
		const at = core.slot(frame, spi) + (slotOf(i) % SLOT_SIZE);
		const type = core.u8[at]!;
		const stored = core.slotReg(frame, spi);
		if (type === STACK_MISC) {
			// as it is
		} else if (type === STACK_ZERO || (type === STACK_INVALID && privileges.uninitStack)) {
			if (clobbers) core.u8[at] = STACK_MISC;
		} else if (isSpilledReg(w, frame, spi) && (core.isScalar(stored) || privileges.ptrLeaks)) {
			if (clobbers) {
				core.markUnknown(stored);
				scrub(w, core.slot(frame, spi));
			}
		} else
			log.reject(
				"EACCES",
				constant
					? `invalid read from stack R${regno} off ${min}+${i - min} size ${size}`
					: `invalid read from stack R${regno} var_off ${tnumText(w, reg)}+${i - min} size ${size}`,
			);
		w.liveness.read(w, frameno, spi);
	}
}

/** Something else touches the bytes that a fastcall pattern uses: then there is none (check_fastcall_stack_contract). */
function fastcallContract(w: Walk, frameno: number, off: number, insnIdx = w.insnIdx): void {
	const subprogram = w.env.subprograms[w.core.get(w.frame(frameno), FUNC_STATE.SUBPROGNO)]!;
	w.env.touchedStack(subprogram, off, insnIdx);
}
