import type { LinkedMap } from "../spec/index.ts";

/** BPF_F_* of BPF_MAP_CREATE and of element operations (include/uapi/linux/bpf.h). */
export const F = {
	NO_PREALLOC: 1 << 0,
	NO_COMMON_LRU: 1 << 1,
	NUMA_NODE: 1 << 2,
	RDONLY: 1 << 3,
	WRONLY: 1 << 4,
	STACK_BUILD_ID: 1 << 5,
	ZERO_SEED: 1 << 6,
	RDONLY_PROG: 1 << 7,
	WRONLY_PROG: 1 << 8,
	CLONE: 1 << 9,
	MMAPABLE: 1 << 10,
	PRESERVE_ELEMS: 1 << 11,
	INNER_MAP: 1 << 12,
} as const;

/** What host and programs may do: every kind with plain values takes these. */
export const ACCESS = F.RDONLY | F.WRONLY | F.RDONLY_PROG | F.WRONLY_PROG;

/** Kinds that the kernel makes BPF_F_RDONLY_PROG itself (dev_map_init_map). */
const DEVICES: readonly number[] = [14, 25];

/** What programs may do with a map's values (bpf_map_flags_to_cap). */
export function programAccess({ type, flags }: Pick<LinkedMap, "type" | "flags">): "rw" | "r" | "w" {
	if (flags & F.RDONLY_PROG || DEVICES.includes(type)) return "r";
	return flags & F.WRONLY_PROG ? "w" : "rw";
}

/** bpf_map_flags_access_ok: nothing may be closed to both reading and writing. */
export function accessOk(flags: number): boolean {
	const both = (a: number, b: number) => (flags & (a | b)) === (a | b);
	return !both(F.RDONLY, F.WRONLY) && !both(F.RDONLY_PROG, F.WRONLY_PROG);
}

/** Update modes. */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export const BPF_F_LOCK = 4;
