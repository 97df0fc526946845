import { WASM_BASE64 } from "./wasm.generated.ts";

/** What `packages/core/assembly/verifier` exports; `core.ts` says what each does. */
export interface StateCode {
	readonly memory: WebAssembly.Memory;
	clearReg(reg: number): void;
	clearScalarId(reg: number): void;
	copyReg(dst: number, src: number): void;
	markUnknown(reg: number): void;
	markNotInit(reg: number): void;
	markKnown(reg: number, low: number, high: number): void;
	markUnbounded(reg: number): void;
	sameBounds(a: number, b: number): number;
	boundsSync(reg: number): void;
	boundsViolation(reg: number): number;
	alu(op: number, alu32: number, dst: number, src: number, deltas: number): void;
	byteSwap(dst: number, size: number, swap: number): void;
	setValue(reg: number, value: number, half: number): void;
	ptrAlu(op: number, dst: number, ptr: number, scalar: number): number;
	zext32(reg: number): void;
	coerceToSize(reg: number, size: number): void;
	coerceToSizeSx(reg: number, size: number): void;
	coerceSubregToSizeSx(reg: number, size: number): void;
	branchTaken(op: number, jmp32: number, a: number, b: number): number;
	refine(op: number, jmp32: number, trueA: number, trueB: number, falseA: number, falseB: number): void;
	syncLinked(reg: number, known: number): void;
	newState(): number;
	copyState(src: number): number;
	copyInto(dst: number, src: number): number;
	freeState(state: number): void;
	pushFrame(state: number): number;
	popFrame(state: number): void;
	growStack(state: number, frameIndex: number, slots: number): number;
	addRef(state: number): number;
	removeRef(state: number, index: number): void;
	collect(state: number, field: number, value: number, mask: number): number;
	markAllScalars(state: number, precise: number): void;
	cleanFrame(frame: number, liveRegs: number, liveSlotsLow: number, liveSlotsHigh: number): void;
	setPolicy(allowUninitStack: number, exploreAluLimits: number, unknownIsPrecise: number): void;
	regSafe(old: number, cur: number, exact: number): number;
	statesEqual(old: number, cur: number, exact: number, idGen: number): number;
	maybeLooping(old: number, cur: number): number;
	bytesInUse(): number;
}

let compiled: WebAssembly.Module | undefined;

/** A new instance with a memory of its own. The code is compiled once; it is small enough for a page's main thread. */
export function instantiateCode(): StateCode {
	compiled ??= new WebAssembly.Module(Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0)));
	return new WebAssembly.Instance(compiled).exports as { [K in keyof StateCode]: StateCode[K] };
}
