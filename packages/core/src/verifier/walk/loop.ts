import { printLogInsn } from "../log/print-insn.ts";
import { printState } from "../log/print-state.ts";
import { INSN } from "../program/aux.ts";
import { forgetStates, isStateVisited, updateBranchCounts } from "../prune/visited.ts";
import { Rejection } from "../reject.ts";
import { FUNC_STATE, STATE } from "../state/layout.ts";
import { REG } from "../state/types.ts";
import { checkAlu } from "./alu.ts";
import { checkCall, initFrame, leave } from "./calls.ts";
import { checkReturn } from "./exit.ts";
import { setArguments } from "./global.ts";
import { checkHelperCall } from "./helper-call.ts";
import { checkJump } from "./jump.ts";
import { checkKfuncCall, isThrow, spinAllowed } from "./kfunc-call.ts";
import { checkAtomic, checkLoad, checkLoadAbs, checkLoadImm, checkStoreImm, checkStoreReg } from "./loads.ts";
import { checkLeaks } from "./references.ts";
import { regAt, VState, type Walk } from "./walk.ts";

const SPIN_UNLOCK = 94;
/** What an error on a speculated path does not end, since a barrier can end that path. */
const RECOVERABLE: readonly string[] = ["EPERM", "EACCES", "EINVAL"];

/** Walks a subprogram from its start over all ways (kernel: do_check_common). */
export function walkSubprogram(w: Walk, subprog: number): void {
	const { core, env } = w;
	const { log } = env;
	const start = env.subprograms[subprog]!.start;
	w.subprog = subprog;
	env.options.observer?.begin(subprog);
	forgetStates(w);
	w.cur = new VState(core.newState());
	w.cur.branches = 1;
	w.cur.firstInsnIdx = start;
	w.cur.lastInsnIdx = -1;
	w.setWord(STATE.IN_SLEEPABLE, env.flags.sleepable === true ? 1 : 0);
	initFrame(w, w.frame(), -1, 0, subprog);
	core.set(w.frame(), FUNC_STATE.SUBPROGNO, subprog);
	w.insnIdx = start;
	w.scratchAll();
	w.liveness.resetChain();
	if (subprog > 0) {
		log.write(`Validating ${env.subprograms[subprog]!.name}() func#${subprog}...\n`);
		setArguments(w, subprog);
	} else core.markPointer(regAt(w.frame(), 1), REG.CTX);
	walk(w);
	if (!log.states) log.reset(0);
}

function walk(w: Walk): void {
	const { env, core } = w;
	const { log, aux, insns } = env;
	const { observer } = env.options;
	let previous = -1;
	let printWhole = false;
	for (;;) {
		w.entry = undefined;
		w.prevInsnIdx = previous;
		if (w.insnIdx >= insns.length)
			log.reject("EFAULT", `invalid insn idx ${w.insnIdx} insn_cnt ${insns.length}`);
		if (++w.insnProcessed > env.limit)
			log.reject("E2BIG", `BPF program is too large. Processed ${w.insnProcessed} insn`);
		w.cur.lastInsnIdx = previous;
		w.cur.insnIdx = w.insnIdx;
		const at = w.insnIdx;
		observer?.visit(at);
		let ended = false;
		if (aux.has(at, INSN.PRUNE) && isStateVisited(w, at)) {
			if (log.walks)
				log.write(printWhole ? `\nfrom ${previous} to ${at}${speculation(w)}: safe\n` : `${at}: safe\n`);
			ended = true;
		}
		if (!ended) {
			if (aux.has(at, INSN.JUMP)) w.pushHistory(0);
			if (log.states && printWhole) {
				log.write(`\nfrom ${previous} to ${at}${speculation(w)}:${printState(w, w.cur.at, w.curframe)}\n`);
				printWhole = false;
			}
			if (log.walks) {
				if (w.isScratched) w.printInsnState();
				env.linfo(at);
				const before = log.position;
				log.write(`${at}: ${printLogInsn(insns, at, env.kfuncText)}\n`);
				w.prevInsnLength = log.position - before;
				w.prevLogPosition = log.position;
			}
			previous = at;
			if (!w.speculative) aux.mark(at, INSN.SEEN);
			if (w.speculative && aux.has(at, INSN.NOSPEC)) ended = true;
		}
		if (!ended) {
			observer?.step(w, at);
			w.liveness.begin(w);
			try {
				const step = checkInsn(w);
				ended = step === "end";
				if (step === "whole") printWhole = true;
				w.liveness.commit();
			} catch (error) {
				if (!(error instanceof Rejection) || !w.speculative || !RECOVERABLE.includes(error.errno))
					throw error;
				w.liveness.commit();
				aux.mark(at, INSN.NOSPEC);
				env.clearAluState(at);
				ended = true;
			}
			if (!ended && w.speculative && aux.has(at, INSN.NOSPEC_RESULT)) ended = true;
			if (!ended) continue;
		}
		w.scratchAll();
		updateBranchCounts(w);
		w.liveness.update(w);
		const next = w.pending.pop();
		if (next === undefined) return;
		const { state } = next;
		core.copyInto(w.cur.at, state.at);
		core.freeState(state.at);
		w.cur.parent = state.parent;
		w.cur.firstInsnIdx = state.firstInsnIdx;
		w.cur.branches = state.branches;
		w.cur.dfsDepth = state.dfsDepth;
		w.cur.history = state.history;
		if (!log.states) log.reset(next.logPosition);
		observer?.rewind(next.mark);
		previous = next.prevInsnIdx;
		w.insnIdx = next.insnIdx;
		w.liveness.resetChain();
		printWhole = true;
	}
}

