import { type Insn, slotsOf } from "../../isa/index.ts";
import type { Log } from "../log/log.ts";
import type { Privileges } from "../options.ts";
import { INSN, type InsnAux } from "./aux.ts";
import { isFunctionPointer, type Subprogram, subprogramAt, subprogramOf } from "./subprograms.ts";

const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALLTHROUGH = 1;
const BRANCH = 2;

/** What the walk over the graph must know of calls. */
export interface CallFacts {
	callsBackAsync(insn: Insn): boolean;
	callsBackSync(insn: Insn): boolean;
	changesPacket(insn: Insn): boolean;
	mightSleep(insn: Insn): boolean;
	isIteratorNext(insn: Insn): boolean;
}

/**
 * Depth-first over the program, jumps' fall-through first (kernel: check_cfg): every instruction is reached, no jump
 * leaves the program; marks where states will be compared and where the walk's way must be remembered.
 */
export function checkCfg(
	insns: readonly Insn[],
	subprograms: readonly Subprogram[],
	aux: InsnAux,
	calls: CallFacts,
	privileges: Privileges,
	log: Log,
	linfo: (insn: number) => void,
): void {
	const count = insns.length;
	const state = new Uint8Array(count);
	const stack: number[] = [0];
	state[0] = DISCOVERED;

	/** True: a new instruction is on the stack now. */
	const push = (from: number, to: number, edge: number): boolean => {
		const seen = state[from]!;
		if (edge === FALLTHROUGH && seen >= (DISCOVERED | FALLTHROUGH)) return false;
		if (edge === BRANCH && seen >= (DISCOVERED | BRANCH)) return false;
		if (to < 0 || to >= count) {
			linfo(from);
			log.reject("EINVAL", `jump out of range from insn ${from} to ${to}`);
		}
		if (edge === BRANCH) aux.mark(to, INSN.PRUNE | INSN.JUMP);
		if (state[to] === 0) {
			state[from] = DISCOVERED | edge;
			state[to] = DISCOVERED;
			stack.push(to);
			return true;
		}
		if ((state[to]! & 0xf0) === DISCOVERED) {
			if (privileges.bpf) return false;
			linfo(from);
			linfo(to);
			log.reject("EINVAL", `back-edge from insn ${from} to ${to}`);
		}
		// a cross edge
		state[from] = DISCOVERED | edge;
		return false;
	};

	const visitCall = (at: number, entersCallee: boolean): boolean => {
		const insn = insns[at]!;
		const next = at + slotsOf(insn);
		const pushed = push(at, next, FALLTHROUGH);
		if (next < count) aux.mark(next, INSN.PRUNE | INSN.JUMP);
		if (pushed) return true;
		if (!entersCallee) return false;
		const callee = at + insn.imm + 1;
		aux.mark(at, INSN.PRUNE);
		const from = subprograms[subprogramOf(subprograms, at)]!;
		const to = subprograms[subprogramAt(subprograms, callee)];
		if (to !== undefined) {
			from.changesPacket ||= to.changesPacket;
			from.mightSleep ||= to.mightSleep;
		}
		return push(at, callee, BRANCH);
	};

	const visit = (at: number): boolean => {
		const insn = insns[at]!;
		const kind = insn.opcode & 7;
		if (isFunctionPointer(insn)) return visitCall(at, true);
		if (kind !== 5 && kind !== 6) return push(at, at + slotsOf(insn), FALLTHROUGH);
		switch (insn.opcode & 0xf0) {
			case 0x90:
				return false;
			case 0x80: {
				if (calls.callsBackAsync(insn)) aux.mark(at, INSN.PRUNE);
				if (calls.callsBackSync(insn)) aux.mark(at, INSN.CALLBACK | INSN.CHECKPOINT | INSN.PRUNE | INSN.JUMP);
				const own = subprograms[subprogramOf(subprograms, at)]!;
				if (calls.mightSleep(insn)) own.mightSleep = true;
				if (calls.changesPacket(insn)) own.changesPacket = true;
				if (calls.isIteratorNext(insn)) aux.mark(at, INSN.PRUNE | INSN.CHECKPOINT);
				return visitCall(at, insn.src === 1);
			}
			case 0x00: {
				if (insn.opcode & 8) log.reject("EINVAL", "");
				const target = at + 1 + (kind === 6 ? insn.imm : insn.off);
				const pushed = push(at, target, FALLTHROUGH);
				aux.mark(target, INSN.PRUNE | INSN.JUMP);
				return pushed;
			}
			default:
				aux.mark(at, INSN.PRUNE);
				if (insn.opcode === 0xe5) aux.mark(at, INSN.CHECKPOINT);
				return push(at, at + 1, FALLTHROUGH) || push(at, at + 1 + insn.off, BRANCH);
		}
	};

	while (stack.length > 0) {
		const at = stack.at(-1)!;
		if (visit(at)) continue;
		state[at] = EXPLORED;
		stack.pop();
	}

	for (let i = 0; i < count; i++) {
		if (state[i] !== EXPLORED) log.reject("EINVAL", `unreachable insn ${i}`);
		if (slotsOf(insns[i]!) === 2) {
			if (state[i + 1] !== 0) log.reject("EINVAL", `jump into the middle of ldimm64 insn ${i}`);
			i++;
		}
	}
}
