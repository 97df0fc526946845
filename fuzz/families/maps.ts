import { MAP_KINDS } from "@tailhop/core";
import { Builder, edgeBytes, offset } from "../builder.ts";
import type { FuzzCase, FuzzStep } from "../case.ts";
import { hex, type MapCase } from "../harness.ts";
import type { Random } from "../random.ts";

const F = {
	NO_PREALLOC: 1,
	NO_COMMON_LRU: 2,
	RDONLY: 8,
	WRONLY: 16,
	ZERO_SEED: 64,
	RDONLY_PROG: 128,
	WRONLY_PROG: 256,
	MMAPABLE: 1024,
} as const;
const XDP = 6;
const PACKET = "00".repeat(64);

/** What programs and host may do with a kind. */
interface Kind {
	readonly type: number;
	/** Absent: no keys (queue, stack, bloom filter). */
	readonly keys?: "index" | "any" | "prefix";
	readonly flags: readonly number[];
	readonly each?: boolean;
	readonly perCpu?: boolean;
	/** Values are devices, which only the host puts in; programs read them and redirect to them. */
	readonly devices?: boolean;
	/** Whether a walk comes to the elements in an order that nothing random decides. */
	readonly ordered?: (flags: number) => boolean;
}

const seeded = (flags: number): boolean => (flags & F.ZERO_SEED) !== 0;

const KINDS: Readonly<Record<string, Kind>> = {
	hash: {
		type: 1,
		keys: "any",
		flags: [0, F.NO_PREALLOC, F.ZERO_SEED, F.NO_PREALLOC | F.ZERO_SEED],
		each: true,
		ordered: seeded,
	},
	array: { type: 2, keys: "index", flags: [0, F.MMAPABLE], each: true, ordered: () => true },
	percpu_hash: {
		type: 5,
		keys: "any",
		flags: [0, F.NO_PREALLOC, F.ZERO_SEED],
		each: true,
		perCpu: true,
		ordered: seeded,
	},
	percpu_array: { type: 6, keys: "index", flags: [0], each: true, perCpu: true, ordered: () => true },
	lru_hash: {
		type: 9,
		keys: "any",
		flags: [0, F.NO_COMMON_LRU, F.ZERO_SEED],
		each: true,
		ordered: seeded,
	},
	lru_percpu_hash: {
		type: 10,
		keys: "any",
		flags: [0, F.NO_COMMON_LRU, F.ZERO_SEED],
		each: true,
		perCpu: true,
		ordered: seeded,
	},
	lpm_trie: { type: 11, keys: "prefix", flags: [F.NO_PREALLOC], ordered: () => true },
	queue: { type: 22, flags: [0] },
	stack: { type: 23, flags: [0] },
	bloom_filter: { type: 30, flags: [F.ZERO_SEED] },
	devmap: { type: 14, keys: "index", flags: [0], devices: true, ordered: () => true },
	// README.md, "What is not compared": its order
	devmap_hash: { type: 25, keys: "any", flags: [0], devices: true },
};

interface TestMap extends MapCase {
	readonly kind: Kind;
	readonly keySize: number;
	readonly valueSize: number;
	readonly maxEntries: number;
	readonly flags: number;
}

/** Below r10: key, value, room for what is popped, a callback's context. */
const KEY = -16;
const VALUE = -64;
const POPPED = -112;
const CONTEXT = -128;
/** Results that a program can leave. */
const RESULTS = 60;
const IN_WORDS = 8;
/** No value is larger. */
const MAX_VALUE = 48;

