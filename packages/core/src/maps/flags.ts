import { MAP_FLAG } from "../isa/index.ts";
import type { LinkedMap } from "../spec/index.ts";

/** What host and programs may do: every kind with plain values takes these. */
export const ACCESS = MAP_FLAG.RDONLY | MAP_FLAG.WRONLY | MAP_FLAG.RDONLY_PROG | MAP_FLAG.WRONLY_PROG;

/** Kinds that the kernel makes BPF_F_RDONLY_PROG itself (dev_map_init_map). */
const DEVICES: readonly number[] = [14, 25];

/** What programs may do with a map's values (bpf_map_flags_to_cap). */
export function programAccess({ type, flags }: Pick<LinkedMap, "type" | "flags">): "rw" | "r" | "w" {
	if (flags & MAP_FLAG.RDONLY_PROG || DEVICES.includes(type)) return "r";
	return flags & MAP_FLAG.WRONLY_PROG ? "w" : "rw";
}

/** bpf_map_flags_access_ok: nothing may be closed to both reading and writing. */
export function accessOk(flags: number): boolean {
	const both = (a: number, b: number) => (flags & (a | b)) === (a | b);
	return !both(MAP_FLAG.RDONLY, MAP_FLAG.WRONLY) && !both(MAP_FLAG.RDONLY_PROG, MAP_FLAG.WRONLY_PROG);
}

/** Update modes. */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export const BPF_F_LOCK = 4;
