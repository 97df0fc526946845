/** A mistake planted into a copy of the verifier: one text of its source is another. */
export interface Weakening {
	readonly name: string;
	/** Below packages/core. Assembly is compiled again. */
	readonly file: string;
	/** Stands there once. */
	readonly from: string;
	readonly to: string;
}

const WALK = "src/verifier/walk";
const PRUNE = "src/verifier/prune";
const STATE = "assembly/verifier";

/** Mistakes as people make them, in each part of the verifier. All make it accept too much. */
export const WEAKENINGS: readonly Weakening[] = [
	{
		name: "packet range is off by one",
		file: `${WALK}/jump.ts`,
		from: "const range = open ? off + 1 : off;",
		to: "const range = off + 1;",
	},
	{
		name: "packet pointers survive a helper that moves the packet",
		file: `${WALK}/helper-call.ts`,
		from: "if (changesPacket) clearPacketPointers(w);",
		to: "void changesPacket;",
	},
	{
		name: "a packet pointer keeps its range when a number is added",
		file: `${WALK}/pointer-alu.ts`,
		from: "core.set(to, REG_STATE.RANGE, 0);",
		to: "",
	},
	{
		name: "a null check is read the wrong way round",
		file: `${WALK}/jump.ts`,
		from: "markPtrOrNull(w, w.cur.at, dst, code === J.NE);",
		to: "markPtrOrNull(w, w.cur.at, dst, code === J.EQ);",
	},
	{
		name: "pointers to released memory stay",
		file: `${WALK}/references.ts`,
		from: "if (!keepsDynptrs || core.type(reg) !== REG.DYNPTR) invalidate(w, reg);",
		to: "void keepsDynptrs;",
	},
	{
		name: "unwritten stack may be read by anybody",
		file: `${WALK}/stack.ts`,
		from: "if (type === STACK_INVALID && privileges.uninitStack) continue;",
		to: "if (type === STACK_INVALID) continue;",
	},
	{
		name: "the size of an access does not count",
		file: `${WALK}/memory.ts`,
		from: "(size > 0 || (size === 0 && zeroAllowed)) && off + size <= limit) return true;",
		to: "(size > 0 || (size === 0 && zeroAllowed)) && off < limit) return true;",
	},
	{
		name: "a negative offset passes",
		file: `${WALK}/memory.ts`,
		from: "if (!checkInside(w, regno, toInt(smin + off)",
		to: "if (smin < 0 && !checkInside(w, regno, toInt(smin + off)",
	},
	{
		name: "the unknown bits of an offset don't count for alignment",
		file: `${WALK}/memory.ts`,
		from: "const unknown = core.get(reg, REG_STATE.TNUM_MASK);",
		to: "const unknown = 0;",
	},
	{
		name: "the context may be written",
		file: `${WALK}/context.ts`,
		from: 'contextAccess(env.type, env.attachType, off, size, access === "write")',
		to: "contextAccess(env.type, env.attachType, off, size, false)",
	},
	{
		name: "sign-extending loads are taken for zero-extending ones",
		file: `${WALK}/memory.ts`,
		from: "if (signed) core.coerceToSizeSx(w.reg(value), size);",
		to: "if (signed) core.coerceToSize(w.reg(value), size);",
	},
	{
		name: "a 32-bit move keeps the upper half's bounds",
		file: `${WALK}/alu.ts`,
		from: "if (off === 0) core.assignInto32(to);",
		to: "if (off === 0) void off;",
	},
	{
		name: "a truncated copy keeps the id of its source",
		file: `${WALK}/alu.ts`,
		from: "if (!same) clearScalarId(w, to);",
		to: "void same;",
	},
	{
		name: "r1 to r5 survive a call",
		file: `${WALK}/calls.ts`,
		from: "w.core.markNotInit(regAt(frame, i));",
		to: "if (i === 0) w.core.markNotInit(regAt(frame, i));",
	},
	{
		name: "a spill survives a store at a variable offset",
		file: `${WALK}/stack.ts`,
		from: "if (isSpilledReg(w, frame, spi)) scrub(w, types);\n\t\tcore.set(stored, REG_STATE.TYPE, REG.NOT_INIT);",
		to: "if (isSpilledReg(w, frame, spi)) continue;\n\t\tcore.set(stored, REG_STATE.TYPE, REG.NOT_INIT);",
	},
	{
		name: "a helper's memory is checked for its least size",
		file: `${WALK}/helper-memory.ts`,
		from: "checkHelperMemory(w, regno - 1, umax, access",
		to: "checkHelperMemory(w, regno - 1, Number(core.umin(reg)), access",
	},
	{
		name: "pruning knows nothing of precision",
		file: `${PRUNE}/precision.ts`,
		from: "\tmarks.reset();\n\tmarkPrecise(w, w.cur, regno);",
		to: "\tmarks.reset();",
	},
	{
		name: "states of an unfinished loop are compared like finished ones",
		file: `${PRUNE}/visited.ts`,
		from: "if (!statesEqual(w, old, cur, loop ? RANGE_WITHIN : NOT_EXACT))",
		to: "if (!statesEqual(w, old, cur, NOT_EXACT))",
	},
	{
		name: "rounds of a callback are compared without their numbers",
		file: `${PRUNE}/visited.ts`,
		from: "if (aux.has(insn, INSN.CALLBACK)) return statesEqual(w, old, cur, RANGE_WITHIN)",
		to: "if (aux.has(insn, INSN.CALLBACK)) return statesEqual(w, old, cur, NOT_EXACT)",
	},
	{
		name: "32-bit arithmetic does not clear the upper half",
		file: `${STATE}/alu.ts`,
		from: "if (alu32) zext32(d);",
		to: "",
	},
	{
		name: "the sign is lost where 32 bits are compared",
		file: `${STATE}/branch.ts`,
		from: "lowerS32max(a, i32(s32max(b) - i32(one)));",
		to: "lowerU32max(a, u32(u32(s32max(b)) - u32(one)));",
	},
	{
		name: "a < b teaches one too much",
		file: `${STATE}/branch.ts`,
		from: "lowerUmax(a, u64(umax(b) - one));",
		to: "lowerUmax(a, u64(umax(b) - one - one));",
	},
	{
		name: "pruning ignores the known bits",
		file: `${STATE}/compare.ts`,
		from: "\n\t\t&& tnumIn(value(old), mask(old), value(cur), mask(cur));",
		to: ";",
	},
	{
		name: "an or forgets that bits may be set",
		file: `${STATE}/alu.ts`,
		from: "let max = u64(value(d) | mask(d));\n\t\tif (op == AND)",
		to: "let max = umax(d);\n\t\tif (op == AND)",
	},
	{
		name: "pruning does not compare which numbers are linked",
		file: `${STATE}/compare.ts`,
		from: "if (old == 0) return true;\n\tif (cur == 0) {",
		to: "if (old >= 0) return true;\n\tif (cur == 0) {",
	},
	{
		name: "pruning does not compare numbers on the stack",
		file: `${STATE}/compare.ts`,
		from: "return regSafe(old + SLOT_REG, cur + SLOT_REG, exact);",
		to: "return exact != EXACT || regSafe(old + SLOT_REG, cur + SLOT_REG, exact);",
	},
	{
		name: "pruning takes a packet for as long as it was on another path",
		file: `${STATE}/compare.ts`,
		from: "loadI32(old + RANGE) <= loadI32(cur + RANGE) && ",
		to: "",
	},
	{
		name: "precision stops at the stack",
		file: `${PRUNE}/precision.ts`,
		from: "if (stackAccess) marks.setSlot(fr, spi);",
		to: "void fr;",
	},
	{
		name: "precision does not follow links",
		file: `${PRUNE}/precision.ts`,
		from: "if (!marked) return;",
		to: "if (!marked || linked.length > 1) return;",
	},
	{
		name: "precision does not go round loops",
		file: `${PRUNE}/loops.ts`,
		from: "if (propagatePrecision(w, each.equalState!, each)) changed = true;",
		to: "void each;",
	},
	{
		name: "what a callee reads of its caller's stack is dead",
		file: `${PRUNE}/stack-liveness.ts`,
		from: "if (instance.outer !== undefined) this.#toOuter(instance, instance.outer);",
		to: "",
	},
	{
		name: "what is learned of a number is learned of one a little apart as well",
		file: `${STATE}/branch.ts`,
		from: "const delta = i64(i64(off) - i64(loadI32(known + OFF)));",
		to: "const delta = i64(0);",
	},
	{
		name: "memory for a global function may be too small",
		file: `${WALK}/global.ts`,
		from: "checkMemoryArgument(w, regno, argument.size);",
		to: "checkMemoryArgument(w, regno, 1);",
	},
	{
		name: "references may be kept at the end",
		file: `${WALK}/references.ts`,
		from: "if (leaks(w, exceptional)) log.reject",
		to: "if (exceptional && leaks(w, exceptional)) log.reject",
	},
];