/** Programs and a host that do everything to a few small maps in turns. */
export function maps(random: Random): FuzzCase {
	const kinds = Object.entries(KINDS).filter(([, kind]) => kind.type in MAP_KINDS);
	const tested = Array.from({ length: random.between(1, 3) }, (_, index): TestMap => {
		const [type, kind] = random.pick(kinds);
		const access = random.weighted([
			[12, 0],
			[1, F.RDONLY],
			[1, F.WRONLY],
			[1, F.RDONLY_PROG],
			[1, F.WRONLY_PROG],
		]);
		return {
			name: `m${index}`,
			type,
			kind,
			keySize: keySizeOf(random, kind),
			valueSize: valueSizeOf(random, kind),
			maxEntries: random.weighted([
				[5, random.between(1, 8)],
				[1, random.between(9, 40)],
			]),
			flags: random.pick(kind.flags) | (kind.type === 30 || kind.devices ? 0 : access),
		};
	});
	const outer = outerMaps(random, tested);
	const rings = random.chance(20)
		? [{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 }]
		: [];
	const programs = Object.fromEntries(
		Array.from({ length: random.between(1, 2) }, (_, index) => [
			`p${index}`,
			{ type: XDP, asm: program(random, tested, outer.maps, rings.length > 0) },
		]),
	);
	const steps: FuzzStep[] = [];
	for (let count = random.between(4, 20); count > 0; count--) {
		if (random.chance(35)) {
			steps.push({ update: "in", key: "00000000", value: hex(inputs(random)) });
			steps.push({ run: random.pick(Object.keys(programs)), packet: PACKET });
			steps.push({ lookup: "out", key: "00000000" });
		} else steps.push(hostStep(random, random.pick(tested)));
	}
	return {
		family: "maps",
		maps: [
			{ name: "in", type: "array", valueSize: IN_WORDS * 8 },
			{ name: "out", type: "array", valueSize: RESULTS * 8 },
			...tested.map(({ kind: _, ...map }) => map),
			...outer.maps,
			...rings,
		],
		...(outer.maps.length === 0
			? {}
			: { slots: outer.slots, ignoreMaps: outer.maps.map(({ name }) => name) }),
		programs,
		steps,
	};
}

function keySizeOf(random: Random, { keys, devices }: Kind): number {
	if (keys === undefined) return 0;
	if (keys === "index" || devices) return 4;
	return keys === "any" ? random.pick([1, 2, 4, 5, 8, 16]) : random.pick([5, 8, 12]);
}

function valueSizeOf(random: Random, { perCpu, devices }: Kind): number {
	if (devices) return random.pick([4, 8]);
	return perCpu ? random.pick([8, 16, 24, 4]) : random.pick([1, 4, 8, 12, 16, 24, 40, MAX_VALUE]);
}

interface OuterMap extends MapCase {
	readonly inner: TestMap;
}

/** Maps of maps with tested maps in some of their slots. */
function outerMaps(random: Random, tested: readonly TestMap[]) {
	const maps: OuterMap[] = [];
	const slots: Record<string, Record<number, string>> = {};
	for (const inner of tested) {
		if (inner.kind.keys === undefined || !random.chance(25)) continue;
		const name = `outer${maps.length}`;
		maps.push({
			name,
			type: random.pick(["array_of_maps", "hash_of_maps"]),
			keySize: 4,
			valueSize: 4,
			maxEntries: 3,
			inner,
		});
		slots[name] = { [random.below(3)]: inner.name };
	}
	return { maps, slots };
}

function inputs(random: Random): Uint8Array {
	const bytes = edgeBytes(random, IN_WORDS);
	for (let at = 0; at < bytes.length; at += 8)
		if (random.chance(70)) bytes.fill(0, at, at + 8).set([random.below(8)], at);
	return bytes;
}

function hostStep(random: Random, map: TestMap): FuzzStep {
	const { name, kind } = map;
	const key = hex(hostKey(random, map));
	const bytes = random.bytes(kind.perCpu ? Math.ceil(map.valueSize / 8) * 8 : map.valueSize);
	// lo, none, and one that isn't there
	if (kind.devices) new DataView(bytes.fill(0).buffer).setUint32(0, random.pick([1, 1, 1, 0, 9999]), true);
	const value = hex(bytes);
	const flags = random.weighted([
		[8, 0],
		[2, 1],
		[2, 2],
		[1, 3],
		[1, 8],
	]);
	if (kind.type === 30) return { update: name, key, value, flags };
	return random.weighted<() => FuzzStep>([
		[6, () => ({ update: name, key, value, ...(flags === 0 ? {} : { flags }) })],
		[3, () => ({ delete: name, key })],
		[3, () => ({ lookup: name, key })],
		[2, () => ({ take: name, key })],
		[
			kind.keys !== undefined && kind.ordered?.(map.flags) ? 3 : 0,
			() => ({ next: name, key: random.chance(30) ? null : key }),
		],
		[1, () => ({ freeze: name })],
		// a bucket of a hash may hold all of them
		[
			1,
			() => ({
				batch: name,
				count: kind.keys === "index" ? random.between(1, 5) : 64,
				remove: random.chance(40),
			}),
		],
		[
			1,
			() => {
				const entry = () => [hex(hostKey(random, map)), hex(random.bytes(value.length / 2))] as const;
				return {
					updateBatch: name,
					entries: kind.devices ? [[key, value]] : [[key, value], entry(), entry()],
				};
			},
		],
		[1, () => ({ deleteBatch: name, keys: [key, hex(hostKey(random, map))] })],
	])();
}

