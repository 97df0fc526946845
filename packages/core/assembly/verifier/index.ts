// What packages/core/src/verifier/state/code.ts declares.

import { ALLOW_UNINIT_STACK, EXPLORE_ALU_LIMITS, IN_USE, UNBOUND_REG, UNKNOWN_IS_PRECISE } from "./layout";
import { PRECISE } from "./layout";
import { markKnown64, markUnknown, setKnown32 } from "./reg";
import { cleanFrame as cleanFrame64 } from "./state";

export { alu, byteSwap, ptrAlu } from "./alu";
export { boundsSync, boundsViolation } from "./bounds";
export { branchTaken, refine, syncLinked } from "./branch";
export { maybeLooping, regSafe, sameBounds, statesEqual } from "./compare";
export { coerceSubregToSizeSx, coerceToSize, coerceToSizeSx, zext32 } from "./extend";
export { clearReg, clearScalarId, copyReg, markKnown, markNotInit, markUnbounded, markUnknown } from "./reg";
export {
	addRef, collect, copyInto, copyState, freeState, growStack, markAllScalars, newState, popFrame, pushFrame,
	removeRef,
} from "./state";

/** The register, or its lower half (`half`), becomes this number; the rest stays. */
export function setValue(reg: usize, value: i32, half: bool): void {
	if (half) setKnown32(reg, value);
	else markKnown64(reg, value);
}

/** Halves, because a 64-bit argument would be a BigInt. */
export function cleanFrame(frame: usize, liveRegs: u32, liveSlotsLow: u32, liveSlotsHigh: u32): void {
	cleanFrame64(frame, liveRegs, (<u64>liveSlotsHigh << 32) | <u64>liveSlotsLow);
}

export function setPolicy(allowUninitStack: bool, exploreAluLimits: bool, unknownIsPrecise: bool): void {
	store<u32>(ALLOW_UNINIT_STACK, <u32>allowUninitStack);
	store<u32>(EXPLORE_ALU_LIMITS, <u32>exploreAluLimits);
	store<u32>(UNKNOWN_IS_PRECISE, <u32>unknownIsPrecise);
	markUnknown(UNBOUND_REG);
	store<u32>(UNBOUND_REG + PRECISE, 0);
}

export function bytesInUse(): u32 {
	return load<u32>(IN_USE);
}
