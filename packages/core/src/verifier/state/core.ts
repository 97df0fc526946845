import { TailhopError } from "../../errors/index.ts";
import { instantiateCode, type StateCode } from "./code.ts";
import { COMPARE, FUNC_STATE, MEMORY, REF_STATE, REG_STATE, SLOT, STATE } from "./layout.ts";
import { REG } from "./types.ts";

/** Kinds that are not compared exactly. */
const CLASSES: readonly (readonly [kind: number, compare: number])[] = [
	[REG.MAP_KEY, COMPARE.WITHIN],
	[REG.MAP_VALUE, COMPARE.WITHIN],
	[REG.MEM, COMPARE.WITHIN],
	[REG.BUF, COMPARE.WITHIN],
	[REG.TP_BUFFER, COMPARE.WITHIN],
	[REG.PACKET, COMPARE.PACKET],
	[REG.PACKET_META, COMPARE.PACKET],
	[REG.STACK, COMPARE.STACK],
	[REG.ARENA, COMPARE.ALWAYS],
];

export interface Policy {
	/** CAP_PERFMON: stack that was never written may be read. */
	readonly allowUninitStack?: boolean;
	/** Speculation is analysed: scalars of two states must be the same. */
	readonly exploreAluLimits?: boolean;
	/** CAP_BPF; without it every unknown scalar is precise. */
	readonly bpfCapable?: boolean;
}

/**
 * The verifier's memory: registers and states, and the code that calculates with them (AssemblyScript in
 * `packages/core/assembly/verifier`). A register, a frame and a state are addresses; `layout.ts` has their fields.
 *
 * The views (`u32`, `i32`, `u64`, `i64`, `u8`) are replaced when the memory grows: read them from the object again
 * after each call of newState, copyState, copyInto, pushFrame, growStack and addRef, which may grow it.
 * Addresses never change, but for a frame's that growStack or pushFrame returns.
 */
export class StateCore {
	readonly code: StateCode;
	i32!: Int32Array;
	u32!: Uint32Array;
	u8!: Uint8Array;
	i64!: BigInt64Array;
	u64!: BigUint64Array;

	constructor() {
		this.code = instantiateCode();
		this.#refreshViews();
		this.setPolicy();
		for (const [kind, compare] of CLASSES) this.u8[MEMORY.TYPE_CLASSES + kind] = compare;
	}

	// ---- registers: fields ----

	/** Any 32-bit field of a record, by its offset in REG_STATE (or FUNC_STATE, STATE). */
	get(record: number, field: number): number {
		return this.u32[(record + field) >>> 2]!;
	}
	getSigned(record: number, field: number): number {
		return this.i32[(record + field) >>> 2]!;
	}
	set(record: number, field: number, value: number): void {
		this.i32[(record + field) >>> 2] = value;
	}

	type(reg: number): number {
		return this.u32[(reg + REG_STATE.TYPE) >>> 2]!;
	}
	isScalar(reg: number): boolean {
		return this.u32[(reg + REG_STATE.TYPE) >>> 2] === REG.SCALAR;
	}
	smin(reg: number): bigint {
		return this.i64[(reg + REG_STATE.SMIN) >>> 3]!;
	}
	smax(reg: number): bigint {
		return this.i64[(reg + REG_STATE.SMAX) >>> 3]!;
	}
	umin(reg: number): bigint {
		return this.u64[(reg + REG_STATE.UMIN) >>> 3]!;
	}
	umax(reg: number): bigint {
		return this.u64[(reg + REG_STATE.UMAX) >>> 3]!;
	}
	tnumValue(reg: number): bigint {
		return this.u64[(reg + REG_STATE.TNUM_VALUE) >>> 3]!;
	}
	tnumMask(reg: number): bigint {
		return this.u64[(reg + REG_STATE.TNUM_MASK) >>> 3]!;
	}
	/**
	 * A 64-bit signed field (SMIN, SMAX, TNUM_VALUE, …) as a number without making a BigInt: exact within 2^53, else
	 * rounded, on the right side of every 32-bit limit.
	 */
	signedNumber(reg: number, field: number): number {
		const at = (reg + field) >>> 2;
		return this.i32[at + 1]! * 0x1_0000_0000 + this.u32[at]!;
	}
	/** The same of an unsigned field (UMIN, UMAX). */
	unsignedNumber(reg: number, field: number): number {
		const at = (reg + field) >>> 2;
		return this.u32[at + 1]! * 0x1_0000_0000 + this.u32[at]!;
	}
	/** tnum_is_const(var_off): the value is known in all 64 bits. */
	isConst(reg: number): boolean {
		const at = (reg + REG_STATE.TNUM_MASK) >>> 2;
		return (this.i32[at]! | this.i32[at + 1]!) === 0;
	}
	/** Halves of var_off's value: the register's value where isConst. */
	constLow(reg: number): number {
		return this.i32[(reg + REG_STATE.TNUM_VALUE) >>> 2]!;
	}
	constHigh(reg: number): number {
		return this.i32[(reg + REG_STATE.TNUM_VALUE + 4) >>> 2]!;
	}
	/** register_is_null: a scalar that is 0. */
	isNull(reg: number): boolean {
		const at = (reg + REG_STATE.TNUM_VALUE) >>> 2;
		return this.isScalar(reg) && this.isConst(reg) && (this.i32[at]! | this.i32[at + 1]!) === 0;
	}

