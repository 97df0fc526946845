/**
 * Asks the running kernel what core's MAP_HELPERS and MAP_KINDS say of 6.18, and prints every difference:
 *
 *   node scripts/run-ts.mjs scripts/probe-maps.ts            which helper takes which kind of map, which flags, inner maps
 *   node scripts/run-ts.mjs scripts/probe-maps.ts --print    what the kernel answers, a line a kind
 *
 * Programs are only loaded. Exit status 1: something differs.
 */
import {
	type ArgKind,
	BTF_INT,
	checkMap,
	encodeBtf,
	helpersAllowed,
	helperTakesMap,
	type Insn,
	linkedMap,
	MAP_KINDS,
	MAP_TYPE,
	mapTypeName,
	PROTOTYPES,
	TailhopError,
	unlikeInner,
} from "@tailhop/core";
import { type Kernel, type KernelMap, lastLine, type MapDefinition, openKernel } from "@tailhop/kernel";
import { ALLOWED_BY_TYPE } from "../packages/core/src/helpers/allowed.ts";
import { add, call, copy, EXIT, insn, lddw, move } from "./probe-insns.ts";

const print = process.argv.includes("--print");
let differences = 0;
const differs = (text: string) => {
	differences++;
	console.log(text);
};

/** Storage wants any BTF for key and value; callbacks want a function. */
const { bytes: BTF } = encodeBtf(
	{
		types: [
			{ kind: "void" },
			{ kind: "int", name: "int", size: 4, bits: 32, bitOffset: 0, encoding: BTF_INT.SIGNED },
			{ kind: "func_proto", type: 1, params: [] },
			{ kind: "func", name: "f", type: 2, linkage: 0 },
		],
	},
	new Set<string>(),
);

const NO_PREALLOC = 1;
const PAGE = 4096;

/** A definition that the kernel takes, a kind each. */
const sound = (type: number, kernel: Kernel): Omit<MapDefinition, "inner"> => {
	const plain = { type, keySize: 4, valueSize: 4, maxEntries: 1 };
	const storage = {
		...plain,
		maxEntries: 0,
		flags: NO_PREALLOC,
		btf: kernel.loadBtf(BTF),
		keyTypeId: 1,
		valueTypeId: 1,
	};
	switch (type) {
		case MAP_TYPE.LPM_TRIE:
			return { ...plain, keySize: 8, flags: NO_PREALLOC };
		case MAP_TYPE.STACK_TRACE:
			return { ...plain, valueSize: 8 };
		case MAP_TYPE.CGROUP_STORAGE:
		case MAP_TYPE.PERCPU_CGROUP_STORAGE:
			return { ...plain, keySize: 8, maxEntries: 0 };
		case MAP_TYPE.QUEUE:
		case MAP_TYPE.STACK:
		case MAP_TYPE.BLOOM_FILTER:
			return { ...plain, keySize: 0 };
		case MAP_TYPE.RINGBUF:
		case MAP_TYPE.USER_RINGBUF:
			return { ...plain, keySize: 0, valueSize: 0, maxEntries: PAGE };
		case MAP_TYPE.ARENA:
			return { ...plain, keySize: 0, valueSize: 0, flags: 1 << 10 };
		case MAP_TYPE.SK_STORAGE:
		case MAP_TYPE.INODE_STORAGE:
		case MAP_TYPE.TASK_STORAGE:
		case MAP_TYPE.CGRP_STORAGE:
			return storage;
		default:
			return plain;
	}
};

const ARRAY_OF_MAPS = 12;
const HASH_OF_MAPS = 13;
/** Takes sleepable programs only. */
const SYSCALL = 31;
/** All but struct_ops, which needs a kernel type, and arena, which nothing may use before it is mapped. */
const TYPES = Array.from({ length: 33 }, (_, type) => type).filter((type) => type !== 0 && type !== 26);

function make(kernel: Kernel, type: number): KernelMap {
	const inner =
		type === ARRAY_OF_MAPS || type === HASH_OF_MAPS
			? kernel.createMap({ type: 2, keySize: 4, valueSize: 4, maxEntries: 1 })
			: undefined;
	return kernel.createMap({ ...sound(type, kernel), ...(inner === undefined ? {} : { inner }) });
}

