import type { Insn } from "../../isa/index.ts";
import { frameInsn } from "../prune/loops.ts";
import { markChainPrecision } from "../prune/precision.ts";
import { findPrevEntry, widenImprecise } from "../prune/visited.ts";
import { BPF_ADD_CONST, REG_STATE, STATE } from "../state/layout.ts";
import { FLAG, kindOf, REG } from "../state/types.ts";
import { boundsSanity } from "./alu.ts";
import { markNotNull, markPtrOrNull } from "./nulls.ts";
import { isSpilledReg } from "./stack.ts";
import { HISTORY, isPacketAny, type LinkedPlace, maybeNull, regAt, type VState, type Walk } from "./walk.ts";

const J = { EQ: 0x10, GT: 0x20, GE: 0x30, SET: 0x40, NE: 0x50, LT: 0xa0, LE: 0xb0, COND: 0xe0 };
/** The same question with its operands exchanged. */
const FLIPPED: Readonly<Record<number, number>> = {
	[J.EQ]: J.EQ,
	[J.NE]: J.NE,
	[J.SET]: J.SET,
	[J.GT]: J.LT,
	[J.LT]: J.GT,
	[J.GE]: J.LE,
	[J.LE]: J.GE,
	96: 0xc0,
	192: 0x60,
	112: 0xd0,
	208: 0x70,
};

const MAX_LINKED = 6;
const MAX_PACKET_OFF = 0xffff;
/** Ranges of packet pointers that are at the end of the packet, or behind it. */
const AT_PKT_END = -1;
const BEYOND_PKT_END = -2;

/** A conditional jump: which ways are possible, and what each teaches (check_cond_jmp_op). */
export function checkJump(w: Walk, insn: Insn): void {
	const { core } = w;
	const { env } = w;
	const { log, privileges } = env;
	const { opcode, dst, src, off, imm } = insn;
	const code = opcode & 0xf0;
	const x = (opcode & 8) !== 0;
	const jmp32 = (opcode & 7) === 6;
	if (code > J.COND) log.reject("EINVAL", `invalid BPF_JMP/JMP32 opcode ${code.toString(16)}`);
	if (code === J.COND) {
		mayGoto(w, insn);
		return;
	}

	w.read(dst);
	let a = w.reg(dst);
	let b: number;
	let flags = 0;
	if (x) {
		if (imm !== 0) log.reject("EINVAL", "BPF_JMP/JMP32 uses reserved fields");
		w.read(src);
		b = w.reg(src);
		if (!(isPacketAny(core.type(a)) && isPacketAny(core.type(b))) && w.isPointerValue(src))
			log.reject("EACCES", `R${src} pointer comparison prohibited`);
		if (core.type(b) === REG.STACK) flags |= HISTORY.SRC_REG_STACK;
	} else {
		if (src !== 0) log.reject("EINVAL", "BPF_JMP/JMP32 uses reserved fields");
		b = core.scratch(0);
		core.markConst(b, imm);
	}
	if (core.type(a) === REG.STACK) flags |= HISTORY.DST_REG_STACK;
	if (flags !== 0) w.pushHistory(flags);

	const taken = branchTaken(w, a, b, code, jmp32);
	if (taken >= 0) {
		if (core.isScalar(a)) markChainPrecision(w, dst);
		if (x && core.isScalar(b)) markChainPrecision(w, src);
		const jumps = taken === 1;
		if (!privileges.bypassSpecV1) speculate(w, insn, w.insnIdx + 1 + (jumps ? 0 : off));
		if (log.walks) w.printInsnState();
		w.insnIdx += jumps ? off + 1 : 1;
		return;
	}

	const linked: LinkedPlace[] = [];
	if (x && core.isScalar(b)) collectLinked(w, core.get(b, REG_STATE.ID), linked);
	if (core.isScalar(a)) collectLinked(w, core.get(a, REG_STATE.ID), linked);
	if (linked.length > 1) w.pushHistory(0, linked);

	const other = w.push(w.insnIdx + off + 1, w.insnIdx, false, "EFAULT");
	a = w.reg(dst);
	const otherA = regAt(core.frame(other.at), dst);
	let otherB: number;
	if (x) {
		b = w.reg(src);
		otherB = regAt(core.frame(other.at), src);
	} else {
		otherB = core.scratch(1);
		core.copyReg(otherB, b);
	}
	core.refine(code, jmp32, otherA, otherB, a, b);
	boundsSanity(w, otherA);
	boundsSanity(w, a);
	if (x) {
		boundsSanity(w, otherB);
		boundsSanity(w, b);
		if (core.isScalar(b) && core.get(b, REG_STATE.ID) !== 0) {
			syncLinked(w, w.cur, b, linked);
			syncLinked(w, other, otherB, linked);
		}
	}
	if (core.isScalar(a) && core.get(a, REG_STATE.ID) !== 0) {
		syncLinked(w, w.cur, a, linked);
		syncLinked(w, other, otherA, linked);
	}

	if (!jmp32 && x) compareWithNonNull(w, code, a, b, otherA, otherB);
	if (!jmp32 && !x && imm === 0 && (code === J.EQ || code === J.NE) && maybeNull(core.type(a))) {
		markPtrOrNull(w, w.cur.at, dst, code === J.NE);
		markPtrOrNull(w, other.at, dst, code === J.EQ);
	} else if (!matchPacket(w, insn, code, jmp32, x, other) && w.isPointerValue(dst))
		log.reject("EACCES", `R${dst} pointer comparison prohibited`);
	if (log.walks) w.printInsnState();
	w.insnIdx++;
}