function hostKey(random: Random, { kind, keySize, maxEntries }: TestMap): Uint8Array {
	const bytes = new Uint8Array(keySize);
	if (kind.keys === "prefix") {
		bytes[0] = random.weighted([
			[6, random.below((keySize - 4) * 8 + 1)],
			[1, (keySize - 4) * 8],
			[1, (keySize - 4) * 8 + 1],
		]);
		for (let at = 4; at < keySize; at++) bytes[at] = random.pick([0, 1, 0x80, 0xc0, 0xff, 10]);
	} else if (kind.keys === "index") bytes[0] = random.below(maxEntries + 2);
	else if (kind.keys === "any") bytes[0] = random.below(8);
	return bytes;
}

/** A value of a map that a register holds the address of. */
interface Held {
	readonly register: number;
	readonly map: TestMap;
}

class Program {
	readonly code: Builder;
	readonly maps: readonly TestMap[];
	readonly callbacks: string[][] = [];
	readonly held: Held[] = [];
	readonly outer: readonly OuterMap[];
	readonly ring: boolean;
	results = 0;

	constructor(random: Random, maps: readonly TestMap[], outer: readonly OuterMap[], ring: boolean) {
		this.code = new Builder(random);
		this.maps = maps;
		this.outer = outer;
		this.ring = ring;
	}

	/** A register's number becomes the next result. */
	result(register: string): void {
		if (this.results < RESULTS) this.code.emit(`*(u64 *)(r9 + ${8 * this.results++}) = ${register}`);
	}
}

/** r9: the value of `out`; r6 to r8: values that are held. */
function program(
	random: Random,
	tested: readonly TestMap[],
	outer: readonly OuterMap[],
	ring: boolean,
): readonly string[] {
	const it = new Program(random, tested, outer, ring);
	const { code } = it;
	code.emit("r9 = out[0]+0 ll");
	for (let at = 8; at <= -CONTEXT; at += 8) {
		if (random.chance(60)) code.emit(`*(u64 *)(r10 - ${at}) = ${code.imm()}`);
		else
			code.emit(
				"r1 = in[0]+0 ll",
				`r1 = *(u64 *)(r1 + ${8 * random.below(IN_WORDS)})`,
				`*(u64 *)(r10 - ${at}) = r1`,
			);
	}
	operations(it, random.between(2, 12), 0);
	code.emit(`r0 = ${random.below(5)}`, "exit");
	for (const lines of it.callbacks) code.emit(...lines);
	return code.lines;
}

function operations(it: Program, count: number, depth: number): void {
	for (let left = count; left > 0; left--) operation(it, depth);
}

function operation(it: Program, depth: number): void {
	const { random } = it.code;
	const map = random.pick(it.maps);
	const { kind } = map;
	const readable = (map.flags & F.WRONLY_PROG) === 0;
	const writable = (map.flags & F.RDONLY_PROG) === 0 && !kind.devices;
	if (it.ring && random.chance(20)) {
		ringOperation(it);
		return;
	}
	if (it.outer.length > 0 && random.chance(15)) {
		nested(it, random.pick(it.outer));
		return;
	}
	if (it.held.length > 0 && random.chance(30)) {
		useHeld(it, random.pick(it.held));
		return;
	}
	if (kind.keys === undefined) {
		queueOperation(it, map);
		return;
	}
	random.weighted<() => void>([
		[readable ? 5 : 0, () => lookup(it, map, depth, false)],
		[readable && kind.perCpu ? 2 : 0, () => lookup(it, map, depth, true)],
		[writable ? 6 : 0, () => update(it, map)],
		[writable ? 4 : 0, () => remove(it, map)],
		[kind.devices ? 5 : 0, () => redirect(it, map)],
		[kind.each && readable && it.callbacks.length < 3 ? 2 : 0, () => each(it, map)],
		[1, () => changeValue(it)],
	])();
}

