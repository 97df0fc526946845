import { slotsOf } from "../isa/index.ts";
import type { LinkedObject, LinkedProgram } from "../spec/index.ts";
import { ASYNC_CALLBACKS, baseType, CHANGES_PKT_DATA, RET, SYNC_CALLBACKS } from "./data/index.ts";
import { Env } from "./env.ts";
import { printLogInsn } from "./log/print-insn.ts";
import type { VerifyOptions } from "./options.ts";
import { INSN } from "./program/aux.ts";
import { checkCfg } from "./program/cfg.ts";
import { type CallSummary, markFastcalls, removeFastcalls } from "./program/fastcall.ts";
import { checkFunctions } from "./program/functions.ts";
import { computeLiveRegisters } from "./program/live-registers.ts";
import { checkLoad, checkSleepable } from "./program/load.ts";
import { computeLoops } from "./program/loops.ts";
import { resolveReferences } from "./program/map-references.ts";
import { checkStackDepth } from "./program/stack-depth.ts";
import { checkSubprograms, findSubprograms, isHelperCall, isKfuncCall } from "./program/subprograms.ts";
import { StackLiveness } from "./prune/stack-liveness.ts";
import { type Errno, NotModelled, Rejection } from "./reject.ts";
import type { Verdict, WalkFacts } from "./verdict.ts";
import { allowedProto } from "./walk/helper-call.ts";
import {
	addKfuncs,
	checkKfuncsLeft,
	kfuncMovesPacket,
	kfuncParameters,
	kfuncSleeps,
	throws,
} from "./walk/kfunc-call.ts";
import { walkSubprogram } from "./walk/loop.ts";
import { Walk } from "./walk/walk.ts";

/** A subprogram that may end in another program may come back with another packet. */
const TAIL_CALL = 12;

const NOT_WALKED = {
	insnsProcessed: 0,
	maxStatesPerInsn: 0,
	totalStates: 0,
	peakStates: 0,
	markRead: 0,
};

/**
 * What Linux 6.18's verifier says of a program: its verdict, errno and last line. A program that needs a rule that is
 * not modelled gets neither verdict, and `unsupported` says what is missing. Throws nothing for a bad program.
 */
export function verify(object: LinkedObject, program: LinkedProgram, options: VerifyOptions = {}): Verdict {
	const env = new Env(object, program, options);
	let walk: Walk | undefined;
	let errno: Errno | undefined;
	let unsupported: string | undefined;
	try {
		walk = prepare(env);
		for (let done = false; !done; ) {
			done = true;
			walkSubprogram(walk, 0);
			for (let again = true; again; ) {
				again = false;
				for (const [i, each] of env.subprograms.entries()) {
					if (!each.global || !each.called || env.verified.has(i)) continue;
					env.verified.add(i);
					walkSubprogram(walk, i);
					if (env.log.walks)
						env.log.write(`Func#${i} ('${each.name}') is safe for any args that match its prototype\n`);
					again = true;
				}
			}
		}
		removeFastcalls(env.subprograms);
		checkStackDepth(env);
		finish(env);
	} catch (error) {
		if (error instanceof Rejection) errno = error.errno;
		else if (error instanceof NotModelled) unsupported = error.what;
		else throw error;
	}
	const stats = {
		...NOT_WALKED,
		...(walk === undefined
			? {}
			: {
					insnsProcessed: walk.insnProcessed,
					maxStatesPerInsn: walk.maxStatesPerInsn,
					totalStates: walk.totalStates,
					peakStates: walk.peakStates,
				}),
		stackDepth: env.subprograms.filter(({ isHidden }) => !isHidden).map(({ stackDepth }) => stackDepth),
	};
	const lastLine = errno === undefined ? "" : lastOf(env.log.text);
	if (env.begun && env.log.level > 0 && unsupported === undefined) {
		if (env.log.level & 4) env.log.write(`stack depth ${stats.stackDepth.join("+")}\n`);
		env.log.write(
			`processed ${stats.insnsProcessed} insns (limit ${env.limit}) max_states_per_insn ${stats.maxStatesPerInsn} total_states ${stats.totalStates} peak_states ${stats.peakStates} mark_read ${stats.markRead}\n`,
		);
	}
	return {
		accepted: errno === undefined && unsupported === undefined,
		...(errno === undefined ? {} : { errno }),
		...(unsupported === undefined ? {} : { unsupported }),
		log: env.log.level > 0 ? env.log.text : "",
		lastLine,
		stats,
		...(errno === undefined && unsupported === undefined ? { facts: factsFound(env) } : {}),
	};
}

function factsFound({ insns, aux, tailCalls }: Env): WalkFacts {
	const dead = new Set<number>();
	for (let i = 0; i < insns.length; i += slotsOf(insns[i]!)) if (!aux.has(i, INSN.SEEN)) dead.add(i);
	return { tailCalls, dead };
}