/** The CPU may go the other way all the same, with operands that are something else. */
function speculate(w: Walk, { opcode, dst, src }: Insn, to: number): void {
	const other = w.push(to, w.insnIdx, true, "EFAULT");
	const frame = w.core.frame(other.at);
	w.core.markUnknown(regAt(frame, dst));
	if (opcode & 8) w.core.markUnknown(regAt(frame, src));
}

/** may_goto: both ways; the loop's numbers are forgotten where nothing relies on them. */
function mayGoto(w: Walk, { opcode, dst, src, off, imm }: Insn): void {
	const { core } = w;
	if (opcode !== 0xe5 || src !== 0 || dst !== 0 || imm !== 0)
		w.env.log.reject("EINVAL", `invalid may_goto imm ${imm}`);
	const previous = w.cur.parent === undefined ? undefined : findPrevEntry(w, w.cur.parent, w.insnIdx);
	const queued = w.push(w.insnIdx + 1, w.insnIdx);
	core.set(queued.at, STATE.MAY_GOTO_DEPTH, core.get(queued.at, STATE.MAY_GOTO_DEPTH) + 1);
	if (previous !== undefined) widenImprecise(w, previous, queued);
	w.insnIdx += off + 1;
}

/** is_reg_const: a number whose 64 (or low 32) bits are known. */
function isConst(w: Walk, reg: number, jmp32: boolean): boolean {
	if (!w.core.isScalar(reg)) return false;
	return jmp32 ? w.core.get(reg, REG_STATE.TNUM_MASK) === 0 : w.core.isConst(reg);
}

/** is_branch_taken: 1 always, 0 never, -1 both. */
function branchTaken(w: Walk, first: number, second: number, op: number, jmp32: boolean): number {
	const { core } = w;
	if (isPacketAny(core.type(first)) && isPacketAny(core.type(second)) && !jmp32)
		return packetTaken(w, first, second, op);
	let [a, b, code] = [first, second, op];
	if (!isConst(w, b, jmp32)) [a, b, code] = [second, first, FLIPPED[op]!];
	if (!core.isScalar(a)) {
		if (!isConst(w, b, jmp32) || !notNull(w, a)) return -1;
		if (core.constLow(b) !== 0 || (!jmp32 && core.constHigh(b) !== 0)) return -1;
		return code === J.EQ ? 0 : code === J.NE ? 1 : -1;
	}
	if (!core.isScalar(b)) return -1;
	return core.branchTaken(code, jmp32, a, b);
}

/** Pointers that are known not to be null (reg_not_null). */
function notNull(w: Walk, reg: number): boolean {
	const type = w.core.type(reg);
	if (maybeNull(type)) return false;
	const kind = kindOf(type);
	switch (kind) {
		case REG.SOCKET:
		case REG.TCP_SOCK:
		case REG.MAP_VALUE:
		case REG.MAP_KEY:
		case REG.SOCK_COMMON:
		case REG.MAP_PTR:
			return true;
		case REG.BTF_ID:
			// is_trusted_reg
			return w.core.get(reg, REG_STATE.REF_OBJ_ID) !== 0 || (type & (FLAG.TRUSTED | FLAG.ALLOC)) !== 0;
		case REG.MEM:
			return (type & FLAG.UNTRUSTED) === 0;
		default:
			return false;
	}
}

function packetTaken(w: Walk, a: number, b: number, op: number): number {
	const { core } = w;
	let packet = a;
	let code = op;
	if (core.type(a) === REG.PACKET_END) {
		packet = b;
		code = FLIPPED[op]!;
	} else if (core.type(b) !== REG.PACKET_END) return -1;
	const range = core.getSigned(packet, REG_STATE.RANGE);
	if (range >= 0) return -1;
	if (code === J.LE || code === J.GT) {
		if (range === BEYOND_PKT_END) return code === J.GT ? 1 : 0;
	} else if (code === J.LT || code === J.GE) {
		if (range === BEYOND_PKT_END || range === AT_PKT_END) return code === J.GE ? 1 : 0;
	}
	return -1;
}

