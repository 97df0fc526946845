import type { KnownArgument } from "../flow/index.ts";
import { ARRAY_LAYOUT, ELEMENT_LAYOUT, MAP_LAYOUT, roundUp8 } from "../maps/index.ts";
import type { CompiledMap } from "./context.ts";
import { T, W } from "./opcodes.ts";
import type { Translator } from "./translate.ts";

const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;

const BPF_NOEXIST = 1;
const E2BIG = -7;

/** Words that an inlined update of an array copies at most. */
const MAX_COPY = 8;

/** A call of the map code: the export, and what it takes. */
interface MapOperation {
	readonly name: string;
	/** Key, value and flags come from r2, r3 and r4; `cpu` is the running one, a number itself. */
	readonly args: readonly ("key" | "value" | "flags" | "cpu" | number)[];
}

/** Code in place of a call. It leaves the result, an i32; `flags` are those of an update. */
type Inlined = (t: Translator, map: CompiledMap, flags: number) => void;

const operation = (name: string, ...args: MapOperation["args"]): MapOperation => ({ name, args });

const UPDATE_ARRAY = operation("arrayUpdate", "key", "value", "flags");
const UPDATE_PERCPU_ARRAY = operation("percpuArrayUpdate", "key", "value", "flags", "cpu");
const DELETE_FROM_HASH = operation("hashDelete", "key", 0, 0);
const DELETE_FROM_LRU = operation("lruDelete", "key", 0, 0);

/** What finds a key of a hash table; the first is for any size. */
const FIND = operation("tableFind", "key");
const FIND_BY_SIZE: Readonly<Record<number, MapOperation>> = {
	4: operation("tableFind4", "key"),
	8: operation("tableFind8", "key"),
	16: operation("tableFind16", "key"),
};

/** What lookup, update and delete of a map type are. */
const OPERATIONS: Readonly<Record<number, Readonly<Partial<Record<number, MapOperation | Inlined>>>>> = {
	1: {
		[LOOKUP]: tableLookup,
		[UPDATE]: operation("hashUpdate", "key", "value", "flags", "cpu"),
		[DELETE]: DELETE_FROM_HASH,
	},
	2: {
		[LOOKUP]: (t, map) => arrayLookup(t, map, false),
		[UPDATE]: (t, map, flags) => arrayUpdate(t, map, flags, false),
	},
	5: {
		[LOOKUP]: percpuTableLookup,
		[UPDATE]: operation("percpuHashUpdate", "key", "value", "flags", "cpu"),
		[DELETE]: DELETE_FROM_HASH,
	},
	6: {
		[LOOKUP]: (t, map) => arrayLookup(t, map, true),
		[UPDATE]: (t, map, flags) => arrayUpdate(t, map, flags, true),
	},
	9: {
		[LOOKUP](t, map) {
			tableLookup(t, map);
			reference(t);
		},
		[UPDATE]: operation("lruUpdate", "key", "value", "flags", "cpu"),
		[DELETE]: DELETE_FROM_LRU,
	},
	10: {
		[LOOKUP](t, map) {
			percpuTableLookup(t, map);
			reference(t);
		},
		[UPDATE]: operation("lruPercpuUpdate", "key", "value", "flags", "cpu", "cpu"),
		[DELETE]: DELETE_FROM_LRU,
	},
	11: {
		[LOOKUP]: operation("lpmLookup", "key"),
		[UPDATE]: operation("lpmUpdate", "key", "value", "flags"),
		[DELETE]: operation("lpmDelete", "key"),
	},
	12: { [LOOKUP]: operation("arrayOfMapsLookup", "key") },
	13: {
		[LOOKUP](t, map) {
			tableLookup(t, map);
			// the value is the inner map's address
			t.writer.memory(W.i32_load, 0, 2);
		},
	},
};

/** Exports of the map code that compiled programs call, with the number of their parameters; all give an i32. */
export const MAP_CODE: Readonly<Record<string, readonly [parameters: number, results: number]>> =
	Object.fromEntries(
		[
			...Object.values(OPERATIONS).flatMap((operations) => Object.values(operations)),
			...[UPDATE_ARRAY, UPDATE_PERCPU_ARRAY, FIND, ...Object.values(FIND_BY_SIZE)],
		]
			.filter((each) => typeof each === "object")
			.map(({ name, args }) => [name, [args.length + 1, 1]] as const),
	);

/** Map operations without JavaScript, where the map is the same on every path. Whether the call was done here. */
export function mapCall(t: Translator, id: number, args: readonly (KnownArgument | undefined)[]): boolean {
	const first = args[0];
	const map = first?.kind === "map" ? t.context.unit.maps[first.map] : undefined;
	const found = map === undefined ? undefined : OPERATIONS[map.def.type]?.[id];
	if (map === undefined || found === undefined || map.address === 0) return false;
	// special fields of a value, and flags that aren't known, are the host's business
	const given = args[3]?.kind === "number" ? args[3].value : undefined;
	if (id === UPDATE && (map.guarded || given === undefined || given > 2n)) return false;
	const flags = id === UPDATE ? Number(given) : 0;
	if (typeof found === "function") found(t, map, flags);
	else call(t, map, found, flags);
	// an address, or an errno
	t.writer.op(id === LOOKUP ? W.i64_extend_i32_u : W.i64_extend_i32_s);
	t.pop(0);
	return true;
}