/** A key for the map, at KEY. */
function setKey(it: Program, { kind, keySize, maxEntries }: TestMap): void {
	const { code } = it;
	const { random } = code;
	const input = random.chance(40);
	if (kind.keys === "prefix") {
		const bits = (keySize - 4) * 8;
		if (input)
			code.emit(
				"r1 = in[0]+0 ll",
				`r2 = *(u8 *)(r1 + ${8 * random.below(IN_WORDS)})`,
				`r2 *= ${random.between(1, 5)}`,
				`*(u32 *)(r10 ${offset(KEY)}) = r2`,
			);
		else code.emit(`*(u32 *)(r10 ${offset(KEY)}) = ${random.below(bits + 2)}`);
		for (let at = 4; at < keySize; at++) {
			if (random.chance(70))
				code.emit(`*(u8 *)(r10 ${offset(KEY + at)}) = ${random.pick([0, 1, 128, 192, 255, 10])}`);
		}
		return;
	}
	code.emit(`*(u64 *)(r10 ${offset(KEY)}) = 0`, `*(u64 *)(r10 ${offset(KEY + 8)}) = 0`);
	if (input)
		code.emit(
			"r1 = in[0]+0 ll",
			`r1 = *(u8 *)(r1 + ${8 * random.below(IN_WORDS)})`,
			`*(u8 *)(r10 ${offset(KEY)}) = r1`,
		);
	else code.emit(`*(u8 *)(r10 ${offset(KEY)}) = ${random.below(kind.keys === "index" ? maxEntries + 1 : 8)}`);
}

function changeValue(it: Program): void {
	const { code } = it;
	code.emit(`*(u64 *)(r10 ${offset(VALUE + 8 * code.random.below(MAX_VALUE / 8))}) = ${code.imm()}`);
}

function lookup(it: Program, map: TestMap, depth: number, perCpu: boolean): void {
	const { code } = it;
	const { random } = code;
	const miss = code.label();
	setKey(it, map);
	code.emit(`r1 = ${map.name} ll`, "r2 = r10", `r2 += ${KEY}`);
	if (perCpu) code.emit(`r3 = ${random.pick([0, 0, 1, 1, 2, 1000, -1])}`, "call 195");
	else code.emit("call 1");
	const register = [6, 7, 8].find((each) => !it.held.some((held) => held.register === each));
	if (register === undefined || depth > 2) {
		code.emit(`if r0 == 0 goto ${miss}`, `r1 = *(u8 *)(r0 + ${random.below(map.valueSize)})`);
		it.result("r1");
		code.place(miss);
		return;
	}
	code.emit(`r${register} = r0`, `if r${register} == 0 goto ${miss}`);
	it.held.push({ register, map });
	operations(it, random.between(1, 4), depth + 1);
	it.held.pop();
	code.place(miss);
	// whether there was one
	code.emit("r1 = 1", `if r${register} != 0 goto +1`, "r1 = 0");
	it.result("r1");
}

/** Reads, writes and atomics through the address. */
function useHeld(it: Program, { register, map }: Held): void {
	const { code } = it;
	const { random } = code;
	const width = random.pick(([1, 2, 4, 8] as const).filter((each) => each <= map.valueSize));
	const at = width * random.below(Math.floor(map.valueSize / width));
	const place = `*(u${width * 8} *)(r${register} + ${at})`;
	const writable = (map.flags & F.RDONLY_PROG) === 0 && !map.kind.devices;
	random.weighted<() => void>([
		[
			4,
			() => {
				code.emit(`r1 = ${place}`);
				it.result("r1");
			},
		],
		[writable ? 2 : 0, () => code.emit(`${place} = ${code.imm()}`)],
		[writable ? 2 : 0, () => code.emit(`r1 = ${place}`, `r1 += ${random.between(1, 9)}`, `${place} = r1`)],
		[
			writable && width >= 4 && !map.kind.perCpu ? 1 : 0,
			() => code.emit("r1 = 3", `lock ${place} += ${width === 8 ? "r" : "w"}1`),
		],
	])();
}

