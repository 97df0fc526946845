import type { Insn } from "../../isa/index.ts";
import type { Log } from "../log/log.ts";
import { INSN, type InsnAux } from "../program/aux.ts";
import { type Subprogram, successors } from "../program/subprograms.ts";
import type { StateCore } from "../state/core.ts";
import { FUNC_STATE } from "../state/layout.ts";

/** Words of one instruction's record: each mask has two, for 64 slots. */
const MAY_READ = 0;
const MUST_WRITE = 2;
const WRITES = 4;
const LIVE = 6;
const WORDS = 8;

/** A function in one chain of callers, with what its instructions do to the stacks of the chain. */
interface Instance {
	readonly subprogram: Subprogram;
	/** Call sites of the frames above it, and itself the last. */
	readonly callsites: readonly number[];
	readonly outer: Instance | undefined;
	/** By frame; made when something is marked. */
	readonly masks: (Int32Array | undefined)[];
	/** Instructions that were walked before. */
	readonly seen: Uint8Array;
	updated: boolean;
	/** An instruction writes less on some way than it was thought to. */
	dropped: boolean;
}

/** What the liveness must know of the walk: who calls whom now. */
export interface Frames {
	readonly core: StateCore;
	readonly cur: { readonly at: number };
	readonly insnIdx: number;
}

/** An instance in the log: `(8,12)`, its call sites and where it starts. */
const chain = ({ callsites, subprogram }: Instance): string =>
	`(${[...callsites.slice(1), subprogram.start].join()})`;

/**
 * Which stack slots are read before they are written (kernel: liveness.c of 6.18): what instructions did while they
 * were walked is collected, and flows backwards at the end of each path. Slots that are dead don't matter when two
 * states are compared.
 */
export class StackLiveness {
	readonly #insns: readonly Insn[];
	readonly #subprograms: () => readonly Subprogram[];
	readonly #aux: InsnAux;
	readonly #instances = new Map<string, Instance>();
	readonly #orders = new Map<number, readonly (readonly [insn: number, next: readonly number[]])[]>();
	#current: Instance | undefined;
	#writeInsn = 0;
	readonly #writes = new Int32Array(16);

	readonly #log: Log;

	constructor(insns: readonly Insn[], subprograms: () => readonly Subprogram[], aux: InsnAux, log: Log) {
		this.#log = log;
		this.#insns = insns;
		this.#subprograms = subprograms;
		this.#aux = aux;
	}

	/** Another function runs. */
	resetChain(): void {
		this.#current = undefined;
	}

	/** Before each instruction. */
	begin(w: Frames): void {
		this.#current ??= this.#instance(w.core, w.cur.at, w.core.curframe(w.cur.at));
		this.#writeInsn = w.insnIdx;
		this.#writes.fill(0);
	}

	read(w: Frames, frame: number, spi: number): void {
		this.#current ??= this.#instance(w.core, w.cur.at, w.core.curframe(w.cur.at));
		this.#markRead(this.#current, frame, w.insnIdx, spi < 32 ? 1 << spi : 0, spi < 32 ? 0 : 1 << (spi - 32));
	}

	write(frame: number, spi: number): void {
		this.#writes[2 * frame + (spi >> 5)]! |= 1 << (spi & 31);
	}