	// ---- registers: whole ----

	/** All zero: __mark_reg_not_init of a record that holds nothing else. */
	clearReg(reg: number): void {
		this.code.clearReg(reg);
	}
	/** __mark_reg_unknown: a scalar of any value, precise where the policy says so; only subreg_def stays. */
	markUnknown(reg: number): void {
		this.code.markUnknown(reg);
	}
	/** __mark_reg_not_init: type 0, else as markUnknown. */
	markNotInit(reg: number): void {
		this.code.markNotInit(reg);
	}
	/**
	 * __mark_reg_known: value = high:low; off, id, ref_obj_id, the raw words are cleared; type, frameno, subreg_def and
	 * precise stay, as in the kernel. `high` is low's sign by default.
	 */
	markKnown(reg: number, low: number, high = low >> 31): void {
		this.code.markKnown(reg, low, high);
	}
	/** A scalar of known value in a record of any content: clear, type, markKnown. */
	markConst(reg: number, low: number, high = low >> 31): void {
		this.code.clearReg(reg);
		this.u32[reg >>> 2] = REG.SCALAR;
		this.code.markKnown(reg, low, high);
	}
	/** __mark_reg_const_zero: a scalar 0 (precise as the walk sets it). */
	markKnownZero(reg: number): void {
		this.markConst(reg, 0, 0);
	}
	/** A pointer with a known zero offset: mark_reg_known_zero; off, id and the raw words are cleared, the type is given. */
	markPointer(reg: number, type: number): void {
		this.code.markKnown(reg, 0, 0);
		this.u32[reg >>> 2] = type;
	}
	/** copy_register_state: the whole record. */
	copyReg(dst: number, src: number): void {
		this.code.copyReg(dst, src);
	}
	/** A scalar is linked with no other: id and off become 0. */
	clearScalarId(reg: number): void {
		this.code.clearScalarId(reg);
	}
	/** Two records are equal in all that a scalar has (type, bounds, tnum), ids aside. */
	sameBounds(a: number, b: number): boolean {
		return this.code.sameBounds(a, b) !== 0;
	}

	// ---- registers: bounds ----

	/** These set one kind of bounds and no other: boundsSync follows. */
	setSignedRange(reg: number, smin: bigint, smax: bigint): void {
		this.i64[(reg + REG_STATE.SMIN) >>> 3] = smin;
		this.i64[(reg + REG_STATE.SMAX) >>> 3] = smax;
	}
	setUnsignedRange(reg: number, umin: bigint, umax: bigint): void {
		this.u64[(reg + REG_STATE.UMIN) >>> 3] = umin;
		this.u64[(reg + REG_STATE.UMAX) >>> 3] = umax;
	}
	setSigned32Range(reg: number, min: number, max: number): void {
		this.i32[(reg + REG_STATE.S32_MIN) >>> 2] = min;
		this.i32[(reg + REG_STATE.S32_MAX) >>> 2] = max;
	}
	setUnsigned32Range(reg: number, min: number, max: number): void {
		this.i32[(reg + REG_STATE.U32_MIN) >>> 2] = min;
		this.i32[(reg + REG_STATE.U32_MAX) >>> 2] = max;
	}
	setTnum(reg: number, value: bigint, mask: bigint): void {
		this.u64[(reg + REG_STATE.TNUM_VALUE) >>> 3] = value;
		this.u64[(reg + REG_STATE.TNUM_MASK) >>> 3] = mask;
	}
	/** __mark_reg_unbounded: all ranges as wide as they can be; the tnum stays. */
	markUnbounded(reg: number): void {
		this.code.markUnbounded(reg);
	}
	/** reg_bounds_sync: what each kind of bounds says of the others. Call it after the setters above. */
	boundsSync(reg: number): void {
		this.code.boundsSync(reg);
	}
	/**
	 * What reg_bounds_sanity_check finds: 0 nothing, 1 "range bounds violation", 2 "const tnum out of sync with range
	 * bounds", 3 "const subreg tnum out of sync with range bounds". The kernel then calls markUnbounded.
	 */
	boundsViolation(reg: number): number {
		return this.code.boundsViolation(reg);
	}

