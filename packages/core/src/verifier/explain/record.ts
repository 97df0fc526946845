import { printReg } from "../log/print-state.ts";
import type { WalkObserver } from "../observer.ts";
import { FUNC_STATE, REG_STATE } from "../state/layout.ts";
import { kindOf, REG, typeName } from "../state/types.ts";
import { regAt, type Walk } from "../walk/walk.ts";
import type { RegView, Step } from "./types.ts";

/** Counts visits, and keeps which steps of the walk are the path that it is on: all that a walk over a million costs. */
export class PathObserver implements WalkObserver {
	readonly visits: Uint32Array;
	/** Numbers of the steps of the path, from 1, as the walk counts its instructions. */
	readonly path: number[] = [];

	constructor(insns: number) {
		this.visits = new Uint32Array(insns);
	}

	begin(): void {
		this.path.length = 0;
	}
	visit(insn: number): void {
		this.visits[insn]!++;
	}
	step(walk: Walk): void {
		this.path.push(walk.insnProcessed);
	}
	mark(): number {
		return this.path.length;
	}
	rewind(mark: number): void {
		this.path.length = mark;
	}
}

/** Words of a register that are compared: all before FREE. */
const WORDS = REG_STATE.FREE >>> 2;
const REGS = 11;

/**
 * Keeps the registers at the given steps of a walk: of the same program and options as the walk that found them, since
 * the verifier does the same each time.
 */
export class StepRecorder implements WalkObserver {
	readonly steps: Step[] = [];
	readonly #wanted: readonly number[];
	/** Of each frame, what its registers were when they were last looked at. */
	readonly #seen: { words: Uint32Array; views: (RegView | undefined)[] }[] = [];

	constructor(wanted: readonly number[]) {
		this.#wanted = wanted;
	}

	begin(): void {}
	visit(): void {}
	mark(): number {
		return 0;
	}
	rewind(): void {}

	step(walk: Walk, insn: number): void {
		if (this.#wanted[this.steps.length] !== walk.insnProcessed) return;
		const { curframe } = walk;
		this.#seen[curframe] ??= {
			words: new Uint32Array(REGS * WORDS),
			views: new Array<RegView | undefined>(REGS).fill(undefined),
		};
		const seen = this.#seen[curframe];
		const frame = walk.frame();
		const regs = seen.views.slice();
		for (let n = 0; n < REGS; n++) {
			const at = regAt(frame, n) >>> 2;
			const words = walk.core.u32.subarray(at, at + WORDS);
			const known = seen.words.subarray(n * WORDS, (n + 1) * WORDS);
			if (words.every((word, i) => word === known[i])) continue;
			known.set(words);
			regs[n] = viewOf(walk, regAt(frame, n), walk.core.get(frame, FUNC_STATE.FRAMENO));
		}
		seen.views = regs;
		this.steps.push({ insn, frame: curframe, regs });
	}
}

/** Signed bounds of the lower half where they say more than the unsigned ones. */
function lowWords(core: Walk["core"], reg: number): string {
	const smin = core.getSigned(reg, REG_STATE.S32_MIN);
	const smax = core.getSigned(reg, REG_STATE.S32_MAX);
	return smin >= 0 ? `${smin} to ${smax}` : `${smin} to ${smax}, as a signed number`;
}

function viewOf(walk: Walk, reg: number, frameno: number): RegView | undefined {
	const { core } = walk;
	const type = core.type(reg);
	if (type === REG.NOT_INIT) return undefined;
	const kind = kindOf(type);
	const inMap = kind === REG.MAP_PTR || kind === REG.MAP_VALUE || kind === REG.MAP_KEY;
	const map = inMap ? walk.mapOf(reg).map : undefined;
	return {
		text: printReg(walk, reg, frameno),
		kind: typeName(type),
		off: core.getSigned(reg, REG_STATE.OFF),
		id: core.get(reg, REG_STATE.ID),
		range: kind === REG.PACKET || kind === REG.PACKET_META ? core.getSigned(reg, REG_STATE.RANGE) : 0,
		frame: core.get(reg, REG_STATE.FRAMENO),
		smin: core.smin(reg),
		smax: core.smax(reg),
		umin: core.umin(reg),
		umax: core.umax(reg),
		low: lowWords(core, reg),
		...(map === undefined ? {} : { map: { name: map.name, valueSize: map.valueSize } }),
	};
}
