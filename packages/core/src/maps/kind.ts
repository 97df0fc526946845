import type { LinkedMap } from "../spec/index.ts";
import type { MapRuntime } from "./runtime.ts";
import type { MapInstance } from "./types.ts";

/** What the values of some kinds name (references.ts). */
export interface MapWorld {
	/** Possible CPUs. */
	readonly cpus: number;
	/** Whether there is a network device of that index. */
	device(ifindex: number): boolean;
	/** The loaded program of an id. */
	program(id: number): { readonly type: number; readonly expectedAttachType: number } | undefined;
}

/** A field of a map's values that no copy touches (struct btf_field): "bpf_spin_lock", "bpf_timer", "kptr", … */
export interface SpecialField {
	readonly name: string;
	readonly offset: number;
	readonly size: number;
}

/** What a map is made from. */
export interface MapContext {
	readonly runtime: MapRuntime;
	readonly def: LinkedMap;
	readonly index: number;
	/** The header, its common words filled in. */
	readonly address: number;
	readonly cpus: number;
	/** Seed of hash tables; 0 under BPF_F_ZERO_SEED. */
	readonly seed: number;
	readonly world: MapWorld;
	readonly special: readonly SpecialField[];
}

/** One row of MAP_KINDS. */
export interface MapKind {
	/** BPF_MAP_TYPE_*. */
	readonly type: number;
	/** As bpftool and libbpf name it: "lru_hash". */
	readonly name: string;
	/** The flags that BPF_MAP_CREATE takes for it. */
	readonly flags: number;
	/** The largest map_extra; absent: it must be 0. */
	readonly mapExtra?: bigint;
	/** The kernel's map_alloc_check for everything else: 0 or -errno. */
	check(def: LinkedMap, cpus: number): number;
	/** Bytes of control area that it can come to need. */
	controlNeed(def: LinkedMap, cpus: number): number;
	/** Fills in the kind's part of a fresh header: 0 or -errno. */
	setup(context: MapContext): number;
	/** The instance over a header that is set up: the maker's, or another worker's. */
	open(context: MapContext): MapInstance;
}

export const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;