	// ---- registers: arithmetic ----

	/**
	 * dst = dst op src of two scalars, as adjust_scalar_min_max_vals and the lines around it: a result that the kernel
	 * does not follow (division, shift by what is not a known fitting number) is unknown. `op` is the opcode's BPF_OP:
	 * ADD 0x00 … ARSH 0xc0; NEG takes any `src`; DIV and MOD (signed too) give unknown. With `deltas` (CAP_BPF),
	 * ± a constant keeps the id of a linked scalar, with BPF_ADD_CONST64 or 32; every other op clears the id.
	 * `src` may be `dst`. `precise` of dst is left for the walk.
	 */
	alu(op: number, alu32: boolean, dst: number, src: number, deltas = 1): void {
		this.code.alu(op, alu32 ? 1 : 0, dst, src, deltas);
	}
	/**
	 * maybe_fork_scalars: before an AND or OR with a known `src`, 6.18 walks a dst of [-1, 0] twice. 64 or 32 (the half
	 * that has this range), or 0: no fork. Then push a state that starts at this instruction again with
	 * `setForked(…, 0)`, and go on with `setForked(…, -1)`.
	 */
	forkWidth(op: number, dst: number, src: number): 0 | 32 | 64 {
		if ((op !== 0x40 && op !== 0x50) || !this.isConst(src)) return 0;
		if (this.signedNumber(dst, REG_STATE.SMIN) === -1 && this.signedNumber(dst, REG_STATE.SMAX) === 0)
			return 64;
		const half =
			this.getSigned(dst, REG_STATE.S32_MIN) === -1 && this.getSigned(dst, REG_STATE.S32_MAX) === 0;
		return half ? 32 : 0;
	}
	setForked(reg: number, width: 32 | 64, value: 0 | -1): void {
		this.code.setValue(reg, value, width === 32 ? 1 : 0);
	}
	/**
	 * BPF_END: the low `size` (2, 4, 8) bytes, zero-extended, their order changed if `swap` (bswap, and be on a
	 * little-endian machine). An id goes where the value may have changed.
	 */
	byteSwap(reg: number, size: number, swap: boolean): void {
		this.code.byteSwap(reg, size, swap ? 1 : 0);
	}
	/**
	 * dst = ptr ± scalar (op ADD or SUB), as adjust_ptr_min_max_vals after its refusals: type, id and the raw words are
	 * the pointer's, a known scalar that fits moves `off`, anything else the bounds. Then sync. `dst` may be either.
	 * Returns 1 where the offset became variable: the walk gives a packet pointer a new id, and range 0 unless it is a
	 * subtraction of something not negative.
	 */
	ptrAlu(op: number, dst: number, ptr: number, scalar: number): boolean {
		return this.code.ptrAlu(op, dst, ptr, scalar) !== 0;
	}
	/** zext_32_to_64: the upper half becomes 0 (moves and loads into a w register); no sync, as in the kernel. */
	zext32(reg: number): void {
		this.code.zext32(reg);
	}
	/** A 32-bit move of a scalar: copyReg, then zext32 and sync. The walk decides about ids first. */
	assignInto32(reg: number): void {
		this.code.zext32(reg);
		this.code.boundsSync(reg);
	}
	/** coerce_reg_to_size: the low `size` (1, 2, 4) bytes, zero-extended: narrow loads. */
	coerceToSize(reg: number, size: number): void {
		this.code.coerceToSize(reg, size);
	}
	/** coerce_reg_to_size_sx: sign-extended to 64 bits (movsx 64, ldsx). */
	coerceToSizeSx(reg: number, size: number): void {
		this.code.coerceToSizeSx(reg, size);
	}
	/** coerce_subreg_to_size_sx, then zext and sync: movsx into a w register. */
	coerceSubregToSizeSx(reg: number, size: number): void {
		this.code.coerceSubregToSizeSx(reg, size);
		this.code.zext32(reg);
		this.code.boundsSync(reg);
	}

