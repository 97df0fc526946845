import { MAP_FLAG } from "../isa/index.ts";
import type { LinearMemory } from "../memory/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { ArrayMap } from "./array.ts";
import type { BatchOperation } from "./base.ts";
import {
	E2BIG,
	EBADF,
	EEXIST,
	EINVAL,
	ENODEV,
	ENOENT,
	ENOMEM,
	ENOSPC,
	ENOTSUPP,
	EOPNOTSUPP,
	EOVERFLOW,
} from "./errno.ts";
import { HashMap, tableControlNeed } from "./hash.ts";
import type { MapContext, MapKind, MapWorld } from "./kind.ts";
import { HEADER_SIZE } from "./layout.ts";

/**
 * Maps whose values name something outside: devices and CPUs (kernel/bpf/devmap.c, cpumap.c), AF_XDP sockets
 * (net/xdp/xskmap.c), sockets (net/core/sock_map.c, kernel/bpf/reuseport_array.c). They are arrays and hash tables
 * whose updates look at the value first. A value that begins with a zero word is an empty entry.
 */
interface Reference {
	/** Whether this value can be had: 0, -errno, or "clear" for a value that empties the entry. */
	admit(value: Words, key: number, world: MapWorld): number | "clear";
	/** BPF_NOEXIST is looked at before the value, and an array refuses it always; BPF_EXIST means nothing. */
	readonly modeFirst?: boolean;
	/** What a delete past the end, and of an empty entry, answers. */
	readonly deleted: readonly [outside: number, empty: number];
	/** What a host's lookup gives: the value, a cookie (8 bytes, else ENOSPC), or nothing at all. */
	readonly lookup: "value" | "cookie" | "none";
}

/** The value's first word, and the second of 8 bytes: a program, or a descriptor's upper half. */
type Words = readonly [first: number, second: number];

/** BPF_XDP_DEVMAP, BPF_XDP_CPUMAP. */
const [XDP_DEVMAP, XDP_CPUMAP] = [33, 35];
const XDP = 6;

/** The program of a bpf_devmap_val or bpf_cpumap_val: 0 and less is none. The word is a program's id, as lookups give it. */
function programOk(id: number, attachType: number, world: MapWorld): boolean {
	if ((id | 0) <= 0) return true;
	const program = world.program(id);
	return program?.type === XDP && program.expectedAttachType === attachType;
}

/** struct bpf_cpumap_val.qsize. */
const MAX_QUEUE = 16384;

const device: Reference = {
	admit([ifindex, program], _key, world) {
		if (ifindex === 0) return (program | 0) > 0 ? EINVAL : "clear";
		return world.device(ifindex) && programOk(program, XDP_DEVMAP, world) ? 0 : EINVAL;
	},
	modeFirst: true,
	deleted: [EINVAL, 0],
	lookup: "value",
};

const cpu: Reference = {
	admit([queue, program], key, world) {
		if (queue > MAX_QUEUE) return EOVERFLOW;
		if (key >= world.cpus) return ENODEV;
		if (queue === 0) return "clear";
		return programOk(program, XDP_CPUMAP, world) ? 0 : ENOMEM;
	},
	modeFirst: true,
	deleted: [EINVAL, 0],
	lookup: "value",
};

const socket: Reference = {
	admit: ([descriptor, high]) => (high !== 0 ? EINVAL : descriptor === 0 ? EBADF : 0),
	deleted: [EINVAL, EINVAL],
	lookup: "cookie",
};

const xsk: Reference = { ...socket, deleted: [EINVAL, 0], lookup: "none" };
const listener: Reference = { ...socket, deleted: [E2BIG, ENOENT] };

const wordsOf = (memory: LinearMemory, value: number, { valueSize }: LinkedMap): Words => [
	memory.u32(value),
	valueSize === 8 ? memory.u32(value + 4) : 0,
];

/** What an update does: "clear", 0 to store the value, or -errno. */
function decide(
	rules: Reference,
	admitted: number | "clear",
	mode: number,
	exists: boolean,
): number | "clear" {
	if (rules.modeFirst) return mode === 1 && exists ? EEXIST : admitted;
	if (admitted !== 0) return admitted;
	if (mode === 1) return exists ? EEXIST : 0;
	return mode === 2 && !exists ? ENOENT : 0;
}

/** Address of what a host's lookup gives, 0, or -errno. */
function read(rules: Reference, found: number, { valueSize }: LinkedMap): number {
	if (rules.lookup === "none") return EOPNOTSUPP;
	return rules.lookup === "cookie" && valueSize !== 8 ? ENOSPC : found;
}

/** A negative descriptor of a program is none, and reads as 0. */
function withoutProgram(memory: LinearMemory, value: number, { valueSize }: LinkedMap): void {
	if (valueSize === 8 && (memory.u32(value + 4) | 0) < 0) memory.setU32(value + 4, 0);
}

class ReferenceArray extends ArrayMap {
	readonly #rules: Reference;
	readonly #world: MapWorld;

	constructor(context: MapContext, rules: Reference) {
		super(context);
		this.#rules = rules;
		this.#world = context.world;
	}

	/** The value, or 0 for an empty entry. */
	override lookup(keyPtr: number, cpu: number): number {
		const value = super.lookup(keyPtr, cpu);
		return value === 0 || this.runtime.memory.u32(value) === 0 ? 0 : value;
	}