/** A place for a value to come from: the stack, or a held value that is large enough. */
function valueArgument(it: Program, register: number, size: number): void {
	const { code } = it;
	const fitting = it.held.filter(({ map }) => map.valueSize >= size && (map.flags & F.WRONLY_PROG) === 0);
	if (fitting.length > 0 && code.random.chance(30))
		code.emit(`r${register} = r${code.random.pick(fitting).register}`);
	else code.emit(`r${register} = r10`, `r${register} += ${VALUE}`);
}

function flagsArgument(it: Program, register: number): void {
	const { code } = it;
	const { random } = code;
	if (random.chance(92))
		code.emit(
			`r${register} = ${random.weighted([
				[8, 0],
				[3, 1],
				[3, 2],
				[1, 3],
				[1, 4],
				[1, 8],
			])}`,
		);
	else code.emit(`r${register} = ${code.imm64()} ll`);
}

function update(it: Program, map: TestMap): void {
	const { code } = it;
	setKey(it, map);
	if (code.random.chance(40)) changeValue(it);
	code.emit(`r1 = ${map.name} ll`, "r2 = r10", `r2 += ${KEY}`);
	valueArgument(it, 3, map.valueSize);
	flagsArgument(it, 4);
	code.emit("call 2");
	it.result("r0");
}

function remove(it: Program, map: TestMap): void {
	setKey(it, map);
	it.code.emit(`r1 = ${map.name} ll`, "r2 = r10", `r2 += ${KEY}`, "call 3");
	it.result("r0");
}

function queueOperation(it: Program, map: TestMap): void {
	const { code } = it;
	const { random } = code;
	const bloom = map.kind.type === 30;
	const readable = (map.flags & F.WRONLY_PROG) === 0;
	const writable = (map.flags & F.RDONLY_PROG) === 0;
	if (random.chance(50) && writable) {
		if (random.chance(50)) changeValue(it);
		code.emit(`r1 = ${map.name} ll`);
		valueArgument(it, 2, map.valueSize);
		flagsArgument(it, 3);
		code.emit("call 87");
		it.result("r0");
		return;
	}
	if (!readable) return;
	if (bloom) {
		code.emit(`r1 = ${map.name} ll`);
		valueArgument(it, 2, map.valueSize);
		code.emit("call 89");
		it.result("r0");
		return;
	}
	code.emit(
		`r1 = ${map.name} ll`,
		"r2 = r10",
		`r2 += ${POPPED}`,
		`call ${writable ? random.pick([88, 89]) : 89}`,
	);
	it.result("r0");
	for (let at = 0; at < map.valueSize; at += 8) {
		code.emit(`r1 = *(u64 *)(r10 ${offset(POPPED + at)})`);
		it.result("r1");
	}
}

/** A callback sums keys and values; it may write, stop, delete or update. */
function each(it: Program, map: TestMap): void {
	const { code } = it;
	const { random } = code;
	const name = `each${it.callbacks.length}`;
	const ordered = map.kind.ordered?.(map.flags) ?? false;
	const body = new Builder(random);
	const width = random.pick(([1, 2, 4, 8] as const).filter((each) => each <= map.valueSize));
	const keyWidth = map.keySize >= 4 ? 32 : map.keySize >= 2 ? 16 : 8;
	body.place(name);
	body.emit("r6 = r1", "r7 = r2", "r8 = r3", "r9 = r4");
	body.emit(
		"r1 = *(u64 *)(r9 + 0)",
		`r1 ${ordered ? "*= 31" : "+= 1"}`,
		`r2 = *(u${keyWidth} *)(r7 + 0)`,
		"r1 += r2",
	);
	body.emit(`r2 = *(u${width * 8} *)(r8 + 0)`, "r1 += r2", "*(u64 *)(r9 + 0) = r1");
	if ((map.flags & F.RDONLY_PROG) === 0) {
		if (random.chance(30)) body.emit("r2 += 1", `*(u${width * 8} *)(r8 + 0) = r2`);
		// what is freed first is what the next insert gets, and so what a held address shows
		if (ordered && random.chance(25)) body.emit("r1 = r6", "r2 = r7", "call 3");
		else if (ordered && random.chance(20)) {
			// the value of the element itself, or what the caller keeps
			body.emit("r1 = r6", "r2 = r7", "r3 = r8", `r4 = ${random.pick([0, 2])}`, "call 2");
		}
	}
	if (ordered && random.chance(30)) body.emit("r0 = *(u8 *)(r9 + 0)", "r0 &= 1");
	else body.emit("r0 = 0");
	body.emit("exit");
	it.callbacks.push(body.lines);
	code.emit(
		`*(u64 *)(r10 ${offset(CONTEXT)}) = 0`,
		`r1 = ${map.name} ll`,
		`r2 = ${name} ll`,
		"r3 = r10",
		`r3 += ${CONTEXT}`,
	);
	code.emit(`r4 = ${random.chance(95) ? 0 : 1}`, "call 164");
	it.result("r0");
	code.emit(`r1 = *(u64 *)(r10 ${offset(CONTEXT)})`);
	it.result("r1");
}