function call(t: Translator, map: CompiledMap, { name, args }: MapOperation, flags = 0): void {
	const { writer: w, context } = t;
	w.i32(map.address);
	for (const arg of args) {
		if (arg === "key") t.push32(2);
		else if (arg === "value") t.push32(3);
		else if (arg === "flags") w.i32(flags);
		else w.i32(arg === "cpu" ? context.options.cpu : arg);
	}
	w.call(context.imports.named(name));
}

/** The element of a key, in a32; its value, which for no element is the zero that page 0 has there. */
function tableLookup(t: Translator, map: CompiledMap): void {
	call(t, map, FIND_BY_SIZE[map.def.keySize] ?? FIND);
	t.writer.tee(t.a32);
	t.writer.memory(W.i32_load, ELEMENT_LAYOUT.VALUE, 2);
}

function percpuTableLookup(t: Translator, map: CompiledMap): void {
	const { writer: w, context } = t;
	tableLookup(t, map);
	if (context.options.cpu === 0) return;
	w.i32(0);
	w.i32(context.options.cpu * roundUp8(map.def.valueSize));
	w.get(t.a32);
	w.op(W.i32_eqz, W.select, W.i32_add);
}

/** An LRU's element in a32 counts as referenced; stored where it is not, so that readers share the cache line. */
function reference(t: Translator): void {
	const { writer: w } = t;
	w.get(t.a32);
	w.op(W.if, T.void);
	w.get(t.a32);
	w.memory(W.i32_load8_u, ELEMENT_LAYOUT.REFERENCED);
	w.op(W.i32_eqz, W.if, T.void);
	w.get(t.a32);
	w.i32(1);
	w.memory(W.i32_store8, ELEMENT_LAYOUT.REFERENCED);
	w.op(W.end, W.end);
}

/** Address of an array's value whose index lies in a32 and is in range. */
function arrayValue(t: Translator, map: CompiledMap, perCpu: boolean): void {
	const { writer: w, context } = t;
	const stride = roundUp8(map.def.valueSize);
	if (map.values !== 0) w.i32(map.values);
	else {
		w.i32(map.address);
		w.memory(W.i32_load, ARRAY_LAYOUT.VALUES, 2);
	}
	// the index of the only entry is 0
	if (map.def.maxEntries > 1) {
		w.get(t.a32);
		if (perCpu) {
			w.i32(map.address);
			w.memory(W.i32_load, MAP_LAYOUT.CPUS, 2);
			w.op(W.i32_mul);
		}
		w.i32(stride);
		w.op(W.i32_mul, W.i32_add);
	}
	if (perCpu && context.options.cpu > 0) {
		w.i32(context.options.cpu * stride);
		w.op(W.i32_add);
	}
}

/** Opens the branch for an index in range, which goes into a32. */
function ifInRange(t: Translator, map: CompiledMap): void {
	const { writer: w } = t;
	t.push32(2);
	w.memory(W.i32_load, 0);
	w.tee(t.a32);
	w.i32(map.def.maxEntries);
	w.op(W.i32_lt_u, W.if, T.i32);
}

/** array, percpu_array: the address of a value; an index past the end gives 0. */
function arrayLookup(t: Translator, map: CompiledMap, perCpu: boolean): void {
	const { writer: w } = t;
	ifInRange(t, map);
	arrayValue(t, map, perCpu);
	w.op(W.else);
	w.i32(0);
	w.op(W.end);
}

/** array, percpu_array: small values are copied in place. */
function arrayUpdate(t: Translator, map: CompiledMap, flags: number, perCpu: boolean): void {
	const { writer: w } = t;
	const pieces = piecesOf(map.def.valueSize);
	if (flags === BPF_NOEXIST || pieces.length > MAX_COPY) {
		call(t, map, perCpu ? UPDATE_PERCPU_ARRAY : UPDATE_ARRAY, flags);
		return;
	}
	ifInRange(t, map);
	arrayValue(t, map, perCpu);
	w.set(t.a32);
	for (const { at, load, store } of pieces) {
		w.get(t.a32);
		t.push32(3);
		w.memory(load, at);
		w.memory(store, at);
	}
	w.i32(0);
	w.op(W.else);
	w.i32(E2BIG);
	w.op(W.end);
}

/** How so many bytes are copied: words of 8, then what is left. */
function piecesOf(size: number): { at: number; load: number; store: number }[] {
	const widths = [
		[8, W.i64_load, W.i64_store],
		[4, W.i32_load, W.i32_store],
		[2, W.i32_load16_u, W.i32_store16],
		[1, W.i32_load8_u, W.i32_store8],
	] as const;
	const pieces = [];
	let at = 0;
	for (const [width, load, store] of widths) {
		for (; size - at >= width && pieces.length <= MAX_COPY; at += width) pieces.push({ at, load, store });
	}
	return pieces;
}