/** Live registers and spills with this id, in all frames; those beyond the sixth lose it (collect_linked_regs). */
function collectLinked(w: Walk, fullId: number, into: LinkedPlace[]): void {
	const { core } = w;
	const id = (fullId & ~BPF_ADD_CONST) >>> 0;
	if (id === 0) return;
	const visit = (reg: number, place: LinkedPlace) => {
		if (!core.isScalar(reg) || (core.get(reg, REG_STATE.ID) & ~BPF_ADD_CONST) >>> 0 !== id) return;
		if (into.length < MAX_LINKED) into.push(place);
		else core.clearScalarId(reg);
	};
	for (let fr = w.curframe; fr >= 0; fr--) {
		const frame = w.frame(fr);
		const live = w.env.aux.liveRegs[frameInsn(w, w.cur, fr)]!;
		for (let i = 0; i < 10; i++)
			if (live & (1 << i)) visit(regAt(frame, i), { frame: fr, isReg: true, number: i });
		for (let i = 0; i < core.slots(frame); i++)
			if (isSpilledReg(w, frame, i)) visit(core.slotReg(frame, i), { frame: fr, isReg: false, number: i });
	}
}

/** What is known of one of them is known of all (sync_linked_regs). */
function syncLinked(w: Walk, state: VState, known: number, linked: readonly LinkedPlace[]): void {
	const { core } = w;
	const id = core.get(known, REG_STATE.ID) & ~BPF_ADD_CONST;
	for (const { frame, isReg, number } of linked) {
		const at = core.frame(state.at, frame);
		const reg = isReg ? regAt(at, number) : core.slotReg(at, number);
		if (!core.isScalar(reg) || reg === known) continue;
		if ((core.get(reg, REG_STATE.ID) & ~BPF_ADD_CONST) !== id) continue;
		core.syncLinked(reg, known);
	}
}

/** A pointer that equals one that is not null is not null. */
function compareWithNonNull(
	w: Walk,
	code: number,
	a: number,
	b: number,
	otherA: number,
	otherB: number,
): void {
	const { core } = w;
	const [typeA, typeB] = [core.type(a), core.type(b)];
	if (typeA === REG.SCALAR || typeB === REG.SCALAR || maybeNull(typeA) === maybeNull(typeB)) return;
	if (kindOf(typeA) === REG.BTF_ID || kindOf(typeB) === REG.BTF_ID) return;
	if (code !== J.EQ && code !== J.NE) return;
	const [equalA, equalB] = code === J.EQ ? [otherA, otherB] : [a, b];
	markNotNull(w, maybeNull(typeB) ? equalB : equalA);
}

/** A comparison of packet pointers: how many bytes are there (try_match_pkt_pointers). False: it is none. */
function matchPacket(
	w: Walk,
	{ dst, src }: Insn,
	code: number,
	jmp32: boolean,
	x: boolean,
	other: VState,
): boolean {
	const { core } = w;
	if (!x || jmp32) return false;
	const [a, b] = [w.reg(dst), w.reg(src)];
	const [typeA, typeB] = [core.type(a), core.type(b)];
	const start = (reg: number) =>
		core.type(reg) === REG.PACKET &&
		core.get(reg, REG_STATE.ID) === 0 &&
		core.get(reg, REG_STATE.OFF) === 0 &&
		core.isConst(reg) &&
		core.constLow(reg) === 0;
	// which side is the packet's pointer, with the other as its end
	const left = (typeA === REG.PACKET && typeB === REG.PACKET_END) || (typeA === REG.PACKET_META && start(b));
	const right = (typeA === REG.PACKET_END && typeB === REG.PACKET) || (start(a) && typeB === REG.PACKET_META);
	if (!left && !right) return false;
	const regno = left ? dst : src;
	const reg = left ? a : b;
	const type = core.type(reg);
	const op = left ? code : FLIPPED[code]!;
	// pointer > end (and its kin): in range where it falls through
	switch (op) {
		case J.GT:
			findGood(w, w.cur, reg, type, false);
			markEnd(w, other, regno, true);
			return true;
		case J.LT:
			findGood(w, other, reg, type, true);
			markEnd(w, w.cur, regno, false);
			return true;
		case J.GE:
			findGood(w, w.cur, reg, type, true);
			markEnd(w, other, regno, false);
			return true;
		case J.LE:
			findGood(w, other, reg, type, false);
			markEnd(w, w.cur, regno, true);
			return true;
		default:
			return false;
	}
}

/** All pointers of this id may be followed so far (find_good_pkt_pointers). */
function findGood(w: Walk, state: VState, reg: number, type: number, open: boolean): void {
	const { core } = w;
	const off = core.getSigned(reg, REG_STATE.OFF);
	if (off < 0 || (off === 0 && open)) return;
	if (core.unsignedNumber(reg, REG_STATE.UMAX) + off > MAX_PACKET_OFF) return;
	const range = open ? off + 1 : off;
	const id = core.get(reg, REG_STATE.ID);
	const count = core.collect(state.at, REG_STATE.TYPE, type);
	for (let i = 0; i < count; i++) {
		const each = core.found(i);
		if (core.get(each, REG_STATE.ID) !== id) continue;
		if (core.getSigned(each, REG_STATE.RANGE) < range) core.set(each, REG_STATE.RANGE, range);
	}
}

function markEnd(w: Walk, state: VState, regno: number, open: boolean): void {
	const reg = regAt(w.core.frame(state.at), regno);
	if (w.core.type(reg) !== REG.PACKET) return;
	w.core.set(reg, REG_STATE.RANGE, open ? BEYOND_PKT_END : AT_PKT_END);
}
