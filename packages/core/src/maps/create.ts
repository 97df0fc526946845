import { TailhopError } from "../errors/index.ts";
import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";
import { EINVAL, ENOMEM } from "./errno.ts";
import { accessOk } from "./flags.ts";
import type { MapWorld, SpecialField } from "./kind.ts";
import { MAP_KINDS, mapTypeName } from "./kinds.ts";
import { HEADER_SIZE, MAP } from "./layout.ts";
import type { MapRuntime } from "./runtime.ts";
import type { MapInstance } from "./types.ts";

export interface MapOptions {
	/** Possible CPUs. */
	readonly cpus: number;
	/** The Environment's seed: hash tables get theirs from it and the map's index. */
	readonly seed: bigint;
	/** Devices and programs that values may name; default: any device, no program. */
	readonly world?: Partial<MapWorld>;
	/** Locks, timers and kernel pointers in a value. */
	readonly special?: readonly SpecialField[];
}

/**
 * BPF_MAP_CREATE.
 *
 * @param index in the machine's list of maps: word 0 of the header
 * @throws TailhopError machine/unsupported for a kind that is not there, machine/invalid-input where the kernel
 * refuses (detail.errno), machine/memory where it does not fit
 */
export function createMap(
	runtime: MapRuntime,
	def: LinkedMap,
	index: number,
	{ cpus, seed, world, special }: MapOptions,
): MapInstance {
	const kind = MAP_KINDS[def.type];
	if (!kind) {
		throw new TailhopError(
			"machine/unsupported",
			`map ${def.name}: ${mapTypeName(def.type)} maps are not implemented`,
			{ map: def.name },
			{ detail: { mapType: def.type } },
		);
	}
	const refused = checkMap(def, cpus);
	if (refused) throw refusal(def, kind.name, refused);

	const address = runtime.allocControl(HEADER_SIZE);
	const { memory } = runtime;
	memory.setU32(address + MAP.INDEX, index);
	memory.setU32(address + MAP.TYPE, def.type);
	memory.setU32(address + MAP.KEY_SIZE, def.keySize);
	memory.setU32(address + MAP.VALUE_SIZE, def.valueSize);
	memory.setU32(address + MAP.MAX_ENTRIES, def.maxEntries);
	memory.setU32(address + MAP.FLAGS, def.flags);
	memory.setU32(address + MAP.CPUS, cpus);
	const context = {
		runtime,
		world: worldOf(cpus, world),
		special: kept(def, special),
		def,
		index,
		address,
		cpus,
		seed: def.flags & MAP_FLAG.ZERO_SEED ? 0 : mapSeed(seed, index),
	};
	const failed = kind.setup(context);
	if (failed === 0) return kind.open(context);
	runtime.freeControl(address, HEADER_SIZE);
	throw refusal(def, kind.name, failed);
}

/**
 * The instance of a map that stands in memory already: for another worker over the same memory, which gets `def`
 * and the header's address from the maker.
 */
export function openMap(runtime: MapRuntime, def: LinkedMap, address: number): MapInstance {
	const kind = MAP_KINDS[def.type];
	const word = (offset: number) => runtime.memory.u32(address + offset);
	if (!kind || word(MAP.TYPE) !== def.type || word(MAP.VALUE_SIZE) !== def.valueSize) {
		throw new TailhopError("machine/invalid-input", `there is no map ${def.name} at ${address}`, {
			map: def.name,
		});
	}
	const cpus = word(MAP.CPUS);
	const world = worldOf(cpus, {});
	return kind.open({ runtime, def, index: word(MAP.INDEX), address, cpus, seed: 0, world, special: [] });
}

/** Kinds whose values may have a lock, or a timer (map_check_btf); the kernel makes others without the fields. */
const MAY_HAVE: Readonly<Record<string, readonly number[]>> = {
	bpf_spin_lock: [1, 2, 19, 24, 28, 29, 32],
	bpf_timer: [1, 2, 9],
	bpf_wq: [1, 2, 9],
};

function kept({ type, flags }: LinkedMap, special: readonly SpecialField[] = []): readonly SpecialField[] {
	const closed = (flags & (MAP_FLAG.RDONLY_PROG | MAP_FLAG.WRONLY_PROG)) !== 0;
	return closed || special.some(({ name }) => MAY_HAVE[name]?.includes(type) === false) ? [] : special;
}

const worldOf = (cpus: number, world: Partial<MapWorld> = {}): MapWorld => ({
	cpus,
	device: () => true,
	program: () => undefined,
	...world,
});

/** 0, or the -errno with which BPF_MAP_CREATE refuses this definition; kinds that are not implemented are 0. */
export function checkMap(def: LinkedMap, cpus: number): number {
	const kind = MAP_KINDS[def.type];
	if (!kind) return 0;
	if (def.mapExtra > (kind.mapExtra ?? 0n) || (def.flags & ~kind.flags) !== 0 || !accessOk(def.flags))
		return EINVAL;
	return kind.check(def, cpus);
}

/** Bytes of control area that these maps can come to need: what `chooseDataBase` wants to know. */
export function controlNeed(defs: readonly LinkedMap[], cpus: number): number {
	let bytes = 0;
	for (const def of defs) bytes += MAP_KINDS[def.type]?.controlNeed(def, cpus) ?? 0;
	// host calls, slabs cut but not used up, the machine's own records
	return Math.ceil(bytes) + 2 ** 18;
}

function refusal(def: LinkedMap, kind: string, errno: number): TailhopError {
	const what = `map ${def.name} (${kind}, key ${def.keySize}, value ${def.valueSize}, ${def.maxEntries} entries, flags 0x${def.flags.toString(16)})`;
	if (errno === ENOMEM) {
		return new TailhopError(
			"machine/memory",
			`${what} does not fit into the machine's memory`,
			{ map: def.name },
			{ hint: "Set a smaller max_entries in the Target.", detail: { errno: 12 } },
		);
	}
	return new TailhopError(
		"machine/invalid-input",
		`${what}: the kernel refuses to create it (errno ${-errno})`,
		{ map: def.name },
		{ hint: "Check the sizes and flags of the map's definition.", detail: { errno: -errno } },
	);
}

/** A seed per map (splitmix32 over the Environment's seed and the index): the kernel's are random, ours repeat. */
function mapSeed(seed: bigint, index: number): number {
	const half = (shift: bigint) => Number(BigInt.asUintN(32, seed >> shift));
	let x = half(0n) + Math.imul(half(32n), 0x85ebca6b) + Math.imul(index + 1, 0x9e3779b9);
	x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
	x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
	return (x ^ (x >>> 15)) >>> 0;
}