/** Puts something right for an argument into a register; context in r6, a socket in r7, zeroed stack below fp. */
function argument(kind: ArgKind, register: number, callback: number): readonly Insn[] | undefined {
	switch (kind) {
		case "ctx":
		case "ctx_or_null":
			return [copy(register, 6)];
		case "map":
			return lddw(register, 5, 0);
		case "func":
			return lddw(register, 4, callback);
		case "sock":
		case "sock_or_null":
		case "sock_common":
		case "sock_common_or_null":
			return [copy(register, 7)];
		case "stack_or_null":
		case "btf_ptr_or_null":
			return [move(register, 0)];
		case "btf_ptr":
			return [copy(register, 8)];
		case "anything":
		case "size":
		case "size_or_zero":
		case "alloc_size":
			return [move(register, kind === "anything" ? 0 : 8)];
		case "dynptr":
		case "const_str":
		case "spin_lock":
		case "timer":
		case "ringbuf_mem":
		case "percpu_btf_ptr":
		case "kptr":
			return undefined;
		default:
			return [copy(register, 10), add(register, -64)];
	}
}

/** Where a context has its socket. */
const SOCKET: Readonly<Record<number, readonly [opcode: number, offset: number]>> = {
	3: [0x79, 168],
	8: [0x79, 168],
	// bpf_sock_ops.sk
	13: [0x79, 184],
	16: [0x79, 64],
	14: [0x79, 168],
	21: [0x79, 56],
};

const NO =
	/cannot pass map_type|callback function not allowed|expected prog array map|write into map forbidden|invalid zero-sized read|invalid arg_type for sockmap/;
/** Complaints that come once the call is accepted. */
const YES = /reference leak|^processed \d+/;

/** What the verifier says to this helper with this map, in the program type that comes furthest. */
function ask(kernel: Kernel, map: KernelMap, id: number, args: readonly ArgKind[]): string {
	let first = "";
	for (const type of Object.keys(ALLOWED_BY_TYPE).map(Number)) {
		if (!helpersAllowed(type, 0)?.has(id)) continue;
		if (type === SYSCALL) continue;
		const socket = SOCKET[type];
		const start = [copy(6, 1)];
		for (let offset = 8; offset <= 128; offset += 8) start.push(insn(0x7a, 10, 0, -offset, 0));
		if (args.some((arg) => arg.startsWith("sock"))) {
			if (socket === undefined) continue;
			start.push(insn(socket[0], 7, 6, socket[1]), insn(0x55, 7, 0, 2, 0), move(0, 0), EXIT);
		}
		if (args.includes("btf_ptr")) start.push(call(158), copy(8, 0));
		const length = args.reduce((sum, arg) => sum + (argument(arg, 1, 0)?.length ?? 0), 0);
		let at = start.length;
		const put: Insn[] = [];
		for (const [index, arg] of args.entries()) {
			const code = argument(arg, index + 1, start.length + length + 3 - at - 1);
			if (code === undefined) return "cannot be asked";
			put.push(...code);
			at += code.length;
		}
		const withCallback = args.includes("func");
		const insns = [...start, ...put, call(id), move(0, 0), EXIT, ...(withCallback ? [move(0, 0), EXIT] : [])];
		const funcInfo = new Uint8Array(Uint32Array.of(0, 3, insns.length - 2, 3).buffer);
		const result = kernel.loadProgram({
			type,
			insns,
			maps: [map],
			license: "GPL",
			...(withCallback ? { btf: kernel.loadBtf(BTF), funcInfo } : {}),
		});
		if (result.ok) {
			result.program.close();
			return "";
		}
		if (result.log === "") continue;
		if (NO.test(result.log)) return result.log;
		first ||= result.log;
	}
	return first || "no program type";
}

/** The errno of BPF_MAP_CREATE, or 0. */
function creates(kernel: Kernel, definition: MapDefinition): number {
	try {
		kernel.createMap(definition).close();
		return 0;
	} catch (error) {
		const errno = error instanceof TailhopError ? error.detail?.errno : undefined;
		if (typeof errno !== "number") throw error;
		return -errno;
	}
}

/** Changes to a sound definition: sizes, every flag, map_extra. Entries stay few: the kernel allocates for them. */
const CHANGES: readonly Partial<MapDefinition>[] = [
	...[0, 1, 3, 5, 8, 12, 16, 260, 261, 512, 513].map((keySize) => ({ keySize })),
	...[0, 1, 4, 5, 8, 16, 32, 1016, 1024, 32768, 32769, 65407, 65408, 65471, 65472].map((valueSize) => ({
		valueSize,
	})),
	...[0, 1, 3, 4096, 8192, 12288].map((maxEntries) => ({ maxEntries })),
	// up to BPF_F_TOKEN_FD, which is taken away before a kind is asked
	...Array.from({ length: 16 }, (_, bit) => ({ flags: 1 << bit })),
	...Array.from({ length: 16 }, (_, bit) => ({ flags: (1 << bit) | 1 })),
	{ flags: 3 << 3 },
	{ flags: 3 << 7 },
	{ mapExtra: 3n },
	{ mapExtra: 16n },
];