/** What the kernel rewrites behind the walk, as far as the statistics show it. */
function finish(env: Env): void {
	const { subprograms, aux, privileges, insns } = env;
	if (env.unconvertible) env.log.reject("EFAULT", "verifier bug: error during ctx access conversion (0)");
	const loops = env.inlinedLoops;
	for (const each of subprograms) {
		const inlines = loops.some((insn) => insn >= each.start && insn < each.end);
		// three registers are saved there (optimize_bpf_loop)
		if (inlines) each.stackDepth = 8 * Math.ceil(each.stackDepth / 8) + 24;
		// may_goto's count and its clock
		const counts = insns.some(
			({ opcode, off }, i) =>
				opcode === 0xe5 && off !== 0 && i >= each.start && i < each.end && aux.has(i, INSN.SEEN),
		);
		if (counts) each.stackDepth += 16;
		let seen = !privileges.bpf;
		for (let i = each.start; i < each.end && !seen; i++) seen = aux.has(i, INSN.SEEN);
		each.isHidden = !seen;
	}
	checkKfuncsLeft(env);
	if (throws(env)) env.subprograms.push({ ...subprograms[0]!, stackDepth: 0, isHidden: false });
}

const lastOf = (text: string): string =>
	text
		.split("\n")
		.filter((line) => line.trim() !== "")
		.at(-1) ?? "";

/** Everything before the walk, in the kernel's order. */
function prepare(env: Env): Walk {
	const { insns, privileges, log, aux } = env;
	checkLoad(env);
	env.begun = true;
	env.subprograms = findSubprograms(insns, env.program.functions, privileges, log);
	addKfuncs(env);
	checkSubprograms(insns, env.subprograms, log);
	checkFunctions(env);
	env.usedMaps = resolveReferences({
		insns,
		aux,
		type: env.type,
		sleepable: env.flags.sleepable === true,
		fdArray: env.options.fdArray ?? true,
		log,
		map: (index) => env.map(index),
		btfId: (insn) => checkBtfId(env, insn),
	});
	checkCfg(
		insns,
		env.subprograms,
		aux,
		{
			callsBackAsync: (insn) => isHelperCall(insn) && ASYNC_CALLBACKS[insn.imm] !== undefined,
			callsBackSync: (insn) => isHelperCall(insn) && SYNC_CALLBACKS[insn.imm] !== undefined,
			changesPacket: (insn) =>
				isKfuncCall(insn)
					? kfuncMovesPacket(env, insns.indexOf(insn))
					: isHelperCall(insn) && (CHANGES_PKT_DATA.has(insn.imm) || insn.imm === TAIL_CALL),
			mightSleep: (insn) =>
				isKfuncCall(insn)
					? kfuncSleeps(env, insns.indexOf(insn))
					: isHelperCall(insn) && allowedProto(env, insn.imm)?.mightSleep === true,
			isIteratorNext: (insn) => isKfuncCall(insn) && env.isIteratorNext(insns.indexOf(insn)),
		},
		privileges,
		log,
		(insn) => env.linfo(insn),
	);
	checkSleepable(env);
	computeLoops(insns, env.subprograms, aux);
	computeLiveRegisters(insns, aux, (insn) => {
		if (isKfuncCall(insn)) return kfuncParameters(env, insns.indexOf(insn));
		return isHelperCall(insn) ? allowedProto(env, insn.imm)?.args.length : undefined;
	});
	markFastcalls(insns, env.subprograms, aux, (insn) => callSummary(env, insn));
	if (log.states) writeLiveRegisters(env);
	return new Walk(env, new StackLiveness(insns, () => env.subprograms, aux, env.log));
}

function callSummary(env: Env, at: number): CallSummary | undefined {
	const insn = env.insns[at]!;
	const proto = isHelperCall(insn) ? allowedProto(env, insn.imm) : undefined;
	if (proto === undefined) return undefined;
	return {
		parameters: proto.args.length,
		isVoid: baseType(proto.ret.type) === RET.VOID,
		fastcall: proto.allowFastcall,
	};
}

/** An lddw of a kernel variable or function (check_pseudo_btf_id). */
function checkBtfId(env: Env, at: number): void {
	const btf = env.object.target.btf ?? env.notModelled("lddw of a kernel variable without the kernel's BTF");
	const id = env.insns[at]!.imm;
	const type = btf.types[id];
	if (env.insns[at + 1]!.imm !== 0) env.notModelled("lddw of a module's variable");
	if (type === undefined) env.log.reject("ENOENT", `ldimm64 insn specifies invalid btf_id ${id}.`);
	else if (type.kind !== "var" && type.kind !== "func")
		env.log.reject("EINVAL", `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
	else env.notModelled("lddw of a kernel variable");
}

/** The table that level 2 begins with. */
function writeLiveRegisters({ insns, aux, log, kfuncText }: Env): void {
	log.write("Live regs before insn:\n");
	for (let i = 0; i < insns.length; i += slotsOf(insns[i]!)) {
		const scc = aux.scc[i] ? String(aux.scc[i]).padStart(3) : "   ";
		let regs = "";
		for (let n = 0; n < 10; n++) regs += aux.liveRegs[i]! & (1 << n) ? n : ".";
		log.write(`${scc}${String(i).padStart(4)}: ${regs} ${printLogInsn(insns, i, kfuncText)}\n`);
	}
}