const speculation = (w: Walk): string => (w.speculative ? " (speculative execution)" : "");

/** "end": the path is over; "whole": the next state is printed whole. */
function checkInsn(w: Walk): "end" | "whole" | undefined {
	const { insn, env } = w;
	const { log } = env;
	const { opcode } = insn;
	switch (opcode & 7) {
		case 4:
		case 7:
			checkAlu(w, insn);
			break;
		case 1:
			checkLoad(w, insn);
			break;
		case 3:
			if ((opcode & 0xe0) === 0xc0) checkAtomic(w, insn);
			else {
				if ((opcode & 0xe0) !== 0x60 || insn.imm !== 0) log.reject("EINVAL", "BPF_STX uses reserved fields");
				checkStoreReg(w, insn);
			}
			break;
		case 2:
			checkStoreImm(w, insn);
			break;
		case 0: {
			const mode = opcode & 0xe0;
			if (mode === 0x20 || mode === 0x40) checkLoadAbs(w, insn);
			else if (mode === 0) checkLoadImm(w, insn);
			else log.reject("EINVAL", "invalid BPF_LD mode");
			return undefined;
		}
		default:
			return checkJumpClass(w);
	}
	w.insnIdx++;
	return undefined;
}

function checkJumpClass(w: Walk): "end" | "whole" | undefined {
	const { insn, env } = w;
	const { log } = env;
	const { opcode, dst, src, off, imm } = insn;
	const jmp32 = (opcode & 7) === 6;
	w.jmpsProcessed++;
	switch (opcode & 0xf0) {
		case 0x80: {
			if (opcode & 8 || (src !== 2 && off !== 0) || src > 2 || dst !== 0 || jmp32)
				log.reject("EINVAL", "BPF_CALL uses reserved fields");
			if (
				w.word(STATE.ACTIVE_LOCKS) &&
				((src === 0 && imm !== SPIN_UNLOCK) || (src === 2 && (off !== 0 || !spinAllowed(w))))
			)
				log.reject("EINVAL", "function calls are not allowed while holding a lock");
			if (src === 1) checkCall(w, insn);
			else if (src === 2) {
				checkKfuncCall(w, insn);
				if (isThrow(w)) return exit(w, true);
			} else checkHelperCall(w, insn);
			w.scratch(0);
			return undefined;
		}
		case 0x00:
			if (opcode & 8 || src !== 0 || dst !== 0 || (jmp32 ? off !== 0 : imm !== 0))
				log.reject("EINVAL", "BPF_JA uses reserved fields");
			w.insnIdx += (jmp32 ? imm : off) + 1;
			return undefined;
		case 0x90:
			if (opcode & 8 || imm !== 0 || src !== 0 || dst !== 0 || jmp32)
				log.reject("EINVAL", "BPF_EXIT uses reserved fields");
			return exit(w, false);
		default:
			checkJump(w, insn);
			return undefined;
	}
}

/** The end of the program, or of a subprogram (process_bpf_exit_full). */
function exit(w: Walk, thrown: boolean): "end" | "whole" {
	checkLeaks(
		w,
		thrown ? "bpf_throw" : "BPF_EXIT instruction in main prog",
		thrown,
		thrown || w.curframe === 0,
	);
	if (thrown) return "end";
	if (w.curframe > 0) {
		leave(w);
		return "whole";
	}
	checkReturn(w);
	return "end";
}
