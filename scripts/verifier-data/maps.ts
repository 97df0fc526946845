/** Kinds of maps: who may use them, what a lookup gives, which values have addresses, special fields by program type. */
import { BtfBuilder, MAP_TYPE, PROG_TYPE, writeBtf } from "@tailhop/core";
import { type KernelMap, lastLine, type MapDefinition } from "@tailhop/kernel";
import {
	CONSTANT_KEY_MAPS,
	DIRECT_VALUE_MAPS,
	LOOKUP_GIVES,
	MAX_USED_MAPS,
	OWNED_MAPS,
	SLEEPABLE_MAPS,
	type SpecialStruct,
	specialFieldRefusal,
} from "../../packages/core/src/verifier/data/map-rules.ts";
import { REG, typeName } from "../../packages/core/src/verifier/state/types.ts";
import { add, call, copy, EXIT, insn, lddw, move } from "../probe-insns.ts";
import type { Prober, Way } from "./prober.ts";

const M = MAP_TYPE;
const NO_PREALLOC = 1;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

/** Kinds whose key, value or number of elements is not 4, 4 and 2. */
const SHAPES: Readonly<Record<number, Partial<MapDefinition>>> = {
	[M.STACK_TRACE]: { valueSize: 8 },
	[M.LPM_TRIE]: { keySize: 8, flags: NO_PREALLOC },
	[M.QUEUE]: { keySize: 0 },
	[M.STACK]: { keySize: 0 },
	[M.REUSEPORT_SOCKARRAY]: { valueSize: 8 },
	[M.RINGBUF]: { keySize: 0, valueSize: 0, maxEntries: 4096 },
	[M.USER_RINGBUF]: { keySize: 0, valueSize: 0, maxEntries: 4096 },
	[M.BLOOM_FILTER]: { keySize: 0 },
	[M.CGROUP_STORAGE]: { keySize: 16, maxEntries: 0 },
	[M.PERCPU_CGROUP_STORAGE]: { keySize: 16, maxEntries: 0 },
};
/** These need BTF. */
const STORAGES: readonly number[] = [M.SK_STORAGE, M.INODE_STORAGE, M.TASK_STORAGE, M.CGRP_STORAGE];
const MAPS_OF_MAPS: readonly number[] = [M.ARRAY_OF_MAPS, M.HASH_OF_MAPS];
/** Not asked: struct_ops maps are no program's, arenas need an address of their own. */
const NOT_ASKED: readonly number[] = [M.UNSPEC, M.STRUCT_OPS, M.ARENA];

function wayTo(prober: Prober, name: string): Way {
	const way = prober.ways().find((each) => each.name === name);
	if (way === undefined) throw new Error(`no way to load ${name}`);
	return way;
}

function createMap(prober: Prober, type: number, maxEntries = 2): KernelMap {
	const definition = { type, keySize: 4, valueSize: 4, maxEntries, ...SHAPES[type] };
	if (MAPS_OF_MAPS.includes(type)) {
		const inner = createMap(prober, M.ARRAY);
		try {
			return prober.kernel.createMap({ ...definition, inner });
		} finally {
			inner.close();
		}
	}
	if (!STORAGES.includes(type)) return prober.kernel.createMap(definition);
	const builder = new BtfBuilder();
	const int = builder.int("int", 4, 1);
	const btf = prober.kernel.loadBtf(writeBtf(builder.build()));
	return prober.kernel.createMap({
		...definition,
		maxEntries: 0,
		flags: NO_PREALLOC,
		btf,
		keyTypeId: int,
		valueTypeId: int,
	});
}

function checkKinds(prober: Prober): void {
	const [xdp, tc, syscall] = ["xdp", "sched_cls", "syscall"].map((name) => wayTo(prober, name));
	if (xdp === undefined || tc === undefined || syscall === undefined) return;
	for (const [name, type] of Object.entries(MAP_TYPE)) {
		if (NOT_ASKED.includes(type)) continue;
		const map = createMap(prober, type);
		const maps = [map];
		const use = [...lddw(1, 5, 0), move(0, 0), EXIT];
		const sleeps = prober.ask(syscall, use, { maps });
		prober.compare(`${name} in sleepable programs`, SLEEPABLE_MAPS.has(type), sleeps.ok);
		// the first program owns it; a refused one does not
		const [first, second] = [
			prober.kernel.loadProgram({ type: xdp.type, insns: use, maps }),
			prober.ask(tc, use, { maps }),
		];
		prober.compare(`${name} has an owner`, OWNED_MAPS.has(type) ? [true, false, 22] : [true, true, 0], [
			first.ok,
			second.ok,
			second.errno,
		]);
		if (first.ok) first.program.close();
		map.close();

		const one = createMap(prober, type, SHAPES[type]?.maxEntries ?? 1);
		const direct = prober.ask(tc, [...lddw(1, BPF_PSEUDO_MAP_IDX_VALUE, 0), move(0, 0), EXIT], {
			maps: [one],
		});
		prober.compare(`${name} has direct values`, DIRECT_VALUE_MAPS.has(type), direct.ok);
		checkLookup(prober, tc, name, type, one);
		one.close();
	}
}