/** Whether core refuses what the kernel refuses, with its errno. */
function checkCreation(kernel: Kernel, type: number): number {
	const base = sound(type, kernel);
	const shape = { name: "inner", type: MAP_TYPE.ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 };
	const template = linkedMap(shape);
	const ofMaps = type === ARRAY_OF_MAPS || type === HASH_OF_MAPS;
	const inner = ofMaps ? kernel.createMap(shape) : undefined;
	const changes = CHANGES.filter(({ valueSize = 65408, maxEntries = 1 }) => {
		// what only the value's BTF, or the kernel's CONFIG_NR_CPUS, decides
		const typed = base.btf !== undefined && valueSize < 65408;
		return !typed && !(type === MAP_TYPE.CPUMAP && maxEntries > 64);
	});
	for (const change of changes) {
		const definition = { ...base, ...change, ...(inner === undefined ? {} : { inner }) };
		const theirs = creates(kernel, definition);
		const { btf: _btf, inner: _inner, ...plain } = definition;
		const ours = checkMap(
			linkedMap({ name: "m", ...plain, ...(ofMaps ? { inner: template } : {}) }),
			kernel.cpus,
		);
		if (ours !== theirs)
			differs(
				`creating ${mapTypeName(type)} with ${Object.entries(change)}: the kernel says ${theirs}, core ${ours}`,
			);
	}
	inner?.close();
	return changes.length;
}

/** Whether maps that differ from a template in one thing may take its place, and what may be a template at all. */
function checkInnerMaps(kernel: Kernel, type: number): number {
	const { btf: _btf, ...base } = sound(type, kernel);
	const def = linkedMap({ name: "m", ...base });
	const template = make(kernel, type);
	const outerDef = { type: ARRAY_OF_MAPS, keySize: 4, valueSize: 4, maxEntries: 1 };
	const theirs = creates(kernel, { ...outerDef, inner: template });
	const ours = checkMap(linkedMap({ name: "m", ...outerDef, inner: def }), 1);
	if (ours !== theirs) differs(`${mapTypeName(type)} as inner map: the kernel says ${theirs}, core ${ours}`);
	if (theirs !== 0) return 1;
	const outer = kernel.createMap({ ...outerDef, inner: template });
	const changes: Partial<Omit<MapDefinition, "inner">>[] = [
		{},
		{ keySize: 8 },
		{ valueSize: 8 },
		{ valueSize: 16 },
	];
	changes.push({ maxEntries: def.maxEntries * 2 });
	for (let bit = 0; bit < 13; bit++) changes.push({ flags: def.flags ^ (1 << bit) });
	let count = 1;
	for (const change of changes) {
		const definition = { ...sound(type, kernel), ...change };
		if (creates(kernel, definition) !== 0) continue;
		const map = kernel.createMap(definition);
		const fits = outer.hostUpdate(new Uint8Array(4), new Uint8Array(Int32Array.of(map.fd).buffer)) === 0;
		map.close();
		count++;
		if (fits !== (unlikeInner(def, { ...def, ...change }) === undefined))
			differs(`inner ${mapTypeName(type)} with ${Object.entries(change)}: ${fits ? "fits" : "does not fit"}`);
	}
	outer.close();
	template.close();
	return count;
}

const kernel = await openKernel();
let asked = 0;
let created = 0;
let inner = 0;
const answers = { yes: 0, no: 0, unknown: 0 };
for (const type of TYPES) {
	const map = make(kernel, type);
	const takes: number[] = [];
	const unclear: string[] = [];
	for (const prototype of PROTOTYPES.values()) {
		const { id, name, args } = prototype;
		if (!args.includes("map")) continue;
		const log = ask(kernel, map, id, args);
		asked++;
		const no = NO.test(log);
		const yes = log === "" || YES.test(lastLine(log) ?? "");
		if (!yes && !no) {
			answers.unknown++;
			unclear.push(`${name}: ${lastLine(log) ?? log}`);
			continue;
		}
		answers[yes ? "yes" : "no"]++;
		if (yes) takes.push(id);
		if (helperTakesMap(id, type) !== yes)
			differs(`bpf_${name} ${yes ? "takes" : "does not take"} ${mapTypeName(type)}`);
	}
	if (print) console.log(`${type} ${mapTypeName(type)}: ${takes.join(" ")}\n    ${unclear.join("\n    ")}`);
	map.close();
	if (MAP_KINDS[type] === undefined) continue;
	created += checkCreation(kernel, type);
	if (type !== ARRAY_OF_MAPS && type !== HASH_OF_MAPS) inner += checkInnerMaps(kernel, type);
}
console.log(`${created} definitions, ${inner} inner maps`);
console.log(
	`${asked} pairs: ${answers.yes} yes, ${answers.no} no, ${answers.unknown} not asked; ${differences} differences`,
);
process.exitCode = differences > 0 ? 1 : 0;
