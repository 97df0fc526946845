import { COMPARE } from "./alu.ts";
import { SIMD, T, W } from "./opcodes.ts";
import type { Linear, SumExit, SumLoop, SumStream } from "./sums.ts";
import type { Translator } from "./translate.ts";

const LANES = 16;
/** Turns at once, so that what they come to needs no more than 32 bits; the loop itself does the rest. */
const MOST_TURNS = 1 << 20;

/** What stands in front of a loop that sums: as many turns as surely stay in it, and a round less than those. */
export function sumTurns(t: Translator, sum: SumLoop): void {
	const { writer: w } = t;
	const { rounds, bytes, exits, streams, inductions } = sum;
	const stays = t.scratch(T.i64, 0);
	const turns = t.scratch(T.i64, 1);
	for (const [i, exit] of exits.entries()) {
		roundsThatStay(t, exit);
		if (i === 0) w.set(stays);
		else least(t, stays, turns);
	}
	w.op(W.block, T.void);
	w.get(stays);
	w.i64(rounds);
	w.op(W.i64_le_u);
	w.brIf(0);
	w.get(stays);
	w.i64(1);
	w.op(W.i64_sub);
	w.i64(Math.log2(rounds));
	w.op(W.i64_shr_u);
	w.set(stays);
	w.i64(MOST_TURNS);
	least(t, stays, turns);
	const end = t.scratch(T.i32, 0);
	const at = streams.map((_, i) => t.scratch(T.i32, 1 + i));
	const lanes = t.scratch(T.v128, 0);
	const sums = streams.map((_, i) => t.scratch(T.v128, 1 + i));
	for (const [i, { terms, add }] of streams.entries()) {
		// a local keeps what it had when this was reached before
		w.simdZero();
		w.set(sums[i]!);
		pushLinear(t, { terms, add });
		w.op(W.i32_wrap_i64);
		w.set(at[i]!);
	}
	w.get(at[0]!);
	w.get(stays);
	w.op(W.i32_wrap_i64);
	w.i32(bytes);
	w.op(W.i32_mul, W.i32_add);
	w.set(end);
	w.op(W.loop, T.void);
	for (const [i, stream] of streams.entries()) {
		for (let lane = 0; lane < bytes; lane += LANES) {
			w.get(sums[i]!);
			w.get(at[i]!);
			w.line(t.context.unit.index, stream.insn);
			w.simdLoad(SIMD.v128_load, lane);
			addLanes(t, stream, lanes);
			w.set(sums[i]!);
		}
		w.get(at[i]!);
		w.i32(bytes);
		w.op(W.i32_add);
		w.set(at[i]!);
	}
	w.get(at[0]!);
	w.get(end);
	w.op(W.i32_ne);
	w.brIf(0);
	w.op(W.end);
	for (const [i, { register, bits }] of streams.entries()) {
		t.push(register);
		if (bits === 32) {
			w.op(W.i32_wrap_i64);
			for (let lane = 0; lane < 4; lane++) {
				w.get(sums[i]!);
				w.simdLane(SIMD.i32x4_extract_lane, lane);
				w.op(W.i32_add);
			}
			t.pop32(register);
			continue;
		}
		for (let lane = 0; lane < 2; lane++) {
			w.get(sums[i]!);
			w.simdLane(SIMD.i64x2_extract_lane, lane);
			w.op(W.i64_add);
		}
		t.pop(register);
	}
	for (const { register, step, bits } of inductions) {
		t.push(register);
		w.get(stays);
		const turn = step * rounds;
		w.i64(turn | 0, Math.floor(turn / 2 ** 32));
		w.op(W.i64_mul, W.i64_add);
		if (bits === 32) {
			w.op(W.i32_wrap_i64);
			t.pop32(register);
		} else t.pop(register);
	}
	w.op(W.end);
}

/** Adds the vector on the stack to the sums below it; `spare` is lost. */
function addLanes(t: Translator, { size, bits }: SumStream, spare: number): void {
	const { writer: w } = t;
	if (size === 1) w.simd(SIMD.i16x8_extadd_pairwise_i8x16_u);
	if (size <= 2) w.simd(SIMD.i32x4_extadd_pairwise_i16x8_u);
	if (bits === 32) {
		w.simd(SIMD.i32x4_add);
		return;
	}
	if (size < 8) {
		// each half made 64 bits wide
		w.tee(spare);
		w.simd(SIMD.i64x2_extend_low_i32x4_u);
		w.get(spare);
		w.simd(SIMD.i64x2_extend_high_i32x4_u);
		w.simd(SIMD.i64x2_add);
	}
	w.simd(SIMD.i64x2_add);
}

/** The smaller of the number on the stack and the one in `kept`, into that; `spare` is lost. */
function least(t: Translator, kept: number, spare: number): void {
	const { writer: w } = t;
	w.tee(spare);
	w.get(kept);
	w.get(spare);
	w.get(kept);
	w.op(W.i64_lt_u, W.select);
	w.set(kept);
}

/** Pushes how many rounds in a row surely do not leave by this exit. */
function roundsThatStay(t: Translator, { value, bound, step, stay, bits }: SumExit): void {
	const { writer: w } = t;
	pushLinear(t, step > 0 ? bound : value);
	pushLinear(t, step > 0 ? value : bound);
	w.op(W.i64_sub);
	if (bits === 32) w.op(W.i32_wrap_i64, W.i64_extend_i32_u);
	const by = Math.abs(step);
	if (Number.isInteger(Math.log2(by))) {
		w.i64(Math.log2(by));
		w.op(W.i64_shr_u);
	} else {
		w.i64(by);
		w.op(W.i64_div_u);
	}
	if (stay === "jne") return;
	w.i64(0);
	for (const each of [value, bound]) {
		pushLinear(t, each);
		if (bits === 32) w.op(W.i32_wrap_i64);
	}
	w.op(COMPARE[stay][bits === 32 ? 0 : 1], W.select);
}

/** Pushes it as 64 bits; the upper half means nothing where it has 32. */
function pushLinear(t: Translator, { terms, add }: Pick<Linear, "terms" | "add">): void {
	const { writer: w } = t;
	if (terms.length === 0 || add !== 0) w.i64(add | 0, add < 0 ? -1 : 0);
	for (const [i, term] of terms.entries()) {
		t.push(term);
		if (i > 0 || add !== 0) w.op(W.i64_add);
	}
}
