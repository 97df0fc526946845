import { MAP_TYPE, PROG_TYPE } from "../../isa/index.ts";
import { REG } from "../state/types.ts";
import { PROGRAM_TYPES } from "./program-types.ts";

/**
 * What 6.18's verifier knows of kinds of maps, beside which helpers take them (helperTakesMap) and what their flags let
 * programs do with values (programAccess).
 */

const M = MAP_TYPE;

/** Maps that a program may use (MAX_USED_MAPS). */
export const MAX_USED_MAPS = 64;

/** Kinds that sleepable programs may use; the others: "Sleepable programs can only use array, hash, ringbuf and local storage maps". */
export const SLEEPABLE_MAPS: ReadonlySet<number> = /* @__PURE__ */ new Set([
	...[M.HASH, M.LRU_HASH, M.ARRAY, M.PERCPU_HASH, M.PERCPU_ARRAY, M.LRU_PERCPU_HASH],
	...[M.ARRAY_OF_MAPS, M.HASH_OF_MAPS, M.RINGBUF, M.USER_RINGBUF, M.QUEUE, M.STACK, M.ARENA],
	...[M.SK_STORAGE, M.INODE_STORAGE, M.TASK_STORAGE, M.CGRP_STORAGE],
]);

/**
 * Kinds whose maps belong to the first program that uses them: one of another type, expected attach type or with other
 * frames gets EINVAL, without a log (map_type_contains_progs).
 */
export const OWNED_MAPS: ReadonlySet<number> = /* @__PURE__ */ new Set([M.PROG_ARRAY, M.DEVMAP, M.CPUMAP]);

/** Kinds whose values have addresses: BPF_PSEUDO_MAP_VALUE. An array must have but one element (ENOTSUPP). */
export const DIRECT_VALUE_MAPS: ReadonlySet<number> = /* @__PURE__ */ new Set([M.ARRAY, M.ARENA]);

/** Kinds whose lookup is not null where the key is a known number below max_entries (can_elide_value_nullness). */
export const CONSTANT_KEY_MAPS: ReadonlySet<number> = /* @__PURE__ */ new Set([M.ARRAY, M.PERCPU_ARRAY]);

/** What a looked-up value is once it is not null, where it isn't REG.MAP_VALUE (mark_ptr_not_null_reg). */
export const LOOKUP_GIVES: Readonly<Record<number, number>> = {
	[M.ARRAY_OF_MAPS]: REG.MAP_PTR,
	[M.HASH_OF_MAPS]: REG.MAP_PTR,
	[M.XSKMAP]: REG.XDP_SOCK,
	[M.SOCKMAP]: REG.SOCKET,
	[M.SOCKHASH]: REG.SOCKET,
};

/** Structures in values that are not plain bytes. */
export type SpecialStruct =
	| "bpf_spin_lock"
	| "bpf_res_spin_lock"
	| "bpf_timer"
	| "bpf_wq"
	| "bpf_task_work"
	| "bpf_list_head"
	| "bpf_rb_root";

/** How the kernel names them when it refuses them. */
const REFUSED_AS: Readonly<Partial<Record<SpecialStruct, string>>> = {
	bpf_spin_lock: "bpf_spin_lock",
	bpf_res_spin_lock: "bpf_spin_lock",
	bpf_timer: "bpf_timer",
	bpf_wq: "bpf_wq",
	bpf_list_head: "bpf_{list_head,rb_root}",
	bpf_rb_root: "bpf_{list_head,rb_root}",
};

/** Why a program of this type may not use a map with such a field; undefined: it may (check_map_prog_compatibility; EINVAL). */
export function specialFieldRefusal(field: SpecialStruct, programType: number): string | undefined {
	const name = REFUSED_AS[field];
	if (name === undefined) return undefined;
	if (PROGRAM_TYPES[programType]?.tracing) return `tracing progs cannot use ${name} yet`;
	if (programType === PROG_TYPE.SOCKET_FILTER && name === "bpf_spin_lock")
		return "socket filter progs cannot use bpf_spin_lock yet";
	return undefined;
}
