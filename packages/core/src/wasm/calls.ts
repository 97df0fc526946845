import type { KnownArgument } from "../flow/index.ts";
import type { ArgKind, HelperPrototype } from "../helpers/index.ts";
import { type Decoded, type Insn, imm64, type RowOf } from "../isa/index.ts";
import { MACHINE } from "../memory/index.ts";
import type { CompiledMap } from "./context.ts";
import type { FunctionIndex } from "./module.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

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
	if (facts !== undefined && mapCall(t, id, facts.args)) return;
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

const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;

const ARRAY = 2;

/** A call of the map code: the export, and what it takes. */
interface MapOperation {
	readonly name: string;
	/** Key, value and flags come from r2, r3 and r4; `cpu` is the running one, a number itself. */
	readonly args: readonly ("key" | "value" | "flags" | "cpu" | number)[];
}

const operation = (name: string, ...args: MapOperation["args"]): MapOperation => ({ name, args });

/** What lookup, update and delete of a map type are in the map code. */
const OPERATIONS: Readonly<Record<number, Readonly<Partial<Record<number, MapOperation>>>>> = {
	1: {
		[LOOKUP]: operation("hashLookup", "key"),
		[UPDATE]: operation("hashUpdate", "key", "value", "flags", "cpu"),
		[DELETE]: operation("hashDelete", "key", 0, 0),
	},
	2: {
		[LOOKUP]: operation("arrayLookup", "key"),
		[UPDATE]: operation("arrayUpdate", "key", "value", "flags"),
	},
	5: {
		[LOOKUP]: operation("percpuHashLookup", "key", "cpu"),
		[UPDATE]: operation("percpuHashUpdate", "key", "value", "flags", "cpu"),
		[DELETE]: operation("hashDelete", "key", 0, 0),
	},
	6: {
		[LOOKUP]: operation("percpuArrayLookup", "key", "cpu"),
		[UPDATE]: operation("percpuArrayUpdate", "key", "value", "flags", "cpu"),
	},
	9: {
		[LOOKUP]: operation("lruLookup", "key"),
		[UPDATE]: operation("lruUpdate", "key", "value", "flags", "cpu"),
		[DELETE]: operation("lruDelete", "key", 0, 0),
	},
	10: {
		[LOOKUP]: operation("lruPercpuLookup", "key", "cpu"),
		[UPDATE]: operation("lruPercpuUpdate", "key", "value", "flags", "cpu", "cpu"),
		[DELETE]: operation("lruDelete", "key", 0, 0),
	},
	11: {
		[LOOKUP]: operation("lpmLookup", "key"),
		[UPDATE]: operation("lpmUpdate", "key", "value", "flags"),
		[DELETE]: operation("lpmDelete", "key"),
	},
	12: { [LOOKUP]: operation("arrayOfMapsLookup", "key") },
	13: { [LOOKUP]: operation("hashOfMapsLookup", "key") },
};

/** Exports of the map code that compiled programs call, with the number of their parameters; all give an i32. */
export const MAP_CODE: Readonly<Record<string, readonly [parameters: number, results: number]>> =
	Object.fromEntries(
		Object.values(OPERATIONS).flatMap((operations) =>
			Object.values(operations).map((each) => [each!.name, [each!.args.length + 1, 1]] as const),
		),
	);

/** Map operations without JavaScript, where the map is the same on every path. Whether the call was done here. */
function mapCall(t: Translator, id: number, args: readonly (KnownArgument | undefined)[]): boolean {
	const { writer: w, context } = t;
	const first = args[0];
	const map = first?.kind === "map" ? context.unit.maps[first.map] : undefined;
	const found = map === undefined ? undefined : OPERATIONS[map.def.type]?.[id];
	if (map === undefined || found === undefined || map.address === 0) return false;
	if (id === LOOKUP && map.def.type === ARRAY && map.values !== 0) {
		arrayLookup(t, map);
		return true;
	}
	// special fields of a value, and flags that aren't known, are the host's business
	const flags = args[3];
	if (id === UPDATE && (map.guarded || flags?.kind !== "number" || flags.value > 2n)) return false;
	w.i32(map.address);
	for (const arg of found.args) {
		if (arg === "key") t.push32(2);
		else if (arg === "value") t.push32(3);
		else if (arg === "flags") w.i32(flags?.kind === "number" ? Number(flags.value) : 0);
		else w.i32(arg === "cpu" ? context.options.cpu : arg);
	}
	w.call(context.imports.named(found.name));
	// an address, or an errno
	w.op(id === LOOKUP ? W.i64_extend_i32_u : W.i64_extend_i32_s);
	t.pop(0);
	return true;
}

/** An array's value is at values + index * stride; an index past the end gives 0. */
function arrayLookup(t: Translator, map: CompiledMap): void {
	const { writer: w } = t;
	const stride = Math.ceil(map.def.valueSize / 8) * 8;
	t.push32(2);
	w.memory(W.i32_load, 0);
	w.tee(t.a32);
	w.i32(map.def.maxEntries);
	w.op(W.i32_lt_u, W.if, T.i32);
	w.get(t.a32);
	if (stride !== 1) {
		w.i32(stride);
		w.op(W.i32_mul);
	}
	w.i32(map.values);
	w.op(W.i32_add, W.else);
	w.i32(0);
	w.op(W.end);
	t.pop32(0);
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
