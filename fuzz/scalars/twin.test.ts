import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { StateCore } from "../../packages/core/src/verifier/state/core.ts";
import * as LAYOUT from "../../packages/core/src/verifier/state/layout.ts";
import { anyScalar, type Scalar, setScalar } from "../../packages/core/src/verifier/state/test-scalars.ts";
import { bytes } from "./words.ts";

// The scalar code as WebAssembly and as plain TypeScript, over the same records: every byte must be the same.

vi.mock("../../packages/core/assembly/verifier/words.ts", () => import("./words.ts"));

type Twin = Record<string, (...args: never[]) => unknown>;
/** TypeScript would not take AssemblyScript's types, so the path is no literal. */
const source = (name: string): Promise<Twin> =>
	import(
		/* @vite-ignore */ `${new URL("../../packages/core/assembly/verifier/", import.meta.url).pathname}${name}.ts`
	);
const [alu, bounds, branch, compare, extend, reg, layout] = await Promise.all(
	["alu", "bounds", "branch", "compare", "extend", "reg", "layout"].map(source),
);

const core = new StateCore();
const regs = [0, 1, 2, 3].map((n) => core.scratch(n));
const [A, B, A2, B2] = regs as [number, number, number, number];

/** Runs `name` on both; the results and the four registers are the same. */
function same(name: string, twin: unknown, ...args: (number | boolean)[]): void {
	bytes.set(core.u8.subarray(0, bytes.length));
	const ours = (core.code as unknown as Record<string, (...args: number[]) => number>)[name]!(
		...args.map(Number),
	);
	const theirs = (twin as (...args: unknown[]) => number | boolean | undefined)(...args);
	expect(Number(theirs ?? 0)).toBe(ours ?? 0);
	for (const at of regs) {
		for (let i = at; i < at + LAYOUT.REG_STATE.SIZE; i++) {
			if (bytes[i] !== core.u8[i]) expect.fail(`${name}: byte ${i - at} is ${bytes[i]}, not ${core.u8[i]}`);
		}
	}
}

function setAll(a: Scalar, b: Scalar, ids: readonly number[]): void {
	for (const at of [A, A2]) setScalar(core, at, a);
	for (const at of [B, B2]) setScalar(core, at, b);
	for (const [i, at] of regs.entries()) {
		core.set(at, LAYOUT.REG_STATE.ID, ids[2 * i]!);
		core.set(at, LAYOUT.REG_STATE.OFF, ids[2 * i + 1]!);
	}
}

const anyIds = fc.array(fc.oneof(fc.constantFrom(0, 1, 0x8000_0001, 0x4000_0001, -5), fc.integer()), {
	minLength: 8,
	maxLength: 8,
});
const check = (run: (op: number, narrow: boolean) => void, ops: readonly number[]) =>
	fc.assert(
		fc.property(
			anyScalar,
			anyScalar,
			anyIds,
			fc.constantFrom(...ops),
			fc.boolean(),
			(a, b, ids, op, narrow) => {
				setAll(a, b, ids);
				run(op, narrow);
			},
		),
		{ numRuns: 500 },
	);

const OPS = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xc0];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];

test("the layout is the one of packages/core", () => {
	const { REG_STATE, FUNC_STATE, STATE, REF_STATE, SLOT, MEMORY } = LAYOUT;
	const named: Record<string, number> = {
		...REG_STATE,
		...STATE,
		...Object.fromEntries(Object.entries(LAYOUT).filter(([, value]) => typeof value === "number")),
		...{
			CALLSITE: FUNC_STATE.CALLSITE,
			FRAME_FRAMENO: FUNC_STATE.FRAMENO,
			CALLBACK_DEPTH: FUNC_STATE.CALLBACK_DEPTH,
		},
		...{
			SLOTS: FUNC_STATE.SLOTS,
			CAPACITY: FUNC_STATE.CAPACITY,
			REGS: FUNC_STATE.REGS,
			STACK: FUNC_STATE.STACK,
		},
		...{ REF_TYPE: REF_STATE.TYPE, REF_ID: REF_STATE.ID, REF_PTR: REF_STATE.PTR, REF_SIZE: REF_STATE.SIZE },
		...{ REG_SIZE: REG_STATE.SIZE, STATE_SIZE: STATE.SIZE, SLOT_REG: SLOT.REG, SLOT_SIZE: SLOT.SIZE },
		...Object.fromEntries(Object.entries(LAYOUT.COMPARE).map(([name, value]) => [`COMPARE_${name}`, value])),
		...{
			TYPE_CLASSES: MEMORY.TYPE_CLASSES,
			LIVE_REGS: MEMORY.LIVE_REGS,
			BRK: MEMORY.WORDS,
			FOUND: MEMORY.FOUND,
		},
		...{ ID_MAP: MEMORY.ID_MAP, HEAP: MEMORY.HEAP },
		...{ OWN_SCRATCH: MEMORY.SCRATCH + MEMORY.SCRATCH_COUNT * REG_STATE.SIZE },
	};
	let compared = 0;
	for (const [name, value] of Object.entries(layout as unknown as Record<string, number>)) {
		if (!(name in named)) continue;
		compared++;
		expect(value, name).toBe(named[name]);
	}
	expect(compared).toBeGreaterThan(70);
});

test("alu", () => check((op, narrow) => same("alu", alu!.alu, op, narrow, A, B, true), OPS));
test("alu on one register", () => check((op, narrow) => same("alu", alu!.alu, op, narrow, A, A, true), OPS));
test("alu by a known number", () =>
	check((op, narrow) => {
		core.markConst(B, op === 0 ? 5 : (core.constLow(B) & 63) - 1);
		same("alu", alu!.alu, op, narrow, A, B, true);
	}, OPS));
test("ptrAlu", () =>
	check(
		(op, into) => {
			core.set(A, LAYOUT.REG_STATE.TYPE, 8);
			same("ptrAlu", alu!.ptrAlu, op, into ? B : A, A, B);
		},
		[0x00, 0x10],
	));
test("byteSwap", () => check((size, swap) => same("byteSwap", alu!.byteSwap, A, size, swap), [2, 4, 8]));
test("boundsSync, boundsViolation", () =>
	check(() => {
		same("boundsSync", bounds!.boundsSync, A);
		same("boundsViolation", bounds!.boundsViolation, B);
	}, [0]));
test("branchTaken, refine", () =>
	check((op, narrow) => {
		same("branchTaken", branch!.branchTaken, op, narrow, A, B);
		same("refine", branch!.refine, op, narrow, A, B, A2, B2);
		same("refine", branch!.refine, op, narrow, A, A, A2, A2);
	}, JUMPS));
test("syncLinked", () => check(() => same("syncLinked", branch!.syncLinked, A, B), [0]));
test("extension", () =>
	check(
		(size) => {
			same("coerceToSize", extend!.coerceToSize, A, size);
			same("coerceToSizeSx", extend!.coerceToSizeSx, B, size);
			same("coerceSubregToSizeSx", extend!.coerceSubregToSizeSx, A2, size === 4 ? 1 : size);
			same("zext32", extend!.zext32, B2);
		},
		[1, 2, 4],
	));
test("regSafe", () => check((exact) => same("regSafe", compare!.regSafe, A, A2, exact), [0, 1, 2]));
test("whole registers", () =>
	check(() => {
		same("markUnknown", reg!.markUnknown, A);
		same("markKnown", reg!.markKnown, B, 7, 0x8000_0000);
		same("copyReg", reg!.copyReg, A2, B);
		same("clearReg", reg!.clearReg, B2);
	}, [0]));
