// Is the state that comes now safe because an explored one was? regsafe, stacksafe, refsafe and states_equal of 6.18.

import {
	ACQUIRED_REFS, ACTIVE_IRQ_ID, ACTIVE_LOCKS, ACTIVE_LOCK_ID, ACTIVE_LOCK_PTR, ACTIVE_PREEMPT_LOCKS,
	ACTIVE_RCU_LOCKS, ALLOW_UNINIT_STACK, AUX, AUX2, AUX3, BPF_ADD_CONST, CALLBACK_DEPTH, CALLSITE, COMPARE_ALWAYS,
	COMPARE_PACKET, COMPARE_STACK, COMPARE_WITHIN, CURFRAME, EXACT, EXPLORE_ALU_LIMITS, FRAMENO, FRAMES, ID, ID_COUNT,
	ID_MAP, ID_MAP_SIZE, IN_SLEEPABLE, LIVE_REGS, MAX_REGS, NOT_EXACT, NOT_INIT, OFF, PRECISE, RANGE, REFS, REF_ID,
	REF_OBJ_ID, REF_PTR, REF_SIZE, REF_TYPE, REF_TYPES_WITH_PTR, REGS, REG_SIZE, SCALAR, SLOTS, SLOT_REG, SLOT_SIZE,
	SPECULATIVE, STACK, STACK_DYNPTR, STACK_INVALID, STACK_IRQ_FLAG, STACK_ITER, STACK_MISC, STACK_SPILL, STACK_ZERO,
	TMP_ID, TNUM_VALUE, TYPE, TYPE_CLASSES, U32_MAX, UNBOUND_REG,
} from "./layout";
import {
	mask, s32max, s32min, smax, smin, typeOf, u32max, u32min, umax, umin, value,
} from "./reg";
import { tnumIn } from "./tnum";
import { loadI32, loadU32, loadU64, loadU8, storeU32 } from "./words";

/** Old and new ids correspond, one to one, over the whole compare. */
function checkIds(old: u32, cur: u32): bool {
	if (old == 0 || cur == 0) return old == cur;
	const count = loadU32(ID_COUNT);
	const end = ID_MAP + usize(count) * 8;
	for (let at = ID_MAP; at < end; at += 8) {
		if (loadU32(at) == old) return loadU32(at + 4) == cur;
		if (loadU32(at + 4) == cur) return false;
	}
	if (count == ID_MAP_SIZE) return false;
	storeU32(end, old);
	storeU32(end + 4, cur);
	storeU32(ID_COUNT, count + 1);
	return true;
}

function sameIds(old: usize, cur: usize, field: usize): bool {
	return checkIds(loadU32(old + field), loadU32(cur + field));
}

/**
 * An old scalar without an id was safe without any link. One that is linked wants one that is linked in the same way:
 * to the same base, where it is another one plus a constant. A new one without an id is linked with nothing.
 */
function checkScalarIds(old: u32, cur: u32): bool {
	if (old == 0) return true;
	if (cur == 0) {
		cur = loadU32(TMP_ID) + 1;
		storeU32(TMP_ID, cur);
	}
	if (!checkIds(old, cur)) return false;
	return (old & BPF_ADD_CONST) == 0 || checkIds(old & ~BPF_ADD_CONST, cur & ~BPF_ADD_CONST);
}

/** Type and off. */
function sameHead(a: usize, b: usize): bool {
	return loadU64(a + TYPE) == loadU64(b + TYPE);
}

function sameRaw(a: usize, b: usize): bool {
	return loadU32(a + AUX) == loadU32(b + AUX) && loadU64(a + RANGE) == loadU64(b + RANGE)
		&& loadU32(a + AUX3) == loadU32(b + AUX3);
}

function sameRanges(a: usize, b: usize): bool {
	for (let at: usize = TNUM_VALUE; at < U32_MAX; at += 8) if (loadU64(a + at) != loadU64(b + at)) return false;
	return true;
}

/** Everything up to the ids. */
export function sameBounds(a: usize, b: usize): bool {
	return sameHead(a, b) && sameRaw(a, b) && sameRanges(a, b);
}

function exactly(old: usize, cur: usize): bool {
	return sameBounds(old, cur) && sameIds(old, cur, ID) && sameIds(old, cur, REF_OBJ_ID);
}

/** Every value that `cur` may have, `old` may have. */
function within(old: usize, cur: usize): bool {
	return umin(old) <= umin(cur) && umax(old) >= umax(cur)
		&& smin(old) <= smin(cur) && smax(old) >= smax(cur)
		&& u32min(old) <= u32min(cur) && u32max(old) >= u32max(cur)
		&& s32min(old) <= s32min(cur) && s32max(old) >= s32max(cur)
		&& tnumIn(value(old), mask(old), value(cur), mask(cur));
}