	// ---- registers: branches ----

	/**
	 * is_scalar_branch_taken: 1 always, 0 never, -1 unknown. `op` is BPF_OP of the jump (JEQ 0x10, JGT 0x20, JGE 0x30,
	 * JSET 0x40, JNE 0x50, JSGT 0x60, JSGE 0x70, JLT 0xa0, JLE 0xb0, JSLT 0xc0, JSLE 0xd0). A constant operand is a
	 * record too (`markConst` on a `scratch`).
	 */
	branchTaken(op: number, jmp32: boolean, a: number, b: number): number {
		return this.code.branchTaken(op, jmp32 ? 1 : 0, a, b);
	}
	/**
	 * reg_set_min_max without its sanity check: narrows the operands in the state that jumps and in the one that falls
	 * through, and syncs all four. Nothing happens unless both false operands are scalars. `trueA === trueB` is fine.
	 */
	refine(op: number, jmp32: boolean, trueA: number, trueB: number, falseA: number, falseB: number): void {
		this.code.refine(op, jmp32 ? 1 : 0, trueA, trueB, falseA, falseB);
	}
	/**
	 * sync_linked_regs for one register: `reg` shares its base id with `known`; it takes known's bounds, moved by the
	 * difference of their deltas. Its subreg_def (and where they differ, off and id) stay.
	 */
	syncLinked(reg: number, known: number): void {
		this.code.syncLinked(reg, known);
	}

	// ---- states ----

	/** A state with one frame, whose registers are NOT_INIT; callsite is -1. Working: the frame has room for all slots. */
	newState(): number {
		return this.#allocated(this.code.newState());
	}
	/** A compact copy (copy_verifier_state into a new one): its frames have room for the slots they have now. */
	copyState(src: number): number {
		return this.#allocated(this.code.copyState(src));
	}
	/** The same into a working state, whose frames stay where they are as long as they are large enough. */
	copyInto(dst: number, src: number): void {
		this.#allocated(this.code.copyInto(dst, src));
	}
	freeState(state: number): void {
		this.code.freeState(state);
	}
	curframe(state: number): number {
		return this.u32[(state + STATE.CURFRAME) >>> 2]!;
	}
	/** Address of a frame, by default the current one. */
	frame(state: number, index = this.curframe(state)): number {
		return this.u32[((state + STATE.FRAMES) >>> 2) + index]!;
	}
	/** Address of register `n` in the current frame. */
	reg(state: number, n: number): number {
		return this.frame(state) + FUNC_STATE.REGS + n * REG_STATE.SIZE;
	}
	frameReg(frame: number, n: number): number {
		return frame + FUNC_STATE.REGS + n * REG_STATE.SIZE;
	}
	/** A frame with room for all slots behind the current one, which it becomes: registers NOT_INIT, no stack. */
	pushFrame(state: number): number {
		return this.#allocated(this.code.pushFrame(state));
	}
	/** Back to the caller's frame. */
	popFrame(state: number): void {
		this.code.popFrame(state);
	}

	// ---- stack ----

	/** Slots that the frame has (allocated_stack / 8). */
	slots(frame: number): number {
		return this.u32[(frame + FUNC_STATE.SLOTS) >>> 2]!;
	}
	/** grow_stack_state: at least `slots` (up to 64), new ones STACK_INVALID. The frame's address, which may be new. */
	growStack(state: number, frameIndex: number, slots: number): number {
		return this.#allocated(this.code.growStack(state, frameIndex, slots));
	}
	/** Address of slot `spi` (fp-8*(spi+1)); its eight types are the first bytes. */
	slot(frame: number, spi: number): number {
		return frame + FUNC_STATE.STACK + spi * SLOT.SIZE;
	}
	/** The register of a slot (spilled_ptr). */
	slotReg(frame: number, spi: number): number {
		return frame + FUNC_STATE.STACK + spi * SLOT.SIZE + SLOT.REG;
	}