	/** Behind each instruction. */
	commit(): void {
		if (this.#current !== undefined) this.#commit(this.#current, this.#writeInsn);
	}

	/** At the end of a path, and of a function. */
	update(w: Frames): void {
		this.resetChain();
		let instance: Instance | undefined = this.#instance(w.core, w.cur.at, w.core.curframe(w.cur.at));
		for (; instance !== undefined; instance = instance.outer) {
			if (!instance.updated) continue;
			this.#flow(instance);
			if (instance.outer !== undefined) this.#toOuter(instance, instance.outer);
			instance.updated = false;
		}
	}

	/** Live slots of each frame of a state, as pairs of words; `idxs` are the instructions its frames stand at. */
	query(core: StateCore, state: number, idxs: readonly number[]): Int32Array {
		const last = idxs.length - 1;
		const live = new Int32Array(2 * idxs.length);
		const add = (instance: Instance, insn: number, frame: number) => {
			const masks = instance.masks[frame];
			if (masks === undefined) return;
			const at = (insn - instance.subprogram.start) * WORDS + LIVE;
			live[2 * frame]! |= masks[at] ?? 0;
			live[2 * frame + 1]! |= masks[at + 1] ?? 0;
		};
		for (let i = 0; i <= last; i++) {
			const instance = this.#instance(core, state, i);
			const at = idxs[i]!;
			// of a caller: behind the call, unless the call may come again
			const insn = i === last || this.#aux.has(at, INSN.CALLBACK) ? at : at + 1;
			for (let frame = 0; frame <= i; frame++) add(instance, insn, frame);
		}
		return live;
	}

	#instance(core: StateCore, state: number, curframe: number): Instance {
		let instance: Instance | undefined;
		let key = "";
		for (let i = 0; i <= curframe; i++) {
			const frame = core.frame(state, i);
			const subprogram = this.#subprograms()[core.get(frame, FUNC_STATE.SUBPROGNO)]!;
			const callsite = core.getSigned(frame, FUNC_STATE.CALLSITE);
			key += `${i > 0 ? callsite : ""}/${subprogram.start} `;
			let found = this.#instances.get(key);
			if (found === undefined) {
				found = {
					subprogram,
					callsites: [...(instance?.callsites ?? []), callsite],
					outer: instance,
					masks: [],
					seen: new Uint8Array(subprogram.end - subprogram.start),
					updated: false,
					dropped: false,
				};
				this.#instances.set(key, found);
			}
			instance = found;
		}
		return instance!;
	}

