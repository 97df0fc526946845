import { describe, expect, test } from "vitest";
import { StateCore } from "./core.ts";
import {
	BPF_ADD_CONST,
	BPF_ADD_CONST32,
	BPF_ADD_CONST64,
	EXACT,
	FUNC_STATE,
	NOT_EXACT,
	RANGE_WITHIN,
	REF_STATE,
	REF_TYPE_LOCK,
	REF_TYPE_PTR,
	REG_STATE,
	STACK_DYNPTR,
	STACK_INVALID,
	STACK_ITER,
	STACK_MISC,
	STACK_SPILL,
	STACK_ZERO,
	STATE,
} from "./layout.ts";
import { REG } from "./types.ts";

const { ID, OFF, PRECISE, RANGE, REF_OBJ_ID, AUX, FRAMENO } = REG_STATE;

/** A core, a working state in it, and short words for what tests do with them. */
function setup(slots = 0) {
	const core = new StateCore();
	const state = core.newState();
	core.growStack(state, 0, slots);
	for (let i = 0; i < 8; i++) core.setLiveRegs(i, 0x7ff);
	const range = (reg: number, umin: bigint, umax: bigint) => {
		core.markUnknown(reg);
		core.setUnsignedRange(reg, umin, umax);
		core.boundsSync(reg);
		core.set(reg, PRECISE, 1);
	};
	const spill = (at: number, spi: number, types: number[]) => {
		core.u8.set(types, core.slot(core.frame(at), spi));
		return core.slotReg(core.frame(at), spi);
	};
	return { core, state, range, spill };
}
const all = (type: number): number[] => Array<number>(8).fill(type);

describe("memory", () => {
	test("a copy has the same bytes and does not change with the original", () => {
		const { core, state, range } = setup(3);
		range(core.reg(state, 3), 5n, 9n);
		core.pushFrame(state);
		core.growStack(state, 1, 2);
		core.set(core.addRef(state), REF_STATE.ID, 77);
		const copy = core.copyState(state);
		for (const index of [0, 1]) {
			const from = core.frame(state, index);
			const to = core.frame(copy, index);
			const size = FUNC_STATE.STACK + core.slots(from) * 136;
			expect(core.slots(to)).toBe(core.slots(from));
			const body = (frame: number) => core.u8.slice(frame + FUNC_STATE.CAPACITY + 4, frame + size);
			expect(body(to)).toEqual(body(from));
		}
		core.markKnownZero(core.frameReg(core.frame(state, 0), 3));
		expect(core.umin(core.frameReg(core.frame(copy, 0), 3))).toBe(5n);
		expect(core.get(core.ref(copy, 0), REF_STATE.ID)).toBe(77);
		expect(core.curframe(copy)).toBe(1);
	});

	test("a working state's frames stay where they are", () => {
		const { core, state } = setup();
		const [first, second] = [core.frame(state), core.pushFrame(state)];
		const stored = core.copyState(state);
		core.popFrame(state);
		core.copyInto(state, stored);
		expect(core.growStack(state, 1, 64)).toBe(second);
		expect([core.frame(state, 0), core.frame(state, 1)]).toEqual([first, second]);
	});

	test("a stored state can grow: its frame moves", () => {
		const { core, state, range } = setup(1);
		const stored = core.copyState(state);
		range(core.reg(stored, 6), 1n, 2n);
		const frame = core.growStack(stored, 0, 20);
		expect(frame).toBe(core.frame(stored));
		expect(core.slots(frame)).toBe(20);
		expect(core.umax(core.frameReg(frame, 6))).toBe(2n);
		expect([...core.u8.subarray(core.slot(frame, 1), core.slot(frame, 20))]).toEqual(Array(19 * 136).fill(0));
	});

	test("what is freed is used again", () => {
		const { core, state } = setup(10);
		const before = core.bytesInUse;
		for (let i = 0; i < 1000; i++) core.freeState(core.copyState(state));
		expect(core.bytesInUse).toBe(before);
		const states = Array.from({ length: 1000 }, () => core.copyState(state));
		const size = core.u8.length;
		for (const stored of states) core.freeState(stored);
		for (let i = 0; i < 1000; i++) states[i] = core.copyState(state);
		expect(core.u8.length).toBe(size);
		expect(new Set(states).size).toBe(1000);
	});

	test("a frame that is entered again knows nothing", () => {
		const { core, state } = setup();
		const frame = core.pushFrame(state);
		core.growStack(state, 1, 4);
		core.markKnownZero(core.frameReg(frame, 1));
		core.set(frame, FUNC_STATE.CALLSITE, 5);
		core.popFrame(state);
		expect(core.pushFrame(state)).toBe(frame);
		expect(core.slots(frame)).toBe(0);
		expect(core.type(core.frameReg(frame, 1))).toBe(REG.NOT_INIT);
		expect(core.getSigned(frame, FUNC_STATE.CALLSITE)).toBe(-1);
		expect(core.get(frame, FUNC_STATE.FRAMENO)).toBe(1);
	});

	test("references keep their order", () => {
		const { core, state } = setup();
		for (let id = 1; id <= 9; id++) core.set(core.addRef(state), REF_STATE.ID, id);
		core.removeRef(state, 4);
		core.removeRef(state, 0);
		const ids = Array.from({ length: core.refCount(state) }, (_, i) =>
			core.get(core.ref(state, i), REF_STATE.ID),
		);
		expect(ids).toEqual([2, 3, 4, 6, 7, 8, 9]);
	});
});