	// ---- references ----

	refCount(state: number): number {
		return this.u32[(state + STATE.ACQUIRED_REFS) >>> 2]!;
	}
	/** Address of reference `index` (REF_STATE). */
	ref(state: number, index: number): number {
		return this.u32[(state + STATE.REFS) >>> 2]! + index * REF_STATE.SIZE;
	}
	/** acquire_reference: a zeroed one at the end; its address. */
	addRef(state: number): number {
		return this.#allocated(this.code.addRef(state));
	}
	/** release_reference_state: the later ones move up, in order. */
	removeRef(state: number, index: number): void {
		this.code.removeRef(state, index);
	}

	// ---- whole states ----

	/**
	 * bpf_for_each_reg_in_vstate with a condition: all registers, then all spilled ones, frame by frame, whose word at
	 * `field`, masked, is `value`. Returns how many; `found(i)` is their addresses. `value` 0 finds unset fields too.
	 */
	collect(state: number, field: number, value: number, mask = -1): number {
		return this.code.collect(state, field, value, mask);
	}
	/** Address of the i-th register that the last `collect` found. */
	found(i: number): number {
		return this.u32[(MEMORY.FOUND >>> 2) + i]!;
	}
	/** mark_all_scalars_precise / imprecise: `precise` of every scalar in registers and spills, frame by frame. */
	markAllScalars(state: number, precise: number): void {
		this.code.markAllScalars(state, precise);
	}
	/** What is dead becomes NOT_INIT or STACK_INVALID: registers (bit n) and slots (bit spi) that the masks leave out. */
	cleanFrame(frame: number, liveRegs: number, liveSlotsLow: number, liveSlotsHigh: number): void {
		this.code.cleanFrame(frame, liveRegs, liveSlotsLow, liveSlotsHigh);
	}
	/** What stands for the whole program, by default what root may. */
	setPolicy({ allowUninitStack = true, exploreAluLimits = false, bpfCapable = true }: Policy = {}): void {
		this.code.setPolicy(+allowUninitStack, +exploreAluLimits, +!bpfCapable);
	}
	/** live_regs_before of a frame's instruction (bit n = rn), for `statesEqual`. */
	setLiveRegs(frameIndex: number, mask: number): void {
		this.u32[(MEMORY.LIVE_REGS >>> 2) + frameIndex] = mask;
	}
	/** regsafe for two registers, under the ids that the last `statesEqual` left. */
	regSafe(old: number, cur: number, exact: number): boolean {
		return this.code.regSafe(old, cur, exact) !== 0;
	}
	/**
	 * states_equal: is `cur` safe because `old` was? `exact` is NOT_EXACT, EXACT or RANGE_WITHIN; `idGen` the walk's
	 * last id, above which scalars without an id get temporary ones. Set the live registers of each frame first.
	 */
	statesEqual(old: number, cur: number, exact: number, idGen: number): boolean {
		return this.code.statesEqual(old, cur, exact, idGen) !== 0;
	}
	/** states_maybe_looping: the current frames have identical registers (all but frameno, subreg_def, precise). */
	maybeLooping(old: number, cur: number): boolean {
		return this.code.maybeLooping(old, cur) !== 0;
	}

	/** A record for values that are in no state (the kernel's fake_reg); n < 16. */
	scratch(n: number): number {
		return MEMORY.SCRATCH + n * REG_STATE.SIZE;
	}
	/** Bytes of states that are in use. */
	get bytesInUse(): number {
		return this.code.bytesInUse();
	}

	#allocated(address: number): number {
		if (address === 0) {
			throw new TailhopError("machine/memory", "the verifier's memory is full");
		}
		if (this.i32.length === 0) this.#refreshViews();
		return address >>> 0;
	}

	#refreshViews(): void {
		const { buffer } = this.code.memory;
		this.i32 = new Int32Array(buffer);
		this.u32 = new Uint32Array(buffer);
		this.u8 = new Uint8Array(buffer);
		this.i64 = new BigInt64Array(buffer);
		this.u64 = new BigUint64Array(buffer);
	}
}