function scalarSafe(old: usize, cur: usize, exact: i32): bool {
	const oldId = loadU32(old + ID);
	const curId = loadU32(cur + ID);
	if (loadU32(EXPLORE_ALU_LIMITS) != 0) return sameBounds(old, cur) && checkScalarIds(oldId, curId);
	if (loadU32(old + PRECISE) == 0 && exact == NOT_EXACT) return true;
	if (oldId != 0 && ((oldId ^ curId) & BPF_ADD_CONST) != 0) return false;
	if ((oldId & BPF_ADD_CONST) != 0 && loadI32(old + OFF) != loadI32(cur + OFF)) return false;
	return checkScalarIds(oldId, curId) && within(old, cur);
}

export function regSafe(old: usize, cur: usize, exact: i32): bool {
	if (exact == EXACT) return exactly(old, cur);
	const type = typeOf(old);
	// nothing has read it
	if (type == NOT_INIT) return true;
	if (type != typeOf(cur)) return false;
	const kind = type & 0xff;
	if (kind == SCALAR) return scalarSafe(old, cur, exact);
	const compare = loadU8(TYPE_CLASSES + usize(kind));
	if (compare == COMPARE_WITHIN) {
		return sameHead(old, cur) && sameRaw(old, cur) && within(old, cur)
			&& sameIds(old, cur, ID) && sameIds(old, cur, REF_OBJ_ID);
	}
	if (compare == COMPARE_PACKET) {
		// an equal offset keeps the alignment; what was safe in the old range is safe in a larger one
		return loadI32(old + RANGE) <= loadI32(cur + RANGE) && loadI32(old + OFF) == loadI32(cur + OFF)
			&& sameIds(old, cur, ID) && within(old, cur);
	}
	if (compare == COMPARE_ALWAYS) return true;
	if (!exactly(old, cur)) return false;
	return compare != COMPARE_STACK || loadU32(old + FRAMENO) == loadU32(cur + FRAMENO);
}

const ALL_SPILL: u64 = 0x0101010101010101;
/** No bit of another type than this one and STACK_INVALID. */
const ALL_MISC: u64 = 0x0202020202020202;

function slotType(slot: usize, byte: usize): u32 {
	return loadU8(slot + byte);
}

/** What a read of all eight bytes gives, if that is a scalar: the one that was spilled, or any; else 0. */
function scalarOfSlot(slot: usize): usize {
	if (slotType(slot, 0) == STACK_SPILL && typeOf(slot + SLOT_REG) == SCALAR) return slot + SLOT_REG;
	const invalidToo = loadU32(ALLOW_UNINIT_STACK) != 0;
	for (let byte: usize = 0; byte < 8; byte++) {
		const type = slotType(slot, byte);
		if (type != STACK_MISC && !(type == STACK_INVALID && invalidToo)) return 0;
	}
	return UNBOUND_REG;
}

/** Both slots have one type in all bytes that were looked at: what they hold. */
function sameContent(old: usize, cur: usize, exact: i32): bool {
	const oldReg = old + SLOT_REG;
	const curReg = cur + SLOT_REG;
	switch (slotType(old, 7)) {
		case STACK_SPILL: return regSafe(oldReg, curReg, exact);
		case STACK_DYNPTR:
		case STACK_ITER:
		case STACK_IRQ_FLAG:
			return loadU32(oldReg + AUX) == loadU32(curReg + AUX) && loadU32(oldReg + AUX2) == loadU32(curReg + AUX2)
				&& sameIds(oldReg, curReg, REF_OBJ_ID);
		case STACK_MISC:
		case STACK_ZERO:
		case STACK_INVALID:
			return true;
	}
	return false;
}

/** `cur` is 0 where the current frame has no such slot. */
function slotSafe(old: usize, cur: usize, exact: i32): bool {
	const types = loadU64(old);
	if (exact != EXACT && types == 0) return true;
	if (cur != 0 && types == ALL_SPILL && loadU64(cur) == ALL_SPILL) {
		return regSafe(old + SLOT_REG, cur + SLOT_REG, exact);
	}
	const miscIsAny = loadU32(ALLOW_UNINIT_STACK) != 0;
	// what the loop would find of bytes that say nothing
	if (miscIsAny && (types & ~ALL_MISC) == 0) return exact != EXACT || (cur != 0 && types == loadU64(cur));
	for (let byte: usize = 0; byte < 8; byte++) {
		const type = slotType(old, byte);
		if (exact == EXACT && (cur == 0 || type != slotType(cur, byte))) return false;
		if (type == STACK_INVALID) continue;
		if (type == STACK_MISC && miscIsAny) continue;
		if (cur == 0) return false;
		// eight bytes of anything are as good as a spilled scalar, and the other way round
		const oldScalar = scalarOfSlot(old);
		if (oldScalar != 0) {
			const curScalar = scalarOfSlot(cur);
			if (curScalar != 0) return regSafe(oldScalar, curScalar, exact);
		}
		const curType = slotType(cur, byte);
		if (type == STACK_MISC && curType == STACK_ZERO) continue;
		if (type != curType) return false;
		if (byte == 7 && !sameContent(old, cur, exact)) return false;
	}
	return true;
}