describe("walks over all registers", () => {
	test("collect finds registers, then spills, of each frame", () => {
		const { core, state, spill } = setup(3);
		core.set(core.reg(state, 7), ID, 4);
		core.set(spill(state, 1, all(STACK_SPILL)), ID, 4 | BPF_ADD_CONST64);
		core.set(spill(state, 2, all(STACK_MISC)), ID, 4);
		core.pushFrame(state);
		core.set(core.reg(state, 1), ID, (4 | BPF_ADD_CONST32) >>> 0);
		expect(core.collect(state, ID, 4, ~BPF_ADD_CONST)).toBe(3);
		expect([0, 1, 2].map((i) => core.found(i))).toEqual([
			core.frameReg(core.frame(state, 0), 7),
			core.slotReg(core.frame(state, 0), 1),
			core.frameReg(core.frame(state, 1), 1),
		]);
		expect(core.collect(state, ID, 4)).toBe(1);
	});

	test("markAllScalars leaves pointers alone", () => {
		const { core, state, spill } = setup(1);
		core.markUnknown(core.reg(state, 2));
		core.markPointer(core.reg(state, 3), REG.CTX);
		const slot = spill(state, 0, all(STACK_SPILL));
		core.markUnknown(slot);
		core.markAllScalars(state, 1);
		expect([core.reg(state, 2), core.reg(state, 3), slot].map((reg) => core.get(reg, PRECISE))).toEqual([
			1, 0, 1,
		]);
	});

	test("cleanFrame forgets what is dead", () => {
		const { core, state, spill } = setup(40);
		for (const n of [1, 2]) core.markUnknown(core.reg(state, n));
		for (const spi of [0, 1, 33]) core.markUnknown(spill(state, spi, all(STACK_SPILL)));
		core.cleanFrame(core.frame(state), 1 << 2, 1 << 1, 1 << (33 - 32));
		expect([1, 2].map((n) => core.type(core.reg(state, n)))).toEqual([REG.NOT_INIT, REG.SCALAR]);
		const types = [0, 1, 33].map((spi) => core.u8[core.slot(core.frame(state), spi)]);
		expect(types).toEqual([STACK_INVALID, STACK_SPILL, STACK_SPILL]);
	});
});

