import type { ArgKind, HelperPrototype } from "../helpers/index.ts";
import { type Decoded, type Insn, imm64, type RowOf } from "../isa/index.ts";
import { MACHINE } from "../memory/index.ts";
import type { CompiledMap } from "./context.ts";
import { BPF_LOOP, loopCall } from "./loops.ts";
import { mapCall } from "./map-calls.ts";
import type { FunctionIndex } from "./module.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

export { MAP_CODE } from "./map-calls.ts";

/** A local call: r1-r5 and this frame go along, r0 comes back. */
export function callLocal(t: Translator, d: Decoded): void {
	const { writer: w, context } = t;
	const target = context.functions.get(t.insn + 1 + d.insn.imm);
	if (target === undefined) t.unsupported("a call to no function");
	for (let i = 1; i <= 5; i++) t.push(i);
	w.get(t.frame);
	if (context.tailCallers.has(t.insn + 1 + d.insn.imm)) t.sharingCount(() => w.call(target));
	else w.call(target);
	t.pop(0);
}

/** Whether an argument's upper half matters to the helper: numbers of 64 bits. Pointers and sizes have none. */
export function isWide(kind: ArgKind): boolean {
	return kind === "anything" || kind === "stack_or_null";
}

/** The arguments that a helper's implementation may read: what the prototype says, and all five of a variadic one. */
export function argsOf(prototype: HelperPrototype): readonly ArgKind[] {
	const { args, variadic } = prototype;
	return variadic ? [...args, ...new Array<ArgKind>(5 - args.length).fill("anything")] : args;
}

/** call HELPER: to the map code where the map is known, else to the host, in i32 only. */
export function callHelper(t: Translator, d: Decoded): void {
	const { context } = t;
	const id = d.insn.imm;
	const facts = context.unit.facts.calls.get(t.insn);
	if (facts !== undefined && context.options.isOwn(id)) {
		if (id === BPF_LOOP ? loopCall(t, facts.args) : mapCall(t, id, facts.args)) return;
	}
	const prototype = context.options.prototype(id, context.unit.program.type);
	if (prototype === undefined) t.unsupported(`helper ${id}`);
	callImport(t, prototype, context.imports.helper(id, context.unit.program.type));
}

/** call KFUNC: by its name, as a helper. */
export function callKfunc(t: Translator): void {
	const { context } = t;
	const { kfuncs, type } = context.unit.program;
	const name = kfuncs.find(({ insn }) => insn === t.insn)?.name ?? "?";
	const prototype = context.options.kfunc(name);
	if (prototype === undefined) t.unsupported(`kfunc ${name}`);
	callImport(t, prototype, context.imports.kfunc(name, type));
}

function callImport(t: Translator, prototype: HelperPrototype, index: FunctionIndex): void {
	const { context, writer: w } = t;
	argsOf(prototype).forEach((kind, i) => {
		t.push32(i + 1);
		if (!isWide(kind)) return;
		t.push(i + 1);
		w.i64(32);
		w.op(W.i64_shr_u, W.i32_wrap_i64);
	});
	const callsBack = prototype.args.includes("func");
	// a callback's frame lies below this one
	if (callsBack) w.get(t.frame);
	if (callsBack && context.tailCallers.size > 0) t.sharingCount(() => w.call(index));
	else w.call(index);
	switch (prototype.returns) {
		case "void":
			return;
		case "int":
			w.op(W.i64_extend_i32_s);
			break;
		case "u64":
			w.op(W.i64_extend_i32_u);
			w.i32(0);
			w.memory(W.i64_load32_u, MACHINE.RESULT_HIGH, 2);
			w.i64(32);
			w.op(W.i64_shl, W.i64_or);
			break;
		default:
			w.op(W.i64_extend_i32_u);
	}
	t.pop(0);
}

/** lddw in all its meanings: numbers, maps, map values, functions. */
export function constant(t: Translator, d: Decoded, next: Insn): void {
	const { writer: w, context } = t;
	const { insn } = d;
	switch (d.op) {
		case "lddw": {
			const value = imm64(insn, next);
			w.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
			break;
		}
		case "lddw_map_idx":
			w.i64(mapOf(t, insn.imm).address, 0);
			break;
		case "lddw_map_idx_value": {
			const map = mapOf(t, insn.imm);
			if (map.values === 0) t.unsupported("the address of a value of this map");
			w.i64((map.values + next.imm) | 0, 0);
			break;
		}
		case "lddw_func":
			w.i64(context.callback(t.insn + 1 + insn.imm), 0);
			break;
		default:
			t.unsupported(d.op);
	}
	t.pop(insn.dst);
}

function mapOf(t: Translator, index: number): CompiledMap {
	const map = t.context.unit.maps[index];
	if (map === undefined || map.address === 0) t.unsupported(`map ${map?.def.name ?? index}`);
	return map;
}

/** LD_ABS and LD_IND: the value, or the function ends with 0. */
export function packetLoad(t: Translator, d: Decoded, row: RowOf<"ld_abs" | "ld_ind">): void {
	const { writer: w } = t;
	w.i32(d.insn.imm);
	if (row.family === "ld_ind") {
		t.push32(d.insn.src);
		w.op(W.i32_add);
	}
	w.i32(row.size);
	w.call(t.context.imports.named("loadAbsolute"));
	t.pop32(0);
	w.i32(0);
	w.memory(W.i32_load, MACHINE.RESULT_HIGH, 2);
	// 1: outside the packet
	w.op(W.if, T.void);
	t.return(() => w.i64(0));
	w.op(W.end);
}