	protected override get batches(): readonly BatchOperation[] {
		return [];
	}

	/** A program's socket: none of ours is in a state that the kernel takes. */
	override update(): number {
		return EOPNOTSUPP;
	}

	override delete(keyPtr: number): number {
		return this.deleteFromHost(keyPtr);
	}

	protected override getFromHost(key: number): number {
		return read(this.#rules, this.lookup(key, 0), this.def);
	}

	protected override putFromHost(key: number, value: number, mode: number): number {
		const rules = this.#rules;
		const { memory } = this.runtime;
		const index = memory.u32(key);
		if (index >= this.def.maxEntries) return E2BIG;
		const exists = rules.modeFirst === true || this.lookup(key, 0) !== 0;
		const action = decide(
			rules,
			rules.admit(wordsOf(memory, value, this.def), index, this.#world),
			mode,
			exists,
		);
		if (action === "clear") this.#clear(key);
		else if (action !== 0) return action;
		else {
			withoutProgram(memory, value, this.def);
			super.update(key, value, 0, 0);
		}
		return 0;
	}

	protected override deleteFromHost(key: number): number {
		const [outside, empty] = this.#rules.deleted;
		if (this.runtime.memory.u32(key) >= this.def.maxEntries) return outside;
		if (this.lookup(key, 0) === 0) return empty;
		this.#clear(key);
		return 0;
	}

	#clear(key: number): void {
		this.runtime.memory.setU32(super.lookup(key, 0), 0);
	}
}

class ReferenceHash extends HashMap {
	readonly #rules: Reference;
	readonly #world: MapWorld;

	constructor(context: MapContext, rules: Reference) {
		super(context);
		this.#rules = rules;
		this.#world = context.world;
	}

	protected override get batches(): readonly BatchOperation[] {
		return [];
	}

	override update(): number {
		return EOPNOTSUPP;
	}

	protected override getFromHost(key: number): number {
		return read(this.#rules, this.lookup(key, 0), this.def);
	}

	protected override putFromHost(key: number, value: number, mode: number): number {
		const rules = this.#rules;
		const { memory } = this.runtime;
		const admitted = rules.admit(wordsOf(memory, value, this.def), memory.u32(key), this.#world);
		// there are no empty entries
		if (rules.modeFirst && memory.u32(value) === 0) return EINVAL;
		const action = decide(rules, admitted, mode, this.lookup(key, 0) !== 0);
		if (action !== 0) return action === "clear" ? EINVAL : action;
		withoutProgram(memory, value, this.def);
		return super.update(key, value, 0, 0);
	}

	protected override takeFromHost(): number {
		return ENOTSUPP;
	}
}

/** CONFIG_NR_CPUS of x86-64 distributions. */
const NR_CPUS = 8192;
const HOST_ONLY = MAP_FLAG.NUMA_NODE | MAP_FLAG.RDONLY | MAP_FLAG.WRONLY;

function checkReferences({ keySize, valueSize, maxEntries }: LinkedMap): number {
	return keySize !== 4 || (valueSize !== 4 && valueSize !== 8) || maxEntries === 0 ? EINVAL : 0;
}

function arrayKind(type: number, name: string, rules: Reference, more: Partial<MapKind> = {}): MapKind {
	return {
		type,
		name,
		flags: HOST_ONLY,
		check: checkReferences,
		controlNeed: () => HEADER_SIZE,
		setup: ({ runtime, address }) => runtime.code.arrayCreate(address, 0),
		open: (context) => new ReferenceArray(context, rules),
		...more,
	};
}

function hashKind(type: number, name: string, rules: Reference, check: MapKind["check"]): MapKind {
	return {
		type,
		name,
		flags: HOST_ONLY,
		check,
		controlNeed: (def, cpus) => tableControlNeed(def, cpus, 16),
		setup: ({ runtime, address, seed }) => runtime.code.hashCreate(address, seed, 0),
		open: (context) => new ReferenceHash(context, rules),
	};
}

/** MAX_BPF_STACK, and U32_MAX / sizeof(struct bpf_shtab_bucket). */
const [MAX_KEY, MAX_BUCKETS] = [512, 2 ** 27];

export const references: readonly MapKind[] = [
	arrayKind(14, "devmap", device),
	arrayKind(15, "sockmap", socket),
	arrayKind(16, "cpumap", cpu, {
		flags: MAP_FLAG.NUMA_NODE,
		check: (def) => checkReferences(def) || (def.maxEntries > NR_CPUS ? E2BIG : 0),
	}),
	arrayKind(17, "xskmap", xsk, {
		check: (def) => (def.valueSize === 4 ? checkReferences(def) : EINVAL),
	}),
	hashKind(18, "sockhash", socket, (def) => {
		if (def.keySize === 0 || checkReferences({ ...def, keySize: 4 })) return EINVAL;
		if (def.keySize > MAX_KEY) return E2BIG;
		return def.maxEntries > MAX_BUCKETS ? EINVAL : 0;
	}),
	arrayKind(20, "reuseport_sockarray", listener, {
		flags: HOST_ONLY | MAP_FLAG.RDONLY_PROG | MAP_FLAG.WRONLY_PROG,
	}),
	hashKind(25, "devmap_hash", device, checkReferences),
];