	#masks(instance: Instance, frame: number): Int32Array {
		const { start, end } = instance.subprogram;
		instance.masks[frame] ??= new Int32Array((end - start) * WORDS);
		return instance.masks[frame];
	}

	#markRead(instance: Instance, frame: number, insn: number, low: number, high: number): void {
		const masks = this.#masks(instance, frame);
		const at = (insn - instance.subprogram.start) * WORDS;
		if ((low & ~(masks[at + LIVE]! | masks[at + MAY_READ]!)) !== 0) instance.updated = true;
		if ((high & ~(masks[at + LIVE + 1]! | masks[at + MAY_READ + 1]!)) !== 0) instance.updated = true;
		masks[at + MAY_READ]! |= low;
		masks[at + MAY_READ + 1]! |= high;
	}

	#commit(instance: Instance, insn: number): void {
		const idx = insn - instance.subprogram.start;
		for (let frame = 0; frame < instance.callsites.length; frame++) {
			let low = this.#writes[2 * frame]!;
			let high = this.#writes[2 * frame + 1]!;
			if (instance.masks[frame] === undefined && (low | high) === 0) continue;
			const masks = this.#masks(instance, frame);
			const at = idx * WORDS + MUST_WRITE;
			const [oldLow, oldHigh] = [masks[at]!, masks[at + 1]!];
			if (instance.seen[idx]) {
				low &= oldLow;
				high &= oldHigh;
			}
			if (low !== oldLow || high !== oldHigh) {
				masks[at] = low;
				masks[at + 1] = high;
				instance.updated = true;
			}
			if ((oldLow & ~low) | (oldHigh & ~high)) instance.dropped = true;
		}
		instance.seen[idx] = 1;
	}

	/** Instructions of a subprogram, those first that others lead to. */
	#order(subprogram: Subprogram): readonly (readonly [insn: number, next: readonly number[]])[] {
		const known = this.#orders.get(subprogram.start);
		if (known !== undefined) return known;
		const order: [number, readonly number[]][] = [];
		// all successors are put on the stack at once, the last is taken first: nearly, but not quite, depth first
		const found = new Set<number>([subprogram.start]);
		const explored = new Set<number>();
		const stack = [subprogram.start];
		for (let at = stack.at(-1); at !== undefined; at = stack.at(-1)) {
			const next = successors(this.#insns, at);
			if (explored.has(at)) {
				order.push([at, next]);
				stack.pop();
				continue;
			}
			explored.add(at);
			for (const to of next) {
				if (found.has(to) || to < subprogram.start || to >= subprogram.end) continue;
				found.add(to);
				stack.push(to);
			}
		}
		this.#orders.set(subprogram.start, order);
		return order;
	}

	#flow(instance: Instance): void {
		const order = this.#order(instance.subprogram);
		const frames = instance.masks
			.map((masks, frame) => ({ frame, masks }))
			.filter(({ masks }) => masks !== undefined);
		if (instance.dropped) {
			for (const { masks } of frames)
				for (let at = 0; at < masks!.length; at += WORDS) masks!.fill(0, at + WRITES, at + LIVE + 2);
		}
		let rounds = 0;
		for (let changed = true; changed; rounds++) {
			changed = false;
			for (const { frame, masks } of frames)
				for (const [insn, next] of order)
					if (next.length > 0 && this.#flowThrough(instance, frame, masks!, insn, next)) changed = true;
		}
		if (this.#log.states)
			this.#log.write(`${chain(instance)} live stack update done in ${rounds} iterations\n`);
		instance.dropped = false;
	}

	/** One instruction: what is live before it, and written on every way behind; true if that has changed. */
	#flowThrough(
		instance: Instance,
		frame: number,
		masks: Int32Array,
		insn: number,
		next: readonly number[],
	): boolean {
		const { start } = instance.subprogram;
		const at = (insn - start) * WORDS;
		const old = masks.slice(at + WRITES, at + LIVE + 2);
		for (let half = 0; half < 2; half++) {
			let live = 0;
			let writes = -1;
			for (const to of next) {
				const there = (to - start) * WORDS + half;
				live |= masks[there + LIVE]!;
				writes &= masks[there + WRITES]!;
			}
			const own = masks[at + MUST_WRITE + half]!;
			masks[at + LIVE + half] = (live & ~own) | masks[at + MAY_READ + half]!;
			masks[at + WRITES + half] = writes | own;
		}
		const now = masks.subarray(at + WRITES, at + LIVE + 2);
		if (now.every((word, i) => word === old[i])) return false;
		if (this.#log.states && this.#isOfInterest(masks, at, insn, start)) {
			const place = `${chain(instance)} frame ${frame} insn ${insn} `;
			this.#logChange(place, "live", old, now, LIVE - WRITES);
			this.#logChange(place, "written", old, now, 0);
		}
		return true;
	}

	#isOfInterest(masks: Int32Array, at: number, insn: number, start: number): boolean {
		const accesses = masks.subarray(at + MAY_READ, at + MUST_WRITE + 2);
		return accesses.some((word) => word !== 0) || insn === start || this.#aux.has(insn, INSN.PRUNE);
	}

	#logChange(place: string, what: string, old: Int32Array, now: Int32Array, at: number): void {
		const slots = (from: Int32Array, to: Int32Array, sign: string) => {
			const list: number[] = [];
			for (let spi = 0; spi < 64; spi++) {
				const word = at + (spi >> 5);
				if (((to[word]! & ~from[word]!) >>> (spi & 31)) & 1) list.push(-8 * (spi + 1));
			}
			return list.length === 0 ? "" : `${sign}${what} ${list.join()}`;
		};
		const more = slots(old, now, "+");
		const changes = `${more === "" ? "" : `${more} `}${slots(now, old, "-")}`;
		if (changes !== "") this.#log.write(`${place}${changes}\n`);
	}

	/** What a call does to its callers' stacks is what its callee does there. */
	#toOuter(instance: Instance, outer: Instance): void {
		const callsite = instance.callsites.at(-1)!;
		this.#writes.fill(0);
		for (let frame = 0; frame < outer.callsites.length; frame++) {
			const masks = instance.masks[frame];
			if (masks === undefined) continue;
			this.#writes[2 * frame] = masks[WRITES]!;
			this.#writes[2 * frame + 1] = masks[WRITES + 1]!;
			this.#markRead(outer, frame, callsite, masks[LIVE]!, masks[LIVE + 1]!);
		}
		this.#commit(outer, callsite);
	}
}