function checkLookup(prober: Prober, way: Way, name: string, type: number, map: KernelMap): void {
	const keyed = [
		insn(0x7a, 10, 0, -16),
		insn(0x62, 10, 0, -8),
		...lddw(1, 5, 0),
		copy(2, 10),
		add(2, -8),
		call(1),
	];
	const release = [copy(1, 0), call(86)];
	const isSocket = LOOKUP_GIVES[type] === REG.SOCKET;
	const check = [insn(0x15, 0, 0, isSocket ? 2 : 0), ...(isSocket ? release : []), move(0, 0), EXIT];
	const { ok, log } = prober.ask(way, [...keyed, ...check], { maps: [map], log: 2 });
	// no helper for it, or no key: another table says so
	if (!ok) return;
	const given = /^\d+: \((?:15|bf)\).*; R0=([a-z_]+)/m.exec(log)?.[1] ?? /^\d+: R0=([a-z_]+)/m.exec(log)?.[1];
	// only what is checked changes its name
	if (type in LOOKUP_GIVES)
		prober.compare(`${name} gives`, true, log.includes(`R0=${typeName(LOOKUP_GIVES[type]!)}(`));
	else prober.compare(`${name} gives`, true, given === undefined || given.startsWith("map_value"));
	const unchecked = prober.ask(way, [...keyed, insn(0x71, 0, 0), EXIT], { maps: [map] }).ok;
	prober.compare(`${name}: a known key is there`, CONSTANT_KEY_MAPS.has(type), unchecked);
}

/** A value with one special field at 8; lists and trees need a lock beside, and say of what they are. */
export function specialValue(prober: Prober, field: SpecialStruct): KernelMap {
	const builder = new BtfBuilder();
	const int = builder.int("int", 4, 1);
	const long = builder.int("long", 8, 1);
	const small = field === "bpf_spin_lock" || field === "bpf_res_spin_lock";
	const size = small ? 4 : field === "bpf_task_work" ? 8 : 16;
	const opaque = (name: string, bytes: number) =>
		builder.struct(name, bytes, [
			{
				name: "opaque",
				type: bytes === 4 ? int : bytes === 8 ? long : builder.array(long, bytes / 8),
				offset: 0,
			},
		]);
	const special = opaque(field, size);
	const members = [
		{ name: "count", type: long, offset: 0 },
		{ name: "special", type: special, offset: 8 },
	];
	let valueSize = 8 + (small ? 8 : size);
	if (field === "bpf_list_head" || field === "bpf_rb_root") {
		const node = field === "bpf_list_head" ? opaque("bpf_list_node", 24) : opaque("bpf_rb_node", 32);
		const item = builder.struct("item", field === "bpf_list_head" ? 32 : 40, [
			{ name: "node", type: node, offset: 0 },
			{ name: "data", type: long, offset: field === "bpf_list_head" ? 24 : 32 },
		]);
		if (item === 0) throw new Error("no item");
		members.push({ name: "lock", type: opaque("bpf_spin_lock", 4), offset: valueSize });
		valueSize += 8;
	}
	const value = builder.struct("value", valueSize, members);
	if (field === "bpf_list_head" || field === "bpf_rb_root") builder.declTag("contains:item:node", value, 1);
	const btf = prober.kernel.loadBtf(writeBtf(builder.build()));
	try {
		return prober.kernel.createMap({
			type: M.ARRAY,
			keySize: 4,
			valueSize,
			maxEntries: 1,
			btf,
			keyTypeId: int,
			valueTypeId: value,
		});
	} finally {
		btf.close();
	}
}

function checkSpecialFields(prober: Prober): void {
	const fields: readonly SpecialStruct[] = [
		...(["bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_task_work"] as const),
		...(["bpf_list_head", "bpf_rb_root"] as const),
	];
	for (const field of fields) {
		const map = specialValue(prober, field);
		// it is one: a plain store into it is refused
		const store = [...lddw(1, BPF_PSEUDO_MAP_IDX_VALUE, 0), insn(0x62, 1, 0, 8), move(0, 0), EXIT];
		const touched = lastLine(prober.ask(wayTo(prober, "sched_cls"), store, { maps: [map] }).log) ?? "";
		prober.compare(`${field} is special`, true, touched.startsWith(`${field} cannot be accessed directly`));
		for (const way of prober.ways()) {
			const { ok, log } = prober.ask(way, [...lddw(1, 5, 0), move(0, 1), EXIT], { maps: [map] });
			const ours = specialFieldRefusal(field, way.type);
			// a list or a tree has a lock beside it, which is refused as well, and later
			prober.compare(`${field} in ${way.name}`, listed(field, way) ?? ours, ok ? undefined : lastLine(log));
		}
		map.close();
	}
}

/** A list's lock is what a socket filter may not have. */
function listed(field: SpecialStruct, way: Way): string | undefined {
	const withLock = field === "bpf_list_head" || field === "bpf_rb_root";
	return withLock && way.type === PROG_TYPE.SOCKET_FILTER
		? specialFieldRefusal("bpf_spin_lock", way.type)
		: undefined;
}

function checkLimit(prober: Prober): void {
	const maps = Array.from({ length: MAX_USED_MAPS + 1 }, () => createMap(prober, M.ARRAY));
	const use = (count: number) =>
		prober.ask(
			wayTo(prober, "xdp"),
			[...maps.slice(0, count).flatMap((_, i) => lddw(1, 5, i)), move(0, 0), EXIT],
			{ maps },
		).ok;
	prober.compare("most maps", [true, false], [use(MAX_USED_MAPS), use(MAX_USED_MAPS + 1)]);
	for (const map of maps) map.close();
}

export function checkMaps(prober: Prober): void {
	checkKinds(prober);
	checkSpecialFields(prober);
	checkLimit(prober);
}