describe("is a state safe because an explored one was", () => {
	/** The original is the old state, its copy the new one; `change` makes them differ. */
	const equal = (
		change: (t: ReturnType<typeof setup>, old: number, cur: number) => void,
		exact = NOT_EXACT,
		slots = 2,
	): boolean => {
		const t = setup(slots);
		const cur = t.core.copyState(t.state);
		change(t, t.state, cur);
		return t.core.statesEqual(t.state, cur, exact, 1000);
	};

	test("equal states are", () => {
		for (const exact of [NOT_EXACT, EXACT, RANGE_WITHIN]) expect(equal(() => {}, exact)).toBe(true);
	});

	test("a range within a precise one is, a wider one is not", () => {
		const ranges = (old: [bigint, bigint], cur: [bigint, bigint], precise = 1, exact = NOT_EXACT) =>
			equal(({ core, range }, a, b) => {
				range(core.reg(a, 6), ...old);
				range(core.reg(b, 6), ...cur);
				core.set(core.reg(a, 6), PRECISE, precise);
			}, exact);
		expect(ranges([0n, 9n], [3n, 5n])).toBe(true);
		expect(ranges([3n, 5n], [0n, 9n])).toBe(false);
		expect(ranges([3n, 5n], [0n, 9n], 0)).toBe(true);
		expect(ranges([3n, 5n], [0n, 9n], 0, RANGE_WITHIN)).toBe(false);
		expect(ranges([0n, 9n], [3n, 5n], 0, EXACT)).toBe(false);
	});

	test("what nobody reads does not count", () => {
		const different = (live: number) =>
			equal(({ core }, a, b) => {
				core.markPointer(core.reg(a, 6), REG.CTX);
				core.markKnownZero(core.reg(b, 6));
				core.setLiveRegs(0, live);
			});
		expect(different(1 << 6)).toBe(false);
		expect(different(1 << 7)).toBe(true);
	});

	test("registers that were one number must be one number", () => {
		const linked = (oldIds: number[], curIds: number[], offs: number[] = [0, 0, 0, 0]) =>
			equal(({ core, range }, a, b) => {
				for (const [i, n] of [6, 7].entries()) {
					for (const [state, ids, off] of [
						[a, oldIds, offs[i]],
						[b, curIds, offs[i + 2]],
					] as const) {
						range(core.reg(state, n), 0n, 9n);
						core.set(core.reg(state, n), ID, ids[i]!);
						core.set(core.reg(state, n), OFF, off!);
					}
				}
			});
		expect(linked([5, 5], [8, 8])).toBe(true);
		expect(linked([5, 5], [8, 9])).toBe(false);
		expect(linked([5, 6], [8, 8])).toBe(false);
		expect(linked([0, 0], [8, 8])).toBe(true);
		expect(linked([5, 5], [0, 0])).toBe(false);
		expect(linked([5, 6], [0, 0])).toBe(true);
		const plus = (id: number) => (id | BPF_ADD_CONST64) >>> 0;
		expect(linked([5, plus(5)], [8, plus(8)], [0, 4, 0, 4])).toBe(true);
		expect(linked([5, plus(5)], [8, plus(8)], [0, 4, 0, 5])).toBe(false);
		expect(linked([5, plus(5)], [8, plus(9)], [0, 4, 0, 4])).toBe(false);
		expect(linked([5, plus(5)], [8, 8 | BPF_ADD_CONST32], [0, 4, 0, 4])).toBe(false);
	});

	test("pointers: packets may have more range, others must be the same", () => {
		const pointer = (type: number, field: number, old: number, cur: number) =>
			equal(({ core }, a, b) => {
				for (const [state, value] of [
					[a, old],
					[b, cur],
				] as const) {
					core.markPointer(core.reg(state, 6), type);
					core.set(core.reg(state, 6), field, value);
				}
			});
		expect(pointer(REG.PACKET, RANGE, 14, 20)).toBe(true);
		expect(pointer(REG.PACKET, RANGE, 20, 14)).toBe(false);
		expect(pointer(REG.PACKET, OFF, 2, 4)).toBe(false);
		expect(pointer(REG.MAP_VALUE, ID, 4, 7)).toBe(true);
		expect(pointer(REG.MAP_VALUE, AUX, 0, 1)).toBe(false);
		expect(pointer(REG.MAP_VALUE, REF_OBJ_ID, 0, 1)).toBe(false);
		expect(pointer(REG.STACK, FRAMENO, 0, 1)).toBe(false);
		expect(pointer(REG.CTX, FRAMENO, 0, 1)).toBe(true);
		expect(pointer(REG.ARENA, OFF, 0, 1)).toBe(true);
	});

	test("slots of the stack", () => {
		const slots = (old: number[], cur: number[], allowUninitStack = true, exact = NOT_EXACT) =>
			equal(({ core, spill }, a, b) => {
				core.setPolicy({ allowUninitStack });
				for (const [state, types] of [
					[a, old],
					[b, cur],
				] as const) {
					core.markUnknown(spill(state, 0, types));
				}
			}, exact);
		expect(slots(all(STACK_INVALID), all(STACK_ZERO))).toBe(true);
		expect(slots(all(STACK_INVALID), all(STACK_ZERO), true, EXACT)).toBe(false);
		expect(slots(all(STACK_MISC), all(STACK_INVALID))).toBe(true);
		expect(slots(all(STACK_MISC), all(STACK_INVALID), false)).toBe(false);
		expect(slots(all(STACK_MISC), all(STACK_ZERO), false)).toBe(true);
		expect(slots(all(STACK_ZERO), all(STACK_MISC))).toBe(false);
		expect(slots(all(STACK_SPILL), all(STACK_MISC), false)).toBe(true);
		expect(slots([...all(STACK_ZERO).slice(4), ...all(STACK_SPILL).slice(4)], all(STACK_SPILL))).toBe(false);
	});

	test("a slot that the new state lacks was never used", () => {
		const shorter = (types: number[]) => {
			const { core, state, spill } = setup(1);
			const cur = core.copyState(state);
			core.growStack(state, 0, 2);
			spill(state, 1, types);
			return core.statesEqual(state, cur, NOT_EXACT, 1000);
		};
		expect(shorter(all(STACK_INVALID))).toBe(true);
		expect(shorter(all(STACK_ZERO))).toBe(false);
	});

	test("dynptrs and iterators: kind and reference count, depth does not", () => {
		const object = (type: number, field: number, old: number, cur: number) =>
			equal(({ core, spill }, a, b) => {
				core.set(spill(a, 0, all(type)), field, old);
				core.set(spill(b, 0, all(type)), field, cur);
			});
		expect(object(STACK_DYNPTR, AUX, 1, 2)).toBe(false);
		expect(object(STACK_ITER, RANGE, 1, 2)).toBe(true);
		expect(object(STACK_ITER, REF_OBJ_ID, 3, 4)).toBe(true);
		expect(object(STACK_ITER, REF_OBJ_ID, 3, 0)).toBe(false);
	});

	test("what is held", () => {
		const held = (field: number, old: number, cur: number) =>
			equal(({ core }, a, b) => {
				core.set(a, field, old);
				core.set(b, field, cur);
			});
		expect(held(STATE.ACTIVE_RCU_LOCKS, 0, 1)).toBe(false);
		expect(held(STATE.ACTIVE_LOCK_ID, 3, 4)).toBe(true);
		expect(held(STATE.ACTIVE_LOCK_PTR, 3, 4)).toBe(false);
		expect(held(STATE.SPECULATIVE, 1, 0)).toBe(false);
		expect(held(STATE.SPECULATIVE, 0, 1)).toBe(true);
		expect(held(STATE.INSN_IDX, 0, 1)).toBe(true);
		const refs = (type: number, field: number, old: number, cur: number) =>
			equal(({ core }, a, b) => {
				for (const [state, value] of [
					[a, old],
					[b, cur],
				] as const) {
					const ref = core.addRef(state);
					core.set(ref, REF_STATE.TYPE, type);
					core.set(ref, field, value);
				}
			});
		expect(refs(REF_TYPE_PTR, REF_STATE.ID, 4, 5)).toBe(true);
		expect(refs(REF_TYPE_PTR, REF_STATE.PTR, 4, 5)).toBe(true);
		expect(refs(REF_TYPE_LOCK, REF_STATE.PTR, 4, 5)).toBe(false);
	});

	test("frames: as many, called from the same place, with no more callbacks done", () => {
		const frames = (field: number, old: number, cur: number) => {
			const { core, state } = setup();
			core.pushFrame(state);
			const copy = core.copyState(state);
			core.set(core.frame(state), field, old);
			core.set(core.frame(copy), field, cur);
			return core.statesEqual(state, copy, NOT_EXACT, 0);
		};
		expect(frames(FUNC_STATE.CALLSITE, 4, 5)).toBe(false);
		expect(frames(FUNC_STATE.CALLBACK_DEPTH, 1, 2)).toBe(true);
		expect(frames(FUNC_STATE.CALLBACK_DEPTH, 2, 1)).toBe(false);
		const { core, state } = setup();
		const copy = core.copyState(state);
		core.pushFrame(copy);
		expect(core.statesEqual(state, copy, NOT_EXACT, 0)).toBe(false);
	});

	test("maybeLooping: the current frame's registers have not changed", () => {
		const { core, state, range } = setup();
		const copy = core.copyState(state);
		expect(core.maybeLooping(state, copy)).toBe(true);
		core.set(core.reg(copy, 3), PRECISE, 1);
		expect(core.maybeLooping(state, copy)).toBe(true);
		range(core.reg(copy, 3), 0n, 1n);
		expect(core.maybeLooping(state, copy)).toBe(false);
	});
});