/** bpf_redirect_map: XDP_REDIRECT, or the flags where nothing is. */
function redirect(it: Program, map: TestMap): void {
	const { code } = it;
	const { random } = code;
	code.emit(`r1 = ${map.name} ll`);
	if (random.chance(50)) code.emit("r2 = in[0]+0 ll", `r2 = *(u64 *)(r2 + ${8 * random.below(IN_WORDS)})`);
	else code.emit(`r2 = ${random.below(8)}`);
	code.emit(
		`r3 = ${random.weighted([
			[5, random.below(4)],
			[1, 4],
			[1, 8],
			[1, 16],
			[1, 24],
			[1, -1],
		])}`,
		"call 51",
	);
	it.result("r0");
}

/** An operation on a map that a lookup gives. */
function nested(it: Program, { name, inner }: OuterMap): void {
	const { code } = it;
	const { random } = code;
	const miss = code.label();
	const readable = (inner.flags & F.WRONLY_PROG) === 0;
	const writable = (inner.flags & F.RDONLY_PROG) === 0 && !inner.kind.devices;
	code.emit(
		`*(u64 *)(r10 ${offset(KEY)}) = ${random.below(4)}`,
		`r1 = ${name} ll`,
		"r2 = r10",
		`r2 += ${KEY}`,
		"call 1",
	);
	code.emit(`if r0 == 0 goto ${miss}`, `*(u64 *)(r10 ${offset(CONTEXT)}) = r0`);
	setKey(it, inner);
	code.emit(`r1 = *(u64 *)(r10 ${offset(CONTEXT)})`, "r2 = r10", `r2 += ${KEY}`);
	if (readable && (!writable || random.chance(50))) {
		code.emit("call 1", `if r0 == 0 goto ${miss}`, "r1 = *(u8 *)(r0 + 0)");
		it.result("r1");
	} else if (writable && random.chance(60)) {
		code.emit("r3 = r10", `r3 += ${VALUE}`);
		flagsArgument(it, 4);
		code.emit("call 2");
		it.result("r0");
	} else if (writable) {
		code.emit("call 3");
		it.result("r0");
	}
	code.place(miss);
}

/** The host reads the records after each run. */
function ringOperation(it: Program): void {
	const { code } = it;
	const { random } = code;
	const size = random.weighted([
		[8, random.between(1, MAX_VALUE)],
		[1, 2000],
		[1, 4088],
		[1, 4096],
	]);
	if (random.chance(25)) {
		code.emit("r1 = ring ll", `r2 = ${random.below(5)}`, "call 134");
		it.result("r0");
	} else if (random.chance(50)) {
		code.emit(
			"r1 = ring ll",
			"r2 = r10",
			`r2 += ${VALUE}`,
			`r3 = ${Math.min(size, MAX_VALUE)}`,
			`r4 = ${random.below(4)}`,
			"call 130",
		);
		it.result("r0");
	} else {
		const full = code.label();
		code.emit(
			"r1 = ring ll",
			`r2 = ${size}`,
			`r3 = ${random.chance(95) ? 0 : 1}`,
			"call 131",
			`if r0 == 0 goto ${full}`,
		);
		// all of it: what nobody writes is what was there
		if (size <= MAX_VALUE) {
			code.emit("r1 = 0");
			for (let at = 0; at < size; at++) code.emit(`*(u8 *)(r0 + ${at}) = ${random.below(256)}`);
		}
		const kept = size <= MAX_VALUE && random.chance(70);
		code.emit("r1 = r0", `r2 = ${random.below(3)}`, `call ${kept ? 132 : 133}`);
		code.place(full);
	}
}