function stackSafe(old: usize, cur: usize, exact: i32): bool {
	const slots = loadU32(old + SLOTS);
	const curSlots = loadU32(cur + SLOTS);
	for (let spi: u32 = 0; spi < slots; spi++) {
		const at = STACK + usize(spi) * SLOT_SIZE;
		if (!slotSafe(old + at, spi < curSlots ? cur + at : 0, exact)) return false;
	}
	return true;
}

function refsSafe(old: usize, cur: usize): bool {
	const count = loadU32(old + ACQUIRED_REFS);
	if (count != loadU32(cur + ACQUIRED_REFS)) return false;
	if (loadU32(old + ACTIVE_LOCKS) != loadU32(cur + ACTIVE_LOCKS)) return false;
	if (loadU32(old + ACTIVE_PREEMPT_LOCKS) != loadU32(cur + ACTIVE_PREEMPT_LOCKS)) return false;
	if (loadU32(old + ACTIVE_RCU_LOCKS) != loadU32(cur + ACTIVE_RCU_LOCKS)) return false;
	if (!sameIds(old, cur, ACTIVE_IRQ_ID) || !sameIds(old, cur, ACTIVE_LOCK_ID)) return false;
	if (loadU32(old + ACTIVE_LOCK_PTR) != loadU32(cur + ACTIVE_LOCK_PTR)) return false;
	let oldRef: usize = loadU32(old + REFS);
	let curRef: usize = loadU32(cur + REFS);
	for (let i: u32 = 0; i < count; i++) {
		if (!sameIds(oldRef, curRef, REF_ID)) return false;
		const type = loadU32(oldRef + REF_TYPE);
		if (type != loadU32(curRef + REF_TYPE)) return false;
		if ((type & REF_TYPES_WITH_PTR) != 0 && loadU32(oldRef + REF_PTR) != loadU32(curRef + REF_PTR)) return false;
		oldRef += REF_SIZE;
		curRef += REF_SIZE;
	}
	return true;
}

function frameSafe(old: usize, cur: usize, live: u32, exact: i32): bool {
	if (loadI32(old + CALLBACK_DEPTH) > loadI32(cur + CALLBACK_DEPTH)) return false;
	for (let n: u32 = 0; n < MAX_REGS; n++) {
		if (((live >>> n) & 1) == 0) continue;
		const at = REGS + usize(n) * REG_SIZE;
		if (!regSafe(old + at, cur + at, exact)) return false;
	}
	return stackSafe(old, cur, exact);
}

function frameOf(state: usize, index: u32): usize {
	return loadU32(state + FRAMES + usize(index) * 4);
}

export function statesEqual(old: usize, cur: usize, exact: i32, idGen: u32): bool {
	const curframe = loadU32(old + CURFRAME);
	if (curframe != loadU32(cur + CURFRAME)) return false;
	storeU32(ID_COUNT, 0);
	storeU32(TMP_ID, idGen);
	// a speculative path proves nothing for a real one
	if (loadU32(old + SPECULATIVE) != 0 && loadU32(cur + SPECULATIVE) == 0) return false;
	if (loadU32(old + IN_SLEEPABLE) != loadU32(cur + IN_SLEEPABLE)) return false;
	if (!refsSafe(old, cur)) return false;
	for (let i: u32 = 0; i <= curframe; i++) {
		const oldFrame = frameOf(old, i);
		const curFrame = frameOf(cur, i);
		if (loadU32(oldFrame + CALLSITE) != loadU32(curFrame + CALLSITE)) return false;
		if (!frameSafe(oldFrame, curFrame, loadU32(LIVE_REGS + usize(i) * 4), exact)) return false;
	}
	return true;
}

/** The current frames' registers have not changed at all (frameno, subreg_def and precise aside). */
export function maybeLooping(old: usize, cur: usize): bool {
	const curframe = loadU32(old + CURFRAME);
	if (curframe != loadU32(cur + CURFRAME)) return false;
	const oldFrame = frameOf(old, curframe);
	const curFrame = frameOf(cur, curframe);
	for (let n: u32 = 0; n < MAX_REGS; n++) {
		const at = REGS + usize(n) * REG_SIZE;
		if (!sameBounds(oldFrame + at, curFrame + at)) return false;
		// id and ref_obj_id
		if (loadU64(oldFrame + at + ID) != loadU64(curFrame + at + ID)) return false;
	}
	return true;
}
