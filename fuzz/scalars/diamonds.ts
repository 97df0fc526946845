import type { Insn } from "@tailhop/core";
import type { Kernel } from "@tailhop/kernel";
import { NOT_EXACT, REG_STATE } from "../../packages/core/src/verifier/state/layout.ts";
import { EXIT, type Follower, insn, PRANDOM, type Random, random } from "./programs.ts";

/**
 * Programs with several arms that meet: each sets r6, r7 and r8 in its way, and what follows needs some of them
 * exactly. Where 6.18 finds that an arm leads to what it has seen ("safe"), `statesEqual` must, and nowhere else.
 */

const SOCKET_FILTER = 1;
const BPF_F_TEST_STATE_FREQ = 8;
const REGS = [6, 7, 8];

interface Diamond {
	readonly insns: Insn[];
	/** Where the arms meet. */
	readonly join: number;
	/** Registers that what follows adds to a pointer: they are precise. */
	readonly precise: readonly number[];
}

/** How an arm sets a register: from a small choice, so that arms often agree in part. */
function set(rnd: Random, reg: number): Insn[] {
	const from = REGS[rnd(3)]!;
	switch (rnd(7)) {
		case 0:
			return [insn(0xb7, reg, 0, 0, 4 * rnd(3))];
		case 1:
			return [insn(0xbf, reg, from)];
		case 2:
			return [insn(0xbf, reg, from), insn(rnd(2) === 0 ? 0x07 : 0x04, reg, 0, 0, 4 * rnd(2) - 2)];
		case 3:
			return [insn(0xb7, reg, 0, 0, rnd(2)), insn(0xbf, from, reg)];
		default: {
			const masked = [insn(0xbf, reg, 0), insn(0x57, reg, 0, 0, [7, 15, 0xf8][rnd(3)]!)];
			return rnd(2) === 0 ? masked : [...masked, insn(0x07, reg, 0, 0, 8 * rnd(2))];
		}
	}
}

function randomDiamond(seed: number): Diamond {
	const rnd = random(seed);
	const insns: Insn[] = [];
	for (const reg of [6, 7, 8, 9]) {
		insns.push(PRANDOM, insn(0xbf, reg, 0), insn(0x57, reg, 0, 0, 15));
	}
	insns.push(PRANDOM);
	const arms = 2 + rnd(4);
	const jumps: number[] = [];
	for (let arm = 1; arm < arms; arm++) {
		jumps.push(insns.length);
		insns.push(insn(0x15, 9, 0, 0, arm));
	}
	const ends: number[] = [];
	for (let arm = 0; arm < arms; arm++) {
		const jump = arm === 0 ? undefined : jumps[arm - 1]!;
		if (jump !== undefined) insns[jump] = { ...insns[jump]!, off: insns.length - jump - 1 };
		for (let i = rnd(4); i > 0; i--) insns.push(...set(rnd, REGS[rnd(3)]!));
		ends.push(insns.length);
		insns.push(insn(0x05));
	}
	const join = insns.length;
	for (const end of ends) insns[end] = insn(0x05, 0, 0, join - end - 1);
	const precise = REGS.filter(() => rnd(3) > 0);
	const read = REGS.filter((reg) => !precise.includes(reg) && rnd(2) === 0);
	for (const reg of precise) insns.push(insn(0xbf, 1, 10), insn(0x0f, 1, reg));
	for (const reg of read) insns.push(insn(0xbf, 2, reg));
	insns.push(insn(0xb7, 0), EXIT);
	return { insns, join, precise };
}

export interface Arrivals {
	pruned: number;
	walked: number;
	/** Where the kernel and we say different things. */
	readonly differ: string[];
}

/** Loads the diamond of a seed and asks `statesEqual` at each arrival where the arms meet. */
export function compareDiamond(kernel: Kernel, follower: Follower, seed: number, arrivals: Arrivals): void {
	const { insns, join, precise } = randomDiamond(seed);
	const flags = BPF_F_TEST_STATE_FREQ;
	const result = kernel.loadProgram({ type: SOCKET_FILTER, insns, log: 2, flags });
	if (result.ok) result.program.close();
	const { core, state } = follower;
	const explored: number[] = [];
	follower.follow(insns, result.log, (at, safe) => {
		if (at !== join) return;
		core.setLiveRegs(0, follower.liveRegs(join));
		const equal = explored.some((old) => core.statesEqual(old, state, NOT_EXACT, follower.lastId));
		if (safe) arrivals.pruned++;
		else arrivals.walked++;
		if (equal !== safe) arrivals.differ.push(`seed ${seed}: 6.18 ${safe ? "prunes" : "goes on"}, we do not`);
		if (safe) return;
		// by the time of the next arrival, this one has been walked to its end
		const old = core.copyState(state);
		for (const n of precise)
			if (core.isScalar(core.reg(old, n))) core.set(core.reg(old, n), REG_STATE.PRECISE, 1);
		explored.push(old);
	});
	for (const old of explored) core.freeState(old);
}
